/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * [S1] figure 7 against an independent implementation, draw by draw, and bit errors against theory.
 */
#include <math.h>

#include "calib/link_trial.h"
#include "tests/dsp/golden.h"

#define N_USERS 20000
#define SLACK   3 /* counts: the independent implementation rounds elsewhere */

static json_t *doc;

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct link_trial run_of(const json_t *g, bool bound, bool rice)
{
    struct link_trial t = link_trial_default();
    t.snr_db = golden_number(g, "snr");
    t.seed = (uint64_t)golden_number(g, "seed");
    t.error = bound ? LINK_BOUND : LINK_CALIBRATED;
    t.k_factor = rice ? 3 : INFINITY;
    return t;
}

static void check_errors(const json_t *g, double *error, const char *counts, const char *first3,
                         const char *quantiles)
{
    static const double share[] = {0.5, 0.9, 0.95};
    for (size_t i = 0; i < 3; i++)
        assert_true(fabs(error[i] - golden_item(g, first3, i)) < 1e-5 * golden_item(g, first3, i));
    qsort(error, N_USERS, sizeof *error, by_size);
    for (size_t k = 0; k < json_array_size(json_object_get(doc, "thr_m")); k++) {
        int n = 0;
        while (n < N_USERS && error[n] <= golden_item(doc, "thr_m", k))
            n++;
        assert_true(abs(n - (int)golden_item(g, counts, k)) <= SLACK);
    }
    for (size_t q = 0; q < 3; q++) {
        double got = error[(size_t)(share[q] * N_USERS)], want = golden_item(g, quantiles, q);
        assert_true(fabs(got - want) < 5e-3 * want);
    }
}

static void check_runs(const char *name, bool bound, bool rice)
{
    static double cramer[N_USERS], wnls[N_USERS];
    const json_t *list = json_object_get(json_object_get(doc, "fig7a"), name);
    assert_true(json_array_size(list) > 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        struct link_trial t = run_of(g, bound, rice);
        double sigma = golden_number(g, "sigma_L");
        assert_true(fabs(link_sigma_m(&t) - sigma) < 1e-9 * sigma);
        assert_int_equal(link_locate(&t, cramer, wnls), 0);
        check_errors(g, cramer, "cramer_counts", "err_first3_cramer", "cramer_p50_p90_p95");
        check_errors(g, wnls, "wnls_counts", "err_first3_wnls", "wnls_p50_p90_p95");
    }
}

static void calibrated(void **state)
{
    (void)state;
    check_runs("cal", false, false);
    check_runs("cal_rice", false, true);
}

static void bound(void **state)
{
    (void)state;
    check_runs("crlb", true, false);
    check_runs("crlb_rice", true, true);
}

static void check_bits(const json_t *g, double snr_db, enum link_scheme scheme, bool rice,
                       const char *name)
{
    char key[40];
    struct link_trial t = link_trial_default();
    size_t wrong;
    t.snr_db = snr_db;
    t.scheme = scheme;
    t.k_factor = rice ? 3 : INFINITY;
    t.seed = (uint64_t)golden_number(g, "seed");
    t.n_bits = (size_t)golden_number(g, "nbits");
    assert_int_equal(link_send(&t, &wrong), 0);
    snprintf(key, sizeof key, "%s_err", name);
    assert_int_equal(wrong, (size_t)golden_number(g, key));
    snprintf(key, sizeof key, "%s_th", name);
    double theory = golden_number(g, key), n = (double)t.n_bits;
    assert_true(fabs(link_ber(&t) - theory) < 1e-6 * theory + 1e-15);
    double sigma = sqrt(n * theory * (1 - theory));
    assert_true(fabs((double)wrong - n * theory) <= 3 * sigma);
}

static void bit_errors(void **state)
{
    const char *snr;
    json_t *g;
    (void)state;
    assert_true(json_object_size(json_object_get(doc, "fig7b")) > 0);
    json_object_foreach(json_object_get(doc, "fig7b"), snr, g)
    {
        check_bits(g, atof(snr), LINK_BPSK, false, "bpsk");
        check_bits(g, atof(snr), LINK_QAM16, false, "qam16");
        check_bits(g, atof(snr), LINK_BPSK, true, "bpsk_rice");
        check_bits(g, atof(snr), LINK_QAM16, true, "qam16_rice");
    }
}

static void check_joint(const json_t *list, bool is_bound)
{
    struct link_trial t = link_trial_default();
    assert_true(json_array_size(list) > 0);
    t.error = is_bound ? LINK_BOUND : LINK_CALIBRATED;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        struct link_joint out;
        t.snr_db = golden_number(g, "snr_db");
        t.threshold_m = golden_number(g, "thr");
        t.n_users = (size_t)golden_number(g, "n");
        t.seed = 7400 + (uint64_t)(t.snr_db / 5);
        assert_int_equal(link_joint(&t, &out), 0);
        double located = (double)out.n_located / (double)t.n_users, whole = 1 - link_ber(&t);
        assert_true(abs((int)out.n_success - (int)golden_number(g, "sim")) <= SLACK);
        assert_true(fabs(located - golden_number(g, "P_loc_sim")) * (double)t.n_users <
                    SLACK + 0.5);
        assert_int_equal(out.n_wrong, (size_t)golden_number(g, "bit_errors"));
        assert_true(fabs(located * pow(whole, 40) - golden_number(g, "analytic_frame")) < 2e-4);
        assert_true(fabs(located * whole - golden_number(g, "analytic_ber")) < 2e-4);
    }
}

static void joint_success(void **state)
{
    (void)state;
    check_joint(json_object_get(json_object_get(doc, "fig7c"), "cal"), false);
    check_joint(json_object_get(json_object_get(doc, "fig7c"), "crlb"), true);
}

static void check_located(enum link_error error, double k_factor)
{
    static double cramer[N_USERS], wnls[N_USERS];
    struct link_trial t = link_trial_default();
    struct link_share share;
    t.error = error;
    t.k_factor = k_factor;
    t.snr_db = error == LINK_BOUND ? 40 : 25;
    t.threshold_m = 0.6;
    size_t n[2] = {0};
    assert_int_equal(link_locate(&t, cramer, wnls), 0);
    assert_int_equal(link_located(&t, &share), 0);
    for (size_t i = 0; i < N_USERS; i++) {
        n[0] += cramer[i] <= t.threshold_m;
        n[1] += wnls[i] <= t.threshold_m;
    }
    const double want[2] = {share.cramer, share.wnls};
    for (int k = 0; k < 2; k++) {
        double sigma = sqrt(want[k] * (1 - want[k]) / N_USERS);
        assert_true(want[k] > 0.05 && want[k] < 0.99);
        assert_true(fabs((double)n[k] / N_USERS - want[k]) < 3.5 * sigma);
    }
}

/* Where errors are small the linear theory holds within the scatter of the draws. */
static void located_as_in_theory(void **state)
{
    (void)state;
    for (int error = LINK_CALIBRATED; error <= LINK_BOUND; error++) {
        check_located(error, INFINITY);
        check_located(error, 3);
    }
}

/* Frames under Rice fading: bit errors as in theory. */
static void joint_under_fading(void **state)
{
    struct link_trial t = link_trial_default();
    struct link_joint joint;
    (void)state;
    t.k_factor = 3;
    t.snr_db = 5;
    t.threshold_m = 5;
    assert_int_equal(link_joint(&t, &joint), 0);
    double n = (double)(t.n_users * t.frame_bits), p = link_ber(&t);
    assert_true(fabs((double)joint.n_wrong / n - p) < 3 * sqrt(p * (1 - p) / n));
    assert_true(joint.n_success > 0 && joint.n_success < joint.n_located);
}

static void refuses_a_line(void **state)
{
    struct link_trial t = link_trial_default();
    double error[4];
    (void)state;
    t.n_users = 4;
    t.ris_m[1] = (struct vec3){100, 0, 6};
    assert_int_equal(link_locate(&t, error, NULL), ERR_GEOMETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibrated),           cmocka_unit_test(bound),
        cmocka_unit_test(bit_errors),           cmocka_unit_test(joint_success),
        cmocka_unit_test(located_as_in_theory), cmocka_unit_test(joint_under_fading),
        cmocka_unit_test(refuses_a_line),
    };
    doc = golden_load("mc_fig7.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(doc);
    return failed;
}
