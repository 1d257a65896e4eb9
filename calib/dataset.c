/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The experiment as a value. Its file: dataset_read.c, dataset_write.c. */
#include "calib/dataset.h"
#include "calib/refuse.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct dataset *dataset_create(size_t columns, size_t rows, size_t n_pilots)
{
    assert(columns > 0 && rows > 0 && n_pilots > 0);
    const size_t m = columns * rows;
    struct dataset *ds = calloc(1, sizeof *ds);
    if (!ds)
        return NULL;
    *ds = (struct dataset){.columns = columns,
                           .rows = rows,
                           .n_pilots = n_pilots,
                           .rotation = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
                           .power = 1,
                           .p_fail = 0.02,
                           .range_m = {1, 10},
                           .profiles = calloc(n_pilots * m, sizeof(cplx)),
                           .y = calloc(n_pilots, sizeof(cplx)),
                           .true_mask = calloc(m, sizeof(cplx))};
    if (!ds->profiles || !ds->y || !ds->true_mask) {
        dataset_destroy(&ds);
        return NULL;
    }
    for (size_t i = 0; i < m; i++)
        ds->true_mask[i] = 1;
    return ds;
}

void dataset_destroy(struct dataset **ds)
{
    if (!ds || !*ds)
        return;
    free((*ds)->profiles);
    free((*ds)->y);
    free((*ds)->true_mask);
    free(*ds);
    *ds = NULL;
}

struct vec3 dataset_to_ris(const struct dataset *ds, struct vec3 global)
{
    const struct vec3 d = vec3_sub(global, ds->ris_m);
    const double(*r)[3] = ds->rotation;
    return (struct vec3){r[0][0] * d.x + r[1][0] * d.y + r[2][0] * d.z,
                         r[0][1] * d.x + r[1][1] * d.y + r[2][1] * d.z,
                         r[0][2] * d.x + r[1][2] * d.y + r[2][2] * d.z};
}

struct vec3 dataset_to_global(const struct dataset *ds, struct vec3 l)
{
    const double(*r)[3] = ds->rotation;
    const struct vec3 d = {r[0][0] * l.x + r[0][1] * l.y + r[0][2] * l.z,
                           r[1][0] * l.x + r[1][1] * l.y + r[1][2] * l.z,
                           r[2][0] * l.x + r[2][1] * l.y + r[2][2] * l.z};
    return vec3_add(ds->ris_m, d);
}

struct pixel_problem dataset_problem(const struct dataset *ds)
{
    return (struct pixel_problem){
        .surface = {.columns = ds->columns,
                    .rows = ds->rows,
                    .spacing_m = {ds->spacing_m[0], ds->spacing_m[1]},
                    .wavelength_m = SPEED_OF_LIGHT / ds->carrier_hz,
                    .bs_m = dataset_to_ris(ds, ds->bs_m)},
        .n_pilots = ds->n_pilots,
        .profiles = ds->profiles,
        .y = ds->y,
        .noise_var = ds->noise_var,
        .power = ds->power,
        .p_fail = ds->p_fail,
        .range_m = {ds->range_m[0], ds->range_m[1]},
    };
}

static int check_positive(const char *member, double v, struct status *err)
{
    return isfinite(v) && v > 0
               ? 0
               : calib_refuse(err, ERR_ARG, "%s = %g: expected a finite number above 0", member, v);
}

static int check_finite(const char *member, const void *data, size_t n, struct status *err)
{
    const double *v = data;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return calib_refuse(err, ERR_ARG, "%s: value %zu of %zu is not finite", member, i, n);
    return 0;
}

static int check_complex(const char *member, const cplx *v, size_t n, size_t row,
                         struct status *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(creal(v[i])) || !isfinite(cimag(v[i])))
            return row ? calib_refuse(err, ERR_ARG, "%s[%zu,%zu] is not finite", member, i / row,
                                      i % row)
                       : calib_refuse(err, ERR_ARG, "%s[%zu] is not finite", member, i);
    return 0;
}

/* Orthonormal columns that form a right-handed frame. */
static int check_rotation(const double r[3][3], struct status *err)
{
    const char *name = "/ris/rotation";
    if (check_finite(name, r, 9, err))
        return ERR_ARG;
    double worst = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double dot = r[0][i] * r[0][j] + r[1][i] * r[1][j] + r[2][i] * r[2][j];
            worst = fmax(worst, fabs(dot - (i == j)));
        }
    if (worst > 1e-6)
        return calib_refuse(err, ERR_ARG,
                            "%s is not a rotation: R^T R differs from the identity by %.3g", name,
                            worst);
    const double det = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) -
                       r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0]) +
                       r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
    return det > 0 ? 0
                   : calib_refuse(err, ERR_ARG,
                                  "%s is a reflection (determinant -1), not a rotation", name);
}

static int check_front(const struct dataset *ds, const char *member, struct vec3 p,
                       struct status *err)
{
    const struct vec3 local = dataset_to_ris(ds, p);
    if (local.z > 0)
        return 0;
    return calib_refuse(
        err, ERR_ARG,
        "%s contradicts /ris: it stands %.3g m behind the face (local z is the normal; "
        "is /ris/rotation transposed?)",
        member, -local.z);
}

static int check_scalars(const struct dataset *ds, struct status *err)
{
    if (check_positive("/carrier_hz", ds->carrier_hz, err) ||
        check_positive("/ris/spacing_m[0]", ds->spacing_m[0], err) ||
        check_positive("/ris/spacing_m[1]", ds->spacing_m[1], err) ||
        check_positive("/noise_var", ds->noise_var, err) ||
        check_positive("/power", ds->power, err) ||
        check_positive("/search/range_m[0]", ds->range_m[0], err) ||
        check_positive("/search/range_m[1]", ds->range_m[1], err))
        return ERR_ARG;
    if (!(ds->p_fail > 0 && ds->p_fail < 1))
        return calib_refuse(
            err, ERR_ARG, "/prior/p_fail = %g: expected a probability between 0 and 1", ds->p_fail);
    if (ds->range_m[0] >= ds->range_m[1])
        return calib_refuse(err, ERR_ARG, "/search/range_m = [%g, %g]: expected nearest < farthest",
                            ds->range_m[0], ds->range_m[1]);
    return 0;
}

int dataset_check(const struct dataset *ds, struct status *err)
{
    const size_t m = ds->columns * ds->rows;
    if (check_scalars(ds, err) || check_finite("/ris/position_m", &ds->ris_m, 3, err) ||
        check_finite("/bs/position_m", &ds->bs_m, 3, err) || check_rotation(ds->rotation, err) ||
        check_front(ds, "/bs/position_m", ds->bs_m, err) ||
        check_complex("/profiles", ds->profiles, ds->n_pilots * m, m, err) ||
        check_complex("/y", ds->y, ds->n_pilots, 0, err))
        return ERR_ARG;
    if (ds->has_position && (check_finite("/truth/position_m", &ds->true_position_m, 3, err) ||
                             check_front(ds, "/truth/position_m", ds->true_position_m, err)))
        return ERR_ARG;
    if (ds->has_gain && (check_finite("/truth/gain", &ds->true_gain, 2, err)))
        return ERR_ARG;
    if (ds->has_gain && ds->true_gain == 0)
        return calib_refuse(err, ERR_ARG, "/truth/gain = 0: expected a gain other than 0");
    return check_complex("/truth/mask", ds->true_mask, m, 0, err);
}
