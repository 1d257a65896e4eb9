/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paths that 500 kHz cannot tell apart, as [S1] has them: BS (0, 0, 10), RISs (50, 0, 6) and
 * (0, 50, 6), users in [10, 40]^2, three or four antennas; the surfaces' angles are known, the
 * user's is not. Errors from a start that knows the gates alone, against the bound of the Fisher
 * information of what is received here; the argument, if there is one, is the number of users
 * (600). */
#include "dsp/array.h"
#include "dsp/delay_angle_priv.h"
#include "dsp/fix.h"
#include "dsp/path_id.h"
#include "dsp/rng.h"
#include "tests/dsp/golden.h"

enum { CARRIERS = 31, PATHS = 3, ANT_MAX = 4, SCENES = 100 };

#define WAVELENGTH_M (SPEED_OF_LIGHT / 10e9)

static size_t n_users = 600;

static const struct anchors paper = {{0, 0, 10}, {0, 0, 10}, {{50, 0, 6}, {0, 50, 6}}};

struct scene {
    size_t n_ant;
    double length_m[PATHS], sine[PATHS];
    cplx amp[PATHS];
};

static struct delay_angle_cfg cfg_of(size_t n_ant)
{
    struct delay_angle_cfg cfg = {.n_ant = n_ant,
                                  .n_carrier = CARRIERS,
                                  .spacing_hz = 500e3 / CARRIERS,
                                  .wavelength_m = WAVELENGTH_M};
    for (size_t j = 0; j < n_ant; j++)
        cfg.element_m[j] = ((double)j - (double)(n_ant - 1) / 2) * WAVELENGTH_M / 2;
    return cfg;
}

static struct scene draw(struct rng *rng, size_t n_ant)
{
    const struct vec3 u = {10 + 30 * rng_u01(rng), 10 + 30 * rng_u01(rng), 1 + 0.8 * rng_u01(rng)};
    const struct vec3 from[PATHS] = {u, paper.ris[0], paper.ris[1]};
    struct scene s = {.n_ant = n_ant};
    for (size_t p = 0; p < PATHS; p++) {
        const struct vec3 d = vec3_unit(vec3_sub(from[p], paper.rx));
        s.sine[p] = (d.y - d.x) * M_SQRT1_2;
        s.length_m[p] = fix_predict(&paper, ROW_L1 + p, u, NULL);
        s.amp[p] = cexp(I * 2 * PI * rng_u01(rng));
    }
    return s;
}

/* What arrives without noise: [n_ant x CARRIERS]. */
static void arrive(const struct scene *s, cplx *y)
{
    const struct delay_angle_cfg cfg = cfg_of(s->n_ant);
    for (size_t j = 0; j < s->n_ant; j++)
        for (size_t k = 0; k < CARRIERS; k++) {
            const double f = cfg.spacing_hz * ((double)k - (CARRIERS - 1) / 2.0);
            y[j * CARRIERS + k] = 0;
            for (size_t p = 0; p < PATHS; p++)
                y[j * CARRIERS + k] +=
                    s->amp[p] * cexp(I * 2 * PI *
                                     (cfg.element_m[j] * s->sine[p] / WAVELENGTH_M -
                                      f * s->length_m[p] / SPEED_OF_LIGHT));
        }
}

/* sigma: of the noise in an entry. */
static void receive(const struct scene *s, struct rng *rng, double sigma, cplxf *y)
{
    cplx sum[ANT_MAX * CARRIERS];
    arrive(s, sum);
    for (size_t i = 0; i < s->n_ant * CARRIERS; i++)
        y[i] = (cplxf)(sum[i] + sigma * rng_cn(rng));
}

static struct delay_angle_model model_of(const struct scene *s, bool surfaces_known)
{
    struct delay_angle_model m = {.n_source = PATHS, .n_path = PATHS};
    for (size_t p = 0; p < PATHS; p++) {
        m.source[p] =
            (struct delay_angle_source){p ? s->sine[p] : 0, INFINITY, p > 0 && surfaces_known};
        m.path[p] = (struct delay_angle_path){.gate = {0, 200}, .n_way = 1, .source = {p}};
    }
    return m;
}

/* --- bound: Fisher information by differences of what arrives ------------------------------- */

enum { UNKNOWN = PATHS + 1 + 2 * PATHS }; /* lengths, the user's sine, amplitudes */

static struct scene moved(struct scene s, size_t unknown, double by)
{
    if (unknown < PATHS)
        s.length_m[unknown] += by;
    else if (unknown == PATHS)
        s.sine[0] += by;
    else
        s.amp[(unknown - PATHS - 1) / 2] += (unknown - PATHS) % 2 ? by : I * by;
    return s;
}

static void derivatives(const struct scene *s, cplx d[UNKNOWN][ANT_MAX * CARRIERS])
{
    cplx less[ANT_MAX * CARRIERS];
    for (size_t i = 0; i < UNKNOWN; i++) {
        const double step = i < PATHS ? 0.1 : 1e-4;
        const struct scene up = moved(*s, i, step), down = moved(*s, i, -step);
        arrive(&up, d[i]);
        arrive(&down, less);
        for (size_t n = 0; n < s->n_ant * CARRIERS; n++)
            d[i][n] = (d[i][n] - less[n]) / (2 * step);
    }
}

/* Of a symmetric positive matrix, in its place: Gauss and Jordan. */
static void invert(double a[UNKNOWN][UNKNOWN])
{
    for (size_t k = 0; k < UNKNOWN; k++) {
        const double pivot = a[k][k];
        assert_true(pivot > 0);
        a[k][k] = 1;
        for (size_t j = 0; j < UNKNOWN; j++)
            a[k][j] /= pivot;
        for (size_t i = 0; i < UNKNOWN; i++) {
            const double factor = i == k ? 0 : a[i][k];
            a[i][k] = i == k ? a[i][k] : 0;
            for (size_t j = 0; j < UNKNOWN; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
}

/* F_ab = 2 / sigma^2 Re sum_n conj(dy_n / da) dy_n / db, the bound the root of its inverse. */
static void bound_of(const struct scene *s, double sigma, double bound_m[PATHS])
{
    cplx d[UNKNOWN][ANT_MAX * CARRIERS];
    double f[UNKNOWN][UNKNOWN];
    derivatives(s, d);
    for (size_t a = 0; a < UNKNOWN; a++)
        for (size_t b = 0; b < UNKNOWN; b++) {
            f[a][b] = 0;
            for (size_t n = 0; n < s->n_ant * CARRIERS; n++)
                f[a][b] += 2 / (sigma * sigma) * creal(conj(d[a][n]) * d[b][n]);
        }
    invert(f);
    for (size_t p = 0; p < PATHS; p++)
        bound_m[p] = sqrt(f[p][p]);
}

/* What the fit says of itself, next to no noise. */
static void said_of(struct delay_angle *est, const struct scene *s, double sigma,
                    double said_m[PATHS])
{
    const struct delay_angle_model m = model_of(s, true);
    cplxf y[ANT_MAX * CARRIERS];
    struct rng rng = rng_seed(1);
    struct delay_angle_fit fit = {0};
    receive(s, &rng, 1e-4, y);
    memcpy(fit.length_m, s->length_m, sizeof s->length_m);
    memcpy(fit.sine, s->sine, sizeof s->sine);
    assert_int_equal(delay_angle_refine(est, &m, y, &fit), OK);
    for (size_t p = 0; p < PATHS; p++)
        said_m[p] = fit.sigma_m[p] * sigma / sqrt(fit.noise_var);
}

static void the_bound_is_the_information(void **state)
{
    struct rng rng = rng_seed(7000);
    double worst = 0;
    (void)state;
    for (size_t n_ant = 3; n_ant <= ANT_MAX; n_ant++) {
        const struct delay_angle_cfg cfg = cfg_of(n_ant);
        struct delay_angle *est = delay_angle_create(&cfg, NULL);
        for (size_t t = 0; t < SCENES; t++) {
            const struct scene s = draw(&rng, n_ant);
            double bound_m[PATHS], said_m[PATHS];
            bound_of(&s, 0.1, bound_m);
            said_of(est, &s, 0.1, said_m);
            for (size_t p = 0; p < PATHS; p++)
                worst = fmax(worst, fabs(said_m[p] / bound_m[p] - 1));
        }
        delay_angle_destroy(&est);
    }
    print_message("bounds differ by %.2g at most\n", worst);
    assert_true(worst < 0.01);
}

/* --- errors --------------------------------------------------------------------------------- */

struct outcome {
    size_t failed, worse; /* off by more than six bounds; than from the truth */
    double ratio;         /* rms error over the bound, the others' */
};

static double cost_from_truth(struct delay_angle *est, const struct scene *s, const cplxf *y)
{
    const struct delay_angle_model m = model_of(s, true);
    struct delay_angle_fit fit = {0};
    memcpy(fit.length_m, s->length_m, sizeof s->length_m);
    memcpy(fit.sine, s->sine, sizeof s->sine);
    return delay_angle_refine(est, &m, y, &fit) ? INFINITY : fit.cost;
}

static struct outcome run(size_t n_ant, double e_n0_db, size_t tries)
{
    const struct delay_angle_cfg cfg = cfg_of(n_ant);
    struct delay_angle *est = delay_angle_create(&cfg, NULL);
    struct rng rng = rng_seed(7100 + (uint64_t)e_n0_db);
    const double sigma = sqrt(CARRIERS * pow(10, -e_n0_db / 10));
    struct outcome out = {0};
    double sum = 0;
    for (size_t t = 0; t < n_users; t++) {
        const struct scene s = draw(&rng, n_ant);
        const struct delay_angle_model m = model_of(&s, true);
        cplxf y[ANT_MAX * CARRIERS];
        struct delay_angle_fit fit;
        double bound_m[PATHS], square = 0;
        receive(&s, &rng, sigma, y);
        bound_of(&s, sigma, bound_m);
        bool failed = delay_angle_estimate(est, &m, y, tries, &fit) != OK || !fit.converged;
        out.worse += failed || fit.cost > cost_from_truth(est, &s, y) * (1 + 1e-6);
        for (size_t p = 0; p < PATHS; p++) {
            const double off = (fit.length_m[p] - s.length_m[p]) / bound_m[p];
            failed = failed || fabs(off) > 6;
            square += off * off / PATHS;
        }
        out.failed += failed;
        sum += failed ? 0 : square;
    }
    delay_angle_destroy(&est);
    out.ratio = sqrt(sum / (double)(n_users - out.failed));
    print_message("%zu antennas, E/N0 %g dB: rms error %.3f of the bound, %zu of %zu failed, %zu "
                  "not in the best minimum\n",
                  n_ant, e_n0_db, out.ratio, out.failed, n_users, out.worse);
    return out;
}

static void lengths_reach_the_bound(void **state)
{
    (void)state;
    for (double e_n0_db = 30; e_n0_db <= 50; e_n0_db += 10) {
        const struct outcome three = run(3, e_n0_db, 3), four = run(4, e_n0_db, 3);
        assert_true(three.ratio > 0.95 && three.ratio < 1.05);
        assert_true(four.ratio > 0.95 && four.ratio < 1.05);
        assert_true((double)four.failed <= 0.002 * (double)n_users &&
                    (double)three.worse <= 0.008 * (double)n_users);
        assert_true((double)three.failed <= (e_n0_db < 35 ? 0.015 : 0.004) * (double)n_users);
    }
}

/* A path with two ways, from a surface and back by the user's: the fit says how strong each is, and
 * the antenna vector holds both. */
static void ways_of_one_path(void **state)
{
    const struct delay_angle_cfg cfg = cfg_of(4);
    struct delay_angle *est = delay_angle_create(&cfg, NULL);
    struct rng rng = rng_seed(3);
    struct scene s = draw(&rng, 4), back = s;
    cplxf y[ANT_MAX * CARRIERS], other[ANT_MAX * CARRIERS], vector[PATHS][TOA_MAX_ANT];
    struct delay_angle_model m = model_of(&s, true);
    struct delay_angle_fit fit;
    (void)state;
    back.amp[0] = back.amp[2] = 0;
    back.amp[1] = CMPLX(0.3, 0.4);
    back.sine[1] = s.sine[0];
    receive(&s, &rng, 1e-3, y);
    receive(&back, &rng, 0, other);
    for (size_t i = 0; i < 4 * CARRIERS; i++)
        y[i] += other[i];
    m.path[1].n_way = 2;
    m.path[1].source[1] = 0;
    assert_int_equal(delay_angle_estimate(est, &m, y, 4, &fit), OK);
    assert_true(cabs(fit.amp[1][0] - s.amp[1]) < 0.02);
    assert_true(cabs(fit.amp[1][1] - back.amp[1]) < 0.02);
    assert_true(fabs(fit.sine[0] - s.sine[0]) < 0.01);
    delay_angle_vectors(est, &m, y, &fit, vector);
    for (size_t j = 0; j < 4; j++) {
        const double x = cfg.element_m[j] / WAVELENGTH_M;
        const cplx want = s.amp[1] * cexp(I * 2 * PI * x * s.sine[1]) +
                          back.amp[1] * cexp(I * 2 * PI * x * s.sine[0]);
        assert_true(cabs((cplx)vector[1][j] - want) < 0.03);
    }
    delay_angle_destroy(&est);
    delay_angle_destroy(&est);
}

/* Sums over carriers against one carrier after the other: next to nothing, some chips and whole
 * repetitions apart, for odd and even numbers of carriers and antennas. */
static void sums_are_their_carriers(void **state)
{
    static const double apart_m[] = {0, 1e-6, 0.01, 1, 60, 95.4, 95.5, -300, 2000, 18587, 40000};
    (void)state;
    for (size_t K = CARRIERS; K <= CARRIERS + 3; K++) {
        struct delay_angle_cfg cfg = cfg_of(K % 2 ? 3 : 4);
        cfg.n_carrier = K;
        struct delay_angle *e = delay_angle_create(&cfg, NULL);
        struct rng rng = rng_seed(4);
        cplxf y[ANT_MAX * (CARRIERS + 3)];
        const double q = 2 * PI * cfg.spacing_hz / SPEED_OF_LIGHT;
        for (size_t i = 0; i < cfg.n_ant * K; i++)
            y[i] = (cplxf)rng_cn(&rng);
        delay_angle_load(e, y);
        for (size_t i = 0; i < sizeof apart_m / sizeof *apart_m; i++) {
            double m[3], plain[3] = {0};
            cplx t[TOA_MAX_ANT], dt[TOA_MAX_ANT], last = 0, slope = 0;
            delay_angle_moments(e, apart_m[i], m);
            delay_angle_correlate(e, apart_m[i], t, dt);
            for (size_t k = 0; k < K; k++) {
                const double f = q * ((double)k - 0.5 * (double)(K - 1));
                const cplx turned = (cplx)y[(cfg.n_ant - 1) * K + k] * cexp(I * f * apart_m[i]);
                plain[0] += cos(f * apart_m[i]);
                plain[1] += f * sin(f * apart_m[i]);
                plain[2] += f * f * cos(f * apart_m[i]);
                last += turned;
                slope += I * f * turned;
            }
            for (int d = 0; d < 3; d++)
                assert_true(fabs(m[d] - plain[d]) < 1e-9 * (double)K * pow(q * (double)K, d));
            assert_true(cabs(t[cfg.n_ant - 1] - last) < 1e-9);
            assert_true(cabs(dt[cfg.n_ant - 1] - slope) < 1e-9);
            delay_angle_correlate(e, apart_m[i], t, NULL);
            assert_true(cabs(t[cfg.n_ant - 1] - last) < 1e-9);
        }
        delay_angle_destroy(&e);
    }
}

static void what_it_refuses(void **state)
{
    struct delay_angle_cfg cfg = cfg_of(4);
    struct status err = {0};
    (void)state;
    cfg.n_ant = 1;
    assert_null(delay_angle_create(&cfg, &err));
    assert_non_null(strstr(err.text, "n_ant"));
    cfg = cfg_of(4);
    cfg.spacing_hz = NAN;
    assert_null(delay_angle_create(&cfg, &err));
    assert_non_null(strstr(err.text, "spacing_hz"));
}

/* Silence is no path, and two paths at one place from one direction are one. */
static void what_has_no_solution(void **state)
{
    const struct delay_angle_cfg cfg = cfg_of(4);
    struct delay_angle *est = delay_angle_create(&cfg, NULL);
    struct rng rng = rng_seed(3);
    const struct scene s = draw(&rng, 4);
    struct delay_angle_model m = model_of(&s, true);
    cplxf y[ANT_MAX * CARRIERS];
    struct delay_angle_fit fit = {.length_m = {60, 100, 100}, .sine = {0.1, 0, 0}};
    (void)state;
    m.source[2].sine = m.source[1].sine;
    receive(&s, &rng, 1e-3, y);
    assert_int_equal(delay_angle_refine(est, &m, y, &fit), ERR_NO_PEAK);
    memset(y, 0, sizeof y);
    m = model_of(&s, true);
    if (delay_angle_estimate(est, &m, y, 1, &fit) == OK)
        assert_true(cabs(fit.amp[0][0]) == 0 && fit.cost == 0);
    delay_angle_destroy(&est);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_is_the_information),
        cmocka_unit_test(lengths_reach_the_bound),
        cmocka_unit_test(ways_of_one_path),
        cmocka_unit_test(sums_are_their_carriers),
        cmocka_unit_test(what_it_refuses),
        cmocka_unit_test(what_has_no_solution),
    };
    if (argc > 1)
        n_users = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
