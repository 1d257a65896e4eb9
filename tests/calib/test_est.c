/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Estimators of broken pixels against recorded cases: agnostic, oracles, one sweep, LASSO, disc,
 * successive (published, Occam, joint), and the beam against the recorded support. */
#include <cblas.h>
#include <math.h>

#include "calib/jlfd_beam.h"
#include "calib/jlfd_disk.h"
#include "calib/jlfd_l1.h"
#include "calib/jlfd_successive.h"
#include "calib/near_field.h"
#include "jlfd_case.h"
#include "tests/dsp/golden.h"

static json_t *cases;

struct fixture {
    json_t *golden;
    struct jlfd_case c;
    struct pixel_model *model;
    struct varpro *vp;
    struct varpro_fit agnostic;
};

static cplx golden_cplx(const json_t *list, size_t i)
{
    const json_t *z = json_array_get(list, i);
    return CMPLX(json_number_value(json_array_get(z, 0)), json_number_value(json_array_get(z, 1)));
}

static struct vec3 place(const struct varpro_fit *fit)
{
    return near_field_point((struct vec3){fit->uvq[0], fit->uvq[1], fit->uvq[2]});
}

static double distance(const json_t *block, struct vec3 p)
{
    struct vec3 want = {golden_item(block, "p", 0), golden_item(block, "p", 1),
                        golden_item(block, "p", 2)};
    return vec3_dist(want, p);
}

static void setup(struct fixture *f, size_t i)
{
    json_t *g = f->golden = json_array_get(cases, i);
    bool small = strcmp(json_string_value(json_object_get(g, "scene")), "A") == 0;
    struct status err;
    jlfd_case_init(&f->c, &(struct jlfd_scene){20, 20, small ? 20 : 50, 1});
    jlfd_case_mask(&f->c, (size_t)golden_number(g, "nfail"),
                   (uint64_t)golden_number(g, "mask_seed"));
    jlfd_case_noise(&f->c, golden_number(g, "snr_db"), (uint64_t)golden_number(g, "noise_seed"));
    f->c.problem.p_fail = golden_number(g, "p_fail");
    for (size_t t = 0; t < f->c.problem.n_pilots; t++)
        assert_true(cabs(f->c.y[t] - golden_cplx(json_object_get(g, "y"), t)) < 1e-11);
    f->model = pixel_model_create(&f->c.problem, &err);
    assert_non_null(f->model);
    f->vp = varpro_create(f->model);
    struct agnostic *est = agnostic_create(f->model);
    assert_int_equal(agnostic_run(est, f->c.y, NULL, &f->agnostic), 0);
    agnostic_destroy(&est);
    agnostic_destroy(&est);
}

static void teardown(struct fixture *f)
{
    varpro_destroy(&f->vp);
    pixel_model_destroy(&f->model);
    jlfd_case_free(&f->c);
}

static void each_case(void (*check)(struct fixture *))
{
    for (size_t i = 0; i < json_array_size(cases); i++) {
        struct fixture f;
        setup(&f, i);
        check(&f);
        teardown(&f);
    }
}

static void compare_fit(const json_t *block, const struct varpro_fit *fit)
{
    double cost = golden_number(block, "cost");
    assert_true(distance(block, place(fit)) < 1e-8);
    assert_true(fabs(fit->cost - cost) < 1e-10 * cost);
}

static void check_oracles(struct fixture *f)
{
    struct varpro_fit fit = f->agnostic;
    compare_fit(json_object_get(f->golden, "agnostic"), &fit);
    varpro_assume(f->vp, f->c.mask);
    assert_int_equal(varpro_refine(f->vp, f->c.y, NULL, 0, true, &fit), 0);
    compare_fit(json_object_get(f->golden, "oracle_mask"), &fit);
    varpro_assume(f->vp, NULL);
    const json_t *support = json_object_get(f->golden, "oracle_support");
    if (!support)
        return;
    fit = f->agnostic;
    size_t n = f->c.n_failures;
    assert_int_equal(varpro_refine(f->vp, f->c.y, f->c.support, n, true, &fit), 0);
    compare_fit(support, &fit);
    struct jlfd_data data = {f->c.y, f->c.problem.noise_var, NULL};
    for (size_t k = 0; k < n; k++) {
        cplx want = golden_cplx(json_object_get(support, "f"), k);
        cplx got = jlfd_coefficient(f->model, &data, &fit, f->c.support[k], k);
        assert_true(cabs(got - want) < 1e-8);
    }
}

static void residual(const struct fixture *f, cplx *user, cplx *res)
{
    pixel_model_mean(f->model, f->agnostic.uvq, NULL, user, res);
    for (size_t t = 0; t < f->model->n_pilots; t++)
        res[t] = f->c.y[t] - f->agnostic.beta * res[t];
}

static void check_sweep(struct fixture *f)
{
    const json_t *g = json_object_get(f->golden, "sweep_at_agnostic");
    struct jlfd_sweep *sweep = jlfd_sweep_create(f->model, 0);
    struct jlfd_sweep_task task = {.beta = f->agnostic.beta, .noise_var = f->c.problem.noise_var};
    cplx user[400], res[PIXEL_MAX_PILOTS];
    memcpy(task.uvq, f->agnostic.uvq, sizeof task.uvq);
    residual(f, user, res);
    task.res = res;
    const struct jlfd_hypothesis *all = jlfd_sweep_run(sweep, &task);
    for (size_t i = 0; i < 5; i++) {
        const struct jlfd_hypothesis *h = all + (size_t)golden_item(g, "top5", i);
        double delta = golden_item(g, "delta_cost", i), gain = golden_item(g, "gain", i);
        assert_true(fabs(h->delta - delta) < 1e-6 * fabs(delta));
        assert_true(fabs(h->gain - gain) < 1e-6 * gain);
        assert_true(cabs(h->f - golden_cplx(json_object_get(g, "f_ls"), i)) < 1e-6);
    }
    jlfd_sweep_destroy(&sweep);
}

static void check_lasso(struct fixture *f)
{
    const json_t *g = json_object_get(f->golden, "lasso_at_agnostic");
    struct jlfd_l1 *l1 = jlfd_l1_create(f->model);
    double want = golden_number(g, "objective");
    cplx nu[400] = {0};
    double got =
        jlfd_l1_lasso(l1, f->c.y, &f->agnostic, golden_number(g, "lam"), 1e-11, 100000, nu);
    assert_true(fabs(got - want) < 1e-10 * want);
    for (size_t i = 0; i < json_array_size(json_object_get(g, "largest")); i++) {
        cplx z = golden_cplx(json_object_get(g, "nu_largest"), i);
        assert_true(cabs(nu[(size_t)golden_item(g, "largest", i)] - z) < 1e-7);
    }
    jlfd_l1_destroy(&l1);
}

static void check_disk(struct fixture *f)
{
    const json_t *g = json_object_get(f->golden, "disk_ls_at_agnostic");
    if (!g)
        return;
    cplx user[400], res[PIXEL_MAX_PILOTS], coef[PIXEL_MAX_FAILURES];
    double cost = 0, want = golden_number(g, "cost_disk");
    for (size_t k = 0; k < f->c.n_failures; k++)
        coef[k] = 1;
    residual(f, user, res);
    jlfd_disk(f->model, user, f->agnostic.beta, f->c.support, f->c.n_failures, 1, res, coef);
    for (size_t t = 0; t < f->model->n_pilots; t++)
        cost += cplx_norm(res[t]);
    assert_true(fabs(cost - want) < 1e-9 * want);
    for (size_t k = 0; k < f->c.n_failures; k++)
        assert_true(cabs(coef[k] - golden_cplx(json_object_get(g, "f_disk"), k)) < 1e-9);
}

static bool has(const json_t *list, size_t pixel)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if ((size_t)json_integer_value(json_array_get(list, i)) == pixel)
            return true;
    return false;
}

static void check_successive(struct fixture *f, enum jlfd_successive_kind kind, const char *name)
{
    const json_t *g = json_object_get(f->golden, name), *k = json_object_get(g, "K");
    struct jlfd_successive *ws = jlfd_successive_create(f->model, kind);
    struct jlfd_data data = {f->c.y, f->c.problem.noise_var, NULL};
    struct pixel_estimate est;
    assert_int_equal(jlfd_successive_run(ws, &data, &est), 0);
    assert_int_equal(est.n_failures, json_array_size(k));
    for (size_t i = 0; i < est.n_failures; i++)
        assert_true(has(k, est.failures[i].index));
    double crb = golden_number(f->golden, "CRB_knownloc");
    double tol = kind == SUCCESSIVE_JOINT ? 1e-7 : 0.01 * crb;
    double off = distance(g, est.position_m);
    assert_true(off < tol);
    jlfd_successive_destroy(&ws);
}

static void check_published(struct fixture *f)
{
    check_successive(f, SUCCESSIVE_PUBLISHED, "succ_paper");
}

static void check_occam(struct fixture *f)
{
    check_successive(f, SUCCESSIVE_OCCAM, "succ_occam");
}

static void check_joint(struct fixture *f)
{
    const json_t *path = json_object_get(json_object_get(f->golden, "succ_vp"), "path");
    struct jlfd_successive *ws = jlfd_successive_create(f->model, SUCCESSIVE_JOINT);
    struct jlfd_data data = {f->c.y, f->c.problem.noise_var, NULL};
    struct pixel_estimate est;
    size_t n;
    check_successive(f, SUCCESSIVE_JOINT, "succ_vp");
    assert_int_equal(jlfd_successive_run(ws, &data, &est), 0);
    const struct jlfd_step *step = jlfd_successive_steps(ws, &n);
    assert_int_equal(n, json_array_size(path));
    for (size_t i = 0; i < n; i++) {
        const json_t *g = json_array_get(path, i);
        double delta = golden_number(g, "delta");
        assert_int_equal(step[i].best, (size_t)golden_number(g, "best"));
        assert_int_equal(step[i].second, (size_t)golden_number(g, "second"));
        assert_true(fabs(step[i].delta - delta) < 1e-5 * fabs(delta));
        if (delta < 0)
            assert_true(distance(g, place(&step[i].fit)) < 1e-7);
    }
    jlfd_successive_destroy(&ws);
}

static void check_beam(struct fixture *f)
{
    struct jlfd_beam *ws = jlfd_beam_create(f->model, &(struct jlfd_beam_cfg){0, 0});
    struct jlfd_data data = {f->c.y, f->c.problem.noise_var, NULL};
    struct pixel_estimate est;
    assert_int_equal(jlfd_beam_run(ws, &data, &est), 0);
    assert_int_equal(est.n_failures, f->c.n_failures);
    assert_true(est.explained && est.converged);
    for (size_t i = 0; i < est.n_failures; i++) {
        assert_true(has(json_object_get(f->golden, "idx"), est.failures[i].index));
        assert_true(est.failures[i].log_odds > 0);
        assert_true(cabs(est.failures[i].coefficient - f->c.mask[est.failures[i].index]) < 0.1);
    }
    const json_t *oracle = json_object_get(f->golden, "oracle_support");
    if (oracle && est.n_failures < 10)
        assert_true(distance(oracle, est.position_m) <
                    0.5 * golden_number(f->golden, "CRB_knownloc"));
    jlfd_beam_destroy(&ws);
    jlfd_beam_destroy(&ws);
}

/* Few pilots, silence and nonsense: an honest answer or an error, never a crash. */
static void test_edges(void **state)
{
    (void)state;
    for (size_t t = 6; t < 12; t++) {
        struct jlfd_case c;
        struct status err;
        struct pixel_estimate est;
        jlfd_case_init(&c, &(struct jlfd_scene){7, 5, t, 3});
        jlfd_case_mask(&c, 1, 4);
        jlfd_case_noise(&c, 30, 5);
        c.problem.profiles = c.profiles;
        for (size_t i = 0; i < t; i++)
            c.profiles[i * 35] = 0; /* a pixel that is never lit */
        struct pixel_model *model = pixel_model_create(&c.problem, &err);
        struct jlfd_beam *ws = jlfd_beam_create(model, &(struct jlfd_beam_cfg){2, 40});
        struct jlfd_data data = {c.y, c.problem.noise_var, NULL};
        assert_int_equal(jlfd_beam_run(ws, &data, &est), 0);
        assert_true(est.n_failures <= t / 2);
        for (size_t i = 0; i < t; i++)
            c.y[i] = 0;
        int rc = jlfd_beam_run(ws, &data, &est);
        assert_true(rc == 0 || rc == ERR_GEOMETRY);
        c.y[1] = NAN;
        assert_int_equal(jlfd_beam_run(ws, &data, &est), ERR_ARG);
        data.noise_var = 0;
        assert_int_equal(jlfd_beam_run(ws, &data, &est), ERR_ARG);
        jlfd_beam_destroy(&ws);
        pixel_model_destroy(&model);
        jlfd_case_free(&c);
    }
}

static void test_refusals(void **state)
{
    struct jlfd_case c;
    struct status err;
    (void)state;
    jlfd_case_init(&c, &(struct jlfd_scene){4, 4, 8, 3});
    struct pixel_problem p = c.problem;
    p.n_pilots = 5;
    assert_null(pixel_model_create(&p, &err));
    p = c.problem;
    p.range_m[1] = p.range_m[0];
    assert_null(pixel_model_create(&p, &err));
    assert_non_null(strstr(err.text, "range"));
    c.profiles[9] = NAN;
    assert_null(pixel_model_create(&c.problem, &err));
    assert_non_null(strstr(err.text, "element 9"));
    memset(c.profiles, 0, 8 * 16 * sizeof *c.profiles);
    assert_null(pixel_model_create(&c.problem, &err));
    assert_int_equal(err.code, ERR_ARG);
    jlfd_case_free(&c);
}

/* What is known beforehand is not found again, and changes nothing else. */
static void check_known(struct fixture *f)
{
    struct jlfd_beam *ws = jlfd_beam_create(f->model, &(struct jlfd_beam_cfg){5, 50});
    struct jlfd_data data = {f->c.y, f->c.problem.noise_var, f->c.mask};
    struct pixel_estimate est;
    assert_int_equal(jlfd_beam_run(ws, &data, &est), 0);
    assert_int_equal(est.n_failures, 0);
    assert_true(est.explained);
    assert_true(distance(json_object_get(f->golden, "oracle_mask"), est.position_m) < 1e-8);
    jlfd_beam_destroy(&ws);
}

#define EACH(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        each_case(check_##name);                                                                   \
    }
EACH(oracles)
EACH(sweep)
EACH(lasso)
EACH(disk)
EACH(published)
EACH(occam)
EACH(joint)
EACH(beam)
EACH(known)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracles),   cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_lasso),     cmocka_unit_test(test_disk),
        cmocka_unit_test(test_published), cmocka_unit_test(test_occam),
        cmocka_unit_test(test_joint),     cmocka_unit_test(test_beam),
        cmocka_unit_test(test_known),     cmocka_unit_test(test_edges),
        cmocka_unit_test(test_refusals),
    };
    openblas_set_num_threads(1);
    json_t *doc = golden_load("jlfd.json");
    cases = json_object_get(doc, "estimators");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(doc);
    return failed;
}
