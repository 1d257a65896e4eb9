/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The continuous stream beside the windows: every sample at its tick, gaps named, and a disk that
 * is slow or full. */
#include "host/recording_check.h"
#include "host/recording_reader.h"
#include "host/recording_stream.h"
#include "tests/host/recorder_rig.h"
#include "tests/host/sigmf_rules.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PACKET = 4000, RING = 10 * PACKET };

/* What the radio received at this tick. */
static struct sc16 received(int64_t tick, size_t channel)
{
    const uint32_t x = (uint32_t)tick * 2654435761u + (uint32_t)channel * 97;
    return (struct sc16){(int16_t)(x >> 18), (int16_t)(x >> 4 & 0x3fff)};
}

/* What the RX thread does. */
static void packets(struct bench *b, int64_t tick, size_t n)
{
    static struct sc16 samp[2][PACKET];
    const struct sc16 *const both[] = {samp[0], samp[1]};
    for (; n > 0; n--, tick += PACKET) {
        for (size_t a = 0; a < 2; a++)
            for (size_t t = 0; t < PACKET; t++)
                samp[a][t] = received(tick + (int64_t)t, a);
        sample_stream_put(b->stream, tick, both, PACKET);
    }
}

static void make(struct bench *b, bool lossless)
{
    struct status err = {0};
    const struct sample_stream_cfg cfg = {.n_ant = 2, .n_samp = RING, .lossless = lossless};
    b->stream = sample_stream_create(&cfg, &err);
    assert_non_null(b->stream);
    make_recorder(b, lossless);
    b->index = 1; /* begins behind tick 0; the window of cycle 0 a little before */
}

static void start_stream(struct bench *b)
{
    struct status err = {0};
    packets(b, 5, 3); /* nobody listens: not in it */
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_STREAM, &err), OK);
    (void)wait_for(b, RECORDER_RECORDING);
}

static struct recorder_status stop(struct bench *b)
{
    struct status err = {0};
    assert_int_equal(recorder_stop(b->recorder, &err), OK);
    cycles(b, 1); /* the boundary */
    return wait_for(b, RECORDER_IDLE);
}

static void assert_captures(const char *path, size_t n)
{
    json_t *o = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(o, "captures")), n);
    json_decref(o);
}

/* Of both channels, by the segments' ticks. */
static void assert_stream(const char *prefix, size_t segments, uint64_t samples)
{
    struct recording_segments s;
    struct status err = {0};
    char path[RECORDING_PATH];
    assert_int_equal(recording_segments_read(prefix, &s, &err), OK);
    assert_true(s.ended && s.n == segments && s.samples == samples);
    for (size_t a = 0; a < 2; a++) {
        recording_stream_path(prefix, a, "data", path);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        for (size_t i = 0, g = 0; i < samples; i++) {
            struct sc16 is;
            g += g + 1 < s.n && s.item[g + 1].first == i;
            const struct sc16 wanted = received(s.item[g].tick + (int64_t)(i - s.item[g].first), a);
            assert_int_equal(fread(&is, sizeof is, 1, f), 1);
            if (is.i != wanted.i || is.q != wanted.q)
                fail_msg("sample %zu of channel %zu", i, a);
        }
        assert_int_equal(fgetc(f), EOF);
        fclose(f);
        recording_stream_path(prefix, a, "meta", path);
        assert_sigmf_meta(path);
        assert_captures(path, segments);
    }
    recording_segments_free(&s);
}

static void every_sample_is_at_its_tick(void **state)
{
    struct bench *b = *state;
    char path[RECORDING_PATH];
    make(b, true);
    start_stream(b);
    cycles(b, 2);         /* of before the first sample: not in it */
    packets(b, 1000, 25); /* more than the ring: the RX thread waits */
    packets(b, 1000 + 25 * PACKET + 123, 7);
    cycles(b, 2);
    struct recorder_status s = stop(b);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(s.stream_samples, 32 * PACKET);
    assert_int_equal(s.cycles, 2);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
    assert_stream(b->prefix, 2, 32 * PACKET);
    recording_path(b->prefix, RECORDING_COLLECTION, path);
    assert_sigmf_collection(path, 4);
    if (sigmf_schema_there()) {
        recording_stream_path(b->prefix, 0, "meta", path);
        assert_true(sigmf_schema_accepts(path));
    }
    packets(b, 9000000, 2); /* another recording knows nothing of the first */
    strcat(b->prefix, "-next");
    start_stream(b);
    packets(b, 7, 1);
    cycles(b, 1);
    s = stop(b);
    assert_stream(b->prefix, 1, PACKET);
    assert_whole(b->prefix, s.cycles);
}

/* Its files take their time to make: what comes once the start is acknowledged waits for them. */
static void it_begins_with_the_start(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make(b, false);
    atomic_store(&hold, true);
    packets(b, 5, 3);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_STREAM, &err), OK);
    packets(b, 5000100, 9);
    atomic_store(&hold, false);
    (void)wait_for(b, RECORDER_RECORDING);
    cycles(b, 2); /* the first began before the stream */
    struct recorder_status s = stop(b);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(s.cycles, 1);
    assert_stream(b->prefix, 1, 9 * PACKET);
    assert_whole(b->prefix, 1);
}

/* A start that fails takes no samples: a lossless RX thread would wait for room for ever. */
static void a_failed_start_listens_to_nothing(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make(b, true);
    snprintf(b->prefix, sizeof b->prefix, "%s/none/a", b->folder);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_STREAM, &err), OK);
    assert_int_equal(wait_for(b, RECORDER_IDLE).alarm, RECORDER_FAILED);
    packets(b, 0, 25);
    snprintf(b->prefix, sizeof b->prefix, "%s/a", b->folder);
    start_stream(b);
    packets(b, 0, 2);
    cycles(b, 1);
    assert_int_equal(stop(b).cycles, 1);
    assert_stream(b->prefix, 1, 2 * PACKET);
}

/* The ring is full and nobody waits: what came until then is kept, gap or no gap. */
static void a_slow_disk_ends_it(void **state)
{
    struct bench *b = *state;
    struct recorder_status s;
    int64_t tick = 0;
    make(b, false);
    start_stream(b);
    packets(b, tick, 1);
    tick += PACKET;
    atomic_store(&pause_us, 20000);
    cycles(b, 2);
    for (int i = 0; i < 2000; i++) {
        packets(b, tick, 1);
        tick += PACKET;
        recorder_status(b->recorder, &s);
        if (s.state != RECORDER_RECORDING)
            break;
        usleep(200);
    }
    atomic_store(&pause_us, 0);
    cycles(b, 1);
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_SLOW);
    assert_true(s.stream_samples >= RING && s.stream_samples < (uint64_t)tick);
    assert_whole(b->prefix, s.cycles);
    assert_stream(b->prefix, 1, s.stream_samples);
}

static void a_full_disk_ends_it(void **state)
{
    struct bench *b = *state;
    const long cycle_bytes =
        8 * (b->schedule.window[WINDOW_SENSING].n + b->schedule.window[WINDOW_RESPONSE].n);
    make(b, true);
    atomic_store(&space, 2 * cycle_bytes + 50 * PACKET * 8);
    struct recorder_status s;
    start_stream(b);
    packets(b, 0, 1);
    cycles(b, 2);
    do {
        usleep(1000);
        recorder_status(b->recorder, &s);
    } while (s.cycles == 0);
    packets(b, PACKET, 400);
    cycles(b, 1);
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_FULL);
    assert_true(s.cycles >= 1 && s.stream_samples > 0 && s.stream_samples < 400 * PACKET);
    atomic_store(&space, -1);
    assert_whole(b->prefix, s.cycles);
    assert_stream(b->prefix, 1, s.stream_samples);
}

static void damage_is_found_and_repaired(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    char path[RECORDING_PATH];
    uint64_t kept;
    make(b, true);
    start_stream(b);
    packets(b, 50, 5);
    cycles(b, 3); /* two of them inside the stream */
    packets(b, 900000, 5);
    struct recorder_status s = stop(b);
    recording_stream_path(b->prefix, 1, "data", path);
    assert_int_equal(truncate(path, (6 * PACKET + 11) * 4 + 2), 0);
    assert_int_not_equal(recording_check(b->prefix, &err), OK);
    recording_path(b->prefix, RECORDING_SEGMENTS, path);
    FILE *f = fopen(path, "r+e"); /* and its last line as a killed daemon leaves it */
    assert_non_null(f);
    fseek(f, -6, SEEK_END);
    assert_int_equal(ftruncate(fileno(f), ftell(f)), 0);
    fclose(f);
    recording_path(b->prefix, RECORDING_COLLECTION, path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(recording_repair(b->prefix, &kept, &err), OK);
    assert_whole(b->prefix, s.cycles);
    assert_stream(b->prefix, 2, 6 * PACKET + 11);
}

static void without_a_stream_it_says_so(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make_recorder(b, true);
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_STREAM, &err), ERR_STATE);
    assert_non_null(strstr(err.text, "radio.capture"));
    b->cfg.record.stream = true;
    assert_int_equal(bs_config_check(&b->cfg, "t", &err), ERR_ARG);
    assert_non_null(strstr(err.text, "record.stream"));
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(every_sample_is_at_its_tick),
        BENCH(it_begins_with_the_start),
        BENCH(a_failed_start_listens_to_nothing),
        BENCH(a_slow_disk_ends_it),
        BENCH(a_full_disk_ends_it),
        BENCH(damage_is_found_and_repaired),
        BENCH(without_a_stream_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
