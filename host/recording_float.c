/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_float.h"
#include "base/log.h"
#include "host/recording_bytes.h"
#include "host/recording_reader.h"
#include "host/recording_stream.h"
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FULL_SCALE 32767.0f
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(17))
enum { CHUNK = 1 << 16 };

typedef void place_of(const char *prefix, size_t channel, const char *ending,
                      char path[RECORDING_PATH]);

struct job {
    const char *from, *to; /* prefixes */
    json_t *streams;       /* of the collection */
    struct {
        char path[RECORDING_PATH];
    } made[4 * RADIO_CHANNELS_MAX + 1];
    size_t n_made;
};

static int make_file(struct job *j, const char *path, int *fd, struct status *err)
{
    int rc = recording_make_file(path, fd, err);
    if (rc == OK)
        snprintf(j->made[j->n_made++].path, RECORDING_PATH, "%s", path);
    return rc;
}

/* The whole file; its digest in hex. */
static int convert(FILE *from, int to, const char *path, char digest[129], struct status *err)
{
    static struct sc16 in[CHUNK];
    static float out[CHUNK][2];
    crypto_hash_sha512_state hash;
    unsigned char raw[crypto_hash_sha512_BYTES];
    size_t n;
    crypto_hash_sha512_init(&hash);
    while ((n = fread(in, sizeof *in, CHUNK, from)) > 0) {
        for (size_t t = 0; t < n; t++) {
            out[t][0] = (float)in[t].i / FULL_SCALE;
            out[t][1] = (float)in[t].q / FULL_SCALE;
        }
        if (recording_put(to, out, n * sizeof *out))
            return recording_io_error(err, "", path);
        crypto_hash_sha512_update(&hash, (const void *)out, n * sizeof *out);
    }
    if (ferror(from))
        return status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    if (fsync(to))
        return recording_io_error(err, "", path);
    crypto_hash_sha512_final(&hash, raw);
    sodium_bin2hex(digest, 129, raw, sizeof raw);
    return OK;
}

static int convert_data(struct job *j, place_of *place, size_t channel, char digest[129],
                        struct status *err)
{
    char path[RECORDING_PATH];
    int fd = -1;
    place(j->from, channel, "data", path);
    FILE *from = fopen(path, "re");
    if (!from)
        return status_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    place(j->to, channel, "data", path);
    int rc = make_file(j, path, &fd, err);
    rc = rc ? rc : convert(from, fd, path, digest, err);
    fclose(from);
    if (fd >= 0 && close(fd) && rc == OK)
        rc = recording_io_error(err, "", path);
    return rc;
}

/* Takes the object. */
static int put_json(struct job *j, const char *path, json_t *o, struct status *err)
{
    int fd = -1, rc = make_file(j, path, &fd, err);
    if (rc == OK && (json_dumpfd(o, fd, DUMP_FLAGS) || fsync(fd)))
        rc = recording_io_error(err, "", path);
    if (fd >= 0 && close(fd) && rc == OK)
        rc = recording_io_error(err, "", path);
    json_decref(o);
    return rc;
}

/* Sample numbers are the same, so captures and annotations are too. */
static int convert_meta(struct job *j, place_of *place, size_t channel, const char *digest,
                        struct status *err)
{
    char path[RECORDING_PATH], hash[129], name[RECORDING_PATH];
    json_error_t fault;
    place(j->from, channel, "meta", path);
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &fault),
           *global = json_object_get(o, "global");
    if (!json_is_object(global)) {
        json_decref(o);
        return status_set(err, ERR_FORMAT, "%.200s: %.100s; see 'mirador record check --repair'",
                          path, o ? "no \"global\"" : fault.text);
    }
    json_object_set_new(global, "core:datatype", json_string("cf32_le"));
    json_object_set_new(global, "core:sha512", json_string(digest));
    json_object_set_new(global, "core:collection", json_string(recording_base(j->to)));
    place(j->to, channel, "meta", path);
    int rc = put_json(j, path, o, err);
    rc = rc ? rc : recording_sha512(path, hash, err);
    snprintf(name, sizeof name, "%.*s", (int)(strlen(path) - strlen(".sigmf-meta")), path);
    if (rc == OK)
        json_array_append_new(j->streams,
                              json_pack("{s:s,s:s}", "name", recording_base(name), "hash", hash));
    return rc;
}

static int convert_channels(struct job *j, place_of *place, size_t n_rx, struct status *err)
{
    char digest[129];
    int rc = OK;
    for (size_t a = 0; a < n_rx && rc == OK; a++) {
        rc = convert_data(j, place, a, digest, err);
        rc = rc ? rc : convert_meta(j, place, a, digest, err);
    }
    return rc;
}

/* As the recording's own collection, with these streams and without the files of a replay. */
static int put_collection(struct job *j, struct status *err)
{
    char path[RECORDING_PATH];
    recording_path(j->from, RECORDING_COLLECTION, path);
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL),
           *collection = json_object_get(o, "collection");
    if (!json_is_object(collection)) {
        json_decref(o);
        return status_set(err, ERR_FORMAT,
                          "%.200s: no collection; see 'mirador record check --repair'", path);
    }
    json_object_set(collection, "core:streams", j->streams);
    json_object_del(collection, "mirador:files");
    recording_path(j->to, RECORDING_COLLECTION, path);
    return put_json(j, path, o, err);
}

static int convert_all(struct job *j, size_t n_rx, struct status *err)
{
    int rc = convert_channels(j, recording_channel_path, n_rx, err);
    if (rc == OK && recording_stream_there(j->from))
        rc = convert_channels(j, recording_stream_path, n_rx, err);
    return rc ? rc : put_collection(j, err);
}

int recording_write_float(const char *recording, const char *out, uint64_t *samples,
                          struct status *err)
{
    struct job *j = calloc(1, sizeof *j);
    struct recording_reader *reader = j ? recording_reader_open(recording, err) : NULL;
    char path[RECORDING_PATH];
    if (!reader) {
        const int rc = j ? err->code : status_set(err, ERR_NO_MEMORY, "out of memory");
        free(j);
        return rc;
    }
    j->from = recording_reader_prefix(reader);
    j->to = out;
    j->streams = json_array();
    int rc = convert_all(j, recording_reader_head(reader)->n_rx, err);
    for (size_t i = 0; rc && i < j->n_made; i++)
        unlink(j->made[i].path);
    recording_channel_path(j->from, 0, "data", path);
    *samples = recording_file_size(path) / sizeof(struct sc16);
    recording_reader_close(&reader);
    json_decref(j->streams);
    free(j);
    return rc;
}
