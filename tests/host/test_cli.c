/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `mirador` from outside: exit codes, one-line errors, keys on disk, nothing left running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/state_dir.h"
#include "frames/secure.h"
#include "tests/host/cli_rig.h"

static struct status err;

static void helps(void **state)
{
    (void)state;
    assert_int_equal(mirador("--help"), 0);
    assert_non_null(strstr(out, "demo"));
    assert_int_equal(mirador("demo --help"), 0);
    assert_non_null(strstr(out, "--permit yes|no"));
    assert_int_equal(mirador("status --help"), 0);
    assert_int_equal(mirador("keys --help"), 0);
    assert_int_equal(mirador("--version"), 0);
    assert_int_equal(mirador("demo --version"), 0);
}

static void bad_usage_is_one_line_and_code_2(void **state)
{
    (void)state;
    refused("", "which subcommand?");
    refused("stauts", "did you mean 'status'?");
    refused("frobnicate", "unknown subcommand 'frobnicate'; see");
    refused("--frobnicate", "unknown option '--frobnicate'");
    refused("demo --sedonds 5", "did you mean '--seconds'?");
    refused("demo --seconds -1", "--seconds needs a number from 0");
    refused("demo --seed x", "--seed needs a whole number");
    refused("demo --permit maybe", "--permit needs yes or no");
    refused("demo --realtime --speed 2", "--realtime runs at speed 1");
    refused("demo --set radio.rate_hz=1", "PROGRAM.KEY=VALUE");
    refused("demo extra", "unexpected argument 'extra'");
    refused("status --endpoint nonsense", "expected ipc:///PATH or tcp://HOST:PORT");
    refused("keys user add", "expected 'user add ID', 'socket' or 'token'");
    refused("keys user add 1048576 --out k", "from 0 to 1048575");
    refused("keys user add 5", "--out FILE");
    refused("keys socket --seed 1 --out k", "--seed is for users");
}

static void keys_are_private_and_derived(void **state)
{
    (void)state;
    uint8_t expected[SECURE_MASTER_BYTES], key[SECURE_MASTER_BYTES], other[SECURE_MASTER_BYTES];
    char path[200];
    struct stat st;
    assert_int_equal(secure_init(), 0);
    assert_int_equal(mirador("keys user add 5 --seed 9 --out a.key"), 0);
    snprintf(path, sizeof path, "%s/a.key", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(key_file_read(path, key, sizeof key, &err), 0);
    secure_master_from_seed(9, 5, expected);
    assert_memory_equal(key, expected, sizeof key);
    assert_int_equal(mirador("keys user add 5 --out a.key"), 1); /* never overwritten */
    assert_non_null(strstr(out, "remove it first"));

    assert_int_equal(mirador("keys user add 5 --out b.key --json"), 0);
    assert_string_equal(out, "{\"type\":\"key\",\"user\":5,\"seeded\":false}\n");
    assert_int_equal(mirador("keys user add 5 --out c.key"), 0);
    snprintf(path, sizeof path, "%s/b.key", folder);
    assert_int_equal(key_file_read(path, key, sizeof key, &err), 0);
    snprintf(path, sizeof path, "%s/c.key", folder);
    assert_int_equal(key_file_read(path, other, sizeof other, &err), 0);
    assert_memory_not_equal(key, other, sizeof key);
    assert_int_equal(mirador("keys user add 5 --out /nowhere/d.key"), 1);

    assert_int_equal(mirador("keys socket --out s.key"), 0);
    assert_int_equal(strspn(out, "0123456789abcdef"), 64); /* the public half, nothing else */
    assert_int_equal(strlen(out), 65);
}

static void status_needs_a_daemon(void **state)
{
    (void)state;
    assert_int_equal(mirador("status --endpoint ipc://%s/none.sock", folder), 1);
    assert_int_equal(lines_of(out), 1);
    assert_non_null(strstr(out, "is miradord running"));
}

static void bad_input_of_the_demo_is_one_line_and_code_2(void **state)
{
    (void)state;
    refused("demo --scene nowhere.yaml", "nowhere.yaml");
    refused("demo --scene nolab", "nolab");
    refused("demo --path nowhere", "nowhere");
    write_file("typo.yaml", "room:\n  max_m: [8, 8, 3]\n  wall_fcator: [0.3]\n");
    refused("demo --scene typo.yaml",
            "typo.yaml:3:3: unknown key 'room.wall_fcator', did you mean 'room.wall_factor'?");
    write_file("range.yaml", "room:\n  max_m: [8, 8, 3]\ncarrier_hz: -1\n");
    refused("demo --scene range.yaml", "range.yaml:3:13: 'carrier_hz' = -1 is out of range");
    refused("demo --set room.carier_hz=1e9", "did you mean 'carrier_hz'?");
    refused("demo --set ris.endpiont=x", "did you mean 'endpoint'?");
    refused("demo --set bs.radio.rx_gian_db=3", "did you mean 'radio.rx_gain_db'?");
    refused("demo --set bs.radio.rx_gain_db=loud", "must be a number in dB");
    refused("demo --set ue.user.permti=yes", "did you mean 'user.permit'?");
}

static void a_program_that_fails_is_named(void **state)
{
    (void)state;
    assert_int_equal(mirador("demo --set ris.endpoint=ipc:///nowhere/ris.sock"), 1);
    assert_non_null(strstr(out, "mirador-ris"));
    assert_non_null(strstr(out, "/nowhere/ris.sock"));
}

/* Here nothing runs: the doctor says so, and how to change it. */
static void the_doctor_names_cures(void **state)
{
    (void)state;
    assert_int_equal(mirador("doctor --set radio.gian_db=1"), 1);
    assert_non_null(strstr(out, "unknown key 'radio.gian_db'"));
    assert_int_equal(mirador("doctor --json --set radio.args=type=room,room=none-%d --set "
                             "ris.endpoint=ipc:///nowhere/ris.sock --set run.state_dir=/nowhere",
                             (int)getpid()),
                     1);
    assert_non_null(strstr(out, "\"check\":\"device\",\"verdict\":\"problem\""));
    assert_non_null(strstr(out, "mirador demo"));
    assert_non_null(strstr(out, "\"check\":\"disk-space\",\"verdict\":\"problem\""));
    assert_non_null(strstr(out, "install -d -o $USER -m 0700 /nowhere"));
}

/* The table of a configuration, in words, as JSON and as a picture; a table that clashes is refused
 * with both windows and the key. */
static void the_schedule_is_drawn(void **state)
{
    (void)state;
    const char *link = "--set link.enabled=yes --set pixels.every=2";
    assert_int_equal(mirador("schedule"), 0);
    assert_non_null(strstr(out, "response capture, 0.845 ms"));
    assert_null(strstr(out, "downlink"));
    assert_non_null(strstr(out, "sensing: 0.936 mJ a second, 15.0 dBm"));
    assert_int_equal(mirador("schedule --config paper"), 0);
    assert_non_null(strstr(out, "sensing: 0.4001 mJ a second, 27.4 dBm for 0.720 ms every 1 s"));
    assert_int_equal(mirador("schedule %s", link), 0);
    assert_non_null(strstr(out, "80.000 ..   81.993 ms"));
    assert_non_null(strstr(out, "guard: surfaces settle, 0.100 of 18.707 ms before the downlink"));
    assert_int_equal(mirador("schedule %s --json", link), 0);
    assert_int_equal(lines_of(out), 1);
    assert_non_null(strstr(out, "{\"name\":\"downlink\",\"begin_s\":0.08,"));
    assert_int_equal(mirador("schedule %s --svg -", link), 0);
    assert_true(strncmp(out, "<svg ", 5) == 0 && strstr(out, "</svg>\n"));
    assert_non_null(strstr(out, ">uplink</text><rect "));
    refused("schedule --set link.enabled=yes --set link.uplink_delay_s=0.0815",
            "the uplink begins 81.480 ms into the cycle, but the downlink ends at 81.993 ms and "
            "0.500 ms must be free after it (turn-around): raise link.uplink_delay_s");
    refused("schedule --svg /nowhere/a.svg --set link.uplink_s=x", "link.uplink_s");
    assert_int_equal(mirador("schedule --svg /nowhere/a.svg"), 1);
    assert_int_equal(mirador("schedule --endpoint ipc://%s/none.sock", folder), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helps),
        cmocka_unit_test(bad_usage_is_one_line_and_code_2),
        cmocka_unit_test(keys_are_private_and_derived),
        cmocka_unit_test(status_needs_a_daemon),
        cmocka_unit_test(bad_input_of_the_demo_is_one_line_and_code_2),
        cmocka_unit_test(a_program_that_fails_is_named),
        cmocka_unit_test(the_doctor_names_cures),
        cmocka_unit_test(the_schedule_is_drawn),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
