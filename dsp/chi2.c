/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/chi2.h"

#include <assert.h>
#include <math.h>

/* Q_1 = erfc(sqrt(x/2)), Q_2 = exp(-x/2), Q_(k+2) = Q_k + (x/2)^(k/2) exp(-x/2) / Gamma(k/2 + 1).
 */
double chi2_tail(int dof, double x)
{
    assert(dof >= 1 && dof <= 64 && x >= 0);
    double half = x / 2;
    double tail = dof % 2 ? erfc(sqrt(half)) : exp(-half);
    double term = dof % 2 ? sqrt(half) * exp(-half) / (sqrt(M_PI) / 2) : half * exp(-half);
    for (int k = dof % 2 ? 1 : 2; k + 2 <= dof; k += 2) {
        tail += term;
        term *= half / (0.5 * k + 1);
    }
    return tail;
}

/* The tail falls monotonically: bisection to full precision needs no care at either end. */
double chi2_quantile(int dof, double p)
{
    assert(p >= 1e-12 && p <= 0.999);
    double low = 0, high = 64;
    while (chi2_tail(dof, high) > p)
        high *= 2;
    for (int i = 0; i < 60; i++) {
        double mid = 0.5 * (low + high);
        *(chi2_tail(dof, mid) > p ? &low : &high) = mid;
    }
    return 0.5 * (low + high);
}
