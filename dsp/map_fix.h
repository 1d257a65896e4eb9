/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Map-aided fix. First-order wall images arrive within the resolution cell of the direct path and
 * walk the peak by decimetres, but where they arrive, and from where, is no secret: the room's
 * walls are known. Every way that the map allows takes part at once, with its length, the angle it
 * arrives at and the power to be expected, and an unknown phase:
 *
 *     y ~ CN(0, a C(u)),   C(u) = sum_i p_i v_i v_i^T + e P (R x I) + d sum_i p_i (k_i k_i^T x I),
 *     v_i = k_i x b_i,   k_i = k(L_i(u)),   b_i = b(s_i(u))
 *
 * y: bins of the delay profile (dsp/delay_bins.h) of each antenna; a: unknown scale; k(L): what the
 * bins see of a path of length L; b: response of a line of antennas for the sine s, made real by
 * adding and subtracting antennas that mirror each other; R: correlation of the noise; P: sum of
 * the p_i; e: model error and noise; d: what antennas are not known of. The ways are those of
 * dsp/wall_paths.h. Position: mean of the posterior over a plan grid at the reported height; its
 * covariance is the posterior's, so that the ellipse knows about ambiguities.
 *
 * Coded bursts have a stream for the echo and for each surface, each with its own scale and ways.
 * Where the surfaces stand still in a burst its one stream holds the ways of all three, and no path
 * can be named. Nothing is assigned, so nothing can be swapped: a place at which other paths than
 * the true ones fit is a second peak of the posterior, and widens the ellipse.
 * docs/signal-model.md, section "Map-aided fix". */
#pragma once
#include "dsp/fix.h"
#include "dsp/ris_model.h"
#include "dsp/toa.h"
#include "dsp/wall_paths.h"

enum { MAP_FIX_STREAMS = 3 }; /* echo, RIS1, RIS2: rows L1..L3 of a fix */

struct map_fix_cfg {
    struct wall_map walls;
    size_t n_ant, n_carrier; /* of a stream; 1..TOA_MAX_ANT antennas */
    double spacing_hz;       /* of carriers */
    double wavelength_m;
    struct vec3 axis;              /* unit vector along the line of antennas */
    double element_m[TOA_MAX_ANT]; /* places on it; mirror images about 0 */
    double model_error;            /* unexplained power over explained power, > 0 */
    double array_error;            /* of each way's power, at its delay, in any direction, > 0 */
    double reference_sigma_m;      /* of the zero of path length, common to all streams, >= 0 */
    double evidence;               /* weight of the log likelihood, (0, 4]: less than 1 where the
                                      bandwidth leaves fewer bins that tell paths apart */
};

struct map_fix_stream {
    const cplxf *h;        /* [n_ant x K], background removed; NULL: not used */
    const struct toa *toa; /* of the same stream */
    double bias_m;         /* of all its lengths, that of the surface's profile */
};

struct map_fix_still {
    const cplxf *h;         /* [n_ant x K], background removed */
    const struct toa *echo; /* its strongest path */
    double sine;            /* of the user's angle, about */
    struct observation height;
};

struct map_fix;

/* Everything but walls, the array and the carriers. */
void map_fix_cfg_defaults(struct map_fix_cfg *cfg);

/* Setup only. NULL if cfg is out of range (says why in *err). */
struct map_fix *map_fix_create(const struct map_fix_cfg *cfg, struct status *err);
void map_fix_destroy(struct map_fix **map);

/* RT-safe. Another carrier from here on. */
void map_fix_tune(struct map_fix *map, double wavelength_m);

/* RT-safe; lab: budget 2 ms. Of a coded burst: replaces position and cov of an accepted fix, which
 * is the prior at a tenth of its weight, half of it where antennas fade: what it adds are the
 * answer's arrivals, its echoes are the same. Returns 0, ERR_ARG when fewer than two streams are
 * given, or ERR_NO_PEAK when the posterior has no peak near the fix (+-0.3 steps between bins, 0.9
 * m at lab, about the fix, then about its mean) or does not fit a grid: then *fix is left as it
 * was. */
int map_fix_refine(struct map_fix *map, const struct map_fix_stream in[MAP_FIX_STREAMS],
                   const struct observation *height, struct fix *fix) MUST_CHECK;

/* RT-safe. Where the strongest path of a still burst points to. ERR_GEOMETRY: outside the room, or
 * nowhere. */
int map_fix_start(const struct map_fix *map, const struct map_fix_still *in,
                  struct vec3 *start) MUST_CHECK;

/* RT-safe; lab: budget 2 ms. Of a still burst, two antennas or more. view: of each surface towards
 * start. Fills position, cov and used of *out. ERR_NO_PEAK as above, about start. */
int map_fix_solve(struct map_fix *map, const struct map_fix_still *in, struct vec3 start,
                  const struct ris_view view[2], struct fix *out) MUST_CHECK;
