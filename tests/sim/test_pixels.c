/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels of the room: when they break and heal, and what they do to the channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "sim/channel.h"
#include "sim/truth.h"

enum { N_BIN = 1024, N = 256, BROKEN = 100 };

struct rig {
    struct scene scene;
    struct channel *channel;
    uint8_t states[N];
    struct pixel pixels[N];
};

/* Response of one group on the user -> base station link. */
struct response {
    float complex h[CHANNEL_N_GROUP][N_BIN];
};

static struct rig *rig_create(void)
{
    struct status err = {0};
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(scene_load("lab", NULL, &rig->scene, &err), 0);
    rig->channel = channel_create(&rig->scene, N_BIN, &err);
    assert_non_null(rig->channel);
    for (size_t m = 0; m < N; m++) {
        rig->states[m] = (uint8_t)((m * 2654435761u >> 7) & 1);
        rig->pixels[m] = (struct pixel){1, -1};
    }
    channel_set_profile(rig->channel, 0, rig->states);
    channel_move(rig->channel, 10);
    return rig;
}

static void rig_destroy(struct rig *rig)
{
    channel_destroy(&rig->channel);
    free(rig);
}

static struct response *listen(struct rig *rig, unsigned from, unsigned to)
{
    struct response *r = calloc(1, sizeof *r);
    double rate[CHANNEL_N_GROUP];
    assert_non_null(r);
    channel_link(rig->channel, from, 0, to, 1, r->h[0], rate);
    return r;
}

/* Largest |a + s b - c| of a group over the band, over the largest |a|. */
static double misfit(const struct response *a, double complex s, const struct response *b,
                     const struct response *c, int group)
{
    double worst = 0, top = 0;
    for (int i = 0; i < N_BIN; i++) {
        worst = fmax(worst, cabs(a->h[group][i] + s * b->h[group][i] - c->h[group][i]));
        top = fmax(top, cabs((double complex)a->h[group][i]));
    }
    return worst / top;
}

/* All elements dead but one, all healthy, and that one broken: the channel is linear in them. */
static void a_biased_pixel_scales_its_own_share(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const double complex bias = 0.4 * cexp(I * 1.2);
    struct response *healthy = listen(rig, 1, 0);
    rig->pixels[BROKEN].factor = bias;
    channel_set_pixels(rig->channel, 0, rig->pixels);
    struct response *biased = listen(rig, 1, 0);
    for (size_t m = 0; m < N; m++)
        rig->pixels[m].factor = m == BROKEN;
    channel_set_pixels(rig->channel, 0, rig->pixels);
    struct response *alone = listen(rig, 1, 0);
    assert_true(misfit(healthy, bias - 1, alone, biased, CHANNEL_RIS1_MOVING) < 1e-5);
    assert_true(misfit(healthy, 0, alone, biased, CHANNEL_RIS1_MOVING) > 1e-3);
    assert_true(misfit(healthy, 0, alone, biased, CHANNEL_MOVING) < 1e-6);
    free(healthy);
    free(biased);
    free(alone);
    rig_destroy(rig);
}

/* What is stuck leaves the surface's group, which flips with the profile, for the fixed ones. */
static void a_stuck_pixel_does_not_flip(void **state)
{
    (void)state;
    static const int groups[2][2] = {{CHANNEL_RIS1_MOVING, CHANNEL_MOVING},
                                     {CHANNEL_RIS1_STATIC, CHANNEL_STATIC}};
    for (unsigned sender = 0; sender < 2; sender++) {
        const int follows = groups[sender == 0][0], stays = groups[sender == 0][1];
        struct rig *rig = rig_create();
        struct response *healthy = listen(rig, sender, 0);
        rig->pixels[BROKEN].stuck = rig->states[BROKEN];
        channel_set_pixels(rig->channel, 0, rig->pixels);
        struct response *stuck = listen(rig, sender, 0);
        rig->pixels[BROKEN] = (struct pixel){0, -1};
        channel_set_pixels(rig->channel, 0, rig->pixels);
        struct response *dead = listen(rig, sender, 0);
        assert_true(misfit(stuck, 0, dead, dead, follows) < 1e-6);
        /* healthy - dead in the one group is stuck - dead in the other. */
        double worst = 0, top = 0;
        for (int i = 0; i < N_BIN; i++) {
            double complex share = healthy->h[follows][i] - dead->h[follows][i];
            worst = fmax(worst, cabs(stuck->h[stays][i] - dead->h[stays][i] - share));
            top = fmax(top, cabs(share));
        }
        assert_true(top > 0 && worst < 2e-2 * top); /* floats of a group that is far stronger */
        free(healthy);
        free(stuck);
        free(dead);
        rig_destroy(rig);
    }
}

static void pixels_break_and_heal_on_time(void **state)
{
    (void)state;
    static const char text[] =
        "ris:\n"
        "  - name: r\n    board: b\n    position_m: [1, 1, 1]\n"
        "    normal: [1, 0, 0]\n    columns: 4\n    rows: 4\n"
        "    failures:\n"
        "      - {kind: dead, elements: [3, 5], at_s: 2, for_s: 4}\n"
        "      - {kind: stuck, state: 1, elements: [5], at_s: 3}\n"
        "      - {kind: biased, amplitude: 0.5, phase_rad: 1, block: [0, 2, 2, 2]}\n";
    static struct scene scene;
    struct status err = {0};
    struct pixel p[16];
    const char *const items[] = {"room.max_m=[4, 4, 3]", "bs.tx.positions_m=[[1, 2, 1]]",
                                 "bs.rx.positions_m=[[1, 3, 1]]"};
    const struct config_sets sets = {items, 3};
    const struct scene_options options = {.sets = &sets};
    if (scene_parse("t", text, sizeof text - 1, &options, &scene, &err))
        fail_msg("%s", err.text);
    const struct scene_ris *ris = &scene.ris[0];
    assert_int_equal(pixels_at(ris, 0, p), 4);
    assert_true(cabs(p[13].factor - 0.5 * cexp(I)) < 1e-12 && p[3].factor == 1);
    assert_int_equal(pixels_at(ris, 2, p), 6);
    assert_true(p[5].factor == 0 && p[5].stuck == -1);
    assert_int_equal(pixels_at(ris, 3, p), 6);
    assert_true(p[5].stuck == 1 && pixel_mask(&p[5]) == 0);
    assert_int_equal(pixels_at(ris, 6, p), 5);
    assert_true(p[3].factor == 1 && p[3].stuck == -1);
    assert_true(pixels_next(ris, 0) == 2 && pixels_next(ris, 2) == 3 && pixels_next(ris, 3) == 6);
    assert_true(isinf(pixels_next(ris, 6)));
}

static void the_truth_lists_them(void **state)
{
    (void)state;
    static struct scene scene;
    struct status err = {0};
    char text[512];
    const char *const items[] = {"ris[0].failures=[{elements: [7], at_s: 1}, {kind: biased, "
                                 "amplitude: 0.5, elements: [9]}]"};
    const struct config_sets sets = {items, 1};
    const struct scene_options options = {.sets = &sets};
    assert_int_equal(scene_load("lab", &options, &scene, &err), 0);
    assert_true(truth_write_pixels(&scene, 1, text, sizeof text) > 0);
    assert_non_null(strstr(text, "{\"board\":\"ris1\",\"elements\":[7,9],\"mask_re\":[0,0.5],"
                                 "\"mask_im\":[0,0]},{\"board\":\"ris2\",\"elements\":[],"));
    assert_true(truth_write_pixels(&scene, 0.9, text, sizeof text) > 0);
    assert_non_null(strstr(text, "\"elements\":[9],"));
    assert_int_equal(truth_write_pixels(&scene, 1, text, 40), ERR_NO_SPACE);
}

static void impossible_failures_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{kind: dead}", "names no pixel"},
        {"{elements: [256]}", "no element 256"},
        {"{block: [15, 0, 2, 1]}", "does not lie on"},
        {"{block: [1, 2]}", "does not lie on"},
        {"{kind: stuck, state: 2, elements: [1]}", "no state 2"},
    };
    static struct scene scene;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char set[128];
        struct status err = {0};
        snprintf(set, sizeof set, "ris[0].failures=[%s]", bad[i][0]);
        const char *const items[] = {set};
        const struct config_sets sets = {items, 1};
        const struct scene_options options = {.sets = &sets};
        assert_int_equal(scene_load("lab", &options, &scene, &err), ERR_ARG);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_biased_pixel_scales_its_own_share),
        cmocka_unit_test(a_stuck_pixel_does_not_flip),
        cmocka_unit_test(pixels_break_and_heal_on_time),
        cmocka_unit_test(the_truth_lists_them),
        cmocka_unit_test(impossible_failures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
