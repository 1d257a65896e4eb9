/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/link_trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fix.h"
#include "dsp/rng.h"
#include "dsp/spd.h"

#define LIGHT_M_S      299792458.0
#define HEIGHT_SIGMA_M 0.01
#define N_STEPS        20
#define STEP_DONE_M    1e-10
#define JOINT_SEED     0xC0FFEEu
#define JOINT_BLOCK    2000

struct link_trial link_trial_default(void)
{
    return (struct link_trial){
        .snr_db = 20,
        .k_factor = INFINITY,
        .rms_at_20db_m = 1,
        .bandwidth_hz = 500e3,
        .n_samples = 10,
        .bs_m = {0, 0, 10},
        .ris_m = {{50, 0, 6}, {0, 50, 6}},
        .box_min_m = {10, 10, 1},
        .box_max_m = {40, 40, 1.8},
        .threshold_m = 1,
        .n_users = 20000,
        .n_bits = 400000,
        .frame_bits = 40,
        .seed = 1,
    };
}

static double linear(double db)
{
    return pow(10, db / 10);
}

double link_sigma_m(const struct link_trial *trial)
{
    double snr = linear(trial->snr_db);
    if (trial->error == LINK_CALIBRATED)
        return trial->rms_at_20db_m * sqrt(100 / snr);
    return LIGHT_M_S /
           (2 * M_PI * trial->bandwidth_hz / sqrt(12) * sqrt(2 * snr * trial->n_samples));
}

static bool fades(const struct link_trial *trial)
{
    return isfinite(trial->k_factor);
}

static cplx draw_fading(const struct link_trial *trial, struct rng *rng)
{
    double k = trial->k_factor;
    return sqrt(k / (k + 1)) + sqrt(1 / (k + 1)) * rng_cn(rng);
}

/* The users of a run, and what each of their three lengths, [n x 3], gets. */
struct crowd {
    struct vec3 *user;
    double *gain;   /* |h|, 1 without fading; a length's standard deviation is sigma / gain */
    double *normal; /* of the error, of variance 1 */
};

static void crowd_free(struct crowd *crowd)
{
    free(crowd->user);
    free(crowd->gain);
    free(crowd->normal);
}

/* To be freed in any case. */
static int crowd_draw(const struct link_trial *trial, struct crowd *crowd)
{
    struct rng rng = rng_seed(trial->seed);
    const struct vec3 lo = trial->box_min_m, hi = trial->box_max_m;
    const size_t n = trial->n_users;
    double pair[2];
    *crowd = (struct crowd){malloc(n * sizeof *crowd->user), malloc(3 * n * sizeof *crowd->gain),
                            malloc(3 * n * sizeof *crowd->normal)};
    if (!crowd->user || !crowd->gain || !crowd->normal)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        crowd->user[i].x = lo.x + (hi.x - lo.x) * rng_u01(&rng);
    for (size_t i = 0; i < n; i++)
        crowd->user[i].y = lo.y + (hi.y - lo.y) * rng_u01(&rng);
    for (size_t i = 0; i < n; i++)
        crowd->user[i].z = lo.z + (hi.z - lo.z) * rng_u01(&rng);
    for (size_t i = 0; i < 3 * n; i++)
        crowd->gain[i] = fades(trial) ? cabs(draw_fading(trial, &rng)) : 1;
    for (size_t i = 0; i < 3 * n; i++) {
        if (i % 2 == 0)
            rng_normal2(&rng, pair);
        crowd->normal[i] = pair[i % 2];
    }
    return 0;
}

/* Rows L1, L2, L3 and the height at u: J^T W J (lower), J^T W r, and the weighted cost. */
static double normal_equations(const struct anchors *anchors, const double *measured, double sigma,
                               struct vec3 u, double *matrix, double *right)
{
    double cost = 0;
    memset(matrix, 0, 9 * sizeof *matrix);
    memset(right, 0, 3 * sizeof *right);
    for (int row = ROW_L1; row <= ROW_H; row++) {
        struct vec3 grad;
        double r = measured[row] - fix_predict(anchors, row, u, &grad);
        double s = row == ROW_H ? HEIGHT_SIGMA_M : sigma, w = 1 / (s * s);
        const double j[3] = {grad.x, grad.y, grad.z};
        for (int a = 0; a < 3; a++) {
            for (int b = 0; b < 3; b++)
                matrix[3 * a + b] += w * j[a] * j[b];
            right[a] += w * j[a] * r;
        }
        cost += w * r * r;
    }
    return cost;
}

/* Levenberg-Marquardt that always answers: at a low SNR there is no sharp minimum, and every draw
 * counts. (fix_wnls says no instead.) */
static struct vec3 least_squares(const struct anchors *anchors, const double *measured,
                                 double sigma, struct vec3 u)
{
    double matrix[9], right[3], damping = 1e-6;
    double cost = normal_equations(anchors, measured, sigma, u, matrix, right);
    for (int it = 0; it < N_STEPS; it++) {
        double factor[9], step[3], matrix2[9], right2[3];
        memcpy(factor, matrix, sizeof factor);
        memcpy(step, right, sizeof step);
        for (int a = 0; a < 3; a++)
            factor[4 * a] *= 1 + damping;
        if (!spd_factor(factor, 3))
            break;
        spd_solve(factor, 3, step);
        struct vec3 next = vec3_add(u, (struct vec3){step[0], step[1], step[2]});
        double cost2 = normal_equations(anchors, measured, sigma, next, matrix2, right2);
        if (cost2 < cost) {
            u = next;
            cost = cost2;
            memcpy(matrix, matrix2, sizeof matrix);
            memcpy(right, right2, sizeof right);
        }
        damping *= cost2 <= cost ? 0.1 : 10;
        if (hypot(hypot(step[0], step[1]), step[2]) < STEP_DONE_M)
            break;
    }
    return u;
}

static int locate_one(const struct link_trial *trial, const struct crowd *crowd, size_t i,
                      double *cramer_m, double *wnls_m)
{
    const struct vec3 user = crowd->user[i];
    const struct anchors anchors = {trial->bs_m, trial->bs_m, {trial->ris_m[0], trial->ris_m[1]}};
    const struct vec3 stations[3] = {trial->bs_m, trial->ris_m[0], trial->ris_m[1]};
    double sigma = link_sigma_m(trial), length[ROW_H + 1], d[3];
    struct vec3 at;
    for (int k = 0; k < 3; k++)
        length[k] = fix_predict(&anchors, (enum fix_row)k, user, NULL) +
                    sigma * (crowd->normal[3 * i + (size_t)k] / crowd->gain[3 * i + (size_t)k]);
    length[ROW_H] = user.z;
    d[0] = length[ROW_L1] / 2;
    for (int k = 1; k < 3; k++)
        d[k] = length[k] - d[0] - vec3_dist(stations[0], stations[k]);
    if (fix_cramer(stations, d, user.z, &at))
        return ERR_GEOMETRY;
    *cramer_m = hypot(at.x - user.x, at.y - user.y);
    if (wnls_m) {
        at = least_squares(&anchors, length, sigma, at);
        *wnls_m = hypot(at.x - user.x, at.y - user.y);
    }
    return 0;
}

/* Share of a Gaussian error of covariance c in the plan that is at most r long: over directions,
 * 1 - E exp(-r^2 q / 2) / (q sqrt det), q = n^T c^-1 n. */
static double share_within(const double c[3], double r)
{
    enum { N = 64 };
    const double det = c[0] * c[2] - c[1] * c[1];
    double sum = 0;
    if (!(det > 0))
        return NAN;
    for (int i = 0; i < N; i++) { /* half a turn: q has period pi */
        double x = cos(M_PI * (i + 0.5) / N), y = sin(M_PI * (i + 0.5) / N);
        double q = (c[2] * x * x - 2 * c[1] * x * y + c[0] * y * y) / det;
        sum += exp(-0.5 * r * r * q) / q;
    }
    return 1 - sum / (N * sqrt(det));
}

/* Adds what a row of such variance, which moves the place by (x, y) per metre, does to the plan
 * covariance (xx, xy, yy). */
static void add_row(double variance, double x, double y, double cov[3])
{
    cov[0] += variance * x * x;
    cov[1] += variance * x * y;
    cov[2] += variance * y * y;
}

/* Plan covariance of the closed form at u, by its derivatives to the three lengths. */
static int cramer_cov(const struct link_trial *trial, const struct anchors *anchors,
                      struct vec3 user, const double gain[3], double cov[3])
{
    const struct vec3 stations[3] = {trial->bs_m, trial->ris_m[0], trial->ris_m[1]};
    const double step = 1e-4;
    memset(cov, 0, 3 * sizeof *cov);
    for (int row = 0; row < 3; row++) {
        const double sigma = link_sigma_m(trial) / gain[row];
        struct vec3 at[2];
        for (int side = 0; side < 2; side++) {
            double d[3];
            for (int k = 0; k < 3; k++) {
                double length = fix_predict(anchors, (enum fix_row)k, user, NULL) +
                                (k == row ? (side ? step : -step) : 0);
                d[k] = k ? length - d[0] - vec3_dist(stations[0], stations[k]) : length / 2;
            }
            if (fix_cramer(stations, d, user.z, &at[side]))
                return ERR_GEOMETRY;
        }
        add_row(sigma * sigma, (at[1].x - at[0].x) / (2 * step), (at[1].y - at[0].y) / (2 * step),
                cov);
    }
    return 0;
}

/* The same of least squares, which knows nothing of fading: row i of variance v_i and weight w_i
 * moves it by (J^T W J)^-1 j_i w_i. */
static void wnls_cov(const struct link_trial *trial, const struct anchors *anchors,
                     struct vec3 user, const double gain[3], double cov[3])
{
    double measured[ROW_H + 1], matrix[9], right[3];
    for (int row = ROW_L1; row <= ROW_H; row++)
        measured[row] = fix_predict(anchors, (enum fix_row)row, user, NULL);
    normal_equations(anchors, measured, link_sigma_m(trial), user, matrix, right);
    memset(cov, 0, 3 * sizeof *cov);
    if (!spd_factor(matrix, 3))
        return;
    for (int row = ROW_L1; row <= ROW_H; row++) {
        const bool length = row < 3;
        const double told = length ? link_sigma_m(trial) : HEIGHT_SIGMA_M;
        const double sigma = length ? told / gain[row] : told;
        struct vec3 grad;
        fix_predict(anchors, (enum fix_row)row, user, &grad);
        double moves[3] = {grad.x / (told * told), grad.y / (told * told), grad.z / (told * told)};
        spd_solve(matrix, 3, moves);
        add_row(sigma * sigma, moves[0], moves[1], cov);
    }
}

int link_located(const struct link_trial *trial, struct link_share *out)
{
    const size_t n = trial->n_users;
    const struct anchors anchors = {trial->bs_m, trial->bs_m, {trial->ris_m[0], trial->ris_m[1]}};
    struct crowd crowd;
    double cov[3];
    int rc = crowd_draw(trial, &crowd);
    *out = (struct link_share){0};
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = cramer_cov(trial, &anchors, crowd.user[i], crowd.gain + 3 * i, cov);
        out->cramer += share_within(cov, trial->threshold_m) / (double)n;
        wnls_cov(trial, &anchors, crowd.user[i], crowd.gain + 3 * i, cov);
        out->wnls += share_within(cov, trial->threshold_m) / (double)n;
    }
    crowd_free(&crowd);
    return rc;
}

int link_locate(const struct link_trial *trial, double *cramer_m, double *wnls_m)
{
    struct crowd crowd;
    int rc = crowd_draw(trial, &crowd);
    for (size_t i = 0; rc == 0 && i < trial->n_users; i++)
        rc = locate_one(trial, &crowd, i, cramer_m + i, wnls_m ? wnls_m + i : NULL);
    crowd_free(&crowd);
    return rc;
}

/* Gray levels of two bits, b0 the sign. */
static double level(const uint8_t *bit)
{
    double size = bit[1] ? 1 : 3;
    return bit[0] ? size : -size;
}

static cplx symbol(enum link_scheme scheme, const uint8_t *bit)
{
    if (scheme == LINK_BPSK)
        return bit[0] ? -1 : 1;
    return CMPLX(level(bit), level(bit + 2)) / sqrt(10);
}

static size_t wrong_on_axis(double value, const uint8_t *bit)
{
    return (size_t)((value > 0) != bit[0]) + (size_t)((fabs(value) < 2) != bit[1]);
}

static size_t wrong_bits(enum link_scheme scheme, cplx received, const uint8_t *bit)
{
    if (scheme == LINK_BPSK)
        return (creal(received) < 0) != bit[0];
    received *= sqrt(10);
    return wrong_on_axis(creal(received), bit) + wrong_on_axis(cimag(received), bit + 2);
}

static void draw_bits(struct rng *rng, uint8_t *bits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bits[i] = (uint8_t)(rng_next(rng) >> 63);
}

/* N0 where a bit has an energy of 1/SNR of it and a symbol one of 1. */
static double noise_var(const struct link_trial *trial, size_t bits_a_symbol)
{
    return 1 / (linear(trial->snr_db) * (double)bits_a_symbol);
}

int link_send(const struct link_trial *trial, size_t *n_wrong)
{
    const size_t each = trial->scheme == LINK_BPSK ? 1 : 4, n = trial->n_bits / each;
    const double sigma = sqrt(noise_var(trial, each));
    struct rng rng = rng_seed(trial->seed);
    uint8_t *bits = malloc(n * each);
    cplx *h = malloc(n * sizeof *h);
    assert(trial->n_bits % each == 0);
    *n_wrong = 0;
    if (bits && h) {
        draw_bits(&rng, bits, n * each);
        for (size_t i = 0; i < n; i++)
            h[i] = fades(trial) ? draw_fading(trial, &rng) : 1;
        for (size_t i = 0; i < n; i++) {
            cplx x = symbol(trial->scheme, bits + i * each);
            *n_wrong += wrong_bits(trial->scheme, x + sigma * rng_cn(&rng) / h[i], bits + i * each);
        }
    }
    int rc = bits && h ? 0 : ERR_NO_MEMORY;
    free(bits);
    free(h);
    return rc;
}

/* E Q(c sqrt(snr |h|^2)) by Craig's form: the mean of exp(-c^2 snr |h|^2 / (2 sin^2 t)) over t in
 * (0, pi/2], times 1/2, by the midpoint rule, which converges fast for a periodic integrand. */
static double tail(const struct link_trial *trial, double c)
{
    enum { N = 400 };
    double k = trial->k_factor, snr = linear(trial->snr_db), sum = 0;
    if (!fades(trial))
        return 0.5 * erfc(c * sqrt(snr / 2));
    for (int i = 0; i < N; i++) {
        double s = sin(M_PI / 2 * (i + 0.5) / N), x = c * c * snr / (2 * s * s);
        sum += (1 + k) / (1 + k + x) * exp(-k * x / (1 + k + x));
    }
    return 0.5 * sum / N;
}

double link_ber(const struct link_trial *trial)
{
    const double a = sqrt(4.0 / 5); /* half the distance of two levels over sqrt(N0 / 2) */
    if (trial->scheme == LINK_BPSK)
        return tail(trial, sqrt(2));
    return (3 * tail(trial, a) + 2 * tail(trial, 3 * a) - tail(trial, 5 * a)) / 4;
}

/* Which frames of a block arrive whole; returns the wrong bits. h: [n x frame_bits]. */
static size_t send_frames(const struct link_trial *trial, struct rng *rng, uint8_t *bits, cplx *h,
                          bool *whole, size_t n)
{
    const double sigma = sqrt(noise_var(trial, 1));
    size_t sum = 0;
    draw_bits(rng, bits, n * trial->frame_bits);
    for (size_t i = 0; i < n * trial->frame_bits; i++)
        h[i] = fades(trial) ? draw_fading(trial, rng) : 1;
    for (size_t i = 0; i < n; i++) {
        size_t wrong = 0;
        for (size_t b = 0; b < trial->frame_bits; b++) {
            const size_t at = i * trial->frame_bits + b;
            cplx x = symbol(LINK_BPSK, bits + at) + sigma * rng_cn(rng) / h[at];
            wrong += wrong_bits(LINK_BPSK, x, bits + at);
        }
        whole[i] = wrong == 0;
        sum += wrong;
    }
    return sum;
}

int link_joint(const struct link_trial *trial, struct link_joint *out)
{
    const size_t n = trial->n_users;
    struct rng rng = rng_seed(trial->seed ^ JOINT_SEED);
    double *error = malloc(n * sizeof *error);
    uint8_t *bits = malloc(JOINT_BLOCK * trial->frame_bits);
    cplx *h = malloc(JOINT_BLOCK * trial->frame_bits * sizeof *h);
    bool *whole = malloc(JOINT_BLOCK * sizeof *whole);
    int rc = error && bits && h && whole ? link_locate(trial, error, NULL) : ERR_NO_MEMORY;
    *out = (struct link_joint){0};
    for (size_t first = 0; rc == 0 && first < n; first += JOINT_BLOCK) {
        size_t block = n - first < JOINT_BLOCK ? n - first : JOINT_BLOCK;
        out->n_wrong += send_frames(trial, &rng, bits, h, whole, block);
        for (size_t i = 0; i < block; i++) {
            bool located = error[first + i] <= trial->threshold_m;
            out->n_located += located;
            out->n_success += located && whole[i];
        }
    }
    free(error);
    free(bits);
    free(h);
    free(whole);
    return rc;
}
