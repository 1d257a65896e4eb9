/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Failure-agnostic maximum likelihood: every pixel taken as healthy (or as known), [S2] IV. Coarse
 * search on the codebook, refinement of its best peaks, the best of them polished. What every other
 * estimator starts from. */
#pragma once
#include "calib/codebook.h"
#include "calib/varpro.h"

struct agnostic;

/* Setup only. NULL when memory is short. The model must outlive it. */
struct agnostic *agnostic_create(const struct pixel_model *model);
void agnostic_destroy(struct agnostic **est);

/* RT-safe. y: [T]; mask: what is known of the pixels, [M], NULL: all healthy. Fills uvq, beta,
 * cost and the rest of *fit. Returns 0 or ERR_GEOMETRY (profiles that let nothing through). */
int agnostic_run(struct agnostic *est, const cplx *y, const cplx *mask,
                 struct varpro_fit *fit) MUST_CHECK;
