/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Live pilots on the boards: their profiles lie in each board's last slots, as they are and with
 * their sign flipped, and are armed between a cycle's answer and its train. */
#pragma once
#include "host/pilot_profiles.h"
#include "host/profile_set.h"
#include "host/ris_client.h"

/* Puts them on the board; ERR_ARG when it has too few slots beside those of `set`. */
int pilot_profiles_load(struct ris_client *client, size_t board, const struct profile_set *set,
                        struct pilot_profiles *profiles, struct status *err) MUST_CHECK;

/* The schedule thread's part: arms the surface that steps and the one that holds still. */
struct pilot_arming_cfg {
    const struct bs_cfg *cfg;
    const struct schedule *schedule;
    struct ris_client *client;
    const struct profile_set *profiles; /* [BS_RIS] */
    struct pilot_profiles *pilots;      /* [BS_RIS] */
};

struct pilot_arming {
    struct pilot_arming_cfg cfg;
    struct ris_arm step[BS_RIS], hold[BS_RIS];
    uint64_t hash[BS_RIS][2]; /* what a board that holds our profiles acknowledges */
    int64_t reload_ns;        /* earliest time of the next attempt to load pilots again */
};

/* Pointers in cfg outlive it. */
void pilot_arming_init(struct pilot_arming *a, const struct pilot_arming_cfg *cfg);

/* Arms for the train of a cycle, between its answer and its train: the sequences of the cycle are
 * over, or the boards refuse. True when both boards acknowledged in time what we mean. A board that
 * has lost its pilots gets them again. */
bool pilot_arming_run(struct pilot_arming *a, uint64_t cycle);
