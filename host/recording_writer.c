/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_writer.h"
#include "base/log.h"
#include "frames/crc32.h"
#include "host/recording_journal.h"
#include "host/recording_sigmf.h"
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
};

/* --- bytes ---------------------------------------------------------------------------------- */

static int io_error(struct status *err, const char *what, const char *prefix)
{
    const int e = errno;
    const bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;
    return status_set(err, full ? ERR_NO_SPACE : ERR_IO, "%.120s%s: %s%s", prefix, what,
                      strerror(e), full ? "; free some space, or record elsewhere" : "");
}

static int put(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ERR_IO;
        at += done;
        n -= (size_t)done;
    }
    return OK;
}

static int put_line(struct recording_writer *w, char *text, struct status *err)
{
    size_t n = text ? strlen(text) : 0;
    if (!text)
        return status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    text[n] = '\n'; /* in place of its end, so that a line is one write */
    int rc = put(w->journal, text, n + 1) ? io_error(err, ".mirador-journal", w->prefix) : OK;
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

static int make(const char *path, int *fd, struct status *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (*fd >= 0)
        return OK;
    if (errno == EEXIST)
        return status_set(err, ERR_BUSY, "%.200s exists: choose another name", path);
    return io_error(err, "", path);
}

static int make_files(struct recording_writer *w, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(w->prefix, RECORDING_JOURNAL, path);
    if (make(path, &w->journal, err))
        return err->code;
    (void)flock(w->journal, LOCK_EX | LOCK_NB); /* says that it is still being written */
    recording_path(w->prefix, RECORDING_STATE, path);
    if (make(path, &w->state, err))
        return err->code;
    recording_path(w->prefix, RECORDING_RESERVE, path);
    if (make(path, &w->reserve, err))
        return err->code;
    for (size_t a = 0; a < w->n_rx; a++) {
        recording_channel_path(w->prefix, a, "data", path);
        if (make(path, &w->data[a], err))
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
    if (make(path, &fd, err))
        return err->code;
    *made = true;
    FILE *f = fdopen(fd, "w");
    if (!f) {
        close(fd);
        return io_error(err, ".mirador-bs.yaml", w->prefix);
    }
    int rc = config_dump(&bs_config_table, cfg, f) ? ERR_IO : OK;
    return fclose(f) || rc ? io_error(err, ".mirador-bs.yaml", w->prefix) : OK;
}

/* Space for the SigMF files, which are written last, when the disk may be full. */
static int set_aside(struct recording_writer *w, struct status *err)
{
    uint64_t wanted = RESERVE_FIXED + (w->cycles + 1) * RESERVE_CYCLE * w->n_rx;
    if (wanted <= w->reserved)
        return OK;
    wanted = (wanted + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP;
    errno = posix_fallocate(w->reserve, 0, (off_t)wanted);
    if (errno)
        return io_error(err, ".mirador-reserve", w->prefix);
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

/* --- cycles --------------------------------------------------------------------------------- */

static int put_chunk(struct recording_writer *w, struct recording_chunk *c, uint64_t *at,
                     struct status *err)
{
    if (c->n == 0)
        return OK;
    c->at = *at;
    c->crc = crc32_update(0, c->bytes, c->n);
    *at += c->n;
    return put(w->state, c->bytes, c->n) ? io_error(err, ".mirador-state", w->prefix) : OK;
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
            if (put(w->data[a], win->samp[a], win->n_samp * sizeof(struct sc16)))
                return io_error(err, "-rxN.sigmf-data", w->prefix);
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
    for (size_t a = 0; a < w->n_rx; a++) {
        crypto_hash_sha512_final(&w->digest[a], raw);
        sodium_bin2hex(digest[a], sizeof digest[a], raw, sizeof raw);
    }
    int rc = put_line(w, journal_format_end(why, w->cycles), err);
    if (rc)
        take_back(w);
    for (size_t a = 0; a < w->n_rx && rc == OK; a++)
        if (fsync(w->data[a]))
            rc = io_error(err, "-rxN.sigmf-data", w->prefix);
    if (rc == OK && (fsync(w->state) || fsync(w->journal)))
        rc = io_error(err, ".mirador-journal", w->prefix);
    close_files(w);
    if (rc == OK)
        rc = sigmf_write(w->prefix, digest, err);
    free(w);
    *writer = NULL;
    return rc;
}

uint64_t recording_writer_cycles(const struct recording_writer *w)
{
    return w->cycles;
}

uint64_t recording_writer_bytes(const struct recording_writer *w)
{
    return w->samples * sizeof(struct sc16) * w->n_rx + w->state_bytes + w->journal_bytes;
}

int recording_sha512(const char *path, char hex[129], struct status *err)
{
    enum { CHUNK = 1 << 16 };
    static _Thread_local unsigned char bytes[CHUNK];
    unsigned char raw[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;
    FILE *f = fopen(path, "rb");
    if (!f)
        return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.200s: %s", path,
                          strerror(errno));
    crypto_hash_sha512_init(&state);
    for (size_t n; (n = fread(bytes, 1, CHUNK, f)) > 0;)
        crypto_hash_sha512_update(&state, bytes, n);
    bool ok = !ferror(f);
    fclose(f);
    crypto_hash_sha512_final(&state, raw);
    sodium_bin2hex(hex, 129, raw, sizeof raw);
    return ok ? OK : status_set(err, ERR_IO, "%.200s: cannot be read", path);
}
