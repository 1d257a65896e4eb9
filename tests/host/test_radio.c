/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The radio against the simulated USRP without a room: a private loopback from TX to RX. */
#include "host/radio.h"
#include "host/radio_gpio_source.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 10000000, BURST = 5000, WINDOW = 12000, LEAD = 1000, LATENCY_MAX = 400 };

static struct sc16 tx[BURST], rx[2][WINDOW];

static struct radio_cfg loopback(void)
{
    return (struct radio_cfg){
        .args = "type=room",
        .rate_hz = RATE,
        .carrier_hz = 5.8e9,
        .tx_gain_db = 20,
        .rx_gain_db = 20,
        .n_tx = 1,
        .n_rx = 2,
        .rx_channels = {0, 1},
        .max_eirp_dbm = 30,
        .trigger = {.enable = true},
    };
}

static struct radio *open_loopback(void)
{
    struct status err;
    struct radio_cfg cfg = loopback();
    struct radio *radio = radio_open(&cfg, &err);
    if (!radio)
        fail_msg("%s", err.text);
    return radio;
}

static int64_t soon(struct radio *radio)
{
    int64_t now;
    assert_int_equal(radio_now(radio, &now), OK);
    return now + RATE / 20;
}

static double power(const struct sc16 *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i].i * x[i].i + (double)x[i].q * x[i].q;
    return sum / (double)n;
}

static void burst_arrives_at_its_time(void **state)
{
    (void)state;
    struct radio *radio = open_loopback();
    struct sc16 *buf[] = {rx[0], rx[1]};
    const struct sc16 *out[] = {tx};
    struct radio_block block;
    int64_t start = soon(radio);
    assert_int_equal(radio_tx_prepare(radio, start + LEAD), OK);
    assert_int_equal(radio_tx_burst(radio, start + LEAD, out, BURST), OK);
    assert_int_equal(radio_capture(radio, start, WINDOW, buf, 0.1, &block), OK);
    assert_int_equal(block.tick, start);
    assert_int_equal(block.n_valid, WINDOW);
    assert_int_equal(block.faults, 0);
    for (size_t c = 0; c < 2; c++) {
        double quiet = power(rx[c], LEAD), loud = power(rx[c] + LEAD + LATENCY_MAX, BURST / 2);
        double after = power(rx[c] + LEAD + BURST + LATENCY_MAX, 2000);
        assert_true(loud > 100 * quiet);
        assert_true(loud > 100 * after);
    }
    struct radio_counters n;
    radio_tx_settle(radio);
    radio_counters(radio, &n);
    assert_int_equal(n.tx_bursts, 1);
    assert_int_equal(n.tx_acks, 1);
    assert_int_equal(n.tx_lates + n.tx_underflows + n.rx_gaps + n.rx_late_commands, 0);
    radio_close(&radio);
    assert_null(radio);
}

static void two_requests_come_back_in_order(void **state)
{
    (void)state;
    struct radio *radio = open_loopback();
    struct sc16 *buf[] = {rx[0], rx[1]};
    struct radio_block block;
    int64_t start = soon(radio);
    assert_int_equal(radio_rx_request(radio, start, 3000), OK);
    assert_int_equal(radio_rx_request(radio, start + 50000, 4000), OK);
    assert_int_equal(radio_rx_read(radio, start, 3000, buf, 0.1, &block), OK);
    assert_int_equal(block.n_valid, 3000);
    assert_int_equal(radio_rx_read(radio, start + 50000, 4000, buf, 0.1, &block), OK);
    assert_int_equal(block.n_valid, 4000);
    assert_int_equal(block.tick, start + 50000);
    radio_close(&radio);
}

static void late_burst_is_counted_and_the_next_one_goes_out(void **state)
{
    (void)state;
    struct radio *radio = open_loopback();
    struct sc16 *buf[] = {rx[0], rx[1]};
    const struct sc16 *out[] = {tx};
    struct radio_block block;
    struct radio_counters n;
    int64_t start = soon(radio);
    assert_int_equal(radio_capture(radio, start, WINDOW, buf, 0.1, &block), OK);
    assert_int_equal(radio_tx_burst(radio, start, out, BURST), OK); /* that time has passed */
    start = soon(radio);
    assert_int_equal(radio_tx_burst(radio, start + LEAD, out, BURST), OK);
    assert_int_equal(radio_capture(radio, start, WINDOW, buf, 0.1, &block), OK);
    assert_true(power(rx[0] + LEAD + LATENCY_MAX, BURST / 2) > 100 * power(rx[0], LEAD));
    radio_tx_settle(radio);
    radio_counters(radio, &n);
    assert_int_equal(n.tx_lates, 1);
    assert_int_equal(n.tx_bursts, 2);
    radio_close(&radio);
}

static void late_request_is_told(void **state)
{
    (void)state;
    struct radio *radio = open_loopback();
    struct sc16 *buf[] = {rx[0], rx[1]};
    struct radio_block block;
    struct radio_counters n;
    int64_t start = soon(radio);
    assert_int_equal(radio_capture(radio, start, 1000, buf, 0.1, &block), OK);
    assert_int_not_equal(radio_capture(radio, start - 5000, 1000, buf, 0.05, &block), OK);
    assert_int_equal(block.faults, FAULT_RX_LOST);
    assert_int_equal(block.n_valid, 0);
    radio_rx_flush(radio);
    start = soon(radio);
    assert_int_equal(radio_capture(radio, start, 1000, buf, 0.1, &block), OK);
    assert_int_equal(block.n_valid, 1000);
    radio_counters(radio, &n);
    assert_int_equal(n.rx_late_commands, 1);
    radio_close(&radio);
}

static void trigger_pulse_is_accepted(void **state)
{
    (void)state;
    struct radio *radio = open_loopback();
    struct radio_counters n;
    assert_int_equal(radio_trigger_pulse(radio, soon(radio), 100), OK);
    radio_counters(radio, &n);
    assert_int_equal(n.trigger_pulses, 1);
    radio_close(&radio);
}

/* A pin to be driven by a source: asked of the open device in C++, answered without an exception.
 */
static void a_pin_without_sources_is_told(void **state)
{
    (void)state;
    struct status err = {0};
    struct radio_cfg cfg = loopback();
    cfg.trigger.source = "FP0:RF0";
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_non_null(strstr(err.text, "radio.trigger_source"));
    assert_non_null(strstr(err.text, "leave it empty"));
    cfg.trigger.source = "";
    struct radio *radio = radio_open(&cfg, &err);
    assert_non_null(radio);
    radio_close(&radio);
    assert_int_equal(gpio_source_set("type=nothing", "FP0", 0, "RF0", &err), ERR_RADIO);
    assert_null(strchr(err.text, '\n'));
}

static void senseless_settings_are_refused(void **state)
{
    (void)state;
    struct status err;
    struct radio_cfg cfg = loopback();
    cfg.max_eirp_dbm = 10;
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_non_null(strstr(err.text, "lower radio.tx_gain_db by 10.0 dB"));
    cfg = loopback();
    cfg.args = "type=b200";
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_STATE);
    assert_non_null(strstr(err.text, "tx_enable"));
    cfg = loopback();
    cfg.rate_hz = 1e6 / 3;
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = loopback();
    cfg.n_tx = cfg.n_rx = 0;
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    cfg = loopback();
    cfg.args = "type=room,room=nobody-is-here";
    assert_null(radio_open(&cfg, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "mirador-room"));
}

static void room_is_recognised_in_args(void **state)
{
    (void)state;
    assert_true(radio_args_is_room("type=room"));
    assert_true(radio_args_is_room("role=bs,type=room,room=x"));
    assert_false(radio_args_is_room("type=rooms"));
    assert_false(radio_args_is_room("type=b200"));
    assert_false(radio_args_is_room("subtype=room"));
    assert_false(radio_args_is_room(NULL));
}

int main(void)
{
    for (size_t i = 0; i < BURST; i++)
        tx[i] =
            (struct sc16){(int16_t)(i * 7919 % 16001 - 8000), (int16_t)(i * 104729 % 16001 - 8000)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_arrives_at_its_time),
        cmocka_unit_test(two_requests_come_back_in_order),
        cmocka_unit_test(late_burst_is_counted_and_the_next_one_goes_out),
        cmocka_unit_test(late_request_is_told),
        cmocka_unit_test(trigger_pulse_is_accepted),
        cmocka_unit_test(a_pin_without_sources_is_told),
        cmocka_unit_test(senseless_settings_are_refused),
        cmocka_unit_test(room_is_recognised_in_args),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
