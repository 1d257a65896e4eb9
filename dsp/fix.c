/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy of fix.h: which rows are believed, where the iteration starts, what is refused. */
#include "dsp/fix.h"

#include <assert.h>
#include <string.h>

#include "dsp/chi2.h"

#define ECHO_ROWS    ROW_BIT(ROW_L1)
#define CODED_ROWS   (ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3))
#define ARRIVAL_ROWS (ROW_BIT(ROW_A1) | ROW_BIT(ROW_A2) | ROW_BIT(ROW_A3))
#define SAME_PLACE_M 0.2 /* two starts that end closer than this found the same solution */

void fix_cfg_defaults(struct fix_cfg *cfg)
{
    assert(cfg);
    cfg->area = (struct room_box){{0, 0, 0}, {0, 0, 0}};
    cfg->room_margin_m = 0.5;
    cfg->slack_sigma = 4;
    cfg->false_alarm = 0.01;
}

const char *fix_row_name(enum fix_row row)
{
    static const char *const names[ROW_COUNT] = {"L1", "L2", "L3", "height", "A1", "A2", "A3"};
    return row < ROW_COUNT ? names[row] : "unknown";
}

const char *fix_verdict_text(enum fix_verdict verdict)
{
    static const char *const texts[] = {
        "ok",
        "no usable height",
        "fewer than two usable paths",
        "path lengths violate the triangle inequality",
        "position outside the room",
        "paths contradict each other",
        "two positions fit equally well",
        "no solution",
    };
    return (size_t)verdict < sizeof texts / sizeof texts[0] ? texts[verdict] : "unknown";
}

const char *fix_map_text(enum fix_map map)
{
    static const char *const texts[] = {
        "not asked",
        "used",
        "fewer than two streams",
        "no peak",
        "outside the room",
        "not where the user's own signal comes from",
    };
    return (size_t)map < sizeof texts / sizeof texts[0] ? texts[map] : "unknown";
}

/* What the starts need, with the BS as one point between TX and RX. */
struct scene {
    struct vec3 p[3]; /* BS, RIS1, RIS2 */
    double base[2];   /* mean of |RIS-TX| and |RIS-RX| */
};

static struct scene scene_of(const struct anchors *a)
{
    struct scene s = {.p = {anchors_bs(a), a->ris[0], a->ris[1]}};
    for (int k = 0; k < 2; k++)
        s.base[k] = 0.5 * (vec3_dist(a->ris[k], a->tx) + vec3_dist(a->ris[k], a->rx));
    return s;
}

static bool row_in(unsigned rows, enum fix_row row)
{
    return (rows & ROW_BIT(row)) != 0;
}

/* Lengths that no user can have, alone or in pairs, are dropped before any solving:
 * d1 reaches at least down to the user's height; the detour over a RIS is at least the BS-RIS
 * distance; and |d1 - d2| is at most that distance. */
static unsigned gate_lengths(const struct fix_cfg *cfg, const struct observation *obs,
                             unsigned rows)
{
    const struct scene s = scene_of(&cfg->anchors);
    const double d1 = 0.5 * obs[ROW_L1].length_m, slack1 = cfg->slack_sigma * obs[ROW_L1].sigma_m;
    if (row_in(rows, ROW_L1) && d1 + slack1 < fabs(obs[ROW_H].length_m - s.p[0].z))
        rows &= ~ROW_BIT(ROW_L1);
    for (int k = 0; k < 2; k++) {
        const struct observation *o = &obs[ROW_L2 + k];
        double detour = o->length_m - s.base[k], slack = cfg->slack_sigma * o->sigma_m;
        if (row_in(rows, ROW_L2 + k) && detour + slack < s.base[k])
            rows &= ~ROW_BIT(ROW_L2 + k);
    }
    for (int k = 0; k < 2; k++) {
        const struct observation *o = &obs[ROW_L2 + k];
        double d2 = o->length_m - s.base[k] - d1;
        double slack = cfg->slack_sigma * hypot(o->sigma_m, obs[ROW_L1].sigma_m);
        if (row_in(rows, ROW_L1) && row_in(rows, ROW_L2 + k) && fabs(d1 - d2) > s.base[k] + slack)
            rows &= ~ROW_BIT(ROW_L1);
    }
    return rows;
}

/* Real roots of a x^2 + 2 b x + c; a double root at the vertex where noise leaves none. */
static void roots(double a, double b, double c, double x[2])
{
    if (fabs(a) < 1e-12 * (fabs(b) + 1e-300)) {
        x[0] = x[1] = -c / (2 * b);
        return;
    }
    double root = sqrt(fmax(0, b * b - a * c));
    x[0] = (-b + root) / a;
    x[1] = (-b - root) / a;
}

/* Known d_k = c_k + sign * d1 for both panels (sums of lengths: sign -1, differences of arrivals:
 * +1). With v = u - BS in plan, v . q_k = (|q_k|^2 - c_k^2) / 2 - sign c_k d1 - q_kz dz is linear
 * in d1, and |v|^2 + dz^2 = d1^2 closes it. */
static void start_focal(const struct scene *s, const double c[2], double sign, double z,
                        struct vec3 out[2])
{
    struct vec3 q[2] = {vec3_sub(s->p[1], s->p[0]), vec3_sub(s->p[2], s->p[0])};
    double dz = z - s->p[0].z, A[2], B[2], d1[2];
    for (int k = 0; k < 2; k++) {
        A[k] = 0.5 * (vec3_dot(q[k], q[k]) - c[k] * c[k]) - q[k].z * dz;
        B[k] = -sign * c[k];
    }
    double det = q[0].x * q[1].y - q[0].y * q[1].x;
    double ax = (A[0] * q[1].y - A[1] * q[0].y) / det, ay = (q[0].x * A[1] - q[1].x * A[0]) / det;
    double bx = (B[0] * q[1].y - B[1] * q[0].y) / det, by = (q[0].x * B[1] - q[1].x * B[0]) / det;
    roots(bx * bx + by * by - 1, ax * bx + ay * by, ax * ax + ay * ay + dz * dz, d1);
    for (int i = 0; i < 2; i++)
        out[i] = (struct vec3){s->p[0].x + ax + bx * d1[i], s->p[0].y + ay + by * d1[i], z};
}

/* L1 and one panel: a line across the circle of radius d1 in the plane of the user's height. */
static void start_pair(const struct scene *s, double d1, double d2, int k, double z,
                       struct vec3 out[2])
{
    struct vec3 q = vec3_sub(s->p[1 + k], s->p[0]);
    double dz = z - s->p[0].z, across2 = q.x * q.x + q.y * q.y;
    double along = 0.5 * (d1 * d1 - d2 * d2 + vec3_dot(q, q)) - q.z * dz;
    double off2 = (d1 * d1 - dz * dz) - along * along / across2;
    double a = along / across2, b = sqrt(fmax(0, off2) / across2);
    out[0] = (struct vec3){s->p[0].x + a * q.x - b * q.y, s->p[0].y + a * q.y + b * q.x, z};
    out[1] = (struct vec3){s->p[0].x + a * q.x + b * q.y, s->p[0].y + a * q.y - b * q.x, z};
}

/* Up to two starting points for the given rows. Returns how many, 0 if the rows cannot carry a fix.
 */
static int starts(const struct fix_cfg *cfg, const struct observation *obs, unsigned rows,
                  struct vec3 out[2])
{
    const struct scene s = scene_of(&cfg->anchors);
    const double z = obs[ROW_H].length_m, d1 = 0.5 * obs[ROW_L1].length_m;
    const double c[2] = {obs[ROW_L2].length_m - s.base[0], obs[ROW_L3].length_m - s.base[1]};
    if (row_in(rows, ROW_L1) && (rows & CODED_ROWS) == CODED_ROWS) {
        const double d[3] = {d1, c[0] - d1, c[1] - d1};
        return fix_cramer(s.p, d, z, &out[0]) == OK ? 1 : 0;
    }
    if ((rows & CODED_ROWS) == CODED_ROWS) {
        start_focal(&s, c, -1, z, out);
        return 2;
    }
    for (int k = 0; k < 2; k++)
        if (row_in(rows, ROW_L1) && row_in(rows, ROW_L2 + k)) {
            start_pair(&s, d1, c[k] - d1, k, z, out);
            return 2;
        }
    if ((rows & ARRIVAL_ROWS) != ARRIVAL_ROWS)
        return 0;
    double late[2];
    for (int k = 0; k < 2; k++)
        late[k] = obs[ROW_A2 + k].length_m - obs[ROW_A1].length_m -
                  vec3_dist(s.p[1 + k], cfg->anchors.rx);
    start_focal(&s, late, 1, z, out);
    return 2;
}

static bool is_consistent(const struct fix_cfg *cfg, const struct fix *fix)
{
    return fix->chi2 <= chi2_quantile(fix->dof > 0 ? fix->dof : 1, cfg->false_alarm);
}

/* Of two solutions the better: consistent before not, inside the room before outside. */
static int rank(const struct fix_cfg *cfg, const struct fix *fix)
{
    if (fix->verdict != FIX_OK)
        return 0;
    if (!room_contains(&cfg->room, fix->position, cfg->room_margin_m))
        return 1;
    return is_consistent(cfg, fix) ? 3 : 2;
}

/* Misfit of the valid rows that the solution does not use, in sigmas. The arrivals have no meaning
 * one by one and are left out. */
static double unused_misfit(const struct observation *obs, const struct fix *fix)
{
    double worst = 0;
    for (int i = ROW_L1; i <= ROW_L3; i++)
        if (obs[i].valid && !row_in(fix->used, i))
            worst = fmax(worst, fabs(fix->residual_m[i]) / obs[i].sigma_m);
    return worst;
}

#define CLEARLY 2.0 /* times: one misfit against the other */

/* Two ellipses meet twice. Which of the two is the user? 0 or 1, or -1 if nothing tells. */
static int choose(const struct fix_cfg *cfg, const struct observation *obs, const struct vec3 *hint,
                  const struct fix found[2])
{
    if (hint)
        return vec3_dist(found[1].position, *hint) < vec3_dist(found[0].position, *hint);
    const struct room_box *boxes[] = {&cfg->room, &cfg->area};
    for (size_t b = 0; b < 2; b++) {
        bool in[2] = {room_contains(boxes[b], found[0].position, 0),
                      room_contains(boxes[b], found[1].position, 0)};
        if (in[0] != in[1])
            return in[1];
    }
    double misfit[2] = {unused_misfit(obs, &found[0]), unused_misfit(obs, &found[1])};
    if (misfit[0] > CLEARLY * misfit[1])
        return 1;
    return misfit[1] > CLEARLY * misfit[0] ? 0 : -1;
}

/* Solves one set of rows from all its starts. The result's verdict says what became of it. */
static void solve_rows(const struct fix_cfg *cfg, const struct observation *obs, unsigned rows,
                       const struct vec3 *hint, struct fix *out)
{
    static const enum fix_verdict verdicts[] = {FIX_NO_SOLUTION, FIX_ROOM, FIX_CHI2, FIX_OK};
    struct vec3 start[2];
    struct fix found[2] = {{.verdict = FIX_NO_SOLUTION}, {.verdict = FIX_NO_SOLUTION}};
    int n = starts(cfg, obs, rows, start), ranks[2] = {0, 0};
    *out = (struct fix){.verdict = FIX_FEW_PATHS};
    if (n == 0)
        return;
    for (int i = 0; i < n; i++)
        if (fix_wnls(&cfg->anchors, obs, rows | ROW_BIT(ROW_H), start[i], &found[i]) == OK)
            ranks[i] = rank(cfg, &found[i]);
    bool tie = ranks[0] == 3 && ranks[1] == 3 &&
               vec3_dist(found[0].position, found[1].position) > SAME_PLACE_M;
    int best = tie ? choose(cfg, obs, hint, found) : ranks[1] > ranks[0];
    *out = found[best > 0];
    out->verdict = best < 0 ? FIX_AMBIGUOUS : verdicts[ranks[best]];
}

static unsigned usable_rows(const struct observation *obs)
{
    unsigned rows = 0;
    for (int i = 0; i < ROW_COUNT; i++)
        if (obs[i].valid && obs[i].sigma_m > 0 && isfinite(obs[i].length_m) &&
            isfinite(obs[i].sigma_m))
            rows |= ROW_BIT(i);
    return rows;
}

static int refuse(struct fix *out, enum fix_verdict verdict)
{
    out->verdict = verdict;
    return ERR_GEOMETRY;
}

int fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
              const struct vec3 *hint, struct fix *out)
{
    assert(cfg && obs && out);
    const unsigned measured = usable_rows(obs);
    *out = (struct fix){.verdict = FIX_NO_HEIGHT};
    const double h = obs[ROW_H].length_m;
    if (!row_in(measured, ROW_H) || h < cfg->room.min.z - cfg->room_margin_m ||
        h > cfg->room.max.z + cfg->room_margin_m)
        return refuse(out, FIX_NO_HEIGHT);

    const unsigned rows = gate_lengths(cfg, obs, measured);
    const unsigned attempts[] = {rows, rows & ~ECHO_ROWS, rows & ~ARRIVAL_ROWS,
                                 rows & ~(ECHO_ROWS | ARRIVAL_ROWS)};
    enum fix_verdict first = FIX_FEW_PATHS;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (i > 0 && attempts[i] == rows)
            continue;
        solve_rows(cfg, obs, attempts[i], hint, out);
        out->coded_only = row_in(measured, ROW_L1) && !row_in(out->used, ROW_L1);
        if (out->verdict == FIX_OK)
            return OK;
        if (i == 0)
            first = out->verdict;
    }
    return refuse(out, first == FIX_FEW_PATHS && rows != measured ? FIX_TRIANGLE : first);
}

double fix_variance_along(const struct fix *fix, struct vec3 g)
{
    const double v[3] = {g.x, g.y, g.z};
    double sum = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            sum += v[i] * fix->cov[i][j] * v[j];
    return sum;
}

unsigned fix_agreeing(const struct fix_cfg *cfg, const struct fix *fix,
                      const struct observation obs[ROW_COUNT], unsigned rows, double false_alarm)
{
    assert(cfg && fix && obs);
    const double limit = chi2_quantile(1, false_alarm);
    rows &= usable_rows(obs);
    for (int i = 0; i < ROW_COUNT; i++) {
        struct vec3 g;
        if (!row_in(rows, i))
            continue;
        const double off = obs[i].length_m - fix_predict(&cfg->anchors, i, fix->position, &g);
        if (off * off > limit * (fix_variance_along(fix, g) + obs[i].sigma_m * obs[i].sigma_m))
            rows &= ~ROW_BIT(i);
    }
    return rows;
}

/* Eigenvalues of the plan block, scaled by the 95 % quantile of chi^2 with two degrees of freedom.
 */
#define CHI2_2_95 5.99146454710798

void fix_ellipse95(const struct fix *fix, struct ellipse *out)
{
    assert(fix && out);
    double a = fix->cov[0][0], b = fix->cov[0][1], c = fix->cov[1][1];
    double mean = 0.5 * (a + c), root = hypot(0.5 * (a - c), b);
    out->major_m = sqrt(CHI2_2_95 * (mean + root));
    out->minor_m = sqrt(CHI2_2_95 * fmax(0, mean - root));
    out->angle_rad = 0.5 * atan2(2 * b, a - c);
}

bool fix_inside95(const struct fix *fix, double dx_m, double dy_m)
{
    assert(fix);
    double a = fix->cov[0][0], b = fix->cov[0][1], c = fix->cov[1][1];
    double det = a * c - b * b;
    return det > 0 && (c * dx_m * dx_m - 2 * b * dx_m * dy_m + a * dy_m * dy_m) / det <= CHI2_2_95;
}
