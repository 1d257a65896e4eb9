/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MUSIC on antenna vectors, beside the plain correlation of dsp/path_id.h: the covariance of some
 * snapshots is split into a signal and a noise subspace, and a steering vector is judged by how
 * much of it lies in the former. In a library of its own, since it needs LAPACK. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stddef.h>

enum { MUSIC_MAX_ANT = 8 };

struct music {
    size_t n_ant, n_source;
    cplx noise[MUSIC_MAX_ANT][MUSIC_MAX_ANT]; /* rows: unit vectors of the noise subspace */
    double eigenvalue[MUSIC_MAX_ANT];         /* of the covariance, ascending */
};

/* snap: [n_snap][n_ant]. n_ant 2..MUSIC_MAX_ANT, 1 <= n_source < n_ant, n_snap >= 1. No heap of
 * ours; LAPACK may start threads in the process at the first call of all. ERR_ARG: out of range or
 * not finite. */
int music_split(struct music *m, const cplx *snap, size_t n_snap, size_t n_ant,
                size_t n_source) MUST_CHECK;

/* sqrt(1 - |E_n^H a|^2 / |a|^2), 0..1: with one source and one snapshot the match of [S1] (35).
 * RT-safe. */
double music_match(const struct music *m, const cplxf *steer);
