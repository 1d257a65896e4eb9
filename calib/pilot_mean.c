/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pilot_mean.h"

#include <assert.h>
#include <cblas.h>
#include <stdlib.h>

#include "calib/skinny.h"

struct pilot_mean {
    const struct near_field *nf;
    size_t m, t;
    cplx *profiles; /* [M x T], transposed */
    cplx *steering; /* [10 x M] */
};

static cplx *block(size_t n)
{
    return aligned_alloc(64, (n * sizeof(cplx) + 63) / 64 * 64);
}

struct pilot_mean *pilot_mean_create(const struct near_field *nf, const cplx *profiles,
                                     size_t n_pilots)
{
    assert(nf && profiles && n_pilots > 0);
    const size_t m = near_field_elements(nf), t = n_pilots;
    struct pilot_mean *mean = calloc(1, sizeof *mean);
    if (!mean)
        return NULL;
    openblas_set_num_threads(1);
    *mean = (struct pilot_mean){
        .nf = nf, .m = m, .t = t, .profiles = block(m * t), .steering = block(NEAR_FIELD_ROWS * m)};
    if (!mean->profiles || !mean->steering) {
        pilot_mean_destroy(&mean);
        return NULL;
    }
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < t; k++)
            mean->profiles[i * t + k] = profiles[k * m + i];
    return mean;
}

void pilot_mean_destroy(struct pilot_mean **mean)
{
    if (!mean || !*mean)
        return;
    free((*mean)->profiles);
    free((*mean)->steering);
    free(*mean);
    *mean = NULL;
}

void pilot_mean_at(struct pilot_mean *mean, struct vec3 p, const cplx *mask, int order, cplx *out)
{
    static const size_t rows_of[] = {1, 4, 10};
    const size_t rows = rows_of[order], m = mean->m, t = mean->t;
    near_field_steer(mean->nf, p, order, mean->steering);
    if (mask)
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < m; i++)
                if (mask[i] != 1)
                    mean->steering[r * m + i] *= mask[i];
    skinny_rows(mean->steering, rows, m, mean->profiles, t, out, t);
}

const cplx *pilot_mean_steering(const struct pilot_mean *mean)
{
    return mean->steering;
}
