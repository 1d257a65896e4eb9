/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files of a recording: SigMF for others, damage found, mended, cut. */
#include "host/recording_bytes.h"
#include "host/recording_check.h"
#include "host/recording_float.h"
#include "host/recording_reader.h"
#include "host/replay.h"
#include "tests/host/recorder_rig.h"
#include "tests/host/sigmf_rules.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A file of one endless line is no journal, and needs no memory of its size to say so. */
static void an_endless_line_is_refused(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    static char block[1 << 20];
    char path[300];
    memset(block, 'x', sizeof block);
    snprintf(path, sizeof path, "%s.mirador-journal", b->prefix);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 20; i++)
        assert_int_equal(fwrite(block, sizeof block, 1, f), 1);
    fclose(f);
    assert_null(recording_reader_open(b->prefix, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_non_null(strstr(err.text, ":1: longer than"));
}

static void cut_at(const char *path, long n)
{
    if (truncate(path, n))
        fail_msg("%s", strerror(errno));
}

/* As a killed daemon leaves it: no SigMF files, and the last cycle in part. */
static void repair_keeps_whole_cycles(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char path[RECORDING_PATH];
    uint64_t kept;
    make_recorder(b, true);
    start(b);
    cycles(b, 8);
    assert_int_equal(recording_repair(b->prefix, &kept, &err), ERR_BUSY);
    end_recorder(b);
    assert_whole(b->prefix, 8);
    recording_path(b->prefix, RECORDING_COLLECTION, path);
    assert_int_equal(remove(path), 0);
    recording_channel_path(b->prefix, 0, "meta", path);
    assert_int_equal(remove(path), 0);
    recording_channel_path(b->prefix, 1, "data", path);
    const long cycle_bytes =
        4 * (b->schedule.window[WINDOW_SENSING].n + b->schedule.window[WINDOW_RESPONSE].n);
    cut_at(path, 6 * cycle_bytes + 12345);
    assert_int_not_equal(recording_check(b->prefix, &err), OK);
    assert_int_equal(recording_repair(b->prefix, &kept, &err), OK);
    assert_int_equal(kept, 6);
    assert_whole(b->prefix, 6);
    replay_equals(b->prefix, 0, 6);
    recording_path(b->prefix, RECORDING_JOURNAL, path);
    FILE *f = fopen(path, "ab"); /* half a line */
    fputs("{\"plan\":{\"cycle\":1", f);
    fclose(f);
    assert_int_not_equal(recording_check(b->prefix, &err), OK);
    assert_int_equal(recording_repair(b->prefix, &kept, &err), OK);
    assert_whole(b->prefix, 6);
}

static void one_flipped_bit_is_found(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make_recorder(b, true);
    start(b);
    cycles(b, 3);
    end_recorder(b);
    for (int i = 0; i < 4; i++) {
        char path[RECORDING_PATH];
        if (i < 2)
            recording_channel_path(b->prefix, 1, i ? "meta" : "data", path);
        else
            recording_path(b->prefix, i == 2 ? RECORDING_STATE : RECORDING_CONFIG, path);
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        fseek(f, 700, SEEK_SET);
        int c = fgetc(f);
        fseek(f, 700, SEEK_SET);
        fputc(c ^ 1, f);
        fclose(f);
        assert_int_equal(recording_check(b->prefix, &err), ERR_CRC);
        f = fopen(path, "r+b");
        fseek(f, 700, SEEK_SET);
        fputc(c, f);
        fclose(f);
        assert_whole(b->prefix, 3);
    }
}

static void a_part_is_a_recording(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char part[RECORDING_PATH];
    uint64_t n;
    make_recorder(b, true);
    start(b);
    cycles(b, 16);
    end_recorder(b);
    snprintf(part, sizeof part, "%s-part", b->prefix);
    assert_int_equal(recording_cut(b->prefix, 1.3, 2.2, part, &n, &err), OK);
    assert_int_equal(n, 7); /* cycles 5 (the checkpoint) to 11 */
    assert_whole(part, 7);
    replay_equals(part, 0, 7);
    assert_int_equal(recording_cut(b->prefix, 0, 1, part, &n, &err), ERR_BUSY);
}

/* The file with one member of its first capture (or global) changed. */
static bool changed_is_accepted(struct bench *b, const char *file, const char *in, const char *key,
                                json_t *value)
{
    char path[300];
    json_t *o = json_load_file(file, 0, NULL), *place = json_object_get(o, in);
    if (json_is_array(place))
        place = json_array_get(place, 0);
    assert_int_equal(json_object_set_new(place, key, value), 0);
    snprintf(path, sizeof path, "%s/changed", b->folder);
    assert_int_equal(json_dump_file(o, path, 0), 0);
    json_decref(o);
    return sigmf_schema_accepts(path);
}

static void schema_tells_good_from_bad(struct bench *b, const char *meta, const char *collection)
{
    assert_true(sigmf_schema_accepts(meta));
    assert_true(sigmf_schema_accepts(collection));
    assert_true(changed_is_accepted(b, meta, "global", "core:datatype", json_string("cf32_le")));
    assert_false(changed_is_accepted(b, meta, "global", "core:datatype", json_string("ci16")));
    assert_false(changed_is_accepted(b, meta, "captures", "core:sample_start", json_integer(-1)));
    assert_false(changed_is_accepted(b, meta, "annotations", "core:lable", json_string("x")));
    assert_false(changed_is_accepted(b, collection, "collection", "core:streams", json_array()));
}

static void record_four(struct bench *b)
{
    make_recorder(b, true);
    start(b);
    cycles(b, 4);
    end_recorder(b);
}

static void files_are_sigmf(void **state)
{
    struct bench *b = *state;
    char path[RECORDING_PATH], meta[RECORDING_PATH];
    record_four(b);
    for (size_t a = 0; a < 2; a++) {
        recording_channel_path(b->prefix, a, "meta", meta);
        assert_sigmf_meta(meta);
    }
    recording_path(b->prefix, RECORDING_COLLECTION, path);
    assert_sigmf_collection(path, 2);
    if (sigmf_schema_there())
        schema_tells_good_from_bad(b, meta, path);
}

/* The samples of channel 1 in GNU Radio's file are what fill() made. Blocks of its own: those of
 * bench were exchanged for the recorder's and are gone with it. */
static void assert_window(struct bench *b, FILE *f, int64_t index, enum block_kind kind,
                          float scale)
{
    const enum schedule_window window = kind == BLOCK_SENSING ? WINDOW_SENSING : WINDOW_RESPONSE;
    const size_t n = (size_t)b->schedule.window[window].n;
    const struct cycle_plan plan = {.index = index, .cycle = 1000 + (uint64_t)index};
    struct status err = {0};
    struct block_pool *own = block_pool_create(1, 2, n, &err);
    float(*read)[2] = malloc(n * sizeof *read);
    assert_true(own && read);
    struct block *wanted = block_pool_take(own, false);
    fill(wanted, &plan, kind);
    assert_int_equal(fread(read, sizeof *read, n, f), n);
    for (size_t t = 0; t < n; t++)
        if (read[t][0] != (float)wanted->samp[1][t].i / scale ||
            read[t][1] != (float)wanted->samp[1][t].q / scale)
            fail_msg("sample %zu of cycle %lld", t, (long long)index);
    free(read);
    block_pool_give(own, wanted);
    block_pool_destroy(&own);
}

/* All windows of channel 1 by GNU Radio's file source. False: there is no GNU Radio. */
static bool gnuradio_reads(struct bench *b, const char *meta, float scale)
{
    char out[300], command[900], rate[40] = "";
    snprintf(out, sizeof out, "%s/complex64", b->folder);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/tests/host/gnuradio_reads.py '%s' '%s'",
             MIRADOR_SOURCE_DIR, meta, out);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    const bool told_rate = fgets(rate, sizeof rate, f);
    const int code = pclose(f);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 77)
        return false;
    assert_true(code == 0 && told_rate && strtod(rate, NULL) == (double)b->schedule.rate);
    f = fopen(out, "r");
    assert_non_null(f);
    for (int64_t i = 0; i < 4; i++)
        for (enum block_kind kind = BLOCK_SENSING; kind <= BLOCK_RESPONSE; kind++)
            assert_window(b, f, i, kind, scale);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    return true;
}

static void gnuradio_reads_the_same(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char meta[RECORDING_PATH], floats[RECORDING_PATH];
    uint64_t n;
    record_four(b);
    snprintf(floats, sizeof floats, "%.300s/floats", b->folder);
    recording_channel_path(b->prefix, 1, "meta", meta);
    const bool there = gnuradio_reads(b, meta, 1);
    assert_int_equal(recording_write_float(b->prefix, floats, &n, &err), OK);
    recording_channel_path(floats, 1, "meta", meta);
    if (!there || !gnuradio_reads(b, meta, 32767)) {
        print_message("[  SKIPPED ] no GNU Radio: it was not asked what it reads\n");
        skip();
    }
}

/* The same captures and annotations, other numbers; nothing replaced, nothing half made. */
static void floats_are_sigmf(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char path[RECORDING_PATH], meta[RECORDING_PATH], floats[RECORDING_PATH], digest[129];
    uint64_t n;
    record_four(b);
    snprintf(floats, sizeof floats, "%.300s/floats", b->folder);
    recording_channel_path(floats, 1, "data", path);
    FILE *f = fopen(path, "w"); /* somebody else's */
    assert_non_null(f);
    fclose(f);
    assert_int_equal(recording_write_float(b->prefix, floats, &n, &err), ERR_BUSY);
    assert_int_equal(access(path, F_OK), 0);
    recording_channel_path(floats, 0, "data", meta);
    assert_int_not_equal(access(meta, F_OK), 0);
    assert_int_equal(remove(path), 0);
    assert_int_equal(recording_write_float(b->prefix, floats, &n, &err), OK);
    assert_int_equal(
        n, 4 * (b->schedule.window[WINDOW_SENSING].n + b->schedule.window[WINDOW_RESPONSE].n));
    for (size_t a = 0; a < 2; a++) {
        recording_channel_path(floats, a, "meta", meta);
        assert_sigmf_meta_of(meta, "cf32_le");
        recording_channel_path(floats, a, "data", path);
        assert_int_equal(recording_sha512(path, digest, &err), OK);
        json_t *o = json_load_file(meta, 0, NULL), *global = json_object_get(o, "global");
        assert_string_equal(json_string_value(json_object_get(global, "core:sha512")), digest);
        assert_int_equal(json_array_size(json_object_get(o, "captures")), 8);
        json_decref(o);
    }
    recording_path(floats, RECORDING_COLLECTION, path);
    assert_sigmf_collection(path, 2);
    if (sigmf_schema_there())
        assert_true(sigmf_schema_accepts(meta) && sigmf_schema_accepts(path));
}

/* As an earlier version saved it: told apart from damage. */
static void an_older_checkpoint_is_named(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    const size_t size = pipeline_state_max(b->pipeline);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    long n = pipeline_state_save(b->pipeline, bytes, size);
    assert_true(n > 8);
    assert_int_equal(pipeline_state_load(b->pipeline, bytes, (size_t)n, &err), OK);
    bytes[5] = '0';
    bytes[6] = '2';
    assert_int_equal(pipeline_state_load(b->pipeline, bytes, (size_t)n, &err), ERR_FORMAT);
    assert_non_null(strstr(err.text, "of format MIRST02, and only MIRST"));
    bytes[0] = 'X';
    assert_int_equal(pipeline_state_load(b->pipeline, bytes, (size_t)n, &err), ERR_FORMAT);
    assert_non_null(strstr(err.text, "damaged"));
    free(bytes);
}

static void behind_the_end_is_nothing(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char part[RECORDING_PATH];
    uint64_t n;
    record_four(b);
    const struct replay_cfg cfg = {.recording = b->prefix, .from_s = 0.7, .to_s = INFINITY};
    assert_null(replay_create(&cfg, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_non_null(strstr(err.text, "0.7 s is behind the end"));
    assert_non_null(strstr(err.text, "0.60 s after"));
    snprintf(part, sizeof part, "%s-part", b->prefix);
    assert_int_equal(recording_cut(b->prefix, 0.7, 2, part, &n, &err), ERR_ARG);
    assert_null(recording_reader_open(part, &err)); /* nothing of it was made */
    replay_equals(b->prefix, 0.6, 1);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(an_endless_line_is_refused),
        BENCH(repair_keeps_whole_cycles),
        BENCH(one_flipped_bit_is_found),
        BENCH(a_part_is_a_recording),
        BENCH(files_are_sigmf),
        BENCH(gnuradio_reads_the_same),
        BENCH(floats_are_sigmf),
        BENCH(an_older_checkpoint_is_named),
        BENCH(behind_the_end_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
