/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/agnostic.h"

#include <stdlib.h>

#define N_STARTS 8

struct agnostic {
    const struct pixel_model *model;
    struct codebook_scratch *scratch;
    struct varpro *vp;
};

struct agnostic *agnostic_create(const struct pixel_model *model)
{
    struct agnostic *est = calloc(1, sizeof *est);
    if (!est)
        return NULL;
    est->model = model;
    est->scratch = codebook_scratch_create(model->codebook);
    est->vp = varpro_create(model);
    if (!est->scratch || !est->vp)
        agnostic_destroy(&est);
    return est;
}

void agnostic_destroy(struct agnostic **est)
{
    if (*est) {
        codebook_scratch_destroy(&(*est)->scratch);
        varpro_destroy(&(*est)->vp);
    }
    free(*est);
    *est = NULL;
}

int agnostic_run(struct agnostic *est, const cplx *y, const cplx *mask, struct varpro_fit *fit)
{
    struct codebook_hit hits[N_STARTS];
    struct varpro_fit best = {.cost = -1}, trial;
    size_t n = codebook_search(est->model->codebook, est->scratch, y, hits, N_STARTS);
    int evals = 0;
    varpro_assume(est->vp, mask);
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 3; c++)
            trial.uvq[c] = hits[i].uvq[c];
        if (varpro_refine(est->vp, y, NULL, 0, false, &trial))
            continue;
        evals += trial.iterations;
        if (best.cost < 0 || trial.cost < best.cost)
            best = trial;
    }
    if (best.cost < 0)
        return ERR_GEOMETRY;
    *fit = best;
    int rc = varpro_refine(est->vp, y, NULL, 0, true, fit);
    fit->iterations += evals;
    return rc;
}
