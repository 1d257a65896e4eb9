/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The air of one simulated room: a shared-memory segment that the room process, and every process
 * with a simulated radio, map. It holds the clock, who takes part, the logs of what each TX port
 * sends, the edges of the trigger lines, and the channel as the room publishes it.
 * docs/simulator.md tells the whole story.
 *
 * Units: a tick is one sample of the room's nominal rate, tick 0 the creation of the room. Samples
 * are in sqrt(W). All functions are thread-safe; a process that dies anywhere in them harms nobody.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "frames/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    AIR_MAX_RADIOS = 17,
    AIR_MAX_PORTS = 32, /* per radio and direction */
    AIR_N_BIN = 2048,   /* bins of a response over the full rate, FFT order: bin i at i fs / 2048 */
    AIR_N_GROUP = 7, /* static, moving; RIS1 static, moving; RIS2 static, moving; cross (moving) */
    AIR_MAX_PRE = 160,  /* a response must be shorter than this before delay 0 (ringing) ... */
    AIR_MAX_POST = 352, /* ... and than this after it, in samples, down to -80 dB */
    AIR_N_SNAP = 4096,  /* snapshots in flight */
    AIR_N_EVENT = 4096, /* events in flight */
};
#define AIR_NEVER INT64_MAX

struct air_radio_cfg {
    char name[16];       /* the role a device asks for: "bs", "ue" */
    unsigned n_tx, n_rx; /* ports, 1..AIR_MAX_PORTS each */
    double ppm;          /* error of its clock, drives carrier and sample rate; NAN: by max_ppm */
    double max_ppm;      /* drawn uniformly in +-max_ppm from the seed */
    double noise_figure_db;    /* thermal noise is k 290 K rate NF */
    double phase_noise_dbc_hz; /* receive phase noise, flat up to phase_noise_hz; 0 Hz: none */
    double phase_noise_hz;
    double adc_bits; /* effective bits; 0: an ideal converter that still clips at full scale */
    double gain_spread_db;           /* gain error per receive channel, uniform in +- */
    double iq_gain_db, iq_phase_deg; /* imbalance of the receive mixer: I over Q, Q too far */
    double dc_offset;                /* of the converters' full scale, at an angle per channel */
    bool random_phase;               /* LO phase per channel, redrawn at start and at each tune */
    unsigned
        tx_latency_samps; /* a sample timed t leaves the antenna this much later, >= AIR_MAX_PRE */
};

struct air_cfg {
    char name[48];      /* segment /mirador-NAME; "" : private to this process, no name */
    double rate_hz;     /* common sample rate, > 0 */
    double carrier_hz;  /* where the responses hold; <= 0: any, equal on both sides (loopback) */
    double speed;       /* room seconds per wall second; gated: a cap, 0 = none; ungated: > 0 */
    bool gated;         /* time waits for the participants instead of them racing it */
    uint32_t gate_mask; /* bit r: tick 0 is left only once radio r has joined and waits in recv */
    double lapse_s; /* gated: a thread out of recv for this wall time leaves the gate; 0: never */
    uint64_t seed;
    unsigned n_radios;
    struct air_radio_cfg radios[AIR_MAX_RADIOS];
    unsigned n_sets; /* response sets in flight; 0: no room process, every link is flat_gain_db */
    double flat_gain_db;    /* used when n_sets is 0 */
    unsigned tx_ring_samps; /* samples each TX port may hold ahead of the readers (4 B each) */
};

struct air; /* handle of a mapping, one per process that creates or attaches */

/* Fills *cfg with the radio figures of scene lab (two radios: bs 4 TX + 4 RX, ue 1 + 1), 100 MS/s.
 */
void air_cfg_default(struct air_cfg *cfg);

/* Setup only. Creates the segment; stale segments of dead owners are removed first. NULL: says why
 * in *err (ERR_BUSY: a live room has that name; ERR_ARG; ERR_IO). Destroy unmaps, the creator also
 * unlinks. */
struct air *air_create(const struct air_cfg *cfg, struct status *err);
struct air *air_attach(const char *name,
                       struct status *err); /* ERR_NOT_FOUND, ERR_FORMAT (version) */
void air_destroy(struct air **air);
const struct air_cfg *
air_config(const struct air *air); /* ppm filled in; lives as long as the handle */
int air_radio_index(const struct air *air, const char *name); /* or ERR_NOT_FOUND */
bool air_room_alive(struct air *air); /* the creator's process ran at most 0.1 s ago */

/* --- clock ------------------------------------------------------------------------------------ */
int64_t air_now(const struct air *air); /* RT-safe */
/* The tick the clock wants to reach: gated, the earliest tick a waiting participant needs once all
 * wait (else air_now); ungated air_now. The room must publish up to it. */
int64_t air_wanted(struct air *air);
/* Room only: everything the room has to say about ticks < horizon is published. Monotone, except
 * after air_snap_rewind. The clock (gated) and the readers (always) wait for it. */
void air_set_horizon(struct air *air, int64_t horizon);
int64_t air_horizon(const struct air *air);
/* Sleeps until something may interest the room (events, joins, a new wanted tick, a notify), at
 * most timeout_s of wall time. *seen holds the caller's place (start with 0). */
void air_room_wait(struct air *air, uint32_t *seen, double timeout_s);
void air_notify(
    struct air *air); /* wakes air_room_wait and all other sleepers: async-signal-safe */

/* --- participants ----------------------------------------------------------------------------- */
enum air_radio_state {
    AIR_RADIO_NEVER,
    AIR_RADIO_LIVE,
    AIR_RADIO_LEFT,
    AIR_RADIO_DIED,
    AIR_RADIO_LOST, /* its device has gone; its process is expected to look for it */
};
struct air_radio_status {
    enum air_radio_state state;
    int pid;
    int64_t joined_tick;
    uint32_t generation; /* counts joins */
};
int air_radio_info(struct air *air, unsigned radio, struct air_radio_status *info) MUST_CHECK;

/* --- trigger lines ---------------------------------------------------------------------------- */
/* Edges are logged when they become known, mostly ahead of their tick: at the commit of a timed
 * burst or of a timed command. In order of logging, not of tick. The gated clock stands while
 * events are unread. */
enum air_event_kind { AIR_EVENT_GPIO, AIR_EVENT_JOIN, AIR_EVENT_LEAVE };
struct air_event {
    uint64_t seq;             /* from 0 */
    int64_t tick;             /* in the room's time, TX latency included for ATR edges */
    uint32_t kind, radio;     /* enum air_event_kind, radio index */
    uint32_t rising, falling; /* pins of bank FP0 that change here */
};
/* Room only: takes up to max events not yet taken. Returns how many. Taking marks them as consumed,
 * so the clock may go on as soon as the horizon allows: publish their effect, or lower the horizon
 * with air_snap_rewind, before calling air_events_done. */
size_t air_events_take(struct air *air, struct air_event *out, size_t max);
void air_events_done(struct air *air); /* all events taken so far are reflected in the snapshots */

#ifdef __cplusplus
}
#endif

#include "sim/air_channel.h"
