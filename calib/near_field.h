/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steering vectors of a RIS on spherical waves, with derivatives in the position. [S2] (3).
 *
 *   b_m(p) = a_m(p) a_m(p_BS),   a_m(p) = exp(-j k (|p - p_m| - |p|)),   k = 2 pi / lambda
 *   |p - p_m| - |p| = (|p_m|^2 - 2 p.p_m) / (|p - p_m| + |p|)
 *
 * in RIS-centred coordinates, so nothing cancels at any range. */
#pragma once
#include "calib/pixel_problem.h"

/* RT-safe, vectorises (about 3 ns a value with AVX2). out[i] = exp(-j 2 pi turns[i]), absolute
 * error below 1e-15 beyond the rounding of turns itself; |turns| < 1e9. No overlap. */
void near_field_phasors(const double *turns, cplx *out, size_t n);

/* Element positions and the light of the base station, computed once; constant afterwards, so any
 * number of threads may share one. */
struct near_field;

/* Setup only. NULL if the surface is out of range or memory is short (says why in *err). */
struct near_field *near_field_create(const struct pixel_surface *surface, struct status *err);
void near_field_destroy(struct near_field **nf);

size_t near_field_elements(const struct near_field *nf); /* M */
double near_field_wavenumber(const struct near_field *nf);
/* Of element m, RIS frame, z = 0. */
struct vec3 near_field_element(const struct near_field *nf, size_t m);
/* [M] a_m(p_BS). */
const cplx *near_field_bs(const struct near_field *nf);

/* Rows of out below, each of M values; second derivatives follow the upper triangle by rows. */
enum near_field_row {
    NEAR_FIELD_B,
    NEAR_FIELD_DX,
    NEAR_FIELD_DY,
    NEAR_FIELD_DZ,
    NEAR_FIELD_DXX,
    NEAR_FIELD_DXY,
    NEAR_FIELD_DXZ,
    NEAR_FIELD_DYY,
    NEAR_FIELD_DYZ,
    NEAR_FIELD_DZZ,
    NEAR_FIELD_ROWS,
};

/* RT-safe. b(p) and its derivatives in p [1/m, 1/m^2]: order 0, 1 or 2 fills [1 | 4 | 10 x M] of
 * out, row-major, aligned as malloc aligns. p must not lie in the surface (z = 0 within it). */
void near_field_steer(const struct near_field *nf, struct vec3 p, int order, cplx *out);

/* RT-safe. The user's half alone, a(p): the same rows without the base station. */
void near_field_user(const struct near_field *nf, struct vec3 p, int order, cplx *out);

/* (u, v, q) = direction cosines x/d, y/d and inverse range 1/d of p, z > 0: the coordinates in
 * which the search is well scaled. point wants u^2 + v^2 < 1 and q > 0. */
struct vec3 near_field_uvq(struct vec3 p);
struct vec3 near_field_point(struct vec3 uvq);
/* jac[i][j] = d p_i / d uvq_j. */
void near_field_jacobian(struct vec3 uvq, double jac[3][3]);
