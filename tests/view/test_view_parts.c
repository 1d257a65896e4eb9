/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of the bridge that need no browser: what it keeps, whom it admits, how commands find
 * their way back. */
#include "base/log.h"
#include "base/state_dir.h"
#include "host/view/desk.h"
#include "host/view/feed.h"
#include "host/view/guard.h"
#include "host/view/judge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include <cmocka.h>

enum { ROOM = 256 * 1024 };

static int put(struct feed *f, const char *topic, const char *header, const void *array, size_t n)
{
    const struct socket_message m = {
        .n = array ? 3 : 2,
        .frames = {{topic, strlen(topic)}, {header, strlen(header)}, {array, n}}};
    return feed_put(f, &m, 1000);
}

static uint32_t u32(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Number of records in n bytes, each checked to lie inside. */
static size_t count(const uint8_t *bytes, size_t n)
{
    size_t records = 0, at = 0;
    while (at < n) {
        assert_true(n - at >= FEED_RECORD_HEAD);
        at += FEED_RECORD_HEAD + u32(bytes + at) + u32(bytes + at + 4) + u32(bytes + at + 8);
        records++;
    }
    assert_int_equal(at, n);
    return records;
}

static void feed_gives_each_reader_what_is_new_and_only_the_latest(void **state)
{
    (void)state;
    static uint8_t out[ROOM];
    struct feed *f = feed_create(NULL);
    uint64_t fast = 0, slow = 0;
    assert_int_equal(put(f, "health", "{\"n\":1}", NULL, 0), OK);
    size_t n = feed_collect(f, &fast, 1250, out, sizeof out);
    assert_int_equal(count(out, n), 1);
    assert_int_equal(u32(out + 12), 250); /* how old it is */
    assert_int_equal(feed_collect(f, &fast, 1250, out, sizeof out), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(put(f, "health", i == 999 ? "{\"last\":1}" : "{}", NULL, 0), OK);
    n = feed_collect(f, &slow, 1250, out, sizeof out);
    assert_int_equal(count(out, n), 1);
    assert_memory_equal(out + FEED_RECORD_HEAD + 6, "{\"last\":1}", 10);
    feed_destroy(&f);
    feed_destroy(&f);
}

static void feed_keeps_a_bounded_history_in_order(void **state)
{
    (void)state;
    static uint8_t out[ROOM];
    struct feed *f = feed_create(NULL);
    uint64_t seen = 0;
    char header[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(header, sizeof header, "{\"cycle\":1%05d}", i);
        assert_int_equal(put(f, "fix", header, NULL, 0), OK);
    }
    size_t n = feed_collect(f, &seen, 1000, out, sizeof out), at = 0;
    assert_int_equal(count(out, n), 300);
    for (int i = 700; i < 1000; i++, at += FEED_RECORD_HEAD + 3 + 16) {
        snprintf(header, sizeof header, "{\"cycle\":1%05d}", i);
        assert_memory_equal(out + at + FEED_RECORD_HEAD + 3, header, 16);
    }
    feed_destroy(&f);
}

static void feed_tells_boards_and_users_apart(void **state)
{
    (void)state;
    static uint8_t out[ROOM];
    struct feed *f = feed_create(NULL);
    uint64_t seen = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(put(f, "calib", "{\"board\":\"ris1\"}", "abcd", 4), OK);
        assert_int_equal(put(f, "calib", "{\"board\":\"ris2\"}", "abcd", 4), OK);
        assert_int_equal(put(f, "paths", "{\"user\":1}", "abcd", 4), OK);
        assert_int_equal(put(f, "paths", "{\"user\":2}", "abcd", 4), OK);
    }
    assert_int_equal(count(out, feed_collect(f, &seen, 1000, out, sizeof out)), 4);
    feed_destroy(&f);
}

/* Of whom a cycle or health says that its way is forgotten, and of who has left, nothing is given
 * to a page that comes later. */
static void feed_forgets_where_users_were(void **state)
{
    (void)state;
    static uint8_t out[ROOM];
    static const char *const topics[] = {"fix", "fix", "paths", "link"};
    struct feed *f = feed_create(NULL);
    char header[64];
    uint64_t seen = 0;
    for (int user = 1; user <= 4; user++)
        for (size_t i = 0; i < 4; i++) {
            snprintf(header, sizeof header, "{\"user\":%d}", user);
            assert_int_equal(put(f, topics[i], header, NULL, 0), OK);
        }
    assert_int_equal(
        put(f, "cycle", "{\"user\":1,\"forgotten\":false,\"response\":\"permitted\"}", NULL, 0),
        OK);
    assert_int_equal(
        put(f, "cycle", "{\"user\":2,\"forgotten\":false,\"response\":\"permitted\"}", NULL, 0),
        OK);
    assert_int_equal(feed_totals(f).messages, 18);
    assert_int_equal(put(f, "cycle", "{\"user\":2,\"forgotten\":false}", NULL, 0), OK);
    assert_int_equal(feed_totals(f).messages, 19);
    assert_int_equal(put(f, "cycle", "{\"user\":1,\"forgotten\":true}", NULL, 0), OK);
    assert_int_equal(feed_totals(f).messages, 20 - 5);
    assert_int_equal(put(f, "health",
                         "{\"users\":[{\"id\":1,\"forgotten\":true},{\"id\":2,\"forgotten\":true},"
                         "{\"id\":3,\"forgotten\":false}]}",
                         NULL, 0),
                     OK);
    assert_int_equal(feed_totals(f).messages, 4 + 3); /* user 3's, two cycles, health */
    assert_int_equal(count(out, feed_collect(f, &seen, 1000, out, sizeof out)), 7);
    assert_int_equal(put(f, "fix", "{\"user\":1}", NULL, 0), OK); /* permits again */
    assert_int_equal(count(out, feed_collect(f, &seen, 1000, out, sizeof out)), 1);
    feed_destroy(&f);
}

static void feed_takes_no_nonsense_and_no_more_than_its_bytes(void **state)
{
    (void)state;
    static char big[FEED_MESSAGE_MAX];
    struct feed *f = feed_create(NULL);
    char header[64];
    assert_int_equal(put(f, "fix", "no json", NULL, 0), ERR_FORMAT);
    assert_int_equal(put(f, "", "{}", NULL, 0), ERR_FORMAT);
    assert_int_equal(put(f, "a topic that is far too long for one", "{}", NULL, 0), ERR_FORMAT);
    assert_int_equal(put(f, "x", "{}", big, sizeof big), ERR_NO_SPACE);
    for (int i = 0; i < 5000; i++) { /* more users than there is room for: the latest are shown */
        snprintf(header, sizeof header, "{\"user\":%d}", i);
        assert_int_equal(put(f, "x", header, big, i < 2500 ? 32768 : 8), OK);
        assert_true(feed_totals(f).bytes <= FEED_BYTES);
    }
    assert_int_equal(feed_totals(f).refused, 4);
    static uint8_t out[ROOM];
    uint64_t seen = 0;
    size_t n, records = 0;
    while ((n = feed_collect(f, &seen, 1000, out, sizeof out)) > 0)
        records += count(out, n);
    assert_int_equal(records, feed_totals(f).messages);
    assert_in_range(records, 100, 5000);
    feed_destroy(&f);
}

/* A page far behind is brought up in frames of bounded size. */
static void feed_fills_frames_no_larger_than_asked(void **state)
{
    (void)state;
    static uint8_t out[ROOM];
    struct feed *f = feed_create(NULL);
    uint64_t seen = 0;
    size_t records = 0, n, frames = 0;
    for (int i = 0; i < 300; i++)
        assert_int_equal(put(f, "fix", "{\"padding\":\"0123456789\"}", NULL, 0), OK);
    for (; (n = feed_collect(f, &seen, 1000, out, 1000)) > 0; frames++) {
        assert_true(n <= 1000);
        records += count(out, n);
    }
    assert_int_equal(records, 300);
    assert_true(frames > 10);
    feed_destroy(&f);
}

static void guard_knows_its_own_page(void **state)
{
    (void)state;
    struct status err;
    static struct view_cfg cfg;
    snprintf(cfg.listen.names[0], sizeof cfg.listen.names[0], "lab.example");
    cfg.listen.n_names = 1;
    struct guard g;
    assert_int_equal(guard_init(&g, &cfg, &err), OK);
    assert_true(guard_origin(&g, "http://127.0.0.1:8088", "127.0.0.1:8088"));
    assert_true(guard_origin(&g, "http://localhost:8088", "localhost:8088"));
    assert_true(guard_origin(&g, "http://lab.example", "lab.example"));
    assert_false(guard_origin(&g, "http://evil.example", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "http://evil.example:8088", "evil.example:8088"));
    assert_false(guard_origin(&g, "http://127.0.0.1:80880", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "http://127.0.0.1", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "https://127.0.0.1:8088", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "https://lab.example", "lab.example"));
    assert_false(guard_origin(&g, "null", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "", ""));
    assert_true(guard_token(&g, "", 0)); /* none is needed */
}

/* A name of the proxy is for https alone: by http anybody on the way could write the page. */
static void guard_knows_the_proxy_by_its_name(void **state)
{
    (void)state;
    struct status err;
    static struct view_cfg cfg;
    snprintf(cfg.listen.https_names[0], sizeof cfg.listen.https_names[0], "mirador.example");
    cfg.listen.n_https_names = 1;
    struct guard g;
    assert_int_equal(guard_init(&g, &cfg, &err), OK);
    assert_true(guard_origin(&g, "https://mirador.example", "mirador.example"));
    assert_true(guard_origin(&g, "HTTPS://Mirador.example:8443", "mirador.example:8443"));
    assert_true(guard_origin(&g, "http://127.0.0.1:8088", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "http://mirador.example", "mirador.example"));
    assert_false(guard_origin(&g, "https://mirador.example", "127.0.0.1:8088"));
    assert_false(guard_origin(&g, "https://mirador.example.evil", "mirador.example.evil"));
    assert_false(guard_origin(&g, "https://localhost", "localhost"));
    assert_false(guard_origin(&g, "https://", ""));
}

static void other_machines_need_a_token(void **state)
{
    (void)state;
    static struct view_cfg cfg;
    struct status err = {0};
    const char *const bad[] = {"0.0.0.0", "192.168.1.5", "lab", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(cfg.listen.host, sizeof cfg.listen.host, "%s", bad[i]);
        assert_int_equal(view_config_check(&cfg, "view.yaml", &err), ERR_ARG);
        assert_non_null(strstr(err.text, "listen.host"));
    }
    snprintf(cfg.listen.host, sizeof cfg.listen.host, "127.0.0.2");
    assert_int_equal(view_config_check(&cfg, "view.yaml", &err), OK);
    snprintf(cfg.listen.host, sizeof cfg.listen.host, "0.0.0.0");
    cfg.listen.token = true;
    assert_int_equal(view_config_check(&cfg, "view.yaml", &err), OK);
}

static void a_proxy_s_name_needs_a_token(void **state)
{
    (void)state;
    struct status err = {0};
    struct view_cfg cfg = {.listen = {.n_https_names = 1}};
    snprintf(cfg.listen.host, sizeof cfg.listen.host, "127.0.0.1");
    assert_int_equal(view_config_check(&cfg, "view.yaml", &err), ERR_ARG);
    assert_non_null(strstr(err.text, "listen.token"));
    cfg.listen.token = true;
    assert_int_equal(view_config_check(&cfg, "view.yaml", &err), OK);
}

/* The first bridge makes it, the next one has the same; nobody else can read it. */
static void token_is_made_once(void **state)
{
    (void)state;
    static struct view_cfg cfg = {.listen.token = true};
    struct status err = {0};
    struct guard first, second;
    struct stat st;
    char folder[128];
    assert_int_equal(state_dir_create("mirador-test-token", folder, sizeof folder, &err), OK);
    snprintf(cfg.listen.token_file, sizeof cfg.listen.token_file, "%.120s/token", folder);
    assert_int_equal(guard_init(&first, &cfg, &err), OK);
    assert_int_equal(guard_init(&second, &cfg, &err), OK);
    assert_int_equal(strlen(first.token), GUARD_TOKEN_TEXT);
    assert_string_equal(first.token, second.token);
    assert_int_equal(stat(cfg.listen.token_file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(guard_token(&first, second.token, GUARD_TOKEN_TEXT));
    assert_false(guard_token(&first, "", 0));
    assert_false(guard_token(&first, second.token, GUARD_TOKEN_TEXT - 1));
    assert_int_equal(chmod(cfg.listen.token_file, 0644), 0);
    assert_int_equal(guard_init(&first, &cfg, &err), ERR_AUTH);
    snprintf(cfg.listen.token_file, sizeof cfg.listen.token_file, "%.120s/missing/token", folder);
    assert_int_equal(guard_init(&first, &cfg, &err), ERR_IO);
    assert_non_null(strstr(err.text, "listen.token_file"));
    assert_int_equal(state_dir_remove(folder, &err), OK);
}

/* --- commands: a daemon of ours behind a ROUTER */

struct bench {
    struct sockets *sockets;
    void *router;
    struct desk *desk;
    struct socket_message heard;
};

static const char endpoint[] = "inproc://desk";

static void set_up(struct bench *b)
{
    struct status err = {0};
    *b = (struct bench){.sockets = sockets_create(NULL, &err)};
    b->router = sockets_bind(b->sockets, ZMQ_ROUTER, endpoint, &err);
    b->desk = desk_create(b->sockets, endpoint, &err);
    if (!b->router || !b->desk)
        fail_msg("%s", err.text);
}

static void take_down(struct bench *b)
{
    socket_message_clear(&b->heard);
    desk_destroy(&b->desk);
    socket_close(&b->router);
    sockets_destroy(&b->sockets);
}

/* The daemon's side: the command that arrived, answered with its own seq. */
static void answer(struct bench *b, char *command, size_t size)
{
    assert_int_equal(socket_recv(b->router, &b->heard, 5000), OK);
    const struct socket_frame *f = &b->heard.frames[b->heard.n - 1];
    snprintf(command, size, "%.*s", (int)f->n, (const char *)f->bytes);
    const char *seq = strstr(command, "\"seq\":");
    assert_non_null(seq);
    char text[64];
    int n = snprintf(text, sizeof text, "{\"ok\":true,\"seq\":%d}", atoi(seq + 6));
    struct socket_frame out[2] = {b->heard.frames[0], {text, (size_t)n}};
    assert_int_equal(socket_send(b->router, out, 2), OK);
}

static struct desk_answer wait_answer(struct bench *b, int64_t now_ms)
{
    struct desk_answer a = {0};
    for (int i = 0; i < 5000 && !desk_take(b->desk, now_ms, &a); i++)
        zmq_poll(NULL, 0, 1);
    assert_non_null(a.text);
    return a;
}

static void commands_go_out_marked_and_come_back_to_who_asked(void **state)
{
    (void)state;
    struct bench b;
    struct status err = {0};
    struct desk_client one = {.id = 1, .who = "page 1"}, two = {.id = 2, .who = "page 2"};
    static const char text[] = "{\"cmd\":\"status\",\"seq\":7,\"who\":\"root\"}";
    char command[400];
    set_up(&b);
    assert_int_equal(desk_ask(b.desk, &one, text, strlen(text), 0, &err), OK);
    assert_int_equal(desk_ask(b.desk, &two, text, strlen(text), 0, &err), OK);
    answer(&b, command, sizeof command);
    assert_non_null(strstr(command, "\"who\":\"page 1\"")); /* not what it says itself */
    struct desk_answer a = wait_answer(&b, 0);
    assert_ptr_equal(a.client, &one);
    assert_non_null(strstr(a.text, "\"seq\":7"));
    free(a.text);
    answer(&b, command, sizeof command);
    a = wait_answer(&b, 0);
    assert_ptr_equal(a.client, &two);
    assert_int_equal(one.asks + two.asks, 0);
    free(a.text);
    take_down(&b);
}

static void silence_is_answered_and_the_command_not_kept(void **state)
{
    (void)state;
    struct bench b;
    struct status err = {0};
    struct desk_client one = {.id = 1, .who = "page 1"};
    struct desk_answer a;
    static const char text[] = "{\"cmd\":\"shutdown\",\"seq\":9}";
    set_up(&b);
    assert_int_equal(desk_ask(b.desk, &one, text, strlen(text), 100, &err), OK);
    assert_false(desk_take(b.desk, 100 + DESK_PATIENCE_MS - 1, &a));
    assert_true(desk_take(b.desk, 100 + DESK_PATIENCE_MS, &a));
    assert_non_null(strstr(a.text, "\"seq\":9"));
    assert_non_null(strstr(a.text, "timeout"));
    free(a.text);
    take_down(&b);
}

/* One question that a living daemon leaves open does not cost another its answer. */
static void one_silence_is_not_the_others(void **state)
{
    (void)state;
    struct bench b;
    struct status err = {0};
    struct desk_client one = {.id = 1, .who = "page 1"}, two = {.id = 2, .who = "page 2"};
    struct desk_answer a;
    char command[400];
    static const char text[] = "{\"cmd\":\"status\",\"seq\":9}";
    set_up(&b);
    assert_int_equal(desk_ask(b.desk, &one, text, strlen(text), 100, &err), OK);
    assert_int_equal(socket_recv(b.router, &b.heard, 5000), OK); /* and nothing is said to it */
    assert_int_equal(desk_ask(b.desk, &two, text, strlen(text), 200, &err), OK);
    answer(&b, command, sizeof command);
    a = wait_answer(&b, 250);
    assert_ptr_equal(a.client, &two);
    free(a.text);
    assert_int_equal(desk_ask(b.desk, &two, text, strlen(text), 300, &err), OK);
    assert_true(desk_take(b.desk, 100 + DESK_PATIENCE_MS, &a)); /* the first gives up */
    assert_ptr_equal(a.client, &one);
    free(a.text);
    answer(&b, command, sizeof command);
    a = wait_answer(&b, 100 + DESK_PATIENCE_MS);
    assert_ptr_equal(a.client, &two);
    assert_non_null(strstr(a.text, "\"ok\":true"));
    free(a.text);
    take_down(&b);
}

static void nonsense_and_too_much_are_refused(void **state)
{
    (void)state;
    struct bench b;
    struct status err = {0};
    struct desk_client one = {.id = 1, .who = "page 1"};
    static const char *const bad[] = {"", "{", "[]", "5", "{}", "{\"cmd\":1}", "\xff"};
    static const char good[] = "{\"cmd\":\"status\"}";
    set_up(&b);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(desk_ask(b.desk, &one, bad[i], strlen(bad[i]), 0, &err), ERR_FORMAT);
    for (int i = 0; i < DESK_COMMANDS_EACH; i++)
        assert_int_equal(desk_ask(b.desk, &one, good, strlen(good), 0, &err), OK);
    assert_int_equal(desk_ask(b.desk, &one, good, strlen(good), 0, &err), ERR_BUSY);
    desk_forget(b.desk, &one);
    take_down(&b);
}

static bool hear(struct judge *j, const char *topic, const char *header)
{
    const struct socket_message m = {.n = 2,
                                     .frames = {{topic, strlen(topic)}, {header, strlen(header)}}};
    return judge_hear(j, &m);
}

static bool hear_steered(struct judge *j, const char *run, double length_m)
{
    char header[300];
    snprintf(header, sizeof header,
             "{\"run\":\"%s\",\"time_s\":1.01,\"user\":7,\"position_m\":[1,2,1],\"identity\":"
             "\"steering\",\"paths\":[{\"name\":\"L1\",\"length_m\":%g,\"bias_m\":0}]}",
             run, length_m);
    return hear(j, "fix", header);
}

static void judge_counts_misidentified_paths_of_one_run(void **state)
{
    (void)state;
    static const char *const truth = "{\"time_s\":%s,\"users\":[{\"id\":7,\"position_m\":[1,2,1],"
                                     "\"lengths_m\":[10,15,16]}]}";
    char header[200], out[JUDGE_BYTES];
    struct judge *j = judge_create(NULL);
    assert_false(hear_steered(j, "ab1", 10)); /* no truth yet */
    for (int i = 0; i < 2; i++) {
        snprintf(header, sizeof header, truth, i ? "1.02" : "1.00");
        assert_false(hear(j, "truth", header));
    }
    assert_true(hear_steered(j, "ab1", 10.1));
    assert_true(hear_steered(j, "ab1", 11));
    judge_write(j, out);
    assert_string_equal(out, "{\"v\":1,\"type\":\"judged\",\"steered\":2,\"misidentified\":1,"
                             "\"run\":\"ab1\"}");
    assert_true(hear_steered(j, "cd2", 10.1)); /* another start of the daemon */
    judge_write(j, out);
    assert_non_null(strstr(out, "\"steered\":1,\"misidentified\":0,\"run\":\"cd2\""));
    static const char *const odd[] = {"", "[]", "{}", "{\"run\":\"\\\"\"}", "{\"run\":7}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_false(hear(j, "fix", odd[i]));
        assert_false(hear(j, "truth", odd[i]));
    }
    judge_destroy(&j);
    judge_destroy(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed_gives_each_reader_what_is_new_and_only_the_latest),
        cmocka_unit_test(feed_keeps_a_bounded_history_in_order),
        cmocka_unit_test(feed_tells_boards_and_users_apart),
        cmocka_unit_test(feed_forgets_where_users_were),
        cmocka_unit_test(feed_takes_no_nonsense_and_no_more_than_its_bytes),
        cmocka_unit_test(feed_fills_frames_no_larger_than_asked),
        cmocka_unit_test(guard_knows_its_own_page),
        cmocka_unit_test(guard_knows_the_proxy_by_its_name),
        cmocka_unit_test(other_machines_need_a_token),
        cmocka_unit_test(a_proxy_s_name_needs_a_token),
        cmocka_unit_test(token_is_made_once),
        cmocka_unit_test(commands_go_out_marked_and_come_back_to_who_asked),
        cmocka_unit_test(silence_is_answered_and_the_command_not_kept),
        cmocka_unit_test(one_silence_is_not_the_others),
        cmocka_unit_test(nonsense_and_too_much_are_refused),
        cmocka_unit_test(judge_counts_misidentified_paths_of_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
