/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every kind of a fault script, as a UHD program meets it on a loopback. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/uhd_fixture.h"

#define S(x) ((int64_t)((x)*RATE))

static char script_path[64];

/* A loopback that obeys the script; its time waits for this thread and jumps from event to event.
 */
static struct radio open_with(const char *script, size_t n_rx)
{
    char extra[128];
    snprintf(script_path, sizeof script_path, "/tmp/mirador-faults-XXXXXX");
    int fd = mkstemp(script_path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f, "faults:\n%s", script);
    fclose(f);
    snprintf(extra, sizeof extra, ",speed=0,faults=%s", script_path);
    return open_radio("fc32", n_rx, "", extra);
}

static void finish(struct radio *r)
{
    close_radio(r);
    unlink(script_path);
}

/* Waits in recv, where nothing comes. */
static void go_to(struct radio *r, int64_t tick)
{
    int64_t now = now_ticks(r);
    assert_true(now < tick);
    assert_int_equal(recv_some(r, 1, ((double)(tick - now) + 0.5) / RATE), 0);
}

static void expect(const struct radio *r, size_t want, size_t got, int64_t tick)
{
    assert_int_equal(recv_some(r, want, 1.0), got);
    assert_int_equal(error_of(r), UHD_RX_METADATA_ERROR_CODE_NONE);
    assert_int_equal(ticks_of(r), tick);
}

static void expect_overflow(const struct radio *r, int64_t tick, bool sequence)
{
    bool out = !sequence;
    assert_int_equal(recv_some(r, 100, 1.0), 0);
    assert_int_equal(error_of(r), UHD_RX_METADATA_ERROR_CODE_OVERFLOW);
    assert_int_equal(ticks_of(r), tick);
    uhd_rx_metadata_out_of_sequence(r->md, &out);
    assert_int_equal(out, sequence);
}

static void expect_nothing(const struct radio *r)
{
    assert_int_equal(recv_some(r, 100, 0.1), 0);
    assert_int_equal(error_of(r), UHD_RX_METADATA_ERROR_CODE_TIMEOUT);
}

/* --- receiver --------------------------------------------------------------------------------- */

/* In an endless stream: good samples, the error, the stream goes on after exactly the gap. */
static void overflow_in_a_stream(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: overflow, samples: 3000}\n"
                               "  - {at_s: 5.002, what: sequence, samples: 77}\n",
                               2);
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, S(4.999), 0);
    go_to(&r, S(4.99));
    expect(&r, 40000, 10000, S(4.999));
    expect_overflow(&r, S(5), false);
    expect(&r, 40000, 17000, S(5) + 3000);
    expect_overflow(&r, S(5.002), true);
    expect(&r, 1000, 1000, S(5.002) + 77);
    finish(&r);
}

/* Due before the capture begins: strikes after_samps into it, at most to its end. */
static void overflow_in_a_capture(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: overflow, samples: 500, after_samps: 1000}\n"
                               "  - {at_s: 5, what: overflow, samples: 999999}\n",
                               1);
    go_to(&r, S(5.5));
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(6), 4000);
    expect(&r, 40000, 1000, S(6));
    expect_overflow(&r, S(6) + 1000, false);
    expect(&r, 40000, 2500, S(6) + 1500);
    bool end = false;
    uhd_rx_metadata_end_of_burst(r.md, &end);
    assert_true(end);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(6.1), 100);
    expect_overflow(&r, S(6.1), false);
    expect_nothing(&r);
    finish(&r);
}

static void stream_that_stops(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: overflow_stop}\n"
                               "  - {at_s: 6, what: overflow_stop, silent: yes}\n",
                               1);
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, S(5) - 50, 0);
    go_to(&r, S(4.9));
    expect(&r, 1000, 50, S(5) - 50);
    expect_overflow(&r, S(5), false);
    expect_nothing(&r);
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, S(6) - 20, 0);
    go_to(&r, S(5.9));
    assert_int_equal(recv_some(&r, 1000, 0.2), 20); /* waits for more until its time is up */
    assert_int_equal(ticks_of(&r), S(6) - 20);
    expect_nothing(&r);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(7), 30);
    go_to(&r, S(6.9));
    expect(&r, 1000, 30, S(7));
    finish(&r);
}

static void short_recv_loses_nothing(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: short_recv, samples: 7}\n", 1);
    go_to(&r, S(5.5));
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(6), 4000);
    go_to(&r, S(5.95));
    expect(&r, 4000, 7, S(6));
    expect(&r, 4000, 3993, S(6) + 7);
    finish(&r);
}

static void stream_commands(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: drop_stream_cmd}\n"
                               "  - {at_s: 5.15, what: late_stream_cmd}\n",
                               1);
    go_to(&r, S(5));
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.1), 100);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.2), 100);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.3), 100);
    assert_int_equal(recv_some(&r, 100, 0.01), 0);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_LATE_COMMAND);
    assert_int_equal(ticks_of(&r), S(5.2));
    assert_int_equal(recv_some(&r, 100, 0.5), 100);
    assert_int_equal(ticks_of(&r), S(5.3));
    finish(&r);
}

/* A command is found late when its turn comes: the capture before it is whole. */
static void late_in_its_turn(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5.15, what: late_stream_cmd}\n", 1);
    go_to(&r, S(5));
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.1), 100);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.2), 100);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.3), 100);
    assert_int_equal(recv_some(&r, 100, 0.5), 100);
    assert_int_equal(ticks_of(&r), S(5.1));
    assert_int_equal(recv_some(&r, 100, 0.5), 0);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_LATE_COMMAND);
    assert_int_equal(ticks_of(&r), S(5.2));
    assert_int_equal(recv_some(&r, 100, 0.5), 100);
    assert_int_equal(ticks_of(&r), S(5.3));
    finish(&r);
}

/* --- transmitter ------------------------------------------------------------------------------ */

static int event_of_burst(struct radio *r, int64_t at, int64_t *when)
{
    static float ones[2 * 3000];
    for (int i = 0; i < 3000; i++)
        ones[2 * i] = 0.5f;
    assert_int_equal(send(r, ones, 3000, at, true), 3000);
    return async_event(r, 0.2, when);
}

static void bursts(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5.0, what: late_tx}\n"
                               "  - {at_s: 5.2, what: underflow, after_samps: 1200}\n"
                               "  - {at_s: 5.4, what: underflow_in_packet, after_samps: 10}\n"
                               "  - {at_s: 5.6, what: tx_sequence, after_samps: 99}\n"
                               "  - {at_s: 5.8, what: no_ack}\n",
                               1);
    const int codes[] = {UHD_ASYNC_METADATA_EVENT_CODE_TIME_ERROR,
                         UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW,
                         UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW_IN_PACKET,
                         UHD_ASYNC_METADATA_EVENT_CODE_SEQ_ERROR_IN_BURST,
                         0,
                         UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK};
    const int64_t breaks[] = {0, 1200, 10, 99, 0, 3000};
    go_to(&r, S(4.9));
    for (int i = 0; i < 6; i++) {
        int64_t at = S(5.0) + i * S(0.2) + 10000, when = 0;
        if (now_ticks(&r) < at - 50000)
            go_to(&r, at - 50000);
        assert_int_equal(event_of_burst(&r, at, &when), codes[i]);
        if (breaks[i])
            assert_int_equal(when, at + breaks[i]);
    }
    finish(&r);
}

/* A burst that breaks off is on the air up to there and not beyond. */
static void broken_burst_on_the_air(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: underflow, after_samps: 1200}\n", 1);
    static float ones[2 * 3000];
    for (int i = 0; i < 3000; i++)
        ones[2 * i] = 0.5f;
    uhd_usrp_set_rx_gain(r.usrp, 30.0, 0, "");
    go_to(&r, S(4.99));
    assert_int_equal(send(&r, ones, 3000, S(5), true), 3000);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5), 4000);
    assert_int_equal(recv_some(&r, 4000, 0.1), 4000);
    for (int i = 0; i < 4000; i++)
        assert_true(fabsf(rx0[2 * i] - (i >= LATENCY && i < LATENCY + 1200 ? 0.5f : 0)) < 2e-3f);
    finish(&r);
}

/* --- channels --------------------------------------------------------------------------------- */

/* Both channels hear 0.5 from S(5) on for 30000 samples; the fault begins at 10000 and ends at
 * 20000. Means over samples [a, b). */
static void hear(struct radio *r)
{
    static float ones[2 * 30000];
    for (int i = 0; i < 30000; i++)
        ones[2 * i] = 0.5f;
    for (size_t c = 0; c < 2; c++)
        uhd_usrp_set_rx_gain(r->usrp, 30.0, c, "");
    go_to(r, S(4.99));
    assert_int_equal(send(r, ones, 30000, S(5) - LATENCY, true), 30000);
    command(r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5), 30000);
    assert_int_equal(recv_some(r, 30000, 0.1), 30000);
}

static void check_mean(const float *rx, int a, int b, float re, float im)
{
    for (int i = a; i < b; i++) {
        assert_true(fabsf(rx[2 * i] - re) < 3e-3f);
        assert_true(fabsf(rx[2 * i + 1] - im) < 3e-3f);
    }
}

static void channel_fault(const char *script, float re, float im)
{
    struct radio r = open_with(script, 2);
    hear(&r);
    check_mean(rx0, 0, 30000, 0.5f, 0);
    check_mean(rx1, 0, 10000, 0.5f, 0);
    check_mean(rx1, 10000, 20000, re, im);
    check_mean(rx1, 20000, 30000, 0.5f, 0);
    finish(&r);
}

static void channels(void **state)
{
    (void)state;
    channel_fault("  - {at_s: 5.001, for_s: 0.001, channel: 1, what: dead_channel}\n", 0, 0);
    channel_fault("  - {at_s: 5.001, for_s: 0.001, channel: 1, what: gain_step, db: 3}\n", 0.7063f,
                  0);
    channel_fault("  - {at_s: 5.001, for_s: 0.001, channel: 1, what: lo_jump}\n", 0, 0.5f);
    channel_fault("  - {at_s: 5.001, for_s: 0.001, channel: 1, what: clipping, db: 20}\n", 0.1f, 0);
}

static void drifting_phase_stays(void **state)
{
    (void)state;
    struct radio r = open_with(
        "  - {at_s: 5.001, for_s: 0.001, channel: 1, what: phase_drift, deg_per_s: 3600}\n", 2);
    hear(&r);
    check_mean(rx0, 0, 30000, 0.5f, 0);
    check_mean(rx1, 0, 10000, 0.5f, 0);
    for (int i = 10000; i < 30000; i += 500) {
        double deg = 3.6 * fmin((i - 10000) / 10000.0, 1.0);
        double is = atan2(rx1[2 * i + 1], rx1[2 * i]) * 180 / M_PI;
        assert_true(fabs(is - deg) < 0.6); /* held for a block of 1536 samples, and noise */
    }
    finish(&r);
}

/* --- commands, clocks ------------------------------------------------------------------------- */

static void late_command_executes_at_once(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: late_command}\n", 1);
    go_to(&r, S(4.9));
    uhd_usrp_set_gpio_attr(r.usrp, "FP0", "CTRL", 0, 1, 0);
    uhd_usrp_set_gpio_attr(r.usrp, "FP0", "DDR", 1, 1, 0);
    for (int i = 0; i < 2; i++) { /* the first one too early, the second one in time */
        uint32_t level = 9, value = i == 0;
        uhd_usrp_set_command_time(r.usrp, 5, 0.5, 0);
        uhd_usrp_set_gpio_attr(r.usrp, "FP0", "OUT", value, 1, 0);
        uhd_usrp_clear_command_time(r.usrp, 0);
        uhd_usrp_get_gpio_attr(r.usrp, "FP0", "READBACK", 0, &level);
        assert_int_equal(level, 1);
    }
    finish(&r);
}

static bool locked(struct radio *r)
{
    bool is = false;
    uhd_sensor_value_handle ref;
    uhd_sensor_value_make_from_bool(&ref, "", false, "", "");
    assert_int_equal(uhd_usrp_get_mboard_sensor(r->usrp, "ref_locked", 0, &ref), UHD_ERROR_NONE);
    uhd_sensor_value_to_bool(ref, &is);
    uhd_sensor_value_free(&ref);
    return is;
}

static double last_pps_s(struct radio *r)
{
    int64_t full;
    double frac;
    uhd_usrp_get_time_last_pps(r->usrp, 0, &full, &frac);
    return (double)full + frac;
}

/* 50 ppm for two seconds: the device's clock is 100 us ahead of the PPS edges from then on. */
static void reference_away(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, for_s: 2, what: ref_unlocked, ppm: 50}\n", 1);
    go_to(&r, S(4.9));
    assert_true(locked(&r));
    go_to(&r, S(6.5));
    assert_false(locked(&r));
    assert_true(fabs(last_pps_s(&r) - 6.00005) < 1e-6);
    go_to(&r, S(9.5));
    assert_true(locked(&r));
    assert_true(fabs(last_pps_s(&r) - 9.0001) < 1e-6);
    finish(&r);
}

static void no_pps(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5.5, for_s: 3, what: no_pps}\n", 1);
    go_to(&r, S(7.5));
    assert_true(last_pps_s(&r) == 5);
    uhd_usrp_set_time_next_pps(r.usrp, 100, 0.0, 0);
    go_to(&r, S(8.5));
    assert_true(now_ticks(&r) < S(10)); /* edges 8 is missing too */
    assert_true(last_pps_s(&r) == 5);
    assert_int_equal(recv_some(&r, 1, 1.0), 0);
    assert_int_equal(now_ticks(&r), S(100.5));
    assert_true(last_pps_s(&r) == 100);
    finish(&r);
    r = open_with("  - {at_s: 0, for_s: 1e6, what: no_pps}\n", 1);
    assert_int_not_equal(uhd_usrp_set_time_unknown_pps(r.usrp, 0, 0.0), UHD_ERROR_NONE);
    finish(&r);
}

static void time_jumps(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, what: time_jump, jump_s: 0.25}\n"
                               "  - {at_s: 6, what: time_jump, jump_s: -1}\n",
                               1);
    go_to(&r, S(4.9));
    assert_int_equal(recv_some(&r, 1, 0.2), 0);
    assert_int_equal(now_ticks(&r), S(5.35));
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, S(5.5), 100);
    assert_int_equal(recv_some(&r, 100, 0.2), 100);
    assert_int_equal(ticks_of(&r), S(5.5));
    assert_int_equal(recv_some(&r, 1, 1.0), 0);
    assert_true(now_ticks(&r) < S(5.6));
    finish(&r);
}

/* Every call fails once the device is gone, and goes on failing on this handle. */
static void device_gone(void **state)
{
    (void)state;
    struct radio r = open_with("  - {at_s: 5, for_s: 0.5, what: device_gone}\n", 1);
    float sample[2] = {0};
    void *bufs[1] = {rx0};
    const void *cbufs[1] = {sample};
    size_t got = 0;
    int64_t full;
    double frac;
    bool valid;
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, S(5) - 5000, 0);
    go_to(&r, S(4.99));
    expect(&r, 700, 700, S(5) - 5000); /* what is on its way is lost */
    assert_int_equal(uhd_rx_streamer_recv(r.rx, bufs, 40000, &r.md, 0.1, false, &got),
                     UHD_ERROR_IO);
    assert_int_equal(uhd_usrp_get_time_now(r.usrp, 0, &full, &frac), UHD_ERROR_IO);
    assert_int_equal(command(&r, UHD_STREAM_MODE_START_CONTINUOUS, -1, 0), UHD_ERROR_IO);
    assert_int_equal(uhd_tx_streamer_recv_async_msg(r.tx, &r.async, 0.1, &valid), UHD_ERROR_IO);
    assert_int_equal(uhd_usrp_set_rx_gain(r.usrp, 3, 0, ""), UHD_ERROR_IO);
    uhd_tx_metadata_handle md;
    uhd_tx_metadata_make(&md, false, 0, 0, true, true);
    assert_int_equal(uhd_tx_streamer_send(r.tx, cbufs, 1, &md, 0.1, &got), UHD_ERROR_IO);
    uhd_tx_metadata_free(&md);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflow_in_a_stream),
        cmocka_unit_test(overflow_in_a_capture),
        cmocka_unit_test(stream_that_stops),
        cmocka_unit_test(short_recv_loses_nothing),
        cmocka_unit_test(stream_commands),
        cmocka_unit_test(late_in_its_turn),
        cmocka_unit_test(bursts),
        cmocka_unit_test(broken_burst_on_the_air),
        cmocka_unit_test(channels),
        cmocka_unit_test(drifting_phase_stays),
        cmocka_unit_test(late_command_executes_at_once),
        cmocka_unit_test(reference_away),
        cmocka_unit_test(no_pps),
        cmocka_unit_test(time_jumps),
        cmocka_unit_test(device_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
