/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a RIS profile does to a place: the cascaded path BS <-> element <-> point, summed over the
 * elements. hop amplitude  h = lambda / (4 pi r) sqrt(G) exp(-j 2 pi r / lambda),  G = 4 pi A
 * cos(theta) / lambda^2 response       f(p) = sum_m hBS_m Gamma_m h_m(p)            (transposed
 * products, never a conjugate) bound          b(p) = sum_m |hBS_m h_m(p)|                  (perfect
 * focus on p, |Gamma| = 1) Levels are 20 log10 |f| / b, "under focus". [S1] (12)-(14).
 * docs/signal-model.md, section "RIS". */
#pragma once
#include "dsp/cplx.h"
#include "dsp/geometry.h"
#include "dsp/ris_states.h"

/* A grid of points, x fastest, z slowest. A side of one point sits at its min. */
struct ris_region {
    double x_m[2], y_m[2], z_m[2]; /* min <= max */
    size_t n_x, n_y, n_z;          /* 1..256 each */
};

struct ris_model_cfg {
    struct panel panel;
    struct vec3 bs; /* phase centre of the BS array */
    double carrier_hz;
    struct ris_region region;
    const cplx *mask; /* [elements] of a surface with broken pixels, 1 healthy; read at create.
                       * NULL: all healthy */
};

struct ris_model; /* cascaded amplitudes of all elements to all points of the region */

/* Setup only. NULL if cfg is out of range or memory is short (says why in *err). */
struct ris_model *ris_model_create(const struct ris_model_cfg *cfg, struct status *err);
void ris_model_destroy(struct ris_model **model);

const struct panel *ris_model_panel(const struct ris_model *model);
double ris_model_wavelength_m(const struct ris_model *model);
size_t ris_model_elements(const struct ris_model *model);
size_t ris_model_points(const struct ris_model *model);
struct vec3 ris_model_point(const struct ris_model *model, size_t i);

/* Cascaded amplitudes hBS_m h_m(p_i) of point i, [elements], owned by the model. */
const cplx *ris_model_row(const struct ris_model *model, size_t i);

/* sum_m |row[m]|; 0 behind the panel. */
double ris_model_bound(const struct ris_model *model, size_t i);

/* RT-safe. One hop between element m of the panel and p; 0 when p is behind the face. */
cplx ris_hop(const struct panel *panel, size_t m, struct vec3 p, double wavelength_m);

/* RT-safe. gamma: [elements] element coefficients. out: [points] responses f(p). */
void ris_model_response(const struct ris_model *model, const cplx *gamma, cplx *out);

/* What a profile reflects: gamma[m] = states->gamma[state[m]]. */
void ris_profile_gamma(const uint8_t *state, size_t n, const struct ris_states *states,
                       cplx *gamma);

/* Levels under focus over the region [dB], as the heat map shows them. Percentiles interpolate
 * linearly. */
struct ris_coverage {
    double min_db, p5_db, median_db, max_db;
};

/* Setup only: sorts, in scratch of the model, so one thread at a time. level_db: [points], may be
 * NULL. */
void ris_model_coverage(const struct ris_model *model, const cplx *gamma, double *level_db,
                        struct ris_coverage *out);

/* Best of n profiles at every point (a codebook). gamma: [n x elements]. level_db: [points], may be
 * NULL. */
void ris_model_coverage_best(const struct ris_model *model, const cplx *gamma, size_t n,
                             double *level_db, struct ris_coverage *out);

/* RT-safe, about 10 us for 256 elements; p need not be on the grid. The phase centre of a profile
 * wanders: a path over the panel looks longer by bias_m than the way over its centre, the group
 * delay of f(p) at the carrier. bias_m is clipped to the panel's half diagonal, where the level
 * says not to use the stream anyway. */
struct ris_view {
    double level_db; /* under focus; -300 behind the panel */
    double bias_m;   /* subtract from a measured path length */
    double gain;     /* |f|, both hops without the BS antenna's pattern */
};
void ris_model_view(const struct ris_model *model, const cplx *gamma, struct vec3 p,
                    struct ris_view *out);

#define RIS_LEVEL_WEAK_DB (-25.0) /* the phase centre of a profile darker than this wanders far */
