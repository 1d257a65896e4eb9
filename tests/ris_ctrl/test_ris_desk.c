/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What mirador-ris offers besides showing profiles: names and a store, deadlines, identify, audit,
 * surfaces of several boards, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/state_dir.h"
#include "lab.h"

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
    hash_text(p, hash);
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
    hang_up();
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
    board("opensource", "opensource", 115200);
    load_two(p, q);
    expect_ok(apply(0));
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                unix_ns() - 1),
            "timeout", "nothing was done");
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                unix_ns() + 2000000), /* 115200 baud cannot carry it in 2 ms */
            "timeout", "nothing was done");
    refused(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"within_us\":2000"),
            "timeout", "nothing was done");
    expect_shown(&far[0], p);
    expect_ok(ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"by_ns\":%" PRId64,
                  unix_ns() + 3000000000));
    expect_shown(&far[0], q);
    expect_ok(
        ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":1,\"within_us\":3000000"));
    emulated_tell(&far[0], "silent", NULL);
    double began = now_s();
    json_t *late =
        ask(NULL, 0, "\"cmd\":\"apply\",\"board\":\"wall\",\"slot\":0,\"by_ns\":%" PRId64,
            unix_ns() + 150000000);
    assert_false(json_is_true(json_object_get(late, "ok"))); /* or a look had found the silence */
    json_decref(late);
    assert_true(now_s() - began < 5);
    emulated_tell(&far[0], "fine", NULL);
}

/* The read-back before a sequence may take all the time there was. */
static void a_slow_read_back_arms_nothing(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    pattern(1, p);
    reset_set(5, "boards[0].ack_timeout_ms=2000");
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(apply(0));
    emulated_tell(&far[0], "slow 400", NULL);
    refused(ask(NULL, 0,
                "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[0],\"reps\":[1],\"period_ns\":1000,"
                "\"delay_ns\":0,\"idle\":0,\"by_ns\":%" PRId64,
                unix_ns() + 300000000),
            "timeout", "so nothing was");
}

/* Until the board shows what it did not at the last call; false when it does not. */
static bool await_change(char last[256])
{
    char text[256];
    double end = now_s() + NEWS_MS / 1000.0;
    do {
        usleep(5000);
        emulated_tell(&far[0], "shown", text);
    } while (strcmp(text, last) == 0 && now_s() < end);
    bool changed = strcmp(text, last) != 0;
    strcpy(last, text);
    return changed;
}

static void identify_blinks_and_goes_back(void **state)
{
    (void)state;
    uint8_t p[BYTES];
    char shown[256] = "", own[256];
    pattern(3, p);
    board("firmware", "serial", 921600);
    expect_ok(load(0, p));
    expect_ok(apply(0));
    emulated_tell(&far[0], "shown", own);
    expect_ok(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\",\"seconds\":60"));
    for (int i = 0; i < 4; i++) {
        assert_true(await_change(shown));
        assert_string_not_equal(shown, own);
    }
    expect_ok(apply(0)); /* a command ends it */
    expect_shown(&far[0], p);
    expect_ok(ask(NULL, 0, "\"cmd\":\"identify\",\"board\":\"wall\",\"seconds\":1"));
    strcpy(shown, own);
    assert_true(await_change(shown));
    while (strcmp(shown, own) != 0) /* and so does its time */
        assert_true(await_change(shown));
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
    json_decref(
        ask(NULL, 0, "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":1,\"name\":\"x\\nforged\""));
    json_decref(ask(NULL, 0, "\"cmd\":\"stauts\""));
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
    assert_non_null(strstr(text, "name=x?forged ")); /* no line of its own */
    assert_non_null(strstr(text, " unknown board="));
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
    assert_true(json_is_false(json_object_get(status, "plays_sequences")));
    assert_int_equal(json_array_size(json_object_get(status, "dead_columns")), 1);
    assert_int_equal(json_array_size(json_object_get(status, "states")), 4);
    json_decref(status);
    expect_ok(ask(wide, sizeof wide,
                  "\"cmd\":\"load\",\"board\":\"wall\",\"slot\":1,\"columns\":32,\"rows\":16,"
                  "\"bits\":1"));
    refused(ask(NULL, 0,
                "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[2,1],\"reps\":[1],"
                "\"period_ns\":1000,\"delay_ns\":0,\"idle\":2"),
            "state", "has no trigger input");
    expect_ok(ask(NULL, 0,
                  "\"cmd\":\"arm\",\"board\":\"wall\",\"steps\":[2],\"reps\":[1],"
                  "\"period_ns\":1000,\"delay_ns\":0,\"idle\":2"));
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
        assert_int_equal(try_start(text, sizeof text), 1002);
        if (strstr(text, cases[i].text) == NULL)
            fail_msg("%s: wanted '%s', got %s", cases[i].set, cases[i].text, text);
        unset();
    }
    reset_set(2, "store_dir=");
    set("boards[0].restore=yes");
    assert_int_equal(try_start(text, sizeof text), 1002);
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

enum { PATIENCE_MS = 20000, IN_VAIN_MS = 1500 };

/* Its answer is left in `reply`. */
static char reply[4096];

static int ask_over(int limit_ms, const char *endpoint, const char *key_path,
                    const char *server_hex, const char *text)
{
    struct sockets_cfg cfg = {0};
    struct socket_message m = {0};
    struct socket_frame frame = {text, strlen(text)};
    snprintf(cfg.secret_key_file, sizeof cfg.secret_key_file, "%s", key_path);
    snprintf(cfg.server_public_key, sizeof cfg.server_public_key, "%s", server_hex);
    struct sockets *own = sockets_create(&cfg, &err);
    void *client = sockets_connect(own, ZMQ_DEALER, endpoint, &err);
    assert_non_null(client);
    int r = socket_send(client, &frame, 1);
    if (r == 0)
        r = socket_recv(client, &m, limit_ms);
    if (r == 0)
        snprintf(reply, sizeof reply, "%.*s", (int)m.frames[0].n, (const char *)m.frames[0].bytes);
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
    reset_set(0, "endpoint=tcp://0.0.0.0:45177");
    assert_int_equal(try_start(text, sizeof text) >= 1001, 1);
    assert_non_null(strstr(text, "needs keys"));
    write_key("server", secret, server_hex, server_path, sizeof server_path);
    write_key("client", secret, client_hex, client_path, sizeof client_path);
    write_key("other", secret, other_hex, other_path, sizeof other_path);
    set("curve.secret_key_file=%s", server_path);
    set("curve.client_public_keys=[%s]", client_hex);
    int r = 0;
    for (int port = 45177; port < 45277; port++) { /* the first one that is free */
        reset_set(0, "endpoint=tcp://0.0.0.0:%d", port);
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
        r = try_start(text, sizeof text);
        if (r == 0 || strstr(text, "in use") == NULL)
            break;
    }
    if (r != 0)
        fail_msg("%s", text);
    static const char list[] = "{\"seq\":1,\"cmd\":\"list\"}";
    assert_int_equal(ask_over(PATIENCE_MS, endpoint, client_path, server_hex, list), 0);
    assert_int_equal(ask_over(IN_VAIN_MS, endpoint, other_path, server_hex, list), ERR_TIMEOUT);
    /* Clients elsewhere have clocks of their own. */
    assert_int_equal(ask_over(PATIENCE_MS, endpoint, client_path, server_hex,
                              "{\"seq\":2,\"cmd\":\"disarm\",\"board\":\"wall\",\"by_ns\":"
                              "9000000000000000000}"),
                     0);
    assert_non_null(strstr(reply, "\"code\":\"argument\""));
    assert_non_null(strstr(reply, "give 'within_us'"));
    assert_int_equal(ask_over(PATIENCE_MS, endpoint, client_path, server_hex,
                              "{\"seq\":3,\"cmd\":\"disarm\",\"board\":\"wall\",\"within_us\":"
                              "60000000}"),
                     0);
    assert_non_null(strstr(reply, "\"ok\":true"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(profiles_have_names_and_outlive_us, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(commands_keep_their_time, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(a_slow_read_back_arms_nothing, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(identify_blinks_and_goes_back, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(commands_are_audited_and_published, lab_setup,
                                        lab_teardown),
        cmocka_unit_test_setup_teardown(boards_form_a_surface, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(bad_maps_are_refused, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(beyond_this_machine_only_with_keys, lab_setup,
                                        lab_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
