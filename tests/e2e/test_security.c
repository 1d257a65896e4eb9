/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * No genuine, fresh, permitting answer, no position: everything that a terminal can get wrong, sent
 * through the simulated air, is refused, counted by its verdict and written to the audit log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/e2e/demo_run.h"

enum { RESPONSE_BITS = 128 };

struct exercise {
    struct demo_run run;
    char audit[65536];
};

static long long answers(const struct exercise *e, const char *verdict)
{
    json_t *n = json_object_get(json_object_get(e->run.summary, "answers"), verdict);
    if (!json_is_integer(n))
        fail_msg("the summary counts no answers '%s'", verdict);
    return json_integer_value(n);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

static void run_exercise(struct exercise *e, const char *args)
{
    char file[300], all[1200];
    snprintf(file, sizeof file, "%s/audit.log", demo_place());
    snprintf(all, sizeof all, "--speed 0 --seed 2 --set bs.audit.file=%s %s", file, args);
    demo_run(&e->run, all);
    if (!e->run.summary)
        fail_msg("%s: %s", args, e->run.stderr_text);
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    e->audit[fread(e->audit, 1, sizeof e->audit - 1, f)] = 0;
    fclose(f);
    remove(file);
    print_message("%s: %lld permitted, %lld silent, %lld damaged, %lld refused\n", args,
                  answers(e, "permitted"), answers(e, "silent"), answers(e, "damaged"),
                  answers(e, "refused"));
}

/* No position at all, and the run says that it failed, as it was told that the user permits. */
static void assert_no_fix(struct exercise *e)
{
    assert_int_equal(e->run.exit_code, 1);
    assert_non_null(strstr(e->run.stderr_text, "no fix though the user permits it"));
    assert_int_equal(e->run.n_fix, 0);
    assert_true(demo_summary(&e->run, "fixes") == 0);
    assert_true(demo_summary(&e->run, "responses") == 0);
    assert_int_equal(answers(e, "permitted"), 0);
    assert_null(strstr(e->audit, ": permitted"));
}

static void an_honest_user_is_found(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--seconds 7");
    assert_int_equal(e.run.exit_code, 0);
    assert_true(e.run.n_fix >= 10);
    assert_true(answers(&e, "permitted") >= (long long)e.run.n_fix);
    assert_int_equal(answers(&e, "damaged") + answers(&e, "refused"), 0);
    assert_non_null(strstr(e.audit, ": permitted"));
    demo_run_free(&e.run);
}

static void no_permission(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--seconds 6 --permit no");
    assert_int_equal(e.run.exit_code, 0); /* as asked for */
    assert_int_equal(e.run.n_fix, 0);
    assert_true(answers(&e, "silent") >= 25);
    assert_int_equal(answers(&e, "permitted"), 0);
    assert_non_null(strstr(e.audit, "silent, observations are discarded"));
    demo_run_free(&e.run);
}

/* The user cannot read the request, so it does not even answer. */
static void a_wrong_key(void **state)
{
    (void)state;
    struct exercise e;
    char key[300], command[800], args[600];
    snprintf(key, sizeof key, "%s/wrong.key", demo_place());
    snprintf(command, sizeof command, MIRADOR_BIN_DIR "/mirador keys user add 1001 --out %s", key);
    assert_int_equal(system(command), 0);
    snprintf(args, sizeof args, "--seconds 6 --set ue.user.key_file=%s", key);
    run_exercise(&e, args);
    remove(key);
    assert_no_fix(&e);
    assert_true(answers(&e, "silent") >= 25);
    assert_non_null(strstr(e.audit, "silent, observations are discarded"));
    demo_run_free(&e.run);
}

/* The first answer is genuine; every later cycle gets the same one again. */
static void a_replayed_answer(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--seconds 8 --set ue.exercise.attack=replay");
    assert_int_equal(answers(&e, "permitted"), 1);
    assert_true(e.run.n_fix <= 1);
    assert_true(answers(&e, "refused") >= 15);
    assert_int_equal(answers(&e, "damaged"), 0);
    assert_int_equal(count(e.audit, "response refused (auth)"), answers(&e, "refused"));
    demo_run_free(&e.run);
}

/* Cycles follow one another without a gap, so 128 of them flip each bit once. */
static void each_flipped_bit(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--seconds 30 --set ue.exercise.attack=flip");
    assert_no_fix(&e);
    assert_true(answers(&e, "damaged") >= RESPONSE_BITS);
    assert_int_equal(answers(&e, "refused"), 0); /* the checksum sees every single flip */
    assert_int_equal(count(e.audit, "response damaged (crc)") +
                         count(e.audit, "response damaged (format)"),
                     answers(&e, "damaged"));
    demo_run_free(&e.run);
}

/* One bit wrong and the checksum mended: only the MAC stands in the way. */
static void forged_bits(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--seconds 9 --set ue.exercise.attack=forge");
    assert_no_fix(&e);
    assert_true(answers(&e, "refused") >= 20);
    assert_int_equal(count(e.audit, "response refused (auth)"), answers(&e, "refused"));
    assert_int_equal(count(e.audit, "response damaged (format)"), answers(&e, "damaged"));
    demo_run_free(&e.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_user_is_found),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(a_wrong_key),
        cmocka_unit_test(a_replayed_answer),
        cmocka_unit_test(each_flipped_bit),
        cmocka_unit_test(forged_bits),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
