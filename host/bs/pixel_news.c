/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/pixel_news.h"
#include "base/log.h"
#include "host/clock.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_EVERY_NS 60000000000
enum { WORDS = 16 }; /* pixels that one snapshot names in the log */

struct surface_news {
    uint64_t version;
    uint8_t state[PIXEL_ELEMENTS_MAX]; /* as last told */
    struct pixel_map map;
    int64_t saved_ns;
    bool unsaved;
};

struct pixel_news {
    struct pixel_news_cfg cfg;
    struct surface_news surface[BS_RIS];
    char *header;
    uint8_t arrays[PIXEL_ELEMENTS_MAX * 17];
};

struct pixel_news *pixel_news_create(const struct pixel_news_cfg *cfg, struct status *err)
{
    struct pixel_news *n = calloc(1, sizeof *n);
    if (!n) {
        status_set(err, ERR_NO_MEMORY, "pixel news: out of memory");
        return NULL;
    }
    n->cfg = *cfg;
    return n;
}

void pixel_news_destroy(struct pixel_news **news)
{
    if (!*news)
        return;
    free((*news)->header);
    free(*news);
    *news = NULL;
}

static json_t *failures(const struct pixel_map *map)
{
    json_t *list = json_array();
    for (size_t m = 0; m < map->n_element; m++)
        if (map->state[m] == PIXEL_FAILED)
            json_array_append_new(
                list, json_pack("{si, s[f, f], sf, sf}", "element", (int)m, "mask",
                                (double)crealf(map->mask[m]), (double)cimagf(map->mask[m]), "sigma",
                                (double)map->sigma_of[m], "log_odds", (double)map->log_odds[m]));
    return list;
}

static json_t *array(const char *name, const char *dtype, size_t n)
{
    return json_pack("{ss, ss, s[I]}", "name", name, "dtype", dtype, "shape", (json_int_t)n);
}

char *pixel_news_format(const struct pixel_map *map, const struct pixel_store_head *head,
                        uint64_t dropped)
{
    const size_t m = map->n_element;
    json_t *root =
        json_pack("{si, ss, ss, sI, sf, ss, ss, si, si}", "v", 1, "type", "calib", "kind", "pixels",
                  "cycle", (json_int_t)map->cycle, "time_s", map->time_s, "board", head->board,
                  "serial", head->serial, "columns", (int)head->columns, "rows", (int)head->rows);
    json_t *more = json_pack(
        "{sI, sI, sI, sI, si, sf, so, s[o, o, o, o]}", "used", (json_int_t)map->used, "repeated",
        (json_int_t)map->repeated, "unexplained", (json_int_t)map->unexplained, "dropped",
        (json_int_t)dropped, "unknown", (int)map->unknown, "sigma", (double)map->sigma, "failed",
        failures(map), "arrays", array("mask", "c8", m), array("sigma", "f4", m),
        array("log_odds", "f4", m), array("state", "u1", m));
    json_object_update(root, more);
    json_decref(more);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(root);
    return text;
}

static char *format(const struct pixel_news *n, size_t ris)
{
    struct calib_counters counters;
    calib_worker_counters(n->cfg.worker, &counters);
    return pixel_news_format(&n->surface[ris].map, &n->cfg.head[ris], counters.dropped);
}

static size_t pack(const struct pixel_map *map, uint8_t *out)
{
    const size_t m = map->n_element;
    memcpy(out, map->mask, m * sizeof *map->mask);
    memcpy(out + 8 * m, map->sigma_of, m * sizeof *map->sigma_of);
    memcpy(out + 12 * m, map->log_odds, m * sizeof *map->log_odds);
    memcpy(out + 16 * m, map->state, m);
    return 17 * m;
}

/* What broke and what recovered since the last snapshot. */
static bool tell_changes(struct pixel_news *n, size_t ris)
{
    struct surface_news *s = &n->surface[ris];
    const char *board = n->cfg.head[ris].board;
    size_t changes = 0;
    for (size_t m = 0; m < s->map.n_element; m++) {
        bool failed = s->map.state[m] == PIXEL_FAILED;
        if (failed == (s->state[m] == PIXEL_FAILED) || ++changes > WORDS)
            continue;
        if (failed)
            log_warn("%s: pixel %zu is broken: it reflects %.2f of what it should, turned by %.2f "
                     "rad (deviation %.2f)",
                     board, m, (double)cabsf(s->map.mask[m]), (double)cargf(s->map.mask[m]),
                     (double)s->map.sigma_of[m]);
        else
            log_info("%s: pixel %zu has recovered", board, m);
    }
    if (changes > WORDS)
        log_warn("%s: %zu more pixels changed; %zu are broken now", board, changes - WORDS,
                 s->map.failed);
    memcpy(s->state, s->map.state, sizeof s->state);
    return changes > 0;
}

static void save(struct pixel_news *n, size_t ris)
{
    struct surface_news *s = &n->surface[ris];
    char path[BS_TEXT + 64];
    struct status err = {0};
    pixel_store_path(n->cfg.cfg->run.state_dir, &n->cfg.head[ris], path, sizeof path);
    if (pixel_store_write(path, &n->cfg.head[ris], &s->map, &err))
        log_error("%s", err.text);
    s->unsaved = false;
    s->saved_ns = clock_ns();
}

bool pixel_news_take(struct pixel_news *n, struct pixel_message *out)
{
    for (size_t ris = 0; ris < BS_RIS; ris++) {
        struct surface_news *s = &n->surface[ris];
        if (!calib_worker_latest(n->cfg.worker, ris, &s->version, &s->map))
            continue;
        s->unsaved = true;
        if (tell_changes(n, ris) || clock_ns() - s->saved_ns > SAVE_EVERY_NS)
            save(n, ris);
        free(n->header);
        n->header = format(n, ris);
        if (!n->header)
            continue;
        *out = (struct pixel_message){n->header, strlen(n->header), n->arrays,
                                      pack(&s->map, n->arrays)};
        return true;
    }
    return false;
}

void pixel_news_save(struct pixel_news *n)
{
    for (size_t ris = 0; ris < BS_RIS; ris++)
        if (n->surface[ris].unsaved)
            save(n, ris);
}
