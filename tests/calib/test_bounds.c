/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scenario draws and bounds against the recorded cases; the Rician bounds against what they must
 * tend to. */
#include <math.h>

#include "calib/bounds.h"
#include "dsp/rng.h"
#include "tests/calib/golden_scene.h"

static json_t *doc;
static struct status err;

static int setup(void **state)
{
    (void)state;
    doc = golden_load("jlfd.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.15g, expected %.15g, off by %.2g > %.2g", what, got, want, got - want,
                 tolerance);
}

static cplx pair(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    assert_true(json_is_array(v));
    return CMPLX(json_number_value(json_array_get(v, 0)), json_number_value(json_array_get(v, 1)));
}

static struct dataset *generate(const struct scenario *s)
{
    struct dataset *ds = scenario_generate(s, &err);
    if (!ds)
        fail_msg("%s", err.text);
    return ds;
}

/* Profiles, mask and noise as the recorded generator drew them. */
static void scenario_draws_as_recorded(void **state)
{
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "estimators"), i, c)
    {
        struct scenario s = golden_scene(doc, c);
        s.snr_db = golden_number(c, "snr_db");
        s.noise_seed = (uint64_t)golden_number(c, "noise_seed");
        struct dataset *ds = generate(&s);
        for (size_t t = 0; t < s.n_pilots; t++)
            near("y", cabs(ds->y[t] - pair(json_object_get(c, "y"), t)), 0, 1e-10);
        const json_t *w =
            json_object_get(json_object_get(json_object_get(doc, "scenes"),
                                            json_string_value(json_object_get(c, "scene"))),
                            "W_0_0to2");
        for (size_t m = 0; m < 3; m++)
            near("W", cabs(ds->profiles[m] - pair(w, m)), 0, 1e-14);
        dataset_destroy(&ds);
    }
    assert_true(i >= 10);
}

static void check_matrix(const char *what, double got[5][5], const json_t *obj)
{
    double most = 0;
    for (size_t k = 0; k < 25; k++)
        most = fmax(most, fabs(golden_item(obj, what, k)));
    for (size_t k = 0; k < 25; k++)
        near(what, got[k / 5][k % 5], golden_item(obj, what, k), 1e-9 * most);
}

static void check_case(const json_t *c)
{
    const json_t *row, *at30 = json_object_get(c, "at_30dB");
    size_t i;
    struct scenario s = golden_scene(doc, c);
    const char *scene = json_string_value(json_object_get(c, "scene"));
    struct dataset *ds = generate(&s);
    struct pixel_problem problem = dataset_problem(ds);
    struct bounds_engine *engine =
        bounds_create(&problem, *scene == 'C' ? PSEUDO_TRUE_LOCAL : PSEUDO_TRUE_BOX, &err);
    assert_non_null(engine);
    const struct pixel_truth truth = {dataset_to_ris(ds, s.user_m), s.gain, ds->true_mask};
    json_array_foreach(json_object_get(c, "table"), i, row)
    {
        struct bounds b;
        struct bounds_matrices m;
        const double snr = golden_number(row, "snr_db");
        assert_int_equal(bounds_at(engine, &truth,
                                   &(struct bounds_channel){golden_number(row, "sigma2"), INFINITY},
                                   &b, &m),
                         0);
        const double want[5] = {golden_number(row, "CRB_perfect"),
                                golden_number(row, "CRB_knownloc"), golden_number(row, "LB"),
                                golden_number(row, "sqrt_tr_MCRB_pos"), golden_number(row, "bias")};
        near("CRB_perfect", b.crb_perfect_m, want[0], 1e-8 * want[0]);
        near("CRB_knownloc", b.crb_knownloc_m, want[1], 1e-8 * want[1]);
        near("LB", b.lb_m, want[2], 1e-8 * want[2]);
        near("MCRB", b.mcrb_m, want[3], 1e-8 * want[3]);
        near("bias", b.bias_m, want[4], 1e-8);
        for (size_t k = 0; k < 3; k++)
            near("theta0", (&b.pseudo_true_m.x)[k], golden_item(c, "theta0", 2 + k), 1e-8);
        near("gain0", creal(b.pseudo_true_gain), golden_item(c, "theta0", 0), 1e-8);
        near("gain0", cimag(b.pseudo_true_gain), golden_item(c, "theta0", 1), 1e-8);
        assert_false(b.on_edge);
        if (json_object_get(c, "pseudo_true_cost"))
            near("misfit", b.misfit, golden_number(c, "pseudo_true_cost"), 1e-9 * b.misfit);
        if (at30 && snr == 30) {
            check_matrix("FIM", m.fim, at30);
            check_matrix("A", m.a, at30);
            check_matrix("B", m.b, at30);
        }
    }
    assert_true(i > 0);
    bounds_destroy(&engine);
    dataset_destroy(&ds);
}

static void bounds_match_the_recorded(void **state)
{
    (void)state;
    size_t i, matrices = 0;
    json_t *c;
    json_array_foreach(json_object_get(doc, "bounds"), i, c)
    {
        check_case(c);
        matrices += json_object_get(c, "at_30dB") != NULL;
    }
    assert_true(i >= 14 && matrices >= 2);
}

/* A small surface with three failures, so that the reference below stays short. */
enum { SMALL_T = 8, SMALL_M = 48 };

static struct scenario small(void)
{
    struct scenario s = scenario_default();
    s.columns = 8;
    s.rows = 6;
    s.n_pilots = SMALL_T;
    s.n_fail = 3;
    return s;
}

/* x = R^-1 b by elimination; R [n x n] Hermitian, destroyed. */
static void solve(cplx *r, cplx *x, size_t n)
{
    for (size_t k = 0; k < n; k++)
        for (size_t i = k + 1; i < n; i++) {
            cplx f = r[i * n + k] / r[k * n + k];
            for (size_t j = k; j < n; j++)
                r[i * n + j] -= f * r[k * n + j];
            x[i] -= f * x[k];
        }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++)
            x[k] -= r[k * n + j] * x[j];
        x[k] /= r[k * n + k];
    }
}

/* J of the noise-free mean by differences in the position. */
static void reference_jacobian(const struct dataset *ds, const struct near_field *nf, double los,
                               cplx jac[5][SMALL_T])
{
    struct pilot_mean *mean = pilot_mean_create(nf, ds->profiles, SMALL_T);
    const struct vec3 p = dataset_to_ris(ds, ds->true_position_m);
    const double h = 1e-6;
    cplx g[2][SMALL_T];
    assert_non_null(mean);
    for (int i = 0; i < 5; i++) {
        struct vec3 up = p, down = p;
        if (i >= 2) {
            (&up.x)[i - 2] += h;
            (&down.x)[i - 2] -= h;
        }
        pilot_mean_at(mean, up, ds->true_mask, 0, g[0]);
        pilot_mean_at(mean, down, ds->true_mask, 0, g[1]);
        for (int t = 0; t < SMALL_T; t++)
            jac[i][t] = i == 0   ? los * g[0][t]
                        : i == 1 ? I * los * g[0][t]
                                 : los * ds->true_gain * (g[0][t] - g[1][t]) / (2 * h);
    }
    pilot_mean_destroy(&mean);
}

/* FIM = 2 Re J^H R^-1 J, R element by element. */
static void reference_fim(const struct dataset *ds, const struct near_field *nf, double k_factor,
                          double fim[5][5])
{
    enum { T = SMALL_T, M = SMALL_M };
    cplx jac[5][T], r[T * T], copy[T * T], x[T];
    reference_jacobian(ds, nf, sqrt(k_factor / (k_factor + 1)), jac);
    for (int a = 0; a < T; a++)
        for (int b = 0; b < T; b++) {
            r[a * T + b] = a == b ? ds->noise_var : 0;
            for (int m = 0; m < M; m++) /* |a_BS| = 1 */
                r[a * T + b] += cplx_norm(ds->true_gain) / (k_factor + 1) *
                                ds->profiles[a * M + m] * conj(ds->profiles[b * M + m]) *
                                cplx_norm(ds->true_mask[m]);
        }
    for (int j = 0; j < 5; j++) {
        memcpy(copy, r, sizeof r);
        memcpy(x, jac[j], sizeof x);
        solve(copy, x, T);
        for (int i = 0; i < 5; i++) {
            cplx sum = 0;
            for (int t = 0; t < T; t++)
                sum += conj(jac[i][t]) * x[t];
            fim[i][j] = 2 * creal(sum);
        }
    }
}

static void scattering_is_coloured_noise(void **state)
{
    (void)state;
    const struct scenario s = small();
    struct dataset *ds = generate(&s);
    const struct pixel_problem problem = dataset_problem(ds);
    struct bounds_engine *engine = bounds_create(&problem, PSEUDO_TRUE_LOCAL, &err);
    struct near_field *nf = near_field_create(&problem.surface, &err);
    assert_true(engine && nf);
    const struct pixel_truth truth = {dataset_to_ris(ds, s.user_m), s.gain, ds->true_mask};
    struct bounds none, some, strong;
    struct bounds_matrices m;
    struct bounds_channel ch = {ds->noise_var, INFINITY};
    assert_int_equal(bounds_at(engine, &truth, &ch, &none, NULL), 0);
    ch.k_factor = 1e12;
    assert_int_equal(bounds_at(engine, &truth, &ch, &some, NULL), 0);
    near("crb", some.crb_perfect_m, none.crb_perfect_m, 1e-6 * none.crb_perfect_m);
    near("knownloc", some.crb_knownloc_m, none.crb_knownloc_m, 1e-6 * none.crb_knownloc_m);
    near("pseudo-true", vec3_dist(some.pseudo_true_m, none.pseudo_true_m), 0, 1e-8);
    ch.k_factor = 10;
    assert_int_equal(bounds_at(engine, &truth, &ch, &strong, &m), 0);
    assert_true(strong.crb_perfect_m > 2 * none.crb_perfect_m);
    assert_true(strong.crb_knownloc_m > strong.crb_perfect_m);
    double fim[5][5];
    reference_fim(ds, nf, 10, fim);
    for (int i = 0; i < 25; i++)
        near("fim", m.fim[i / 5][i % 5], fim[i / 5][i % 5],
             1e-6 * sqrt(fim[i / 5][i / 5] * fim[i % 5][i % 5]));
    bounds_destroy(&engine);
    near_field_destroy(&nf);
    dataset_destroy(&ds);
}

/* Truth beyond the search box: the pseudo-true point stands on its edge, and no number is given. */
static void an_edge_has_no_bound(void **state)
{
    (void)state;
    struct scenario s = small();
    s.range_m[1] = 2.5; /* the user stands at 3 m */
    struct dataset *ds = generate(&s);
    struct pixel_problem problem = dataset_problem(ds);
    struct bounds_engine *engine = bounds_create(&problem, PSEUDO_TRUE_BOX, &err);
    assert_non_null(engine);
    struct pixel_truth truth = {dataset_to_ris(ds, s.user_m), s.gain, NULL};
    struct bounds b;
    const struct bounds_channel ch = {ds->noise_var, INFINITY};
    assert_int_equal(bounds_at(engine, &truth, &ch, &b, NULL), 0);
    assert_true(b.on_edge && isnan(b.lb_m) && isnan(b.mcrb_m));
    near("range", vec3_norm(b.pseudo_true_m), 2.5, 1e-9);
    assert_true(isfinite(b.crb_perfect_m));
    near("healthy", b.crb_knownloc_m, b.crb_perfect_m, 1e-12);
    bounds_destroy(&engine);
    dataset_destroy(&ds);
}

static void what_the_pilots_cannot_bear_is_told(void **state)
{
    (void)state;
    const struct scenario s = small();
    struct dataset *ds = generate(&s);
    struct pixel_problem problem = dataset_problem(ds);
    struct bounds_engine *engine = bounds_create(&problem, PSEUDO_TRUE_LOCAL, &err);
    assert_non_null(engine);
    cplx broken[SMALL_M]; /* six coefficients and five parameters on 2 x 8 numbers: one too many */
    for (size_t i = 0; i < SMALL_M; i++)
        broken[i] = i < 6 ? 0.5 : 1;
    struct pixel_truth truth = {dataset_to_ris(ds, s.user_m), s.gain, broken};
    struct bounds b;
    struct bounds_channel ch = {ds->noise_var, INFINITY};
    assert_int_equal(bounds_at(engine, &truth, &ch, &b, NULL), 0);
    assert_true(isnan(b.crb_knownloc_m) && isfinite(b.crb_perfect_m));
    ch.noise_var = 0;
    assert_int_equal(bounds_at(engine, &truth, &ch, &b, NULL), ERR_ARG);
    ch.noise_var = 1;
    truth.position_m.z = -1;
    assert_int_equal(bounds_at(engine, &truth, &ch, &b, NULL), ERR_ARG);
    truth.position_m.z = 1;
    bounds_destroy(&engine);

    for (size_t i = 0; i < SMALL_T * SMALL_M; i++) /* the same profile again and again */
        ds->profiles[i] = ds->profiles[i % SMALL_M];
    engine = bounds_create(&problem, PSEUDO_TRUE_LOCAL, &err);
    assert_non_null(engine);
    assert_int_equal(bounds_at(engine, &truth, &ch, &b, NULL), ERR_GEOMETRY);
    bounds_destroy(&engine);
    problem.n_pilots = 2;
    assert_null(bounds_create(&problem, PSEUDO_TRUE_LOCAL, &err));
    assert_int_equal(err.code, ERR_ARG);
    dataset_destroy(&ds);
    bounds_destroy(&engine);
    bounds_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_draws_as_recorded),
        cmocka_unit_test(bounds_match_the_recorded),
        cmocka_unit_test(scattering_is_coloured_noise),
        cmocka_unit_test(an_edge_has_no_bound),
        cmocka_unit_test(what_the_pilots_cannot_bear_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
