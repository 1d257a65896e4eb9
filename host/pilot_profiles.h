/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The random profiles that a surface steps through for live pilots: made from a fixed seed per
 * board, so that a recording need not hold them. */
#pragma once
#include "dsp/cplx.h"
#include "dsp/ris_states.h"
#include "frames/ris_profile.h"
#include "host/bs_config.h"

struct pilot_profiles {
    struct ris_shape shape;
    size_t n;                  /* T/2 */
    uint16_t first_slot;       /* profile i: first_slot + 2 i, its inverse one on */
    uint8_t *state;            /* [n x elements] */
    uint64_t hash[PILOTS_MAX]; /* of each slot, from the first */
};

/* Draws the profiles of a board. ERR_NO_MEMORY. */
int pilot_profiles_make(const struct bs_cfg *cfg, size_t board, struct pilot_profiles *out,
                        struct status *err) MUST_CHECK;
void pilot_profiles_free(struct pilot_profiles *profiles);

/* What half the difference of a pilot and its inverse reflects, [n x elements]. */
void pilot_profiles_gamma(const struct pilot_profiles *profiles, const struct ris_states *states,
                          cplx *gamma);
