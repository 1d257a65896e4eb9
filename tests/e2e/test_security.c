/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * No genuine, fresh, permitting answer, no position: everything that a terminal can get wrong, sent
 * through the simulated air, is refused, counted by its verdict and written to the audit log. */
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
#include <zmq.h>

#include "base/sockets.h"

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
    char file[300], all[1200];
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

/* The first answer is genuine; every later cycle gets the same one again. */
static void a_replayed_answer(void **state)
{
    (void)state;
    struct exercise e;
    run_exercise(&e, "--speed 0 --seconds 8 --set ue.exercise.attack=replay");
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
    run_exercise(&e, "--speed 0 --seconds 30 --set ue.exercise.attack=flip");
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
    run_exercise(&e, "--speed 0 --seconds 9 --set ue.exercise.attack=forge");
    assert_no_fix(&e);
    assert_true(answers(&e, "refused") >= 20);
    assert_int_equal(count(e.audit, "response refused (auth)"), answers(&e, "refused"));
    assert_int_equal(count(e.audit, "response damaged (format)"), answers(&e, "damaged"));
    demo_run_free(&e.run);
}

/* --- bad clients of the sockets -------------------------------------------------------------- */

enum { CLIENTS = 100, COMMANDS = 20000 };

/* Not one that would change something: those are for honest clients. */
static bool is_harmless(const char *text, size_t n)
{
    json_t *o = json_loadb(text, n, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "cmd"));
    bool harmless = !name || strcmp(name, "status") == 0 || strcmp(name, "pattern") == 0;
    json_decref(o);
    return harmless;
}

static size_t draw_command(unsigned *seed, char text[128])
{
    static const char *const from[] = {
        "{\"cmd\":\"status\",\"seq\":1}", "{\"cmd\":\"pause\",\"seconds\":3600}",
        "{\"cmd\":\"gain\",\"tx_db\":1}", "{\"cmd\":\"users\",\"do\":\"remove\",\"user\":1001}",
        "{\"cmd\":\"shutdown\"}",         "[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    size_t n;
    do {
        n = (size_t)snprintf(text, 128, "%s", from[(unsigned)rand_r(seed) % 6]);
        for (int i = rand_r(seed) % 4; i >= 0; i--)
            text[(size_t)rand_r(seed) % n] = (char)rand_r(seed);
        n -= (size_t)rand_r(seed) % 3;
    } while (!is_harmless(text, n));
    return n;
}

static void until_there(const char *path)
{
    for (int i = 0; i < 6000 && access(path, F_OK) != 0; i++)
        usleep(5000);
}

/* Until it is killed; leaves a file once all its commands were answered. */
static void be_a_crowd(void)
{
    char path[700], endpoint[720], text[128];
    static void *dealer[CLIENTS];
    static struct socket_message answer;
    struct status err = {0};
    unsigned seed = 5, answered = 0;
    while (!demo_folder()[0])
        usleep(5000);
    snprintf(path, sizeof path, "%s/%s/control.sock", demo_place(), demo_folder());
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    until_there(path);
    struct sockets *s = sockets_create(NULL, &err);
    for (size_t i = 0; i < CLIENTS; i++)
        dealer[i] = sockets_connect(s, ZMQ_DEALER, endpoint, &err);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/%s/telemetry.sock", demo_place(), demo_folder());
    void *deaf = sockets_connect(s, ZMQ_SUB, endpoint, &err); /* never reads */
    (void)!socket_subscribe(deaf, "");
    for (unsigned sent = 0; answered < COMMANDS; sent++) {
        const size_t i = sent % CLIENTS;
        const struct socket_frame command[] = {
            {text, draw_command(&seed, text)}, {"x", 1}, {"", 0}};
        if (sent - answered < 2000)
            (void)!socket_send(dealer[i], command, sent % 50 ? 1 : 3); /* three: no answer */
        while (socket_recv(dealer[i], &answer, 0) == OK)
            answered++;
        if (sent % 50 == 0)
            answered++;
    }
    snprintf(path, sizeof path, "%s/crowd", demo_place());
    fclose(fopen(path, "w"));
    for (;;)
        pause();
}

/* A hundred connections, 20,000 commands of mutated text, a subscriber that never reads: the honest
 * user's run is the same to the last bit. Paced, so that the crowd gets through. */
static void a_crowd_of_bad_clients_changes_nothing(void **state)
{
    struct exercise e;
    char path[300];
    (void)state;
    pid_t crowd = fork();
    if (crowd == 0)
        be_a_crowd();
    run_exercise(&e, "--speed 0.5 " HONEST);
    kill(crowd, SIGKILL);
    waitpid(crowd, NULL, 0);
    snprintf(path, sizeof path, "%s/crowd", demo_place());
    assert_int_equal(unlink(path), 0); /* all was answered */
    assert_true(honest.n_fix >= 15);
    assert_string_equal(e.run.fix_text, honest.fix_text);
    assert_true(demo_summary(&e.run, "cycles") == demo_summary(&honest, "cycles"));
    assert_true(demo_summary(&e.run, "lates") == 0 && demo_summary(&e.run, "gaps") == 0);
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
        cmocka_unit_test(a_replayed_answer),
        cmocka_unit_test(each_flipped_bit),
        cmocka_unit_test(forged_bits),
    };
    return cmocka_run_group_tests(tests, demo_place_make, demo_place_remove);
}
