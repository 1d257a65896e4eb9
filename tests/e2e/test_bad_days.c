/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every fault of a radio once, in two gated demos, and those of an endless stream in a third, with
 * the preset that has one. The campaign over random scripts is
 * tests/e2e/soak faults. */
#include "tests/e2e/fault_judge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const device[] = {
    "{at_s: 5.0, radio: bs, what: overflow, samples: 3000, after_samps: 50000}",
    "{at_s: 5.8, radio: bs, what: overflow_stop, after_samps: 200000}",
    "{at_s: 6.6, radio: bs, what: sequence, samples: 4000, after_samps: 10000}",
    "{at_s: 7.4, radio: bs, what: short_recv, samples: 1234}",
    "{at_s: 7.8, radio: bs, what: late_tx}",
    "{at_s: 8.6, radio: bs, what: underflow, after_samps: 100000}",
    "{at_s: 9.4, radio: bs, what: underflow_in_packet, after_samps: 20000}",
    "{at_s: 10.2, radio: bs, what: tx_sequence, after_samps: 20000}",
    "{at_s: 11.0, radio: bs, what: no_ack}",
    "{at_s: 11.8, radio: bs, what: drop_stream_cmd}",
    "{at_s: 12.6, radio: bs, what: late_stream_cmd}",
    "{at_s: 13.4, radio: bs, what: late_command, count: 2}",
    NULL,
};
static const char *const surroundings[] = {
    "{at_s: 5.0, for_s: 0.5, radio: bs, channel: 1, what: dead_channel}",
    "{at_s: 6.2, for_s: 0.6, radio: bs, channel: 2, what: gain_step, db: 0.55}",
    "{at_s: 7.6, for_s: 0.6, radio: bs, channel: 3, what: lo_jump, deg: 6}",
    "{at_s: 9.0, for_s: 1.0, radio: bs, channel: 0, what: phase_drift, deg_per_s: 10}",
    "{at_s: 10.2, for_s: 0.6, radio: bs, what: clipping, db: 30}",
    "{at_s: 11.6, for_s: 0.6, radio: bs, what: ref_unlocked, ppm: 0.5}",
    "{at_s: 13.0, radio: bs, what: time_jump, jump_s: -5.1}",
    "{at_s: 13.8, radio: ue, what: late_tx}",
    "{at_s: 14.6, radio: ue, what: overflow}",
    "{at_s: 15.4, for_s: 0.4, boot_s: 0.15, keeps_time: yes, radio: bs, what: device_gone}",
    "{at_s: 17.4, for_s: 0.4, boot_s: 0.2, radio: bs, what: device_gone}",
    NULL,
};

/* Within captures, for an endless stream loses samples between them unheeded. */
static const char *const endless[] = {
    "{at_s: 5.002, radio: bs, what: overflow, samples: 3000}",
    "{at_s: 5.803, radio: bs, what: overflow_stop}",
    "{at_s: 6.602, radio: bs, what: overflow_stop, silent: yes}",
    "{at_s: 7.403, radio: bs, what: sequence, samples: 4000}",
    "{at_s: 8.2, radio: bs, what: short_recv, samples: 1234}",
    "{at_s: 8.6, radio: bs, what: late_tx}",
    "{at_s: 9.4, radio: bs, what: underflow, after_samps: 25000}",
    "{at_s: 10.2, radio: bs, what: no_ack}",
    "{at_s: 11.1, for_s: 0.3, boot_s: 0.1, keeps_time: yes, radio: bs, what: device_gone}",
    NULL,
};

/* more: further options of the demo; its errors stay within p90_m. */
static void run_day(const char *const *script, unsigned seconds, const char *more, double p90_m)
{
    static struct fault_judge judge;
    char file[64] = "/tmp/mirador-faults-XXXXXX", report[80], args[400];
    struct demo_run run;
    size_t n = 0;
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    dprintf(fd, "faults:\n");
    for (; script[n]; n++)
        dprintf(fd, "  - %s\n", script[n]);
    close(fd);
    snprintf(report, sizeof report, "%s.json", file);
    snprintf(args, sizeof args,
             "--speed 0 --seconds %u --seed 5 --faults %s --fault-report %s "
             "--set bs.radio.clock_source=external %s",
             seconds, file, report, more);
    judge = (struct fault_judge){.continuous = script == endless};
    demo_run(&run, args);
    fault_judge(&judge, &run, report);
    assert_int_equal(judge.violations, 0);
    assert_int_equal(judge.fired, n);
    assert_true(judge.untouched > 10);
    assert_true(judge.missing <= 0.03 * judge.untouched);
    assert_true(fault_judge_error(&judge, 90) <= p90_m);
    demo_run_free(&run);
    unlink(report);
    unlink(file);
}

static void each_fault_of_the_device(void **state)
{
    (void)state;
    run_day(device, 15, "", 0.5);
}

static void each_fault_around_it(void **state)
{
    (void)state;
    run_day(surroundings, 20, "", 0.5);
}

static void each_fault_of_an_endless_stream(void **state)
{
    (void)state;
    run_day(endless, 13, "--preset b210", 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_of_the_device),
        cmocka_unit_test(each_fault_around_it),
        cmocka_unit_test(each_fault_of_an_endless_stream),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
