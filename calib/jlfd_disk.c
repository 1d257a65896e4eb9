/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_disk.h"

#include <math.h>

#define MAX_SWEEPS 5000

int jlfd_disk(const struct pixel_model *model, const cplx *user, cplx beta, const size_t *support,
              size_t n, double radius, cplx *res, cplx *f)
{
    size_t t = model->n_pilots;
    int sweep = 0;
    for (double moved = 1; moved > 1e-14 && sweep < MAX_SWEEPS; sweep++) {
        moved = 0;
        for (size_t k = 0; k < n; k++) {
            const cplx *a = model->a + support[k] * t;
            cplx h = beta * user[support[k]], c = 0;
            for (size_t i = 0; i < t; i++)
                c += conj(a[i]) * res[i];
            cplx next = f[k] + c / (h * model->norm[support[k]]);
            if (cabs(next) > radius)
                next *= radius / cabs(next);
            cplx step = next - f[k];
            for (size_t i = 0; i < t; i++)
                res[i] -= h * step * a[i];
            f[k] = next;
            moved = fmax(moved, cabs(step));
        }
    }
    return sweep;
}
