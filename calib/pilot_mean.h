/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Noise-free pilots of a surface and their derivatives in the user's position:
 *   g_t(p) = sum_m W[t,m] b_m(p) f_m,   mu = beta sqrt(P) g */
#pragma once
#include "calib/near_field.h"

struct pilot_mean;

/* Setup only. Scratch for one set of profiles [T x M], copied; nf must outlive it. NULL when memory
 * is short. Sets OpenBLAS to one thread. */
struct pilot_mean *pilot_mean_create(const struct near_field *nf, const cplx *profiles,
                                     size_t n_pilots);
void pilot_mean_destroy(struct pilot_mean **mean);

/* RT-safe, not reentrant per object. g and its derivatives: order 0, 1 or 2 fills [1 | 4 | 10 x T]
 * of out, rows as enum near_field_row. mask [M], NULL: all healthy. */
void pilot_mean_at(struct pilot_mean *mean, struct vec3 p, const cplx *mask, int order, cplx *out);

/* The steering rows [order's rows x M] of the last pilot_mean_at, mask applied. */
const cplx *pilot_mean_steering(const struct pilot_mean *mean);
