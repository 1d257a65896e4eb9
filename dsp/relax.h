/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RELAX: a frequency response as a sum of discrete paths. Each path is estimated from what the
 * others leave, in turn, until nothing moves; the strongest is found first, then one more at a
 * time. At high SNR it separates paths closer than the resolution cell, which no window does. J. Li
 * and P. Stoica, "Efficient mixed-spectrum estimation", 1996: the principle. */
#pragma once
#include "dsp/toa.h"

enum { RELAX_MAX_PATHS = 32 };

struct relax_cfg {
    size_t n_ant, n_carrier; /* as struct toa_cfg */
    double spacing_hz;
    double min_db; /* a further path stands this far over the median of what is left, > 0 */
};

struct relax_path {
    double length_m;
    double power;           /* sum over antennas of |amp|^2 */
    cplxf amp[TOA_MAX_ANT]; /* at carrier frequency 0 of the response */
};

struct relax;

/* Setup only. NULL if cfg is out of range (says why in *err, may be NULL). */
struct relax *relax_create(const struct relax_cfg *cfg, struct status *err);
void relax_destroy(struct relax **relax);

/* No allocation, but slow, as every path found sets all before it moving: 12 paths of 4 x 811
 * carriers take 0.13 s. h: [n_ant x K], left as it is. Paths
 * in the order found, strongest first as a rule. Returns how many stood out, 0..n_paths. */
size_t relax_run(struct relax *relax, const cplxf *h, const struct toa_gate *gate, size_t n_paths,
                 struct relax_path *paths);
