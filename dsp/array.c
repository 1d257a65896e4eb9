/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/array.h"

#include <assert.h>

enum { SINE_STEPS = 50 };

/* sin(2 pi t) for |t| <= 1/4: odd minimax polynomial, error 7e-9 before rounding. */
static inline float sin_turns(float t)
{
    const float s = t * t;
    float p = 39.759827f;
    p = p * s - 76.581173f;
    p = p * s + 81.602476f;
    p = p * s - 41.341681f;
    p = p * s + 6.2831853f;
    return p * t;
}

/* Distance to the nearest whole turn, folded onto the rising quarter waves: sin(2 pi t) is even
 * about 1/4. */
static inline float fold(float t)
{
    t -= rintf(t);
    float a = fabsf(t);
    a = fminf(a, 0.5f - a);
    return copysignf(a, t);
}

void phasors(const float *turns, cplxf *out, size_t n)
{
    float *pair = (float *)out;
    for (size_t i = 0; i < n; i++) {
        float t = turns[i] - rintf(turns[i]);
        pair[2 * i] = sin_turns(fold(t + 0.25f));
        pair[2 * i + 1] = -sin_turns(fold(t));
    }
}

/* |p - a| - |p - b| = (|a|^2 - |b|^2 - 2 p.(a - b)) / (|p - a| + |p - b|) with the origin at b: no
 * difference of nearly equal distances is taken. */
static double distance_difference(struct vec3 p, struct vec3 a, struct vec3 b)
{
    struct vec3 q = vec3_sub(p, b), d = vec3_sub(a, b);
    double sum = vec3_dist(p, a) + vec3_norm(q);
    return sum > 0 ? (vec3_dot(d, d) - 2 * vec3_dot(q, d)) / sum : 0;
}

void array_steer(const struct vec3 *element, size_t n, struct vec3 ref, struct vec3 p,
                 double wavelength_m, cplxf *out)
{
    assert(element && out && wavelength_m > 0);
    float turns[64];
    for (size_t done = 0; done < n; done += 64) {
        size_t m = n - done < 64 ? n - done : 64;
        for (size_t i = 0; i < m; i++) {
            double t = distance_difference(p, element[done + i], ref) / wavelength_m;
            turns[i] = (float)(t - rint(t));
        }
        phasors(turns, out + done, m);
    }
}

float array_match(const cplxf *a, const cplxf *v, size_t n)
{
    assert(a && v);
    float re = 0, im = 0, aa = 0, vv = 0;
    for (size_t i = 0; i < n; i++) {
        re += crealf(a[i]) * crealf(v[i]) + cimagf(a[i]) * cimagf(v[i]);
        im += crealf(a[i]) * cimagf(v[i]) - cimagf(a[i]) * crealf(v[i]);
        aa += cplxf_norm(a[i]);
        vv += cplxf_norm(v[i]);
    }
    float scale = aa * vv;
    return scale > 0 ? sqrtf((re * re + im * im) / scale) : 0;
}

static double power_at(const cplxf *a, const cplxf *v, const double *x, size_t n, double s)
{
    cplx sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += conj((cplx)a[i]) * (cplx)v[i] * cexp(-I * 2 * PI * x[i] * s);
    return cplx_norm(sum);
}

double array_sine_off(const cplxf *a, const cplxf *v, const double *x, size_t n)
{
    assert(a && v && x);
    const double step = 1.0 / SINE_STEPS;
    double best = 0, most = -1;
    for (int k = -SINE_STEPS; k <= SINE_STEPS; k++) {
        const double power = power_at(a, v, x, n, k * step);
        if (power > most) {
            most = power;
            best = k * step;
        }
    }
    const double left = power_at(a, v, x, n, best - step),
                 right = power_at(a, v, x, n, best + step), bend = left + right - 2 * most;
    return bend < 0 ? best + 0.5 * step * (left - right) / bend : best;
}
