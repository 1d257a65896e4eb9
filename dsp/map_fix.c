/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/map_fix.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsp/delay_bins.h"
#include "dsp/fft.h"
#include "dsp/map_posterior.h"

enum { STREAMS = MAP_FIX_STREAMS };
_Static_assert((int)STREAMS == (int)WAY_BATCH_STREAMS, "the same streams");

/* In bins: kept before the strongest path; half a side of the first square. Peaks, and the walls'
 * pull on them, are as wide as the bandwidth makes them. */
static const double before = 2, reach = 0.3;
static const double weakest = 1e-4; /* way, relative to the direct one of its stream */
static const double sine_m = 10;    /* a sine counts as much as so much length */

struct map_fix {
    struct map_fix_cfg cfg;
    struct delay_bins bins;
    size_t n_bin;
    struct wall_paths paths[STREAMS];
    struct map_posterior posterior; /* a still burst has its first stream alone */
};

/* --- life ------------------------------------------------------------------------------------- */

void map_fix_cfg_defaults(struct map_fix_cfg *cfg)
{
    assert(cfg);
    cfg->model_error = 3e-4;
    cfg->array_error = 5e-3;
    cfg->evidence = 1;
    cfg->reference_sigma_m = 0.03;
}

static bool mirrors(const struct map_fix_cfg *cfg)
{
    for (size_t j = 0; j < cfg->n_ant; j++)
        if (fabs(cfg->element_m[j] + cfg->element_m[cfg->n_ant - 1 - j]) > 1e-6)
            return false;
    return true;
}

static const char *fault_of(const struct map_fix_cfg *cfg)
{
    if (cfg->n_ant < 1 || cfg->n_ant > TOA_MAX_ANT)
        return "n_ant out of 1..8";
    if (cfg->n_carrier < 31 || cfg->n_carrier > DELAY_BINS_MAX_CARRIER)
        return "n_carrier out of 31..8191";
    if (!(cfg->spacing_hz > 0) || !(cfg->wavelength_m > 0))
        return "spacing_hz and wavelength_m must be positive";
    if (!(cfg->model_error > 0) || !(cfg->reference_sigma_m >= 0))
        return "model_error must be positive, reference_sigma_m not negative";
    if (!(cfg->array_error > 0) || !(cfg->evidence > 0 && cfg->evidence <= 4))
        return "array_error must be positive, evidence in (0, 4]";
    if (!mirrors(cfg))
        return "the antennas must mirror each other about the line's middle";
    return wall_map_fault(&cfg->walls);
}

static void lay_ways(struct map_fix *m)
{
    struct way_batch_cfg cfg = {.walls = &m->cfg.walls,
                                .bins = &m->bins,
                                .n_ant = m->cfg.n_ant,
                                .n_bin = m->n_bin,
                                .axis = m->cfg.axis};
    memcpy(cfg.element_m, m->cfg.element_m, sizeof cfg.element_m);
    for (size_t s = 0; s < STREAMS; s++)
        way_batch_init(&m->posterior.stream[s].ways, &cfg);
}

struct map_fix *map_fix_create(const struct map_fix_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    const char *fault = fault_of(cfg);
    struct map_fix *m = fault ? NULL : fft_alloc(sizeof *m);
    if (!m) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "map-aided fix: %s", fault ? fault : "out of memory");
        return NULL;
    }
    memset(m, 0, sizeof *m);
    m->cfg = *cfg;
    m->n_bin = GAUSS_MAX / cfg->n_ant < WAY_BATCH_BINS ? GAUSS_MAX / cfg->n_ant : WAY_BATCH_BINS;
    delay_bins_init(&m->bins, cfg->n_carrier, cfg->spacing_hz);
    lay_ways(m);
    m->posterior.n_ant = cfg->n_ant;
    m->posterior.n = cfg->n_ant * m->n_bin;
    m->posterior.array_error = cfg->array_error;
    m->posterior.evidence = cfg->evidence;
    return m;
}

void map_fix_destroy(struct map_fix **map)
{
    if (!map)
        return;
    fft_free(*map);
    *map = NULL;
}

void map_fix_tune(struct map_fix *m, double wavelength_m)
{
    m->cfg.wavelength_m = wavelength_m;
}

/* --- what holds a place in the plan ----------------------------------------------------------- */

static double sine_from(const struct map_fix *m, struct vec3 u, struct vec3 *grad)
{
    return vec3_sine(vec3_sub(u, m->cfg.walls.anchors.rx), m->cfg.axis, grad);
}

/* Gradients of the used lengths, and, in the end, of the sine, which one antenna does not see. */
struct holds {
    size_t n, n_length;
    struct vec3 gradient[STREAMS + 1];
};

static void hold_at(const struct map_fix *m, unsigned used, struct vec3 u, struct holds *holds)
{
    holds->n = 0;
    for (size_t s = 0; s < STREAMS; s++)
        if (used & ROW_BIT(ROW_L1 + s))
            (void)fix_predict(&m->cfg.walls.anchors, (enum fix_row)(ROW_L1 + s), u,
                              &holds->gradient[holds->n++]);
    holds->n_length = holds->n;
    if (m->cfg.n_ant < 2)
        return;
    struct vec3 *last = &holds->gradient[holds->n++];
    (void)sine_from(m, u, last);
    *last = vec3_scale(*last, sine_m);
}

/* Plan offset by which they change as wanted, (J^T J)^-1 J^T d; false where they all run the same
 * way. */
static bool plan_step(const struct holds *holds, const double *d, double step[2])
{
    double xx = 0, xy = 0, yy = 0, x = 0, y = 0;
    for (size_t i = 0; i < holds->n; i++) {
        const struct vec3 g = holds->gradient[i];
        xx += g.x * g.x, xy += g.x * g.y, yy += g.y * g.y;
        x += g.x * d[i], y += g.y * d[i];
    }
    const double det = xx * yy - xy * xy;
    if (!(det > 1e-4))
        return false;
    step[0] = (yy * x - xy * y) / det;
    step[1] = (xx * y - xy * x) / det;
    return true;
}

/* In the middle of the sight at first, then Newton on (L1, sine); far from the line's broadside the
 * steps are held to a metre. */
int map_fix_start(const struct map_fix *m, const struct map_fix_still *in, struct vec3 *start)
{
    const struct wall_map *walls = &m->cfg.walls;
    struct vec3 u = vec3_scale(vec3_add(walls->room.min, walls->room.max), 0.5);
    u.z = in->height.length_m;
    for (int i = 0; i < 30; i++) {
        const double off[] = {in->echo->length_m - fix_predict(&walls->anchors, ROW_L1, u, NULL),
                              (in->sine - sine_from(m, u, NULL)) * sine_m};
        struct holds holds;
        double step[2];
        hold_at(m, ROW_BIT(ROW_L1), u, &holds);
        if (!plan_step(&holds, off, step))
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

/* --- data --------------------------------------------------------------------------------------
 */

/* Antenna j of the data, and of a wave: a_j = exp(j turn x_j s). Waves are bent as from that place.
 */
static void fold(const struct map_fix *m, struct vec3 from, cplx *y)
{
    const size_t n = m->cfg.n_ant;
    const double turn = 2 * PI / m->cfg.wavelength_m, sine = sine_from(m, from, NULL),
                 range_m = vec3_dist(from, m->cfg.walls.anchors.rx);
    cplx flat[TOA_MAX_ANT];
    for (size_t j = 0; j < n; j++) {
        const double x = m->cfg.element_m[j];
        flat[j] = y[j] * cexp(I * turn * 0.5 * x * x / range_m * (1 - sine * sine));
    }
    for (size_t j = 0; j < n / 2; j++) {
        y[j] = (flat[j] + flat[n - 1 - j]) * M_SQRT1_2;
        y[n - 1 - j] = (flat[j] - flat[n - 1 - j]) * -I * M_SQRT1_2;
    }
    if (n % 2)
        y[n / 2] = flat[n / 2];
}

static void load(const struct map_fix *m, const cplxf *h, const struct toa *toa, struct vec3 from,
                 struct map_stream *stream)
{
    const size_t n = m->cfg.n_ant;
    stream->first_m = toa->length_m - before * m->bins.step_m;
    for (size_t q = 0; q < m->n_bin; q++) {
        cplx y[TOA_MAX_ANT];
        delay_bins_transform(&m->bins, h, n, stream->first_m + (double)q * m->bins.step_m, y);
        fold(m, from, y);
        for (size_t j = 0; j < n; j++)
            stream->y[j * m->n_bin + q] = y[j];
    }
    const double e_n0 = pow(10, toa->snr_db / 10) / (double)n;
    stream->error = m->cfg.model_error + DELAY_BINS_NOISE / e_n0;
}

/* --- ways --------------------------------------------------------------------------------------
 */

/* Of at least `weakest`. */
static void weigh(struct wall_paths *p, double scale)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        p->power[n] = p->power[i] * scale;
        p->way[n] = p->way[i];
        p->length_m[n] = p->length_m[i];
        n += p->power[n] >= weakest;
    }
    p->n = n;
}

static void lay_out(struct map_fix *m, const double bias_m[2], struct map_stream *stream)
{
    way_batch_list(&stream->ways, m->paths, bias_m, stream->first_m, m->cfg.wavelength_m);
    stream->used = stream->ways.n_direction > 0;
}

/* The ways of one stream, in units of its direct one. */
static void list_stream(struct map_fix *m, size_t stream, struct vec3 u, double bias_m)
{
    for (size_t s = 0; s < STREAMS; s++)
        m->paths[s].n = 0;
    wall_paths_list(&m->cfg.walls, stream, u, &m->paths[stream]);
    lay_out(m, (double[2]){bias_m, bias_m}, &m->posterior.stream[stream]);
}

/* Those of all streams in one, in units of the echo's. Over a surface: |f| in place of the hop from
 * user to RX; the user's own cross section is in both. */
static void list_all(struct map_fix *m, struct vec3 u, const struct ris_view view[2])
{
    const struct wall_map *walls = &m->cfg.walls;
    const struct vec3 rx = walls->anchors.rx;
    const double hop =
        m->cfg.wavelength_m / (4 * PI * vec3_dist(u, rx)) * wall_map_gain(walls, rx, u);
    for (size_t s = 0; s < STREAMS; s++) {
        double ratio = 1;
        if (s)
            ratio = view[s - 1].gain * wall_map_gain(walls, rx, walls->anchors.ris[s - 1]) / hop;
        wall_paths_list(walls, s, u, &m->paths[s]);
        weigh(&m->paths[s], ratio * ratio);
    }
    lay_out(m, (double[2]){view[0].bias_m, view[1].bias_m}, &m->posterior.stream[0]);
}

/* --- position ---------------------------------------------------------------------------------
 */

/* What the posterior does not know of: the grid's rounding, the height and the zero of path length,
 * each of which moves the place along what holds it. */
static void put_covariance(const struct map_fix *m, unsigned used, const struct plan_grid *grid,
                           const struct plan_moments *at, double sigma_z, struct fix *fix)
{
    const double cell[2] = {2 * grid->half_x / (PLAN_GRID - 1), 2 * grid->half_y / (PLAN_GRID - 1)};
    const double ref = m->cfg.reference_sigma_m, var_z = sigma_z * sigma_z;
    double length[STREAMS + 1] = {0}, height[STREAMS + 1], shift[2] = {0}, slope[2] = {0};
    struct holds holds;
    hold_at(m, used, fix->position, &holds);
    for (size_t i = 0; i < holds.n; i++) {
        length[i] = i < holds.n_length;
        height[i] = -holds.gradient[i].z;
    }
    (void)plan_step(&holds, length, shift);
    (void)plan_step(&holds, height, slope);
    double cov[3][3] = {{at->xx + cell[0] * cell[0] / 12, at->xy, slope[0] * var_z},
                        {at->xy, at->yy + cell[1] * cell[1] / 12, slope[1] * var_z},
                        {slope[0] * var_z, slope[1] * var_z, var_z}};
    plan_add_direction(cov, slope, var_z);
    plan_add_direction(cov, shift, ref * ref);
    memcpy(fix->cov, cov, sizeof cov);
}

int map_fix_refine(struct map_fix *m, const struct map_fix_stream in[STREAMS],
                   const struct observation *height, struct fix *fix)
{
    assert(m && in && height && fix);
    const struct anchors *a = &m->cfg.walls.anchors;
    struct vec3 start = fix->position;
    struct plan_grid grid;
    struct plan_moments at;
    unsigned used = 0;
    start.z = height->length_m;
    for (size_t s = 0; s < STREAMS; s++) {
        m->posterior.stream[s].used = false;
        if (!in[s].h)
            continue;
        load(m, in[s].h, in[s].toa, s ? a->ris[s - 1] : start, &m->posterior.stream[s]);
        list_stream(m, s, start, in[s].bias_m);
        used |= m->posterior.stream[s].used ? ROW_BIT(ROW_L1 + s) : 0;
    }
    if ((used & (used - 1)) == 0 || !height->valid)
        return ERR_ARG;
    map_posterior_expect(&m->posterior, fix);
    int rc = map_posterior_search(&m->posterior, start, reach * m->bins.step_m, &grid, &at);
    if (!rc)
        rc = map_posterior_let_fade(&m->posterior, &grid, &at);
    if (rc)
        return rc;
    fix->position = plan_grid_mean(&grid, &at);
    fix->map = FIX_MAP_USED;
    put_covariance(m, used, &grid, &at, height->sigma_m, fix);
    return OK;
}

int map_fix_solve(struct map_fix *m, const struct map_fix_still *in, struct vec3 start,
                  const struct ris_view view[2], struct fix *out)
{
    assert(m && in && out && m->cfg.n_ant > 1);
    struct plan_grid grid;
    struct plan_moments at;
    for (size_t s = 0; s < STREAMS; s++)
        m->posterior.stream[s].used = false;
    load(m, in->h, in->echo, start, &m->posterior.stream[0]);
    list_all(m, start, view);
    map_posterior_expect(&m->posterior, NULL);
    const int rc = map_posterior_search(&m->posterior, start, reach * m->bins.step_m, &grid, &at);
    if (rc)
        return rc;
    *out = (struct fix){.verdict = FIX_OK,
                        .position = plan_grid_mean(&grid, &at),
                        .used = ROW_BIT(ROW_L1) | ROW_BIT(ROW_H),
                        .ungated = true,
                        .map = FIX_MAP_USED};
    put_covariance(m, ROW_BIT(ROW_L1), &grid, &at, in->height.sigma_m, out);
    return OK;
}
