/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The simulated USRP through UHD's C API, on its private loopback: 2 TX, 2 RX at 10 MS/s, 30 dB of
 * attenuation. UHD_MODULE_PATH names the module's folder. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uhd.h>

#include <cmocka.h>

#include "tests/sim/uhd_fixture.h"

static float pulse[2 * 500];

/* A burst of 500 ones arrives after the start-up latency, on every channel, to the sample. */
static void test_loopback_burst(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 2, "spp=1000", "");
    for (int i = 0; i < 500; i++)
        pulse[2 * i] = 0.9f;
    uhd_usrp_set_tx_gain(r.usrp, 0.0, 0, "");
    uhd_usrp_set_rx_gain(r.usrp, 20.0, 0, "");
    uhd_usrp_set_rx_gain(r.usrp, 26.0, 1, "");
    int64_t t0 = now_ticks(&r) + 50000;
    assert_int_equal(send(&r, pulse, 500, t0, true), 500);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, t0 - 100, 3000);
    assert_int_equal(recv_some(&r, 40000, 1.0), 3000);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_NONE);
    assert_int_equal(ticks_of(&r), t0 - 100);
    bool eob = false;
    uhd_rx_metadata_end_of_burst(r.md, &eob);
    assert_true(eob);
    for (int i = 0; i < 3000; i++) {
        bool on = i >= 100 + LATENCY && i < 600 + LATENCY;
        assert_true(fabsf(rx0[2 * i] - (on ? 0.9f * 0.31623f : 0)) < 2e-3f);
        assert_true(fabsf(rx1[2 * i] - (on ? 0.9f * 0.63096f : 0)) < 2e-3f);
    }
    int64_t ack;
    assert_int_equal(async_event(&r, 1.0, &ack), UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK);
    assert_int_equal(ack, t0 + 500);
    close_radio(&r);
}

static void test_sc16(void **state)
{
    (void)state;
    struct radio r = open_radio("sc16", 1, "", "");
    static int16_t ones[2 * 300];
    for (int i = 0; i < 300; i++)
        ones[2 * i + 1] = -20000;
    uhd_usrp_set_rx_gain(r.usrp, 30.0, 0, "");
    int64_t t0 = now_ticks(&r) + 50000;
    assert_int_equal(send(&r, ones, 300, t0, true), 300);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, t0, 1000);
    assert_int_equal(recv_some(&r, 1000, 1.0), 1000);
    const int16_t *iq = (const int16_t *)rx0;
    for (int i = 0; i < 1000; i++)
        assert_true(abs(iq[2 * i + 1] - (i >= LATENCY && i < 300 + LATENCY ? -20000 : 0)) < 60);
    close_radio(&r);
}

/* Late stream command, time-out in room time, packets' metadata, stop of a continuous stream. */
static void test_receive_rules(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 2, "spp=1000", "");
    assert_int_not_equal(command(&r, UHD_STREAM_MODE_START_CONTINUOUS, -1, 0), UHD_ERROR_NONE);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, now_ticks(&r) + 1000, 10);
    assert_int_equal(recv_some(&r, 10, 1.0), 10);
    int64_t t0 = now_ticks(&r);
    assert_int_equal(recv_some(&r, 100, 0.05), 0);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_TIMEOUT);
    assert_int_equal(now_ticks(&r) - t0, 500000);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, t0, 100);
    assert_int_equal(recv_some(&r, 100, 0.1), 0);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_LATE_COMMAND);

    int64_t start = now_ticks(&r) + 5000;
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, start, 0);
    int64_t expect = start;
    for (int i = 0; i < 20; i++) {
        size_t n = 700 + 300 * (size_t)(i % 5);
        assert_int_equal(recv_some(&r, n, 0.5), n);
        assert_int_equal(ticks_of(&r), expect);
        expect += (int64_t)n;
    }
    command(&r, UHD_STREAM_MODE_STOP_CONTINUOUS, -1, 0);
    bool eob = false;
    for (int i = 0; i < 100 && !eob; i++) {
        assert_true(recv_some(&r, 1000, 0.1) > 0);
        uhd_rx_metadata_end_of_burst(r.md, &eob);
    }
    assert_true(eob);
    assert_int_equal(recv_some(&r, 1000, 0.01), 0);
    close_radio(&r);
}

/* Past: TIME_ERROR. Open end: UNDERFLOW. Then a fresh timed burst is acknowledged. */
static void test_transmit_errors(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 1, "underflow_policy=next_burst", "");
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, now_ticks(&r) + 20000, 10);
    assert_int_equal(recv_some(&r, 10, 1.0), 10);
    assert_int_equal(send(&r, pulse, 500, now_ticks(&r) - 1000, true), 500);
    assert_int_equal(async_event(&r, 0.1, NULL), UHD_ASYNC_METADATA_EVENT_CODE_TIME_ERROR);
    int64_t t0 = now_ticks(&r) + 20000, when;
    assert_int_equal(send(&r, pulse, 500, t0, false), 500);
    assert_int_equal(async_event(&r, 0.5, &when), UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW);
    assert_int_equal(when, t0 + 500);
    assert_int_equal(send(&r, pulse, 0, -1, true), 0);
    assert_int_equal(async_event(&r, 0.5, NULL), UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK);
    t0 = now_ticks(&r) + 20000;
    assert_int_equal(send(&r, pulse, 500, t0, true), 500);
    assert_int_equal(async_event(&r, 0.5, &when), UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK);
    assert_int_equal(when, t0 + 500);
    assert_int_equal(async_event(&r, 0.01, NULL), 0);
    close_radio(&r);
}

/* Ungated, a reader that sleeps loses samples and is told so; time stamps show the gap. */
static void test_overflow(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 1, "", ",gate=0");
    command(&r, UHD_STREAM_MODE_START_CONTINUOUS, -1, 0);
    assert_int_equal(recv_some(&r, 1000, 1.0), 1000);
    int64_t first = ticks_of(&r);
    struct timespec nap = {.tv_nsec = 300000000};
    nanosleep(&nap, NULL);
    assert_int_equal(recv_some(&r, 1000, 1.0), 0);
    assert_int_equal(error_of(&r), UHD_RX_METADATA_ERROR_CODE_OVERFLOW);
    assert_int_equal(recv_some(&r, 1000, 1.0), 1000);
    assert_true(ticks_of(&r) > first + 2000000);
    close_radio(&r);
}

/* Faults by device args: every second capture overflows, every second burst is late. */
static void test_faults(void **state)
{
    (void)state;
    struct radio r = open_radio(
        "fc32", 1, "", ",fault_overflow=2,fault_late_tx=2,fault_underflow=3,fault_ref_unlocked=1");
    for (int i = 0; i < 2; i++) {
        command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, now_ticks(&r) + 10000, 100);
        assert_int_equal(recv_some(&r, 100, 1.0), i ? 0 : 100);
        assert_int_equal(error_of(&r),
                         i ? UHD_RX_METADATA_ERROR_CODE_OVERFLOW : UHD_RX_METADATA_ERROR_CODE_NONE);
        send(&r, pulse, 500, now_ticks(&r) + 10000, true);
        assert_int_equal(async_event(&r, 0.1, NULL), i ? UHD_ASYNC_METADATA_EVENT_CODE_TIME_ERROR
                                                       : UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK);
    }
    int64_t t0 = now_ticks(&r) + 10000; /* the third burst underflows after its first packet */
    send(&r, pulse, 500, t0, false);
    send(&r, pulse, 500, -1, true);
    assert_int_equal(async_event(&r, 0.1, NULL), UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW);
    uhd_sensor_value_handle ref;
    bool locked = true;
    uhd_sensor_value_make_from_bool(&ref, "", true, "", "");
    assert_int_equal(uhd_usrp_get_mboard_sensor(r.usrp, "ref_locked", 0, &ref), UHD_ERROR_NONE);
    uhd_sensor_value_to_bool(ref, &locked);
    uhd_sensor_value_free(&ref);
    assert_false(locked);
    close_radio(&r);
}

/* One device of 32 + 32 channels, all of which hear port 31. */
static void test_many_channels(void **state)
{
    (void)state;
    enum { N = 2000 };
    uhd_usrp_handle usrp;
    assert_int_equal(uhd_usrp_make(&usrp, "type=room,channels=32,rate=1e6,serial=MANY"),
                     UHD_ERROR_NONE);
    struct radio r = {.usrp = usrp};
    size_t channels[32], last = 31, got = 0;
    for (size_t c = 0; c < 32; c++)
        channels[c] = c;
    uhd_stream_args_t sa = {"fc32", "sc16", "", channels, 32};
    uhd_stream_args_t one = {"fc32", "sc16", "", &last, 1};
    uhd_rx_streamer_make(&r.rx);
    uhd_tx_streamer_make(&r.tx);
    uhd_rx_metadata_make(&r.md);
    uhd_async_metadata_make(&r.async);
    assert_int_equal(uhd_usrp_get_rx_stream(usrp, &sa, r.rx), UHD_ERROR_NONE);
    assert_int_equal(uhd_usrp_get_tx_stream(usrp, &one, r.tx), UHD_ERROR_NONE);
    float *data = calloc(32, N * 2 * sizeof *data);
    void *bufs[32];
    for (size_t c = 0; c < 32; c++)
        bufs[c] = data + c * N * 2;
    uhd_rx_streamer_recv(r.rx, bufs, 1, &r.md, 0.0, false, &got);
    int64_t full;
    double frac;
    uhd_usrp_get_time_now(usrp, 0, &full, &frac);
    uhd_stream_cmd_t cmd = {UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, N, false, full, frac + 0.01};
    uhd_tx_metadata_handle md;
    static const float ones[2 * 1000] = {[0 ... 1999] = 0.5f};
    const void *tx[1] = {ones};
    uhd_tx_metadata_make(&md, true, full, frac + 0.01, true, true);
    uhd_tx_streamer_send(r.tx, tx, 1000, &md, 1.0, &got);
    uhd_tx_metadata_free(&md);
    assert_int_equal(got, 1000);
    uhd_rx_streamer_issue_stream_cmd(r.rx, &cmd);
    uhd_rx_streamer_recv(r.rx, bufs, N, &r.md, 1.0, false, &got);
    assert_int_equal(got, N);
    for (size_t c = 0; c < 32; c++)
        for (size_t i = 0; i < N; i++)
            assert_true(fabsf(data[2 * (c * N + i)] -
                              (i >= LATENCY && i < LATENCY + 1000 ? 0.0158f : 0)) < 2e-3f);
    free(data);
    close_radio(&r);
}

/* A timed gain change takes hold on its sample; timed GPIO shows in the read-back after its time.
 */
static void test_timed_commands(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 1, "", "");
    static float ones[2 * 4000];
    for (int i = 0; i < 4000; i++)
        ones[2 * i] = 0.5f;
    uint32_t level = 7;
    uhd_usrp_set_gpio_attr(r.usrp, "FP0", "CTRL", 0, 1, 0);
    uhd_usrp_set_gpio_attr(r.usrp, "FP0", "DDR", 1, 1, 0);
    uhd_usrp_set_rx_gain(r.usrp, 20.0, 0, "");
    int64_t t0 = now_ticks(&r) + 50000, change = t0 + 2000;
    uhd_usrp_set_command_time(r.usrp, change / (int64_t)RATE,
                              (double)(change % (int64_t)RATE) / RATE, 0);
    uhd_usrp_set_rx_gain(r.usrp, 26.0, 0, "");
    uhd_usrp_set_gpio_attr(r.usrp, "FP0", "OUT", 1, 1, 0);
    uhd_usrp_clear_command_time(r.usrp, 0);
    uhd_usrp_get_gpio_attr(r.usrp, "FP0", "READBACK", 0, &level);
    assert_int_equal(level, 0);
    assert_int_equal(send(&r, ones, 4000, t0, true), 4000);
    command(&r, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, t0, 4000);
    assert_int_equal(recv_some(&r, 4000, 1.0), 4000);
    assert_true(fabsf(rx0[2 * 1999] - 0.158f) < 2e-3f);
    assert_true(fabsf(rx0[2 * 2000] - 0.315f) < 2e-3f);
    uhd_usrp_get_gpio_attr(r.usrp, "FP0", "READBACK", 0, &level);
    assert_int_equal(level, 1);
    close_radio(&r);
}

static void test_next_pps(void **state)
{
    (void)state;
    struct radio r = open_radio("fc32", 1, "", "");
    uhd_usrp_set_time_next_pps(r.usrp, 100, 0.0, 0);
    struct timespec nap = {.tv_sec = 1, .tv_nsec = 200000000};
    nanosleep(&nap, NULL);
    int64_t full;
    double frac;
    uhd_usrp_get_time_last_pps(r.usrp, 0, &full, &frac);
    assert_true(full >= 100 && full < 110);
    assert_true(fabs(frac) < 1e-9);
    assert_true(now_ticks(&r) >= 100 * (int64_t)RATE);
    close_radio(&r);
}

static void test_refusals(void **state)
{
    (void)state;
    uhd_usrp_handle usrp;
    assert_int_not_equal(uhd_usrp_make(&usrp, "type=room,room=no-such-room"), UHD_ERROR_NONE);
    uhd_string_vector_handle found;
    size_t n = 9;
    uhd_string_vector_make(&found);
    uhd_usrp_find("type=room,room=no-such-room", &found);
    uhd_string_vector_size(found, &n);
    uhd_string_vector_free(&found);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_burst), cmocka_unit_test(test_sc16),
        cmocka_unit_test(test_receive_rules),  cmocka_unit_test(test_transmit_errors),
        cmocka_unit_test(test_overflow),       cmocka_unit_test(test_faults),
        cmocka_unit_test(test_timed_commands), cmocka_unit_test(test_next_pps),
        cmocka_unit_test(test_many_channels),  cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
