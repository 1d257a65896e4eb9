/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The wide profile of each RIS: designed once for the region, kept in the state folder under a hash
 * of everything it depends on, and loaded into two slots of the board, as it is and with its sign
 * flipped. Setup only. */
#pragma once
#include "frames/ris_profile.h"
#include "host/bs_config.h"
#include "host/ris_client.h"

enum { PROFILE_SLOT_PLUS = 0, PROFILE_SLOT_MINUS = 1 };

struct profile {
    struct ris_shape shape;
    uint8_t state[RIS_SIDE_MAX * RIS_SIDE_MAX];
    uint64_t hash; /* of the base pattern */
};

/* Designs board's profile or reads the cached one. */
int profile_design(const struct bs_cfg *cfg, size_t board, struct profile *out,
                   struct status *err) MUST_CHECK;

/* Puts both signs on the board, shows the base profile, selects the rising trigger edge. */
int profile_load(struct ris_client *client, size_t board, const struct profile *profile,
                 struct status *err) MUST_CHECK;

/* The armed sequence of a cycle: the board's code once per repetition after the burst's edge, once
 * after the response's. */
struct ris_arm profile_sequence(const struct bs_cfg *cfg, const struct schedule *s, size_t board);
