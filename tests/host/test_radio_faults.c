/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the radio makes of a device that misbehaves: exact counts, marked blocks, and a next block
 * that is whole again. Against the simulated USRP without a room. */
#include "host/clock.h"
#include "host/radio_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RATE = 10000000, BURST = 5000, WINDOW = 12000, PERIOD = RATE / 20, LEAD = 1000 };

static struct sc16 tx[BURST], rx[2][WINDOW];

static struct radio_cfg setting(const char *args, enum radio_capture_mode capture, bool paced)
{
    static char text[200];
    snprintf(text, sizeof text, "type=room%s", args);
    return (struct radio_cfg){
        .args = text,
        .rate_hz = RATE,
        .carrier_hz = 5.8e9,
        .tx_gain_db = 20,
        .rx_gain_db = 20,
        .n_tx = 1,
        .n_rx = 2,
        .rx_channels = {0, 1},
        .max_eirp_dbm = 30,
        .trigger = {.enable = true},
        .capture = capture,
        .paced = paced,
    };
}

static struct radio *open_as(const struct radio_cfg *cfg)
{
    struct status err;
    struct radio *radio = radio_open(cfg, &err);
    if (!radio)
        fail_msg("%s", err.text);
    return radio;
}

static struct radio *open_paced(const char *args, enum radio_capture_mode capture, bool paced)
{
    const struct radio_cfg cfg = setting(args, capture, paced);
    return open_as(&cfg);
}

static struct radio *open_with(const char *args, enum radio_capture_mode capture)
{
    return open_paced(args, capture, false);
}

static struct radio_counters counters(struct radio *radio)
{
    struct radio_counters n;
    radio_counters(radio, &n);
    return n;
}

struct outcome {
    int rc;
    struct radio_block first, second;
    uint32_t tx;
};

/* A cycle as the daemon has it: two captures asked for at once, and a burst in the first. */
static struct outcome cycle_of(struct radio *radio, int64_t start, size_t n_second)
{
    struct outcome o = {0};
    struct sc16 *buf[] = {rx[0], rx[1]};
    const struct sc16 *out[] = {tx};
    assert_int_equal(radio_watch(radio) & FAULT_RADIO_DOWN, 0);
    assert_int_equal(radio_rx_request(radio, start, WINDOW), OK);
    assert_int_equal(radio_rx_request(radio, start + 50000, n_second), OK);
    assert_int_equal(radio_tx_burst(radio, start + LEAD, out, BURST), OK);
    o.rc = radio_rx_read(radio, start, WINDOW, buf, 0.01, &o.first);
    o.tx = radio_tx_settle(radio);
    (void)!radio_rx_read(radio, start + 50000, n_second, buf, 0.01, &o.second);
    return o;
}

static struct outcome cycle(struct radio *radio, int64_t start)
{
    return cycle_of(radio, start, WINDOW);
}

/* Time runs freely until somebody receives, and a busy machine may hold us up until then. */
static int64_t begin(struct radio *radio)
{
    int64_t now;
    assert_int_equal(radio_now(radio, &now), OK);
    return now + RATE / 5;
}

/* Of n cycles, which were touched (bit i: cycle i) and by what. */
static uint32_t run(struct radio *radio, unsigned n, uint32_t *faults)
{
    uint32_t touched = 0;
    int64_t start = begin(radio);
    *faults = 0;
    for (unsigned i = 0; i < n; i++, start += PERIOD) {
        struct outcome o = cycle(radio, start);
        uint32_t all = o.first.faults | o.second.faults | o.tx;
        touched |= all ? 1u << i : 0;
        *faults |= all;
    }
    return touched;
}

static void nothing_is_touched_without_a_fault(void **state)
{
    (void)state;
    for (enum radio_capture_mode mode = RADIO_GATED; mode <= RADIO_CONTINUOUS; mode++) {
        uint32_t faults;
        struct radio *radio = open_with("", mode);
        assert_int_equal(run(radio, 5, &faults), 0);
        const struct radio_counters n = counters(radio), none = {.tx_bursts = 5, .tx_acks = 5};
        assert_memory_equal(&n, &none, sizeof n);
        radio_close(&radio);
    }
}

static void a_dropped_command_costs_its_block_only(void **state)
{
    (void)state;
    uint32_t faults;
    struct radio *radio = open_with(",fault_drop_stream_cmd=3", RADIO_GATED);
    /* commands 3, 6, 9 of two a cycle: cycles 1, 2, 4 */
    assert_int_equal(run(radio, 5, &faults), 1u << 1 | 1u << 2 | 1u << 4);
    assert_int_equal(faults & ~(uint32_t)FAULT_RX_GAP, FAULT_RX_LOST);
    assert_int_equal(counters(radio).rx_gaps, 3);
    assert_int_equal(counters(radio).rx_gap_samps, 3 * WINDOW);
    radio_close(&radio);
}

static void late_bursts_are_told_before_the_cycle_is_used(void **state)
{
    (void)state;
    uint32_t faults;
    struct radio *radio = open_with(",fault_late_tx=3", RADIO_GATED);
    assert_int_equal(run(radio, 7, &faults), 1u << 2 | 1u << 5);
    assert_int_equal(faults, FAULT_TX_LATE);
    assert_int_equal(counters(radio).tx_lates, 2);
    assert_int_equal(counters(radio).tx_unacked, 0);
    radio_close(&radio);
}

static void overflows_and_lost_packets_are_counted(void **state)
{
    (void)state;
    uint32_t faults;
    struct radio *radio = open_with(",fault_overflow=4", RADIO_GATED);
    uint32_t touched = run(radio, 6, &faults);
    struct radio_counters n = counters(radio);
    assert_true(touched != 0 && touched != 0x3f);
    assert_true(n.rx_overflows > 0 && n.rx_gaps == n.rx_overflows);
    assert_int_equal(n.rx_gap_samps, n.rx_gaps * 2000); /* what the room loses each time */
    assert_int_equal(n.rx_sequence_errors, 0);
    radio_close(&radio);
    radio = open_with(",fault_sequence=4", RADIO_GATED);
    run(radio, 6, &faults);
    n = counters(radio);
    assert_true(n.rx_sequence_errors > 0 && n.rx_gaps == n.rx_sequence_errors);
    assert_int_equal(n.rx_overflows, 0);
    radio_close(&radio);
}

/* file: [32] */
static void write_script(char *file, const char *fault)
{
    strcpy(file, "/tmp/mirador-radio-XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    dprintf(fd, "faults:\n  - {%s}\n", fault);
    close(fd);
}

static struct radio *open_scripted(const char *fault, enum radio_capture_mode capture, bool paced)
{
    char path[32], args[64];
    write_script(path, fault);
    snprintf(args, sizeof args, ",gate=%d,faults=%s", !paced, path);
    struct radio *radio = open_paced(args, capture, paced);
    unlink(path);
    return radio;
}

static struct radio *open_silent(int after_samps)
{
    char fault[100];
    snprintf(fault, sizeof fault,
             "at_s: 0, radio: bs, what: overflow_stop, silent: yes, after_samps: %d", after_samps);
    return open_scripted(fault, RADIO_GATED, false);
}

/* From the first sample on, within the first packet, behind it, in what is read apart at the end;
 * followed by a capture that fits into the rest or does not. */
static void the_rest_of_a_capture_that_falls_silent_is_counted(void **state)
{
    (void)state;
    static const int heard[] = {0, 1000, 5000, WINDOW - 20}, next[] = {3000, WINDOW};
    for (int i = 0; i < 8; i++) {
        const int n_heard = heard[i % 4], n_next = next[i / 4];
        struct radio *radio = open_silent(n_heard);
        struct outcome o = cycle_of(radio, begin(radio), n_next);
        const struct radio_counters n = counters(radio);
        assert_int_equal(o.first.faults, FAULT_RX_GAP | FAULT_RX_LOST);
        assert_int_equal(o.first.n_valid, n_heard);
        assert_int_equal(o.second.faults & ~(uint32_t)FAULT_RX_LOST, 0);
        assert_int_equal(n.rx_timeouts, 0); /* the second capture came, wherever */
        assert_int_equal(n.rx_overflows, 0);
        assert_int_equal(n.time_jumps, 0);
        assert_int_equal(n.rx_gaps, 1);
        assert_int_equal(n.rx_gap_samps, WINDOW - n_heard);
        o = cycle_of(radio, begin(radio), n_next);
        assert_int_equal(o.first.faults | o.second.faults, 0);
        radio_close(&radio);
    }
}

/* With nothing behind it that could be taken for its rest. */
static void a_last_capture_that_falls_silent_is_counted(void **state)
{
    (void)state;
    struct sc16 *buf[] = {rx[0], rx[1]};
    struct radio_block block;
    for (int heard = 0; heard <= 5000; heard += 5000) {
        struct radio *radio = open_silent(heard);
        assert_int_equal(radio_capture(radio, begin(radio), WINDOW, buf, 0.01, &block),
                         heard ? OK : ERR_TIMEOUT);
        assert_true(block.faults & FAULT_RX_LOST);
        assert_int_equal(block.n_valid, heard);
        assert_int_equal(counters(radio).rx_gaps, 1);
        assert_int_equal(counters(radio).rx_gap_samps, WINDOW - heard);
        radio_close(&radio);
    }
}

/* Held up for longer than the device can hold two captures: each overflows, and is told of at once.
 */
static void two_captures_left_unread_are_counted(void **state)
{
    (void)state;
    struct sc16 *buf[] = {rx[0], rx[1]};
    struct radio_block first, second;
    int64_t start;
    struct radio *radio = open_paced(",gate=0", RADIO_GATED, true);
    assert_int_equal(radio_now(radio, &start), OK);
    start += RATE / 2;
    assert_int_equal(radio_rx_request(radio, start, WINDOW), OK);
    assert_int_equal(radio_rx_request(radio, start + 50000, WINDOW), OK);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    (void)!radio_rx_read(radio, start, WINDOW, buf, 0.01, &first);
    (void)!radio_rx_read(radio, start + 50000, WINDOW, buf, 0.01, &second);
    assert_true(first.faults && second.faults);
    const struct radio_counters n = counters(radio);
    assert_int_equal(n.rx_overflows, 2);
    assert_int_equal(n.rx_gap_samps, 2 * WINDOW);
    radio_close(&radio);
}

/* Forward by less than anybody would notice but by our own clock. */
static void a_jump_while_nothing_is_asked_for_is_absorbed(void **state)
{
    (void)state;
    struct radio *radio =
        open_scripted("at_s: 0.8, radio: bs, what: time_jump, jump_s: 0.3", RADIO_GATED, true);
    const struct timespec nap = {.tv_nsec = 20000000};
    uint32_t faults = 0;
    int64_t first, last, begin_ns = clock_ns();
    assert_int_equal(radio_now(radio, &first), OK);
    for (int i = 0; i < 500 && faults == 0; i++) {
        faults = radio_watch(radio);
        nanosleep(&nap, NULL);
    }
    assert_int_equal(faults, FAULT_TIME);
    assert_int_equal(counters(radio).time_jumps, 1);
    assert_int_equal(radio_watch(radio), 0);
    assert_int_equal(radio_now(radio, &last), OK);
    assert_true((double)(last - first) / RATE < 1e-9 * (double)(clock_ns() - begin_ns) + 0.1);
    radio_close(&radio);
}

static void reopened_it_goes_on_counting_ticks(void **state)
{
    (void)state;
    uint32_t faults;
    struct status err;
    int64_t before, after;
    struct radio *radio = open_with("", RADIO_GATED);
    uint32_t tuning = radio_tuning(radio);
    assert_int_equal(run(radio, 2, &faults), 0);
    assert_int_equal(radio_now(radio, &before), OK);
    assert_int_equal(radio_reopen(radio, &err), OK); /* a new loopback begins at 0 */
    assert_int_equal(radio_now(radio, &after), OK);
    assert_true(after >= before);
    assert_true(radio_tuning(radio) != tuning);
    assert_int_equal(run(radio, 3, &faults), 0);
    assert_int_equal(counters(radio).losses, 1);
    radio_close(&radio);
}

static void retuned_and_turned_down_at_a_tick(void **state)
{
    (void)state;
    uint32_t faults;
    struct radio *radio = open_with("", RADIO_GATED);
    uint32_t tuning = radio_tuning(radio);
    assert_int_equal(radio_retune(radio, begin(radio), 5.81e9), OK);
    assert_int_equal(radio_gain(radio, begin(radio), false, 10), OK);
    assert_int_equal(radio_gain(radio, begin(radio), true, 15), OK);
    assert_int_equal(radio_tuning(radio), tuning + 3);
    assert_int_equal(radio_gain(radio, begin(radio), true, 60), ERR_ARG); /* over the EIRP */
    assert_int_equal(radio_gain(radio, begin(radio), false, 600), ERR_ARG);
    struct radio_setting is, want = {5.8e9, 15, 12};
    struct status err = {0};
    if (radio_set(radio, begin(radio), &want, &is, &err))
        fail_msg("%s", err.text);
    assert_true(is.carrier_hz == 5.8e9 && is.tx_gain_db == 15 && is.rx_gain_db == 12);
    want.rx_gain_db = 600; /* the carrier goes back with it */
    want.carrier_hz = 5.805e9;
    assert_int_equal(radio_set(radio, begin(radio), &want, &is, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "the old ones hold"));
    assert_true(is.carrier_hz == 5.8e9 && is.tx_gain_db == 15 && is.rx_gain_db == 12);
    assert_int_equal(run(radio, 2, &faults), 0);
    radio_close(&radio);
}

static void an_endless_stream_is_cut_by_timestamp(void **state)
{
    (void)state;
    struct sc16 *buf[] = {rx[0], rx[1]};
    struct radio_block block;
    struct radio *radio = open_with("", RADIO_CONTINUOUS);
    int64_t start = begin(radio);
    assert_int_equal(radio_rx_request(radio, start, WINDOW), OK);
    assert_int_equal(radio_rx_read(radio, start, WINDOW, buf, 0.01, &block), OK);
    assert_int_equal(block.faults, 0);
    assert_int_equal(radio_rx_read(radio, start + 12345, 777, buf, 0.01, &block), OK);
    assert_int_equal(block.n_valid, 777);
    /* what has passed already does not come again */
    assert_int_not_equal(radio_rx_read(radio, start, 1000, buf, 0.01, &block), OK);
    assert_int_not_equal(block.faults, 0);
    radio_close(&radio);
}

/* With a word of the device, and without. */
static void an_endless_stream_that_stops_is_started_again(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        char fault[100];
        uint32_t faults;
        snprintf(fault, sizeof fault,
                 "at_s: 0, radio: bs, what: overflow_stop, silent: %s, after_samps: 5000",
                 silent ? "yes" : "no");
        struct radio *radio = open_scripted(fault, RADIO_CONTINUOUS, false);
        assert_int_equal(run(radio, 5, &faults), 1u << 0);
        assert_true(faults & FAULT_RX_LOST);
        const struct radio_counters n = counters(radio);
        assert_int_equal(n.rx_restarts, 1);
        assert_int_equal(n.rx_overflows, !silent);
        assert_int_equal(n.rx_gaps, 1);
        assert_int_equal(n.rx_gap_samps, PERIOD - 5000); /* until the second cycle's request */
        radio_close(&radio);
    }
}

/* Until `wanted` or 10 s are over. */
static uint32_t watch_until(struct radio *radio, uint32_t wanted)
{
    const struct timespec nap = {.tv_nsec = 50000000};
    uint32_t faults = radio_watch(radio);
    for (int i = 0; i < 200 && faults != wanted; i++) {
        nanosleep(&nap, NULL);
        faults = radio_watch(radio);
    }
    return faults;
}

/* PPS edges are the whole seconds of ticks, through a time without any and across a reopening. */
static void a_pps_that_stays_away_marks_until_it_is_back(void **state)
{
    (void)state;
    struct status err;
    char path[32], args[64];
    write_script(path, "at_s: 3.5, for_s: 2.2, radio: bs, what: no_pps");
    snprintf(args, sizeof args, ",gate=0,faults=%s", path);
    struct radio_cfg cfg = setting(args, RADIO_GATED, true);
    cfg.time_source = "external";
    struct radio *radio = open_as(&cfg);
    assert_int_equal(watch_until(radio, FAULT_UNSYNCHRONISED), FAULT_UNSYNCHRONISED);
    assert_int_equal(watch_until(radio, 0), 0);
    const struct radio_counters n = counters(radio);
    assert_true(n.pps_missing > 0);
    assert_int_equal(n.resyncs, 1);
    assert_int_equal(n.time_jumps, 0);
    assert_int_equal(radio_reopen(radio, &err), OK);
    assert_int_equal(radio_epoch(radio) % RATE, 0);
    assert_int_not_equal(radio_epoch(radio), 0);
    unlink(path);
    radio_close(&radio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_touched_without_a_fault),
        cmocka_unit_test(a_dropped_command_costs_its_block_only),
        cmocka_unit_test(late_bursts_are_told_before_the_cycle_is_used),
        cmocka_unit_test(overflows_and_lost_packets_are_counted),
        cmocka_unit_test(the_rest_of_a_capture_that_falls_silent_is_counted),
        cmocka_unit_test(a_last_capture_that_falls_silent_is_counted),
        cmocka_unit_test(two_captures_left_unread_are_counted),
        cmocka_unit_test(a_jump_while_nothing_is_asked_for_is_absorbed),
        cmocka_unit_test(reopened_it_goes_on_counting_ticks),
        cmocka_unit_test(retuned_and_turned_down_at_a_tick),
        cmocka_unit_test(an_endless_stream_is_cut_by_timestamp),
        cmocka_unit_test(an_endless_stream_that_stops_is_started_again),
        cmocka_unit_test(a_pps_that_stays_away_marks_until_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
