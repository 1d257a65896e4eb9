/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * After start the daemon's sample-path threads ask nobody for memory. UHD and libzmq do so inside
 * their own calls, which is counted apart and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void our_own_code_allocates_nothing_after_start(void **state)
{
    (void)state;
    char out[] = "/tmp/mirador-alloc-XXXXXX", folder[] = "/tmp/mirador-alloc-XXXXXX";
    char command[1024], name[256];
    int fd = mkstemp(out);
    assert_true(fd >= 0);
    close(fd);
    assert_non_null(mkdtemp(folder)); /* a recorder at work, with its checkpoints */
    snprintf(
        command, sizeof command,
        "ALLOC_SPY_OUT=%s LD_PRELOAD=" ALLOC_SPY " " MIRADOR_BIN_DIR
        "/mirador demo --headless --json --speed 0 --seconds 8 --pixels 1 --link --record %s/run "
        "--set bs.record.checkpoint_s=1 >/dev/null",
        out, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "test -s %s/run.sigmf-collection && rm -r %s", folder,
             folder);
    assert_int_equal(system(command), 0);
    FILE *f = fopen(out, "r");
    assert_non_null(f);
    unsigned long n, complete = 0, ours = 0;
    char line[512];
    while (fgets(line, sizeof line, f)) {
        if (line[0] != '#' && sscanf(line, "%255s %lu", name, &n) == 2) {
            complete |= strcmp(name, "complete") == 0;
            if (strcmp(name, "miradord") == 0)
                ours = n;
        }
        if (ours > 0 || strncmp(line, "lib", 3) == 0 || strncmp(line, "mirador_room", 12) == 0)
            print_message("  %s", line);
    }
    fclose(f);
    remove(out);
    assert_int_equal(complete, 1);
    assert_int_equal(ours, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_code_allocates_nothing_after_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
