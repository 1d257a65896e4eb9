/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_sigmf.h"
#include "base/log.h"
#include "host/cycle_fault.h"
#include "host/recording_bytes.h"
#include "host/recording_reader.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIGMF_VERSION "1.0.0"
#define META_MAX      (512L << 20)
#define DUMP_FLAGS    (JSON_COMPACT | JSON_REAL_PRECISION(17))

/* --- writing --------------------------------------------------------------------------------- */

static json_t *datetime(const struct recording_head *h, int64_t tick)
{
    char text[40], whole[24];
    double t = h->unix0_s + (double)(tick - h->tick0) / h->rate_hz, second = floor(t);
    time_t seconds = (time_t)second;
    struct tm tm;
    int us = (int)((t - second) * 1e6);
    if (!gmtime_r(&seconds, &tm) || !strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm))
        return json_null();
    snprintf(text, sizeof text, "%s.%06dZ", whole, us);
    return json_string(text);
}

/* In force in this cycle. */
static struct radio_setting setting_of(const struct recording_head *h,
                                       const struct recording_cycle *c)
{
    return c->plan.radio.carrier_hz > 0
               ? c->plan.radio
               : (struct radio_setting){h->carrier_hz, h->tx_gain_db, h->rx_gain_db};
}

static json_t *capture_json(const struct recording_head *h, const struct recording_cycle *c,
                            size_t kind)
{
    const struct recording_window *w = &c->window[kind];
    json_t *o =
        json_pack("{s:I,s:f,s:o}", "core:sample_start", (json_int_t)w->first, "core:frequency",
                  setting_of(h, c).carrier_hz, "core:datetime", datetime(h, w->info.tick));
    if (w->info.tick >= 0) /* the standard has no negative index */
        json_object_set_new(o, "core:global_index", json_integer(w->info.tick));
    return o;
}

static json_t *hash_json(const struct recording_head *h, const struct recording_cycle *c)
{
    json_t *a = json_array();
    for (size_t i = 0; i < BS_RIS; i++) {
        const struct profile_set *set = &h->profiles[i];
        size_t shown = c->plan.profile[i] < set->n ? c->plan.profile[i] : 0;
        json_array_append_new(a, journal_hash(set->hash[shown]));
    }
    return a;
}

static json_t *faults_json(uint32_t faults)
{
    char names[256];
    cycle_faults_json(faults, names, sizeof names);
    json_t *a = json_loads(names, 0, NULL);
    return a ? a : json_array();
}

static void add_outcome(json_t *o, const struct cycle_report *r)
{
    json_object_set_new(o, "mirador:response", json_string(response_verdict_name(r->response)));
    json_object_set_new(o, "mirador:outcome", json_string(fix_outcome_name(r->outcome)));
    if (r->outcome != FIX_DONE)
        return;
    json_object_set_new(o, "mirador:user", json_integer(r->user_id));
    json_object_set_new(
        o, "mirador:position_m",
        json_pack("[f,f,f]", r->fix.position.x, r->fix.position.y, r->fix.position.z));
}

static json_t *annotation_json(const struct recording_head *h, const struct recording_cycle *c,
                               size_t kind)
{
    const struct recording_window *w = &c->window[kind];
    const double half = h->rate_hz / 2;
    const struct radio_setting radio = setting_of(h, c);
    json_t *o =
        json_pack("{s:I,s:I,s:s,s:f,s:f,s:s}", "core:sample_start", (json_int_t)w->first,
                  "core:sample_count", (json_int_t)w->n_samp, "core:label",
                  recording_window_name[kind], "core:freq_lower_edge", radio.carrier_hz - half,
                  "core:freq_upper_edge", radio.carrier_hz + half, "core:generator", "miradord");
    json_object_set_new(o, "mirador:cycle", json_integer((json_int_t)c->plan.cycle));
    json_object_set_new(o, "mirador:ris_profiles", hash_json(h, c));
    json_object_set_new(o, "mirador:valid_samples", json_integer((json_int_t)w->info.n_valid));
    json_object_set_new(o, "mirador:faults", faults_json(w->info.faults | w->plan_faults));
    json_object_set_new(o, "mirador:tx_gain_db", json_real(radio.tx_gain_db));
    json_object_set_new(o, "mirador:rx_gain_db", json_real(radio.rx_gain_db));
    json_object_set_new(o, "mirador:tuning", json_integer(c->plan.tuning));
    json_object_set_new(o, "mirador:zero", json_string(zero_state_name(c->report.site.zero)));
    json_object_set_new(o, "mirador:background", json_boolean(c->report.background_valid));
    if (c->mark[0] && kind == BLOCK_SENSING)
        json_object_set_new(o, "core:comment", json_string(c->mark));
    if (kind == BLOCK_RESPONSE)
        add_outcome(o, &c->report);
    return o;
}

static json_t *extensions(void)
{
    return json_pack("[{s:s,s:s,s:b}]", "name", "mirador", "version", "1.0.0", "optional", 1);
}

static json_t *global_json(const struct recording_head *h, const char *prefix, size_t channel,
                           const char *digest)
{
    char program[64], hw[128];
    snprintf(program, sizeof program, "miradord %s", h->version);
    snprintf(hw, sizeof hw, "receive channel %zu of %zu, device %s", channel, h->n_rx, h->serial);
    return json_pack("{s:s,s:s,s:f,s:s,s:s,s:s,s:s,s:o}", "core:datatype", "ci16_le",
                     "core:version", SIGMF_VERSION, "core:sample_rate", h->rate_hz, "core:sha512",
                     digest, "core:recorder", program, "core:hw", hw, "core:collection",
                     recording_base(prefix), "core:extensions", extensions());
}

static bool put(FILE *f, json_t *o)
{
    bool ok = o && json_dumpf(o, f, DUMP_FLAGS) == 0;
    json_decref(o);
    return ok;
}

/* Written aside, then renamed. */
static int replace_by(const char *path, FILE *f, int rc, struct status *err)
{
    char aside[RECORDING_PATH + 8];
    snprintf(aside, sizeof aside, "%s.new", path);
    bool bad = ferror(f);
    bad |= fclose(f) != 0;
    if (rc == OK && !bad && rename(aside, path) == 0)
        return OK;
    int e = errno;
    remove(aside);
    return rc ? rc
              : status_set(err, e == ENOSPC ? ERR_NO_SPACE : ERR_IO, "%.200s: %s", path,
                           strerror(e));
}

static FILE *open_aside(const char *path, struct status *err)
{
    char aside[RECORDING_PATH + 8];
    snprintf(aside, sizeof aside, "%s.new", path);
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640); /* positions are in it */
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f)
        return f;
    status_set(err, ERR_IO, "%.200s: %s", aside, strerror(errno));
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* The files of all channels, which differ in "global" only. */
struct metas {
    size_t n;
    FILE *file[RADIO_CHANNELS_MAX];
};

static void put_text(const struct metas *m, const char *text)
{
    for (size_t a = 0; a < m->n; a++)
        fputs(text, m->file[a]);
}

/* Takes the object. */
static int put_object(const struct metas *m, json_t *o, struct status *err)
{
    char *text = o ? json_dumps(o, DUMP_FLAGS) : NULL;
    json_decref(o);
    if (!text)
        return status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    put_text(m, text);
    free(text);
    return OK;
}

static int put_cycle(const struct metas *m, const struct recording_head *h,
                     const struct recording_cycle *c, bool annotations, const char **comma,
                     struct status *err)
{
    int rc = OK;
    for (size_t i = 0; i < RECORDING_WINDOWS && rc == OK; i++) {
        if (!c->window[i].there)
            continue;
        put_text(m, *comma);
        *comma = ",\n";
        rc = put_object(m, annotations ? annotation_json(h, c, i) : capture_json(h, c, i), err);
    }
    return rc;
}

/* Captures, or annotations, of all cycles. */
static int put_list(const struct metas *m, struct recording_reader *r, bool annotations,
                    struct status *err)
{
    struct recording_cycle *c = calloc(1, sizeof *c);
    const char *comma = "";
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "recording: out of memory");
    recording_reader_rewind(r);
    while (rc == OK && (rc = recording_reader_next(r, c, err)) == OK)
        rc = put_cycle(m, recording_reader_head(r), c, annotations, &comma, err);
    free(c);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static int put_metas(const struct metas *m, struct recording_reader *r, const char digest[][129],
                     struct status *err)
{
    int rc = OK;
    put_text(m, "{\"global\":");
    for (size_t a = 0; a < m->n && rc == OK; a++)
        if (!put(m->file[a],
                 global_json(recording_reader_head(r), recording_reader_prefix(r), a, digest[a])))
            rc = status_set(err, ERR_IO, "%.200s: cannot be written", recording_reader_prefix(r));
    put_text(m, ",\n\"captures\":[");
    if (rc == OK)
        rc = put_list(m, r, false, err);
    put_text(m, "],\n\"annotations\":[");
    if (rc == OK)
        rc = put_list(m, r, true, err);
    put_text(m, "]}\n");
    return rc;
}

/* Where the meta file of a channel is, of the windows or of the stream. */
typedef void place_of(const char *prefix, size_t channel, const char *ending,
                      char path[RECORDING_PATH]);

static int open_metas(struct metas *m, place_of *place, const char *prefix, size_t n_rx,
                      struct status *err)
{
    char path[RECORDING_PATH];
    for (*m = (struct metas){0}; m->n < n_rx; m->n++) {
        place(prefix, m->n, "meta", path);
        m->file[m->n] = open_aside(path, err);
        if (!m->file[m->n])
            return err->code;
    }
    return OK;
}

static int close_metas(const struct metas *m, place_of *place, const char *prefix, int rc,
                       struct status *err)
{
    char path[RECORDING_PATH];
    for (size_t a = 0; a < m->n; a++) {
        place(prefix, a, "meta", path);
        rc = replace_by(path, m->file[a], rc, err);
    }
    return rc;
}

static int write_metas(struct recording_reader *r, const char digest[][129], struct status *err)
{
    struct metas m;
    const char *prefix = recording_reader_prefix(r);
    int rc = open_metas(&m, recording_channel_path, prefix, recording_reader_head(r)->n_rx, err);
    if (rc == OK)
        rc = put_metas(&m, r, digest, err);
    return close_metas(&m, recording_channel_path, prefix, rc, err);
}

static int put_segments(const struct metas *m, const struct recording_head *h,
                        const struct recording_segments *s, struct status *err)
{
    int rc = OK;
    for (size_t i = 0; i < s->n && rc == OK; i++) {
        const struct recording_segment *g = &s->item[i];
        put_text(m, i ? ",\n" : "");
        json_t *o = json_pack("{s:I,s:o}", "core:sample_start", (json_int_t)g->first,
                              "core:datetime", datetime(h, g->tick));
        if (g->tick >= 0)
            json_object_set_new(o, "core:global_index", json_integer(g->tick));
        rc = put_object(m, o, err);
    }
    return rc;
}

int sigmf_write_stream(const char *prefix, const struct recording_head *h,
                       const struct recording_segments *s, const char digest[][129],
                       struct status *err)
{
    struct metas m;
    int rc = open_metas(&m, recording_stream_path, prefix, h->n_rx, err);
    put_text(&m, "{\"global\":");
    for (size_t a = 0; a < m.n && rc == OK; a++)
        if (!put(m.file[a], global_json(h, prefix, a, digest[a])))
            rc = status_set(err, ERR_IO, "%.200s: cannot be written", prefix);
    put_text(&m, ",\n\"captures\":[");
    if (rc == OK)
        rc = put_segments(&m, h, s, err);
    put_text(&m, "],\n\"annotations\":[]}\n");
    return close_metas(&m, recording_stream_path, prefix, rc, err);
}

/* path: of its meta file. */
static int add_stream(json_t *streams, const char *path, struct status *err)
{
    const char *base = recording_base(path);
    char name[RECORDING_PATH], digest[129];
    int rc = recording_sha512(path, digest, err);
    snprintf(name, sizeof name, "%.*s", (int)(strlen(base) - strlen(".sigmf-meta")), base);
    if (rc == OK)
        json_array_append_new(streams, json_pack("{s:s,s:s}", "name", name, "hash", digest));
    return rc;
}

static int add_side_file(json_t *files, const char *prefix, enum recording_file file,
                         struct status *err)
{
    char path[RECORDING_PATH], digest[129];
    recording_path(prefix, file, path);
    int rc = recording_sha512(path, digest, err);
    if (rc == OK)
        json_array_append_new(files,
                              json_pack("{s:s,s:s}", "name", recording_base(path), "hash", digest));
    return rc;
}

static int write_collection(const struct recording_reader *r, struct status *err)
{
    char path[RECORDING_PATH];
    const char *prefix = recording_reader_prefix(r);
    json_t *streams = json_array(), *files = json_array();
    const size_t n_rx = recording_reader_head(r)->n_rx;
    const bool stream = recording_stream_there(prefix);
    int rc = OK;
    for (size_t a = 0; rc == OK && a < n_rx; a++) {
        recording_channel_path(prefix, a, "meta", path);
        rc = add_stream(streams, path, err);
    }
    for (size_t a = 0; rc == OK && stream && a < n_rx; a++) {
        recording_stream_path(prefix, a, "meta", path);
        rc = add_stream(streams, path, err);
    }
    for (enum recording_file i = RECORDING_JOURNAL; rc == OK && i <= RECORDING_CONFIG; i++)
        rc = add_side_file(files, prefix, i, err);
    if (rc == OK && stream)
        rc = add_side_file(files, prefix, RECORDING_SEGMENTS, err);
    json_t *o =
        json_pack("{s:{s:s,s:s,s:o,s:o,s:o}}", "collection", "core:version", SIGMF_VERSION,
                  "core:description", "Windows of a Mirador base station, one per channel",
                  "core:extensions", extensions(), "core:streams", streams, "mirador:files", files);
    recording_path(prefix, RECORDING_COLLECTION, path);
    FILE *f = rc == OK ? open_aside(path, err) : NULL;
    if (!f) {
        json_decref(o);
        return err->code;
    }
    bool ok = put(f, o);
    fputc('\n', f);
    return replace_by(path, f, ok ? OK : ERR_IO, err);
}

int sigmf_write(const char *prefix, const char digest[][129], struct status *err)
{
    struct recording_reader *r = recording_reader_open(prefix, err);
    if (!r)
        return err->code;
    int rc = write_metas(r, digest, err);
    if (rc == OK)
        rc = write_collection(r, err);
    recording_reader_close(&r);
    return rc;
}

/* --- reading --------------------------------------------------------------------------------- */

void sigmf_clear(struct sigmf_meta *meta)
{
    free(meta->capture);
    *meta = (struct sigmf_meta){0};
}

static int take_global(const json_t *g, struct sigmf_meta *out, struct status *err)
{
    const char *type = json_string_value(json_object_get(g, "core:datatype")),
               *sha = json_string_value(json_object_get(g, "core:sha512"));
    const json_t *rate = json_object_get(g, "core:sample_rate");
    if (!type || !json_is_string(json_object_get(g, "core:version")))
        return status_set(err, ERR_FORMAT, "global: core:datatype and core:version must be texts");
    if (strcmp(type, "ci16_le") != 0)
        return status_set(err, ERR_FORMAT, "global: core:datatype is '%.20s', ours are ci16_le",
                          type);
    out->rate_hz = json_number_value(rate);
    if (!json_is_number(rate) || !(out->rate_hz > 0))
        return status_set(err, ERR_FORMAT, "global: core:sample_rate must be above 0");
    if (sha && strlen(sha) + 1 != sizeof out->sha512)
        return status_set(err, ERR_FORMAT, "global: core:sha512 must have 128 digits");
    memcpy(out->sha512, sha ? sha : "", sha ? sizeof out->sha512 : 1);
    return OK;
}

/* A list whose items all have core:sample_start, rising. start: of each, or NULL. */
static int take_starts(const json_t *list, const char *name, struct sigmf_capture *start,
                       struct status *err)
{
    size_t i;
    json_t *item;
    json_int_t last = 0;
    if (!json_is_array(list))
        return status_set(err, ERR_FORMAT, "%s: must be a list", name);
    json_array_foreach(list, i, item)
    {
        const json_t *at = json_object_get(item, "core:sample_start"),
                     *global = json_object_get(item, "core:global_index");
        json_int_t v = json_integer_value(at);
        if (!json_is_integer(at) || v < last)
            return status_set(err, ERR_FORMAT,
                              "%s[%zu]: core:sample_start must be a whole number, none below the "
                              "one before",
                              name, i);
        if (global && (!json_is_integer(global) || json_integer_value(global) < 0))
            return status_set(err, ERR_FORMAT,
                              "%s[%zu]: core:global_index must be a whole number from 0", name, i);
        last = v;
        if (start)
            start[i] = (struct sigmf_capture){(uint64_t)v, (uint64_t)json_integer_value(global)};
    }
    return OK;
}

static int take_meta(const json_t *o, struct sigmf_meta *out, struct status *err)
{
    const json_t *captures = json_object_get(o, "captures"),
                 *annotations = json_object_get(o, "annotations");
    if (take_global(json_object_get(o, "global"), out, err))
        return err->code;
    out->n_capture = json_array_size(captures);
    out->n_annotation = json_array_size(annotations);
    out->capture = calloc(out->n_capture + 1, sizeof *out->capture);
    if (!out->capture)
        return status_set(err, ERR_NO_MEMORY, "out of memory");
    out->carrier_hz =
        json_number_value(json_object_get(json_array_get(captures, 0), "core:frequency"));
    if (take_starts(captures, "captures", out->capture, err))
        return err->code;
    return take_starts(annotations, "annotations", NULL, err);
}

int sigmf_parse(const char *text, size_t n, struct sigmf_meta *out, struct status *err)
{
    json_error_t fault;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    *out = (struct sigmf_meta){0};
    int rc = json_is_object(o)
                 ? take_meta(o, out, err)
                 : status_set(err, ERR_FORMAT, "not an object of JSON: %.100s", fault.text);
    json_decref(o);
    if (rc)
        sigmf_clear(out);
    return rc;
}

int sigmf_read(const char *path, struct sigmf_meta *out, struct status *err)
{
    FILE *f = fopen(path, "rbe");
    char *text = NULL;
    *out = (struct sigmf_meta){0};
    if (!f)
        return status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.200s: %s", path,
                          strerror(errno));
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    if (n >= 0 && n <= META_MAX)
        text = malloc((size_t)n + 1);
    int rc = text && fread(text, 1, (size_t)n, f) == (size_t)n
                 ? sigmf_parse(text, (size_t)n, out, err)
                 : status_set(err, ERR_IO, "cannot be read, or is larger than 512 MiB");
    fclose(f);
    free(text);
    if (rc) {
        char why[sizeof err->text];
        snprintf(why, sizeof why, "%s", err->text);
        status_set(err, rc, "%.120s: %.120s", path, why);
    }
    return rc;
}
