/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/still_fix.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsp/delay_bins.h"
#include "dsp/fft.h"
#include "dsp/plan_grid.h"
#include "dsp/way_batch.h"

enum {
    STREAMS = WAY_BATCH_STREAMS, /* echo, RIS1, RIS2 */
    TRIES = 3,                   /* squares searched, each about the last one's best place */
};

/* In bins: kept before the echo; half a side of the first square. */
static const double before = 3, reach = 0.3;
static const double coarse_error = 1e-2, coarse_evidence = 0.5; /* while searching, of evidence */
static const double sides = 4;      /* half a side of the last square, deviations of the search */
static const double weakest = 1e-4; /* way, relative to the echo */

struct still_fix {
    struct still_fix_cfg cfg;
    struct delay_bins bins;
    size_t n_bin;
    double first_m, error;
    bool coarse;
    cplx y[GAUSS_MAX]; /* [antenna][bin] */
    struct wall_paths paths[STREAMS];
    struct way_batch ways;
    struct gauss_batch batch;
};

void still_fix_cfg_defaults(struct still_fix_cfg *cfg)
{
    assert(cfg);
    cfg->model_error = 1e-3;
    cfg->array_error = 5e-3;
    cfg->evidence = 0.5;
    cfg->reference_sigma_m = 0.03;
}

static bool mirrors(const struct still_fix_cfg *cfg)
{
    for (size_t j = 0; j < cfg->n_ant; j++)
        if (fabs(cfg->element_m[j] + cfg->element_m[cfg->n_ant - 1 - j]) > 1e-6)
            return false;
    return true;
}

static const char *fault_of(const struct still_fix_cfg *cfg)
{
    if (cfg->n_ant < 2 || cfg->n_ant > TOA_MAX_ANT)
        return "n_ant out of 2..8";
    if (cfg->n_carrier < 31 || cfg->n_carrier > DELAY_BINS_MAX_CARRIER)
        return "n_carrier out of 31..8191";
    if (!(cfg->spacing_hz > 0) || !(cfg->wavelength_m > 0))
        return "spacing_hz and wavelength_m must be positive";
    if (wall_map_fault(&cfg->walls))
        return wall_map_fault(&cfg->walls);
    if (!(cfg->model_error > 0) || !(cfg->reference_sigma_m >= 0))
        return "model_error must be positive, reference_sigma_m not negative";
    if (!(cfg->array_error > 0) || !(cfg->evidence > 0 && cfg->evidence <= 4))
        return "array_error must be positive, evidence in (0, 4]";
    return mirrors(cfg) ? NULL : "the antennas must mirror each other about the line's middle";
}

static void lay_ways(struct still_fix *s)
{
    struct way_batch_cfg cfg = {.walls = &s->cfg.walls,
                                .bins = &s->bins,
                                .n_ant = s->cfg.n_ant,
                                .n_bin = s->n_bin,
                                .axis = s->cfg.axis};
    memcpy(cfg.element_m, s->cfg.element_m, sizeof cfg.element_m);
    way_batch_init(&s->ways, &cfg);
}

struct still_fix *still_fix_create(const struct still_fix_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    const char *fault = fault_of(cfg);
    struct still_fix *s = fault ? NULL : fft_alloc(sizeof *s);
    if (!s) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "fix of still surfaces: %s",
                 fault ? fault : "out of memory");
        return NULL;
    }
    memset(s, 0, sizeof *s);
    s->cfg = *cfg;
    s->n_bin = GAUSS_MAX / cfg->n_ant < WAY_BATCH_BINS ? GAUSS_MAX / cfg->n_ant : WAY_BATCH_BINS;
    delay_bins_init(&s->bins, cfg->n_carrier, cfg->spacing_hz);
    lay_ways(s);
    return s;
}

void still_fix_destroy(struct still_fix **s)
{
    if (!s)
        return;
    fft_free(*s);
    *s = NULL;
}

void still_fix_tune(struct still_fix *s, double wavelength_m)
{
    s->cfg.wavelength_m = wavelength_m;
}

/* --- start ------------------------------------------------------------------------------------ */

static double sine_from(const struct still_fix *s, struct vec3 u, struct vec3 *grad)
{
    const struct vec3 to = vec3_sub(u, s->cfg.walls.anchors.rx);
    const double r = vec3_norm(to), sine = vec3_dot(to, s->cfg.axis) / r;
    if (grad)
        *grad = vec3_scale(vec3_sub(s->cfg.axis, vec3_scale(to, sine / r)), 1 / r);
    return sine;
}

/* Plan offset by which L1 and the sine change as wanted; false where they run the same way. */
static bool plan_step(const struct still_fix *s, struct vec3 u, double length, double sine,
                      double step[2])
{
    struct vec3 a, b;
    (void)fix_predict(&s->cfg.walls.anchors, ROW_L1, u, &a);
    (void)sine_from(s, u, &b);
    const double det = a.x * b.y - a.y * b.x;
    if (fabs(det) < 1e-3)
        return false;
    step[0] = (length * b.y - a.y * sine) / det;
    step[1] = (a.x * sine - length * b.x) / det;
    return true;
}

/* In the middle of the sight at first, then Newton on (L1, sine); far from the line's broadside the
 * steps are held to a metre. */
int still_fix_start(const struct still_fix *s, const struct still_fix_input *in, struct vec3 *start)
{
    const struct wall_map *walls = &s->cfg.walls;
    struct vec3 u = vec3_scale(vec3_add(walls->room.min, walls->room.max), 0.5);
    u.z = in->height.length_m;
    for (int i = 0; i < 30; i++) {
        const double off_m = in->echo->length_m - fix_predict(&walls->anchors, ROW_L1, u, NULL);
        const double off_sine = in->sine - sine_from(s, u, NULL);
        double step[2];
        if (!plan_step(s, u, off_m, off_sine, step))
            return ERR_GEOMETRY;
        const double scale = 1 / fmax(1, hypot(step[0], step[1]));
        u.x += scale * step[0];
        u.y += scale * step[1];
    }
    *start = u;
    const bool there =
        fabs(in->echo->length_m - fix_predict(&walls->anchors, ROW_L1, u, NULL)) < 0.01;
    return there && room_contains(&walls->room, u, 0.5) ? OK : ERR_GEOMETRY;
}

/* --- data and ways ---------------------------------------------------------------------------- */

/* Antenna j of the data, and of a wave: a_j = exp(j turn x_j s). Bent as waves of the echo's range.
 */
static void fold(const struct still_fix *s, double range_m, double sine, cplx *y)
{
    const size_t n = s->cfg.n_ant;
    const double turn = 2 * PI / s->cfg.wavelength_m;
    cplx flat[TOA_MAX_ANT];
    for (size_t j = 0; j < n; j++) {
        const double x = s->cfg.element_m[j];
        flat[j] = y[j] * cexp(I * turn * 0.5 * x * x / range_m * (1 - sine * sine));
    }
    for (size_t j = 0; j < n / 2; j++) {
        y[j] = (flat[j] + flat[n - 1 - j]) * M_SQRT1_2;
        y[n - 1 - j] = (flat[j] - flat[n - 1 - j]) * -I * M_SQRT1_2;
    }
    if (n % 2)
        y[n / 2] = flat[n / 2];
}

static void load_data(struct still_fix *s, const struct still_fix_input *in)
{
    const size_t n = s->cfg.n_ant;
    s->first_m = in->echo->length_m - before * s->bins.step_m;
    for (size_t q = 0; q < s->n_bin; q++) {
        cplx y[TOA_MAX_ANT];
        delay_bins_transform(&s->bins, in->h, n, s->first_m + (double)q * s->bins.step_m, y);
        fold(s, in->echo->length_m / 2, in->sine, y);
        for (size_t j = 0; j < n; j++)
            s->y[j * s->n_bin + q] = y[j];
    }
    const double e_n0 = pow(10, in->echo->snr_db / 10) / (double)n;
    s->error = s->cfg.model_error + DELAY_BINS_NOISE / e_n0;
}

/* Ways of at least `weakest`, in units of the echo's direct way. */
static void weigh(struct still_fix *s, size_t stream, double scale)
{
    struct wall_paths *p = &s->paths[stream];
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        p->power[n] = p->power[i] * scale;
        p->way[n] = p->way[i];
        p->length_m[n] = p->length_m[i];
        n += p->power[n] >= weakest;
    }
    p->n = n;
}

/* Over a surface: |f| in place of the hop from user to RX; the user's own cross section is in both.
 */
static void list_ways(struct still_fix *s, struct vec3 u, const struct ris_view view[2])
{
    const double bias_m[2] = {view[0].bias_m, view[1].bias_m};
    const struct wall_map *walls = &s->cfg.walls;
    const struct vec3 rx = walls->anchors.rx;
    const double hop =
        s->cfg.wavelength_m / (4 * PI * vec3_dist(u, rx)) * wall_map_gain(walls, rx, u);
    for (size_t stream = 0; stream < STREAMS; stream++) {
        double ratio = 1;
        if (stream)
            ratio = view[stream - 1].gain *
                    wall_map_gain(walls, rx, walls->anchors.ris[stream - 1]) / hop;
        wall_paths_list(walls, stream, u, &s->paths[stream]);
        weigh(s, stream, ratio * ratio);
    }
    way_batch_list(&s->ways, s->paths, bias_m, s->first_m, s->cfg.wavelength_m);
}

/* --- likelihood ------------------------------------------------------------------------------- */

static void log_posterior(void *context, const struct vec3 *u, double *log_weight)
{
    struct still_fix *s = context;
    const size_t dim = s->cfg.n_ant * s->n_bin;
    way_batch_covariance(&s->ways, u, s->coarse ? fmax(s->error, coarse_error) : s->error,
                         s->cfg.array_error, &s->batch);
    gauss_log_likelihood(&s->batch, dim, s->y, dim, 1, log_weight);
    for (size_t l = 0; l < GAUSS_LANES; l++)
        log_weight[l] *= s->cfg.evidence * (s->coarse ? coarse_evidence : 1);
}

/* --- posterior -------------------------------------------------------------------------------- */

/* What the posterior does not know of: the grid's rounding, the height and the zero of path length,
 * each of which moves the place along L1 and the sine held. */
static void put_covariance(const struct still_fix *s, const struct plan_moments *m,
                           const double cell[2], double sigma_z, struct fix *out)
{
    const double ref = s->cfg.reference_sigma_m;
    struct vec3 a, b;
    double shift[2] = {0}, slope[2] = {0};
    (void)fix_predict(&s->cfg.walls.anchors, ROW_L1, out->position, &a);
    (void)sine_from(s, out->position, &b);
    (void)plan_step(s, out->position, 1, 0, shift);
    (void)plan_step(s, out->position, -a.z, -b.z, slope);
    const double var_z = sigma_z * sigma_z;
    double cov[3][3] = {{m->xx + cell[0] * cell[0] / 12, m->xy, slope[0] * var_z},
                        {m->xy, m->yy + cell[1] * cell[1] / 12, slope[1] * var_z},
                        {slope[0] * var_z, slope[1] * var_z, var_z}};
    plan_add_direction(cov, slope, var_z);
    plan_add_direction(cov, shift, ref * ref);
    memcpy(out->cov, cov, sizeof cov);
}

int still_fix_solve(struct still_fix *s, const struct still_fix_input *in, struct vec3 start,
                    const struct ris_view view[2], struct fix *out)
{
    assert(s && in && out);
    const double side = reach * s->bins.step_m, cell = 2 * side / (PLAN_GRID - 1);
    struct plan_grid wide = {start, side, side}, fine;
    struct plan_moments m = {.edge = 1};
    load_data(s, in);
    list_ways(s, start, view);
    s->coarse = true;
    for (int i = 0; i < TRIES && !(m.edge <= 0.1); i++) {
        plan_grid_moments(&wide, log_posterior, s, &m);
        if (!isfinite(m.edge))
            return ERR_NO_PEAK;
        wide.centre.x += m.x;
        wide.centre.y += m.y;
    }
    if (!(m.edge <= 0.1))
        return ERR_NO_PEAK;
    fine = (struct plan_grid){wide.centre, sides * sqrt(m.xx + cell * cell / 12),
                              sides * sqrt(m.yy + cell * cell / 12)};
    s->coarse = false;
    plan_grid_moments(&fine, log_posterior, s, &m);
    const double step[2] = {2 * fine.half_x / (PLAN_GRID - 1), 2 * fine.half_y / (PLAN_GRID - 1)};
    *out = (struct fix){.verdict = FIX_OK,
                        .position = {fine.centre.x + m.x, fine.centre.y + m.y, start.z},
                        .used = ROW_BIT(ROW_L1) | ROW_BIT(ROW_H),
                        .ungated = true,
                        .refined = true};
    put_covariance(s, &m, step, in->height.sigma_m, out);
    return OK;
}
