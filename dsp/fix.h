/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One cycle's path lengths and the reported height become one position. [S1] (32)-(34), (47)-(49).
 * The lengths are used as they are measured (L-space) with the true TX and RX positions; the
 * known-height Cramer solution only starts the iteration. Everything here is RT-safe: no heap, no
 * lock, a few microseconds. docs/signal-model.md, section "Position". */
#pragma once
#include "dsp/geometry.h"

/* Rows of the measurement model; arrays of observations are indexed by this. u is the user.
 * L2 and L3 are the mean of user->RIS->RX and its reciprocal TX->RIS->user (they fade against each
 * other). A1..A3 arrive from the user's own transmission and share one unknown clock offset, which
 * is eliminated. */
enum fix_row {
    ROW_L1, /* |u-TX| + |u-RX| */
    ROW_L2, /* |u-RIS1| + (|u-TX| + |u-RX| + |RIS1-TX| + |RIS1-RX|) / 2 */
    ROW_L3, /* same with RIS2 */
    ROW_H,  /* u.z, as the user reports it */
    ROW_A1, /* |u-RX| + clock */
    ROW_A2, /* |u-RIS1| + |RIS1-RX| + clock */
    ROW_A3, /* |u-RIS2| + |RIS2-RX| + clock */
    ROW_COUNT
};
#define ROW_BIT(row) (1u << (row))

struct observation {
    double length_m; /* measured path length, or height */
    double sigma_m;  /* standard deviation, > 0: CRLB and sigma_env in quadrature */
    bool valid;      /* false: the row was not measured */
};

enum fix_verdict {
    FIX_OK,
    FIX_NO_HEIGHT,   /* the user reported none, or outside the room */
    FIX_FEW_PATHS,   /* fewer than two usable path lengths */
    FIX_TRIANGLE,    /* lengths that no point in space can have */
    FIX_ROOM,        /* the solution is outside the room */
    FIX_CHI2,        /* paths contradict each other and no subset is trusted */
    FIX_AMBIGUOUS,   /* two places in the room fit and no hint was given */
    FIX_NO_SOLUTION, /* the iteration diverged or the geometry is singular here */
};

/* sigma_env is what multipath and phase centres add to a path length in scene `lab`: not Gaussian
 * (median 0.13 m, rms 0.23 m, bias 0.06-0.1 m). 20 000 draws of such a mixture, p50/p90/p95:
 * - L1, L2, L3, h: 0.15/0.32/0.40 m; the 95 % ellipse holds 87, 94, 96.5 % with sigma_env 0.20,
 * 0.25, 0.30 m. With the arrivals too: 0.13/0.26/0.32 m. L2, L3, h alone: 0.18/0.39/0.51 m.
 * - The gate hardly matters (false_alarm 0.05 to 1e-5): 0.01.
 * - A stale background that breaks L1 in a quarter of the cycles: 0.16/0.38/0.56 m and 89 % inside
 * when L1 is fused whenever chi^2 agrees. The caller must mark such an L1 invalid. */
struct fix_cfg {
    struct anchors anchors;
    struct room_box room;
    struct room_box
        area; /* where users usually are; decides between two candidates; may be empty */
    double room_margin_m; /* >= 0, how far outside a noisy fix may land */
    double slack_sigma;   /* triangle inequalities may be violated by this many sigmas, > 0 */
    double false_alarm;   /* of the chi^2 gate, 0..1; 0.01 gives 6.635 at one degree of freedom */
};

/* What the map of the walls made of a position. All but FIX_MAP_USED: it stands as it was, for this
 * reason. */
enum fix_map {
    FIX_MAP_UNASKED,   /* no map, or nothing for it */
    FIX_MAP_USED,      /* position and cov are those of the map-aided fix */
    FIX_MAP_FEW,       /* fewer than two streams */
    FIX_MAP_NO_PEAK,   /* the posterior has no peak near it */
    FIX_MAP_ROOM,      /* the map's place is outside the room, */
    FIX_MAP_DIRECTION, /* or not where the user's own signal comes from */
};

struct fix {
    enum fix_verdict verdict;
    struct vec3 position;
    double cov[3][3]; /* [m^2] */
    double chi2;
    int dof;         /* rows used - unknowns; 0: chi2 says nothing */
    bool ungated;    /* dof == 0: no consistency check was possible */
    bool coded_only; /* L1 was there and was left out because it contradicts the others */
    double gdop;     /* plan, height known: sqrt(tr (J^T J)^-1) of the path rows used */
    unsigned used;   /* ROW_BIT mask */
    enum fix_map map;
    double residual_m[ROW_COUNT]; /* measured - predicted at position, all valid rows (A rows: less
                                     clock) */
    int iterations;
};

/* Defaults for everything but anchors and room. */
void fix_cfg_defaults(struct fix_cfg *cfg);

/* "L1", "height"... and short English reasons. Never NULL. */
const char *fix_row_name(enum fix_row row);
const char *fix_verdict_text(enum fix_verdict verdict);
const char *fix_map_text(enum fix_map map);

/* Predicted value of a row at u (A rows without clock) and, if grad is not NULL, its gradient. */
double fix_predict(const struct anchors *anchors, enum fix_row row, struct vec3 u,
                   struct vec3 *grad);

/* The whole strategy: gate the lengths, start, solve with all rows, test chi^2, fall back on the
 * coded paths alone, gate the room. hint (may be NULL) is where the tracker expects the user and
 * only decides between two candidates. Returns 0 with out->verdict FIX_OK, or ERR_GEOMETRY with the
 * reason in out->verdict. */
int fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
              const struct vec3 *hint, struct fix *out) MUST_CHECK;

/* Of the given rows (ROW_BIT mask of L1..L3 and the height) those that are valid and lie where a
 * fix made without them puts them:
 *     (measured - predicted)^2 <= chi^2_1(false_alarm) (g^T cov g + sigma^2) */
unsigned fix_agreeing(const struct fix_cfg *cfg, const struct fix *fix,
                      const struct observation obs[ROW_COUNT], unsigned rows, double false_alarm);

/* g^T cov g: variance of whatever has the gradient g at the fix. */
double fix_variance_along(const struct fix *fix, struct vec3 g);

/* Weighted nonlinear least squares over the rows of mask that are valid, from start. Fills
 * position, cov, chi2, dof, gdop, used, residual_m, iterations. No gates. ERR_GEOMETRY if singular
 * or diverging. */
int fix_wnls(const struct anchors *anchors, const struct observation obs[ROW_COUNT], unsigned mask,
             struct vec3 start, struct fix *out) MUST_CHECK;

/* Known height z, three distances from BS, RIS1, RIS2 at p[3]: the 2x2 Cramer solution. [S1] (47),
 * (48). ERR_GEOMETRY if the anchors are collinear in plan. */
int fix_cramer(const struct vec3 p[3], const double d[3], double z, struct vec3 *out) MUST_CHECK;

/* Three spheres: both intersections, out[0] on the side of the normal (p2-p1) x (p3-p1). *w2 is the
 * squared height over the plane; negative means that the spheres do not meet, then both are the
 * foot point. */
int fix_spheres(const struct vec3 p[3], const double d[3], struct vec3 out[2],
                double *w2) MUST_CHECK;

/* Error ellipse in plan holding 95 %: semi-axes [m] (large first) and direction of the large one
 * [rad]. */
struct ellipse {
    double major_m, minor_m, angle_rad;
};
void fix_ellipse95(const struct fix *fix, struct ellipse *out);

/* True if the plan error dx, dy lies inside the 95 % ellipse of the fix. */
bool fix_inside95(const struct fix *fix, double dx_m, double dy_m);
