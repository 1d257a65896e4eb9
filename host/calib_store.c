/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/calib_store.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, RECORDS_OF_A_KIND = 16, BACKGROUNDS = 4 };
#define FORMAT    "mirador-site-calibration"
#define FILE_MAX  (256L << 20)
#define PATH_SIZE 288

struct calib_store {
    char path[PATH_SIZE];
    json_t *records; /* array of valid records, oldest first */
    bool damaged;    /* the file holds something else: leave it alone */
};

static int check_records(const char *name, const json_t *records, struct status *err)
{
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct calib_record r;
        const char *fault = calib_record_from_json(json_array_get(records, i), &r);
        calib_record_clear(&r);
        if (fault)
            return status_set(
                err, ERR_FORMAT,
                "%s: record %zu: '%s' is missing, misshapen or out of range; move the "
                "file away and calibrate again",
                name, i, fault);
    }
    return OK;
}

static int check_root(const char *name, const json_t *root, struct status *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    json_int_t version = json_integer_value(json_object_get(root, "version"));
    if (!format || strcmp(format, FORMAT) != 0)
        return status_set(err, ERR_FORMAT,
                          "%s: no file of site calibrations ('format' is not " FORMAT
                          "); move it away and calibrate again",
                          name);
    if (version != VERSION)
        return status_set(err, ERR_FORMAT,
                          "%s: version %lld, this program reads %d; move the file away and "
                          "calibrate again",
                          name, (long long)version, VERSION);
    if (!json_is_array(json_object_get(root, "records")))
        return status_set(err, ERR_FORMAT, "%s: no list 'records'; move the file away", name);
    return check_records(name, json_object_get(root, "records"), err);
}

int calib_store_parse(const char *name, const char *text, size_t n, struct calib_store **store,
                      struct status *err)
{
    json_error_t fault;
    *store = NULL;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    if (!root)
        return status_set(err, ERR_FORMAT,
                          "%s:%d:%d: %.80s; move the file away and calibrate again", name,
                          fault.line, fault.column, fault.text);
    int rc = check_root(name, root, err);
    if (rc == OK) {
        *store = calloc(1, sizeof **store);
        if (*store)
            (*store)->records = json_incref(json_object_get(root, "records"));
        else
            rc = status_set(err, ERR_NO_MEMORY, "calibrations: out of memory");
    }
    json_decref(root);
    return rc;
}

/* The file's bytes, or NULL: ERR_NOT_FOUND, ERR_IO, ERR_FORMAT, ERR_NO_MEMORY in *err. */
static char *read_all(const char *path, size_t *n, struct status *err)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    if (!f) {
        status_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    rewind(f);
    if (size < 0 || size > FILE_MAX)
        status_set(err, ERR_FORMAT, "%s: no file of site calibrations; move it away", path);
    else if (!(text = malloc((size_t)size + 1)))
        status_set(err, ERR_NO_MEMORY, "calibrations: out of memory");
    else
        *n = fread(text, 1, (size_t)size, f);
    fclose(f);
    return text;
}

struct calib_store *calib_store_open(const char *path, struct status *err)
{
    struct calib_store *store = NULL;
    size_t n = 0;
    *err = (struct status){0};
    char *text = read_all(path, &n, err);
    int rc = text ? calib_store_parse(path, text, n, &store, err) : err->code;
    free(text);
    if (!store)
        store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    if (!store->records)
        store->records = json_array();
    store->damaged = rc != OK && rc != ERR_NOT_FOUND;
    if (rc == ERR_NOT_FOUND)
        *err = (struct status){0};
    snprintf(store->path, sizeof store->path, "%s", path);
    return store;
}

void calib_store_close(struct calib_store **store)
{
    if (!*store)
        return;
    json_decref((*store)->records);
    free(*store);
    *store = NULL;
}

static bool is_of_kind(const json_t *o, enum calib_kind kind)
{
    const char *name = json_string_value(json_object_get(o, "kind"));
    return name && strcmp(name, calib_kind_name(kind)) == 0;
}

int calib_store_find(const struct calib_store *store, enum calib_kind kind,
                     const struct calib_key *key, struct calib_record *out, struct status *err)
{
    char text[160], closest[160] = "";
    int fewest = INT32_MAX;
    memset(out, 0, sizeof *out);
    for (size_t i = json_array_size(store->records); i-- > 0;) { /* newest first */
        const json_t *o = json_array_get(store->records, i);
        struct calib_key was = {0};
        if (!is_of_kind(o, kind) || !calib_key_from_json(json_object_get(o, "key"), &was))
            continue;
        int n = calib_key_differs(key, &was, text, sizeof text);
        if (n == 0)
            return calib_record_from_json(o, out) ? ERR_FORMAT : OK;
        if (n < fewest) {
            fewest = n;
            memcpy(closest, text, sizeof closest);
        }
    }
    if (fewest == INT32_MAX)
        return status_set(err, ERR_NOT_FOUND, "no %s calibration is stored", calib_kind_name(kind));
    return status_set(err, ERR_STATE, "stored %s calibration refused: %s", calib_kind_name(kind),
                      closest);
}

static int write_file(struct calib_store *store, struct status *err)
{
    json_t *root = json_pack("{s:s, s:i, s:O}", "format", FORMAT, "version", VERSION, "records",
                             store->records);
    char *text = root ? json_dumps(root, JSON_INDENT(0) | JSON_REAL_PRECISION(17)) : NULL;
    int rc = text ? file_replace(store->path, text, strlen(text), 0600, err)
                  : status_set(err, ERR_NO_MEMORY, "calibrations: out of memory");
    free(text);
    json_decref(root);
    return rc;
}

/* Room for one more of this kind: the one it replaces goes, else the oldest of too many. */
static void make_room(struct calib_store *store, enum calib_kind kind, const struct calib_key *key)
{
    size_t count = 0, oldest = 0;
    for (size_t i = json_array_size(store->records); i-- > 0;) {
        const json_t *o = json_array_get(store->records, i);
        struct calib_key was = {0};
        char text[160];
        if (!is_of_kind(o, kind) || !calib_key_from_json(json_object_get(o, "key"), &was))
            continue;
        if (calib_key_differs(key, &was, text, sizeof text) == 0) {
            json_array_remove(store->records, i);
            return;
        }
        oldest = i;
        count++;
    }
    if (count >= (kind == CALIB_BACKGROUND ? BACKGROUNDS : RECORDS_OF_A_KIND))
        json_array_remove(store->records, oldest);
}

int calib_store_put(struct calib_store *store, const struct calib_record *record,
                    struct status *err)
{
    if (store->damaged)
        return status_set(err, ERR_FORMAT, "%s is damaged and is not overwritten: move it away",
                          store->path);
    json_t *o = calib_record_to_json(record);
    if (!o)
        return status_set(err, ERR_NO_MEMORY, "calibrations: out of memory");
    make_room(store, record->kind, &record->key);
    json_array_append_new(store->records, o);
    return write_file(store, err);
}

char *calib_store_summary(const struct calib_store *store)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(store->records); i++) {
        json_t *o = json_copy(json_array_get(store->records, i));
        json_object_del(o, "streams");
        json_array_append_new(list, o);
    }
    char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(list);
    return text;
}
