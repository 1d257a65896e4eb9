/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador-ris in front of emulated boards: faults are reported within a second with the board's
 * name and the cure, what a board showed is restored and verified; the store, deadlines, identify,
 * surfaces of several boards, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/sockets.h"
#include "base/state_dir.h"
#include "bench.h"
#include "emulated.h"

#define BYTES   32
#define SHAPE   ((struct ris_shape){16, 16, 1})
#define N_SETS  40
#define NEWS_MS 20000 /* patience; what is promised is measured */

static struct bench bench;
static struct emulated far[2];
static struct sockets *sockets;
static void *dealer, *news;
static struct socket_message answer, change;
static char set_text[N_SETS][600];
static const char *sets[N_SETS + 1];
static size_t n_set;
static uint64_t seq;
static struct status err;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void set(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void set(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(set_text[n_set], sizeof set_text[0], format, args);
    va_end(args);
    sets[n_set] = set_text[n_set];
    sets[++n_set] = NULL;
    assert_true(n_set < N_SETS);
}

static int setup(void **state)
{
    (void)state;
    memset(&bench, 0, sizeof bench);
    memset(far, 0, sizeof far);
    n_set = 0;
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

static int teardown(void **state)
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

static void start(void)
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
    usleep(100000); /* subscriptions take hold a moment later */
}

static void board(const char *kind, const char *driver, unsigned baud)
{
    emulated_start(&far[0], kind, bench.folder, "tty", baud);
    set("boards[0].driver=%s", driver);
    set("boards[0].port=%s", far[0].port);
    set("boards[0].baud=%u", baud);
    if (strcmp(kind, "tile") == 0) {
        set("boards[0].tile=2");
        set("boards[0].bits=2");
    }
    start();
}

/* ---- commands ---- */

static json_t *ask(const void *pattern, size_t n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static json_t *ask(const void *pattern, size_t n, const char *format, ...)
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

static const char *word(json_t *root, const char *key)
{
    const char *s = json_string_value(json_object_get(root, key));
    return s != NULL ? s : "";
}

static void expect_ok(json_t *root)
{
    if (!json_is_true(json_object_get(root, "ok")))
        fail_msg("%s; %s", word(root, "error"), word(root, "cure"));
    json_decref(root);
}

static void refused(json_t *root, const char *code, const char *text)
{
    if (json_is_true(json_object_get(root, "ok")) || strcmp(word(root, "code"), code) != 0 ||
        strstr(word(root, "error"), text) == NULL || word(root, "cure")[0] == '\0')
        fail_msg("wanted %s and '%s', got %s: %s; %s", code, text, word(root, "code"),
                 word(root, "error"), word(root, "cure"));
    json_decref(root);
}

static json_t *load(unsigned slot, const uint8_t *p)
{
    return ask(p, BYTES,
               "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":%u,\"columns\":16,\"rows\":16,"
               "\"bits\":1",
               slot);
}

static json_t *apply(unsigned slot)
{
    return ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":%u", slot);
}

static void pattern(uint32_t seed, uint8_t *p)
{
    for (size_t i = 0; i < BYTES; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 16);
    }
}

/* Waits for that event of the board; its text in text if not NULL. Returns seconds since `from`. */
static double await_news(const char *event, double from, char *text, size_t size)
{
    while (now_s() < from + NEWS_MS / 1000.0) {
        if (socket_recv(news, &change, 1000) != 0)
            continue;
        assert_true(socket_frame_is(&change.frames[0], "ris.wall"));
        json_t *root = json_loadb(change.frames[1].bytes, change.frames[1].n, 0, NULL);
        bool it = strcmp(word(root, "event"), event) == 0;
        if (it && text != NULL)
            snprintf(text, size, "%s", word(root, "text"));
        json_decref(root);
        if (it)
            return now_s() - from;
    }
    fail_msg("no news '%s'", event);
    return -1;
}

static void expect_shown(struct emulated *e, const uint8_t *p)
{
    char text[256], want[2 * BYTES + 1];
    for (size_t i = 0; i < BYTES; i++)
        snprintf(want + 2 * i, 3, "%02x", p[i]);
    emulated_tell(e, "shown", text);
    assert_string_equal(text, want);
}

/* The fault of this name is known within a second, with the board's name and a cure. */
static void fault(const char *what, const char *event)
{
    char text[300];
    double began = now_s();
    emulated_tell(&far[0], what, NULL);
    double took = await_news(event, began, text, sizeof text);
    print_message("%s: reported after %.2f s: %s\n", what, took, text);
    if (strstr(text, "board wall: ") == NULL || strstr(text, "; ") == NULL)
        fail_msg("no name or cure: %s", text);
    if (getenv("MIRADOR_SLOW_MACHINE") == NULL)
        assert_true(took < 1.0);
}

/* ---- faults ---- */

static void all_faults(const char *kind, const char *driver, unsigned baud)
{
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board(kind, driver, baud);
    expect_ok(load(3, p));
    expect_ok(apply(3));
    expect_ok(load(3, q)); /* what is shown is not what its slot holds now */
    expect_shown(&far[0], p);

    fault("silent", "silent");
    await_news("lost", now_s(), NULL, 0);
    refused(apply(3), "io", "board wall");
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);

    fault("reset", "lost");
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);

    fault("unplug", "lost");
    refused(apply(3), "io", "board wall");
    emulated_tell(&far[0], "plug", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], p);
    expect_ok(apply(3));
    expect_shown(&far[0], q); /* the slot was restored as well */
}

static void faults_of_our_firmware(void **state)
{
    (void)state;
    all_faults("firmware", "serial", 921600);
    fault("lie", "wrong");
    emulated_tell(&far[0], "fine", NULL);
    await_news("corrected", now_s(), NULL, 0);
    emulated_tell(&far[0], "nack", NULL);
    double began = now_s();
    refused(apply(3), "state", "refused");
    char text[300];
    assert_true(await_news("refused", began, text, sizeof text) < 1.0);
    assert_non_null(strstr(text, "board wall: "));
    emulated_tell(&far[0], "fine", NULL);
    emulated_tell(&far[0], "slow 250", NULL); /* late: every answer after its time */
    await_news("silent", now_s(), NULL, 0);
    emulated_tell(&far[0], "fine", NULL);
    uint8_t r[BYTES];
    pattern(9, r);
    double end = now_s() + 10;
    bool ok = false;
    while (!ok && now_s() < end) {
        json_t *a = load(5, r);
        ok = json_is_true(json_object_get(a, "ok"));
        json_decref(a);
        usleep(50000);
    }
    expect_ok(apply(5));
    expect_shown(&far[0], r);
}

static void faults_of_opensource(void **state)
{
    (void)state;
    all_faults("opensource", "opensource", 115200);
    fault("lie", "lost"); /* ?Pattern is its health: it is opened anew, and stays away */
    emulated_tell(&far[0], "fine", NULL);
    await_news("back", now_s(), NULL, 0);
}

/* ---- the service ---- */

static void profiles_have_names_and_outlive_us(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    pattern(7, p);
    set("boards[0].restore=yes");
    board("firmware", "serial", 921600);
    static const char shape[] = "\"columns\":16,\"rows\":16,\"bits\":1";
    expect_ok(ask(p, BYTES, "\"cmd\":\"save\",\"board\":\"wall\",\"name\":\"desk\",%s", shape));
    expect_ok(ask(p, BYTES, "\"cmd\":\"save\",\"board\":\"wall\",\"name\":\"attic\",%s", shape));
    refused(ask(p, BYTES, "\"cmd\":\"save\",\"board\":\"wall\",\"name\":\"../x\",%s", shape),
            "argument", "no name of a profile");
    json_t *list = ask(NULL, 0, "\"cmd\":\"profiles\",\"board\":\"wall\"");
    json_t *names = json_object_get(list, "profiles");
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, ris_profile_hash(SHAPE, p));
    assert_int_equal(json_array_size(names), 2);
    assert_string_equal(word(json_array_get(names, 0), "name"), "attic");
    assert_string_equal(word(json_array_get(names, 1), "hash"), hash);
    json_decref(list);
    expect_ok(ask(NULL, 0, "\"cmd\":\"delete\",\"board\":\"wall\",\"name\":\"attic\""));
    refused(ask(NULL, 0, "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":1,\"name\":\"attic\""),
            "not found", "has no profile 'attic'");
    expect_ok(ask(NULL, 0, "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":1,\"name\":\"desk\""));
    expect_ok(apply(1));
    expect_shown(&far[0], p);

    char path[160];
    snprintf(path, sizeof path, "%s/store/wall/shown.last", bench.folder);
    for (int i = 0; i < 500 && access(path, R_OK) != 0; i++) /* written behind the answer */
        usleep(10000);
    kill(bench.controller, SIGKILL); /* no chance to tidy up */
    bench_stop(&bench);
    emulated_tell(&far[0], "reset", NULL);
    socket_close(&dealer);
    socket_close(&news);
    start();
    expect_shown(&far[0], p);
    json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_string_equal(word(status, "hash"), hash);
    json_decref(status);
}

static void commands_keep_their_time(void **state)
{
    (void)state;
    uint8_t p[BYTES], q[BYTES];
    pattern(1, p);
    pattern(2, q);
    board("opensource", "opensource", 115200);
    expect_ok(load(0, p));
    expect_ok(load(1, q));
    expect_ok(apply(0));
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                unix_ns() - 1),
            "timeout", "nothing was done");
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                unix_ns() + 2000000), /* 115200 baud cannot carry it in 2 ms */
            "timeout", "nothing was done");
    expect_shown(&far[0], p);
    expect_ok(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                  unix_ns() + 3000000000));
    expect_shown(&far[0], q);
    emulated_tell(&far[0], "silent", NULL);
    double began = now_s();
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":0,\"by_ns\":%" PRId64,
                unix_ns() + 150000000),
            "timeout", "no answer");
    assert_true(now_s() - began < 5);
    emulated_tell(&far[0], "fine", NULL);
}

static void identify_blinks_and_goes_back(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char text[256], first[256] = "";
    unsigned changes = 0;
    pattern(3, p);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(apply(0));
    expect_ok(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\",\"seconds\":1"));
    double end = now_s() + 0.8;
    while (now_s() < end) {
        emulated_tell(&far[0], "shown", text);
        changes += strcmp(text, first) != 0;
        strcpy(first, text);
        usleep(20000);
    }
    assert_true(changes >= 3);
    usleep(700000);
    expect_shown(&far[0], p);
    expect_ok(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\",\"seconds\":60"));
    expect_ok(apply(0)); /* a command ends it */
    expect_shown(&far[0], p);
    expect_ok(ask(NULL, 0,
                  "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[0],\"reps\":[1],"
                  "\"period_ns\":1000,\"delay_ns\":0,\"idle\":0"));
    refused(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\""), "state", "armed");
}

static void commands_are_audited_and_published(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char path[128], text[4096];
    pattern(3, p);
    board("firmware", "serial", 921600);
    expect_ok(load(4, p));
    expect_ok(apply(4));
    await_news("apply", now_s(), NULL, 0);
    refused(apply(9), "state", "slot never loaded");
    json_t *list = ask(NULL, 0, "\"cmd\":\"list\"");
    assert_non_null(strstr(word(list, "publish"), "pub.sock"));
    json_decref(list);
    assert_int_equal(bench_stop(&bench), 0);
    snprintf(path, sizeof path, "%s/audit", bench.folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_non_null(strstr(text, "load board=wall slot=4 name=- ok"));
    assert_non_null(strstr(text, "apply board=wall slot=9 name=- state"));
    assert_non_null(strstr(text, "client="));
    assert_null(strstr(text, " list "));
}

/* Two upright tiles of 8 columns by 16 rows make no sense; two boards of 16 x 16 side by side, the
 * right one upside down, column 0 dead, do. */
static void boards_form_a_surface(void **state)
{
    (void)state;
    uint8_t wide[2 * BYTES] = {0}, left[BYTES] = {0}, right[BYTES] = {0};
    struct ris_shape shape = {32, 16, 1};
    char text[256];
    emulated_start(&far[0], "firmware", bench.folder, "left", 921600);
    emulated_start(&far[1], "opensource", bench.folder, "right", 115200);
    set("boards[0].columns=32");
    set("boards[0].dead_columns=[0]");
    set("boards[0].states=[0.7, 0.1, 0.8, 3.0]");
    set("boards[0].tiles=[{driver: serial, baud: 921600, port: %s, column: 0, row: 0, columns: 16, "
        "rows: 16}, {driver: opensource, port: %s, column: 16, row: 0, columns: 16, rows: 16, "
        "rotation_deg: 180}]",
        far[0].port, far[1].port);
    start();
    uint32_t seed = 5;
    for (size_t m = 0; m < 512; m++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned v = m % 32 == 0 ? 0 : seed >> 16 & 1, column = m % 32, row = (unsigned)m / 32;
        ris_pattern_set(shape, wide, m, v);
        if (column < 16)
            ris_pattern_set(SHAPE, left, row * 16 + column, v);
        else
            ris_pattern_set(SHAPE, right, (15 - row) * 16 + (31 - column), v);
    }
    ris_pattern_set(shape, wide, 0, 1); /* in the dead column: it stays at 0 */
    static const char to[] = "\"board\":\"wall\",\"slot\":2";
    expect_ok(
        ask(wide, sizeof wide, "\"cmd\":\"load\",%s,\"columns\":32,\"rows\":16,\"bits\":1", to));
    expect_ok(ask(NULL, 0, "\"cmd\":\"apply\",%s", to));
    expect_shown(&far[0], left);
    expect_shown(&far[1], right);
    json_t *back = ask(NULL, 0, "\"cmd\":\"readback\",\"board\":\"wall\"");
    ris_pattern_set(shape, wide, 0, 0);
    assert_int_equal(answer.frames[1].n, sizeof wide);
    assert_memory_equal(answer.frames[1].bytes, wide, sizeof wide);
    snprintf(text, sizeof text, "%016" PRIx64, ris_profile_hash(shape, wide));
    assert_string_equal(word(back, "hash"), text);
    json_decref(back);
    json_t *status = ask(NULL, 0, "\"cmd\":\"status\",\"board\":\"wall\"");
    assert_string_equal(word(status, "hash"), text);
    assert_string_equal(word(status, "driver"), "surface");
    assert_int_equal(json_array_size(json_object_get(status, "dead_columns")), 1);
    assert_int_equal(json_array_size(json_object_get(status, "states")), 4);
    json_decref(status);
    refused(ask(NULL, 0,
                "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[2],\"reps\":[1],"
                "\"period_ns\":1000,\"delay_ns\":0,\"idle\":2"),
            "state", "has no trigger input");
    emulated_tell(&far[0], "reset", NULL);
    await_news("back", now_s(), NULL, 0);
    expect_shown(&far[0], left);
    expect_shown(&far[1], right);
}

static void bad_maps_are_refused(void **state)
{
    (void)state;
    char text[2048];
    static const struct {
        const char *set, *text;
    } cases[] = {
        {"boards[0].driver=serial", "names no port"},
        {"boards[0].dead_columns=[16]", "there is no column 16"},
        {"boards[0].states=[1, 0]", "give 4 numbers"},
        {"boards[0].tiles=[{driver: native, column: 1, row: 0, columns: 16, rows: 16}]",
         "reaches beyond"},
        {"boards[0].tiles=[{driver: native, column: 0, row: 0, columns: 16, rows: 8}]",
         "uncovered"},
        {"boards[0].tiles=[{driver: native, column: 0, row: 0, columns: 16, rows: 16}, {driver: "
         "native, column: 0, row: 0, columns: 1, rows: 1}]",
         "lies over another"},
        {"boards[0].rotation_deg=45", "rotation_deg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set("%s", cases[i].set);
        assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
        if (strstr(text, cases[i].text) == NULL)
            fail_msg("%s: wanted '%s', got %s", cases[i].set, cases[i].text, text);
        sets[--n_set] = NULL;
    }
    sets[2] = "store_dir=";
    set("boards[0].restore=yes");
    assert_int_equal(bench_start(&bench, sets, text, sizeof text), 1002);
    assert_non_null(strstr(text, "needs store_dir"));
}

/* ---- keys ---- */

static void write_key(const char *name, uint8_t secret[32], char public_hex[72], char *path,
                      size_t size)
{
    char printed[41], secret_text[41];
    uint8_t key[32];
    assert_int_equal(zmq_curve_keypair(printed, secret_text), 0);
    zmq_z85_decode(secret, secret_text);
    zmq_z85_decode(key, printed);
    for (int i = 0; i < 32; i++)
        snprintf(public_hex + 2 * i, 3, "%02x", key[i]);
    snprintf(path, size, "%s/%s", bench.folder, name);
    assert_int_equal(key_file_write(path, secret, 32, &err), 0);
}

static int status_over(const char *endpoint, const char *key_path, const char *server_hex)
{
    struct sockets_cfg cfg = {0};
    struct socket_message m = {0};
    static const char text[] = "{\"seq\":1,\"cmd\":\"list\"}";
    struct socket_frame frame = {text, sizeof text - 1};
    snprintf(cfg.secret_key_file, sizeof cfg.secret_key_file, "%s", key_path);
    snprintf(cfg.server_public_key, sizeof cfg.server_public_key, "%s", server_hex);
    struct sockets *own = sockets_create(&cfg, &err);
    void *client = sockets_connect(own, ZMQ_DEALER, endpoint, &err);
    assert_non_null(client);
    int r = socket_send(client, &frame, 1);
    if (r == 0)
        r = socket_recv(client, &m, 1500);
    socket_message_clear(&m);
    socket_close(&client);
    sockets_destroy(&own);
    return r;
}

static void beyond_this_machine_only_with_keys(void **state)
{
    (void)state;
    char text[2048], server_path[128], client_path[128], other_path[128], endpoint[64];
    char server_hex[72], client_hex[72], other_hex[72];
    uint8_t secret[32];
    sets[0] = "endpoint=tcp://0.0.0.0:45177";
    assert_int_equal(bench_start(&bench, sets, text, sizeof text) >= 1001, 1);
    assert_non_null(strstr(text, "needs keys"));
    write_key("server", secret, server_hex, server_path, sizeof server_path);
    write_key("client", secret, client_hex, client_path, sizeof client_path);
    write_key("other", secret, other_hex, other_path, sizeof other_path);
    set("curve.secret_key_file=%s", server_path);
    set("curve.client_public_keys=[%s]", client_hex);
    int r = 0;
    for (int port = 45177; port < 45277; port++) { /* the first one that is free */
        snprintf(set_text[0], sizeof set_text[0], "endpoint=tcp://0.0.0.0:%d", port);
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
        sets[0] = set_text[0];
        r = bench_start(&bench, sets, text, sizeof text);
        if (r == 0 || strstr(text, "in use") == NULL)
            break;
    }
    if (r != 0)
        fail_msg("%s", text);
    assert_int_equal(status_over(endpoint, client_path, server_hex), 0);
    assert_int_equal(status_over(endpoint, other_path, server_hex), ERR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faults_of_our_firmware, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_of_opensource, setup, teardown),
        cmocka_unit_test_setup_teardown(profiles_have_names_and_outlive_us, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_keep_their_time, setup, teardown),
        cmocka_unit_test_setup_teardown(identify_blinks_and_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_are_audited_and_published, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_form_a_surface, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_maps_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(beyond_this_machine_only_with_keys, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
