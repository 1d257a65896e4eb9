/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RIS response and design against the independent reference (ris.json): the alternation of [S1]
 * (14) with its trace, reciprocity, the given profiles' coverage to the last digits, and our
 * designs not worse than the reference's by more than 0.3 dB in p5 and median. */
#include "tests/dsp/golden.h"
#include "tests/dsp/lab_surface.h"

enum { N = LAB_SURFACE_ELEMENTS, GRID = 41 };

static json_t *doc, *reference;
static struct ris_states one_bit;

static double item(json_t *array, size_t i)
{
    assert_true(json_is_number(json_array_get(array, i)));
    return json_number_value(json_array_get(array, i));
}

static void check_close(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.12g, reference %.12g", what, got, want);
}

static void check_not_worse(const char *name, const struct ris_coverage *got)
{
    json_t *want = json_object_get(reference, name);
    print_message("%-24s p5 %7.2f (%7.2f)  median %7.2f (%7.2f) dB\n", name, got->p5_db,
                  golden_number(want, "p5"), got->median_db, golden_number(want, "median"));
    assert_true(got->p5_db >= golden_number(want, "p5") - 0.3);
    assert_true(got->median_db >= golden_number(want, "median") - 0.3);
}

static void phases(const double *theta, cplx *gamma)
{
    for (size_t m = 0; m < N; m++)
        gamma[m] = CMPLX(cos(theta[m]), sin(theta[m]));
}

static void read_cplx(json_t *re, json_t *im, cplx *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = CMPLX(item(re, i), item(im, i));
}

struct eq14 {
    cplx direct[3], user[3], from_ris[9];
    double theta[3];
};

/* The file's G has a row per element: it is turned into [antenna x element] here. */
static struct eq14 read_eq14(json_t *c)
{
    struct eq14 e;
    read_cplx(json_object_get(c, "Hd_re"), json_object_get(c, "Hd_im"), e.direct, 3);
    read_cplx(json_object_get(c, "hr_re"), json_object_get(c, "hr_im"), e.user, 3);
    for (size_t n = 0; n < 3; n++) {
        cplx row[3];
        read_cplx(json_array_get(json_object_get(c, "G_re"), n),
                  json_array_get(json_object_get(c, "G_im"), n), row, 3);
        for (size_t a = 0; a < 3; a++)
            e.from_ris[a * 3 + n] = row[a];
        e.theta[n] = item(json_object_get(c, "theta0"), n);
    }
    return e;
}

static void check_trace(json_t *want, struct eq14 e, bool with_direct)
{
    double got[5];
    json_t *trace = json_object_get(want, "trace");
    size_t n = json_array_size(trace);
    struct ris_align_cfg cfg = {.n_ant = 3,
                                .n_element = 3,
                                .direct = with_direct ? e.direct : NULL,
                                .from_ris = e.from_ris,
                                .user = e.user,
                                .tolerance = 1e-30,
                                .max_steps = n - 1};
    int steps = ris_align(&cfg, e.theta, got);
    assert_true(steps >= 2 && steps <= 4);
    for (size_t i = 0; i <= (size_t)steps; i++) {
        check_close("objective", got[i] / item(trace, i), 1, 1e-9);
        assert_true(i == 0 || got[i] >= got[i - 1] * (1 - 1e-14));
    }
    for (size_t i = 0; i < 3; i++) {
        double turn = e.theta[i] - item(json_object_get(want, "theta"), i);
        double first = e.theta[0] - item(json_object_get(want, "theta"), 0);
        double off = (with_direct ? turn : turn - first) / (2 * PI);
        assert_true(fabs(off - rint(off)) < 1e-6);
    }
}

static void test_alternation(void **state)
{
    (void)state;
    json_t *c = json_object_get(doc, "eq14");
    check_trace(json_object_get(c, "reflected_only"), read_eq14(c), false);
    check_trace(json_object_get(c, "with_direct"), read_eq14(c), true);
    struct ris_align_cfg bad = {.n_ant = 0};
    double theta = 0;
    assert_int_equal(ris_align(&bad, &theta, NULL), ERR_ARG);
}

/* The geometry of the reference's note: what the hops give is what the file lists, up to the common
 * phase of each hop's centre. */
static void test_hops_of_the_small_case(void **state)
{
    (void)state;
    const double wavelength = SPEED_OF_LIGHT / 10e9;
    const struct vec3 user = {25, 25, 0}, paper_bs = {0, 0, 10}, at = {50, 0, 6};
    struct panel_cfg cfg = {.position = at,
                            .normal = panel_bisector(at, paper_bs, user),
                            .up = {0, 0, 1},
                            .columns = 3,
                            .rows = 1,
                            .spacing_m = wavelength / 2};
    struct panel panel;
    struct eq14 e = read_eq14(json_object_get(doc, "eq14"));
    assert_int_equal(panel_init(&panel, &cfg), OK);
    for (size_t m = 0; m < 3; m++) {
        cplx h = ris_hop(&panel, m, user, wavelength);
        check_close("hop", sqrt(cplx_norm(h) / cplx_norm(e.user[m])), 1, 1e-6);
        double turns = (carg(h) - carg(e.user[m])) / (2 * PI);
        assert_true(fabs(turns - rint(turns)) < 1e-6);
    }
}

/* Swapping the ends of the link changes nothing: no hop is conjugated. */
static void test_reciprocity(void **state)
{
    (void)state;
    struct ris_region there = {{3, 3}, {5, 5}, {1.2, 1.2}, 1, 1, 1};
    struct ris_model *forward = lab_surface(0, &there);
    struct ris_model_cfg cfg = {
        .panel = *ris_model_panel(forward),
        .bs = {3, 5, 1.2},
        .carrier_hz = LAB_CARRIER_HZ,
        .region = {{lab_bs.x, lab_bs.x}, {lab_bs.y, lab_bs.y}, {lab_bs.z, lab_bs.z}, 1, 1, 1}};
    struct status err;
    struct ris_model *back = ris_model_create(&cfg, &err);
    cplx gamma[N], f, b;
    assert_non_null(back);
    for (size_t m = 0; m < N; m++)
        gamma[m] = CMPLX(cos((double)(m * m)), sin((double)(m * m)));
    ris_model_response(forward, gamma, &f);
    ris_model_response(back, gamma, &b);
    assert_true(sqrt(cplx_norm(f - b) / cplx_norm(f)) < 1e-12);
    ris_model_destroy(&forward);
    ris_model_destroy(&back);
}

static void read_bits(const char *text, uint8_t *state)
{
    assert_int_equal(strlen(text), N);
    for (size_t ix = 0; ix < 16; ix++)
        for (size_t iy = 0; iy < 16; iy++)
            state[iy * 16 + ix] = text[ix * 16 + iy] == '1';
}

/* Digits of the model itself: the reference's profiles give the reference's figures. */
static void test_given_profiles(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(GRID);
    json_t *bits = json_object_get(doc, "lab_bits");
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &grid);
        json_t *want = json_object_get(reference, k ? "RIS2_wide_1bit" : "RIS1_wide_1bit");
        uint8_t profile[N];
        cplx gamma[N];
        double level[GRID * GRID];
        struct ris_coverage got;
        read_bits(json_string_value(json_object_get(bits, k ? "RIS2" : "RIS1")), profile);
        ris_profile_gamma(profile, N, &one_bit, gamma);
        ris_model_coverage(model, gamma, level, &got);
        check_close("min", got.min_db, golden_number(want, "min_dB"), 1e-9);
        check_close("p5", got.p5_db, golden_number(want, "p5"), 1e-9);
        check_close("median", got.median_db, golden_number(want, "median"), 1e-9);
        check_close("max", got.max_db, golden_number(want, "max"), 1e-9);
        check_close("centre", level[GRID * GRID / 2], golden_number(want, "at_ctr"), 1e-9);
        ris_model_destroy(&model);
    }
}

static void check_profile(const struct ris_model *model, int k, const char *design, unsigned bits,
                          const uint8_t *profile)
{
    char name[64];
    cplx gamma[N];
    struct ris_coverage got;
    const struct ris_states ideal = ris_states_ideal(bits);
    snprintf(name, sizeof name, "RIS%d_%s_%ubit", k + 1, design, bits);
    ris_profile_gamma(profile, N, &ideal, gamma);
    ris_model_coverage(model, gamma, NULL, &got);
    if (json_object_get(reference, name))
        check_not_worse(name, &got);
}

static void test_focus(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(GRID);
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &grid);
        double theta[N], level[GRID * GRID];
        uint8_t profile[N];
        cplx gamma[N];
        struct ris_coverage got;
        ris_focus(model, GRID * GRID / 2, theta);
        phases(theta, gamma);
        ris_model_coverage(model, gamma, level, &got);
        check_not_worse(k ? "RIS2_focus_centre" : "RIS1_focus_centre", &got);
        assert_true(fabs(level[GRID * GRID / 2]) < 1e-9);
        for (unsigned bits = 1; bits <= 3; bits++) {
            const struct ris_states ideal = ris_states_ideal(bits);
            assert_int_equal(ris_focus_profile(model, GRID * GRID / 2, &ideal, profile), OK);
            check_profile(model, k, "focus_centre", bits, profile);
        }
        ris_model_destroy(&model);
    }
}

/* So many elements that not every offset is tried: on its point still within 0.1 dB of the best. */
static void test_focus_of_a_large_surface(void **state)
{
    (void)state;
    enum { SIDE = 64, LARGE = SIDE * SIDE, AT = 4 };
    static double theta[LARGE];
    static uint8_t best[LARGE], profile[LARGE];
    struct ris_region grid = lab_square(3);
    struct ris_model *model = lab_surface_sized(0, SIDE, &grid);
    const struct ris_states ideal = ris_states_ideal(1);
    const cplx *row = ris_model_row(model, AT);
    cplx f[2] = {0};
    ris_focus(model, AT, theta);
    assert_int_equal(ris_quantise(row, LARGE, theta, &ideal, best), OK);
    assert_int_equal(ris_focus_profile(model, AT, &ideal, profile), OK);
    for (size_t m = 0; m < LARGE; m++) {
        f[0] += row[m] * ideal.gamma[best[m]];
        f[1] += row[m] * ideal.gamma[profile[m]];
    }
    double lost_db = 20 * log10(cabs(f[0]) / cabs(f[1]));
    print_message("%.3f dB under the best\n", lost_db);
    assert_true(lost_db > -1e-9 && lost_db < 0.102);
    ris_model_destroy(&model);
}

/* Refocused on every point: what the bits alone cost. */
static void test_quantisation_loss(void **state)
{
    (void)state;
    static const double allowed_loss_db[] = {0, 3.7, 0.9, 0.25};
    struct ris_region grid = lab_square(GRID);
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &grid);
        for (unsigned bits = 1; bits <= 3; bits++) {
            const struct ris_states ideal = ris_states_ideal(bits);
            double theta[N], sum = 0;
            uint8_t profile[N];
            cplx gamma[N];
            char name[64];
            for (size_t i = 0; i < GRID * GRID; i += 7) {
                cplx f = 0;
                ris_focus(model, i, theta);
                assert_int_equal(ris_quantise(ris_model_row(model, i), N, theta, &ideal, profile),
                                 OK);
                ris_profile_gamma(profile, N, &ideal, gamma);
                for (size_t m = 0; m < N; m++)
                    f += gamma[m] * ris_model_row(model, i)[m];
                sum += 20 * log10(cabs(f) / ris_model_bound(model, i));
            }
            snprintf(name, sizeof name, "RIS%d_tracked_%ubit", k + 1, bits);
            double mean = sum / ((GRID * GRID + 6) / 7);
            double want = golden_number(json_object_get(reference, name), "mean_dB");
            print_message("%s %.3f (%.3f) dB\n", name, mean, want);
            assert_true(mean > want - 0.1 && mean < 0);
            assert_true(-mean <= allowed_loss_db[bits]);
        }
        ris_model_destroy(&model);
    }
}

static void test_wide(void **state)
{
    (void)state;
    struct ris_region fine = lab_square(GRID), coarse = lab_square(RIS_WIDE_GRID);
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &fine), *design = lab_surface(k, &coarse);
        double theta[N];
        uint8_t profile[N], again[N];
        cplx gamma[N];
        struct ris_coverage got;
        assert_int_equal(ris_wide(design, theta), OK);
        phases(theta, gamma);
        ris_model_coverage(model, gamma, NULL, &got);
        check_not_worse(k ? "RIS2_wide" : "RIS1_wide", &got);
        for (unsigned bits = 2; bits >= 1; bits--) {
            const struct ris_states ideal = ris_states_ideal(bits);
            assert_int_equal(ris_wide_profile(design, &ideal, profile), OK);
            check_profile(model, k, "wide", bits, profile);
        }
        if (k == 0) { /* deterministic */
            assert_int_equal(ris_wide_profile(design, &one_bit, again), OK);
            assert_memory_equal(profile, again, N);
        }
        ris_model_destroy(&model);
        ris_model_destroy(&design);
    }
}

/* A cluster and scattered pixels are dark: designing for what is left beats designing as if nothing
 * had happened, on the surface as it is. */
static void test_broken_pixels_are_accounted_for(void **state)
{
    (void)state;
    struct ris_region region = lab_square(RIS_WIDE_GRID);
    struct ris_model *whole = lab_surface(0, &region);
    struct status err;
    struct ris_coverage blind, aware;
    cplx mask[N], gamma[N];
    uint8_t profile[N];
    for (size_t m = 0; m < N; m++)
        mask[m] = (m % 16 < 6 && m / 16 < 6) || m % 11 == 0 ? 0 : 1;
    const struct ris_model_cfg cfg = {.panel = *ris_model_panel(whole),
                                      .bs = lab_bs,
                                      .carrier_hz = LAB_CARRIER_HZ,
                                      .region = region,
                                      .mask = mask};
    struct ris_model *broken = ris_model_create(&cfg, &err);
    assert_non_null(broken);
    assert_int_equal(ris_wide_profile(whole, &one_bit, profile), OK);
    ris_profile_gamma(profile, N, &one_bit, gamma);
    ris_model_coverage(broken, gamma, NULL, &blind);
    assert_int_equal(ris_wide_profile(broken, &one_bit, profile), OK);
    ris_profile_gamma(profile, N, &one_bit, gamma);
    ris_model_coverage(broken, gamma, NULL, &aware);
    print_message("broken surface, under its own focus: designed blind p5 %.2f dB, aware %.2f dB\n",
                  blind.p5_db, aware.p5_db);
    assert_true(aware.p5_db > blind.p5_db + 1);
    ris_model_destroy(&whole);
    ris_model_destroy(&broken);
}

static void test_codebook(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(GRID);
    static uint8_t states[25 * N];
    static cplx gamma[25 * N];
    for (int k = 0; k < 2; k++) {
        struct ris_model *model = lab_surface(k, &grid);
        for (size_t q = 2; q <= 5; q++) {
            struct ris_region cells = ris_region_cells(&grid, q);
            struct ris_model *beams = lab_surface(k, &cells);
            struct ris_coverage got;
            char name[64];
            assert_int_equal(ris_codebook(beams, &one_bit, states), OK);
            ris_profile_gamma(states, q * q * N, &one_bit, gamma);
            ris_model_coverage_best(model, gamma, q * q, NULL, &got);
            snprintf(name, sizeof name, "RIS%d_codebook%zu_1bit", k + 1, q * q);
            check_not_worse(name, &got);
            ris_model_destroy(&beams);
        }
        ris_model_destroy(&model);
    }
}

/* The phase of the response turns with frequency as the bias says: compare two models 1 MHz apart.
 */
static void test_phase_centre_bias(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(5);
    struct ris_model *model = lab_surface(0, &grid);
    struct ris_model_cfg cfg = {.panel = *ris_model_panel(model),
                                .bs = lab_bs,
                                .carrier_hz = LAB_CARRIER_HZ + 1e4,
                                .region = grid};
    struct status err;
    struct ris_model *above = ris_model_create(&cfg, &err);
    uint8_t profile[N];
    cplx gamma[N], f[25], g[25];
    assert_non_null(above);
    read_bits(json_string_value(json_object_get(json_object_get(doc, "lab_bits"), "RIS1")),
              profile);
    ris_profile_gamma(profile, N, &one_bit, gamma);
    ris_model_response(model, gamma, f);
    ris_model_response(above, gamma, g);
    for (size_t i = 0; i < 25; i++) {
        struct ris_view view;
        struct vec3 p = ris_model_point(model, i);
        ris_model_view(model, gamma, p, &view);
        double nominal = vec3_dist(p, lab_ris_at[0]) + vec3_dist(lab_bs, lab_ris_at[0]);
        double turns = carg(g[i] / f[i]) / (2 * PI) + nominal * 1e4 / SPEED_OF_LIGHT;
        double bias = -(turns - rint(turns)) * SPEED_OF_LIGHT / 1e4;
        check_close("bias", view.bias_m, bias, 1e-3);
        check_close("level", view.level_db,
                    10 * log10(cplx_norm(f[i])) - 20 * log10(ris_model_bound(model, i)), 1e-9);
    }
    ris_model_destroy(&model);
    ris_model_destroy(&above);
}

static void test_bad_models(void **state)
{
    (void)state;
    struct ris_region grid = lab_square(3);
    struct ris_model *model = lab_surface(0, &grid), *none = NULL;
    struct ris_model_cfg good = {.panel = *ris_model_panel(model),
                                 .bs = lab_bs,
                                 .carrier_hz = LAB_CARRIER_HZ,
                                 .region = grid},
                         cfg = good;
    struct status err;
    cfg.carrier_hz = 0;
    assert_null(ris_model_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = good;
    cfg.region.n_x = 0;
    assert_null(ris_model_create(&cfg, &err));
    cfg = good;
    cfg.region.y_m[0] = 7;
    assert_null(ris_model_create(&cfg, &err));
    cfg = good;
    cfg.panel.z = vec3_scale(cfg.panel.z, -1);
    assert_null(ris_model_create(&cfg, &err));
    assert_non_null(strstr(err.text, "face"));
    ris_model_destroy(&none);
    ris_model_destroy(NULL);
    ris_model_destroy(&model);
    assert_null(model);
}

/* A region behind the panel cannot be lit. */
static void test_region_behind(void **state)
{
    (void)state;
    struct ris_region behind = {{7.8, 7.9}, {0.1, 0.2}, {1.2, 1.2}, 2, 2, 1};
    struct ris_model *model = lab_surface(0, &behind);
    double theta[N];
    cplx gamma[N] = {0};
    struct ris_coverage c;
    assert_int_equal(ris_wide(model, theta), ERR_GEOMETRY);
    ris_model_coverage(model, gamma, NULL, &c);
    assert_true(c.max_db <= -300);
    ris_model_destroy(&model);
}

static int open_reference(void **state)
{
    (void)state;
    one_bit = ris_states_ideal(1);
    doc = golden_load("ris.json");
    reference = json_object_get(doc, "lab_ris");
    return reference ? 0 : -1;
}

static int close_reference(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alternation),
        cmocka_unit_test(test_hops_of_the_small_case),
        cmocka_unit_test(test_reciprocity),
        cmocka_unit_test(test_given_profiles),
        cmocka_unit_test(test_focus),
        cmocka_unit_test(test_focus_of_a_large_surface),
        cmocka_unit_test(test_quantisation_loss),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_broken_pixels_are_accounted_for),
        cmocka_unit_test(test_codebook),
        cmocka_unit_test(test_phase_centre_bias),
        cmocka_unit_test(test_bad_models),
        cmocka_unit_test(test_region_behind),
    };
    return cmocka_run_group_tests(tests, open_reference, close_reference);
}
