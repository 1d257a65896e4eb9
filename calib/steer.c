/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Built with -ffast-math -fno-finite-math-only: the loops below are written so that both compilers
 * turn them into SIMD code. Turns are reduced to a quarter by rounding, then both series are summed
 * and swapped by selects. */
#include "calib/steer.h"

#include <math.h>

struct sincos {
    double s, c;
};

/* sin and cos of 2 pi t. */
static inline __attribute__((always_inline)) struct sincos sincos_turns(double t)
{
    double n = rint(4 * t);
    double x = (t - 0.25 * n) * (2 * PI), x2 = x * x;
    double s =
        x *
        (1 + x2 * (-1. / 6 +
                   x2 * (1. / 120 + x2 * (-1. / 5040 +
                                          x2 * (1. / 362880 + x2 * (-1. / 39916800 +
                                                                    x2 * (1. / 6227020800 -
                                                                          x2 / 1307674368000)))))));
    double c =
        1 + x2 * (-.5 + x2 * (1. / 24 +
                              x2 * (-1. / 720 +
                                    x2 * (1. / 40320 + x2 * (-1. / 3628800 +
                                                             x2 * (1. / 479001600 -
                                                                   x2 * (1. / 87178291200 -
                                                                         x2 / 20922789888000)))))));
    double m = n - 4 * rint(0.25 * n); /* -2..2 */
    double odd = m * m == 1 ? 1 : 0;
    double sr = odd != 0 ? c : s, cr = odd != 0 ? s : c;
    double flip_s = (m == 2 || m == -2 || m == -1) ? -1 : 1;
    double flip_c = (m == 2 || m == -2 || m == 1) ? -1 : 1;
    return (struct sincos){flip_s * sr, flip_c * cr};
}

struct sincosf {
    float s, c;
};

static inline __attribute__((always_inline)) struct sincosf sincosf_turns(float t)
{
    float n = rintf(4 * t);
    float x = (t - 0.25f * n) * (float)(2 * PI), x2 = x * x;
    float s = x * (1 + x2 * (-1.f / 6 + x2 * (1.f / 120 + x2 * (-1.f / 5040 + x2 / 362880))));
    float c =
        1 + x2 * (-.5f + x2 * (1.f / 24 + x2 * (-1.f / 720 + x2 * (1.f / 40320 - x2 / 3628800))));
    float m = n - 4 * rintf(0.25f * n);
    float odd = m * m == 1 ? 1.f : 0.f;
    float sr = odd != 0 ? c : s, cr = odd != 0 ? s : c;
    float flip_s = (m == 2 || m == -2 || m == -1) ? -1.f : 1.f;
    float flip_c = (m == 2 || m == -2 || m == 1) ? -1.f : 1.f;
    return (struct sincosf){flip_s * sr, flip_c * cr};
}

void steer_user(const struct steer_plane *plane, const double uvq[3], cplx *a)
{
    const double *restrict px = plane->x, *restrict py = plane->y;
    double *restrict out = (double *)a;
    double u = uvq[0], v = uvq[1], q = uvq[2], turns = plane->k / (2 * PI);
    for (size_t m = 0; m < plane->n; m++) {
        double xi = u * px[m] + v * py[m], rho = px[m] * px[m] + py[m] * py[m];
        double s = sqrt(1 - 2 * q * xi + q * q * rho);
        struct sincos e = sincos_turns(turns * (2 * xi - q * rho) / (1 + s));
        out[2 * m] = e.c;
        out[2 * m + 1] = e.s;
    }
}

void steer_derivatives(const struct steer_plane *plane, const double uvq[3], cplx *rows)
{
    const double *restrict px = plane->x, *restrict py = plane->y;
    size_t n = plane->n;
    double *restrict a = (double *)rows, *restrict du = a + 2 * n, *restrict dv = du + 2 * n;
    double *restrict dq = dv + 2 * n;
    double u = uvq[0], v = uvq[1], q = uvq[2], k = plane->k, turns = k / (2 * PI);
    for (size_t m = 0; m < n; m++) {
        double xi = u * px[m] + v * py[m], rho = px[m] * px[m] + py[m] * py[m];
        double s = sqrt(1 - 2 * q * xi + q * q * rho);
        double f = (2 * xi - q * rho) / (1 + s);
        struct sincos e = sincos_turns(turns * f);
        double ks = k / s, kq = -ks * (rho - xi * f) / (1 + s);
        a[2 * m] = e.c;
        a[2 * m + 1] = e.s;
        du[2 * m] = -ks * px[m] * e.s;
        du[2 * m + 1] = ks * px[m] * e.c;
        dv[2 * m] = -ks * py[m] * e.s;
        dv[2 * m + 1] = ks * py[m] * e.c;
        dq[2 * m] = -kq * e.s;
        dq[2 * m + 1] = kq * e.c;
    }
}

/* Phases g_i = k F_i, g_ij = k F_ij; then a_i = j g_i a and a_ij = (j g_ij - g_i g_j) a. With
 * D = -ds/dq / s^2 = (xi - q rho) / s^3:  F_uu = q x^2 / s^3,  F_uq = x D,  and so on for v;
 * F_qq = -(d2s/dq2 + 2 F_q) / q,  d2s/dq2 = (rho - (ds/dq)^2) / s. */
void steer_expansion(const struct steer_plane *plane, const double uvq[3], cplx *rows)
{
    const double *restrict px = plane->x, *restrict py = plane->y;
    size_t n = plane->n;
    double *restrict uu = (double *)(rows + 4 * n), *restrict uv = uu + 2 * n;
    double *restrict uq = uv + 2 * n, *restrict vv = uq + 2 * n, *restrict vq = vv + 2 * n;
    double *restrict qq = vq + 2 * n;
    const double *restrict a = (const double *)rows;
    double u = uvq[0], v = uvq[1], q = uvq[2], k = plane->k;
    steer_derivatives(plane, uvq, rows);
    for (size_t m = 0; m < n; m++) {
        double x = px[m], y = py[m], xi = u * x + v * y, rho = x * x + y * y;
        double s = sqrt(1 - 2 * q * xi + q * q * rho), is = 1 / s, is3 = is * is * is;
        double f = (2 * xi - q * rho) / (1 + s), fq = -is * (rho - xi * f) / (1 + s);
        double sq = (q * rho - xi) * is, fqq = -((rho - sq * sq) * is + 2 * fq) / q;
        double gu = k * x * is, gv = k * y * is, gq = k * fq, d = k * (xi - q * rho) * is3;
        double re = a[2 * m], im = a[2 * m + 1], kq = k * q * is3;
        uu[2 * m] = -kq * x * x * im - gu * gu * re;
        uu[2 * m + 1] = kq * x * x * re - gu * gu * im;
        uv[2 * m] = -kq * x * y * im - gu * gv * re;
        uv[2 * m + 1] = kq * x * y * re - gu * gv * im;
        uq[2 * m] = -d * x * im - gu * gq * re;
        uq[2 * m + 1] = d * x * re - gu * gq * im;
        vv[2 * m] = -kq * y * y * im - gv * gv * re;
        vv[2 * m + 1] = kq * y * y * re - gv * gv * im;
        vq[2 * m] = -d * y * im - gv * gq * re;
        vq[2 * m + 1] = d * y * re - gv * gq * im;
        qq[2 * m] = -k * fqq * im - gq * gq * re;
        qq[2 * m + 1] = k * fqq * re - gq * gq * im;
    }
}

void steer_user_f(const struct steer_plane *plane, const double uvq[3], cplxf *a)
{
    const float *restrict px = plane->xf, *restrict py = plane->yf;
    float *restrict out = (float *)a;
    float u = (float)uvq[0], v = (float)uvq[1], q = (float)uvq[2];
    float turns = (float)(plane->k / (2 * PI));
    for (size_t m = 0; m < plane->n; m++) {
        float xi = u * px[m] + v * py[m], rho = px[m] * px[m] + py[m] * py[m];
        float s = sqrtf(1 - 2 * q * xi + q * q * rho);
        struct sincosf e = sincosf_turns(turns * (2 * xi - q * rho) / (1 + s));
        out[2 * m] = e.c;
        out[2 * m + 1] = e.s;
    }
}
