/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_check.h"
#include "base/log.h"
#include "host/recording_bytes.h"
#include "host/recording_reader.h"
#include "host/recording_sigmf.h"
#include "host/recording_stream.h"
#include "host/recording_writer.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- walk ------------------------------------------------------------------------------------- */

static void add(struct recording_summary *s, const struct recording_cycle *c)
{
    if (s->cycles++ == 0)
        s->first_s = c->report.time_s;
    s->last_s = c->report.time_s;
    s->fixes += c->report.outcome == FIX_DONE;
    s->marks += c->mark[0] != '\0';
    s->checkpoints += c->state.n > 0;
    s->with_faults += c->report.faults != 0;
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        s->samples += c->window[i].there ? c->window[i].n_samp : 0;
}

static int walk(struct recording_reader *r, struct recording_summary *s, struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "out of memory");
    *s = (struct recording_summary){.unix_s = recording_reader_head(r)->unix0_s};
    while (rc == OK && (rc = recording_reader_next(r, c, err)) == OK)
        add(s, c);
    snprintf(s->why, sizeof s->why, "%s", recording_reader_why(r));
    free(c);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

int recording_summarise(const char *name, struct recording_summary *out, struct status *err)
{
    struct recording_reader *r = recording_reader_open(name, err);
    if (!r)
        return err->code;
    int rc = walk(r, out, err);
    recording_reader_close(&r);
    return rc;
}

/* --- check ------------------------------------------------------------------------------------ */

static int check_digest(const char *path, const char *wanted, struct status *err)
{
    char digest[129];
    if (recording_sha512(path, digest, err))
        return err->code;
    if (wanted && strcmp(digest, wanted) == 0)
        return OK;
    return status_set(err, ERR_CRC, "%.200s is not what was recorded: its SHA-512 differs", path);
}

static json_t *read_collection(const char *prefix, struct status *err)
{
    char path[RECORDING_PATH];
    json_error_t fault;
    recording_path(prefix, RECORDING_COLLECTION, path);
    if (access(path, R_OK)) {
        status_set(err, errno == ENOENT ? ERR_STATE : ERR_IO,
                   "%.180s: %s; a recording that was cut short has none: "
                   "'mirador record check --repair'",
                   path, strerror(errno));
        return NULL;
    }
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (!o)
        status_set(err, ERR_FORMAT, "%.120s: %.100s", path, fault.text);
    return o;
}

/* hash of the item of a list whose name is `name`. */
static const char *hash_of(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *n = json_string_value(json_object_get(item, "name"));
        if (n && strcmp(n, name) == 0)
            return json_string_value(json_object_get(item, "hash"));
    }
    return NULL;
}

static int check_captures(struct recording_reader *r, const struct sigmf_meta *m, const char *path,
                          struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    size_t n = 0;
    bool fits = m->rate_hz == recording_reader_head(r)->rate_hz;
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "out of memory");
    recording_reader_rewind(r);
    while (rc == OK && fits && (rc = recording_reader_next(r, c, err)) == OK)
        for (size_t i = 0; i < RECORDING_WINDOWS && fits; i++)
            if (c->window[i].there) {
                fits = n < m->n_capture && m->capture[n].sample_start == c->window[i].first;
                n++;
            }
    free(c);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (fits && n == m->n_capture && n == m->n_annotation)
        return OK;
    return status_set(err, ERR_FORMAT, "%.200s does not say what the journal says", path);
}

static int check_channel(struct recording_reader *r, const json_t *streams, size_t channel,
                         struct status *err)
{
    char path[RECORDING_PATH], name[RECORDING_PATH];
    struct sigmf_meta meta;
    const char *prefix = recording_reader_prefix(r);
    recording_channel_path(prefix, channel, "meta", path);
    snprintf(name, sizeof name, "%.480s-rx%zu", recording_base(prefix), channel);
    if (check_digest(path, hash_of(streams, name), err) || sigmf_read(path, &meta, err))
        return err->code;
    int rc = check_captures(r, &meta, path, err);
    recording_channel_path(prefix, channel, "data", path);
    if (rc == OK)
        rc = check_digest(path, meta.sha512, err);
    sigmf_clear(&meta);
    return rc;
}

/* The stream's captures are its segments. */
static int check_stream_channel(const char *prefix, const json_t *streams, size_t channel,
                                const struct recording_segments *s, struct status *err)
{
    char path[RECORDING_PATH], name[RECORDING_PATH];
    struct sigmf_meta meta;
    recording_stream_path(prefix, channel, "meta", path);
    snprintf(name, sizeof name, "%.480s-stream-rx%zu", recording_base(prefix), channel);
    if (check_digest(path, hash_of(streams, name), err) || sigmf_read(path, &meta, err))
        return err->code;
    bool fits = meta.n_capture == s->n;
    for (size_t i = 0; i < s->n && fits; i++)
        fits = meta.capture[i].sample_start == s->item[i].first;
    int rc =
        fits ? OK
             : status_set(err, ERR_FORMAT, "%.200s does not say what .mirador-stream says", path);
    recording_stream_path(prefix, channel, "data", path);
    if (rc == OK && recording_file_size(path) != s->samples * sizeof(struct sc16))
        rc = status_set(err, ERR_FORMAT, "%.200s does not have %llu samples", path,
                        (unsigned long long)s->samples);
    if (rc == OK)
        rc = check_digest(path, meta.sha512, err);
    sigmf_clear(&meta);
    return rc;
}

static int check_stream(const struct recording_reader *r, const json_t *streams,
                        const json_t *files, struct status *err)
{
    char path[RECORDING_PATH];
    const char *prefix = recording_reader_prefix(r);
    struct recording_segments s;
    recording_path(prefix, RECORDING_SEGMENTS, path);
    const char *digest = hash_of(files, recording_base(path));
    if (!digest && !recording_stream_there(prefix))
        return OK;
    if (check_digest(path, digest, err) || recording_segments_read(prefix, &s, err))
        return err->code;
    int rc = OK;
    for (size_t a = 0; rc == OK && a < recording_reader_head(r)->n_rx; a++)
        rc = check_stream_channel(prefix, streams, a, &s, err);
    recording_segments_free(&s);
    return rc;
}

static int check_chunks(struct recording_reader *r, struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "out of memory");
    recording_reader_rewind(r);
    while (rc == OK && (rc = recording_reader_next(r, c, err)) == OK) {
        const struct recording_chunk *chunk[] = {&c->state, &c->pixels[0], &c->pixels[1]};
        for (size_t i = 0; i < 3 && rc == OK; i++) {
            void *bytes = chunk[i]->n ? recording_reader_chunk(r, chunk[i], err) : NULL;
            rc = chunk[i]->n && !bytes ? err->code : OK;
            free(bytes);
        }
    }
    free(c);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static int check_all(struct recording_reader *r, const json_t *collection, struct status *err)
{
    const json_t *o = json_object_get(collection, "collection");
    const json_t *streams = json_object_get(o, "core:streams"),
                 *files = json_object_get(o, "mirador:files");
    int rc = OK;
    for (enum recording_file i = RECORDING_JOURNAL; rc == OK && i <= RECORDING_CONFIG; i++) {
        char path[RECORDING_PATH];
        recording_path(recording_reader_prefix(r), i, path);
        rc = check_digest(path, hash_of(files, recording_base(path)), err);
    }
    for (size_t a = 0; rc == OK && a < recording_reader_head(r)->n_rx; a++)
        rc = check_channel(r, streams, a, err);
    rc = rc ? rc : check_stream(r, streams, files, err);
    return rc ? rc : check_chunks(r, err);
}

int recording_check(const char *name, struct status *err)
{
    struct recording_summary s;
    struct recording_reader *r = recording_reader_open(name, err);
    if (!r)
        return err->code;
    int rc = walk(r, &s, err);
    json_t *collection = rc == OK ? read_collection(recording_reader_prefix(r), err) : NULL;
    if (rc == OK)
        rc = collection ? check_all(r, collection, err) : err->code;
    if (rc == OK && !s.why[0])
        rc = status_set(err, ERR_STATE, "%.120s was cut short: 'mirador record check --repair'",
                        recording_reader_prefix(r));
    json_decref(collection);
    recording_reader_close(&r);
    return rc;
}

/* --- repair ----------------------------------------------------------------------------------- */

struct extent { /* of what is whole */
    uint64_t cycles, samples, state;
    long journal;
};

static void extend(uint64_t *to, uint64_t end)
{
    if (end > *to)
        *to = end;
}

/* Everything up to the first line that is damaged or names what is not there. */
static int measure(struct recording_reader *r, struct extent *e, struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    if (!c)
        return status_set(err, ERR_NO_MEMORY, "out of memory");
    *e = (struct extent){.journal = recording_reader_offset(r)};
    while (recording_reader_next(r, c, err) == OK) {
        e->cycles++;
        e->journal = recording_reader_offset(r);
        for (size_t i = 0; i < RECORDING_WINDOWS; i++)
            if (c->window[i].there)
                extend(&e->samples, c->window[i].first + c->window[i].n_samp);
        extend(&e->state, c->state.n ? c->state.at + c->state.n : 0);
        for (size_t i = 0; i < BS_RIS; i++)
            extend(&e->state, c->pixels[i].n ? c->pixels[i].at + c->pixels[i].n : 0);
    }
    free(c);
    return OK;
}

static int shorten(const char *path, uint64_t n, struct status *err)
{
    if (truncate(path, (off_t)n) == 0)
        return OK;
    return status_set(err, ERR_IO, "%.200s: cannot be shortened: %s", path, strerror(errno));
}

static int add_end(const char *path, const struct extent *e, struct status *err)
{
    char *line = journal_format_end("repaired", e->cycles);
    FILE *f = fopen(path, "ae");
    bool ok = f && line && fprintf(f, "%s\n", line) > 0;
    if (f)
        ok &= fclose(f) == 0;
    free(line);
    return ok ? OK : status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
}

static int rewrite(const char *prefix, const struct recording_head *head, const struct extent *e,
                   struct status *err)
{
    char path[RECORDING_PATH], digest[RADIO_CHANNELS_MAX][129];
    recording_path(prefix, RECORDING_STATE, path);
    int rc = shorten(path, e->state, err);
    for (size_t a = 0; rc == OK && a < head->n_rx; a++) {
        recording_channel_path(prefix, a, "data", path);
        rc = shorten(path, e->samples * sizeof(struct sc16), err);
        if (rc == OK)
            rc = recording_sha512(path, digest[a], err);
    }
    recording_path(prefix, RECORDING_JOURNAL, path);
    if (rc == OK)
        rc = shorten(path, (uint64_t)e->journal, err);
    if (rc == OK)
        rc = add_end(path, e, err);
    recording_path(prefix, RECORDING_RESERVE, path);
    unlink(path);
    if (rc == OK && recording_stream_there(prefix))
        rc = recording_stream_repair(prefix, head, err);
    return rc ? rc : sigmf_write(prefix, digest, err);
}

/* The journal, held so that nobody writes to the recording meanwhile; below 0: ERR_BUSY, ERR_IO. */
static int hold(const char *prefix, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(prefix, RECORDING_JOURNAL, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return status_set(err, ERR_BUSY, "%.200s is still being recorded: stop it first", prefix);
}

static int repair(struct recording_reader *r, const char *prefix, uint64_t *cycles,
                  struct status *err)
{
    struct extent e = {0};
    int rc = measure(r, &e, err);
    *cycles = rc ? 0 : e.cycles;
    if (rc == OK && e.cycles == 0)
        return status_set(err, ERR_STATE, "%.150s holds no whole cycle: nothing to keep", prefix);
    return rc ? rc : rewrite(prefix, recording_reader_head(r), &e, err);
}

int recording_repair(const char *name, uint64_t *cycles, struct status *err)
{
    *cycles = 0;
    struct recording_reader *r = recording_reader_open(name, err);
    if (!r)
        return err->code;
    const char *prefix = recording_reader_prefix(r);
    int held = hold(prefix, err), rc = held < 0 ? held : repair(r, prefix, cycles, err);
    if (held >= 0)
        close(held);
    recording_reader_close(&r);
    return rc;
}

/* --- cut -------------------------------------------------------------------------------------- */

struct copy {
    struct recording_reader *reader;
    struct recording_writer *writer;
    struct recording_cycle cycle;
    struct sc16 *samp[RECORDING_WINDOWS][RADIO_CHANNELS_MAX];
    size_t n_samp[RECORDING_WINDOWS];
};

static int room_for(struct copy *c, size_t window, size_t n, struct status *err)
{
    for (size_t a = 0; a < RADIO_CHANNELS_MAX && n > c->n_samp[window]; a++) {
        free(c->samp[window][a]);
        c->samp[window][a] = malloc(n * sizeof(struct sc16));
        if (!c->samp[window][a])
            return status_set(err, ERR_NO_MEMORY, "out of memory");
    }
    c->n_samp[window] = n > c->n_samp[window] ? n : c->n_samp[window];
    return OK;
}

static int copy_cycle(struct copy *c, struct status *err)
{
    struct recording_chunk *chunk[] = {&c->cycle.state, &c->cycle.pixels[0], &c->cycle.pixels[1]};
    void *bytes[3] = {0};
    int rc = OK;
    for (size_t i = 0; i < 3 && rc == OK; i++) {
        if (chunk[i]->n == 0)
            continue;
        bytes[i] = recording_reader_chunk(c->reader, chunk[i], err);
        chunk[i]->bytes = bytes[i];
        rc = bytes[i] ? OK : err->code;
    }
    for (size_t i = 0; i < RECORDING_WINDOWS && rc == OK; i++) {
        struct recording_window *w = &c->cycle.window[i];
        if (!w->there)
            continue;
        rc = room_for(c, i, w->n_samp, err);
        if (rc == OK)
            rc = recording_reader_samples(c->reader, w, c->samp[i], err);
        for (size_t a = 0; a < RADIO_CHANNELS_MAX; a++)
            w->samp[a] = c->samp[i][a];
    }
    if (rc == OK)
        rc = recording_writer_append(c->writer, &c->cycle, err);
    for (size_t i = 0; i < 3; i++)
        free(bytes[i]);
    return rc;
}

static int copy_range(struct copy *c, const struct recording_start *start, double from_s,
                      double to_s, struct status *err)
{
    int rc = OK;
    const size_t first = start->since_s <= from_s + 1e-9 ? start->cycle : 0;
    for (size_t n = 0; rc == OK; n++) {
        rc = recording_reader_next(c->reader, &c->cycle, err);
        if (rc == OK && c->cycle.report.time_s - start->first_s > to_s + 1e-9)
            break;
        if (rc == OK && n >= first)
            rc = copy_cycle(c, err);
    }
    return rc == ERR_NOT_FOUND ? OK : rc;
}

int recording_cut(const char *name, double from_s, double to_s, const char *to, uint64_t *cycles,
                  struct status *err)
{
    struct bs_cfg *bs = calloc(1, sizeof *bs);
    struct copy *c = calloc(1, sizeof *c);
    struct recording_start start;
    int rc = bs && c ? OK : status_set(err, ERR_NO_MEMORY, "out of memory");
    *cycles = 0;
    if (rc == OK && !(c->reader = recording_reader_open(name, err)))
        rc = err->code;
    if (rc == OK)
        rc = recording_config(recording_reader_prefix(c->reader), NULL, bs, err);
    if (rc == OK)
        rc = recording_reader_start(c->reader, from_s, &start, err);
    if (rc == OK &&
        !(c->writer = recording_writer_create(to, recording_reader_head(c->reader), bs, err)))
        rc = err->code;
    if (rc == OK)
        rc = copy_range(c, &start, from_s, to_s, err);
    if (c && c->writer) {
        struct status late = {0};
        *cycles = recording_writer_cycles(c->writer);
        int end = recording_writer_finish(&c->writer, "cut", &late);
        if (rc == OK && end) {
            *err = late;
            rc = end;
        }
    }
    for (size_t i = 0; c && i < RECORDING_WINDOWS; i++)
        for (size_t a = 0; a < RADIO_CHANNELS_MAX; a++)
            free(c->samp[i][a]);
    if (c)
        recording_reader_close(&c->reader);
    free(c);
    free(bs);
    return rc;
}
