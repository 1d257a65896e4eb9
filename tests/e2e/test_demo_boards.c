/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The main job with surfaces whose processors run the firmware's ARM code in QEMU: every fix is, to
 * the last bit, what it is with native boards, as the same patterns stand at the same ticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/e2e/demo_run.h"

#define RUN "--seconds 5 --speed 0 --seed 9"

static void test_arm_boards_change_no_fix(void **state)
{
    (void)state;
    struct demo_run native, arm;
    demo_run(&native, RUN);
    demo_run(&arm, RUN " --boards qemu");
    if (native.exit_code != 0 || arm.exit_code != 0)
        fail_msg("native: %s qemu: %s", native.stderr_text, arm.stderr_text);
    assert_true(native.n_fix >= 4);
    assert_int_equal(native.n_fix, arm.n_fix);
    assert_string_equal(native.fix_text, arm.fix_text);
    demo_run_free(&native);
    demo_run_free(&arm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_arm_boards_change_no_fix)};
    if (access(MIRADOR_BIN_DIR "/firmware/ris-netduinoplus2.elf", R_OK) != 0 ||
        system("command -v qemu-system-arm >/dev/null") != 0) {
        printf("skipped: needs arm-none-eabi-gcc at build time and qemu-system-arm\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
