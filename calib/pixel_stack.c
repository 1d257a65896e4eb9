/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pixel_stack.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/cvec.h"
#include "calib/near_field.h"
#include "calib/pixel_model.h"

enum { JUDGE_EVERY = 5 }; /* trains: the next are fitted with the failures known by then */

#define RANK 1e-9 /* eigenvalues below this share of the largest say nothing */

struct pixel_stack {
    struct pixel_health_cfg cfg;
    struct pixel_health *health;
    struct pixel_map map;
    struct vec3 sum; /* of the users' places */
    size_t used;
};

static void say(struct status *err, int code, const char *text)
{
    err->code = code;
    snprintf(err->text, sizeof err->text, "pilots: %s", text);
}

struct pixel_stack *pixel_stack_create(const struct pixel_health_cfg *cfg, struct status *err)
{
    struct pixel_stack *s = calloc(1, sizeof *s);
    if (!s) {
        say(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    s->cfg = *cfg;
    s->cfg.forget_s = INFINITY;
    s->health = pixel_health_create(&s->cfg, err);
    if (!s->health)
        pixel_stack_destroy(&s);
    return s;
}

void pixel_stack_destroy(struct pixel_stack **stack)
{
    if (!*stack)
        return;
    pixel_health_destroy(&(*stack)->health);
    free(*stack);
    *stack = NULL;
}

enum pixel_use pixel_stack_add(struct pixel_stack *s, const struct pixel_pilots *pilots)
{
    const enum pixel_use use = pixel_health_add(s->health, pilots);
    if (use != PIXEL_USED)
        return use;
    s->sum = vec3_add(s->sum, pilots->position);
    if (++s->used % JUDGE_EVERY == 0)
        pixel_health_judge(s->health, &s->map);
    return use;
}

size_t pixel_stack_used(const struct pixel_stack *s)
{
    return s->used;
}

/* --- the dataset ----------------------------------------------------------------------------- */

static void place(const struct pixel_stack *s, struct dataset *ds)
{
    const struct panel *panel = &s->cfg.place.panel;
    const struct vec3 axis[3] = {panel->x, panel->y, panel->z};
    ds->carrier_hz = s->cfg.place.carrier_hz;
    ds->spacing_m[0] = ds->spacing_m[1] = panel->spacing_m;
    ds->ris_m = panel->position;
    ds->bs_m = s->cfg.place.bs;
    ds->p_fail = s->cfg.p_fail;
    for (int j = 0; j < 3; j++) {
        ds->rotation[0][j] = axis[j].x;
        ds->rotation[1][j] = axis[j].y;
        ds->rotation[2][j] = axis[j].z;
    }
}

/* b(p) of the mean place, [M]. */
static int steer(const struct pixel_stack *s, struct dataset *ds, cplx *b, struct status *err)
{
    const struct vec3 p = dataset_to_ris(ds, vec3_scale(s->sum, 1 / (double)s->used));
    const struct pixel_problem problem = dataset_problem(ds);
    struct near_field *nf = near_field_create(&problem.surface, err);
    if (!nf)
        return err->code;
    near_field_steer(nf, p, 0, b);
    near_field_destroy(&nf);
    ds->range_m[0] = vec3_norm(p) / 2;
    ds->range_m[1] = vec3_norm(p) * 2;
    return OK;
}

/* From eigenvalue d and z = conj(v), the rows sqrt(d) v^H and their pilots v^H vector / sqrt(d). */
static void fill(const struct pixel_evidence *e, size_t m, const double *d, const cplx *z,
                 const cplx *b, struct dataset *ds)
{
    double power = 0;
    for (size_t k = 0; k < ds->n_pilots; k++) {
        cplx sum = 0;
        for (size_t i = 0; i < m; i++) {
            const cplx row = sqrt(d[k]) * z[k * m + i];
            sum += cvec_times(z[k * m + i], e->vector[i]);
            ds->profiles[k * m + i] = cvec_times(row, e->smooth[i]) / b[i];
            power += cplx_norm(ds->profiles[k * m + i]);
        }
        ds->y[k] = sum / sqrt(d[k]);
    }
    ds->noise_var = power / (double)m; /* mean information of a pixel */
}

/* The strongest eigenvectors, as the last rows of z. Returns how many of them say something. */
static size_t decompose(const struct pixel_evidence *e, size_t m, double *d, cplx *z)
{
    memcpy(z, e->info,
           m * m * sizeof *z); /* its upper rows are LAPACK's lower columns, conjugate */
    const lapack_int n = (lapack_int)m;
    if (LAPACKE_zheevd(LAPACK_COL_MAJOR, 'V', 'L', n, z, n, d))
        return 0;
    size_t rank = 0;
    while (rank < m && rank < PIXEL_MAX_PILOTS && d[m - 1 - rank] > RANK * d[m - 1])
        rank++;
    return rank;
}

static struct dataset *make(struct pixel_stack *s, double *d, cplx *z, cplx *b, struct status *err)
{
    const struct panel *panel = &s->cfg.place.panel;
    const size_t m = panel_elements(panel);
    const double e2 = s->cfg.place.model_error * s->cfg.place.model_error;
    struct pixel_evidence evidence;
    pixel_health_judge(s->health, &s->map);
    pixel_health_evidence(s->health, &evidence);
    const size_t rank = decompose(&evidence, m, d, z);
    if (rank == 0) {
        say(err, ERR_GEOMETRY, "they determine nothing");
        return NULL;
    }
    struct dataset *ds = dataset_create(panel->columns, panel->rows, rank);
    if (!ds) {
        say(err, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    place(s, ds);
    if (steer(s, ds, b, err)) {
        dataset_destroy(&ds);
        return NULL;
    }
    fill(&evidence, m, d + m - rank, z + (m - rank) * m, b, ds);
    ds->noise_var = 1 + e2 * ds->noise_var;
    return ds;
}

struct dataset *pixel_stack_dataset(struct pixel_stack *s, struct status *err)
{
    const size_t m = panel_elements(&s->cfg.place.panel);
    if (s->used == 0) {
        say(err, ERR_STATE, "no train fits the surface at any place near the user's position");
        return NULL;
    }
    double *d = malloc(m * sizeof *d);
    cplx *z = malloc(m * m * sizeof *z), *b = malloc(m * sizeof *b);
    struct dataset *ds = NULL;
    if (d && z && b)
        ds = make(s, d, z, b, err);
    else
        say(err, ERR_NO_MEMORY, "out of memory");
    free(d);
    free(z);
    free(b);
    return ds;
}
