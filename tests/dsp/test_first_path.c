/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first path among clutter, on responses of the simulated lab: rays of walls and scatterers
 * that are none of the estimator's grid. */
#include "dsp/array.h"
#include "dsp/first_path.h"
#include "dsp/rng.h"
#include "tests/sim/room_response.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LEN = RESPONSE_ANT * RESPONSE_K, ROOMS = 300, PLACES = 25 };

static const struct toa_cfg toa_cfg = {.n_ant = RESPONSE_ANT,
                                       .n_carrier = RESPONSE_K,
                                       .spacing_hz = RESPONSE_SPACING_HZ,
                                       .n_fft = 4096,
                                       .min_db = 12,
                                       .window = TOA_HAMMING};
static const struct first_path_cfg cfg = {RESPONSE_ANT, RESPONSE_K, RESPONSE_SPACING_HZ};
static const struct toa_gate gate = {-4, 100};

struct bench {
    struct room_response room;
    struct toa_est *toa;
    struct first_path_est *est;
    cplxf h[LEN];
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->toa = toa_est_create(&toa_cfg, NULL);
    b->est = first_path_create(&cfg, NULL);
    *state = b;
    return b->toa && b->est ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    toa_est_destroy(&b->toa);
    first_path_destroy(&b->est);
    free(b);
    return 0;
}

static void add_noise(struct bench *b, double rms, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (size_t i = 0; i < LEN; i++)
        b->h[i] += (cplxf)(rms * rng_cn(&rng));
}

/* The antennas of a response are already turned by the steering of the direct path. */
static double match(const cplxf *amp)
{
    const cplxf ones[RESPONSE_ANT] = {1, 1, 1, 1};
    return (double)array_match(ones, amp, RESPONSE_ANT);
}

/* Rooms differ in where their 30 scatterers stand and how strong they are. */
static void the_leak_is_told_from_the_clutter_behind_it(void **state)
{
    struct bench *b = *state;
    double sum = 0, square = 0, plain = 0, worst_match = 1;
    int beyond = 0;
    for (uint64_t seed = 1; seed <= ROOMS; seed++) {
        struct toa seen;
        struct first_path leak;
        assert_true(room_response_open(&b->room, seed, NULL));
        room_response(&b->room, 0, 0, room_response_leak(&b->room), b->h);
        channel_destroy(&b->room.channel);
        add_noise(b, 1e-3, seed);
        assert_int_equal(toa_estimate(b->toa, b->h, &gate, 0, &seen), OK);
        seen.noise_var = 0;
        assert_int_equal(first_path_estimate(b->est, b->h, &seen, &leak), OK);
        sum += leak.length_m;
        square += leak.length_m * leak.length_m;
        plain += seen.length_m * seen.length_m;
        beyond += fabs(leak.length_m) > 0.02;
        worst_match = fmin(worst_match, match(leak.amp));
    }
    print_message("%d rooms: mean %.4f m, rms %.4f m (plain arrival %.4f m), %d beyond 2 cm, worst "
                  "antenna match %.5f\n",
                  ROOMS, sum / ROOMS, sqrt(square / ROOMS), sqrt(plain / ROOMS), beyond,
                  worst_match);
    assert_true(fabs(sum / ROOMS) < 0.003);
    assert_true(sqrt(square / ROOMS) < 0.005 && square < plain / 25);
    assert_int_equal(beyond, 0);
    assert_true(worst_match > 0.999);
}

static void a_users_direct_path_is_told_from_its_wall_images(void **state)
{
    struct bench *b = *state;
    double worst = 1;
    assert_true(room_response_open(&b->room, 1, "zigzag"));
    for (int i = 0; i < PLACES; i++) {
        struct toa seen;
        struct first_path direct;
        room_response(&b->room, 1, 4 + 0.5 * i, 1e-3, b->h);
        add_noise(b, 5e-3, 100 + (uint64_t)i);
        assert_int_equal(toa_estimate(b->toa, b->h, &gate, 0, &seen), OK);
        assert_int_equal(first_path_estimate(b->est, b->h, &seen, &direct), OK);
        worst = fmin(worst, match(direct.amp));
    }
    channel_destroy(&b->room.channel);
    print_message("%d places: worst match with the steering vector %.5f\n", PLACES, worst);
    assert_true(worst > 0.995);
}

static void a_lone_path_is_found_to_the_bound(void **state)
{
    struct bench *b = *state;
    double square = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct toa seen;
        struct first_path path;
        for (size_t i = 0; i < LEN; i++) {
            double f = ((double)(i % RESPONSE_K) - (RESPONSE_K - 1) / 2) * RESPONSE_SPACING_HZ;
            b->h[i] = (cplxf)cexp(-I * 2 * PI * f * 12.345 / SPEED_OF_LIGHT);
        }
        add_noise(b, 1e-2, seed);
        assert_int_equal(toa_estimate(b->toa, b->h, &gate, 0, &seen), OK);
        assert_int_equal(first_path_estimate(b->est, b->h, &seen, &path), OK);
        square += (path.length_m - 12.345) * (path.length_m - 12.345);
        assert_true(cabs((cplx)path.amp[2] - 1) < 0.05);
    }
    /* one path alone would be bound to 0.4 mm; not knowing that it is alone costs some */
    print_message("lone path: rms %.5f m\n", sqrt(square / 20));
    assert_true(sqrt(square / 20) < 0.003);
}

static void nothing_and_bad_configurations_are_refused(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct first_path out;
    struct first_path_cfg bad = cfg;
    memset(b->h, 0, sizeof b->h);
    assert_int_equal(first_path_estimate(b->est, b->h, &(struct toa){0}, &out), ERR_NO_PEAK);
    bad.n_carrier = 63;
    assert_null(first_path_create(&bad, &err));
    assert_int_equal(err.code, ERR_ARG);
    bad = cfg;
    bad.n_ant = 9;
    assert_null(first_path_create(&bad, NULL));
    bad = cfg;
    bad.spacing_hz = 0;
    assert_null(first_path_create(&bad, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leak_is_told_from_the_clutter_behind_it),
        cmocka_unit_test(a_users_direct_path_is_told_from_its_wall_images),
        cmocka_unit_test(a_lone_path_is_found_to_the_bound),
        cmocka_unit_test(nothing_and_bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
