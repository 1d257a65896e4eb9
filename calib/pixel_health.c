/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pixel_health.h"

#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/cvec.h"

/* Columns of what is smooth over the surface and no failure: gain, tilts and bend of the aperture
 * (survey errors), and the ways to the base station by six walls, whose phases are unknown. */
enum { TILTS = 4, SMOOTH = TILTS + PIXEL_IMAGES - 1, REWEIGHTS = 6 };

#define PRIOR_SIGMA   0.5   /* of a coefficient before any evidence */
#define BROKEN_SIGMA  2.0   /* of a broken one about its last estimate: it may be anything */
#define SAME_PLACE    0.995 /* correlation of the direct hop's responses */
#define NO_FIT        0.5   /* share of the pilots' power left over */
#define UNKNOWN_SIGMA 0.2
#define HYSTERESIS    0.75
#define SMOOTH_SCALE  0.25 /* deviation from the smooth part at which a pixel hardly counts */

struct pixel_health {
    struct pixel_health_cfg cfg;
    struct pixel_place *place;
    size_t m, n;
    cplx *info, *vector; /* [m x m] upper, [m]: what all cycles say, forgotten by age */
    cplx *factor;        /* [m x m] scratch */
    cplx *c;             /* [m] coefficients in use, smooth part included */
    double *variance;    /* [m] of the coefficients, at the last judgement */
    cplx *smooth;        /* [m] */
    cplx *basis;         /* [SMOOTH x m] */
    double *weight;      /* [m] */
    cplx *h, *last;      /* [n x m]; [m] direct hop of the last place used */
    double time_s;
    bool started;
    struct pixel_map map;
};

/* --- evidence ----------------------------------------------------------------------------- */

/* True if the user is where the last evidence came from: model errors would repeat, not average. */
static bool same_place(struct pixel_health *s)
{
    const cplx *u = pixel_place_direct(s->place);
    double a = cvec_norm2(u, s->m), b = cvec_norm2(s->last, s->m);
    return b > 0 && cplx_norm(cvec_dot(u, s->last, s->m)) > SAME_PLACE * SAME_PLACE * a * b;
}

static void forget(struct pixel_health *s, double time_s)
{
    double keep = s->started ? exp(-fmax(time_s - s->time_s, 0) / s->cfg.forget_s) : 0;
    for (size_t i = 0; i < s->m * s->m; i++)
        s->info[i] *= keep;
    for (size_t i = 0; i < s->m; i++)
        s->vector[i] *= keep;
    s->time_s = time_s;
    s->started = true;
}

/* info += H^H H, vector += H^H (r + H c). */
static void accumulate(struct pixel_health *s, const cplx *r)
{
    const cplx one = 1, zero = 0;
    cplx y[PIXEL_PROFILES_MAX];
    const int n = (int)s->n, m = (int)s->m;
    cblas_zgemv(CblasRowMajor, CblasNoTrans, n, m, &one, s->h, m, s->c, 1, &zero, y, 1);
    for (size_t t = 0; t < s->n; t++)
        y[t] += r[t];
    cblas_zgemv(CblasRowMajor, CblasConjTrans, n, m, &one, s->h, m, y, 1, &one, s->vector, 1);
    cblas_zherk(CblasRowMajor, CblasUpper, CblasConjTrans, m, n, 1, s->h, m, 1, s->info, m);
}

enum pixel_use pixel_health_add(struct pixel_health *s, const struct pixel_pilots *pilots)
{
    struct pixel_place_fit fit;
    cplx r[PIXEL_PROFILES_MAX];
    assert(pilots->n == s->n);
    s->map.cycle = pilots->cycle;
    s->map.time_s = pilots->time_s;
    forget(s, pilots->time_s);
    if (pixel_place_fit(s->place, s->c, pilots, &fit) || fit.unexplained > NO_FIT) {
        s->map.unexplained++;
        return PIXEL_UNEXPLAINED;
    }
    if (same_place(s)) {
        s->map.repeated++;
        return PIXEL_REPEATED;
    }
    if (pixel_place_evidence(s->place, s->h, r)) {
        s->map.unexplained++;
        return PIXEL_UNEXPLAINED;
    }
    memcpy(s->last, pixel_place_direct(s->place), s->m * sizeof *s->last);
    accumulate(s, r);
    s->map.used++;
    s->map.alone_valid = pixel_place_alone(s->place, s->c, pilots, &s->map.alone) == OK;
    return PIXEL_USED;
}

/* --- judgement ---------------------------------------------------------------------------- */

/* c, and the variance of each coefficient: (info + D) c = vector + D c0. A pixel in order is
 * expected near the smooth part. A broken one is not, which would draw it towards health; it stays
 * where it was when evidence fades. LAPACK reads the rows as columns, and so the conjugate of the
 * matrix. The whole inverse by zpotri is not taken: OpenBLAS 0.3.21 reads one column beyond it. */
static int solve(struct pixel_health *s)
{
    const lapack_int m = (lapack_int)s->m;
    cplx *c = s->h; /* scratch */
    memcpy(s->factor, s->info, s->m * s->m * sizeof *s->factor);
    for (size_t i = 0; i < s->m; i++) {
        const bool broken = s->map.state[i] == PIXEL_FAILED;
        const double sigma = broken ? BROKEN_SIGMA : PRIOR_SIGMA, d = 1 / (sigma * sigma);
        s->factor[i * s->m + i] += d;
        c[i] = conj(s->vector[i] + d * (broken ? s->c[i] : s->smooth[i]));
    }
    if (LAPACKE_zpotrf(LAPACK_COL_MAJOR, 'L', m, s->factor, m) ||
        LAPACKE_zpotrs(LAPACK_COL_MAJOR, 'L', m, 1, s->factor, m, c, m) ||
        LAPACKE_ztrtri(LAPACK_COL_MAJOR, 'L', 'N', m, s->factor, m))
        return ERR_GEOMETRY;
    for (size_t i = 0; i < s->m; i++) {
        s->c[i] = conj(c[i]);
        s->variance[i] = cvec_norm2(s->factor + i * s->m + i, s->m - i);
    }
    return OK;
}

/* Weighted least squares of c on the basis, coefficients small a priori but for the gain. */
static void fit_smooth(struct pixel_health *s)
{
    cplx a[SMOOTH][SMOOTH], g[SMOOTH];
    const double e2 = s->cfg.place.model_error * s->cfg.place.model_error;
    memset(a, 0, sizeof a);
    memset(g, 0, sizeof g);
    for (size_t i = 0; i < s->m; i++) {
        double w = s->weight[i] / (s->variance[i] + e2);
        for (size_t j = 0; j < SMOOTH; j++) {
            cplx left = w * conj(s->basis[j * s->m + i]);
            g[j] += cvec_times(left, s->c[i]);
            for (size_t k = j; k < SMOOTH; k++)
                a[j][k] += cvec_times(left, s->basis[k * s->m + i]);
        }
    }
    for (size_t j = 0; j < SMOOTH; j++)
        a[j][j] += j == 0 ? 1e-6 : 1;
    if (LAPACKE_zposv(LAPACK_ROW_MAJOR, 'U', SMOOTH, 1, a[0], SMOOTH, g, 1))
        return;
    for (size_t i = 0; i < s->m; i++) {
        s->smooth[i] = 0;
        for (size_t j = 0; j < SMOOTH; j++)
            s->smooth[i] += cvec_times(g[j], s->basis[j * s->m + i]);
    }
}

/* The smooth part by what most pixels agree on: Geman-McClure weights. */
static void find_smooth(struct pixel_health *s)
{
    for (int k = 0; k < REWEIGHTS; k++) {
        fit_smooth(s);
        for (size_t i = 0; i < s->m; i++) {
            double d2 =
                cplx_norm(s->c[i] - s->smooth[i]) / (SMOOTH_SCALE * SMOOTH_SCALE + s->variance[i]);
            s->weight[i] = 1 / ((1 + d2) * (1 + d2));
        }
    }
}

/* ln [ p slab(m) / ((1 - p) CN(m; 1, var)) ]; slab 1 / (2 pi |m|), floored where m is not resolved.
 * Beyond the unit disk, where only noise can put a pixel, the slab is as at its edge. */
static double log_odds_of(const struct pixel_health *s, cplx m, double var)
{
    double e = s->cfg.place.model_error, healthy = var + e * e;
    double size = fmin(fmax(cabs(m), sqrt(healthy)), 1);
    return log(s->cfg.p_fail / (1 - s->cfg.p_fail)) - log(2 * PI * size) + log(PI * healthy) +
           cplx_norm(m - 1) / healthy;
}

static enum pixel_state judge(const struct pixel_health *s, size_t i)
{
    const struct pixel_map *map = &s->map;
    double off = cabsf(map->mask[i] - 1);
    double limit = s->cfg.alarm * (map->state[i] == PIXEL_FAILED ? HYSTERESIS : 1);
    if (off >= limit && map->log_odds[i] > 0)
        return PIXEL_FAILED;
    if (map->sigma_of[i] > UNKNOWN_SIGMA)
        return map->state[i] == PIXEL_FAILED ? PIXEL_FAILED : PIXEL_UNKNOWN;
    return PIXEL_HEALTHY;
}

/* Hoare's selection: qsort would ask for memory. */
static float median(const float *x, size_t n)
{
    float v[PIXEL_ELEMENTS_MAX];
    size_t low = 0, high = n - 1, k = n / 2;
    memcpy(v, x, n * sizeof *x);
    while (low < high) {
        const float pivot = v[k];
        size_t i = low, j = high;
        while (i <= j) {
            for (; v[i] < pivot; i++)
                ;
            for (; v[j] > pivot; j--)
                ;
            if (i > j)
                break;
            float t = v[i];
            v[i++] = v[j];
            v[j] = t;
            if (j-- == 0)
                break;
        }
        if (k <= j && j < n)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}

void pixel_health_judge(struct pixel_health *s, struct pixel_map *out)
{
    struct pixel_map *map = &s->map;
    if (solve(s) == OK) {
        find_smooth(s);
        map->failed = map->unknown = 0;
        for (size_t i = 0; i < s->m; i++) {
            double level = fmax(cabs(s->smooth[i]), 0.1);
            double var = s->variance[i] / (level * level);
            cplx m = s->c[i] / s->smooth[i];
            map->mask[i] = (cplxf)m;
            map->sigma_of[i] = (float)sqrt(var);
            map->log_odds[i] = (float)log_odds_of(s, m, var);
            map->state[i] = (uint8_t)judge(s, i);
            map->failed += map->state[i] == PIXEL_FAILED;
            map->unknown += map->state[i] == PIXEL_UNKNOWN;
        }
        map->sigma = median(map->sigma_of, s->m);
    }
    *out = *map;
}

void pixel_health_evidence(const struct pixel_health *s, struct pixel_evidence *out)
{
    *out = (struct pixel_evidence){.info = s->info, .vector = s->vector, .smooth = s->smooth};
}

void pixel_health_recall(struct pixel_health *s, const struct pixel_map *map)
{
    assert(map->n_element == s->m);
    for (size_t i = 0; i < s->m; i++) {
        if (map->state[i] != PIXEL_FAILED)
            continue;
        s->c[i] = map->mask[i];
        s->map.state[i] = PIXEL_FAILED;
        s->map.mask[i] = map->mask[i];
        s->map.failed++;
        s->map.unknown--;
    }
}

/* --- setup -------------------------------------------------------------------------------- */

static void fill_basis(struct pixel_health *s)
{
    const struct panel *panel = &s->cfg.place.panel;
    const double columns = (double)panel->columns, rows = (double)panel->rows;
    for (size_t i = 0; i < s->m; i++) {
        double x = ((double)(i % panel->columns) - (columns - 1) / 2) * 2 / columns;
        double y = ((double)(i / panel->columns) - (rows - 1) / 2) * 2 / rows;
        const double tilts[TILTS] = {1, x, y, x * x + y * y - 2.0 / 3};
        for (size_t j = 0; j < TILTS; j++)
            s->basis[j * s->m + i] = tilts[j];
        s->c[i] = s->smooth[i] = 1;
        s->weight[i] = 1;
        s->map.mask[i] = 1;
        s->map.sigma_of[i] = PRIOR_SIGMA;
    }
    pixel_place_walls(s->place, s->basis + TILTS * s->m);
    s->map.n_element = s->map.unknown = s->m;
    s->map.sigma = PRIOR_SIGMA;
}

static struct pixel_health *refuse(struct pixel_health *s, struct status *err, int code,
                                   const char *text)
{
    pixel_health_destroy(&s);
    err->code = code;
    snprintf(err->text, sizeof err->text, "pixel health: %s", text);
    return NULL;
}

struct pixel_health *pixel_health_create(const struct pixel_health_cfg *cfg, struct status *err)
{
    const size_t m = panel_elements(&cfg->place.panel), n = cfg->place.n_profile;
    if (m > PIXEL_ELEMENTS_MAX)
        return refuse(NULL, err, ERR_ARG, "a surface of more than 1024 elements");
    if (!(cfg->forget_s > 0) || !(cfg->alarm > 0) || !(cfg->p_fail > 0 && cfg->p_fail < 1))
        return refuse(NULL, err, ERR_ARG, "forget_s and alarm must be > 0, p_fail within 0..1");
    struct pixel_health *s = calloc(1, sizeof *s);
    if (!s)
        return refuse(s, err, ERR_NO_MEMORY, "out of memory");
    s->cfg = *cfg;
    s->m = m;
    s->n = n;
    s->place = pixel_place_create(&cfg->place, err);
    if (!s->place) {
        pixel_health_destroy(&s);
        return NULL;
    }
    s->info = calloc(m * m, sizeof *s->info);
    s->factor = calloc(m * m, sizeof *s->factor);
    s->vector = calloc(m, sizeof *s->vector);
    s->c = calloc(m, sizeof *s->c);
    s->variance = calloc(m, sizeof *s->variance);
    s->smooth = calloc(m, sizeof *s->smooth);
    s->basis = calloc(SMOOTH * m, sizeof *s->basis);
    s->weight = calloc(m, sizeof *s->weight);
    s->h = calloc(n * m, sizeof *s->h);
    s->last = calloc(m, sizeof *s->last);
    if (!s->info || !s->factor || !s->vector || !s->c || !s->variance || !s->smooth || !s->basis ||
        !s->weight || !s->h || !s->last)
        return refuse(s, err, ERR_NO_MEMORY, "out of memory");
    fill_basis(s);
    return s;
}

void pixel_health_destroy(struct pixel_health **health)
{
    struct pixel_health *s = *health;
    if (!s)
        return;
    pixel_place_destroy(&s->place);
    free(s->info);
    free(s->factor);
    free(s->vector);
    free(s->c);
    free(s->variance);
    free(s->smooth);
    free(s->basis);
    free(s->weight);
    free(s->h);
    free(s->last);
    free(s);
    *health = NULL;
}
