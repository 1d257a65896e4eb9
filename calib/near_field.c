/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/near_field.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN      64
#define BLOCK      64 /* elements at a time: the intermediates of a block stay in the first cache */
#define MAX_PIXELS 65536

struct near_field {
    size_t m;
    double k;      /* 2 pi / lambda */
    double *x, *y; /* [M] */
    double *r2;    /* [M] |p_m|^2 */
    cplx *bs;      /* [M] a_m(p_BS) */
    void *memory;
};

/* t minus the nearest whole number. Adding and taking away 1.5 * 2^52 rounds, on any machine and
 * in every vector unit; this file must not be compiled with reassociation. */
static inline double fraction(double t)
{
    const double magic = 6755399441055744.0;
    return t - ((t + magic) - magic);
}

/* sin(2 pi t), |t| <= 1/2: folded onto the quarter wave, then an odd polynomial (error 3e-19). */
static inline double sin_turns(double t)
{
    double a = fabs(t), b = 0.5 - a;
    double q = copysign(a < b ? a : b, t), s = q * q;
    double p = 0x1.9d462020fcc78p-4;
    p = p * s - 0x1.6f7acdb8f6580p-1;
    p = p * s + 0x1.e8f3675ee37ddp+1;
    p = p * s - 0x1.e3074dfaf87afp+3;
    p = p * s + 0x1.5078348551854p+5;
    p = p * s - 0x1.32d2cce627c86p+6;
    p = p * s + 0x1.466bc6775aa7dp+6;
    p = p * s - 0x1.4abbce625be52p+5;
    p = p * s + 0x1.921fb54442d18p+2;
    return p * q;
}

void near_field_phasors(const double *turns, cplx *out, size_t n)
{
    double *pair = (double *)out;
    for (size_t i = 0; i < n; i++) {
        double t = fraction(turns[i]);
        pair[2 * i] = sin_turns(fraction(t + 0.25)); /* cos is a shifted sine: one vector loop */
        pair[2 * i + 1] = -sin_turns(t);
    }
}

/* What the elements first..first+n see of a source at p: difference of distances and its
 * derivatives, so that d phase = -k * row. */
struct block {
    double delta[BLOCK];   /* |p - p_m| - |p| */
    double inverse[BLOCK]; /* 1 / |p - p_m| */
    double turns[BLOCK];
    double w[3][BLOCK]; /* gradient of delta */
    double h[6][BLOCK]; /* second derivatives of delta: xx xy xz yy yz zz */
    cplx phasor[BLOCK];
};

static void differences(const struct near_field *nf, struct vec3 p, size_t first, size_t n,
                        struct block *bl)
{
    const double *restrict x = nf->x + first, *restrict y = nf->y + first,
                           *restrict r2 = nf->r2 + first;
    const double d2 = vec3_dot(p, p), d = sqrt(d2), turns = nf->k / (2 * PI);
    for (size_t i = 0; i < n; i++) {
        double twice = r2[i] - 2 * (p.x * x[i] + p.y * y[i]); /* |p - p_m|^2 - |p|^2 */
        double dm = sqrt(d2 + twice);
        bl->delta[i] = twice / (dm + d);
        bl->inverse[i] = 1 / dm;
        bl->turns[i] = turns * bl->delta[i];
    }
}

/* u_m - u = -(p delta / d + p_m) / d_m, with u_m, u the unit vectors from element and centre. */
static void gradients(const struct near_field *nf, struct vec3 p, size_t first, size_t n,
                      struct block *bl)
{
    const double *restrict x = nf->x + first, *restrict y = nf->y + first;
    const double inv_d = 1 / vec3_norm(p);
    for (size_t i = 0; i < n; i++) {
        double along = bl->delta[i] * inv_d, inv = bl->inverse[i];
        bl->w[0][i] = -(p.x * along + x[i]) * inv;
        bl->w[1][i] = -(p.y * along + y[i]) * inv;
        bl->w[2][i] = -p.z * along * inv;
    }
}

/* (I - u_m u_m^T)/d_m - (I - u u^T)/d
 *   = (u u^T - I) delta / (d_m d) - (u w^T + w u^T + w w^T) / d_m,   w = u_m - u */
static void curvatures(struct vec3 p, size_t n, struct block *bl)
{
    const double inv_d = 1 / vec3_norm(p);
    const double u[3] = {p.x * inv_d, p.y * inv_d, p.z * inv_d};
    for (int a = 0, row = 0; a < 3; a++)
        for (int b = a; b < 3; b++, row++) {
            const double uu = u[a] * u[b] - (a == b);
            double *restrict h = bl->h[row];
            const double *restrict wa = bl->w[a], *restrict wb = bl->w[b];
            for (size_t i = 0; i < n; i++)
                h[i] = bl->inverse[i] *
                       (uu * bl->delta[i] * inv_d - u[a] * wb[i] - u[b] * wa[i] - wa[i] * wb[i]);
        }
}

/* phasor *= light. In reals: the complex product would look for infinities. */
static void illuminate(cplx *phasor, const cplx *light, size_t n)
{
    double *restrict a = (double *)phasor;
    const double *restrict b = (const double *)light;
    for (size_t i = 0; i < n; i++) {
        double re = a[2 * i] * b[2 * i] - a[2 * i + 1] * b[2 * i + 1];
        a[2 * i + 1] = a[2 * i] * b[2 * i + 1] + a[2 * i + 1] * b[2 * i];
        a[2 * i] = re;
    }
}

/* db = -j k w b;  d2b = (-j k h - k^2 w w^T) b. */
static void store_row(const struct block *bl, enum near_field_row row, double k, size_t n,
                      double *restrict out)
{
    static const unsigned char first[6] = {0, 0, 0, 1, 1, 2}, second[6] = {0, 1, 2, 1, 2, 2};
    const double *restrict b = (const double *)bl->phasor;
    if (row < NEAR_FIELD_DXX) {
        const double *restrict w = bl->w[row - NEAR_FIELD_DX];
        for (size_t i = 0; i < n; i++) {
            out[2 * i] = k * w[i] * b[2 * i + 1];
            out[2 * i + 1] = -k * w[i] * b[2 * i];
        }
        return;
    }
    const int r = row - NEAR_FIELD_DXX;
    const double *restrict h = bl->h[r], *restrict wa = bl->w[first[r]],
                           *restrict wb = bl->w[second[r]];
    for (size_t i = 0; i < n; i++) {
        double re = -k * k * wa[i] * wb[i], im = -k * h[i];
        out[2 * i] = re * b[2 * i] - im * b[2 * i + 1];
        out[2 * i + 1] = re * b[2 * i + 1] + im * b[2 * i];
    }
}

static void steer(const struct near_field *nf, struct vec3 p, int order, const cplx *light,
                  cplx *out)
{
    assert(order >= 0 && order <= 2);
    const enum near_field_row rows[] = {NEAR_FIELD_DX, NEAR_FIELD_DXX, NEAR_FIELD_ROWS};
    struct block bl;
    for (size_t first = 0; first < nf->m; first += BLOCK) {
        size_t n = nf->m - first < BLOCK ? nf->m - first : BLOCK;
        differences(nf, p, first, n, &bl);
        near_field_phasors(bl.turns, bl.phasor, n);
        if (light)
            illuminate(bl.phasor, light + first, n);
        memcpy(out + first, bl.phasor, n * sizeof *out);
        if (order >= 1)
            gradients(nf, p, first, n, &bl);
        if (order >= 2)
            curvatures(p, n, &bl);
        for (enum near_field_row row = NEAR_FIELD_DX; row < rows[order]; row++)
            store_row(&bl, row, nf->k, n, (double *)(out + row * nf->m + first));
    }
}

void near_field_steer(const struct near_field *nf, struct vec3 p, int order, cplx *out)
{
    assert(nf && out);
    steer(nf, p, order, nf->bs, out);
}

void near_field_user(const struct near_field *nf, struct vec3 p, int order, cplx *out)
{
    assert(nf && out);
    steer(nf, p, order, NULL, out);
}

static bool positive(double v)
{
    return isfinite(v) && v > 0;
}

static const char *fault(const struct pixel_surface *s)
{
    if (s->columns < 1 || s->rows < 1 || s->columns > MAX_PIXELS || s->rows > MAX_PIXELS ||
        s->columns * s->rows > MAX_PIXELS)
        return "a surface has 1 to 65536 pixels";
    if (!positive(s->wavelength_m) || !positive(s->spacing_m[0]) || !positive(s->spacing_m[1]))
        return "wavelength and spacing must be finite and above 0";
    if (!isfinite(s->bs_m.x) || !isfinite(s->bs_m.y) || !isfinite(s->bs_m.z))
        return "the base station's position is not finite";
    const double half[2] = {0.5 * s->columns * s->spacing_m[0], 0.5 * s->rows * s->spacing_m[1]};
    if (s->bs_m.z == 0 && fabs(s->bs_m.x) <= half[0] && fabs(s->bs_m.y) <= half[1])
        return "the base station stands within the surface";
    return NULL;
}

static void place(struct near_field *nf, const struct pixel_surface *s)
{
    for (size_t m = 0; m < nf->m; m++) {
        nf->x[m] = ((double)(m % s->columns) - 0.5 * (double)(s->columns - 1)) * s->spacing_m[0];
        nf->y[m] = ((double)(m / s->columns) - 0.5 * (double)(s->rows - 1)) * s->spacing_m[1];
        nf->r2[m] = nf->x[m] * nf->x[m] + nf->y[m] * nf->y[m];
    }
    near_field_user(nf, s->bs_m, 0, nf->bs);
}

struct near_field *near_field_create(const struct pixel_surface *surface, struct status *err)
{
    assert(surface && err);
    const char *text = fault(surface);
    if (text) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text, "%s", text);
        return NULL;
    }
    const size_t m = surface->columns * surface->rows, padded = (m + 7) / 8 * 8;
    struct near_field *nf = calloc(1, sizeof *nf);
    double *memory = aligned_alloc(ALIGN, 5 * padded * sizeof(double));
    if (!nf || !memory) {
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for a surface of %zu pixels", m);
        free(nf);
        free(memory);
        return NULL;
    }
    *nf = (struct near_field){.m = m,
                              .k = 2 * PI / surface->wavelength_m,
                              .x = memory,
                              .y = memory + padded,
                              .r2 = memory + 2 * padded,
                              .bs = (cplx *)(memory + 3 * padded),
                              .memory = memory};
    place(nf, surface);
    return nf;
}

void near_field_destroy(struct near_field **nf)
{
    if (!nf || !*nf)
        return;
    free((*nf)->memory);
    free(*nf);
    *nf = NULL;
}

size_t near_field_elements(const struct near_field *nf)
{
    return nf->m;
}

double near_field_wavenumber(const struct near_field *nf)
{
    return nf->k;
}

struct vec3 near_field_element(const struct near_field *nf, size_t m)
{
    assert(m < nf->m);
    return (struct vec3){nf->x[m], nf->y[m], 0};
}

const cplx *near_field_bs(const struct near_field *nf)
{
    return nf->bs;
}

struct vec3 near_field_uvq(struct vec3 p)
{
    double q = 1 / vec3_norm(p);
    return (struct vec3){p.x * q, p.y * q, q};
}

struct vec3 near_field_point(struct vec3 uvq)
{
    double up = sqrt(fmax(0, 1 - uvq.x * uvq.x - uvq.y * uvq.y));
    return (struct vec3){uvq.x / uvq.z, uvq.y / uvq.z, up / uvq.z};
}

void near_field_jacobian(struct vec3 uvq, double jac[3][3])
{
    const double d = 1 / uvq.z, up = sqrt(fmax(0, 1 - uvq.x * uvq.x - uvq.y * uvq.y));
    const double columns[3][3] = {
        {d, 0, -uvq.x * d * d},
        {0, d, -uvq.y * d * d},
        {-uvq.x / up * d, -uvq.y / up * d, -up * d * d},
    };
    memcpy(jac, columns, sizeof columns);
}
