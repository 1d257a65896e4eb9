/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_pixels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pixel that healed may still be reported for so long: evidence is forgotten, not deleted. */
#define GRACE_S 30.0

static struct demo_board *board_of(struct demo_pixels *p, const json_t *name)
{
    const char *text = json_string_value(name);
    for (size_t i = 0; text && i < p->n_board; i++)
        if (strcmp(p->board[i].name, text) == 0)
            return &p->board[i];
    if (!text || p->n_board == DEMO_BOARDS)
        return NULL;
    struct demo_board *b = &p->board[p->n_board];
    b->pixel = calloc(DEMO_PIXELS, sizeof *b->pixel);
    if (!b->pixel)
        return NULL;
    snprintf(b->name, sizeof b->name, "%s", text);
    p->n_board++;
    return b;
}

static double number(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

static size_t element_of(const json_t *value)
{
    json_int_t m = json_integer_value(value);
    return m >= 0 && m < DEMO_PIXELS ? (size_t)m : 0;
}

static void take_truth(struct demo_board *b, const json_t *entry, double time_s)
{
    static bool now[DEMO_PIXELS];
    const json_t *elements = json_object_get(entry, "elements");
    memset(now, 0, sizeof now);
    for (size_t i = 0; i < json_array_size(elements); i++) {
        size_t m = element_of(json_array_get(elements, i));
        now[m] = true;
        b->pixel[m].mask[0] = number(json_object_get(entry, "mask_re"), i);
        b->pixel[m].mask[1] = number(json_object_get(entry, "mask_im"), i);
    }
    for (size_t m = 0; m < DEMO_PIXELS; m++) {
        struct demo_pixel *x = &b->pixel[m];
        if (now[m] == x->broken)
            continue;
        x->broken = now[m];
        x->since_s = time_s;
        x->found_s = -1;
    }
}

void demo_pixels_truth(struct demo_pixels *p, const json_t *truth)
{
    const json_t *boards = json_object_get(truth, "boards");
    for (size_t i = 0; i < json_array_size(boards); i++) {
        const json_t *entry = json_array_get(boards, i);
        struct demo_board *b = board_of(p, json_object_get(entry, "board"));
        if (b)
            take_truth(b, entry, json_number_value(json_object_get(truth, "time_s")));
    }
}

static bool take_report(struct demo_board *b, const json_t *failed, double time_s)
{
    static bool now[DEMO_PIXELS];
    bool changed = false;
    memset(now, 0, sizeof now);
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *entry = json_array_get(failed, i), *mask = json_object_get(entry, "mask");
        size_t m = element_of(json_object_get(entry, "element"));
        now[m] = true;
        b->pixel[m].said[0] = number(mask, 0);
        b->pixel[m].said[1] = number(mask, 1);
    }
    for (size_t m = 0; m < DEMO_PIXELS; m++) {
        struct demo_pixel *x = &b->pixel[m];
        if (now[m] && x->broken && x->found_s < 0) {
            x->found_s = time_s;
            b->slowest_s = fmax(b->slowest_s, time_s - x->since_s);
        }
        if (!now[m] && x->reported && !x->broken)
            b->cleared_s = fmax(b->cleared_s, time_s - x->since_s);
        if (now[m] && !x->broken && (x->since_s <= 0 || time_s - x->since_s > GRACE_S))
            b->false_alarms++;
        changed |= now[m] != x->reported;
        x->reported = now[m];
    }
    return changed;
}

bool demo_pixels_report(struct demo_pixels *p, const json_t *calib)
{
    struct demo_board *b = board_of(p, json_object_get(calib, "board"));
    if (!b)
        return false;
    b->n_snapshot++;
    b->sigma = json_number_value(json_object_get(calib, "sigma"));
    b->unknown = (size_t)json_integer_value(json_object_get(calib, "unknown"));
    b->used = (size_t)json_integer_value(json_object_get(calib, "used"));
    return take_report(b, json_object_get(calib, "failed"),
                       json_number_value(json_object_get(calib, "time_s")));
}

static json_t *summary_of(const struct demo_board *b)
{
    size_t broken = 0, found = 0;
    double worst = 0;
    for (size_t m = 0; m < DEMO_PIXELS; m++) {
        const struct demo_pixel *x = &b->pixel[m];
        broken += x->broken;
        found += x->broken && x->reported;
        if (x->broken && x->reported)
            worst = fmax(worst, hypot(x->said[0] - x->mask[0], x->said[1] - x->mask[1]));
    }
    return json_pack("{si, si, si, si, sf, sf, sf, sf, si, si}", "snapshots", (int)b->n_snapshot,
                     "broken", (int)broken, "found", (int)found, "false_alarms",
                     (int)b->false_alarms, "worst_error", worst, "slowest_find_s", b->slowest_s,
                     "slowest_clear_s", b->cleared_s, "sigma", b->sigma, "unknown", (int)b->unknown,
                     "trains", (int)b->used);
}

void demo_pixels_summary(const struct demo_pixels *p, json_t *summary)
{
    json_t *boards = json_object();
    for (size_t i = 0; i < p->n_board; i++)
        json_object_set_new(boards, p->board[i].name, summary_of(&p->board[i]));
    json_object_set_new(summary, "pixels", boards);
}

void demo_pixels_clear(struct demo_pixels *p)
{
    for (size_t i = 0; i < p->n_board; i++)
        free(p->board[i].pixel);
    p->n_board = 0;
}
