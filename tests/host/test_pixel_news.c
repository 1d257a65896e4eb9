/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What topic "calib" tells: health of pixels, and nothing of the user whose pilots it came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/bs/pixel_news.h"

static void pixels_are_told_and_no_place(void **state)
{
    static struct pixel_map map = {
        .n_element = 4,
        .cycle = 9,
        .time_s = 2,
        .used = 5,
        .failed = 1,
        .alone = {.position = {3.25, 5.5, 1.25}, .unexplained = 0.125},
        .alone_valid = true,
        .state = {PIXEL_HEALTHY, PIXEL_FAILED, PIXEL_HEALTHY, PIXEL_UNKNOWN},
    };
    static const char *const keys[] = {"v",        "type",        "kind",    "cycle",   "time_s",
                                       "board",    "serial",      "columns", "rows",    "used",
                                       "repeated", "unexplained", "dropped", "unknown", "sigma",
                                       "failed",   "arrays"};
    const struct pixel_store_head head = {.board = "ris1", .columns = 2, .rows = 2};
    (void)state;
    char *text = pixel_news_format(&map, &head, 3);
    assert_non_null(text);
    json_t *o = json_loads(text, 0, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(o, keys[i]));
    assert_int_equal(json_object_size(o), sizeof keys / sizeof *keys);
    assert_int_equal(json_integer_value(json_object_get(o, "dropped")), 3);
    assert_int_equal(json_array_size(json_object_get(o, "failed")), 1);
    assert_null(strstr(text, "3.25"));
    json_decref(o);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_told_and_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
