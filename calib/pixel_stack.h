/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Live pilots of many cycles as one calibration dataset, for the estimators that know one place and
 * white noise. A user who walks is seen from many places; each train's place and gains are fitted
 * and counted as noise (pixel_place.h), so that together they say  y = H c + white noise  of the
 * elements' coefficients c. In the dataset H is written as if all pilots came from the mean place:
 *
 *   W[k,m] = h_km s_m / b_m(p),   H^H H = sum of all trains,   at most PIXEL_MAX_PILOTS rows
 *
 * s: smooth over the surface and no failure. The noise includes the model's error, which does not
 * average: variance 1 + e^2 mean_m sum_k |W_km|^2. docs/calibration.md, "Datasets". Setup only. */
#pragma once
#include "calib/dataset.h"
#include "calib/pixel_health.h"

struct pixel_stack;

/* cfg: forget_s does not count, nothing is forgotten. NULL: out of range or no memory, says why. */
struct pixel_stack *pixel_stack_create(const struct pixel_health_cfg *cfg, struct status *err);
void pixel_stack_destroy(struct pixel_stack **stack);

/* pilots->n = cfg.place.n_profile. */
enum pixel_use pixel_stack_add(struct pixel_stack *stack, const struct pixel_pilots *pilots);
size_t pixel_stack_used(const struct pixel_stack *stack); /* trains */

/* The caller's. NULL: ERR_STATE (no train was used), ERR_NO_MEMORY, ERR_GEOMETRY. */
struct dataset *pixel_stack_dataset(struct pixel_stack *stack, struct status *err);
