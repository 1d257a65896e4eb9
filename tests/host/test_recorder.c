/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recorder on made-up cycles, with a disk of its own: write(2) of this program is slow, full,
 * or dies when a test says so. */
#include "base/state_dir.h"
#include "host/recorder.h"
#include "host/recording_check.h"
#include "host/recording_reader.h"
#include "host/recording_sigmf.h"
#include "host/recording_writer.h"
#include "host/replay.h"
#include "sigmf_rules.h"
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the disk ----------------------------------------------------------------------------------
 */

static _Atomic long space = -1;    /* bytes left; -1: enough */
static atomic_int pause_us;        /* per call that writes samples */
static _Atomic long data_written;  /* of calls with samples */
enum { SAMPLES_LOOK_LIKE = 4096 }; /* shorter writes are lines and texts */

ssize_t write(int fd, const void *bytes, size_t n);
ssize_t write(int fd, const void *bytes, size_t n)
{
    long left = atomic_load(&space);
    if (n >= SAMPLES_LOOK_LIKE) {
        if (atomic_load(&pause_us) > 0)
            usleep((useconds_t)atomic_load(&pause_us));
        if (left >= 0 && (long)n > left) { /* what fits, and then nothing */
            n = left > 0 ? (size_t)left : 0;
            if (n == 0) {
                errno = ENOSPC;
                return -1;
            }
        }
        if (left >= 0)
            atomic_fetch_sub(&space, (long)n);
        atomic_fetch_add(&data_written, (long)n);
    }
    return syscall(SYS_write, fd, bytes, n);
}

static atomic_bool hold; /* a disk that takes its time to begin with */

int posix_fallocate(int fd, off_t at, off_t n);
int posix_fallocate(int fd, off_t at, off_t n)
{
    while (atomic_load(&hold))
        usleep(1000);
    return syscall(SYS_fallocate, fd, 0, at, n) == 0 ? 0 : errno;
}

/* --- a base station without a radio ------------------------------------------------------------
 */

static const char yaml[] = "radio: {rate_hz: 25e6, rx_channels: [0, 1], args: type=room}\n"
                           "waveform: {n: 256, k: 199, root: 76}\n"
                           "ris:\n"
                           "  boards:\n"
                           "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
                           "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
                           "users:\n"
                           "  - {id: 5, key_file: none}\n"
                           "background: {auto: no}\n"
                           "estimate: {map: no}\n";

struct bench {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct secure_keys keys;
    struct profile_set profiles[2];
    struct pipeline *pipeline;
    struct recorder *recorder;
    struct block_pool *pool[2];
    pthread_t thread;
    int64_t index;
    char folder[200], prefix[260];
};

static void *run(void *recorder)
{
    recorder_run(recorder);
    return NULL;
}

static char told[2000];

static void tell(void *context, const char *line)
{
    (void)context;
    strncat(told, line, sizeof told - strlen(told) - 1);
}

static void make_recorder(struct bench *b, bool lossless)
{
    struct status err = {0};
    const struct recorder_cfg rc = {.bs = &b->cfg,
                                    .schedule = &b->schedule,
                                    .profiles = {&b->profiles[0], &b->profiles[1]},
                                    .pipeline = b->pipeline,
                                    .serial = "none",
                                    .lossless = lossless,
                                    .tell = tell};
    b->recorder = recorder_create(&rc, &err);
    if (!b->recorder)
        fail_msg("%s", err.text);
    assert_int_equal(pthread_create(&b->thread, NULL, run, b->recorder), 0);
}

static void make_parts(struct bench *b)
{
    struct status err = {0};
    uint8_t master[SECURE_MASTER_BYTES];
    const struct pipeline_cfg pc = {.cfg = &b->cfg,
                                    .schedule = &b->schedule,
                                    .keys = &b->keys,
                                    .profiles = {&b->profiles[0], &b->profiles[1]}};
    for (size_t i = 0; i < 2; i++) {
        b->profiles[i] = (struct profile_set){.shape = {16, 16, 1}, .n = 1, .hash = {i + 1}};
        b->profiles[i].states = ris_states_ideal(1);
        const enum schedule_window w[2] = {WINDOW_SENSING, WINDOW_RESPONSE};
        b->pool[i] = block_pool_create(2, 2, (size_t)b->schedule.window[w[i]].n, &err);
        assert_non_null(b->pool[i]);
    }
    secure_master_from_seed(1, 5, master);
    secure_keys_derive(master, &b->keys);
    b->pipeline = pipeline_create(&pc, &err);
    if (!b->pipeline)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct status err = {0};
    *state = b;
    assert_int_equal(secure_init(), OK);
    if (config_parse(&bs_config_table, "t", yaml, sizeof yaml - 1, NULL, &b->cfg, &err) ||
        bs_config_schedule(&b->cfg, &b->schedule, &err))
        fail_msg("%s", err.text);
    assert_int_equal(state_dir_create("mirador-rec", b->folder, sizeof b->folder, &err), OK);
    snprintf(b->prefix, sizeof b->prefix, "%s/a", b->folder);
    b->cfg.record.queue_cycles = 6;
    b->cfg.record.checkpoint_s = 1; /* five cycles */
    atomic_store(&space, -1);
    atomic_store(&pause_us, 0);
    make_parts(b);
    return 0;
}

static void end_recorder(struct bench *b)
{
    if (!b->recorder)
        return;
    recorder_end(b->recorder);
    recorder_stop_thread(b->recorder);
    pthread_join(b->thread, NULL);
    recorder_destroy(&b->recorder);
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    struct status err;
    end_recorder(b);
    pipeline_destroy(&b->pipeline);
    for (size_t i = 0; i < 2; i++)
        block_pool_destroy(&b->pool[i]);
    assert_int_equal(state_dir_remove(b->folder, &err), OK);
    free(b);
    return 0;
}

/* The present cycle's samples: noise that only the index decides. */
static void fill(struct block *block, const struct cycle_plan *plan, enum block_kind kind)
{
    uint32_t x = (uint32_t)plan->index * 2654435761u + kind + 1;
    block->kind = kind;
    block->plan = *plan;
    block->info = (struct radio_block){.tick = plan->index * 5000000, .n_valid = block->n_samp};
    for (size_t a = 0; a < block->n_ant; a++)
        for (size_t t = 0; t < block->n_samp; t++) {
            x = x * 1664525u + 1013904223u;
            block->samp[a][t] = (struct sc16){(int16_t)(x >> 26), (int16_t)(x >> 20 & 63)};
        }
}

/* What the DSP thread does. Never waits, unless the recorder is lossless. */
static void cycle(struct bench *b, struct cycle_report *r)
{
    struct cycle_plan plan = {.index = b->index, .cycle = 1000 + (uint64_t)b->index};
    struct block *sensing = block_pool_take(b->pool[0], false),
                 *response = block_pool_take(b->pool[1], false);
    assert_non_null(sensing);
    assert_non_null(response);
    fill(sensing, &plan, BLOCK_SENSING);
    recorder_begin(b->recorder, &plan);
    pipeline_sensing(b->pipeline, sensing);
    block_pool_give(b->pool[0], recorder_swap(b->recorder, sensing));
    fill(response, &plan, BLOCK_RESPONSE);
    pipeline_response(b->pipeline, response, r);
    recorder_report(b->recorder, r);
    block_pool_give(b->pool[1], recorder_swap(b->recorder, response));
    b->index++;
}

static void cycles(struct bench *b, int n)
{
    struct cycle_report r;
    for (int i = 0; i < n; i++)
        cycle(b, &r);
}

static void start(struct bench *b)
{
    struct status err = {0};
    struct recorder_status s;
    assert_int_equal(recorder_start(b->recorder, b->prefix, &err), OK);
    do {
        usleep(1000);
        recorder_status(b->recorder, &s);
    } while (s.state == RECORDER_STARTING);
}

static struct recorder_status wait_for(struct bench *b, enum recorder_state state)
{
    struct recorder_status s;
    for (int i = 0; i < 30000; i++) {
        usleep(1000);
        recorder_status(b->recorder, &s);
        if (s.state == state)
            return s;
    }
    fail_msg("the recorder is %s", recorder_state_name(s.state));
    return s;
}

static void assert_whole(const char *prefix, uint64_t n)
{
    struct status err = {0};
    struct recording_summary s;
    if (recording_check(prefix, &err) || recording_summarise(prefix, &s, &err))
        fail_msg("%s", err.text);
    assert_int_equal(s.cycles, n);
}

/* Every sample is what fill() made of its cycle. */
static void assert_samples(struct bench *b, const char *prefix)
{
    struct status err = {0};
    struct block *block = block_pool_take(b->pool[0], false),
                 *wanted = block_pool_take(b->pool[0], false);
    struct recording_cycle *c = calloc(1, sizeof *c);
    struct recording_reader *r = recording_reader_open(prefix, &err);
    assert_non_null(r);
    while (recording_reader_next(r, c, &err) == OK) {
        assert_int_equal(recording_reader_samples(r, &c->window[0], block->samp, &err), OK);
        fill(wanted, &c->plan, BLOCK_SENSING);
        for (size_t a = 0; a < 2; a++)
            assert_memory_equal(block->samp[a], wanted->samp[a],
                                block->n_samp * sizeof(struct sc16));
    }
    recording_reader_close(&r);
    block_pool_give(b->pool[0], block);
    block_pool_give(b->pool[0], wanted);
    free(c);
}

static void replay_equals(const char *prefix, double from_s, size_t n)
{
    struct status err = {0};
    const struct replay_cfg cfg = {.recording = prefix, .from_s = from_s, .to_s = INFINITY};
    struct replay *r = replay_create(&cfg, &err);
    struct replay_step *s = calloc(1, sizeof *s);
    if (!r)
        fail_msg("%s", err.text);
    size_t seen = 0;
    while (replay_next(r, s, &err) == OK) {
        assert_true(s->same);
        seen++;
    }
    assert_int_equal(seen, n);
    replay_destroy(&r);
    free(s);
}

/* --- what must hold ----------------------------------------------------------------------------
 */

static void what_was_recorded_is_there(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    make_recorder(b, true);
    cycles(b, 2); /* before: not in it */
    start(b);
    cycles(b, 7);
    assert_int_equal(recorder_mark(b->recorder, "the door", b->prefix, &err), OK);
    cycles(b, 4);
    assert_int_equal(recorder_start(b->recorder, b->prefix, &err), ERR_BUSY);
    assert_int_equal(recorder_stop(b->recorder, &err), OK);
    cycles(b, 1); /* the boundary */
    struct recorder_status s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(recorder_stop(b->recorder, &err), ERR_STATE);
    assert_whole(b->prefix, s.cycles);
    assert_int_equal(s.cycles, 11);
    assert_samples(b, b->prefix);
    replay_equals(b->prefix, 0, 11);
    replay_equals(b->prefix, 1.5, 3);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.marks == 1 && sum.checkpoints == 3);
    start(b); /* the same name again */
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_FAILED);
    assert_non_null(strstr(s.why, "exists"));
}

static void slow_disk_ends_it_cleanly(void **state)
{
    struct bench *b = *state;
    make_recorder(b, false);
    start(b);
    atomic_store(&pause_us, 30000); /* four calls a cycle, and cycles come faster */
    struct recorder_status s;
    int n = 0;
    do { /* no cycle ever waits, none is lost: block_pool_take asserts it */
        cycles(b, 1);
        recorder_status(b->recorder, &s);
    } while (s.state == RECORDER_RECORDING && ++n < 1000);
    cycles(b, 20);
    s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_SLOW);
    assert_true(s.cycles >= 5 && s.queued_max <= 6);
    assert_whole(b->prefix, s.cycles);
    assert_samples(b, b->prefix);
    replay_equals(b->prefix, 0, s.cycles);
}

static void full_disk_ends_it_cleanly(void **state)
{
    struct bench *b = *state;
    const long cycle_bytes =
        8 * (b->schedule.window[WINDOW_SENSING].n + b->schedule.window[WINDOW_RESPONSE].n);
    make_recorder(b, true);
    atomic_store(&space, 4 * cycle_bytes + cycle_bytes / 3);
    start(b);
    cycles(b, 12);
    struct recorder_status s = wait_for(b, RECORDER_IDLE);
    assert_int_equal(s.alarm, RECORDER_FULL);
    assert_true(s.cycles >= 3 && s.cycles <= 4);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
    atomic_store(&space, -1); /* and the next one begins as if nothing had been */
    strcat(b->prefix, "-next");
    start(b);
    cycles(b, 3);
    end_recorder(b);
    assert_whole(b->prefix, 3);
}

static void ring_keeps_the_last_seconds(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    b->cfg.record.pretrigger_s = 2; /* ten cycles */
    make_recorder(b, true);
    cycles(b, 40);
    struct recorder_status s;
    recorder_status(b->recorder, &s);
    assert_int_equal(s.state, RECORDER_ARMED);
    assert_true(s.ring_s >= 2 && s.ring_s <= 3.01 && s.memory_bytes > 0);
    assert_int_equal(recorder_mark(b->recorder, "now", b->prefix, &err), OK);
    cycles(b, 1);
    s = wait_for(b, RECORDER_ARMED);
    assert_true(s.cycles >= 10 && s.cycles <= 15);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
    cycles(b, 20);
    strcat(b->prefix, "-next"); /* a recording begins with the ring */
    start(b);
    cycles(b, 5);
    end_recorder(b);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.cycles >= 15 && sum.cycles <= 20);
    replay_equals(b->prefix, 0, sum.cycles);
}

static size_t n_files(const struct bench *b)
{
    size_t n = 0;
    DIR *d = opendir(b->folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Cycles that come while the files are made follow the ring without a gap. */
static void nothing_is_lost_at_the_start(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct recording_summary sum;
    b->cfg.record.pretrigger_s = 2;
    b->cfg.record.queue_cycles = 20;
    make_recorder(b, false);
    cycles(b, 40);
    atomic_store(&hold, true);
    assert_int_equal(recorder_start(b->recorder, b->prefix, &err), OK);
    cycles(b, 4);
    atomic_store(&hold, false);
    (void)wait_for(b, RECORDER_RECORDING);
    cycles(b, 3);
    assert_int_equal(recorder_stop(b->recorder, &err), OK);
    cycles(b, 1);
    struct recorder_status s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_WELL);
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_true(sum.cycles >= 10 + 4 + 3);
    replay_equals(b->prefix, 0, sum.cycles);

    cycles(b, 40); /* and when they are too many, it ends with the last before the first lost one */
    strcat(b->prefix, "-slow");
    atomic_store(&hold, true);
    assert_int_equal(recorder_start(b->recorder, b->prefix, &err), OK);
    cycles(b, 60);
    atomic_store(&hold, false);
    s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_SLOW);
    assert_whole(b->prefix, s.cycles);
    replay_equals(b->prefix, 0, s.cycles);
}

static void a_failed_start_costs_nothing(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct recorder_status s;
    char other[300];
    b->cfg.record.pretrigger_s = 2;
    make_recorder(b, true);
    cycles(b, 40);
    snprintf(other, sizeof other, "%s.mirador-state", b->prefix);
    FILE *f = fopen(other, "w"); /* the second of its files is there */
    assert_non_null(f);
    fclose(f);
    size_t before = n_files(b);
    assert_int_equal(recorder_start(b->recorder, b->prefix, &err), OK);
    s = wait_for(b, RECORDER_ARMED);
    assert_int_equal(s.alarm, RECORDER_FAILED);
    assert_int_equal(n_files(b), before); /* nothing of ours, and theirs is still there */
    assert_true(s.ring_s >= 2);
    assert_int_equal(unlink(other), 0);
    start(b);
    assert_int_equal(recorder_mark(b->recorder, "too late", b->prefix, &err), OK);
    assert_int_equal(recorder_stop(b->recorder, &err), OK); /* before a cycle took the mark */
    cycles(b, 1);
    s = wait_for(b, RECORDER_ARMED);
    assert_true(s.cycles >= 10);
    replay_equals(b->prefix, 0, s.cycles);
    assert_non_null(strstr(told, "recording begins: "));
    assert_non_null(strstr(told, "recording ends: "));
    strcat(b->prefix, "-next");
    start(b);
    cycles(b, 3);
    end_recorder(b);
    struct recording_summary sum;
    assert_int_equal(recording_summarise(b->prefix, &sum, &err), OK);
    assert_int_equal(sum.marks, 0);
}

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
static void assert_window(struct bench *b, FILE *f, int64_t index, enum block_kind kind)
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
        if (read[t][0] != wanted->samp[1][t].i || read[t][1] != wanted->samp[1][t].q)
            fail_msg("sample %zu of cycle %lld", t, (long long)index);
    free(read);
    block_pool_give(own, wanted);
    block_pool_destroy(&own);
}

static void gnuradio_reads_the_same(void **state)
{
    struct bench *b = *state;
    char meta[RECORDING_PATH], out[300], command[900], rate[40] = "";
    record_four(b);
    recording_channel_path(b->prefix, 1, "meta", meta);
    snprintf(out, sizeof out, "%s/complex64", b->folder);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/tests/host/gnuradio_reads.py '%s' '%s'",
             MIRADOR_SOURCE_DIR, meta, out);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    const bool told_rate = fgets(rate, sizeof rate, f);
    const int code = pclose(f);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 77) {
        print_message("[  SKIPPED ] no GNU Radio: it was not asked what it reads\n");
        skip();
    }
    assert_true(code == 0 && told_rate && strtod(rate, NULL) == (double)b->schedule.rate);
    f = fopen(out, "r");
    assert_non_null(f);
    for (int64_t i = 0; i < 4; i++)
        for (enum block_kind kind = BLOCK_SENSING; kind <= BLOCK_RESPONSE; kind++)
            assert_window(b, f, i, kind);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(what_was_recorded_is_there),
        BENCH(slow_disk_ends_it_cleanly),
        BENCH(full_disk_ends_it_cleanly),
        BENCH(ring_keeps_the_last_seconds),
        BENCH(nothing_is_lost_at_the_start),
        BENCH(a_failed_start_costs_nothing),
        BENCH(an_endless_line_is_refused),
        BENCH(repair_keeps_whole_cycles),
        BENCH(one_flipped_bit_is_found),
        BENCH(a_part_is_a_recording),
        BENCH(files_are_sigmf),
        BENCH(gnuradio_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
