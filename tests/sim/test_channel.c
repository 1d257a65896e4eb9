/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel against the exact sum over every path, element and wall image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "sim/channel.h"
#include "tests/sim/exact_room.h"

enum { N_BIN = 2048 };

struct rig {
    struct scene scene;
    struct channel *channel;
    uint8_t states[2][SCENE_MAX_ELEMENTS];
    float complex h[CHANNEL_N_GROUP * N_BIN];
    double rate[CHANNEL_N_GROUP];
};

static uint64_t draw(uint64_t *s)
{
    uint64_t z = *s += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static struct rig *rig_create(const char *scene, uint64_t seed)
{
    struct status err = {0};
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    struct scene_options options = {.seed = &seed};
    if (scene_load(scene, &options, &rig->scene, &err))
        fail_msg("%s", err.text);
    rig->channel = channel_create(&rig->scene, N_BIN, &err);
    if (!rig->channel)
        fail_msg("%s", err.text);
    for (size_t k = 0; k < rig->scene.n_ris; k++) {
        for (int i = 0; i < SCENE_MAX_ELEMENTS; i++)
            rig->states[k][i] = (uint8_t)(draw(&seed) >> 63);
        channel_set_profile(rig->channel, k, rig->states[k]);
    }
    return rig;
}

static void rig_destroy(struct rig *rig)
{
    channel_destroy(&rig->channel);
    channel_destroy(&rig->channel);
    free(rig);
}

/* Puts the user to a place, standing. */
static void stand_at(struct rig *rig, double x, double y, double z)
{
    struct scene_path *path = &rig->scene.users[0].paths[0];
    rig->scene.users[0].path_index = 0;
    path->n_waypoints = 1;
    path->waypoints_m[0][0] = x;
    path->waypoints_m[0][1] = y;
    path->waypoints_m[0][2] = z;
    channel_move(rig->channel, 100);
}

/* --- exact groups ------------------------------------------------------------------------- */

static double complex exact_static(const struct scene *s, const double *tx, const double *rx,
                                   double f)
{
    struct exact_end a = exact_antenna(s, tx), b = exact_antenna(s, rx);
    double d = 0, lambda = 299792458.0 / s->carrier_hz;
    for (int i = 0; i < 3; i++)
        d += (tx[i] - rx[i]) * (tx[i] - rx[i]);
    d = sqrt(d);
    double complex turn = cexp(-2 * M_PI * I * f * d / 299792458.0);
    double sight = lambda / (4 * M_PI * d) * exact_gain(&a, rx) * exact_gain(&b, tx);
    double complex sum =
        exact_hop(s, &a, &b, f) + turn * (pow(10, -s->bs_isolation_db / 20) - sight);
    for (size_t i = 0; i < s->n_scatterers; i++) {
        struct exact_end p = {.at = s->scatterers[i].position_m};
        double factor = sqrt(4 * M_PI * pow(10, s->scatterers[i].rcs_dbsm / 10)) / lambda;
        sum += exact_hop(s, &a, &p, f) * factor * exact_hop(s, &p, &b, f);
    }
    return sum;
}

static double complex exact_echo(const struct rig *rig, const double *u, const double *tx,
                                 const double *rx, int group, double f)
{
    const struct scene *s = &rig->scene;
    struct exact_end a = exact_antenna(s, tx), b = exact_antenna(s, rx), p = {.at = u};
    double factor =
        sqrt(4 * M_PI * pow(10, s->users[0].rcs_dbsm / 10)) * s->carrier_hz / 299792458.0;
    if (group == CHANNEL_MOVING)
        return factor * exact_hop(s, &a, &p, f) * exact_hop(s, &p, &b, f);
    if (group == CHANNEL_CROSS)
        return factor * (exact_surface(s, 0, rig->states[0], &a, &p, f) *
                             exact_surface(s, 1, rig->states[1], &p, &b, f) +
                         exact_surface(s, 1, rig->states[1], &a, &p, f) *
                             exact_surface(s, 0, rig->states[0], &p, &b, f));
    int k = group == CHANNEL_RIS2_MOVING || group == CHANNEL_RIS2_STATIC;
    if (group == CHANNEL_RIS1_STATIC || group == CHANNEL_RIS2_STATIC)
        return exact_surface(s, k, rig->states[k], &a, &b, f);
    return factor * (exact_hop(s, &a, &p, f) * exact_surface(s, k, rig->states[k], &p, &b, f) +
                     exact_surface(s, k, rig->states[k], &a, &p, f) * exact_hop(s, &p, &b, f));
}

/* Largest error over the band +-40 MHz against the group's mean power there [dB]. */
static double worst_db(struct rig *rig, const double *u, unsigned tx, unsigned rx, int group)
{
    const double *a = rig->scene.bs_tx.positions_m[tx], *b = rig->scene.bs_rx.positions_m[rx];
    double worst = 0, power = 0;
    int n = 0;
    for (int bin = -819; bin <= 819; bin += 63, n++) {
        double f = rig->scene.carrier_hz + bin * rig->scene.rate_hz / N_BIN;
        double complex want = group == CHANNEL_STATIC ? exact_static(&rig->scene, a, b, f)
                                                      : exact_echo(rig, u, a, b, group, f);
        double complex got = rig->h[group * N_BIN + ((bin + N_BIN) % N_BIN)];
        worst = fmax(worst, cabs(got - want));
        power += creal(want) * creal(want) + cimag(want) * cimag(want);
    }
    return 20 * log10(worst / sqrt(power / n));
}

static void every_group_meets_the_exact_sum(void **state)
{
    (void)state;
    static const double places[][3] = {{2.1, 5.8, 1.1}, {5.5, 2.2, 1.7}, {4.0, 4.1, 0.9}};
    struct rig *rig = rig_create("lab", 7);
    for (size_t i = 0; i < 3; i++) {
        unsigned tx = (unsigned)i, rx = (unsigned)(3 - i);
        stand_at(rig, places[i][0], places[i][1], places[i][2]);
        assert_int_equal(channel_link(rig->channel, 0, tx, 0, rx, rig->h, rig->rate), 0x7f);
        for (int group = 0; group < CHANNEL_N_GROUP; group++) {
            double db = worst_db(rig, places[i], tx, rx, group);
            printf("place %zu, group %d: worst error in band %.1f dB\n", i, group, db);
            assert_true(db < -80);
        }
    }
    rig_destroy(rig);
}

static void user_links_meet_the_exact_sum(void **state)
{
    (void)state;
    const double u[3] = {3.3, 4.7, 1.3};
    struct rig *rig = rig_create("lab", 8);
    stand_at(rig, u[0], u[1], u[2]);
    struct exact_end p = {.at = u}, a = exact_antenna(&rig->scene, rig->scene.bs_rx.positions_m[1]);
    assert_int_equal(channel_link(rig->channel, 1, 0, 0, 1, rig->h, rig->rate), 0x2a);
    for (int bin = -800; bin <= 800; bin += 100) {
        double f = rig->scene.carrier_hz + bin * rig->scene.rate_hz / N_BIN;
        size_t at = (size_t)(bin + N_BIN) % N_BIN;
        double complex direct = exact_hop(&rig->scene, &p, &a, f);
        double complex second = exact_surface(&rig->scene, 1, rig->states[1], &p, &a, f);
        assert_true(cabs(rig->h[CHANNEL_MOVING * N_BIN + at] - direct) < 1e-4 * 1e-3);
        assert_true(cabs(rig->h[CHANNEL_RIS2_MOVING * N_BIN + at] - second) < 1e-4 * 1e-4);
    }
    rig_destroy(rig);
}

/* Swapping the ends of a hop changes nothing: base station to user and back share every path. */
static void links_are_reciprocal(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab", 9);
    memcpy(rig->scene.bs_tx.positions_m[0], rig->scene.bs_rx.positions_m[0], 3 * sizeof(double));
    channel_destroy(&rig->channel);
    struct status err;
    rig->channel = channel_create(&rig->scene, N_BIN, &err);
    assert_non_null(rig->channel);
    channel_set_profile(rig->channel, 0, rig->states[0]);
    stand_at(rig, 5.2, 3.1, 1.5);
    float complex *down = calloc(CHANNEL_N_GROUP * N_BIN, sizeof *down);
    assert_int_equal(channel_link(rig->channel, 0, 0, 1, 0, down, rig->rate), 0x2a);
    assert_int_equal(channel_link(rig->channel, 1, 0, 0, 0, rig->h, rig->rate), 0x2a);
    for (int group = 1; group <= 5; group += 2)
        assert_memory_equal(down + group * N_BIN, rig->h + group * N_BIN, N_BIN * sizeof *down);
    free(down);
    rig_destroy(rig);
}

static void a_flipped_profile_flips_the_sign(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab", 10);
    float complex *before = calloc(CHANNEL_N_GROUP * N_BIN, sizeof *before);
    stand_at(rig, 3, 3, 1);
    channel_link(rig->channel, 0, 0, 0, 0, before, rig->rate);
    for (int i = 0; i < SCENE_MAX_ELEMENTS; i++)
        rig->states[0][i] ^= 1;
    channel_set_profile(rig->channel, 0, rig->states[0]);
    channel_link(rig->channel, 0, 0, 0, 0, rig->h, rig->rate);
    static const float sign[CHANNEL_N_GROUP] = {1, 1, -1, -1, 1, 1, -1};
    for (int group = 0; group < CHANNEL_N_GROUP; group++)
        for (int i = 0; i < N_BIN; i += 17) {
            float complex want = sign[group] * before[group * N_BIN + i];
            assert_true(cabsf(rig->h[group * N_BIN + i] - want) <= 1e-5f * cabsf(want) + 1e-12f);
        }
    free(before);
    rig_destroy(rig);
}

/* The response of a band-limited room fits between AIR_MAX_PRE and AIR_MAX_POST. */
static void the_taper_keeps_the_response_short(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab", 11);
    stand_at(rig, 5.9, 5.9, 1);
    channel_link(rig->channel, 0, 0, 0, 0, rig->h, rig->rate);
    for (int group = 0; group < CHANNEL_N_GROUP; group++) {
        double inside = 0, outside = 0;
        for (int t = -N_BIN / 2; t < N_BIN / 2; t += 1) {
            if (t > -90 && t < 300 ? t % 3 : t % 16)
                continue;
            double complex sum = 0;
            for (int k = 0; k < N_BIN; k++)
                sum += rig->h[group * N_BIN + k] *
                       cexp(2 * M_PI * I * (double)((long)k * t % N_BIN) / N_BIN);
            double power = creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
            if (t > -90 && t < 300)
                inside = fmax(inside, power);
            else
                outside = fmax(outside, power);
        }
        assert_true(10 * log10(outside / inside) < -90);
        if (group == 0)
            break; /* the transform is slow; the static group has the strongest edge */
    }
    rig_destroy(rig);
}

static double turn_over(struct rig *rig, int group, double dt, double *residual_db)
{
    float complex *now = calloc(CHANNEL_N_GROUP * N_BIN, sizeof *now);
    const double t = 6.123;
    channel_move(rig->channel, t);
    channel_link(rig->channel, 0, 0, 0, 0, now, rig->rate);
    double rate = rig->rate[group], unused[CHANNEL_N_GROUP], error = 0, power = 0;
    channel_move(rig->channel, t + dt);
    channel_link(rig->channel, 0, 0, 0, 0, rig->h, unused);
    for (int bin = -800; bin <= 800; bin++) {
        size_t at = (size_t)(group * N_BIN + (bin + N_BIN) % N_BIN);
        double complex want = rig->h[at], got = now[at] * cexp(I * rate * dt);
        error += pow(cabs(got - want), 2);
        power += pow(cabs(want), 2);
    }
    free(now);
    *residual_db = 10 * log10(error / power);
    return rate;
}

/* Over half a burst (3 ms) the phase rate of a group carries the motion of its paths. */
static void phase_rates_follow_the_geometry(void **state)
{
    (void)state;
    struct rig *rig = rig_create("empty", 12);
    for (int group = CHANNEL_MOVING; group <= CHANNEL_CROSS; group++) {
        double residual;
        double rate = turn_over(rig, group, 3e-3, &residual);
        printf("group %d: %.1f Hz, residual after 3 ms %.1f dB\n", group, rate / (2 * M_PI),
               residual);
        if (group == CHANNEL_RIS1_STATIC || group == CHANNEL_RIS2_STATIC)
            assert_true(rate == 0);
        else
            assert_true(residual < -25);
    }
    rig_destroy(rig);
}

static void nobody_is_there_before_the_user_enters(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab", 13);
    channel_move(rig->channel, 3.49);
    assert_int_equal(channel_link(rig->channel, 0, 0, 0, 0, rig->h, rig->rate), 0x15);
    assert_int_equal(channel_link(rig->channel, 0, 0, 1, 0, rig->h, rig->rate), 0);
    assert_int_equal(channel_link(rig->channel, 1, 0, 1, 0, rig->h, rig->rate), 1);
    channel_move(rig->channel, 3.51);
    assert_int_equal(channel_link(rig->channel, 0, 0, 0, 0, rig->h, rig->rate), 0x7f);
    rig_destroy(rig);
}

static double fade_of(struct rig *rig, struct rig *plain, double time_s)
{
    channel_move(rig->channel, time_s);
    channel_move(plain->channel, time_s);
    channel_link(rig->channel, 0, 0, 1, 0, rig->h, rig->rate);
    channel_link(plain->channel, 0, 0, 1, 0, plain->h, plain->rate);
    double complex ratio = rig->h[CHANNEL_MOVING * N_BIN] / plain->h[CHANNEL_MOVING * N_BIN];
    return cabs(ratio);
}

/* K = 3: mean power 1, variance of the power (2 K + 1)/(K + 1)^2, constant within a cycle. */
static void rice_fading_has_its_moments(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab-rice", 14), *plain = rig_create("lab", 14);
    double sum = 0, squares = 0;
    const int n = 2000;
    for (int i = 0; i < n; i++) {
        double power = pow(fade_of(rig, plain, 4.05 + 0.2 * i), 2);
        sum += power;
        squares += power * power;
    }
    double mean = sum / n, variance = squares / n - mean * mean;
    assert_true(fabs(mean - 1) < 0.05);
    assert_true(fabs(variance - 7.0 / 16) < 0.07);
    assert_true(fabs(fade_of(rig, plain, 4.01) - fade_of(rig, plain, 4.19)) < 1e-6);
    assert_true(fabs(fade_of(rig, plain, 4.01) - fade_of(rig, plain, 4.21)) > 1e-6);
    rig_destroy(rig);
    rig_destroy(plain);
}

/* The room's responses may not outlast what a receiver of the air allows for. */
static void too_large_a_room_is_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_create("empty", 15);
    struct status err = {0};
    rig->scene.room_max_m[0] = 95; /* a diagonal of 95.4 m: 8 of them are 254.5 samples */
    struct channel *large = channel_create(&rig->scene, N_BIN, &err);
    assert_non_null(large);
    channel_destroy(&large);
    rig->scene.room_max_m[0] = 105;
    assert_null(channel_create(&rig->scene, N_BIN, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_non_null(strstr(err.text, "too large"));
    rig_destroy(rig);
}

/* One set of a lab burst, 1 TX x 4 RX and the user both ways: 1.2 ms of CPU in a release build,
 * five sets a cycle. The limit leaves instrumented builds their room. */
static void a_set_is_made_in_time(void **state)
{
    (void)state;
    struct rig *rig = rig_create("lab", 15);
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    const int n = 20;
    for (int i = 0; i < n; i++) {
        channel_move(rig->channel, 5 + 0.2 * i);
        for (unsigned rx = 0; rx < 4; rx++) {
            channel_link(rig->channel, 0, 0, 0, rx, rig->h, rig->rate);
            channel_link(rig->channel, 1, 0, 0, rx, rig->h, rig->rate);
        }
        channel_link(rig->channel, 0, 0, 1, 0, rig->h, rig->rate);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double ms = 1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec);
    printf("one set of 1 TX x 4 RX and the user both ways: %.2f ms\n", ms / n);
    assert_true(ms / n < 40);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_group_meets_the_exact_sum),
        cmocka_unit_test(user_links_meet_the_exact_sum),
        cmocka_unit_test(links_are_reciprocal),
        cmocka_unit_test(a_flipped_profile_flips_the_sign),
        cmocka_unit_test(the_taper_keeps_the_response_short),
        cmocka_unit_test(phase_rates_follow_the_geometry),
        cmocka_unit_test(nobody_is_there_before_the_user_enters),
        cmocka_unit_test(rice_fading_has_its_moments),
        cmocka_unit_test(too_large_a_room_is_refused),
        cmocka_unit_test(a_set_is_made_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
