/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Position from the one stream of a burst in which the surfaces stand still, where no path can be
 * named: walls' images lie in the same delay cells and over the paths of the surfaces. Every way
 * that the map allows takes part at once, with its length, the angle it arrives at and the power to
 * be expected, and an unknown phase:
 *
 *     y ~ CN(0, a C(u)),   C(u) = sum_i p_i v_i v_i^T + e P (R x I) + d (k k^T x I),   v_i =
 * k(L_i(u)) x b(s_i(u))
 *
 * y: bins of the delay profile (dsp/delay_bins.h) of each antenna; b: response of a line of
 * antennas for the sine s, made real by adding and subtracting antennas that mirror each other; P
 * the sum of the p_i; d what antennas are not known of. The ways are those of dsp/wall_paths.h,
 * echo and both surfaces. Nothing is assigned, so nothing can be swapped: a place at which other
 * paths than the true ones fit is a second peak of the posterior, and widens the ellipse.
 * docs/signal-model.md, section "Path identity by steering". */
#pragma once
#include "dsp/fix.h"
#include "dsp/ris_model.h"
#include "dsp/toa.h"
#include "dsp/wall_paths.h"

struct still_fix_cfg {
    struct wall_map walls;
    size_t n_ant, n_carrier; /* 2..TOA_MAX_ANT antennas */
    double spacing_hz;       /* of carriers */
    double wavelength_m;
    struct vec3 axis;              /* unit vector along the line of antennas */
    double element_m[TOA_MAX_ANT]; /* places on it; mirror images about 0 */
    double model_error;            /* unexplained power over explained power, > 0 */
    double array_error;            /* of the echo's power, at its delay and in any direction, > 0 */
    double reference_sigma_m;      /* of the zero of path length, >= 0 */
    double evidence;               /* weight of the log likelihood, (0, 4] */
};

struct still_fix_input {
    const cplxf *h;         /* [n_ant x K], background removed */
    const struct toa *echo; /* its strongest path */
    double sine;            /* of the user's angle, about */
    struct observation height;
};

struct still_fix;

/* Everything but walls, the array and the carriers. */
void still_fix_cfg_defaults(struct still_fix_cfg *cfg);

/* Setup only. NULL if cfg is out of range (says why in *err). */
struct still_fix *still_fix_create(const struct still_fix_cfg *cfg, struct status *err);
void still_fix_destroy(struct still_fix **fix);

/* RT-safe. Another carrier from here on. */
void still_fix_tune(struct still_fix *s, double wavelength_m);

/* RT-safe. Where the strongest path points to. ERR_GEOMETRY: outside the room, or nowhere. */
int still_fix_start(const struct still_fix *s, const struct still_fix_input *in,
                    struct vec3 *start) MUST_CHECK;

/* RT-safe; lab: budget 3 ms. view: of each surface towards start. Fills
 * position, cov and used of *out. ERR_NO_PEAK: the posterior has no peak within 0.9 m (lab) of the
 * start. */
int still_fix_solve(struct still_fix *s, const struct still_fix_input *in, struct vec3 start,
                    const struct ris_view view[2], struct fix *out) MUST_CHECK;
