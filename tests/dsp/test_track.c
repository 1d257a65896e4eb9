/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tracker against the independent reference (loc.json, ekf), draw by draw, then gates, gaps and
 * missing rows. The reference walks x = 4 + 1.6 cos(2 pi t / 14), y = 4 + 1.6 sin(2 pi t / 9.5), z
 * = 1.2 + 0.05 sin(2 pi t / 3); noise 3n for the lengths, n for the height, then n uniforms of
 * which those under outlier_prob add 20 sigma to L2. */
#include "dsp/rng.h"
#include "dsp/track.h"
#include "tests/dsp/golden.h"

enum { MAX_STEPS = 200 };

static struct anchors one_bs(void)
{
    return (struct anchors){
        .tx = {0.5, 0.5, 2.2}, .rx = {0.5, 0.5, 2.2}, .ris = {{7, 1.5, 1.9}, {1, 6, 1.7}}};
}

static struct vec3 walk(double t)
{
    return (struct vec3){4 + 1.6 * cos(2 * PI * t / 14), 4 + 1.6 * sin(2 * PI * t / 9.5),
                         1.2 + 0.05 * sin(2 * PI * t / 3)};
}

static void draw_normals(struct rng *rng, double *out, size_t n)
{
    double pair[2];
    for (size_t i = 0; i < n; i++) {
        if (i % 2 == 0)
            rng_normal2(rng, pair);
        out[i] = pair[i % 2];
    }
}

struct script {
    size_t n;
    double period_s, sigma, sigma_h, outlier_prob;
    uint64_t seed;
    struct observation obs[MAX_STEPS][ROW_COUNT];
    bool outlier[MAX_STEPS];
};

static void record(struct script *s, const struct anchors *anchors)
{
    static double n_length[3 * MAX_STEPS], n_height[MAX_STEPS];
    struct rng rng = rng_seed(s->seed);
    draw_normals(&rng, n_length, 3 * s->n);
    draw_normals(&rng, n_height, s->n);
    for (size_t i = 0; i < s->n; i++) {
        struct vec3 u = walk((double)i * s->period_s);
        memset(s->obs[i], 0, sizeof s->obs[i]);
        for (size_t k = 0; k < 3; k++) {
            double length = fix_predict(anchors, (enum fix_row)(ROW_L1 + k), u, NULL);
            s->obs[i][k] =
                (struct observation){length + s->sigma * n_length[3 * i + k], s->sigma, true};
        }
        s->obs[i][ROW_H] = (struct observation){u.z + s->sigma_h * n_height[i], s->sigma_h, true};
        s->outlier[i] = rng_u01(&rng) < s->outlier_prob;
        s->obs[i][ROW_L2].length_m += s->outlier[i] ? 20 * s->sigma : 0;
    }
}

static void check_near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.10g, reference %.10g", what, got, want);
}

/* The reference starts from the diagonal of the WNLS covariance. */
static void start_fix(const struct anchors *anchors, const struct observation *obs, struct fix *fix)
{
    assert_int_equal(fix_wnls(anchors, obs, ROW_ALL, (struct vec3){4, 4, 1.2}, fix), OK);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (i != j)
                fix->cov[i][j] = 0;
}

static void check_run(json_t *want)
{
    static struct script s;
    s = (struct script){.n = (size_t)golden_number(want, "n"),
                        .period_s = golden_number(want, "T"),
                        .sigma = golden_number(want, "sigma_L"),
                        .sigma_h = golden_number(want, "sigma_h"),
                        .outlier_prob = golden_number(want, "outlier_prob"),
                        .seed = (uint64_t)golden_number(want, "seed")};
    struct track_cfg cfg = {.anchors = one_bs()};
    struct track track;
    struct fix fix;
    double sum = 0, nis = 0;
    int accepted = 0, swallowed = 0;
    track_cfg_defaults(&cfg);
    cfg.accel_q[0] = cfg.accel_q[1] = golden_number(want, "q_xy");
    track_reset(&track);
    record(&s, &cfg.anchors);
    start_fix(&cfg.anchors, s.obs[0], &fix);
    for (size_t i = 0; i < s.n; i++) {
        double t = (double)i * s.period_s;
        int event = track_update(&cfg, &track, t, s.obs[i], ROW_ALL, i == 0 ? &fix : NULL);
        assert_true(event == (i == 0 ? TRACK_STARTED : event));
        bool in = event == TRACK_UPDATED || event == TRACK_STARTED;
        if (i < 12)
            check_near("nis", track.nis, golden_item(want, "nis_first12", i), 1e-6);
        accepted += in;
        swallowed += in && s.outlier[i];
        nis += event == TRACK_UPDATED ? track.nis : 0;
        struct vec3 u = walk(t);
        sum += pow(track.x[0] - u.x, 2) + pow(track.x[1] - u.y, 2);
    }
    assert_int_equal(accepted, (int)golden_number(want, "accepted"));
    assert_int_equal(swallowed, (int)golden_number(want, "outliers_accepted"));
    check_near("rmse", sqrt(sum / (double)s.n) / golden_number(want, "rmse_xy_ekf"), 1, 0.03);
    check_near("mean nis", nis / (accepted - 1) / golden_number(want, "mean_nis_acc"), 1, 0.03);
    for (size_t i = 0; i < 6; i++) {
        check_near("state", track.x[i], golden_item(want, "final_state", i), 1e-6);
        check_near("P", track.P[i][i], golden_item(want, "final_P_diag", i), 1e-6);
    }
}

static void test_golden_runs(void **state)
{
    (void)state;
    json_t *doc = golden_load("loc.json"), *run;
    size_t i;
    json_array_foreach(json_object_get(doc, "ekf"), i, run) check_run(run);
    json_decref(doc);
}

static struct anchors lab(void)
{
    struct anchors a = one_bs();
    a.tx.z += 0.3;
    return a;
}

static struct track_cfg live_cfg(void)
{
    struct track_cfg cfg = {.anchors = lab()};
    track_cfg_defaults(&cfg);
    return cfg;
}

/* One cycle of a live receiver: rows with the given noise, arrivals on an arbitrary clock. */
static void observe(struct rng *rng, const struct anchors *a, struct vec3 u, double sigma,
                    struct observation obs[ROW_COUNT])
{
    double n[2], clock = 3e5 * rng_u01(rng);
    for (int i = 0; i < ROW_COUNT; i++) {
        double s = i == ROW_H ? 0.03 : sigma;
        rng_normal2(rng, n);
        obs[i] = (struct observation){fix_predict(a, (enum fix_row)i, u, NULL) + s * n[0] +
                                          (i >= ROW_A1 ? clock : 0),
                                      s, true};
    }
}

static void begin(const struct track_cfg *cfg, struct track *track, struct vec3 u)
{
    struct observation none[ROW_COUNT] = {{0}};
    struct fix fix = {.verdict = FIX_OK, .position = u};
    for (int i = 0; i < 3; i++)
        fix.cov[i][i] = 0.01;
    track_reset(track);
    assert_int_equal(track_update(cfg, track, 0, none, ROW_ALL, &fix), TRACK_STARTED);
}

/* Whatever rows are there, NIS has the mean of its degrees of freedom: the clock is eliminated
 * exactly. */
static void test_nis_follows_the_rows(void **state)
{
    (void)state;
    const unsigned masks[] = {ROW_ALL, 0x0f, 0x0e, 0x0b, ROW_BIT(ROW_H) | ROW_BIT(ROW_L2), 0x78};
    const int dof[] = {6, 4, 3, 3, 2, 3};
    struct track_cfg cfg = live_cfg();
    cfg.false_alarm = 1e-9;
    for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++) {
        struct rng rng = rng_seed(m);
        struct track track;
        struct vec3 u = {4, 4.5, 1.2};
        double nis = 0;
        begin(&cfg, &track, u);
        for (int i = 1; i <= 2000; i++) {
            struct observation obs[ROW_COUNT];
            observe(&rng, &cfg.anchors, u, 0.1, obs);
            assert_int_equal(track_update(&cfg, &track, 0.2 * i, obs, masks[m], NULL),
                             TRACK_UPDATED);
            assert_int_equal(track.nis_rows, dof[m]);
            nis += track.nis / 2000;
        }
        /* A user who stands still is easier than the model expects: the mean may lie below. */
        assert_true(nis < 1.05 * dof[m] && nis > 0.7 * dof[m]);
    }
}

static void test_gate_and_restart(void **state)
{
    (void)state;
    struct track_cfg cfg = live_cfg();
    struct rng rng = rng_seed(9);
    struct track track;
    struct observation obs[ROW_COUNT];
    struct fix far = {.verdict = FIX_OK, .position = {2, 2.5, 1.2}, .used = 0x0f};
    struct vec3 here = {5, 5, 1.2};
    begin(&cfg, &track, here);
    for (int i = 1; i <= 20; i++) {
        observe(&rng, &cfg.anchors, here, 0.1, obs);
        assert_int_equal(track_update(&cfg, &track, 0.2 * i, obs, 0x0f, NULL), TRACK_UPDATED);
    }
    for (int i = 0; i < 3; i++)
        far.cov[i][i] = 0.01;
    for (int i = 21; i <= 23; i++) {
        observe(&rng, &cfg.anchors, far.position, 0.1, obs);
        int event = track_update(&cfg, &track, 0.2 * i, obs, 0x0f, &far);
        assert_int_equal(event, i < 23 ? TRACK_REJECTED : TRACK_RESTARTED);
    }
    assert_true(track.x[0] == 2 && track.x[1] == 2.5 && track.x[3] == 0);
}

/* A map-aided fix counts as a position: half way between equals, refused when it is far off. */
static void test_a_map_aided_fix_is_a_position(void **state)
{
    (void)state;
    struct track_cfg cfg = live_cfg();
    struct rng rng = rng_seed(10);
    struct track track;
    struct observation obs[ROW_COUNT];
    struct vec3 u = {4, 4, 1.2};
    struct fix fix = {.verdict = FIX_OK, .position = {4.1, 4, 1.2}, .used = 0x0f, .map = FIX_MAP_USED};
    for (int i = 0; i < 3; i++)
        fix.cov[i][i] = 0.01;
    begin(&cfg, &track, u);
    observe(&rng, &cfg.anchors, (struct vec3){2, 2, 1}, 0.1, obs); /* not looked at */
    assert_int_equal(track_update(&cfg, &track, 0, obs, fix.used, &fix), TRACK_UPDATED);
    assert_int_equal(track.nis_rows, 3);
    check_near("nis", track.nis, 0.5, 1e-9);
    check_near("position", track.x[0], 4.05, 1e-9);
    check_near("variance", track.P[0][0], 0.005, 1e-9);
    fix.position.x = 6;
    assert_int_equal(track_update(&cfg, &track, 0.2, obs, fix.used, &fix), TRACK_REJECTED);
}

static void test_gap_and_absence(void **state)
{
    (void)state;
    struct track_cfg cfg = live_cfg();
    struct track track;
    struct observation none[ROW_COUNT] = {{0}};
    struct fix refused = {.verdict = FIX_CHI2};
    struct vec3 p, u = {4, 4, 1.2};
    track_reset(&track);
    assert_false(track_predict(&track, 0, &p));
    assert_int_equal(track_update(&cfg, &track, 0, none, ROW_ALL, NULL), TRACK_NONE);
    assert_int_equal(track_update(&cfg, &track, 0, none, ROW_ALL, &refused), TRACK_NONE);
    begin(&cfg, &track, u);
    assert_int_equal(track_update(&cfg, &track, 1, none, ROW_ALL, NULL), TRACK_COASTED);
    assert_true(track_predict(&track, 1.5, &p) && vec3_dist(p, u) < 1e-12);
    assert_int_equal(track_update(&cfg, &track, 0.5, none, ROW_ALL, NULL), ERR_ARG);
    assert_int_equal(track_update(&cfg, &track, 2.5, none, ROW_ALL, NULL), TRACK_NONE);
    assert_false(track_predict(&track, 3, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_runs),
        cmocka_unit_test(test_nis_follows_the_rows),
        cmocka_unit_test(test_gate_and_restart),
        cmocka_unit_test(test_a_map_aided_fix_is_a_position),
        cmocka_unit_test(test_gap_and_absence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
