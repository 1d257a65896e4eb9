/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands of clients: what is understood, and that each fault is named with its cure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ris_ctrl/command.h"

static const uint8_t pattern[32] = {1, 2, 3};
static struct command c;
static struct status err;

static int parse(const char *json)
{
    return command_parse(json, strlen(json), pattern, sizeof pattern, &c, &err);
}

static void commands_are_understood(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"seq\":1,\"cmd\":\"load\",\"board\":\"ris1\",\"slot\":3,"
                           "\"columns\":16,\"rows\":16,\"bits\":1}"),
                     OK);
    assert_int_equal(c.kind, COMMAND_LOAD);
    assert_int_equal(c.slot, 3);
    assert_memory_equal(c.pattern, pattern, 32);
    assert_int_equal(parse("{\"seq\":2,\"cmd\":\"arm\",\"board\":\"ris1\",\"steps\":[0,1,0],"
                           "\"reps\":[8,1],\"period_ns\":92160,\"delay_ns\":10,\"idle\":2,"
                           "\"cycle\":5}"),
                     OK);
    assert_int_equal(c.seq, 2);
    assert_int_equal(c.arm.n_steps, 3);
    assert_int_equal(c.arm.steps[1], 1);
    assert_int_equal(c.arm.n_edges, 2);
    assert_int_equal(c.arm.reps[0], 8);
    assert_int_equal(c.arm.tag, 5);
    assert_int_equal(c.arm.idle, 2);
    assert_int_equal(
        parse("{\"seq\":2,\"cmd\":\"arm\",\"board\":\"ris1\",\"steps\":[0],\"reps\":[1],"
              "\"period_ns\":1,\"delay_ns\":0,\"idle\":0,\"cycle\":4294967301}"),
        OK);
    assert_int_equal(c.arm.tag, 5); /* all that a board keeps of it */
    assert_int_equal(parse("{\"seq\":3,\"cmd\":\"apply\",\"board\":\"r\",\"slot\":1,"
                           "\"when\":\"trigger\"}"),
                     OK);
    assert_int_equal(c.when, RIS_AT_EDGE);
    assert_int_equal(parse("{\"seq\":3,\"cmd\":\"apply\",\"board\":\"r\",\"slot\":1,"
                           "\"within_us\":250}"),
                     OK);
    assert_int_equal(c.within_us, 250);
    assert_int_equal(c.by_ns, 0);
    assert_int_equal(
        parse("{\"seq\":4,\"cmd\":\"trigger\",\"board\":\"r\",\"source\":\"falling\"}"), OK);
    assert_int_equal(c.source, RIS_TRIGGER_FALLING);
    assert_int_equal(parse("{\"seq\":5,\"cmd\":\"readback\",\"board\":\"r\"}"), OK);
    assert_int_equal(c.slot, RIS_SLOT_ACTIVE);
    assert_int_equal(parse("{\"seq\":6,\"cmd\":\"status\"}"), OK);
    assert_string_equal(c.board, "");
}

static void faults_are_named_with_their_cure(void **state)
{
    (void)state;
    static const char *const faults[][2] = {
        {"[1]", "not a JSON object"},
        {"{\"seq\":1,\"cmd\":\"disarm\",\"board\":\"r\",\"by_ns\":9,\"within_us\":9}", "not both"},
        {"{\"seq\":1,\"cmd\":\"disarm\",\"board\":\"r\",\"within_us\":0}", "'within_us' must be"},
        {"{", "not a JSON object"},
        {"{\"cmd\":\"status\"}", "'seq' is missing"},
        {"{\"seq\":-1,\"cmd\":\"status\"}", "'seq' must be a whole number"},
        {"{\"seq\":1}", "'cmd' is missing"},
        {"{\"seq\":1,\"cmd\":\"statos\"}", "did you mean 'status'?"},
        {"{\"seq\":1,\"cmd\":\"disarm\"}", "'board' must be"},
        {"{\"seq\":1,\"cmd\":\"disarm\",\"board\":\"\"}", "'board' must be"},
        {"{\"seq\":1,\"cmd\":\"apply\",\"board\":\"r\",\"slto\":1}", "did you mean 'slot'?"},
        {"{\"seq\":1,\"cmd\":\"apply\",\"board\":\"r\",\"slot\":65535}", "0 to 65534"},
        {"{\"seq\":1,\"cmd\":\"apply\",\"board\":\"r\",\"slot\":1.5}", "0 to 65534"},
        {"{\"seq\":1,\"cmd\":\"apply\",\"board\":\"r\",\"slot\":1,\"when\":\"soon\"}",
         "\"now\" or"},
        {"{\"seq\":1,\"cmd\":\"trigger\",\"board\":\"r\"}", "'source' must be"},
        {"{\"seq\":1,\"cmd\":\"load\",\"board\":\"r\",\"slot\":1,\"columns\":16,\"rows\":16,"
         "\"bits\":2}",
         "second frame of 64 bytes"},
        {"{\"seq\":1,\"cmd\":\"load\",\"board\":\"r\",\"slot\":1,\"columns\":64,\"rows\":64,"
         "\"bits\":3}",
         "at most 1024 bytes"},
        {"{\"seq\":1,\"cmd\":\"arm\",\"board\":\"r\",\"steps\":[],\"reps\":[1],\"period_ns\":1,"
         "\"delay_ns\":0,\"idle\":0}",
         "'steps' must be a list of 1 to 64"},
        {"{\"seq\":1,\"cmd\":\"arm\",\"board\":\"r\",\"steps\":[0],\"reps\":[0],\"period_ns\":1,"
         "\"delay_ns\":0,\"idle\":0}",
         "'reps'[0] must be"},
        {"{\"seq\":1,\"cmd\":\"arm\",\"board\":\"r\",\"steps\":[0],\"reps\":[1],\"period_ns\":0,"
         "\"delay_ns\":0,\"idle\":0}",
         "'period_ns' must be"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        assert_true(parse(faults[i][0]) < 0);
        if (strstr(err.text, faults[i][1]) == NULL)
            fail_msg("%s\n  gives: %s\n  without: %s", faults[i][0], err.text, faults[i][1]);
        if (strchr(err.text, ';') == NULL)
            fail_msg("no cure in: %s", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_understood),
        cmocka_unit_test(faults_are_named_with_their_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
