/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pixel_model.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/codebook.h"
#include "calib/near_field.h"
#include "calib/refuse.h"

#define ALIGN 64

size_t pixel_model_k_max(size_t n_elements, size_t n_pilots, double p_fail)
{
    size_t cap = n_pilots > 4 ? n_pilots - 4 : 0;
    double log_p = (double)n_elements * log1p(-p_fail), sum = exp(log_p);
    size_t k = 0;
    while (k < n_elements && 1 - sum >= 1e-3) {
        log_p += log((double)(n_elements - k) / (double)(k + 1)) + log(p_fail) - log1p(-p_fail);
        sum += exp(log_p);
        k++;
    }
    k = k < cap ? k : cap;
    return k < PIXEL_MAX_FAILURES ? k : PIXEL_MAX_FAILURES;
}

static int check(const struct pixel_problem *p, struct status *err)
{
    size_t t = p->n_pilots, m = p->surface.columns * p->surface.rows;
    if (t < 6 || t > PIXEL_MAX_PILOTS)
        return calib_refuse(err, ERR_ARG, "%zu pilots: 6 to %d are possible", t, PIXEL_MAX_PILOTS);
    if (!(p->power > 0) || !(p->p_fail > 0 && p->p_fail < 1))
        return calib_refuse(err, ERR_ARG, "power must be > 0 and p_fail within (0, 1)");
    if (!(p->range_m[0] > 0 && p->range_m[1] > p->range_m[0]))
        return calib_refuse(err, ERR_ARG, "search range [%g, %g] m is empty or not positive",
                            p->range_m[0], p->range_m[1]);
    double sum = 0;
    for (size_t i = 0; i < t * m; i++) {
        sum += cplx_norm(p->profiles[i]);
        if (!isfinite(creal(p->profiles[i])) || !isfinite(cimag(p->profiles[i])))
            return calib_refuse(err, ERR_ARG, "profile %zu, element %zu is not finite", i / m,
                                i % m);
    }
    if (!(sum > 0))
        return calib_refuse(err, ERR_ARG,
                            "all profiles are zero: nothing comes through the surface");
    return 0;
}

/* Positions as padded arrays, in both precisions. */
static void place(struct pixel_model *mod, const struct near_field *nf, double *x, double *y,
                  float *xf, float *yf)
{
    for (size_t m = 0; m < mod->n_elements; m++) {
        struct vec3 p = near_field_element(nf, m);
        x[m] = p.x;
        y[m] = p.y;
        xf[m] = (float)p.x;
        yf[m] = (float)p.y;
    }
    mod->plane = (struct steer_plane){mod->n_elements, x, y, xf, yf, near_field_wavenumber(nf)};
}

static void fold(struct pixel_model *mod, const struct near_field *nf,
                 const struct pixel_problem *p)
{
    size_t m = mod->n_elements, t = mod->n_pilots;
    double amplitude = sqrt(p->power);
    const cplx *bs = near_field_bs(nf);
    for (size_t i = 0; i < m; i++) {
        mod->norm[i] = 0;
        for (size_t j = 0; j < t; j++) {
            cplx v = amplitude * bs[i] * p->profiles[j * m + i];
            mod->a[i * t + j] = v;
            mod->af[i * t + j] = (cplxf)v;
            mod->norm[i] += cplx_norm(v);
        }
        mod->typical_norm += mod->norm[i] / (double)m;
    }
}

static size_t padded(size_t bytes)
{
    return (bytes + 16 * sizeof(double) + ALIGN - 1) / ALIGN * ALIGN;
}

/* One block of memory for all arrays. */
static int allocate(struct pixel_model *mod, double *xy[2], float *xyf[2])
{
    size_t m = mod->n_elements, t = mod->n_pilots;
    size_t size[7] = {m * t * sizeof(cplx), m * t * sizeof(cplxf), m * sizeof(double),
                      m * sizeof(double),   m * sizeof(double),    m * sizeof(float),
                      m * sizeof(float)};
    size_t total = 0;
    char *part[7];
    for (int i = 0; i < 7; i++)
        total += padded(size[i]);
    char *next = mod->memory = aligned_alloc(ALIGN, total);
    if (!next)
        return ERR_NO_MEMORY;
    memset(next, 0, total);
    for (int i = 0; i < 7; i++) {
        part[i] = next;
        next += padded(size[i]);
    }
    mod->a = (cplx *)part[0];
    mod->af = (cplxf *)part[1];
    mod->norm = (double *)part[2];
    xy[0] = (double *)part[3];
    xy[1] = (double *)part[4];
    xyf[0] = (float *)part[5];
    xyf[1] = (float *)part[6];
    return 0;
}

static int build(struct pixel_model *mod, const struct pixel_problem *p,
                 const struct near_field *nf)
{
    double *xy[2];
    float *xyf[2];
    mod->n_pilots = p->n_pilots;
    mod->columns = p->surface.columns;
    mod->rows = p->surface.rows;
    mod->n_elements = mod->columns * mod->rows;
    if (allocate(mod, xy, xyf))
        return ERR_NO_MEMORY;
    place(mod, nf, xy[0], xy[1], xyf[0], xyf[1]);
    fold(mod, nf, p);
    mod->p_fail = p->p_fail;
    mod->q_min = 1 / p->range_m[1];
    mod->q_max = 1 / p->range_m[0];
    mod->k_max = pixel_model_k_max(mod->n_elements, mod->n_pilots, mod->p_fail);
    mod->codebook = codebook_create(mod);
    return mod->codebook ? 0 : ERR_NO_MEMORY;
}

struct pixel_model *pixel_model_create(const struct pixel_problem *problem, struct status *err)
{
    *err = (struct status){.code = OK};
    if (check(problem, err))
        return NULL;
    struct near_field *nf = near_field_create(&problem->surface, err);
    struct pixel_model *mod = nf ? calloc(1, sizeof *mod) : NULL;
    if (nf && (!mod || build(mod, problem, nf))) {
        calib_refuse(err, ERR_NO_MEMORY, "no memory for a surface of %zu x %zu and %zu pilots",
                     problem->surface.columns, problem->surface.rows, problem->n_pilots);
        pixel_model_destroy(&mod);
    }
    near_field_destroy(&nf);
    return mod;
}

void pixel_model_destroy(struct pixel_model **model)
{
    if (*model) {
        codebook_destroy(&(*model)->codebook);
        free((*model)->memory);
    }
    free(*model);
    *model = NULL;
}

cplx pixel_model_user(const struct pixel_model *model, size_t m, const double uvq[3])
{
    double x = model->plane.x[m], y = model->plane.y[m];
    double xi = uvq[0] * x + uvq[1] * y, rho = x * x + y * y;
    double s = sqrt(1 - 2 * uvq[2] * xi + uvq[2] * uvq[2] * rho);
    double phase = model->plane.k * (2 * xi - uvq[2] * rho) / (1 + s);
    return CMPLX(cos(phase), sin(phase));
}

void pixel_model_mean(const struct pixel_model *model, const double uvq[3], const cplx *mask,
                      cplx *scratch, cplx *out)
{
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    int t = (int)model->n_pilots;
    steer_user(&model->plane, uvq, scratch);
    for (size_t m = 0; mask && m < model->n_elements; m++)
        scratch[m] *= mask[m];
    cblas_zgemv(CblasRowMajor, CblasTrans, (int)model->n_elements, t, one, model->a, t, scratch, 1,
                zero, out, 1);
}
