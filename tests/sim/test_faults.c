/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fault scripts: what is read, what is refused and how, random ones, clocks that run off, spoilt
 * mixers. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/faults.h"
#include "tests/sim/room_fixture.h"

static struct air_fault list[AIR_N_FAULT];

static int parse(const char *text, size_t *n, struct status *err)
{
    struct air_cfg cfg = quiet_cfg(0);
    return faults_parse("storm.yaml", text, strlen(text), &cfg, list, n, err);
}

static void defaults_and_ticks(void **state)
{
    (void)state;
    struct status err;
    size_t n;
    assert_int_equal(parse("faults:\n"
                           "  - {at_s: 1.5, what: overflow}\n"
                           "  - {at_s: 2, for_s: 0.5, radio: ue, what: late_tx, every: 3}\n"
                           "  - {at_s: 3, for_s: 1, boot_s: 2, what: device_gone}\n"
                           "  - {at_s: 4, channel: 3, what: lo_jump}\n",
                           &n, &err),
                     OK);
    assert_int_equal(n, 4);
    assert_int_equal(list[0].at_tick, 150000000);
    assert_true(list[0].until_tick == AIR_NEVER);
    assert_int_equal(list[0].count, 1);
    assert_int_equal(list[0].samples, 2000);
    assert_int_equal(list[1].radio, 1);
    assert_int_equal(list[1].count, 0);
    assert_int_equal(list[1].every, 3);
    assert_int_equal(list[2].until_tick, 600000000); /* when it can be found again */
    assert_int_equal(list[3].channel, 3);
    assert_true(list[3].value == 90);
}

static void refusals_say_where_and_what(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *says;
    } cases[] = {
        {"{at_s: 1, what: overflw}", "cannot be 'overflw', did you mean 'overflow'?"},
        {"{at_s: 1, what: earthquake}", "..."},
        {"{at_s: 1, what: overflow, db: 3}", "'overflow' has no db; remove it"},
        {"{at_s: 1, what: gain_step}", "'gain_step' needs db; add it"},
        {"{at_s: 1, what: no_pps}", "needs for_s"},
        {"{at_s: 1, what: late_tx, radio: eu}", "no radio 'eu'"},
        {"{at_s: 1, what: dead_channel, channel: 4}", "no receive channel 4; it has 0 to 3"},
        {"{at_s: -1, what: late_tx}", "at_s"},
        {"{what: late_tx}", "at_s"},
        {"{at_s: 1, what: late_tx, count: 0}", "1 or more"},
        {"{at_s: 1, what: time_jump, jump_s: 1, for_s: 2}", "'time_jump' has no for_s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        struct status err = {0};
        size_t n = 7;
        snprintf(text, sizeof text, "faults:\n  - {at_s: 1, what: no_ack}\n  - %s\n",
                 cases[i].entry);
        int rc = parse(text, &n, &err);
        if (rc != ERR_ARG || n != 0 || !strstr(err.text, cases[i].says) ||
            !strstr(err.text, "storm.yaml:"))
            fail_msg("case %zu: %d, '%s'", i, rc, err.text);
    }
}

/* Every random script is one that we accept, and each fault is over before its step is. */
static void random_scripts(void **state)
{
    (void)state;
    struct status err;
    uint32_t kinds, drawn = 0;
    assert_int_equal(faults_kinds("overflow,late_tx", &kinds, &err), OK);
    assert_int_equal(kinds, AIR_FAULT_BIT(OVERFLOW) | AIR_FAULT_BIT(LATE_TX));
    assert_int_equal(faults_kinds("overflow,latetx", &kinds, &err), ERR_ARG);
    assert_int_equal(faults_kinds("all", &kinds, &err), OK);
    for (unsigned seed = 1; seed <= 50; seed++) {
        char *text = NULL;
        size_t size = 0, n = 0;
        const struct fault_draw draw = {.n = 5,
                                        .seed = seed,
                                        .start_s = 2,
                                        .step_s = 3,
                                        .radio = "bs",
                                        .n_rx = 4,
                                        .kinds = kinds};
        FILE *out = open_memstream(&text, &size);
        assert_int_equal(faults_draw(&draw, out), 0);
        fclose(out);
        assert_int_equal(parse(text, &n, &err), OK);
        free(text);
        assert_int_equal(n, 5);
        for (size_t i = 0; i < n; i++) {
            int64_t begin = (int64_t)((2 + 3.0 * (double)i) * 100e6), end = begin + 300000000;
            drawn |= UINT32_C(1) << list[i].kind;
            assert_true(list[i].at_tick >= begin && list[i].at_tick < end);
            assert_true(list[i].until_tick <= end || list[i].until_tick == AIR_NEVER);
        }
    }
    assert_int_equal(drawn, kinds); /* 250 draws of 21 kinds */
}

/* Sample and tick belong to each other in, between and after two windows, in either direction. */
static void clocks_run_off(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(0);
    struct status err;
    cfg.radios[0].ppm = -2.3;
    struct air *air = air_create(&cfg, &err);
    assert_non_null(air);
    const struct air_fault faults[] = {
        {.kind = AIR_FAULT_REF_UNLOCKED,
         .at_tick = 1000000,
         .until_tick = 51000000,
         .value = 20,
         .every = 1},
        {.kind = AIR_FAULT_REF_UNLOCKED,
         .at_tick = 90000000,
         .until_tick = 190000000,
         .value = -35,
         .every = 1},
    };
    assert_int_equal(air_faults_set(air, faults, 2), OK);
    int64_t lead = air_tick_to_samp(air, 0, 300000000) - 300000000;
    assert_int_equal(lead, -690 + 1000 - 3500);
    assert_int_equal(air_tick_to_samp(air, 1, 300000000), 300000000);
    int64_t last = air_tick_to_samp(air, 0, 0);
    for (int64_t tick = 0; tick < 300000000; tick += 99991) {
        int64_t samp = air_tick_to_samp(air, 0, tick), back = air_samp_to_tick(air, 0, samp);
        assert_true(samp >= last);
        last = samp;
        assert_true(back <= tick && air_tick_to_samp(air, 0, back) == samp);
        assert_true(air_tick_to_samp(air, 0, back - 1) < samp);
    }
    air_destroy(&air);
}

/* A constant a on the air reads g a + dc in I and (sin p / g) a in Q; without a signal the offset
 * alone. */
static void spoilt_mixer(void **state)
{
    (void)state;
    struct air_cfg cfg = quiet_cfg(0);
    struct status err;
    cfg.radios[0].iq_gain_db = 2;
    cfg.radios[0].iq_phase_deg = 10;
    cfg.radios[0].dc_offset = 0.01;
    struct air *air = air_create(&cfg, &err);
    assert_non_null(air);
    struct air_front *front = air_front_create(air, 0);
    const unsigned channel = 0;
    const struct air_rx_cfg rc = {air, 0, front, 1, &channel};
    struct air_rx *rx = air_rx_create(&rc, &err);
    static int16_t ones[2 * 2000], got[2 * 8000];
    for (int i = 0; i < 2000; i++)
        ones[2 * i] = 32767;
    air_front_gain(front, 0, 0, 30);
    send_burst(air, 0, 0, 4000, ones, 2000, -6.0206);
    air_rx_start(rx, 0, 8000);
    int16_t *out[1] = {got};
    air_rx_read(rx, 0, 8000, out);
    double dc_re = got[0] / 32767.0, dc_im = got[1] / 32767.0, a = 0.5, g = pow(10.0, 2.0 / 40);
    double re = got[2 * 5000] / 32767.0, im = got[2 * 5000 + 1] / 32767.0;
    assert_true(fabs(hypot(dc_re, dc_im) - 0.01) < 1e-4);
    assert_true(fabs(re - dc_re - g * a) < 1e-3);
    assert_true(fabs(im - dc_im - sin(10 * M_PI / 180) / g * a) < 1e-3);
    air_rx_destroy(&rx);
    air_front_destroy(&front);
    air_destroy(&air);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_ticks), cmocka_unit_test(refusals_say_where_and_what),
        cmocka_unit_test(random_scripts),     cmocka_unit_test(clocks_run_off),
        cmocka_unit_test(spoilt_mixer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
