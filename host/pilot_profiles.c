/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/pilot_profiles.h"
#include "base/log.h"
#include "dsp/ris_model.h"
#include "dsp/rng.h"
#include <stdlib.h>

#define SEED 0x70696c6f7473u /* of all pilots of Mirador; the board's index is mixed in */

static size_t elements(const struct pilot_profiles *p)
{
    return (size_t)p->shape.columns * p->shape.rows;
}

int pilot_profiles_make(const struct bs_cfg *cfg, size_t board, struct pilot_profiles *out,
                        struct status *err)
{
    const struct bs_board *b = &cfg->ris.boards[board];
    struct rng rng = rng_seed(SEED + board);
    *out = (struct pilot_profiles){
        .shape = {(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits},
        .n = (size_t)cfg->pixels.train.n / 2,
    };
    out->state = calloc(out->n, elements(out));
    if (!out->state)
        return status_set(err, ERR_NO_MEMORY, "pilot profiles: out of memory");
    for (size_t i = 0; i < out->n * elements(out); i++)
        out->state[i] = (uint8_t)(rng_next(&rng) >> (64 - b->bits));
    return OK;
}

void pilot_profiles_free(struct pilot_profiles *profiles)
{
    free(profiles->state);
    profiles->state = NULL;
}

void pilot_profiles_gamma(const struct pilot_profiles *p, const struct ris_states *states,
                          cplx *gamma)
{
    ris_profile_gamma(p->state, p->n * elements(p), states, gamma);
}
