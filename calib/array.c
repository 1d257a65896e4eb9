/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/array.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { M = ARRAY_CALIB_MAX_ANT, ITERATIONS = 200 };
#define STILL     1e-15
#define SILENT_DB 60.0 /* a channel this far under the strongest one is not connected */

/* z_n: observation n without its steering. */
static void straighten(const cplxf *y, const cplxf *steering, size_t n, size_t n_ant, cplx z[M])
{
    for (size_t m = 0; m < n_ant; m++) {
        cplx a = steering ? (cplx)steering[n * n_ant + m] : 1;
        z[m] = (cplx)y[n * n_ant + m] * conj(a);
    }
}

/* R = sum_n conj(z_n) z_n^T; returns its trace. */
static double correlate(const cplxf *y, const cplxf *steering, size_t n_obs, size_t n_ant,
                        cplx r[M][M])
{
    double trace = 0;
    memset(r, 0, sizeof(cplx[M][M]));
    for (size_t n = 0; n < n_obs; n++) {
        cplx z[M];
        straighten(y, steering, n, n_ant, z);
        for (size_t i = 0; i < n_ant; i++) {
            for (size_t j = 0; j < n_ant; j++)
                r[i][j] += conj(z[i]) * z[j];
            trace += cplx_norm(z[i]);
        }
    }
    return trace;
}

static double normalise(cplx *v, size_t n, double norm2)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += cplx_norm(v[i]);
    for (size_t i = 0; i < n && sum > 0; i++)
        v[i] *= sqrt(norm2 / sum);
    return sqrt(sum);
}

/* Power iteration on a few channels: the first value towers over the others. Returns it. */
static double dominant(cplx r[M][M], size_t n_ant, cplx v[M])
{
    double value = 0;
    for (size_t i = 0; i < n_ant; i++)
        v[i] = r[i][0] + r[i][n_ant - 1];
    normalise(v, n_ant, 1);
    for (int k = 0; k < ITERATIONS; k++) {
        cplx next[M] = {0};
        double moved = 0;
        for (size_t i = 0; i < n_ant; i++)
            for (size_t j = 0; j < n_ant; j++)
                next[i] += r[i][j] * v[j];
        value = normalise(next, n_ant, 1);
        for (size_t i = 0; i < n_ant; i++)
            moved += cplx_norm(next[i] - v[i]);
        memcpy(v, next, sizeof(cplx[M]));
        if (moved < STILL)
            break;
    }
    return value;
}

static void worst_match(const cplxf *y, const cplxf *steering, struct array_calib *out)
{
    out->match = 1;
    for (size_t n = 0; n < out->n_obs; n++) {
        cplx z[M], product = 0;
        double energy = 0;
        straighten(y, steering, n, out->n_ant, z);
        for (size_t m = 0; m < out->n_ant; m++) {
            product += conj(out->channel[m]) * z[m];
            energy += cplx_norm(z[m]);
        }
        out->match = fmin(out->match, cabs(product) / sqrt(energy * (double)out->n_ant));
    }
}

static bool silent(const cplx r[M][M], size_t n_ant)
{
    double strongest = 0, weakest = INFINITY;
    for (size_t m = 0; m < n_ant; m++) {
        strongest = fmax(strongest, creal(r[m][m]));
        weakest = fmin(weakest, creal(r[m][m]));
    }
    return !(weakest > strongest * pow(10, -SILENT_DB / 10));
}

int array_calib_estimate(const cplxf *y, const cplxf *steering, size_t n_obs, size_t n_ant,
                         struct array_calib *out)
{
    cplx r[M][M], v[M] = {0};
    memset(out, 0, sizeof *out);
    if (n_obs < 2 || n_ant < 2 || n_ant > M)
        return ERR_ARG;
    double trace = correlate(y, steering, n_obs, n_ant, r);
    if (!isfinite(trace) || silent((const cplx(*)[M])r, n_ant))
        return ERR_NOT_FOUND;
    double value = dominant(r, n_ant, v); /* R v = value v, v = conj(c) up to a phase */
    if (!(value > 0.8 * trace))
        return ERR_NOT_FOUND;
    out->n_ant = n_ant;
    out->n_obs = n_obs;
    normalise(v, n_ant, (double)n_ant);
    for (size_t m = 0; m < n_ant; m++)
        out->channel[m] = conj(v[m]) * v[0] / cabs(v[0]);
    out->noise_var = fmax(trace - value, 0) / (double)((n_obs - 1) * (n_ant - 1));
    double power = value / (double)n_ant; /* S */
    for (size_t m = 1; m < n_ant; m++)
        out->sigma_rad[m] =
            sqrt(out->noise_var / (2 * power) * (1 / cplx_norm(v[m]) + 1 / cplx_norm(v[0])));
    worst_match(y, steering, out);
    return OK;
}
