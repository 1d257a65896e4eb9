/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/state_dir.h"
#include "lab.h"

#define N_SETS 40

struct bench bench;
struct emulated far[2];
static struct sockets *sockets;
static void *dealer, *news;
struct socket_message answer;
static struct socket_message change;
static char set_text[N_SETS][600];
static const char *sets[N_SETS + 1];
static size_t n_set;
static uint64_t seq;
static unsigned bits; /* of the board */
int64_t news_ns;
struct status err;

double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void set(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(set_text[n_set], sizeof set_text[0], format, args);
    va_end(args);
    sets[n_set] = set_text[n_set];
    sets[++n_set] = NULL;
    assert_true(n_set < N_SETS);
}

int lab_setup(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof bench);
    memset(far, 0, sizeof far);
    n_set = 0;
    bits = 1;
    assert_int_equal(state_dir_create("ris-faults", bench.folder, sizeof bench.folder, &err), 0);
    snprintf(bench.ris, sizeof bench.ris, "ipc://%s/ris.sock", bench.folder);
    sockets = sockets_create(NULL, &err);
    assert_non_null(sockets);
    set("endpoint=%s", bench.ris);
    set("publish=ipc://%s/pub.sock", bench.folder);
    set("store_dir=%s/store", bench.folder);
    set("audit_file=%s/audit", bench.folder);
    set("boards=[{name: wall, columns: 16, rows: 16}]");
    set("boards[0].ack_timeout_ms=200");
    set("boards[0].retries=2");
    return 0;
}

int lab_teardown(void **state)
{
    (void)state;
    socket_message_clear(&answer);
    socket_message_clear(&change);
    socket_close(&dealer);
    socket_close(&news);
    if (bench.controller > 0)
        bench_stop(&bench);
    emulated_stop(&far[0]);
    emulated_stop(&far[1]);
    sockets_destroy(&sockets);
    return state_dir_remove(bench.folder, &err);
}

void unset(void)
{
    sets[--n_set] = NULL;
}

void reset_set(size_t i, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(set_text[i], sizeof set_text[0], format, args);
    va_end(args);
}

int try_start(char *text, size_t size)
{
    return bench_start(&bench, sets, text, size);
}

void hang_up(void)
{
    socket_close(&dealer);
    socket_close(&news);
}

/* Commands whose news nobody else waits for, until one of them is heard: subscriptions take hold
 * behind connect's back. An absent board has no news: false. */
static bool subscribed(void)
{
    const double end = now_s() + NEWS_MS / 1000.0;
    do {
        json_t *root = ask(NULL, 0, "\"cmd\":\"disarm\",\"board\":\"wall\"");
        bool absent = strcmp(word(root, "code"), "io") == 0;
        if (absent) {
            json_decref(root);
            return false;
        }
        expect_ok(root);
        if (now_s() > end)
            fail_msg("no news of the board in %d ms", NEWS_MS);
    } while (socket_recv(news, &change, 20) != 0);
    return true;
}

void await_present(void)
{
    const double end = now_s() + NEWS_MS / 1000.0;
    while (!subscribed() && now_s() < end)
        usleep(20000);
}

void start(void)
{
    char text[2048], endpoint[128];
    int r = bench_start(&bench, sets, text, sizeof text);
    if (r != 0)
        fail_msg("%d: %s", r, text);
    dealer = sockets_connect(sockets, ZMQ_DEALER, bench.ris, &err);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/pub.sock", bench.folder);
    news = sockets_connect(sockets, ZMQ_SUB, endpoint, &err);
    assert_non_null(news);
    assert_int_equal(socket_subscribe(news, "ris."), 0);
    (void)subscribed();
}

void board(const char *kind, const char *driver, unsigned baud)
{
    emulated_start(&far[0], kind, bench.folder, "tty", baud);
    set("boards[0].driver=%s", driver);
    set("boards[0].port=%s", far[0].port);
    set("boards[0].baud=%u", baud);
    if (strcmp(kind, "tile") == 0) {
        bits = 2;
        set("boards[0].tile=2");
        set("boards[0].bits=2");
    }
    start();
}

/* ---- commands ---- */

json_t *ask(const void *pattern, size_t n, const char *format, ...)
{
    char body[400], text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    int length = snprintf(text, sizeof text, "{\"seq\":%" PRIu64 ",%s}", ++seq, body);
    struct socket_frame frames[] = {{text, (size_t)length}, {pattern, n}};
    assert_int_equal(socket_send(dealer, frames, pattern != NULL ? 2 : 1), 0);
    assert_int_equal(socket_recv(dealer, &answer, NEWS_MS), 0);
    json_t *root = json_loadb(answer.frames[0].bytes, answer.frames[0].n, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "seq")), seq);
    return root;
}

void tell(const char *body)
{
    char text[500];
    int length = snprintf(text, sizeof text, "{\"seq\":%" PRIu64 ",%s}", ++seq, body);
    struct socket_frame frame = {text, (size_t)length};
    int r = ERR_BUSY;
    for (int i = 0; i < 2000 && (r = socket_send(dealer, &frame, 1)) == ERR_BUSY; i++)
        usleep(5000);
    assert_int_equal(r, 0);
}

const char *word(json_t *root, const char *key)
{
    const char *s = json_string_value(json_object_get(root, key));
    return s != NULL ? s : "";
}

void expect_ok(json_t *root)
{
    if (!json_is_true(json_object_get(root, "ok")))
        fail_msg("%s; %s", word(root, "error"), word(root, "cure"));
    json_decref(root);
}

void refused(json_t *root, const char *code, const char *text)
{
    if (json_is_true(json_object_get(root, "ok")) || strcmp(word(root, "code"), code) != 0 ||
        strstr(word(root, "error"), text) == NULL || word(root, "cure")[0] == '\0')
        fail_msg("wanted %s and '%s', got %s: %s; %s", code, text, word(root, "code"),
                 word(root, "error"), word(root, "cure"));
    json_decref(root);
}

json_t *load(unsigned slot, const uint8_t *p)
{
    return ask(p, bits * BYTES,
               "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":%u,\"columns\":16,\"rows\":16,"
               "\"bits\":%u",
               slot, bits);
}

json_t *apply(unsigned slot)
{
    return ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":%u", slot);
}

void pattern(uint32_t seed, uint8_t *p)
{
    for (size_t i = 0; i < bits * BYTES; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 16);
    }
}

void load_two(uint8_t p[BYTES], uint8_t q[BYTES])
{
    pattern(1, p);
    pattern(2, q);
    expect_ok(load(0, p));
    expect_ok(load(1, q));
}

/* Waits for that event of the board; its text in text if not NULL. Returns seconds since `from`. */
double await_news(const char *event, double from, char *text, size_t size)
{
    while (now_s() < from + NEWS_MS / 1000.0) {
        if (socket_recv(news, &change, 1000) != 0)
            continue;
        assert_true(socket_frame_is(&change.frames[0], "ris.wall"));
        json_t *root = json_loadb(change.frames[1].bytes, change.frames[1].n, 0, NULL);
        bool it = strcmp(word(root, "event"), event) == 0;
        if (it && text != NULL)
            snprintf(text, size, "%s", word(root, "text"));
        news_ns = json_integer_value(json_object_get(root, "time_ns"));
        json_decref(root);
        if (it)
            return now_s() - from;
    }
    fail_msg("no news '%s'", event);
    return -1;
}

size_t count_news(double seconds, char *text, size_t size)
{
    size_t n = 0;
    for (double end = now_s() + seconds; now_s() < end;) {
        if (socket_recv(news, &change, 100) != 0)
            continue;
        n++;
        json_t *root = json_loadb(change.frames[1].bytes, change.frames[1].n, 0, NULL);
        if (text != NULL)
            snprintf(text, size, "%s: %s", word(root, "event"), word(root, "text"));
        json_decref(root);
    }
    return n;
}

void expect_shown(struct emulated *e, const uint8_t *p)
{
    char text[256], want[4 * BYTES + 1];
    for (size_t i = 0; i < bits * BYTES; i++)
        snprintf(want + 2 * i, 3, "%02x", p[i]);
    emulated_tell(e, "shown", text);
    assert_string_equal(text, want);
}

json_t *arm(void)
{
    return ask(NULL, 0,
               "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[1],\"reps\":[1],\"period_ns\":90000,"
               "\"delay_ns\":5000,\"idle\":0");
}

void hash_text(const uint8_t *p, char text[17])
{
    snprintf(text, 17, "%016" PRIx64, ris_profile_hash(SHAPE, p));
}

void expect_state(const uint8_t *shown, const uint8_t *pending)
{
    char want[17], waits[17] = "";
    hash_text(shown, want);
    if (pending != NULL)
        hash_text(pending, waits);
    json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_string_equal(word(status, "hash"), want);
    assert_string_equal(word(status, "pending"), waits);
    json_decref(status);
    json_t *back = ask(NULL, 0, "\"cmd\":\"readback\",\"board\":\"wall\"");
    assert_string_equal(word(back, "hash"), want);
    json_decref(back);
}
