/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steering vectors: against long double, and every derivative against central differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calib/near_field.h"
#include "calib/pilot_mean.h"
#include "calib/pseudo_true.h"
#include "dsp/rng.h"

enum { COLUMNS = 13, ROWS = 11, M = COLUMNS * ROWS, T = 9 };

static const struct pixel_surface surface = {.columns = COLUMNS,
                                             .rows = ROWS,
                                             .spacing_m = {0.005, 0.0061},
                                             .wavelength_m = 0.0107,
                                             .bs_m = {-8, 7, 9}};
static struct near_field *nf;
static struct status err;

static int setup(void **state)
{
    (void)state;
    nf = near_field_create(&surface, &err);
    return nf ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    near_field_destroy(&nf);
    return 0;
}

static void phasors_are_exact(void **state)
{
    (void)state;
    static double turns[4001];
    static cplx out[4001];
    double worst = 0;
    for (int i = 0; i < 4001; i++)
        turns[i] = (i - 2000) * 0.012345;
    near_field_phasors(turns, out, 4001);
    for (int i = 0; i < 4001; i++) {
        long double a = 2 * 3.14159265358979323846264338327950288L *
                        ((long double)turns[i] - roundl((long double)turns[i]));
        worst = fmax(worst, fabs((double)(creal(out[i]) - cosl(a))));
        worst = fmax(worst, fabs((double)(cimag(out[i]) + sinl(a))));
    }
    assert_true(worst < 1e-15);
}

static long double distance(struct vec3 a, struct vec3 b)
{
    long double x = (long double)a.x - b.x, y = (long double)a.y - b.y, z = (long double)a.z - b.z;
    return sqrtl(x * x + y * y + z * z);
}

/* From 5 cm in front of the surface to a kilometre away: no digits are lost to cancellation. */
static void steering_holds_near_and_far(void **state)
{
    (void)state;
    cplx a[M];
    const struct vec3 zero = {0, 0, 0}, direction = {0.3, -0.5, 0.81};
    const double range[] = {0.05, 0.5, 3, 40, 1000};
    for (size_t r = 0; r < sizeof range / sizeof *range; r++) {
        struct vec3 p = vec3_scale(direction, range[r]);
        near_field_user(nf, p, 0, a);
        for (size_t m = 0; m < M; m++) {
            long double diff = distance(p, near_field_element(nf, m)) - distance(p, zero);
            long double phase = -2 * 3.14159265358979323846264338327950288L *
                                fmodl(diff / (long double)surface.wavelength_m, 1);
            cplx want = CMPLX(cosl(phase), sinl(phase));
            /* long double distances of 1 km resolve 5e-17 m: 3e-14 rad */
            assert_true(cabs(a[m] - want) < 2e-13);
        }
    }
}

static struct vec3 moved(struct vec3 p, int axis, double by)
{
    (&p.x)[axis] += by;
    return p;
}

static double largest(const cplx *v)
{
    double most = 0;
    for (size_t m = 0; m < M; m++)
        most = fmax(most, cabs(v[m]));
    return most;
}

/* Rows `row` of order 1 or 2 against differences, of fourth order, of row `base` along axis. */
static void check_row(struct vec3 p, int base, int row, int axis, double step)
{
    static cplx at[4][NEAR_FIELD_ROWS * M], exact[NEAR_FIELD_ROWS * M];
    const double by[4] = {-2, -1, 1, 2};
    near_field_steer(nf, p, 2, exact);
    for (int i = 0; i < 4; i++)
        near_field_steer(nf, moved(p, axis, by[i] * step), 1, at[i]);
    const double scale = largest(exact + row * M);
    double worst = 0;
    for (size_t m = 0; m < M; m++) {
        size_t k = base * M + m;
        cplx d = (at[0][k] - 8 * at[1][k] + 8 * at[2][k] - at[3][k]) / (12 * step);
        worst = fmax(worst, cabs(d - exact[row * M + m]) / scale);
    }
    if (!(worst < 1e-8))
        fail_msg("row %d along %d at %g m: relative error %g", row, axis, vec3_norm(p), worst);
}

static void derivatives_match_differences(void **state)
{
    (void)state;
    const struct vec3 points[] = {{0.1, -0.05, 0.2}, {0.7, 0.4, 1.1}, {-1.5, 2, 2.5}, {5, -4, 9}};
    static const int second[3][3] = {{NEAR_FIELD_DXX, NEAR_FIELD_DXY, NEAR_FIELD_DXZ},
                                     {NEAR_FIELD_DXY, NEAR_FIELD_DYY, NEAR_FIELD_DYZ},
                                     {NEAR_FIELD_DXZ, NEAR_FIELD_DYZ, NEAR_FIELD_DZZ}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        double step = 1e-3 * vec3_norm(points[i]);
        for (int axis = 0; axis < 3; axis++) {
            check_row(points[i], NEAR_FIELD_B, NEAR_FIELD_DX + axis, axis, step);
            for (int first = 0; first < 3; first++)
                check_row(points[i], NEAR_FIELD_DX + first, second[axis][first], axis, step);
        }
    }
}

static void orders_agree_and_light_multiplies(void **state)
{
    (void)state;
    static cplx b0[M], b2[NEAR_FIELD_ROWS * M], a1[4 * M];
    const struct vec3 p = {0.7, -0.3, 1.4};
    near_field_steer(nf, p, 0, b0);
    near_field_steer(nf, p, 2, b2);
    near_field_user(nf, p, 1, a1);
    assert_memory_equal(b0, b2, sizeof b0);
    for (size_t i = 0; i < 4 * M; i++)
        assert_true(cabs(a1[i] * near_field_bs(nf)[i % M] - b2[i]) < 1e-11);
}

static void coordinates_invert(void **state)
{
    (void)state;
    const struct vec3 p = {0.7, -0.3, 1.4}, uvq = near_field_uvq(p);
    double jac[3][3];
    assert_true(vec3_dist(near_field_point(uvq), p) < 1e-15);
    near_field_jacobian(uvq, jac);
    for (int j = 0; j < 3; j++) {
        const double h = 1e-6;
        struct vec3 d =
            vec3_sub(near_field_point(moved(uvq, j, h)), near_field_point(moved(uvq, j, -h)));
        for (int i = 0; i < 3; i++)
            assert_true(fabs((&d.x)[i] / (2 * h) - jac[i][j]) < 1e-8);
    }
}

/* Log-likelihood times nv / 2 up to a constant: -|y - mu(theta)|^2 / 2. */
static double likelihood(struct pilot_mean *mean, const cplx *y, const double theta[5])
{
    cplx g[T];
    double sum = 0;
    pilot_mean_at(mean, (struct vec3){theta[2], theta[3], theta[4]}, NULL, 0, g);
    for (size_t t = 0; t < T; t++)
        sum += cplx_norm(y[t] - CMPLX(theta[0], theta[1]) * sqrt(2.5) * g[t]);
    return -0.5 * sum;
}

static void curvature(struct pilot_mean *mean, const cplx *y, const double theta[5],
                      struct model_curvature *c)
{
    cplx g[NEAR_FIELD_ROWS * T], eps[T];
    const cplx gain = CMPLX(theta[0], theta[1]);
    pilot_mean_at(mean, (struct vec3){theta[2], theta[3], theta[4]}, NULL, 2, g);
    for (size_t t = 0; t < T; t++)
        eps[t] = y[t] - gain * sqrt(2.5) * g[t];
    model_curvature(g, eps, T, gain, 2.5, c);
}

static void model_curvature_is_the_hessian(void **state)
{
    (void)state;
    static cplx profiles[T * M];
    cplx y[T];
    struct rng rng = rng_seed(5);
    for (size_t i = 0; i < T * M; i++)
        profiles[i] = cexp(2 * I * PI * rng_u01(&rng));
    for (size_t t = 0; t < T; t++)
        y[t] = 10 * rng_cn(&rng);
    struct pilot_mean *mean = pilot_mean_create(nf, profiles, T);
    assert_non_null(mean);
    const double theta[5] = {0.4, -0.3, 0.5, 0.2, 1.1};
    struct model_curvature c, side[2];
    curvature(mean, y, theta, &c);
    for (int j = 0; j < 5; j++) {
        const double h = 1e-6;
        double at[2][5];
        for (int k = 0; k < 10; k++)
            at[k / 5][k % 5] = theta[k % 5] + (k % 5 == j ? (k < 5 ? h : -h) : 0);
        double slope = (likelihood(mean, y, at[0]) - likelihood(mean, y, at[1])) / (2 * h);
        assert_true(fabs(slope - c.gradient[j]) < 1e-6 * (1 + fabs(c.gradient[j])));
        curvature(mean, y, at[0], &side[0]);
        curvature(mean, y, at[1], &side[1]);
        for (int i = 0; i < 5; i++) {
            double d = (side[0].gradient[i] - side[1].gradient[i]) / (2 * h);
            double scale = sqrt(fabs(c.hessian[i][i] * c.hessian[j][j]));
            assert_true(fabs(d - c.hessian[i][j]) < 1e-6 * scale);
        }
    }
    pilot_mean_destroy(&mean);
}

static void refuses_what_is_no_surface(void **state)
{
    (void)state;
    struct pixel_surface s = surface;
    s.columns = 0;
    assert_null(near_field_create(&s, &err));
    assert_int_equal(err.code, ERR_ARG);
    s = surface;
    s.wavelength_m = NAN;
    assert_null(near_field_create(&s, &err));
    s = surface;
    s.bs_m = (struct vec3){0.01, 0, 0};
    assert_null(near_field_create(&s, &err));
    assert_string_equal(err.text, "the base station stands within the surface");
    struct near_field *none = NULL;
    near_field_destroy(&none);
    near_field_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phasors_are_exact),
        cmocka_unit_test(steering_holds_near_and_far),
        cmocka_unit_test(derivatives_match_differences),
        cmocka_unit_test(orders_agree_and_light_multiplies),
        cmocka_unit_test(coordinates_invert),
        cmocka_unit_test(model_curvature_is_the_hessian),
        cmocka_unit_test(refuses_what_is_no_surface),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
