/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_writer.h"
#include "base/log.h"
#include "frames/crc32.h"
#include "host/recording_bytes.h"
#include "host/recording_journal.h"
#include "host/recording_sigmf.h"
#include "host/recording_stream.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESERVE_FIXED = 1 << 16, RESERVE_STEP = 1 << 20, RESERVE_CYCLE = 2000 };

struct recording_writer {
    char prefix[RECORDING_PATH];
    size_t n_rx;
    int data[RADIO_CHANNELS_MAX], journal, state, reserve;
    crypto_hash_sha512_state digest[RADIO_CHANNELS_MAX]; /* of the data files, whole cycles only */
    uint64_t samples;                                    /* in each data file, likewise */
    uint64_t journal_bytes, state_bytes;
    uint64_t cycles, reserved;
    struct recording_stream *stream; /* or NULL */
    struct recording_head *head;     /* for its SigMF files, or NULL */
};

/* --- bytes ---------------------------------------------------------------------------------- */

static int put_line(struct recording_writer *w, char *text, struct status *err)
{
    size_t n = text ? strlen(text) : 0;
    if (!text)
        return status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    text[n] = '\n'; /* in place of its end, so that a line is one write */
    int rc = recording_put(w->journal, text, n + 1)
                 ? recording_io_error(err, ".mirador-journal", w->prefix)
                 : OK;
    w->journal_bytes += rc ? 0 : n + 1;
    free(text);
    return rc;
}

/* Everything back to the last whole cycle. */
static void take_back(struct recording_writer *w)
{
    bool ok = true;
    for (size_t a = 0; a < w->n_rx; a++)
        ok &= ftruncate(w->data[a], (off_t)(w->samples * sizeof(struct sc16))) == 0 &&
              lseek(w->data[a], 0, SEEK_END) >= 0;
    ok &= ftruncate(w->journal, (off_t)w->journal_bytes) == 0 &&
          lseek(w->journal, 0, SEEK_END) >= 0 && ftruncate(w->state, (off_t)w->state_bytes) == 0 &&
          lseek(w->state, 0, SEEK_END) >= 0;
    if (!ok)
        log_warn("%s: what was written of the last cycle could not be taken back: %s; "
                 "'mirador record check --repair' will",
                 w->prefix, strerror(errno));
}

/* --- create --------------------------------------------------------------------------------- */

static int make_files(struct recording_writer *w, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(w->prefix, RECORDING_JOURNAL, path);
    if (recording_make_file(path, &w->journal, err))
        return err->code;
    (void)flock(w->journal, LOCK_EX | LOCK_NB); /* says that it is still being written */
    recording_path(w->prefix, RECORDING_STATE, path);
    if (recording_make_file(path, &w->state, err))
        return err->code;
    recording_path(w->prefix, RECORDING_RESERVE, path);
    if (recording_make_file(path, &w->reserve, err))
        return err->code;
    for (size_t a = 0; a < w->n_rx; a++) {
        recording_channel_path(w->prefix, a, "data", path);
        if (recording_make_file(path, &w->data[a], err))
            return err->code;
        crypto_hash_sha512_init(&w->digest[a]);
    }
    return OK;
}

static int write_config(const struct recording_writer *w, const struct bs_cfg *cfg, bool *made,
                        struct status *err)
{
    char path[RECORDING_PATH];
    int fd;
    recording_path(w->prefix, RECORDING_CONFIG, path);
    if (recording_make_file(path, &fd, err))
        return err->code;
    *made = true;
    FILE *f = fdopen(fd, "w");
    if (!f) {
        close(fd);
        return recording_io_error(err, ".mirador-bs.yaml", w->prefix);
    }
    int rc = config_dump(&bs_config_table, cfg, f) ? ERR_IO : OK;
    return fclose(f) || rc ? recording_io_error(err, ".mirador-bs.yaml", w->prefix) : OK;
}

/* Space for the SigMF files, which are written last, when the disk may be full. */
static int set_aside(struct recording_writer *w, struct status *err)
{
    const uint64_t segments = w->stream ? recording_stream_segments(w->stream) : 0;
    uint64_t wanted = RESERVE_FIXED + (w->cycles + segments + 1) * RESERVE_CYCLE * w->n_rx;
    if (wanted <= w->reserved)
        return OK;
    wanted = (wanted + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP;
    errno = posix_fallocate(w->reserve, 0, (off_t)wanted);
    if (errno)
        return recording_io_error(err, ".mirador-reserve", w->prefix);
    w->reserved = wanted;
    return OK;
}

static void close_files(struct recording_writer *w)
{
    for (size_t a = 0; a < w->n_rx; a++)
        if (w->data[a] >= 0)
            close(w->data[a]);
    const int fds[] = {w->journal, w->state, w->reserve};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    w->journal = w->state = w->reserve = -1;
    w->n_rx = 0;
}

/* What a create that failed has made so far, and nothing of others: a file that could not be made
 * because it was there stays. */
static void unmake_files(struct recording_writer *w, bool config)
{
    char path[RECORDING_PATH];
    const struct {
        bool ours;
        enum recording_file which;
    } files[] = {{w->journal >= 0, RECORDING_JOURNAL},
                 {w->state >= 0, RECORDING_STATE},
                 {w->reserve >= 0, RECORDING_RESERVE},
                 {config, RECORDING_CONFIG}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].ours) {
            recording_path(w->prefix, files[i].which, path);
            unlink(path);
        }
    for (size_t a = 0; a < w->n_rx; a++)
        if (w->data[a] >= 0) {
            recording_channel_path(w->prefix, a, "data", path);
            unlink(path);
        }
    close_files(w);
}

struct recording_writer *recording_writer_create(const char *prefix,
                                                 const struct recording_head *head,
                                                 const struct bs_cfg *cfg, struct status *err)
{
    struct recording_writer *w = calloc(1, sizeof *w);
    if (!w) {
        status_set(err, ERR_NO_MEMORY, "recording: out of memory");
        return NULL;
    }
    w->journal = w->state = w->reserve = -1;
    w->n_rx = head->n_rx;
    memset(w->data, -1, sizeof w->data);
    bool config = false;
    int rc = recording_prefix(prefix, w->prefix, err);
    rc = rc ? rc : make_files(w, err);
    rc = rc ? rc : write_config(w, cfg, &config, err);
    rc = rc ? rc : set_aside(w, err);
    rc = rc ? rc : put_line(w, journal_format_head(head), err);
    if (rc == OK)
        return w;
    unmake_files(w, config);
    free(w);
    return NULL;
}

void recording_writer_abandon(struct recording_writer **writer)
{
    struct recording_writer *w = *writer;
    if (!w)
        return;
    recording_stream_abandon(&w->stream);
    unmake_files(w, true);
    free(w->head);
    free(w);
    *writer = NULL;
}

/* --- cycles --------------------------------------------------------------------------------- */

static int put_chunk(struct recording_writer *w, struct recording_chunk *c, uint64_t *at,
                     struct status *err)
{
    if (c->n == 0)
        return OK;
    c->at = *at;
    c->crc = crc32_update(0, c->bytes, c->n);
    *at += c->n;
    return recording_put(w->state, c->bytes, c->n)
               ? recording_io_error(err, ".mirador-state", w->prefix)
               : OK;
}

static int put_samples(struct recording_writer *w, struct recording_cycle *c, uint64_t *samples,
                       struct status *err)
{
    for (size_t i = 0; i < RECORDING_WINDOWS; i++) {
        struct recording_window *win = &c->window[i];
        if (!win->there)
            continue;
        win->first = *samples;
        *samples += win->n_samp;
        for (size_t a = 0; a < w->n_rx; a++)
            if (recording_put(w->data[a], win->samp[a], win->n_samp * sizeof(struct sc16)))
                return recording_io_error(err, "-rxN.sigmf-data", w->prefix);
    }
    return OK;
}

static void add_to_digests(struct recording_writer *w, const struct recording_cycle *c)
{
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        for (size_t a = 0; c->window[i].there && a < w->n_rx; a++)
            crypto_hash_sha512_update(&w->digest[a], (const void *)c->window[i].samp[a],
                                      c->window[i].n_samp * sizeof(struct sc16));
}

int recording_writer_append(struct recording_writer *w, struct recording_cycle *c,
                            struct status *err)
{
    uint64_t samples = w->samples, state = w->state_bytes;
    int rc = set_aside(w, err);
    if (rc == OK)
        rc = put_chunk(w, &c->state, &state, err);
    for (size_t i = 0; rc == OK && i < BS_RIS; i++)
        rc = put_chunk(w, &c->pixels[i], &state, err);
    if (rc == OK)
        rc = put_samples(w, c, &samples, err);
    if (rc == OK) /* last: a line says that the rest is there */
        rc = put_line(w, journal_format_cycle(c), err);
    if (rc) {
        take_back(w);
        return rc;
    }
    w->samples = samples;
    w->state_bytes = state;
    w->cycles++;
    add_to_digests(w, c);
    return OK;
}

int recording_writer_add_stream(struct recording_writer *w, const struct recording_head *head,
                                struct status *err)
{
    w->head = malloc(sizeof *w->head);
    if (!w->head)
        return status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    *w->head = *head;
    w->stream = recording_stream_create(w->prefix, w->n_rx, err);
    return w->stream ? OK : err->code;
}

int recording_writer_stream(struct recording_writer *w, int64_t tick,
                            const struct sc16 *const *samp, size_t n, struct status *err)
{
    int rc = set_aside(w, err);
    return rc ? rc : recording_stream_append(w->stream, tick, samp, n, err);
}

static void give_up_reserve(struct recording_writer *w)
{
    char path[RECORDING_PATH];
    close(w->reserve);
    w->reserve = -1;
    recording_path(w->prefix, RECORDING_RESERVE, path);
    unlink(path);
}

int recording_writer_finish(struct recording_writer **writer, const char *why, struct status *err)
{
    struct recording_writer *w = *writer;
    char digest[RADIO_CHANNELS_MAX][129];
    unsigned char raw[crypto_hash_sha512_BYTES];
    if (!w)
        return OK;
    give_up_reserve(w);
    struct status late = {0}; /* of the stream: the windows are finished all the same */
    int stream = recording_stream_finish(&w->stream, w->head, &late);
    for (size_t a = 0; a < w->n_rx; a++) {
        crypto_hash_sha512_final(&w->digest[a], raw);
        sodium_bin2hex(digest[a], sizeof digest[a], raw, sizeof raw);
    }
    int rc = put_line(w, journal_format_end(why, w->cycles), err);
    if (rc)
        take_back(w);
    for (size_t a = 0; a < w->n_rx && rc == OK; a++)
        if (fsync(w->data[a]))
            rc = recording_io_error(err, "-rxN.sigmf-data", w->prefix);
    if (rc == OK && (fsync(w->state) || fsync(w->journal)))
        rc = recording_io_error(err, ".mirador-journal", w->prefix);
    close_files(w);
    if (rc == OK)
        rc = sigmf_write(w->prefix, digest, err);
    free(w->head);
    free(w);
    *writer = NULL;
    if (rc == OK && stream)
        *err = late;
    return rc ? rc : stream;
}

uint64_t recording_writer_cycles(const struct recording_writer *w)
{
    return w->cycles;
}

uint64_t recording_writer_bytes(const struct recording_writer *w)
{
    return w->samples * sizeof(struct sc16) * w->n_rx + w->state_bytes + w->journal_bytes +
           (w->stream ? recording_stream_bytes(w->stream) : 0);
}

uint64_t recording_writer_stream_samples(const struct recording_writer *w)
{
    return w->stream ? recording_stream_samples(w->stream) : 0;
}
