/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/pixel_store.h"
#include "base/log.h"
#include "base/state_dir.h"
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "mirador-pixels"

void pixel_store_path(const char *dir, const struct pixel_store_head *head, char *path, size_t size)
{
    char id[32];
    snprintf(id, sizeof id, "%s", head->serial[0] ? head->serial : head->board);
    for (char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
            *c = '_';
    snprintf(path, size, "%s/pixels-%s.json", dir, id);
}

/* One pixel: state, m, deviation, log-odds. */
static json_t *pixels(const struct pixel_map *map)
{
    json_t *list = json_array();
    for (size_t m = 0; m < map->n_element; m++)
        json_array_append_new(list,
                              json_pack("[i, f, f, f, f]", map->state[m],
                                        (double)crealf(map->mask[m]), (double)cimagf(map->mask[m]),
                                        (double)map->sigma_of[m], (double)map->log_odds[m]));
    return list;
}

int pixel_store_write(const char *path, const struct pixel_store_head *head,
                      const struct pixel_map *map, struct status *err)
{
    json_t *root = json_pack("{ss, si, ss, ss, si, si, sf, sI, sf, sI, sI, sI, so}", "format",
                             FORMAT, "version", 1, "board", head->board, "serial", head->serial,
                             "columns", (int)head->columns, "rows", (int)head->rows, "alarm",
                             head->alarm, "cycle", (json_int_t)map->cycle, "time_s", map->time_s,
                             "used", (json_int_t)map->used, "repeated", (json_int_t)map->repeated,
                             "unexplained", (json_int_t)map->unexplained, "pixels", pixels(map));
    char *text = root ? json_dumps(root, JSON_REAL_PRECISION(6) | JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return status_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
    int rc = file_replace(path, text, strlen(text), 0600, err);
    free(text);
    return rc;
}

static int misfit(const char *path, const char *what, struct status *err)
{
    return status_set(err, ERR_FORMAT, "%s: %s; remove it, and it is learned anew", path, what);
}

static bool read_pixel(const json_t *entry, size_t m, struct pixel_map *map)
{
    double x[5];
    for (size_t i = 0; i < 5; i++) {
        const json_t *number = json_array_get(entry, i);
        x[i] = json_number_value(number);
        if (!json_is_number(number) || !(fabs(x[i]) <= FLT_MAX))
            return false;
    }
    if (x[0] != PIXEL_UNKNOWN && x[0] != PIXEL_HEALTHY && x[0] != PIXEL_FAILED)
        return false;
    map->state[m] = (uint8_t)x[0];
    map->mask[m] = CMPLXF((float)x[1], (float)x[2]);
    map->sigma_of[m] = (float)x[3];
    map->log_odds[m] = (float)x[4];
    map->failed += map->state[m] == PIXEL_FAILED;
    map->unknown += map->state[m] == PIXEL_UNKNOWN;
    return fabs(x[1]) < 1e3 && fabs(x[2]) < 1e3 && x[3] >= 0;
}

static void copy_text(const json_t *root, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(root, key));
    snprintf(out, size, "%s", text ? text : "");
}

static int read_root(const char *path, const json_t *root, struct pixel_store_head *head,
                     struct pixel_map *map, struct status *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *list = json_object_get(root, "pixels");
    const json_int_t columns = json_integer_value(json_object_get(root, "columns"));
    const json_int_t rows = json_integer_value(json_object_get(root, "rows"));
    if (!format || strcmp(format, FORMAT) != 0 ||
        json_integer_value(json_object_get(root, "version")) != 1)
        return misfit(path, "no record of pixels (" FORMAT ", version 1)", err);
    if (columns < 1 || rows < 1 || columns > 64 || rows > 64 ||
        columns * rows > PIXEL_ELEMENTS_MAX || json_array_size(list) != (size_t)(columns * rows))
        return misfit(path, "columns, rows and the number of pixels do not agree", err);
    *head = (struct pixel_store_head){.columns = (unsigned)columns, .rows = (unsigned)rows};
    copy_text(root, "board", head->board, sizeof head->board);
    copy_text(root, "serial", head->serial, sizeof head->serial);
    head->alarm = json_number_value(json_object_get(root, "alarm"));
    memset(map, 0, sizeof *map);
    map->n_element = (size_t)(columns * rows);
    map->cycle = (uint64_t)json_integer_value(json_object_get(root, "cycle"));
    map->time_s = json_number_value(json_object_get(root, "time_s"));
    map->used = (uint64_t)json_integer_value(json_object_get(root, "used"));
    for (size_t m = 0; m < map->n_element; m++)
        if (!read_pixel(json_array_get(list, m), m, map))
            return misfit(path, "a pixel that cannot be", err);
    return OK;
}

static int take_root(const char *name, json_t *root, const json_error_t *why,
                     struct pixel_store_head *head, struct pixel_map *map, struct status *err)
{
    if (!root)
        return misfit(name, why->text, err);
    int rc = read_root(name, root, head, map, err);
    json_decref(root);
    return rc;
}

int pixel_store_parse(const char *name, const char *text, size_t n, struct pixel_store_head *head,
                      struct pixel_map *map, struct status *err)
{
    json_error_t why;
    return take_root(name, json_loadb(text, n, JSON_REJECT_DUPLICATES, &why), &why, head, map, err);
}

int pixel_store_read(const char *path, struct pixel_store_head *head, struct pixel_map *map,
                     struct status *err)
{
    json_error_t why;
    if (access(path, R_OK) && errno == ENOENT)
        return status_set(err, ERR_NOT_FOUND, "%s: nothing is known of these pixels yet", path);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    return take_root(path, root, &why, head, map, err);
}
