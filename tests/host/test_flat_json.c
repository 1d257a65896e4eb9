/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fields of flat JSON read in place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "host/flat_json.h"

static struct flat_json json(const char *text)
{
    return (struct flat_json){text, strlen(text)};
}

static void fields_are_found_by_their_key(void **state)
{
    (void)state;
    struct flat_json j = json("{\"seq\":42,\"ok\":true,\"hash\":\"00ff00000000000a\",\"n\":-7}");
    int64_t n = 0;
    uint64_t h = 0;
    bool ok = false;
    assert_true(flat_json_number(j, "seq", &n));
    assert_true(n == 42);
    assert_true(flat_json_number(j, "n", &n));
    assert_true(n == -7);
    assert_true(flat_json_bool(j, "ok", &ok));
    assert_true(ok);
    assert_true(flat_json_hex(j, "hash", &h));
    assert_true(h == UINT64_C(0x00ff00000000000a));
    assert_false(flat_json_number(j, "se", &n));
    assert_false(flat_json_number(j, "ok", &n));
    assert_false(flat_json_bool(j, "seq", &ok));
    assert_false(flat_json_hex(j, "seq", &h));
}

static void lists_of_numbers(void **state)
{
    (void)state;
    double x[4] = {0};
    struct flat_json j =
        json("{\"a\":[0.57,2.9,-1e-3,4],\"b\":[],\"c\":[1,\"x\"],\"d\":3,\"e\":[1,2");
    assert_int_equal(flat_json_numbers(j, "a", x, 4), 4);
    assert_true(x[0] == 0.57 && x[1] == 2.9 && x[2] == -1e-3 && x[3] == 4);
    assert_int_equal(flat_json_numbers(j, "a", x, 3), 0);
    assert_int_equal(flat_json_numbers(j, "b", x, 4), 0);
    assert_int_equal(flat_json_numbers(j, "c", x, 4), 0);
    assert_int_equal(flat_json_numbers(j, "d", x, 4), 0);
    assert_int_equal(flat_json_numbers(j, "e", x, 4), 0);
    assert_int_equal(flat_json_numbers(j, "f", x, 4), 0);
}

/* A key quoted inside a text is not the key. */
static void texts_do_not_hide_keys(void **state)
{
    (void)state;
    struct flat_json j = json("{\"error\":\"say \\\"seq\\\":9; \\u00e4\\n\\\\\",\"seq\":1}");
    char text[64];
    int64_t n = 0;
    assert_true(flat_json_number(j, "seq", &n));
    assert_true(n == 1);
    assert_true(flat_json_string(j, "error", text, sizeof text));
    assert_string_equal(text, "say \"seq\":9; ? \\");
    assert_true(flat_json_string(j, "error", text, 4));
    assert_string_equal(text, "say");
}

/* Every prefix of a message is read without leaving it (the sanitizers watch). */
static void cut_messages_are_survived(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"a\":\"x\\u12\",\"ok\":false,\"hash\":\"0123456789abcdef\",\"n\":"
        "99999999999999999999,\"l\":[1.5,2]}";
    for (size_t n = 0; n < sizeof whole; n++) {
        char copy[sizeof whole];
        memcpy(copy, whole, n);
        struct flat_json j = {copy, n};
        char text[8];
        int64_t value;
        uint64_t h;
        double list;
        bool ok;
        (void)flat_json_string(j, "a", text, sizeof text);
        (void)flat_json_bool(j, "ok", &ok);
        (void)flat_json_hex(j, "hash", &h);
        (void)flat_json_number(j, "n", &value);
        (void)flat_json_numbers(j, "l", &list, 1);
    }
    int64_t value;
    assert_false(flat_json_number(json(whole), "n", &value)); /* beyond int64 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_their_key),
        cmocka_unit_test(lists_of_numbers),
        cmocka_unit_test(texts_do_not_hide_keys),
        cmocka_unit_test(cut_messages_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
