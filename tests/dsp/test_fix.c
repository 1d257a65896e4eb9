/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closed forms and least squares against the independent reference (loc.json), then the statistics
 * that an efficient, honest solver must show, with TX and RX apart, and every reason to refuse. */
#include "dsp/chi2.h"
#include "dsp/fix.h"
#include "dsp/rng.h"
#include "tests/dsp/golden.h"

static struct vec3 vec3_from(json_t *array)
{
    assert_int_equal(json_array_size(array), 3);
    return (struct vec3){json_number_value(json_array_get(array, 0)),
                         json_number_value(json_array_get(array, 1)),
                         json_number_value(json_array_get(array, 2))};
}

/* The reference has TX = RX. */
static struct anchors anchors_of(json_t *array, struct vec3 p[3])
{
    for (size_t i = 0; i < 3; i++)
        p[i] = vec3_from(json_array_get(array, i));
    return (struct anchors){.tx = p[0], .rx = p[0], .ris = {p[1], p[2]}};
}

static void check_close(struct vec3 got, struct vec3 want, double tolerance)
{
    if (vec3_dist(got, want) > tolerance)
        fail_msg("(%.12g, %.12g, %.12g) instead of (%.12g, %.12g, %.12g)", got.x, got.y, got.z,
                 want.x, want.y, want.z);
}

static void fill_observations(json_t *c, struct observation obs[ROW_COUNT])
{
    memset(obs, 0, ROW_COUNT * sizeof *obs);
    for (size_t k = 0; k < 3; k++)
        obs[ROW_L1 + k] =
            (struct observation){golden_item(c, "L", k), sqrt(golden_item(c, "varL", k)), true};
    obs[ROW_H] = (struct observation){golden_number(c, "h"), sqrt(golden_number(c, "varh")), true};
}

static void check_spheres(json_t *c, const struct vec3 p[3], const double d[3])
{
    struct vec3 both[2];
    double w2;
    json_t *want = json_object_get(c, "sphere3");
    assert_int_equal(fix_spheres(p, d, both, &w2), OK);
    check_close(both[0], vec3_from(json_object_get(want, "plus")), 1e-9);
    check_close(both[1], vec3_from(json_object_get(want, "minus")), 1e-9);
    assert_true(fabs(w2 - golden_number(want, "w2")) < 1e-9);
}

static void check_wnls(json_t *c, const struct anchors *anchors, struct vec3 start)
{
    struct observation obs[ROW_COUNT];
    struct fix fix;
    json_t *want = json_object_get(c, "wnls"), *cov = json_object_get(want, "cov");
    fill_observations(c, obs);
    assert_int_equal(fix_wnls(anchors, obs, ~0u, start, &fix), OK);
    check_close(fix.position, vec3_from(json_object_get(want, "x")), 1e-6);
    assert_true(fabs(fix.chi2 - golden_number(want, "chi2")) < 1e-6);
    assert_int_equal(fix.dof, 1);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            double want_ij = json_number_value(json_array_get(json_array_get(cov, i), j));
            assert_true(fabs(fix.cov[i][j] - want_ij) < 1e-6);
        }
}

/* Exact rows for a user at u, each with the given sigma, all paths valid except the arrivals. */
static void exact(const struct anchors *a, struct vec3 u, double sigma, double sigma_h,
                  struct observation obs[ROW_COUNT])
{
    for (int i = 0; i < ROW_COUNT; i++)
        obs[i] = (struct observation){fix_predict(a, (enum fix_row)i, u, NULL),
                                      i == ROW_H ? sigma_h : sigma, i < ROW_A1};
}

/* The reference gives the dilution at the true position: feed exact lengths. */
static void check_gdop(json_t *c, const struct anchors *anchors)
{
    struct observation obs[ROW_COUNT];
    struct fix fix;
    struct vec3 u = vec3_from(json_object_get(c, "X_true"));
    exact(anchors, u, 1, 1, obs);
    assert_int_equal(fix_wnls(anchors, obs, ~0u, u, &fix), OK);
    assert_true(fabs(fix.gdop - golden_number(c, "gdop2_known_z")) < 1e-6);
}

static void test_golden_cases(void **state)
{
    (void)state;
    json_t *doc = golden_load("loc.json"), *c;
    size_t i;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        struct vec3 p[3], start;
        struct anchors anchors = anchors_of(json_object_get(c, "anchors"), p);
        const double d[3] = {golden_item(c, "d", 0), golden_item(c, "d", 1),
                             golden_item(c, "d", 2)};
        json_t *want = json_object_get(c, "cramer2");
        double h = golden_number(c, "h");
        assert_int_equal(fix_cramer(p, d, h, &start), OK);
        check_close(start, (struct vec3){golden_number(want, "x"), golden_number(want, "y"), h},
                    1e-9);
        check_spheres(c, p, d);
        check_wnls(c, &anchors, start);
        check_gdop(c, &anchors);
    }
    json_decref(doc);
}

static const struct anchors lab = {
    .tx = {0.5, 0.5, 2.5}, .rx = {0.5, 0.5, 2.2}, .ris = {{7, 1.5, 1.9}, {1, 6, 1.7}}};

static struct fix_cfg lab_cfg(void)
{
    struct fix_cfg cfg = {.anchors = lab, .room = {{0, 0, 0}, {8, 8, 3}}};
    fix_cfg_defaults(&cfg);
    return cfg;
}

static void add_noise(struct rng *rng, struct observation obs[ROW_COUNT])
{
    double n[2];
    for (int i = 0; i < ROW_COUNT; i++) {
        rng_normal2(rng, n);
        obs[i].length_m += obs[i].sigma_m * n[0];
    }
}

static struct vec3 user_in(struct rng *rng, double lo, double hi, double z_lo, double z_hi)
{
    double x = rng_u01(rng), y = rng_u01(rng), z = rng_u01(rng);
    return (struct vec3){lo + (hi - lo) * x, lo + (hi - lo) * y, z_lo + (z_hi - z_lo) * z};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct campaign {
    const struct anchors *anchors;
    double box[4]; /* x and y from, to; z from, to */
    double sigma, sigma_h;
    unsigned mask;
    bool arrivals;
    uint64_t seed;
};

struct result {
    double rmse_xy, crlb_xy, chi2_mean, false_alarm, inside95, p50, p95, gdop_median;
};

#define N_TRIAL 20000

/* The bound is the covariance at the true position. */
static double bound_xy2(const struct campaign *c, struct vec3 u, struct observation *obs)
{
    struct fix at_truth;
    assert_int_equal(fix_wnls(c->anchors, obs, c->mask, u, &at_truth), OK);
    return at_truth.cov[0][0] + at_truth.cov[1][1];
}

static struct result run(const struct campaign *c)
{
    static double errors[N_TRIAL], gdops[N_TRIAL];
    struct rng rng = rng_seed(c->seed);
    struct result r = {0};
    for (int t = 0; t < N_TRIAL; t++) {
        struct observation obs[ROW_COUNT];
        struct fix fix;
        struct vec3 u = user_in(&rng, c->box[0], c->box[1], c->box[2], c->box[3]);
        exact(c->anchors, u, c->sigma, c->sigma_h, obs);
        for (int i = ROW_A1; i < ROW_COUNT; i++)
            obs[i].valid = c->arrivals;
        r.crlb_xy += bound_xy2(c, u, obs) / N_TRIAL;
        add_noise(&rng, obs);
        assert_int_equal(fix_wnls(c->anchors, obs, c->mask, u, &fix), OK);
        double dx = fix.position.x - u.x, dy = fix.position.y - u.y;
        r.rmse_xy += (dx * dx + dy * dy) / N_TRIAL;
        int dof = fix.dof > 0 ? fix.dof : 1;
        r.chi2_mean += fix.chi2 / dof / N_TRIAL;
        r.false_alarm += (fix.chi2 > chi2_quantile(dof, 0.01)) / (double)N_TRIAL;
        r.inside95 += fix_inside95(&fix, dx, dy) / (double)N_TRIAL;
        errors[t] = hypot(dx, dy);
        gdops[t] = fix.gdop;
    }
    qsort(errors, N_TRIAL, sizeof *errors, by_value);
    qsort(gdops, N_TRIAL, sizeof *gdops, by_value);
    r.rmse_xy = sqrt(r.rmse_xy);
    r.crlb_xy = sqrt(r.crlb_xy);
    r.p50 = errors[N_TRIAL / 2];
    r.p95 = errors[N_TRIAL * 95 / 100];
    r.gdop_median = gdops[N_TRIAL / 2];
    return r;
}

static void check_ratio(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got / want - 1) <= tolerance))
        fail_msg("%s: %.5g, reference %.5g", what, got, want);
}

static void check_efficiency(json_t *want, const struct campaign *c)
{
    struct result r = run(c);
    json_t *rmse = json_object_get(want, "rmse_xy");
    check_ratio("wnls rmse", r.rmse_xy, golden_number(rmse, "wnls"), 0.03);
    check_ratio("crlb", r.crlb_xy, golden_number(rmse, "crlb_xy_with_h"), 0.03);
    check_ratio("p50", r.p50, golden_item(want, "p50_p95_xy_wnls", 0), 0.03);
    check_ratio("p95", r.p95, golden_item(want, "p50_p95_xy_wnls", 1), 0.03);
    check_ratio("gdop", r.gdop_median, golden_number(want, "median_gdop2"), 0.03);
}

static void test_efficiency_against_reference(void **state)
{
    (void)state;
    json_t *doc = golden_load("loc.json"), *e = json_object_get(doc, "efficiency");
    struct anchors paper = {.tx = {0, 0, 10}, .rx = {0, 0, 10}, .ris = {{50, 0, 6}, {0, 50, 6}}};
    struct anchors one = lab;
    one.tx = one.rx;
    struct campaign c = {&paper, {10, 40, 1, 1.8}, 1, 0.05, ~0u, false, 1};
    check_efficiency(json_object_get(e, "paper"), &c);
    c = (struct campaign){&one, {2, 6, 0.8, 1.8}, 0.1, 0.05, ~0u, false, 2};
    check_efficiency(json_object_get(e, "lab"), &c);
    json_decref(doc);
}

static void check_honest(const char *name, const struct campaign *c, bool has_dof)
{
    struct result r = run(c);
    print_message(
        "%-14s rmse/crlb %.4f chi2 %.4f false alarm %.2f %% inside 95 %% ellipse %.2f %%\n", name,
        r.rmse_xy / r.crlb_xy, r.chi2_mean, 100 * r.false_alarm, 100 * r.inside95);
    assert_true(r.rmse_xy / r.crlb_xy <= 1.03);
    assert_true(r.inside95 > 0.94 && r.inside95 < 0.96);
    assert_true(!has_dof || (r.chi2_mean > 0.95 && r.chi2_mean < 1.05));
    assert_true(!has_dof || (r.false_alarm > 0.006 && r.false_alarm < 0.014));
}

static void test_statistics_with_tx_apart(void **state)
{
    (void)state;
    struct campaign c = {&lab, {2, 6, 0.8, 1.8}, 0.1, 0.03, ~0u, false, 3};
    check_honest("three paths", &c, true);
    c.arrivals = true;
    check_honest("with arrivals", &c, true);
    c.mask = ~(ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3));
    c.sigma = 0.05;
    check_honest("arrivals alone", &c, false);
}

/* Ignoring that TX stands 0.3 m over RX must cost what it is said to cost; modelling it costs
 * nothing. */
static void test_true_antenna_positions_matter(void **state)
{
    (void)state;
    struct rng rng = rng_seed(4);
    struct fix_cfg wrong = lab_cfg(), right = lab_cfg();
    wrong.anchors.tx = wrong.anchors.rx;
    double sum = 0;
    for (int t = 0; t < 500; t++) {
        struct observation obs[ROW_COUNT];
        struct fix fix;
        struct vec3 u = user_in(&rng, 2, 6, 0.8, 1.8);
        exact(&lab, u, 0.25, 0.03, obs);
        assert_int_equal(fix_solve(&right, obs, NULL, &fix), OK);
        assert_true(vec3_dist(fix.position, u) < 1e-6);
        assert_int_equal(fix_solve(&wrong, obs, NULL, &fix), OK);
        sum += pow(vec3_dist(fix.position, u), 2);
    }
    assert_true(sqrt(sum / 500) > 0.02);
}

static void test_gradient(void **state)
{
    (void)state;
    const struct vec3 u = {3.1, 4.2, 1.3};
    for (int row = 0; row < ROW_COUNT; row++) {
        struct vec3 g, step[3] = {{1e-5, 0, 0}, {0, 1e-5, 0}, {0, 0, 1e-5}};
        fix_predict(&lab, (enum fix_row)row, u, &g);
        const double want[3] = {g.x, g.y, g.z};
        for (int i = 0; i < 3; i++) {
            double up = fix_predict(&lab, (enum fix_row)row, vec3_add(u, step[i]), NULL);
            double down = fix_predict(&lab, (enum fix_row)row, vec3_sub(u, step[i]), NULL);
            assert_true(fabs((up - down) / 2e-5 - want[i]) < 1e-8);
        }
    }
}

static void test_coded_only_when_echo_lies(void **state)
{
    (void)state;
    struct fix_cfg cfg = lab_cfg();
    struct rng rng = rng_seed(5);
    int solved = 0;
    for (int t = 0; t < 1000; t++) {
        struct observation obs[ROW_COUNT];
        struct fix fix;
        struct vec3 u = user_in(&rng, 2, 6, 0.8, 1.8);
        exact(&cfg.anchors, u, 0.1, 0.03, obs);
        obs[ROW_L1].length_m += 3;
        struct vec3 hint = vec3_add(u, (struct vec3){0.3, -0.3, 0});
        if (fix_solve(&cfg, obs, &hint, &fix))
            continue;
        assert_true(fix.coded_only && fix.ungated && fix.dof == 0);
        assert_true(vec3_dist(fix.position, u) < 1e-5);
        solved++;
    }
    assert_true(solved >= 990);
}

/* What a fix of the arrivals alone says of the echoes: theirs agree, a longer one does not. */
static void test_rows_that_agree(void **state)
{
    (void)state;
    const unsigned echoes = ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3);
    const unsigned own = ROW_BIT(ROW_A1) | ROW_BIT(ROW_A2) | ROW_BIT(ROW_A3) | ROW_BIT(ROW_H);
    const struct fix_cfg cfg = lab_cfg();
    const struct vec3 u = {3.1, 4.2, 1.3};
    struct observation obs[ROW_COUNT];
    struct fix fix;
    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    for (int i = 0; i < 3; i++) {
        obs[ROW_A1 + i] =
            (struct observation){fix_predict(&cfg.anchors, ROW_A1 + i, u, NULL) + 17, 0.1, true};
    }
    assert_int_equal(fix_wnls(&cfg.anchors, obs, own, u, &fix), OK);
    assert_int_equal(fix_agreeing(&cfg, &fix, obs, echoes, 0.01), echoes);
    obs[ROW_L2].length_m += 0.15; /* within what is to be expected */
    obs[ROW_L3].length_m += 2;
    assert_int_equal(fix_agreeing(&cfg, &fix, obs, echoes, 0.01), echoes & ~ROW_BIT(ROW_L3));
    obs[ROW_L1].valid = false;
    assert_int_equal(fix_agreeing(&cfg, &fix, obs, echoes, 0.01), ROW_BIT(ROW_L2));
}

/* Two ellipses meet twice, here both times inside the room: the area, the echo or the tracker
 * decides. */
static void test_ambiguity(void **state)
{
    (void)state;
    struct fix_cfg cfg = lab_cfg();
    struct observation obs[ROW_COUNT];
    struct fix fix;
    const struct vec3 u = {2.11, 2.39, 1.2};
    exact(&cfg.anchors, u, 0.05, 0.03, obs);
    obs[ROW_L1].valid = false;
    assert_int_equal(fix_solve(&cfg, obs, NULL, &fix), ERR_GEOMETRY);
    assert_int_equal(fix.verdict, FIX_AMBIGUOUS);
    assert_int_equal(fix_solve(&cfg, obs, &u, &fix), OK);
    check_close(fix.position, u, 1e-5);
    obs[ROW_L1].valid = true;
    obs[ROW_L1].length_m -= 0.8; /* contradicts, but less than the other place would */
    assert_int_equal(fix_solve(&cfg, obs, NULL, &fix), OK);
    assert_true(fix.coded_only);
    check_close(fix.position, u, 1e-5);
    obs[ROW_L1].valid = false;
    cfg.area = (struct room_box){{1.5, 1.5, 0}, {6.5, 6.5, 3}};
    assert_int_equal(fix_solve(&cfg, obs, NULL, &fix), OK);
    check_close(fix.position, u, 1e-5);
}

static void test_two_paths_are_ungated(void **state)
{
    (void)state;
    struct fix_cfg cfg = lab_cfg();
    const struct vec3 u = {4, 4, 1.2};
    for (int missing = ROW_L1; missing <= ROW_L3; missing++) {
        struct observation obs[ROW_COUNT];
        struct fix fix;
        exact(&cfg.anchors, u, 0.1, 0.03, obs);
        obs[missing].valid = false;
        assert_int_equal(fix_solve(&cfg, obs, &u, &fix), OK);
        assert_true(fix.ungated && !fix.coded_only && fix.dof == 0);
        check_close(fix.position, u, 1e-5);
        assert_int_equal(fix.used & ROW_BIT(missing), 0);
    }
}

static enum fix_verdict verdict_of(const struct fix_cfg *cfg, const struct observation *obs)
{
    struct fix fix;
    assert_int_equal(fix_solve(cfg, obs, NULL, &fix), ERR_GEOMETRY);
    return fix.verdict;
}

static void test_refusals(void **state)
{
    (void)state;
    struct fix_cfg cfg = lab_cfg();
    struct observation obs[ROW_COUNT];
    const struct vec3 u = {4, 4, 1.2};

    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    obs[ROW_H].valid = false;
    assert_int_equal(verdict_of(&cfg, obs), FIX_NO_HEIGHT);
    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    obs[ROW_H].length_m = 40.95;
    assert_int_equal(verdict_of(&cfg, obs), FIX_NO_HEIGHT);
    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    obs[ROW_L1].valid = obs[ROW_L2].valid = false;
    assert_int_equal(verdict_of(&cfg, obs), FIX_FEW_PATHS);
    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    obs[ROW_L2].length_m = obs[ROW_L3].length_m = 5; /* shorter than the way to the panel */
    assert_int_equal(verdict_of(&cfg, obs), FIX_TRIANGLE);
    exact(&cfg.anchors, (struct vec3){4, 11, 1.2}, 0.1, 0.03, obs);
    assert_int_equal(verdict_of(&cfg, obs), FIX_ROOM);
    exact(&cfg.anchors, u, 0.1, 0.03, obs);
    obs[ROW_L2].length_m = NAN;
    obs[ROW_L3].sigma_m = 0;
    assert_int_equal(verdict_of(&cfg, obs), FIX_FEW_PATHS);
}

static void test_collinear_anchors_have_no_solution(void **state)
{
    (void)state;
    const struct vec3 p[3] = {{0, 0, 2}, {3, 0, 2}, {6, 0, 1}};
    const double d[3] = {3, 3, 4};
    struct vec3 out, both[2];
    double w2;
    assert_int_equal(fix_cramer(p, d, 1, &out), ERR_GEOMETRY);
    const struct vec3 line[3] = {{0, 0, 2}, {3, 0, 2}, {6, 0, 2}};
    assert_int_equal(fix_spheres(line, d, both, &w2), ERR_GEOMETRY);
}

static void test_ellipse(void **state)
{
    (void)state;
    struct fix fix = {.cov = {{4, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    struct ellipse e;
    fix_ellipse95(&fix, &e);
    assert_true(fabs(e.major_m - 2 * sqrt(5.9914645)) < 1e-6);
    assert_true(fabs(e.minor_m - sqrt(5.9914645)) < 1e-6);
    assert_true(fabs(e.angle_rad) < 1e-12);
    assert_true(fix_inside95(&fix, 4.89, 0) && !fix_inside95(&fix, 4.90, 0));
    assert_true(fix_inside95(&fix, 0, 2.44) && !fix_inside95(&fix, 0, 2.45));
}

static void test_chi2(void **state)
{
    (void)state;
    const double want[][3] = {{1, 0.01, 6.6349},   {1, 0.001, 10.8276}, {2, 0.05, 5.9915},
                              {3, 0.001, 16.2662}, {4, 0.001, 18.4668}, {7, 0.01, 18.4753}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_true(fabs(chi2_quantile((int)want[i][0], want[i][1]) - want[i][2]) < 1e-4);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(fix_row_name(ROW_L2), "L2");
    assert_string_equal(fix_verdict_text(FIX_CHI2), "paths contradict each other");
    assert_string_equal(fix_verdict_text((enum fix_verdict)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_cases),
        cmocka_unit_test(test_efficiency_against_reference),
        cmocka_unit_test(test_statistics_with_tx_apart),
        cmocka_unit_test(test_true_antenna_positions_matter),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_coded_only_when_echo_lies),
        cmocka_unit_test(test_rows_that_agree),
        cmocka_unit_test(test_ambiguity),
        cmocka_unit_test(test_two_paths_are_ungated),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_collinear_anchors_have_no_solution),
        cmocka_unit_test(test_ellipse),
        cmocka_unit_test(test_chi2),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
