/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Absolute levels of the lab scene against the independent reference: medians over a 41 x 41 grid
 * of [2,6]^2 at z = 1.2, 15 dBm sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/channel.h"
#include "tests/sim/exact_room.h"

enum { N_GRID = 41, N_POINTS = N_GRID * N_GRID };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x)
{
    qsort(x, N_POINTS, sizeof *x, ascending);
    return x[N_POINTS / 2];
}

/* The reference counts elements with local x slow, ours with columns (local x) fast. */
static void wide_profile(const json_t *reference, int k, uint8_t states[256])
{
    const char *bits = json_string_value(
        json_object_get(json_object_get(reference, "lab_bits"), k ? "RIS2" : "RIS1"));
    assert_non_null(bits);
    for (int ix = 0; ix < 16; ix++)
        for (int iy = 0; iy < 16; iy++)
            states[iy * 16 + ix] = bits[ix * 16 + iy] == '1';
}

static double reference_median(const json_t *reference, const char *key)
{
    const json_t *level = json_object_get(json_object_get(reference, "lab_ris"), key);
    return json_number_value(json_object_get(level, "median"));
}

static void levels_agree_with_the_reference(void **state)
{
    (void)state;
    static struct scene scene;
    static double echo[N_POINTS], by[2][N_POINTS];
    static float complex h[CHANNEL_N_GROUP * 256];
    struct status err = {0};
    json_t *reference = json_load_file(TEST_DATA_DIR "/ris.json", 0, NULL);
    assert_non_null(reference);
    assert_int_equal(scene_load("empty", NULL, &scene, &err), 0);
    const double bs[3] = {0.5, 0.5, 2.2};
    memcpy(scene.bs_tx.positions_m[0], bs, sizeof bs); /* the reference sends from the centre */
    memcpy(scene.bs_rx.positions_m[0], bs, sizeof bs);
    scene.bs_antenna.floor = 1; /* ... through 6 dBi in every direction */
    struct channel *channel = channel_create(&scene, 256, &err);
    assert_non_null(channel);
    for (int k = 0; k < 2; k++) {
        uint8_t states[256];
        wide_profile(reference, k, states);
        channel_set_profile(channel, (size_t)k, states);
    }
    struct scene_path *path = &scene.users[0].paths[0];
    double factor = 10 * log10(4 * M_PI * pow(10, -0.3) * pow(5.8e9 / 299792458.0, 2));
    path->n_waypoints = 1;
    for (int i = 0; i < N_POINTS; i++) {
        double rate[CHANNEL_N_GROUP];
        path->waypoints_m[0][0] = 2 + 4.0 * (i / N_GRID) / (N_GRID - 1);
        path->waypoints_m[0][1] = 2 + 4.0 * (i % N_GRID) / (N_GRID - 1);
        path->waypoints_m[0][2] = 1.2;
        channel_move(channel, 10);
        channel_link(channel, 1, 0, 0, 0, h, rate);
        double hop = 20 * log10(cabsf(h[CHANNEL_MOVING * 256]));
        echo[i] = 15 + factor + 2 * hop;
        by[0][i] = 15 + factor + hop + 20 * log10(cabsf(h[CHANNEL_RIS1_MOVING * 256]));
        by[1][i] = 15 + factor + hop + 20 * log10(cabsf(h[CHANNEL_RIS2_MOVING * 256]));
    }
    double ours[3] = {median(echo), median(by[0]), median(by[1])};
    double theirs[3] = {reference_median(reference, "echo_abs_dBm"),
                        reference_median(reference, "RIS1_abs_dBm_wide_1bit"),
                        reference_median(reference, "RIS2_abs_dBm_wide_1bit")};
    printf("echo %.2f (%.2f), RIS1 %.2f (%.2f), RIS2 %.2f (%.2f) dBm\n", ours[0], theirs[0],
           ours[1], theirs[1], ours[2], theirs[2]);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(ours[i] - theirs[i]) < 0.2);
    channel_destroy(&channel);
    json_decref(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(levels_agree_with_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
