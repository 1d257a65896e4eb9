/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * YAML documents as trees: what is broken is refused at its place, what is huge or deep at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/config_tree.h"
#include "base/log.h"

static struct config_tree tree;
static struct status err;

static int parse_n(const char *text, size_t n)
{
    config_tree_free(&tree);
    return config_tree_read(&tree, "bs.yaml", text, n, &err);
}

static int parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static int clean_up(void **state)
{
    (void)state;
    config_tree_free(&tree);
    return 0;
}

static void reports_broken_yaml(void **state)
{
    (void)state;
    assert_int_equal(parse("radio: [1, 2\nseed: 1\n"), ERR_ARG);
    assert_memory_equal(err.text, "bs.yaml:2:", 10);
    assert_non_null(strstr(err.text, "not YAML"));
    assert_int_equal(parse("seed: \"open\n"), ERR_ARG);
    assert_int_equal(parse("\tseed: 1\n"), ERR_ARG);
    assert_int_equal(parse("seed: \xff\xfe\n"), ERR_ARG);
    assert_non_null(strstr(err.text, "UTF-8"));
    assert_int_equal(parse("rate: 1\n---\nseed: 1\n"), ERR_ARG);
    assert_string_equal(err.text, "bs.yaml:2:1: a second document; one file holds one");
    assert_int_equal(parse("[1]: 2\n"), ERR_ARG);
}

static void expands_aliases_within_limits(void **state)
{
    (void)state;
    assert_int_equal(parse("users:\n- &u {id: 3}\n- *u\n"), 0);
    const struct node *users = tree.root->first;
    assert_int_equal(users->n_items, 2);
    assert_string_equal(users->last->first->key, "id");
    assert_string_equal(users->last->first->text, "3");
    assert_int_equal(parse("radio: &a {tx: *a}\n"), ERR_ARG);
    assert_non_null(strstr(err.text, "an alias of itself"));

    char bomb[4096] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
    for (char k = 'b'; k < 'k'; k++) {
        char line[128];
        snprintf(line, sizeof line, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", k, k, k - 1,
                 k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1);
        strcat(bomb, line);
    }
    assert_int_equal(parse(bomb), ERR_ARG);
    assert_non_null(strstr(err.text, "more than 100000 values"));
}

static double own_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Documents that make a naive reader slow or deep are refused at once. */
static void refuses_huge_and_deep_documents(void **state)
{
    (void)state;
    const size_t n = CONFIG_MAX_BYTES;
    char *text = malloc(n + 2);
    static const char *const pieces[] = {"[", "{", "- ", "? ", "a: [", "[a, {", "{a: "};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (size_t k = 0; k < n; k++)
            text[k] = pieces[i][k % strlen(pieces[i])];
        const double began = own_s();
        assert_int_equal(parse_n(text, n), ERR_ARG);
        assert_true(own_s() - began < 10);
    }
    memset(text, ' ', n + 1);
    assert_int_equal(parse_n(text, n + 1), ERR_ARG);
    assert_string_equal(err.text, "bs.yaml: more than 1 MiB; this is no configuration");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reports_broken_yaml, clean_up),
        cmocka_unit_test_teardown(expands_aliases_within_limits, clean_up),
        cmocka_unit_test_teardown(refuses_huge_and_deep_documents, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
