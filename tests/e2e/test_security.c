/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * No genuine, fresh, permitting answer, no position: everything that a terminal can get wrong, sent
 * through the simulated air, is refused, counted by its verdict and written to the audit log. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/state_dir.h"
#include "frames/secure.h"
#include "tests/e2e/crowd.h"
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

/* One profile of each surface for one place is found at once, one for all places takes a second. */
static void run_exercise(struct exercise *e, const char *args)
{
    char file[300], all[1600];
    snprintf(file, sizeof file, "%s/audit.log", demo_place());
    snprintf(all, sizeof all, "--seed 2 --ris static --set bs.audit.file=%s %s", file, args);
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

#define HONEST "--seconds 8"
static struct demo_run honest; /* kept, to compare with */

static void an_honest_user_is_found(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--speed 0 " HONEST);
    assert_int_equal(e.run.exit_code, 0);
    assert_true(e.run.n_fix >= 15);
    assert_true(answers(&e, "permitted") >= (long long)e.run.n_fix);
    assert_int_equal(answers(&e, "damaged") + answers(&e, "refused"), 0);
    assert_non_null(strstr(e.audit, ": permitted"));
    honest = e.run;
}

static void no_permission(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--speed 0 --seconds 6 --permit no");
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
    snprintf(args, sizeof args, "--speed 0 --seconds 6 --set ue.user.key_file=%s", key);
    run_exercise(&e, args);
    remove(key);
    assert_no_fix(&e);
    assert_true(answers(&e, "silent") >= 25);
    assert_non_null(strstr(e.audit, "silent, observations are discarded"));
    demo_run_free(&e.run);
}

/* Cycles follow one another without a gap, so 128 of them flip each bit once. */
static void each_flipped_bit(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--speed 0 --seconds 30 --set ue.exercise.attack=flip");
    assert_no_fix(&e);
    assert_true(answers(&e, "damaged") >= RESPONSE_BITS);
    assert_int_equal(answers(&e, "refused"), 0); /* the checksum sees every single flip */
    assert_int_equal(count(e.audit, "response damaged (crc)") +
                         count(e.audit, "response damaged (format)"),
                     answers(&e, "damaged"));
    demo_run_free(&e.run);
}

/* --- several users, of whom some are not what they say ---------------------------------------- */

/* Keys of the demo follow from its seed: this is the first user's; or nobody's. */
static void write_key(const char *name, int user, char file[300])
{
    struct status err;
    uint8_t master[SECURE_MASTER_BYTES];
    snprintf(file, 300, "%s/%s.key", demo_place(), name);
    assert_int_equal(secure_init(), OK);
    secure_master_from_seed(user ? 2 : 3, (uint32_t)user, master);
    assert_int_equal(key_file_write(file, master, sizeof master, &err), OK);
}

static long long of_user(const struct exercise *e, int id, const char *key)
{
    size_t i;
    json_t *user;
    json_array_foreach(json_object_get(e->run.summary, "users"), i, user)
    {
        if (json_integer_value(json_object_get(user, "id")) == id)
            return json_integer_value(json_object_get(user, key));
    }
    fail_msg("the summary does not tell of user %d", id);
    return 0;
}

/* Lines of the audit log about single answers of this user with these words. */
static long long audited(const struct exercise *e, int id, const char *words)
{
    char begin[40];
    long long n = 0;
    snprintf(begin, sizeof begin, "user %d: cycle ", id);
    for (const char *at = e->audit; (at = strstr(at, begin)); at++) {
        const char *found = strstr(at, words), *end = strchr(at, '\n');
        n += found && end && found < end;
    }
    return n;
}

/* Not one of its answers counts but so many at first; each of the rest is counted and written
 * down. */
static void assert_refused(const struct exercise *e, int id, long long genuine)
{
    const long long refused = audited(e, id, "response refused (auth)"),
                    damaged = audited(e, id, "response damaged (format)");
    print_message("user %d: %lld asked, %lld refused, %lld damaged\n", id, of_user(e, id, "asked"),
                  refused, damaged);
    assert_int_equal(of_user(e, id, "permitted"), genuine);
    assert_true(of_user(e, id, "fixes") <= genuine);
    assert_true(refused >= 6 && refused + damaged >= 8);
}

static void assert_served(const struct exercise *e, int id, long long at_least)
{
    assert_true(of_user(e, id, "permitted") >= at_least);
    assert_true(of_user(e, id, "fixes") >= of_user(e, id, "permitted") * 97 / 100);
    assert_int_equal(audited(e, id, "response"), 0);
}

/* User 2 replays its first answer; 3 flips a bit and mends the checksum, so that only the MAC
 * stands in the way; 4 answers its cycles as user 1 would, with that user's key; 5 with nobody's.
 * Users 1 and 6 are honest, and are asked at their rates. */
static void attackers_among_honest_users(void **state)
{
    (void)state;
    struct exercise e;
    char first[300], nobody[300], args[1000];
    write_key("first", 1, first);
    write_key("nobody", 0, nobody);
    snprintf(args, sizeof args,
             "--speed 0 --seconds 24 --users 6 --set 'bs.users[0].rate_hz=2' "
             "--set 'bs.users[5].rate_hz=1' --set 'ue[1].exercise.attack=replay' "
             "--set 'ue[2].exercise.attack=forge' --set 'ue[3].exercise.key_file=%s' "
             "--set 'ue[4].exercise.key_file=%s'",
             first, nobody);
    run_exercise(&e, args);
    remove(first);
    remove(nobody);
    assert_int_equal(e.run.exit_code, 0);
    assert_refused(&e, 2, 1);
    for (int id = 3; id <= 5; id++)
        assert_refused(&e, id, 0);
    assert_served(&e, 1, 35);
    assert_served(&e, 6, 17);
    const long long twice = of_user(&e, 1, "asked") - 2 * of_user(&e, 6, "asked");
    assert_true(twice >= -1 && twice <= 1);
    assert_int_equal(count(e.audit, "response refused (auth)"), answers(&e, "refused"));
    assert_int_equal(count(e.audit, "response damaged (format)"), answers(&e, "damaged"));
    demo_run_free(&e.run);
}

/* User 3 answers its own cycles honestly, and sends where the others answer in theirs. What is left
 * of their answers counts or not, as a whole; each that does not is counted and written down, what
 * does gives a position only if its own ellipse holds the truth, or nearly so. */
static void a_jammer_costs_answers_and_makes_no_lies(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--speed 0 --seconds 24 --users 3 --set 'ue[2].exercise.attack=jam'");
    long long jammed = 0, fixes = 0;
    for (int id = 1; id <= 2; id++) {
        const long long permitted = of_user(&e, id, "permitted"),
                        damaged = audited(&e, id, "response damaged");
        print_message("user %d: %lld asked, %lld permitted, %lld damaged, %lld fixes\n", id,
                      of_user(&e, id, "asked"), permitted, damaged, of_user(&e, id, "fixes"));
        assert_true(permitted + damaged <= of_user(&e, id, "asked"));
        jammed += damaged;
        fixes += of_user(&e, id, "fixes");
    }
    assert_true(jammed >= 30 && fixes < jammed);
    assert_int_equal(answers(&e, "damaged"), jammed);
    assert_int_equal(answers(&e, "refused"), 0);
    for (size_t i = 0; i < e.run.n_fix; i++) {
        const struct demo_fix *f = &e.run.fix[i];
        const double spread_m = sqrt(f->covariance_m2[0][0] + f->covariance_m2[1][1]);
        assert_true(f->error_m < 4 * spread_m);
    }
    assert_true(of_user(&e, 3, "permitted") >= 30);
    assert_true(of_user(&e, 3, "fixes") >= of_user(&e, 3, "permitted") * 85 / 100);
    assert_int_equal(audited(&e, 3, "response"), 0);
    demo_run_free(&e.run);
}

/* Positions of this user in the same cycles of both, and how many of them are not the same. */
static size_t differ(const struct demo_run *a, const struct demo_run *b, int id, size_t *n)
{
    size_t differ = 0;
    *n = 0;
    for (size_t i = 0; i < a->n_fix; i++)
        for (size_t k = 0; k < b->n_fix && a->fix[i].user == id; k++) {
            if (b->fix[k].user != id || b->fix[k].cycle != a->fix[i].cycle)
                continue;
            ++*n;
            differ += memcmp(a->fix[i].position_m, b->fix[k].position_m,
                             sizeof a->fix[i].position_m) != 0;
        }
    return differ;
}

/* User 3, who is loud, sends where user 1 answers, and there alone. */
static void a_jammer_of_one_user_costs_the_others_nothing(void **state)
{
#define THREE                                                                                      \
    "--speed 0 --seconds 14 --users 3 --link --set 'ue[2].radio.tx_gain_db=32' "                   \
    "--set 'ue[2].radio.max_eirp_dbm=40' "
    (void)state;
    struct exercise quiet, e;
    run_exercise(&quiet, THREE);
    run_exercise(&e, THREE "--set 'ue[2].exercise.attack=jam' --set 'ue[2].exercise.jam_after=1'");
    const long long damaged = audited(&e, 1, "response damaged");
    long long served = 0;
    print_message("user 1: %lld answers heard without the jammer, %lld damaged with it\n",
                  of_user(&quiet, 1, "permitted"), damaged);
    assert_true(damaged >= 15);
    assert_int_equal(damaged, of_user(&quiet, 1, "permitted"));
    assert_int_equal(answers(&e, "damaged"), damaged);
    assert_int_equal(answers(&e, "refused"), 0);
    assert_int_equal(of_user(&e, 1, "permitted") + of_user(&e, 1, "fixes"), 0);
    for (int id = 2; id <= 3; id++) {
        size_t n;
        const size_t apart = differ(&quiet.run, &e.run, id, &n);
        print_message("user %d: %lld of %lld fixes, %zu of %zu differ\n", id,
                      of_user(&e, id, "fixes"), of_user(&quiet, id, "fixes"), apart, n);
        assert_int_equal(apart, 0);
        assert_true(n >= 14 && (long long)n == of_user(&quiet, id, "fixes"));
        assert_int_equal(n, of_user(&e, id, "fixes"));
        assert_int_equal(of_user(&e, id, "permitted"), of_user(&quiet, id, "permitted"));
        assert_int_equal(audited(&e, id, "response"), 0);
        served += of_user(&e, id, "permitted");
    }
    const double sent = demo_summary(&e.run, "link.down.sent"),
                 whole = demo_summary(&e.run, "link.up.ok");
    print_message("slots of data: %g down, %g up whole, of %lld answers\n", sent, whole, served);
    assert_true(whole >= (double)served - 2 && whole == demo_summary(&e.run, "link.up.expected"));
    assert_true(sent >= (double)served - 2);
    demo_run_free(&e.run);
    demo_run_free(&quiet.run);
}

/* --- bad clients of the sockets -------------------------------------------------------------- */

/* Ends the demo once all its commands were answered and the honest user was found as often. */
static void be_a_crowd(void)
{
    char folder[600];
    struct crowd_count count;
    for (int i = 0; i < 24000 && !demo_folder()[0]; i++)
        usleep(5000);
    snprintf(folder, sizeof folder, "%s/%s", demo_place(), demo_folder());
    const struct crowd_cfg cfg = {
        .folder = folder, .seed = 5, .commands = 20000, .fixes = honest.n_fix, .patience_s = 60};
    const int rc = crowd_run(&cfg, &count);
    print_message("crowd: %zu sent, %zu answered, %zu refused, %zu broken off, %zu fixes\n",
                  count.sent, count.answered, count.refused, count.broken_off, count.fixes);
    kill(demo_process("mirador"), SIGINT);
    _exit(rc == 0 && count.wrongly_accepted == 0 && count.broken_off > 0 ? 0 : 1);
}

/* The honest user's run is the same to the last bit as far as it went, and the audit log tells of
 * the refusals without growing. */
static void a_crowd_of_bad_clients_changes_nothing(void **state)
{
    struct exercise e;
    int status;
    (void)state;
    pid_t crowd = fork();
    if (crowd == 0)
        be_a_crowd();
    run_exercise(&e, "--speed 1 --seconds 0");
    assert_int_equal(waitpid(crowd, &status, 0), crowd);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(honest.n_fix >= 15);
    assert_true(strlen(e.run.fix_text) >= strlen(honest.fix_text));
    e.run.fix_text[strlen(honest.fix_text)] = 0;
    assert_string_equal(e.run.fix_text, honest.fix_text);
    assert_true(demo_summary(&e.run, "cycles") >= demo_summary(&honest, "cycles"));
    assert_true(demo_summary(&e.run, "lates") == 0 && demo_summary(&e.run, "gaps") == 0);
    assert_in_range(count(e.audit, "command by local (a program)"), LOG_BURST, 2 * LOG_BURST);
    assert_null(strstr(e.audit, "}: ok"));
    demo_run_free(&e.run);
    demo_run_free(&honest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_user_is_found),
        cmocka_unit_test(a_crowd_of_bad_clients_changes_nothing),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(a_wrong_key),
        cmocka_unit_test(each_flipped_bit),
        cmocka_unit_test(attackers_among_honest_users),
        cmocka_unit_test(a_jammer_costs_answers_and_makes_no_lies),
        cmocka_unit_test(a_jammer_of_one_user_costs_the_others_nothing),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
