/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What any estimator can reach under pixel failures: Fisher information, CRB with the mask known
 * and with its support known, and the misspecified bound (MCRB, LB) of the estimator that knows
 * nothing of failures. [S2] III, corrections: docs/calibration.md.
 *
 * theta = [Re beta, Im beta, x, y, z]; J = d mu / d theta (T x 5); D2 its second derivatives.
 *   FIM = (2/nv) Re J^H J
 *   eps = mu_true - mu0 at the pseudo-true theta0 = argmin |mu_true - mu_assumed(theta)|^2
 *   A = (2/nv) Re(eps^H D2 - J^H J),   B = (4/nv^2) g g^T + (2/nv) Re J^H J,   g = Re J^H eps
 *   LB^2 = tr (A^-1 B A^-1)_pos + |p - p0|^2 */
#pragma once
#include "calib/pseudo_true.h"

/* What really holds. mask NULL: all healthy. */
struct pixel_truth {
    struct vec3 position_m; /* RIS frame, z > 0 */
    cplx gain;              /* beta */
    const cplx *mask;       /* [M] f_m */
};

/* How the pilots are received. */
struct bounds_channel {
    double noise_var; /* E|n|^2 of a pilot; > 0 */
    double k_factor;  /* Rice factor of the way RIS - user, linear, > 0; INFINITY: no scattering */
};

struct bounds {
    double crb_perfect_m;  /* mask known */
    double crb_knownloc_m; /* support known, coefficients not; NaN when 2 T cannot bear them */
    double mcrb_m;         /* sqrt tr MCRB_pos; NaN when on_edge */
    double bias_m;         /* |p - p0| */
    double lb_m;           /* NaN when on_edge */
    struct vec3 pseudo_true_m;
    cplx pseudo_true_gain;
    double misfit; /* |eps|^2 */
    bool on_edge;  /* p0 stands on the edge of the search box: MCRB and LB do not exist */
    bool local;    /* the pseudo-true point was searched around the truth alone */
};

/* The matrices behind the bounds, row-major; SI units. */
struct bounds_matrices {
    double fim[5][5];        /* at the truth, mask known */
    double a[5][5], b[5][5]; /* at the pseudo-true point */
};

struct bounds_engine;

/* Setup only: scratch for one problem (its y is not read) and the search of the pseudo-true point,
 * see pseudo_true.h. Problem and its arrays must outlive the engine. OpenBLAS is set to one thread.
 * NULL and a reason in *err when out of range or memory is short. */
struct bounds_engine *bounds_create(const struct pixel_problem *problem,
                                    enum pseudo_true_scope scope, struct status *err);
void bounds_destroy(struct bounds_engine **engine);

/* All bounds at the truth. matrices may be NULL. Returns 0; ERR_ARG when the truth is not in front
 * of the surface or the channel is out of range; ERR_GEOMETRY when the profiles do not determine
 * the position (singular information). Not reentrant per engine.
 *
 * Scattering, [S2] (57)-(59): h_UE = sqrt(K/(K+1)) a(p) + sqrt(1/(K+1)) h, h ~ CN(0, I), scales the
 * mean by sqrt(K/(K+1)) and adds |beta|^2 P/(K+1) S S^H, S = W diag(f a(p_BS)), to the noise
 * covariance R. The CRBs take R as known; the misspecified bound assumes R = nv I, so that
 * B = (4/nv^2) g g^T + (2/nv^2) Re J^H R J. */
int bounds_at(struct bounds_engine *engine, const struct pixel_truth *truth,
              const struct bounds_channel *channel, struct bounds *out,
              struct bounds_matrices *matrices) MUST_CHECK;
