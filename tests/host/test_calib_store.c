/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/calib_store.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANT = 2, CARRIERS = 5, STREAMS = 5 };

static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/mirador-calib-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/calibration.json", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct calib_key make_key(double rate_hz, double gain_db, const char *ris)
{
    struct calib_key key = {0};
    calib_key_add(&key, "serial", "%s", "A1");
    calib_key_add(&key, "rate_hz", "%.17g", rate_hz);
    calib_key_add(&key, "rx_gain_db", "%.17g", gain_db);
    if (ris)
        calib_key_add(&key, "ris1", "%s", ris);
    return key;
}

static struct calib_record make_record(enum calib_kind kind, const struct calib_key *key)
{
    struct calib_record r = {.kind = kind,
                             .key = *key,
                             .time_unix_s = 1.7e9 + 1.0 / 3,
                             .temperature_c = NAN,
                             .from = "leak",
                             .cycles = 20,
                             .zero = {1.64e-6 / 3, 1.65e-6 / 7},
                             .spread_m = 0.001,
                             .n_ant = ANT,
                             .correction = {1, CMPLXF(0.1f, -1.0f / 3)},
                             .match = 0.999};
    if (kind != CALIB_BACKGROUND)
        return r;
    r.n_carrier = CARRIERS;
    for (; r.n_streams < STREAMS; r.n_streams++) {
        r.stream[r.n_streams] = (enum stream_name)(r.n_streams % 3);
        r.config[r.n_streams] = 0xfedcba9876543210u + r.n_streams;
        r.room[r.n_streams] = calloc(ANT * CARRIERS, sizeof(cplxf));
        for (size_t i = 0; i < ANT * CARRIERS; i++)
            r.room[r.n_streams][i] = CMPLXF(1.0f / (float)(i + 3), -1e-20f * (float)i);
    }
    return r;
}

static struct calib_store *open_store(void)
{
    struct status err = {0};
    struct calib_store *store = calib_store_open(path, &err);
    assert_non_null(store);
    assert_int_equal(err.code, OK);
    return store;
}

static void put(struct calib_store *store, struct calib_record r)
{
    struct status err = {0};
    assert_int_equal(calib_store_put(store, &r, &err), OK);
    calib_record_clear(&r);
}

static void records_come_back_to_the_last_bit(void **state)
{
    (void)state;
    const struct calib_key key = make_key(100e6, 10, "00ff");
    struct calib_record want = make_record(CALIB_BACKGROUND, &key), got;
    struct status err = {0};
    struct stat file;
    struct calib_store *store = open_store();
    assert_int_equal(calib_store_find(store, CALIB_BACKGROUND, &key, &got, &err), ERR_NOT_FOUND);
    assert_int_equal(calib_store_put(store, &want, &err), OK);
    calib_store_close(&store);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    store = open_store();
    assert_int_equal(calib_store_find(store, CALIB_BACKGROUND, &key, &got, &err), OK);
    assert_true(got.time_unix_s == want.time_unix_s && isnan(got.temperature_c));
    assert_memory_equal(&got.zero, &want.zero, sizeof got.zero);
    assert_memory_equal(got.correction, want.correction, sizeof got.correction);
    assert_memory_equal(got.config, want.config, sizeof got.config);
    assert_memory_equal(got.stream, want.stream, sizeof got.stream);
    assert_int_equal(got.n_streams, STREAMS);
    for (size_t i = 0; i < STREAMS; i++)
        assert_memory_equal(got.room[i], want.room[i], ANT * CARRIERS * sizeof(cplxf));
    calib_record_clear(&got);
    calib_record_clear(&want);
    calib_store_close(&store);
}

/* Of the same radio and kind of numbers, and yet not each other's. */
static void transmit_and_receive_channels_are_apart(void **state)
{
    (void)state;
    const struct calib_key key = make_key(100e6, 10, NULL), other = make_key(100e6, 12, NULL);
    unlink(path);
    struct calib_record tx = make_record(CALIB_TRANSMIT, &key), got;
    struct status err = {0};
    struct calib_store *store = open_store();
    tx.correction[1] = CMPLXF(-0.5f, 0.8f);
    put(store, make_record(CALIB_CHANNELS, &key));
    assert_int_equal(calib_store_find(store, CALIB_TRANSMIT, &key, &got, &err), ERR_NOT_FOUND);
    put(store, tx);
    calib_store_close(&store);
    store = open_store();
    assert_int_equal(calib_store_find(store, CALIB_TRANSMIT, &key, &got, &err), OK);
    assert_memory_equal(got.correction, tx.correction, sizeof got.correction);
    calib_record_clear(&got);
    assert_int_equal(calib_store_find(store, CALIB_CHANNELS, &key, &got, &err), OK);
    assert_true(got.correction[1] != tx.correction[1]);
    calib_record_clear(&got);
    assert_int_equal(calib_store_find(store, CALIB_TRANSMIT, &other, &got, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "rx_gain_db"));
    calib_store_close(&store);
}

static void another_condition_is_refused_by_name(void **state)
{
    (void)state;
    const struct calib_key lab = make_key(100e6, 10, NULL), slow = make_key(25e6, 10, NULL),
                           loud = make_key(100e6, 12, NULL);
    struct calib_record got;
    struct status err = {0};
    struct calib_store *store = open_store();
    put(store, make_record(CALIB_DELAY, &lab));
    assert_int_equal(calib_store_find(store, CALIB_DELAY, &loud, &got, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "rx_gain_db is 12, was 10"));
    assert_null(strstr(err.text, "rate_hz"));
    put(store, make_record(CALIB_DELAY, &slow)); /* one per rate */
    assert_int_equal(calib_store_find(store, CALIB_DELAY, &lab, &got, &err), OK);
    calib_record_clear(&got);
    assert_int_equal(calib_store_find(store, CALIB_DELAY, &slow, &got, &err), OK);
    calib_record_clear(&got);
    assert_int_equal(calib_store_find(store, CALIB_CHANNELS, &lab, &got, &err), ERR_NOT_FOUND);
    calib_store_close(&store);
}

static void a_background_of_other_profiles_is_refused(void **state)
{
    (void)state;
    const struct calib_key taken = make_key(100e6, 10, "00aa"), now = make_key(100e6, 10, "00bb");
    struct calib_record got;
    struct status err = {0};
    unlink(path);
    struct calib_store *store = open_store();
    put(store, make_record(CALIB_BACKGROUND, &taken));
    assert_int_equal(calib_store_find(store, CALIB_BACKGROUND, &now, &got, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "ris1 is 00bb, was 00aa"));
    assert_null(got.room[0]);
    calib_store_close(&store);
}

static void a_newer_record_takes_the_place_of_its_like(void **state)
{
    (void)state;
    const struct calib_key key = make_key(100e6, 10, NULL);
    struct calib_record got;
    struct status err = {0};
    unlink(path);
    struct calib_store *store = open_store();
    for (int i = 0; i < 3; i++) {
        struct calib_record r = make_record(CALIB_DELAY, &key);
        r.spread_m = i;
        put(store, r);
    }
    for (int i = 0; i < 40; i++) { /* other conditions: the oldest of too many go */
        const struct calib_key other = make_key(1e6 * (i + 1), 10, NULL);
        put(store, make_record(CALIB_CHANNELS, &other));
    }
    assert_int_equal(calib_store_find(store, CALIB_DELAY, &key, &got, &err), OK);
    assert_true(got.spread_m == 2);
    char *summary = calib_store_summary(store);
    assert_non_null(summary);
    assert_non_null(strstr(summary, "\"kind\":\"delay\""));
    assert_null(strstr(strstr(summary, "delay") + 5, "\"delay\""));
    assert_non_null(strstr(summary, "40000000"));
    assert_null(strstr(summary, "\"1000000\""));
    free(summary);
    calib_store_close(&store);
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void a_damaged_file_is_named_and_left_alone(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{", "calibration.json:1:1"},
        {"[]", "'format'"},
        {"{\"format\":\"mirador-site-calibration\",\"version\":9}", "version 9"},
        {"{\"format\":\"mirador-site-calibration\",\"version\":1}", "'records'"},
        {"{\"format\":\"mirador-site-calibration\",\"version\":1,\"records\":[{\"kind\":\"x\"}]}",
         "record 0: 'kind'"},
    };
    const struct calib_key key = make_key(100e6, 10, NULL);
    struct calib_record r = make_record(CALIB_DELAY, &key);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct status err = {0};
        write_text(cases[i].text);
        struct calib_store *store = calib_store_open(path, &err);
        assert_non_null(store);
        assert_int_equal(err.code, ERR_FORMAT);
        if (!strstr(err.text, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
        assert_non_null(strstr(err.text, "move"));
        assert_int_equal(calib_store_put(store, &r, &err), ERR_FORMAT);
        calib_store_close(&store);
    }
    FILE *f = fopen(path, "rb");
    char back[128] = "";
    assert_true(fread(back, 1, sizeof back - 1, f) > 0);
    fclose(f);
    assert_string_equal(back, cases[4].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_to_the_last_bit),
        cmocka_unit_test(another_condition_is_refused_by_name),
        cmocka_unit_test(a_background_of_other_profiles_is_refused),
        cmocka_unit_test(a_newer_record_takes_the_place_of_its_like),
        cmocka_unit_test(transmit_and_receive_channels_are_apart),
        cmocka_unit_test(a_damaged_file_is_named_and_left_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
