/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/spd.h"
#include <math.h>
#include <string.h>

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

bool spd_factor(double *a, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < r; c++)
            a[r * n + c] = (a[r * n + c] - dot(a + r * n, a + c * n, c)) / a[c * n + c];
        double pivot = a[r * n + r] - dot(a + r * n, a + r * n, r);
        if (!(pivot > 0))
            return false;
        a[r * n + r] = sqrt(pivot);
    }
    return true;
}

void spd_forward(const double *l, size_t n, double *x)
{
    for (size_t r = 0; r < n; r++)
        x[r] = (x[r] - dot(l + r * n, x, r)) / l[r * n + r];
}

void spd_solve(const double *l, size_t n, double *x)
{
    spd_forward(l, n, x);
    for (size_t r = n; r-- > 0;) {
        x[r] /= l[r * n + r];
        for (size_t c = 0; c < r; c++)
            x[c] -= l[r * n + c] * x[r];
    }
}

void spd_forward_block(const double *l, size_t n, double (*x)[SPD_BLOCK])
{
    for (size_t r = 0; r < n; r++) {
        double sum[SPD_BLOCK]; /* stays in registers */
        memcpy(sum, x[r], sizeof sum);
        for (size_t c = 0; c < r; c++)
            for (size_t q = 0; q < SPD_BLOCK; q++)
                sum[q] -= l[r * n + c] * x[c][q];
        for (size_t q = 0; q < SPD_BLOCK; q++)
            x[r][q] = sum[q] / l[r * n + r];
    }
}

void spd_backward_block(const double *l, size_t n, double (*x)[SPD_BLOCK])
{
    for (size_t r = n; r-- > 0;) {
        double value[SPD_BLOCK];
        for (size_t q = 0; q < SPD_BLOCK; q++)
            x[r][q] = value[q] = x[r][q] / l[r * n + r];
        for (size_t c = 0; c < r; c++)
            for (size_t q = 0; q < SPD_BLOCK; q++)
                x[c][q] -= l[r * n + c] * value[q];
    }
}
