/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pixel_place.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/cvec.h"

enum { REAL_UNKNOWNS = 2 * PIXEL_IMAGES + 3, STEPS = 8, COLUMNS = PIXEL_NUISANCE };

#define ALONE_SIGMA_M 3.0  /* prior of a place without a prior: a room's size */
#define STEP_LIMIT_M  0.15 /* of one Gauss-Newton step: a third of a beamwidth at 3 m */
#define DONE_M        1e-4
#define GRID_M        0.15
#define GRID_REACH_M  0.9

struct pixel_place {
    struct pixel_place_cfg cfg;
    size_t n, m; /* pilots pairs, elements */
    double k;    /* wave number */
    struct vec3 *element;
    cplx *profiles; /* [n x m] times v */
    cplx *u;        /* [PIXEL_IMAGES x m] */
    cplx *b;        /* [m] sum_q alpha_q u_q */
    cplx *slope;    /* [3 x m] its derivatives in p */
    cplx *masked;   /* [COLUMNS x m] times c */
    cplx *columns;  /* [COLUMNS x n]: A and J */
    cplx *cov;      /* [n x n] factor of the covariance of the evidence */
    cplx alpha[PIXEL_IMAGES];
    bool lit[PIXEL_IMAGES];
    double unit; /* hop to the centre from 1 m in front: scale of u */
    cplx r[PIXEL_PROFILES_MAX];
    struct pixel_place_fit fit;
    double prior[3][3], inverse[3][3]; /* covariance in use and its inverse */
    double strength;                   /* |alpha_0|^2 that the pilots' power suggests */
};

/* Response of an element to a point, with the amplitude of ris_hop but for constants; *towards is
 * the unit vector to the point. */
static cplx hop(const struct pixel_place *s, size_t m, struct vec3 p, struct vec3 *towards)
{
    struct vec3 d = vec3_sub(p, s->element[m]);
    double r = vec3_norm(d), cosine = vec3_dot(d, s->cfg.panel.z) / r;
    *towards = vec3_scale(d, 1 / r);
    if (!(cosine > 0))
        return 0;
    double turns = s->k * r / (2 * PI), phase = -2 * PI * (turns - rint(turns));
    double amplitude = sqrt(cosine) / r;
    return CMPLX(amplitude * cos(phase), amplitude * sin(phase));
}

static size_t n_images(const struct pixel_place *s)
{
    for (size_t face = 0; face < 6; face++)
        if (s->cfg.wall_factor[face] != 0)
            return PIXEL_IMAGES;
    return 1;
}

static void steer(struct pixel_place *s, struct vec3 p, size_t q)
{
    cplx *u = s->u + q * s->m;
    double factor = q ? s->cfg.wall_factor[q - 1] : 1, power = 0;
    struct vec3 towards;
    p = room_image(&s->cfg.room, p, q);
    for (size_t m = 0; m < s->m; m++) {
        u[m] = factor * hop(s, m, p, &towards);
        power += cplx_norm(u[m]);
    }
    if (q == 0)
        s->unit = power > 0 ? 1 / sqrt(power / (double)s->m) : 0;
    for (size_t m = 0; m < s->m; m++)
        u[m] *= s->unit;
    s->lit[q] = power > 0;
}

static void steer_all(struct pixel_place *s, struct vec3 p)
{
    for (size_t q = 0; q < n_images(s); q++)
        steer(s, p, q);
}

/* b and its slope, d u / d p = -j k e u, the mirrored axis turned round. */
static void slopes(struct pixel_place *s, struct vec3 p)
{
    memset(s->b, 0, s->m * sizeof *s->b);
    memset(s->slope, 0, 3 * s->m * sizeof *s->slope);
    for (size_t q = 0; q < n_images(s); q++) {
        const struct vec3 at = room_image(&s->cfg.room, p, q);
        const int axis = q ? (int)(q - 1) / 2 : -1; /* mirrored */
        if (!s->lit[q])
            continue;
        for (size_t m = 0; m < s->m; m++) {
            struct vec3 d = vec3_unit(vec3_sub(at, s->element[m]));
            double e[3] = {d.x, d.y, d.z};
            cplx a = cvec_times(s->alpha[q], s->u[q * s->m + m]);
            s->b[m] += a;
            for (int i = 0; i < 3; i++) {
                double turn = i == axis ? s->k * e[i] : -s->k * e[i];
                s->slope[(size_t)i * s->m + m] += CMPLX(-turn * cimag(a), turn * creal(a));
            }
        }
    }
}

/* columns [count x n] = W v applied to rows [count x m] times c. */
static void project(struct pixel_place *s, const cplx *c, const cplx *rows, size_t count, cplx *out)
{
    const cplx one = 1, zero = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t m = 0; m < s->m; m++)
            s->masked[i * s->m + m] = cvec_times(rows[i * s->m + m], c[m]);
    cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)s->n, (int)s->m, &one,
                s->masked, (int)s->m, s->profiles, (int)s->m, &zero, out, (int)s->n);
}

static cplx *column(struct pixel_place *s, size_t i)
{
    return s->columns + i * s->n;
}

/* Columns of the gains at p. */
static void place_at(struct pixel_place *s, const cplx *c, struct vec3 p)
{
    steer_all(s, p);
    memset(s->columns, 0, COLUMNS * s->n * sizeof *s->columns);
    project(s, c, s->u, n_images(s), s->columns);
}

static void residual(struct pixel_place *s, const cplx *y)
{
    memcpy(s->r, y, s->n * sizeof *y);
    for (size_t q = 0; q < n_images(s); q++)
        cvec_subtract(s->r, s->alpha[q], column(s, q), s->n);
}

/* Variance of a pilot pair by noise and model error: sum_m |W v b|^2 of unit pixels. */
static double floor_of(const struct pixel_place *s, double noise_var)
{
    double e = s->cfg.model_error;
    return noise_var + e * e * s->strength * (double)s->m;
}

static int invert3(const double a[3][3], double out[3][3])
{
    memcpy(out, a, 9 * sizeof(double));
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', 3, out[0], 3) ||
        LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'U', 3, out[0], 3))
        return ERR_GEOMETRY;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++)
            out[i][j] = out[j][i];
    return OK;
}

/* Column of unknown i of x = (Re alpha, Im alpha, p). */
static cplx unknown(struct pixel_place *s, size_t i, size_t t)
{
    if (i < PIXEL_IMAGES)
        return column(s, i)[t];
    cplx z = column(s, i - PIXEL_IMAGES)[t];
    return i < 2 * PIXEL_IMAGES ? CMPLX(-cimag(z), creal(z)) : z;
}

struct normal {
    double a[REAL_UNKNOWNS][REAL_UNKNOWNS], g[REAL_UNKNOWNS];
};

/* Re(x^H x) and Re(x^H r) with the priors: images are about as strong as geometry says, at any
 * phase; the place is what the fix says. */
static void normal_equations(struct pixel_place *s, double sigma2, const double off[3],
                             struct normal *n)
{
    memset(n, 0, sizeof *n);
    for (size_t i = 0; i < REAL_UNKNOWNS; i++) {
        for (size_t t = 0; t < s->n; t++)
            n->g[i] += 2 / sigma2 * creal(cvec_times(conj(unknown(s, i, t)), s->r[t]));
        for (size_t j = i; j < REAL_UNKNOWNS; j++)
            for (size_t t = 0; t < s->n; t++)
                n->a[i][j] +=
                    2 / sigma2 * creal(cvec_times(conj(unknown(s, i, t)), unknown(s, j, t)));
    }
    for (size_t i = 0; i < 2 * PIXEL_IMAGES; i++) {
        size_t q = i % PIXEL_IMAGES;
        double weight = q == 0 ? 0 : 2 / s->strength;
        n->a[i][i] += weight + (q < n_images(s) && s->lit[q] ? 0 : 1);
        n->g[i] -= weight * (i < PIXEL_IMAGES ? creal(s->alpha[q]) : cimag(s->alpha[q]));
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            n->g[2 * PIXEL_IMAGES + i] -= s->inverse[i][j] * off[j];
            n->a[2 * PIXEL_IMAGES + i][2 * PIXEL_IMAGES + j] += s->inverse[i][j];
        }
}

static int solve(struct normal *n, size_t unknowns)
{
    return LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)unknowns, 1, n->a[0], REAL_UNKNOWNS,
                         n->g, 1)
               ? ERR_GEOMETRY
               : OK;
}

static void offset(const struct pixel_pilots *pilots, struct vec3 p, double off[3])
{
    struct vec3 d = vec3_sub(p, pilots->position);
    memcpy(off, (double[]){d.x, d.y, d.z}, 3 * sizeof *off);
}

/* Best gains at p, slopes there, and the cost: misfit over sigma2 and both priors. */
static int settle(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                  struct vec3 p, double sigma2, double *cost)
{
    struct normal n;
    double off[3];
    place_at(s, c, p);
    memset(s->alpha, 0, sizeof s->alpha);
    residual(s, pilots->y);
    offset(pilots, p, off);
    normal_equations(s, sigma2, off, &n);
    if (!(s->unit > 0) || solve(&n, 2 * PIXEL_IMAGES))
        return ERR_GEOMETRY;
    *cost = 0;
    for (size_t q = 0; q < PIXEL_IMAGES; q++) {
        s->alpha[q] = CMPLX(n.g[q], n.g[PIXEL_IMAGES + q]);
        *cost += q ? cplx_norm(s->alpha[q]) / s->strength : 0;
    }
    residual(s, pilots->y);
    slopes(s, p);
    project(s, c, s->slope, 3, column(s, PIXEL_IMAGES));
    *cost += cvec_norm2(s->r, s->n) / sigma2;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            *cost += off[i] * s->inverse[i][j] * off[j] / 2;
    return OK;
}

static struct vec3 limited(const double step[3])
{
    struct vec3 d = {step[0], step[1], step[2]};
    double length = vec3_norm(d);
    return length > STEP_LIMIT_M ? vec3_scale(d, STEP_LIMIT_M / length) : d;
}

static int read_cov(struct pixel_place *s, struct normal *n)
{
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', REAL_UNKNOWNS, n->a[0], REAL_UNKNOWNS) ||
        LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'U', REAL_UNKNOWNS, n->a[0], REAL_UNKNOWNS))
        return ERR_GEOMETRY;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = i; j < 3; j++)
            s->fit.cov[i][j] = s->fit.cov[j][i] = n->a[2 * PIXEL_IMAGES + i][2 * PIXEL_IMAGES + j];
    return OK;
}

/* Gauss-Newton in p with the gains settled at every place; a step that does not help is halved. */
static int descend(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                   struct vec3 *p, double sigma2)
{
    double cost, off[3];
    if (settle(s, c, pilots, *p, sigma2, &cost))
        return ERR_GEOMETRY;
    for (int i = 0; i < STEPS; i++) {
        struct normal n;
        offset(pilots, *p, off);
        normal_equations(s, sigma2, off, &n);
        if (solve(&n, REAL_UNKNOWNS))
            return ERR_GEOMETRY;
        struct vec3 d = limited(n.g + 2 * PIXEL_IMAGES);
        double before = cost;
        do {
            if (settle(s, c, pilots, vec3_add(*p, d), sigma2, &cost))
                return ERR_GEOMETRY;
            if (cost <= before)
                break;
            d = vec3_scale(d, 0.5);
        } while (vec3_norm(d) > DONE_M);
        if (cost > before)
            return settle(s, c, pilots, *p, sigma2, &cost);
        *p = vec3_add(*p, d);
        if (vec3_norm(d) < DONE_M)
            break;
    }
    return OK;
}

static int refine(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                  struct vec3 p)
{
    struct normal n;
    const double power = cvec_norm2(pilots->y, s->n), none[3] = {0};
    const double dof = fmax((double)s->n - PIXEL_NUISANCE + 3, 4);
    s->strength = power / (double)(s->n * s->m);
    s->fit.sigma2 = floor_of(s, pilots->noise_var);
    for (int pass = 0; pass < 2; pass++) {
        if (!(s->fit.sigma2 > 0) || descend(s, c, pilots, &p, s->fit.sigma2))
            return ERR_GEOMETRY;
        s->fit.sigma2 = fmax(s->fit.sigma2, cvec_norm2(s->r, s->n) / dof);
    }
    s->fit.position = p;
    s->fit.unexplained = cvec_norm2(s->r, s->n) / power;
    normal_equations(s, s->fit.sigma2, none, &n);
    return read_cov(s, &n);
}

/* Where around the prior the direct hop alone explains most. */
static struct vec3 best_start(struct pixel_place *s, const cplx *c,
                              const struct pixel_pilots *pilots)
{
    double widest = sqrt(fmax(s->prior[0][0], s->prior[1][1]));
    int reach = (int)ceil(fmin(2 * widest, GRID_REACH_M) / GRID_M);
    struct vec3 best = pilots->position;
    double most = -1;
    for (int i = -reach; i <= reach; i++)
        for (int j = -reach; j <= reach; j++) {
            struct vec3 p = vec3_add(pilots->position, (struct vec3){i * GRID_M, j * GRID_M, 0});
            steer(s, p, 0);
            project(s, c, s->u, 1, s->columns);
            double power = cvec_norm2(s->columns, s->n);
            double fit = power > 0 ? cplx_norm(cvec_dot(s->columns, pilots->y, s->n)) / power : 0;
            if (fit > most) {
                most = fit;
                best = p;
            }
        }
    return best;
}

static int fit_from(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                    struct pixel_place_fit *out)
{
    if (invert3(s->prior, s->inverse))
        return ERR_GEOMETRY;
    int rc = refine(s, c, pilots, best_start(s, c, pilots));
    *out = s->fit;
    return rc;
}

int pixel_place_fit(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                    struct pixel_place_fit *out)
{
    memcpy(s->prior, pilots->cov, sizeof s->prior);
    return fit_from(s, c, pilots, out);
}

int pixel_place_alone(struct pixel_place *s, const cplx *c, const struct pixel_pilots *pilots,
                      struct pixel_place_fit *out)
{
    memset(s->prior, 0, sizeof s->prior);
    for (int i = 0; i < 3; i++)
        s->prior[i][i] = ALONE_SIGMA_M * ALONE_SIGMA_M;
    return fit_from(s, c, pilots, out);
}

/* S = sigma2 I + A var(alpha) A^H + J var(p) J^T, lower Cholesky factor. The place is taken as a
 * complex unknown: half a degree of freedom too many each, on the safe side. */
static int factor_noise(struct pixel_place *s)
{
    const size_t n = s->n;
    const double strength = s->strength;
    double chol[3][3];
    memcpy(chol, s->prior, sizeof chol);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', 3, chol[0], 3))
        return ERR_GEOMETRY;
    memset(s->cov, 0, n * n * sizeof *s->cov);
    for (size_t i = 0; i < COLUMNS; i++) {
        cplx *row = column(s, i), spread[PIXEL_PROFILES_MAX] = {0};
        double weight = i == 0 ? 100 * sqrt(strength) : sqrt(strength);
        for (size_t t = 0; t < n; t++)
            if (i < PIXEL_IMAGES)
                spread[t] = weight * row[t];
            else
                for (size_t k = i - PIXEL_IMAGES; k < 3; k++)
                    spread[t] += chol[k][i - PIXEL_IMAGES] * column(s, PIXEL_IMAGES + k)[t];
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < n; b++)
                s->cov[a * n + b] += cvec_times(spread[a], conj(spread[b]));
    }
    for (size_t a = 0; a < n; a++)
        s->cov[a * n + a] += s->fit.sigma2;
    return LAPACKE_zpotrf(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, s->cov, (lapack_int)n)
               ? ERR_GEOMETRY
               : OK;
}

int pixel_place_evidence(struct pixel_place *s, cplx *h, cplx *r)
{
    const cplx one = 1;
    if (factor_noise(s))
        return ERR_GEOMETRY;
    for (size_t t = 0; t < s->n; t++)
        for (size_t m = 0; m < s->m; m++)
            h[t * s->m + m] = cvec_times(s->profiles[t * s->m + m], s->b[m]);
    memcpy(r, s->r, s->n * sizeof *r);
    cblas_ztrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)s->n,
                (int)s->m, &one, s->cov, (int)s->n, h, (int)s->m);
    cblas_ztrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)s->n, 1,
                &one, s->cov, (int)s->n, r, 1);
    return OK;
}

const cplx *pixel_place_direct(const struct pixel_place *s)
{
    return s->u;
}

void pixel_place_walls(const struct pixel_place *s, cplx *out)
{
    struct vec3 towards;
    for (size_t q = 1; q < PIXEL_IMAGES; q++) {
        const struct vec3 at = room_image(&s->cfg.room, s->cfg.bs, q);
        for (size_t m = 0; m < s->m; m++) {
            cplx direct = hop(s, m, s->cfg.bs, &towards);
            cplx by_wall = s->cfg.wall_factor[q - 1] * hop(s, m, at, &towards);
            out[(q - 1) * s->m + m] = direct != 0 ? by_wall / direct : 0;
        }
    }
}

static void fill(struct pixel_place *s, const cplx *profiles)
{
    struct vec3 towards;
    double power = 0;
    for (size_t m = 0; m < s->m; m++) {
        s->element[m] = panel_element(&s->cfg.panel, m);
        power += cplx_norm(hop(s, m, s->cfg.bs, &towards));
    }
    for (size_t m = 0; m < s->m; m++) {
        cplx v = hop(s, m, s->cfg.bs, &towards) / sqrt(power / (double)s->m);
        for (size_t t = 0; t < s->n; t++)
            s->profiles[t * s->m + m] = cvec_times(profiles[t * s->m + m], v);
    }
}

static struct pixel_place *no_memory(struct status *err)
{
    err->code = ERR_NO_MEMORY;
    snprintf(err->text, sizeof err->text, "pixel pilots: out of memory");
    return NULL;
}

struct pixel_place *pixel_place_create(const struct pixel_place_cfg *cfg, struct status *err)
{
    const size_t m = panel_elements(&cfg->panel), n = cfg->n_profile;
    struct vec3 to_bs = vec3_sub(cfg->bs, cfg->panel.position);
    err->code = OK;
    if (m == 0 || n < 6 || n > PIXEL_PROFILES_MAX || !(cfg->carrier_hz > 0) ||
        !(cfg->model_error > 0) || !(vec3_dot(to_bs, cfg->panel.z) > 0)) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text,
                 "pixel pilots: 6..%d profiles, a carrier, a model error > 0 and a surface that "
                 "faces the base station",
                 PIXEL_PROFILES_MAX);
        return NULL;
    }
    struct pixel_place *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err);
    s->cfg = *cfg;
    s->cfg.profiles = NULL;
    s->n = n;
    s->m = m;
    s->k = 2 * PI * cfg->carrier_hz / SPEED_OF_LIGHT;
    s->element = calloc(m, sizeof *s->element);
    s->profiles = calloc(n * m, sizeof *s->profiles);
    s->u = calloc(PIXEL_IMAGES * m, sizeof *s->u);
    s->b = calloc(m, sizeof *s->b);
    s->slope = calloc(3 * m, sizeof *s->slope);
    s->masked = calloc(COLUMNS * m, sizeof *s->masked);
    s->columns = calloc(COLUMNS * n, sizeof *s->columns);
    s->cov = calloc(n * n, sizeof *s->cov);
    if (!s->element || !s->profiles || !s->u || !s->b || !s->slope || !s->masked || !s->columns ||
        !s->cov) {
        pixel_place_destroy(&s);
        return no_memory(err);
    }
    fill(s, cfg->profiles);
    return s;
}

void pixel_place_destroy(struct pixel_place **place)
{
    struct pixel_place *s = *place;
    if (!s)
        return;
    free(s->element);
    free(s->profiles);
    free(s->u);
    free(s->b);
    free(s->slope);
    free(s->masked);
    free(s->columns);
    free(s->cov);
    free(s);
    *place = NULL;
}
