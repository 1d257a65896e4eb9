/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pilot_mean.h"

#include <assert.h>
#include <cblas.h>
#include <stdlib.h>

struct pilot_mean {
    const struct near_field *nf;
    const cplx *profiles;
    size_t m, t;
    cplx *steering; /* [10 x M] */
};

struct pilot_mean *pilot_mean_create(const struct near_field *nf, const cplx *profiles,
                                     size_t n_pilots)
{
    assert(nf && profiles && n_pilots > 0);
    const size_t m = near_field_elements(nf);
    struct pilot_mean *mean = calloc(1, sizeof *mean);
    cplx *steering = aligned_alloc(64, (NEAR_FIELD_ROWS * m * sizeof(cplx) + 63) / 64 * 64);
    if (!mean || !steering) {
        free(mean);
        free(steering);
        return NULL;
    }
    openblas_set_num_threads(1);
    *mean = (struct pilot_mean){nf, profiles, m, n_pilots, steering};
    return mean;
}

void pilot_mean_destroy(struct pilot_mean **mean)
{
    if (!mean || !*mean)
        return;
    free((*mean)->steering);
    free(*mean);
    *mean = NULL;
}

void pilot_mean_at(struct pilot_mean *mean, struct vec3 p, const cplx *mask, int order, cplx *out)
{
    static const blasint rows_of[] = {1, 4, 10};
    const cplx one = 1, zero = 0;
    const blasint rows = rows_of[order], m = (blasint)mean->m, t = (blasint)mean->t;
    near_field_steer(mean->nf, p, order, mean->steering);
    if (mask)
        for (size_t r = 0; r < (size_t)rows; r++)
            for (size_t i = 0; i < mean->m; i++)
                if (mask[i] != 1)
                    mean->steering[r * mean->m + i] *= mask[i];
    cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, t, m, &one, mean->steering, m,
                mean->profiles, m, &zero, out, t);
}

const cplx *pilot_mean_steering(const struct pilot_mean *mean)
{
    return mean->steering;
}
