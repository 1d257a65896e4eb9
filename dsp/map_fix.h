/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Map-aided fix. First-order wall images arrive within the resolution cell of the direct path and
 * walk the peak by decimetres, but where they arrive is no secret: the room's walls are known. The
 * delay profile of each stream is modelled as the sum of all paths that the map allows, each of
 * known length and expected power and of unknown phase:
 *
 *     y ~ CN(0, a C(u)),   C(u) = sum_i p_i k(L_i(u)) k(L_i(u))^T + e R
 *
 * y: bins of the windowed delay profile, k(L): the window's response to a path of length L (real),
 * R: its noise correlation, e: model error and noise, a: unknown scale. The prior is the plain
 * fix at half its weight: what it adds are the answer's arrivals, the echoes are the same. The
 * position is the mean of the posterior over a plan grid at the reported height, its covariance
 * that of the posterior, so that the ellipse knows about ambiguities. docs/signal-model.md, section
 * "Map-aided fix". */
#pragma once
#include "dsp/fix.h"
#include "dsp/toa.h"
#include "dsp/wall_paths.h"

enum { MAP_FIX_STREAMS = 3 }; /* echo, RIS1, RIS2: rows L1..L3 of a fix */

struct map_fix_cfg {
    struct wall_map walls;
    size_t n_ant, n_carrier;             /* of a stream */
    double spacing_hz;                   /* fs / N */
    double model_error[MAP_FIX_STREAMS]; /* unexplained power over explained power, > 0 */
    double reference_sigma_m; /* of the zero of path length, common to all streams, >= 0 */
    double evidence; /* weight of the log likelihood, (0, 4]: 1 takes the antennas for one look;
                        less where the bandwidth leaves fewer bins that tell paths apart */
};

struct map_fix_input {
    const cplxf *h;        /* [n_ant x K], background removed; NULL: stream not used */
    const struct toa *toa; /* of the same stream */
};

struct map_fix;

/* Everything but walls, n_ant, n_carrier and spacing_hz. */
void map_fix_cfg_defaults(struct map_fix_cfg *cfg);

/* Setup only. NULL if cfg is out of range (says why in *err). */
struct map_fix *map_fix_create(const struct map_fix_cfg *cfg, struct status *err);
void map_fix_destroy(struct map_fix **map);

/* RT-safe; lab: budget 2 ms. Replaces position and cov of an accepted fix. Returns 0, ERR_ARG when
 * fewer than two streams are given, or ERR_NO_PEAK when the posterior touches the edge of the
 * searched square (+-0.3 steps between bins, 0.9 m at lab, about the fix, then about its best
 * place): then *fix is left as it was. */
int map_fix_refine(struct map_fix *map, const struct map_fix_input in[MAP_FIX_STREAMS],
                   const struct observation *height, struct fix *fix) MUST_CHECK;
