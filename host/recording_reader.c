/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_reader.h"
#include "base/log.h"
#include "frames/crc32.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 24 }; /* a head holds all profiles */

struct recording_reader {
    char prefix[RECORDING_PATH];
    struct recording_head head;
    FILE *journal;
    int data[RADIO_CHANNELS_MAX], state;
    uint64_t samples, state_bytes; /* that are there */
    char *line;
    size_t line_size;
    unsigned line_no;
    long body; /* where the first cycle's line begins */
    long at;
    char why[RECORDING_TEXT];
    struct journal_entry entry;
};

/* Up to its end of line, as bytes. ERR_NOT_FOUND: the end, or a line that was cut. */
static int read_line(struct recording_reader *r, size_t *n, struct status *err)
{
    int c = 0;
    for (*n = 0; c != '\n'; r->line[(*n)++] = (char)c) {
        if (*n == r->line_size) {
            size_t size = r->line_size ? 2 * r->line_size : 4096;
            char *line = size <= LINE_MAX_BYTES ? realloc(r->line, size) : NULL;
            if (!line)
                return status_set(err, ERR_FORMAT,
                                  "%.80s.mirador-journal:%u: longer than %d bytes; this is no "
                                  "journal, or it is damaged",
                                  r->prefix, r->line_no + 1, LINE_MAX_BYTES);
            r->line = line;
            r->line_size = size;
        }
        c = getc(r->journal);
        if (c == EOF)
            return ERR_NOT_FOUND;
    }
    return OK;
}

static int next_line(struct recording_reader *r, struct status *err)
{
    size_t n;
    int rc = read_line(r, &n, err);
    if (rc)
        return rc;
    r->line_no++;
    if (journal_parse(r->line, n - 1, &r->entry, err)) {
        char text[sizeof err->text];
        snprintf(text, sizeof text, "%s", err->text);
        return status_set(err, ERR_FORMAT, "%.80s.mirador-journal:%u: %.120s", r->prefix,
                          r->line_no, text);
    }
    r->at = ftell(r->journal);
    return OK;
}

static uint64_t size_of(int fd)
{
    struct stat s;
    return fd >= 0 && fstat(fd, &s) == 0 ? (uint64_t)s.st_size : 0;
}

static int open_one(const char *path, int *fd, struct status *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0)
        return OK;
    return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.200s: %s", path,
                      strerror(errno));
}

static int open_files(struct recording_reader *r, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(r->prefix, RECORDING_JOURNAL, path);
    r->journal = fopen(path, "re");
    if (!r->journal)
        return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                          "%.200s: %s; is this the prefix of a recording?", path, strerror(errno));
    int rc = next_line(r, err);
    if (rc == ERR_NOT_FOUND || (rc == OK && r->entry.line != JOURNAL_HEAD))
        return status_set(err, ERR_FORMAT, "%.200s: does not begin with a head", path);
    if (rc)
        return rc;
    r->head = r->entry.head;
    r->body = r->at;
    recording_path(r->prefix, RECORDING_STATE, path);
    if (open_one(path, &r->state, err))
        return err->code;
    r->state_bytes = size_of(r->state);
    r->samples = UINT64_MAX;
    for (size_t a = 0; a < r->head.n_rx; a++) {
        recording_channel_path(r->prefix, a, "data", path);
        if (open_one(path, &r->data[a], err))
            return err->code;
        uint64_t n = size_of(r->data[a]) / sizeof(struct sc16);
        r->samples = n < r->samples ? n : r->samples;
    }
    return OK;
}

struct recording_reader *recording_reader_open(const char *name, struct status *err)
{
    struct recording_reader *r = calloc(1, sizeof *r);
    if (!r) {
        status_set(err, ERR_NO_MEMORY, "recording: out of memory");
        return NULL;
    }
    r->state = -1;
    memset(r->data, -1, sizeof r->data);
    if (recording_prefix(name, r->prefix, err) || open_files(r, err))
        recording_reader_close(&r);
    return r;
}

void recording_reader_close(struct recording_reader **reader)
{
    struct recording_reader *r = *reader;
    if (!r)
        return;
    if (r->journal)
        fclose(r->journal);
    if (r->state >= 0)
        close(r->state);
    for (size_t a = 0; a < RADIO_CHANNELS_MAX; a++)
        if (r->data[a] >= 0)
            close(r->data[a]);
    free(r->line);
    free(r);
    *reader = NULL;
}

const struct recording_head *recording_reader_head(const struct recording_reader *r)
{
    return &r->head;
}

const char *recording_reader_prefix(const struct recording_reader *r)
{
    return r->prefix;
}

const char *recording_reader_why(const struct recording_reader *r)
{
    return r->why;
}

long recording_reader_offset(const struct recording_reader *r)
{
    return r->at;
}

void recording_reader_rewind(struct recording_reader *r)
{
    if (fseek(r->journal, r->body, SEEK_SET) == 0) {
        r->at = r->body;
        r->line_no = 1;
    }
}

static bool chunk_there(const struct recording_reader *r, const struct recording_chunk *c)
{
    return c->n == 0 || (c->at <= r->state_bytes && c->n <= r->state_bytes - c->at);
}

static int check_there(const struct recording_reader *r, const struct recording_cycle *c,
                       struct status *err)
{
    bool there = chunk_there(r, &c->state);
    for (size_t i = 0; i < BS_RIS; i++)
        there &= chunk_there(r, &c->pixels[i]);
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        there &= !c->window[i].there || (c->window[i].first <= r->samples &&
                                         c->window[i].n_samp <= r->samples - c->window[i].first);
    if (there)
        return OK;
    return status_set(err, ERR_FORMAT,
                      "%.120s: the files end within cycle %llu: 'mirador record check --repair'",
                      r->prefix, (unsigned long long)c->plan.cycle);
}

int recording_reader_next(struct recording_reader *r, struct recording_cycle *out,
                          struct status *err)
{
    long before = r->at;
    int rc = next_line(r, err);
    if (rc)
        return rc;
    if (r->entry.line == JOURNAL_END) {
        memcpy(r->why, r->entry.why, sizeof r->why);
        return ERR_NOT_FOUND;
    }
    if (r->entry.line != JOURNAL_CYCLE)
        return status_set(err, ERR_FORMAT, "%.120s: a second head in line %u", r->prefix,
                          r->line_no);
    *out = r->entry.cycle;
    rc = check_there(r, out, err);
    if (rc)
        r->at = before;
    return rc;
}

int recording_reader_start(struct recording_reader *r, double from_s, struct recording_start *out,
                           struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    double since_s = 0;
    *out = (struct recording_start){0};
    for (size_t n = 0; rc == OK && (rc = recording_reader_next(r, c, err)) == OK; n++) {
        if (n == 0)
            out->first_s = c->report.time_s;
        since_s = c->report.time_s - out->first_s;
        if (since_s > from_s + 1e-9 && out->found)
            break;
        if (c->state.n) {
            out->found = true;
            out->cycle = n;
            out->since_s = since_s;
        }
    }
    recording_reader_rewind(r);
    free(c);
    if (rc == ERR_NOT_FOUND && from_s > since_s + 1e-9)
        return status_set(err, ERR_ARG,
                          "%g s is behind the end: the last cycle of %.120s is %.2f s after its "
                          "first",
                          from_s, r->prefix, since_s);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static int get(int fd, void *out, size_t n, uint64_t at)
{
    char *to = out;
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return OK;
}

int recording_reader_samples(struct recording_reader *r, const struct recording_window *w,
                             struct sc16 *const *buf, struct status *err)
{
    for (size_t a = 0; a < r->head.n_rx; a++)
        if (get(r->data[a], buf[a], w->n_samp * sizeof(struct sc16),
                w->first * sizeof(struct sc16)))
            return status_set(err, ERR_IO, "%.120s-rx%zu.sigmf-data: cannot be read: %s", r->prefix,
                              a, strerror(errno));
    return OK;
}

void *recording_reader_chunk(struct recording_reader *r, const struct recording_chunk *c,
                             struct status *err)
{
    void *bytes = chunk_there(r, c) && c->n ? malloc(c->n) : NULL;
    if (bytes && get(r->state, bytes, c->n, c->at) == OK && crc32_update(0, bytes, c->n) == c->crc)
        return bytes;
    free(bytes);
    status_set(err, ERR_CRC, "%.120s.mirador-state: the %zu bytes at %llu are damaged", r->prefix,
               c->n, (unsigned long long)c->at);
    return NULL;
}

int recording_config(const char *prefix, const struct config_sets *sets, struct bs_cfg *out,
                     struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(prefix, RECORDING_CONFIG, path);
    int rc = config_load(&bs_config_table, path, sets, out, err);
    return rc ? rc : bs_config_check(out, path, err);
}
