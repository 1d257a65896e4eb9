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
