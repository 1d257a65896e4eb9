/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibration datasets: one experiment in one HDF5 file; docs/calibration.md has the members. Files
 * of h5py and MATLAB are read as they come: complex compounds {r, i} (or {real, imag}) of any float
 * width, numbers of any width, scalars and vectors with or without dimensions of one. Setup only.
 */
#pragma once
#include "calib/pixel_problem.h"

#define DATASET_MAX_PILOTS 16384
#define DATASET_MAX_VALUES (1u << 26) /* of /profiles: 1 GiB */

struct dataset {
    double carrier_hz;
    size_t columns, rows; /* M = columns * rows */
    double spacing_m[2];
    struct vec3 ris_m;     /* centre, global frame */
    double rotation[3][3]; /* local -> global, columns are the local axes */
    struct vec3 bs_m;      /* global */
    size_t n_pilots;       /* T */
    cplx *profiles;        /* [T x M] */
    cplx *y;               /* [T] */
    double noise_var, power, p_fail, range_m[2];
    bool has_position, has_gain, has_mask; /* which of /truth is there */
    struct vec3 true_position_m;           /* global */
    cplx true_gain;
    cplx *true_mask; /* [M], ones where has_mask is false */
};

/* Empty one of this size with the defaults: no rotation, power 1, p_fail 0.02, range 1 to 10 m,
 * healthy mask, no truth; arrays zero. NULL when memory is short. */
struct dataset *dataset_create(size_t columns, size_t rows, size_t n_pilots);
void dataset_destroy(struct dataset **ds);

/* NULL on: ERR_IO (no such file, not HDF5), ERR_FORMAT (a member is missing, misshapen or of the
 * wrong type), ERR_ARG (not finite, out of range, or members contradict each other). err->text
 * names the member, its expected shape and what was found, without the file's name. */
struct dataset *dataset_read(const char *path, struct status *err);

/* Replaces the file. ERR_IO with the reason; nothing half-written is left behind. */
int dataset_write(const char *path, const struct dataset *ds, struct status *err) MUST_CHECK;

/* The values: finite, within range, not contradicting each other. What dataset_read calls. */
int dataset_check(const struct dataset *ds, struct status *err) MUST_CHECK;

/* The experiment in the frame of the RIS; points into ds. */
struct pixel_problem dataset_problem(const struct dataset *ds);

struct vec3 dataset_to_ris(const struct dataset *ds, struct vec3 global);
struct vec3 dataset_to_global(const struct dataset *ds, struct vec3 ris);
