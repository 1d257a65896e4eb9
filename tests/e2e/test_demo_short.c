/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A few seconds of the whole chain: what the sanitizer builds run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

static void test_a_few_seconds(void **state)
{
    (void)state;
    struct demo_run run;
    demo_run(&run, "--seconds 6 --speed 0 --seed 2 --link");
    if (run.exit_code)
        fail_msg("exit code %d: %s", run.exit_code, run.stderr_text);
    assert_true(run.n_fix >= 8);
    assert_true(demo_summary(&run, "fixes") >= 0.97 * demo_summary(&run, "responses"));
    assert_true(demo_error_percentile(&run, 90) < 0.5);
    assert_true(demo_summary(&run, "lates") == 0 && demo_summary(&run, "gaps") == 0);
    const double down = demo_summary(&run, "link.down.expected"),
                 up = demo_summary(&run, "link.up.expected");
    assert_true(down >= demo_summary(&run, "responses") - 1 && up >= 8);
    assert_true(demo_summary(&run, "link.down.ok") >= down - 1); /* the last one may not be told */
    assert_true(demo_summary(&run, "link.up.ok") >= up - 1);
    assert_true(demo_summary(&run, "link.down.ber") == 0 && demo_summary(&run, "link.up.ber") == 0);
    assert_true(demo_summary(&run, "link.beam.gain_db") > 5.5);
    assert_true(demo_summary(&run, "link.beam.loss_db") < 0.5);
    demo_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_few_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
