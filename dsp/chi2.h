/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chi-square tail and quantile, for the consistency gates. RT-safe. */
#pragma once

/* P(chi^2 with dof degrees of freedom > x). dof 1..64, x >= 0. */
double chi2_tail(int dof, double x);

/* The x whose tail is p. dof 1..64, 1e-12 <= p <= 0.999. chi2_quantile(1, 0.01) = 6.635. */
double chi2_quantile(int dof, double p);
