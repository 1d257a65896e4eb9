/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's half of the steering vector in (u, v, q): against the spherical wave, and all its
 * first and second derivatives against central differences of fourth order, near and far, off the
 * axis and close to grazing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calib/near_field.h"
#include "calib/steer.h"

#define SIDE 20
#define M    (SIDE * SIDE)
#define ROOM 16

static const double wavelength = SPEED_OF_LIGHT / 28e9;
static _Alignas(64) double px[M + ROOM], py[M + ROOM];
static _Alignas(64) float pxf[M + ROOM], pyf[M + ROOM];
static struct steer_plane plane = {M, px, py, pxf, pyf, 0};

static const double places[][3] = {
    {0.577, 0.577, 1. / 3}, {-0.2, 0.6, 1}, {0, 0, 0.1}, {0.9, -0.4, 0.5}, {0.3, 0.1, 0.01},
};
#define N_PLACES (sizeof places / sizeof *places)

static int setup(void **state)
{
    (void)state;
    plane.k = 2 * PI / wavelength;
    for (int m = 0; m < M; m++) {
        px[m] = (m % SIDE - (SIDE - 1) / 2.) * wavelength / 2;
        py[m] = (m / SIDE - (SIDE - 1) / 2.) * wavelength / 2;
        pxf[m] = (float)px[m];
        pyf[m] = (float)py[m];
    }
    return 0;
}

/* exp(-j k (|p - p_m| - |p|)) in long double. */
static void the_vector_is_a_spherical_wave(void **state)
{
    static _Alignas(64) cplx a[M + ROOM];
    static _Alignas(64) cplxf af[M + ROOM];
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        const double *x = places[i];
        steer_user(&plane, x, a);
        steer_user_f(&plane, x, af);
        const long double d = 1 / (long double)x[2],
                          z2 = 1 - (long double)x[0] * x[0] - (long double)x[1] * x[1];
        for (size_t m = 0; m < M; m++) {
            long double dx = d * x[0] - px[m], dy = d * x[1] - py[m];
            long double phase = -plane.k * (sqrtl(dx * dx + dy * dy + d * d * z2) - d);
            cplx want = CMPLX((double)cosl(phase), (double)sinl(phase));
            assert_true(cabs(a[m] - want) < 1e-11);
            assert_true(cabs((cplx)af[m] - want) < 1e-4);
        }
    }
}

/* Row `base` of the expansion differentiated along coordinate c. */
static void differences(const double *at, int base, int c, cplx *out)
{
    static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12};
    static const int steps[4] = {-2, -1, 1, 2};
    static _Alignas(64) cplx rows[10 * M + ROOM];
    const double h = 2e-4;
    for (size_t m = 0; m < M; m++)
        out[m] = 0;
    for (int k = 0; k < 4; k++) {
        double x[3] = {at[0], at[1], at[2]};
        x[c] += steps[k] * h;
        steer_expansion(&plane, x, rows);
        for (size_t m = 0; m < M; m++)
            out[m] += weight[k] / h * rows[(size_t)base * M + m];
    }
}

static double largest(const cplx *row)
{
    double top = 0;
    for (size_t m = 0; m < M; m++)
        top = fmax(top, cabs(row[m]));
    return top;
}

static void derivatives_match_differences(void **state)
{
    static const struct {
        int row, base, along;
    } checks[] = {{1, 0, 0}, {2, 0, 1}, {3, 0, 2}, {4, 1, 0}, {5, 1, 1},
                  {6, 1, 2}, {7, 2, 1}, {8, 2, 2}, {9, 3, 2}, {6, 3, 0}};
    static _Alignas(64) cplx rows[10 * M + ROOM], first[4 * M + ROOM];
    static cplx want[M];
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        steer_expansion(&plane, places[i], rows);
        steer_derivatives(&plane, places[i], first);
        for (size_t m = 0; m < 4 * M; m++)
            assert_true(cabs(rows[m] - first[m]) <= 1e-12 * (1 + cabs(rows[m])));
        for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
            const cplx *row = rows + (size_t)checks[c].row * M;
            differences(places[i], checks[c].base, checks[c].along, want);
            for (size_t m = 0; m < M; m++)
                if (!(cabs(row[m] - want[m]) < 1e-7 * largest(row)))
                    fail_msg("place %zu, row %d, element %zu: %g off of %g", i, checks[c].row, m,
                             cabs(row[m] - want[m]), largest(row));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_is_a_spherical_wave),
        cmocka_unit_test(derivatives_match_differences),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
