/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/recorder_rig.h"
#include "base/state_dir.h"
#include "host/recording_check.h"
#include "host/recording_reader.h"
#include "host/replay.h"
#include "tests/frames/seed_keys.h"
#include "tests/host/base_rig.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the disk --------------------------------------------------------------------------------- */

_Atomic long space = -1;
atomic_int pause_us;
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
    }
    return syscall(SYS_write, fd, bytes, n);
}

atomic_bool hold;

int posix_fallocate(int fd, off_t at, off_t n);
int posix_fallocate(int fd, off_t at, off_t n)
{
    while (atomic_load(&hold))
        usleep(1000);
    return syscall(SYS_fallocate, fd, 0, at, n) == 0 ? 0 : errno;
}

/* --- a base station without a radio ----------------------------------------------------------- */

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

static void *run(void *recorder)
{
    recorder_run(recorder);
    return NULL;
}

char told[2000];

static void tell(void *context, const char *line)
{
    (void)context;
    strncat(told, line, sizeof told - strlen(told) - 1);
}

void make_recorder(struct bench *b, bool lossless)
{
    struct status err = {0};
    const struct recorder_cfg rc = {.bs = &b->cfg,
                                    .schedule = &b->schedule,
                                    .profiles = {base_rig_profile(0), base_rig_profile(1)},
                                    .pipeline = b->pipeline,
                                    .serial = "none",
                                    .lossless = lossless,
                                    .stream = b->stream,
                                    .tell = tell};
    b->recorder = recorder_create(&rc, &err);
    if (!b->recorder)
        fail_msg("%s", err.text);
    assert_int_equal(pthread_create(&b->thread, NULL, run, b->recorder), 0);
}

static void make_parts(struct bench *b)
{
    struct status err = {0};
    const enum schedule_window w[2] = {WINDOW_SENSING, WINDOW_RESPONSE};
    const struct pipeline_cfg pc = {.cfg = &b->cfg, .schedule = &b->schedule, .keys = &b->keys};
    for (size_t i = 0; i < 2; i++) {
        b->pool[i] = block_pool_create(2, 2, (size_t)b->schedule.window[w[i]].n, &err);
        assert_non_null(b->pool[i]);
    }
    seed_keys(1, 5, &b->keys);
    b->pipeline = base_rig_pipeline(&pc);
}

int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct status err = {0};
    *state = b;
    assert_int_equal(secure_init(), OK);
    base_rig_configure(yaml, &b->cfg, &b->schedule);
    assert_int_equal(state_dir_create("mirador-rec", b->folder, sizeof b->folder, &err), OK);
    snprintf(b->prefix, sizeof b->prefix, "%s/a", b->folder);
    b->cfg.record.queue_cycles = 6;
    b->cfg.record.checkpoint_s = 1; /* five cycles */
    atomic_store(&space, -1);
    atomic_store(&pause_us, 0);
    make_parts(b);
    return 0;
}

void end_recorder(struct bench *b)
{
    if (!b->recorder)
        return;
    recorder_end(b->recorder);
    recorder_stop_thread(b->recorder);
    pthread_join(b->thread, NULL);
    recorder_destroy(&b->recorder);
}

int tear_down(void **state)
{
    struct bench *b = *state;
    struct status err;
    end_recorder(b);
    sample_stream_destroy(&b->stream);
    pipeline_destroy(&b->pipeline);
    for (size_t i = 0; i < 2; i++)
        block_pool_destroy(&b->pool[i]);
    assert_int_equal(state_dir_remove(b->folder, &err), OK);
    free(b);
    return 0;
}

/* The present cycle's samples: noise that only the index decides. */
void fill(struct block *block, const struct cycle_plan *plan, enum block_kind kind)
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

void cycles(struct bench *b, int n)
{
    struct cycle_report r;
    for (int i = 0; i < n; i++)
        cycle(b, &r);
}

void start(struct bench *b)
{
    struct status err = {0};
    struct recorder_status s;
    assert_int_equal(recorder_start(b->recorder, b->prefix, RECORDER_CONFIGURED, &err), OK);
    do {
        usleep(1000);
        recorder_status(b->recorder, &s);
    } while (s.state == RECORDER_STARTING);
}

struct recorder_status wait_for(struct bench *b, enum recorder_state state)
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

void assert_whole(const char *prefix, uint64_t n)
{
    struct status err = {0};
    struct recording_summary s;
    if (recording_check(prefix, &err) || recording_summarise(prefix, &s, &err))
        fail_msg("%s", err.text);
    assert_int_equal(s.cycles, n);
}

/* Every sample is what fill() made of its cycle. */
void assert_samples(struct bench *b, const char *prefix)
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

void replay_equals(const char *prefix, double from_s, size_t n)
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
