/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_stream.h"
#include "base/log.h"
#include "host/recording_bytes.h"
#include "host/recording_sigmf.h"
#include "host/recording_writer.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define SEGMENTS_MAX   (1u << 24)

struct recording_stream {
    char prefix[RECORDING_PATH];
    size_t n_rx;
    int data[RADIO_CHANNELS_MAX], lines;
    crypto_hash_sha512_state digest[RADIO_CHANNELS_MAX];
    uint64_t samples, line_bytes;
    int64_t next; /* tick that would follow without a gap */
    struct recording_segments segments;
};

void recording_stream_path(const char *prefix, size_t channel, const char *ending,
                           char path[RECORDING_PATH])
{
    snprintf(path, RECORDING_PATH, "%s-stream-rx%zu.sigmf-%s", prefix, channel, ending);
}

bool recording_stream_there(const char *prefix)
{
    char path[RECORDING_PATH];
    recording_path(prefix, RECORDING_SEGMENTS, path);
    return access(path, F_OK) == 0;
}

void recording_segments_free(struct recording_segments *s)
{
    free(s->item);
    *s = (struct recording_segments){0};
}

static int add_segment(struct recording_segments *s, int64_t tick, uint64_t first,
                       struct status *err)
{
    if (s->n == s->room) {
        const size_t room = s->room ? 2 * s->room : 64;
        struct recording_segment *item =
            room <= SEGMENTS_MAX ? realloc(s->item, room * sizeof *item) : NULL;
        if (!item)
            return status_set(err, ERR_NO_MEMORY, "stream: no memory for %zu segments", room);
        s->item = item;
        s->room = room;
    }
    s->item[s->n++] = (struct recording_segment){tick, first};
    return OK;
}

/* --- writing --------------------------------------------------------------------------------- */

static int io_error(const struct recording_stream *s, const char *what, struct status *err)
{
    return recording_io_error(err, what, s->prefix);
}

static void close_files(struct recording_stream *s)
{
    for (size_t a = 0; a < s->n_rx; a++)
        if (s->data[a] >= 0)
            close(s->data[a]);
    if (s->lines >= 0)
        close(s->lines);
}

static void destroy(struct recording_stream **stream)
{
    close_files(*stream);
    recording_segments_free(&(*stream)->segments);
    free(*stream);
    *stream = NULL;
}

/* What a create that failed has made so far, and nothing of others. */
static void unmake(struct recording_stream *s)
{
    char path[RECORDING_PATH];
    recording_path(s->prefix, RECORDING_SEGMENTS, path);
    if (s->lines >= 0)
        unlink(path);
    for (size_t a = 0; a < s->n_rx; a++) {
        recording_stream_path(s->prefix, a, "data", path);
        if (s->data[a] >= 0)
            unlink(path);
    }
}

void recording_stream_abandon(struct recording_stream **stream)
{
    if (!*stream)
        return;
    unmake(*stream);
    destroy(stream);
}

static int make_files(struct recording_stream *s, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(s->prefix, RECORDING_SEGMENTS, path);
    int rc = recording_make_file(path, &s->lines, err);
    for (size_t a = 0; a < s->n_rx && rc == OK; a++) {
        recording_stream_path(s->prefix, a, "data", path);
        rc = recording_make_file(path, &s->data[a], err);
        crypto_hash_sha512_init(&s->digest[a]);
    }
    return rc;
}

struct recording_stream *recording_stream_create(const char *prefix, size_t n_rx,
                                                 struct status *err)
{
    struct recording_stream *s = calloc(1, sizeof *s);
    if (!s) {
        status_set(err, ERR_NO_MEMORY, "recording: out of memory");
        return NULL;
    }
    snprintf(s->prefix, sizeof s->prefix, "%s", prefix);
    s->n_rx = n_rx;
    s->lines = -1;
    memset(s->data, -1, sizeof s->data);
    if (make_files(s, err))
        recording_stream_abandon(&s);
    return s;
}

static int put_line(struct recording_stream *s, const char *line, struct status *err)
{
    if (recording_put(s->lines, line, strlen(line)))
        return io_error(s, ".mirador-stream", err);
    s->line_bytes += strlen(line);
    return OK;
}

static void take_back(struct recording_stream *s)
{
    bool ok = ftruncate(s->lines, (off_t)s->line_bytes) == 0 && lseek(s->lines, 0, SEEK_END) >= 0;
    for (size_t a = 0; a < s->n_rx; a++)
        ok &= ftruncate(s->data[a], (off_t)(s->samples * sizeof(struct sc16))) == 0 &&
              lseek(s->data[a], 0, SEEK_END) >= 0;
    if (!ok)
        log_warn("%s: the end of the stream could not be taken back: %s; 'mirador record check "
                 "--repair' will",
                 s->prefix, strerror(errno));
}

static int put_samples(struct recording_stream *s, const struct sc16 *const *samp, size_t n,
                       struct status *err)
{
    for (size_t a = 0; a < s->n_rx; a++)
        if (recording_put(s->data[a], samp[a], n * sizeof **samp))
            return io_error(s, "-stream-rxN.sigmf-data", err);
    return OK;
}

int recording_stream_append(struct recording_stream *s, int64_t tick,
                            const struct sc16 *const *samp, size_t n, struct status *err)
{
    char line[80];
    const bool gap = s->segments.n == 0 || tick != s->next;
    int rc = put_samples(s, samp, n, err);
    if (rc == OK && gap) {
        snprintf(line, sizeof line, "{\"tick\":%" PRId64 ",\"first\":%" PRIu64 "}\n", tick,
                 s->samples);
        rc = put_line(s, line, err);
        if (rc == OK)
            rc = add_segment(&s->segments, tick, s->samples, err);
    }
    if (rc) {
        take_back(s);
        return rc;
    }
    for (size_t a = 0; a < s->n_rx; a++)
        crypto_hash_sha512_update(&s->digest[a], (const void *)samp[a], n * sizeof **samp);
    s->samples += n;
    s->next = tick + (int64_t)n;
    return OK;
}

static int finish(struct recording_stream *s, const struct recording_head *head, struct status *err)
{
    char line[80], digest[RADIO_CHANNELS_MAX][129];
    unsigned char raw[crypto_hash_sha512_BYTES];
    snprintf(line, sizeof line, "{\"end\":%" PRIu64 "}\n", s->samples);
    int rc = put_line(s, line, err);
    for (size_t a = 0; a < s->n_rx && rc == OK; a++) {
        if (fsync(s->data[a]))
            rc = io_error(s, "-stream-rxN.sigmf-data", err);
        crypto_hash_sha512_final(&s->digest[a], raw);
        sodium_bin2hex(digest[a], sizeof digest[a], raw, sizeof raw);
    }
    if (rc == OK && fsync(s->lines))
        rc = io_error(s, ".mirador-stream", err);
    return rc ? rc : sigmf_write_stream(s->prefix, head, &s->segments, digest, err);
}

int recording_stream_finish(struct recording_stream **stream, const struct recording_head *head,
                            struct status *err)
{
    if (!*stream)
        return OK;
    int rc = finish(*stream, head, err);
    destroy(stream);
    return rc;
}

uint64_t recording_stream_samples(const struct recording_stream *s)
{
    return s->samples;
}

uint64_t recording_stream_bytes(const struct recording_stream *s)
{
    return s->samples * sizeof(struct sc16) * s->n_rx + s->line_bytes;
}

size_t recording_stream_segments(const struct recording_stream *s)
{
    return s->segments.n;
}

/* --- reading --------------------------------------------------------------------------------- */

static int take_segment(struct recording_segments *out, const json_t *o, struct status *err)
{
    const json_t *tick = json_object_get(o, "tick"), *first = json_object_get(o, "first");
    const json_int_t at = json_integer_value(first);
    const uint64_t least = out->n ? out->item[out->n - 1].first + 1 : 0;
    if (!json_is_integer(tick) || !json_is_integer(first) || at < 0 || (uint64_t)at < least ||
        (out->n == 0 && at != 0))
        return status_set(err, ERR_FORMAT,
                          "'tick' and 'first' must be whole numbers, first from 0 on and rising");
    return add_segment(out, json_integer_value(tick), (uint64_t)at, err);
}

static int take_end(struct recording_segments *out, const json_t *end, struct status *err)
{
    const json_int_t samples = json_integer_value(end);
    const uint64_t least = out->n ? out->item[out->n - 1].first + 1 : 0;
    if (!json_is_integer(end) || samples < 0 || (uint64_t)samples < least)
        return status_set(err, ERR_FORMAT, "'end' must be the number of samples");
    out->ended = true;
    out->samples = (uint64_t)samples;
    return OK;
}

int recording_segments_line(struct recording_segments *out, const char *text, size_t n,
                            struct status *err)
{
    json_error_t fault;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    const json_t *end = json_object_get(o, "end");
    int rc;
    if (!json_is_object(o))
        rc = status_set(err, ERR_FORMAT, "not a line of a stream: %.100s", fault.text);
    else if (out->ended)
        rc = status_set(err, ERR_FORMAT, "a line behind the end");
    else
        rc = end ? take_end(out, end, err) : take_segment(out, o, err);
    json_decref(o);
    return rc;
}

int recording_segments_read(const char *prefix, struct recording_segments *out, struct status *err)
{
    char path[RECORDING_PATH], line[LINE_MAX_BYTES];
    int rc = OK;
    *out = (struct recording_segments){0};
    recording_path(prefix, RECORDING_SEGMENTS, path);
    FILE *f = fopen(path, "re");
    if (!f)
        return status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    for (unsigned no = 1; rc == OK && fgets(line, sizeof line, f); no++) {
        const size_t n = strlen(line);
        struct status why = {0};
        if (n == 0 || line[n - 1] != '\n')
            break; /* cut short */
        if (recording_segments_line(out, line, n - 1, &why))
            rc = status_set(err, why.code, "%.120s:%u: %.100s", path, no, why.text);
    }
    fclose(f);
    if (rc)
        recording_segments_free(out);
    return rc;
}

/* --- repair ---------------------------------------------------------------------------------- */

/* Samples that every channel has. */
static uint64_t whole_samples(const char *prefix, size_t n_rx)
{
    uint64_t samples = UINT64_MAX;
    for (size_t a = 0; a < n_rx; a++) {
        char path[RECORDING_PATH];
        recording_stream_path(prefix, a, "data", path);
        const uint64_t n = recording_file_size(path) / sizeof(struct sc16);
        samples = n < samples ? n : samples;
    }
    return samples;
}

static int rewrite_lines(const char *prefix, const struct recording_segments *s, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(prefix, RECORDING_SEGMENTS, path);
    FILE *f = fopen(path, "we");
    for (size_t i = 0; f && i < s->n; i++)
        fprintf(f, "{\"tick\":%" PRId64 ",\"first\":%" PRIu64 "}\n", s->item[i].tick,
                s->item[i].first);
    if (f)
        fprintf(f, "{\"end\":%" PRIu64 "}\n", s->samples);
    const bool ok = f && !ferror(f);
    if (!f || fclose(f) || !ok)
        return status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    return OK;
}

int recording_stream_repair(const char *prefix, const struct recording_head *head,
                            struct status *err)
{
    char path[RECORDING_PATH], digest[RADIO_CHANNELS_MAX][129];
    struct recording_segments s;
    int rc = recording_segments_read(prefix, &s, err);
    if (rc)
        return rc;
    s.samples = whole_samples(prefix, head->n_rx);
    while (s.n > 0 && s.item[s.n - 1].first >= s.samples)
        s.n--;
    if (s.n == 0) /* samples that no line places */
        s.samples = 0;
    for (size_t a = 0; rc == OK && a < head->n_rx; a++) {
        recording_stream_path(prefix, a, "data", path);
        rc = truncate(path, (off_t)(s.samples * sizeof(struct sc16)))
                 ? recording_io_error(err, "-stream-rxN.sigmf-data", prefix)
                 : recording_sha512(path, digest[a], err);
    }
    rc = rc ? rc : rewrite_lines(prefix, &s, err);
    rc = rc ? rc : sigmf_write_stream(prefix, head, &s, digest, err);
    recording_segments_free(&s);
    return rc;
}
