/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Figures of the last slots of the data link, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "host/link_stats.h"

#define PERIOD_S 0.2

static struct link_stats stats;
static struct link_figures heard, sent;

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9 * fmax(1, fabs(b));
}

static struct link_rx whole_slot(void)
{
    return (struct link_rx){
        .found = true,
        .ok = true,
        .bytes = 1000,
        .slot = {.snr_db = 20, .evm_db = -18, .raw_bits = 10000, .raw_errors = 5},
    };
}

static int reset(void **state)
{
    (void)state;
    link_stats_reset(&stats);
    return 0;
}

static void nothing_is_known_at_first(void **state)
{
    char text[512];
    struct report_text whole = {.out = text, .size = sizeof text},
                       cut = {.out = (char[40]){0}, .size = 40};
    (void)state;
    link_stats_read(&stats, 1, &heard, &sent);
    assert_int_equal(heard.slots + sent.slots, 0);
    assert_true(isnan(heard.fer) && isnan(heard.bps) && isnan(sent.snr_db));
    link_figures_add(&whole, &heard, &sent);
    assert_true(report_length(&whole) > 0);
    assert_non_null(
        strstr(text, ",\"figures\":{\"down\":{\"slots\":0,\"fer\":null,\"snr_db\":null"));
    link_figures_add(&cut, &heard, &sent);
    assert_true(report_length(&cut) < 0);
}

/* Every fourth slot is lost, of which every second one has no header. */
static void known_data_are_measured_here(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct link_rx rx = whole_slot();
        rx.slot.header.known = true;
        rx.ok = i % 4 != 3;
        rx.found = rx.ok || i % 8 == 3;
        rx.slot.bit_errors = rx.ok ? 0 : 40;
        if (!rx.found)
            rx = (struct link_rx){.slot.snr_db = -10};
        link_stats_note(&stats, PERIOD_S * i, &rx, NULL);
    }
    link_stats_read(&stats, PERIOD_S * 99, &heard, &sent);
    assert_int_equal(heard.slots, LINK_STATS_SLOTS);
    assert_true(near(heard.fer, 0.25));
    assert_true(near(heard.snr_db, 20) && near(heard.evm_db, -18) && near(heard.raw_ber, 5e-4));
    assert_true(near(heard.ber, 4 * 40 / (28 * 8000.0)));      /* 4 damaged of 28 that were read */
    assert_true(near(heard.bps, 8000 * 23 / (31 * PERIOD_S))); /* after the oldest slot */
    assert_int_equal(sent.slots, 0);
    assert_true(isnan(sent.fer) && isnan(sent.bps));
}

/* The other side acknowledges and reports; silence wears the throughput off. */
static void packets_count_when_they_are_proven(void **state)
{
    struct data_link_state t = {.peer_snr_db = 30, .peer_evm_db = NAN, .peer_ber = 1e-3};
    (void)state;
    for (int i = 0; i < 11; i++) {
        const struct link_rx rx = whole_slot();
        t.count.slots_acked = (uint64_t)(8 * i);
        t.count.slots_unacked = (uint64_t)(2 * i);
        t.count.bytes_acked = (uint64_t)(500 * i);
        t.count.bytes_out = (uint64_t)(300 * i);
        link_stats_note(&stats, PERIOD_S * i, &rx, &t);
    }
    link_stats_read(&stats, 2, &heard, &sent);
    assert_int_equal(sent.slots, 100);
    assert_true(near(sent.fer, 0.2) && near(sent.snr_db, 30) && near(sent.raw_ber, 1e-3));
    assert_true(isnan(sent.evm_db) && isnan(sent.ber));
    assert_true(near(sent.bps, 8 * 5000 / 2.0) && near(heard.bps, 8 * 3000 / 2.0));
    link_stats_read(&stats, 20, &heard, &sent);
    assert_true(near(sent.bps, 8 * 5000 / 20.0));
}

static void time_that_runs_back_begins_anew(void **state)
{
    const struct link_rx rx = whole_slot();
    (void)state;
    link_stats_note(&stats, 5, &rx, NULL);
    link_stats_note(&stats, 6, &rx, NULL);
    link_stats_note(&stats, 1, &rx, NULL);
    link_stats_read(&stats, 1, &heard, &sent);
    assert_int_equal(heard.slots, 1);
    assert_true(isnan(heard.bps));
}

/* The link was opened anew: what has been counted since is no difference to what was before. */
static void a_counter_that_runs_back_begins_anew(void **state)
{
    struct data_link_state t;
    const struct link_rx rx = whole_slot();
    uint64_t *const counters[] = {&t.count.slots_acked, &t.count.slots_unacked, &t.count.slots_sent,
                                  &t.count.bytes_acked, &t.count.bytes_out};
    (void)state;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        link_stats_reset(&stats);
        t = (struct data_link_state){0};
        *counters[i] = 1000;
        link_stats_note(&stats, 1, &rx, &t);
        *counters[i] = 3;
        link_stats_note(&stats, 2, &rx, &t);
        link_stats_read(&stats, 2, &heard, &sent);
        assert_int_equal(heard.slots, 1);
        assert_int_equal(sent.slots, 0);
        assert_true(isnan(sent.fer) && isnan(heard.bps));
        t.count.slots_acked += 4;
        t.count.bytes_out += 500;
        link_stats_note(&stats, 3, &rx, &t);
        link_stats_read(&stats, 3, &heard, &sent);
        assert_int_equal(sent.slots, 4);
        assert_true(near(sent.fer, 0) && near(heard.bps, 4000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_known_at_first, reset),
        cmocka_unit_test_setup(known_data_are_measured_here, reset),
        cmocka_unit_test_setup(packets_count_when_they_are_proven, reset),
        cmocka_unit_test_setup(time_that_runs_back_begins_anew, reset),
        cmocka_unit_test_setup(a_counter_that_runs_back_begins_anew, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
