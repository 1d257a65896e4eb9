/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel as the room publishes it: response sets, and snapshots that say from when one holds
 * and with which signs of the two surfaces. Comes with sim/air.h. */
#pragma once
#include "sim/air.h"

#ifdef __cplusplus
extern "C" {
#endif

/* H(f,t) = g0 + e1 g1 + s1 (g2 + e3 g3) + s2 (g4 + e5 g5) + s1 s2 e6 g6,  e_i = exp(j w_i (t -
 * t_ref)). Power gain |H|^2 between the antenna ports. Outside +-0.42 fs the spectra fall smoothly
 * to 0. */
struct air_link {
    uint32_t groups; /* bit g set: spectrum g holds; others are not read */
    uint32_t reserved;
    double rate_rad_s[AIR_N_GROUP]; /* w_g; 0 for the static groups */
    float _Complex h[AIR_N_GROUP][AIR_N_BIN];
};

struct air_set {
    uint64_t id; /* from 1, rising by 1; written by air_set_begin */
    int64_t ref_tick;
};

/* Room only. Begin hands out the storage of the next set with all links empty, or ERR_BUSY while a
 * reader may still need the oldest one (air_room_wait and try again). Write the links, then commit.
 */
int air_set_begin(struct air *air, int64_t ref_tick, struct air_set *set) MUST_CHECK;
struct air_link *air_set_link(struct air *air, const struct air_set *set, unsigned tx_radio,
                              unsigned tx_port, unsigned rx_radio, unsigned rx_port);
void air_set_commit(struct air *air, const struct air_set *set);

struct air_snap {
    int64_t tick;       /* holds from here until the next snapshot */
    uint64_t set_id;    /* a committed set; never smaller than that of an earlier snapshot */
    float sign1, sign2; /* factors of RIS 1 and RIS 2 */
};
/* Room only. Appends n snapshots of rising tick, the first above the last one in the ring (equal
 * tick replaces it). ERR_NO_SPACE: ring full of snapshots still needed; ERR_ARG: order or set id.
 */
int air_snap_push(struct air *air, const struct air_snap *snaps, size_t n) MUST_CHECK;
/* Room only. Drops the snapshots from tick on, or from the first tick that nobody can have read
 * (the clock or the horizon has not passed it), whichever is later, and lowers the horizon to
 * there, so that they can be published anew. Returns from where on; later than tick: not all could
 * be dropped.
 */
int64_t air_snap_rewind(struct air *air, int64_t tick) MUST_CHECK;
/* The snapshot in force at tick; ERR_NOT_FOUND before the first one or after it left the ring. */
int air_snap_at(struct air *air, int64_t tick, struct air_snap *snap) MUST_CHECK;

#ifdef __cplusplus
}
#endif
