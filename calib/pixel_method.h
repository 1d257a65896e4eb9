/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The estimators of broken pixels by name, behind one call: for the command line and for
 * experiments that compare them. */
#pragma once
#include "calib/jlfd_score.h"

enum pixel_method {
    PIXEL_METHOD_JOINT,      /* jlfd_beam.h, the default */
    PIXEL_METHOD_AGNOSTIC,   /* agnostic.h */
    PIXEL_METHOD_L1,         /* jlfd_l1.h */
    PIXEL_METHOD_SUCCESSIVE, /* jlfd_successive.h, as published */
    PIXEL_METHOD_OCCAM,      /* the same with the Occam factor */
    PIXEL_METHODS,
};

const char *pixel_method_name(enum pixel_method method);

/* -1 when there is none of this name. */
int pixel_method_find(const char *name);

struct pixel_solver;

/* Setup only; one per thread, the model must outlive it. NULL when memory is short. */
struct pixel_solver *pixel_solver_create(const struct pixel_model *model, enum pixel_method method);
void pixel_solver_destroy(struct pixel_solver **solver);

/* RT-safe. Returns 0, ERR_ARG or ERR_GEOMETRY. */
int pixel_solver_run(struct pixel_solver *solver, const struct jlfd_data *data,
                     struct pixel_estimate *out) MUST_CHECK;

/* Where the last run stood after each of its iterations: the agnostic start first, the answer of
 * pixel_solver_run last unless max (>= 1) places end before; returns how many. An iteration is what
 * each estimator calls one: a turn of LASSO and position (l1), a declared pixel (successive,
 * occam), a tangent plane (joint). */
size_t pixel_solver_path(const struct pixel_solver *solver, struct vec3 *place, size_t max);
