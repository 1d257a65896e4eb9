/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/state_dir.h"

static json_t *profile_json(struct ris_shape shape, const struct ris_file_profile *p)
{
    char hex[2 * RIS_PATTERN_MAX + 1] = "", hash[17];
    size_t n = ris_pattern_bytes(shape);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", p->pattern[i]);
    snprintf(hash, sizeof hash, "%016" PRIx64, ris_profile_hash(shape, p->pattern));
    return json_pack("{ssssss}", "name", p->name, "hash", hash, "pattern", hex);
}

int ris_file_write(const char *path, const struct ris_file *file, struct status *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < file->n; i++)
        json_array_append_new(list, profile_json(file->shape, &file->profiles[i]));
    json_t *root = json_pack("{sissss sisisi so}", "v", 1, "ris", file->ris, "board", file->board,
                             "columns", file->shape.columns, "rows", file->shape.rows, "bits",
                             file->shape.bits, "profiles", list);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;
    int rc = text != NULL ? file_replace(path, text, strlen(text), 0644, err)
                          : status_set(err, ERR_NO_MEMORY, "%s: no memory", path);
    free(text);
    json_decref(root);
    return rc;
}

static bool read_hex(const char *hex, uint8_t *out, size_t n)
{
    if (hex == NULL || strlen(hex) != 2 * n || strspn(hex, "0123456789abcdef") != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return true;
}

static void read_text(json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static int read_profile(const char *path, json_t *item, struct ris_file *f, struct status *err)
{
    struct ris_file_profile *p = &f->profiles[f->n];
    char hash[17], said[24];
    read_text(item, "name", p->name, sizeof p->name);
    read_text(item, "hash", said, sizeof said);
    if (!read_hex(json_string_value(json_object_get(item, "pattern")), p->pattern,
                  ris_pattern_bytes(f->shape)) ||
        !ris_pattern_valid(f->shape, p->pattern))
        return status_set(err, ERR_FORMAT, "%s: profile %zu '%s' is no pattern of that size", path,
                          f->n, p->name);
    snprintf(hash, sizeof hash, "%016" PRIx64, ris_profile_hash(f->shape, p->pattern));
    if (strcmp(hash, said) != 0)
        return status_set(err, ERR_FORMAT,
                          "%s: profile %zu '%s' does not match its hash; "
                          "make the file anew",
                          path, f->n, p->name);
    f->n++;
    return OK;
}

static int read_root(const char *path, json_t *root, struct ris_file *f, struct status *err)
{
    int v = 0, columns = 0, rows = 0, bits = 0, rc = OK;
    json_t *list = json_object_get(root, "profiles");
    json_unpack(root, "{si si si si}", "v", &v, "columns", &columns, "rows", &rows, "bits", &bits);
    f->shape = (struct ris_shape){(uint8_t)columns, (uint8_t)rows, (uint8_t)bits};
    if (v != 1 || columns > RIS_SIDE_MAX || rows > RIS_SIDE_MAX || columns < 1 || rows < 1 ||
        !ris_shape_valid(f->shape) || json_array_size(list) < 1 ||
        json_array_size(list) > RIS_FILE_PROFILES)
        return status_set(err, ERR_FORMAT,
                          "%s: is no profile file; make one with 'mirador ris design'", path);
    read_text(root, "ris", f->ris, sizeof f->ris);
    read_text(root, "board", f->board, sizeof f->board);
    for (size_t i = 0; rc == OK && i < json_array_size(list); i++)
        rc = read_profile(path, json_array_get(list, i), f, err);
    return rc;
}

int ris_file_read(const char *path, struct ris_file *file, struct status *err)
{
    json_error_t fault;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    memset(file, 0, sizeof *file);
    int rc = root != NULL
                 ? read_root(path, root, file, err)
                 : status_set(err, fault.line < 0 ? ERR_IO : ERR_FORMAT,
                              "%s: %s; give a file of 'mirador ris design'", path, fault.text);
    json_decref(root);
    return rc;
}
