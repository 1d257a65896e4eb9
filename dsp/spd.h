/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small symmetric positive definite systems on the sample path, where LAPACK would bring threads of
 * its own into the process: Cholesky, row-major, in place. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* RT-safe. a [n x n], of which the lower triangle is read, becomes its lower factor L. False, with
 * a undefined, if it is not positive definite. */
bool spd_factor(double *a, size_t n);

/* RT-safe. x [n] becomes L^-1 x. */
void spd_forward(const double *l, size_t n, double *x);

/* RT-safe. x [n] becomes (L L^T)^-1 x. */
void spd_solve(const double *l, size_t n, double *x);

/* RT-safe. The same for eight columns at once, x [n x 8]: L^-1 x, and L^-T x. */
enum { SPD_BLOCK = 8 };
void spd_forward_block(const double *l, size_t n, double (*x)[SPD_BLOCK]);
void spd_backward_block(const double *l, size_t n, double (*x)[SPD_BLOCK]);
