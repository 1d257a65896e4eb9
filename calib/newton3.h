/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps in the three coordinates of a position. RT-safe. */
#pragma once
#include <math.h>
#include <stdbool.h>

#include "dsp/cplx.h"

/* x = -H^-1 g by Cholesky; false when H is not positive. */
static inline bool newton3_step(const double h[3][3], const double g[3], double x[3])
{
    double l[3][3] = {{0}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j <= i; j++) {
            double s = h[i][j];
            for (int k = 0; k < j; k++)
                s -= l[i][k] * l[j][k];
            if (i == j && !(s > 1e-14 * h[i][i]))
                return false;
            l[i][j] = i == j ? sqrt(s) : s / l[j][j];
        }
        x[i] = -g[i];
        for (int k = 0; k < i; k++)
            x[i] -= l[i][k] * x[k];
        x[i] /= l[i][i];
    }
    for (int i = 2; i >= 0; i--) {
        for (int k = i + 1; k < 3; k++)
            x[i] -= l[k][i] * x[k];
        x[i] /= l[i][i];
    }
    return true;
}

/* x' N^-1 x for complex x; 0 for a singular N. */
static inline double newton3_quadratic(const double n[3][3], const cplx x[3])
{
    double sum = 0, y[3], part[3];
    for (int c = 0; c < 2; c++) {
        for (int i = 0; i < 3; i++)
            part[i] = c ? cimag(x[i]) : creal(x[i]);
        if (!newton3_step(n, part, y))
            return 0;
        for (int i = 0; i < 3; i++)
            sum -= part[i] * y[i];
    }
    return sum;
}
