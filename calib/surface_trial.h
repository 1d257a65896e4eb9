/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * [S1] figures 4 to 6: where the beams of a base station and of two surfaces go, how wide they are,
 * and which places a surface lights. Geometry alone: spherical waves, no noise, no walls.
 * Reentrant; memory of their own while they run. Levels are relative to a perfect focus [dB]. */
#pragma once
#include <stdint.h>

#include "dsp/ris_model.h"

enum surface_design {
    SURFACE_FOCUS,    /* one profile for the place user_m */
    SURFACE_WIDE,     /* one profile for the region, dsp/ris_design.h */
    SURFACE_CODEBOOK, /* cells x cells focused beams, one a cycle in turn */
    SURFACE_TRACKED,  /* focused on each place anew: what a tracked user gets */
    SURFACE_DESIGNS,
};

enum surface_which {                 /* whose level counts at a place */
                     SURFACE_WEAKER, /* of both, which a position needs */
                     SURFACE_FIRST,
                     SURFACE_SECOND,
};

struct surface_trial {
    struct vec3 bs_m, ris_m[2], user_m;
    enum surface_which which; /* figure 6 */
    double carrier_hz;
    size_t n_ant;                        /* of the base station, half a wavelength apart, >= 1 */
    size_t columns, rows;                /* of each surface, half a wavelength apart */
    unsigned bits;                       /* 1..3 of an element; 0: any phase */
    size_t cells;                        /* of the codebook, a side */
    struct vec3 box_min_m, box_max_m;    /* region of the users; its middle height counts */
    size_t grid;                         /* points a side of it, 2..256 */
    double threshold_db;                 /* a place is lit above this level */
    double cycle_s, answer_s;            /* period, and from a burst to its position */
    size_t n_users;                      /* drawn for the waits */
    double steer_rad, range_m, offset_m; /* beam width: direction off broadside, user's distance,
                                            how far the beam misses the user */
    uint64_t seed;                       /* of the users drawn */
};

/* [S1]: BS (0, 0, 10), RISs (50, 0, 6) and (0, 50, 6), user (25, 25, 1.5), 10 GHz, 31 antennas, 3 x
 * 1 elements of any phase, cycle 1 s. */
struct surface_trial surface_trial_default(void);

/* Figure 4: level at angle_rad about broadside (BS) and about the normal (surfaces), in the plan,
 * at the user's distance and height; beams focused on the user. out: BS by MRT [S1] (7), RIS1,
 * RIS2; surfaces relative to a focus on the user. NaN behind a surface. ERR_GEOMETRY when a pose is
 * impossible or the user is behind a surface, ERR_NO_MEMORY. */
int surface_pattern(const struct surface_trial *trial, const double *angle_rad, size_t n,
                    double (*out)[3]) MUST_CHECK;

/* Figure 5: MRT of n_ant antennas. */
struct surface_beam {
    double half_power_rad;  /* full width at half power, in the far field; NaN: wider than +-90 */
    double null_rad;        /* from the steering direction to the first null; NaN: none */
    double approximate_rad; /* 0.886 * 2 / (M cos(steer)) */
    double width_m;         /* of the half-power beam at range_m */
    double loss_db;         /* of a user offset_m beside the beam's middle at range_m, <= 0 */
    double gain_db;         /* 10 log10 M */
};
struct surface_beam surface_beam(const struct surface_trial *trial);

/* Figure 6: levels of trial->which under each design over the grid; of both surfaces the weaker in
 * each cycle, as their beams take turns in step. level_db: [SURFACE_DESIGNS] rows
 * of [grid x grid], x fastest; may hold NULL. */
struct surface_cover {
    struct ris_coverage level; /* a codebook counts with its best beam */
    double lit;                /* share of places over threshold_db */
    double wait_mean_s,
        wait_p95_s; /* from walking in to the first position, of users on lit places;
                       NaN: none is lit, or the design needs a position first */
};
int surface_cover(const struct surface_trial *trial, double *const level_db[SURFACE_DESIGNS],
                  struct surface_cover out[SURFACE_DESIGNS]) MUST_CHECK;

/* Middle of the x-th column and y-th row of the grid. */
struct vec3 surface_place(const struct surface_trial *trial, size_t x, size_t y);
