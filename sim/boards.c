/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/boards.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { MAX_EDGES = 256 };

struct edge {
    int64_t tick;
    uint32_t rising, falling;
};

/* How far a board has come in its sequence: edges taken, and the tick of the last of them. */
struct progress {
    unsigned used;
    int64_t edge;
};

struct board {
    const struct scene_ris *surface;
    struct ris_shape shape;
    struct ris_report report; /* patterns and idle point into the storage below */
    uint8_t patterns[RIS_STEPS_MAX * RIS_PATTERN_MAX];
    uint8_t idle[RIS_PATTERN_MAX];
    int64_t since;        /* tick the report took hold */
    struct progress past; /* after the edges already forgotten */
};

struct boards {
    double ticks_per_ns;
    size_t n;
    struct board board[SCENE_MAX_RIS];
    struct edge edges[MAX_EDGES]; /* by rising tick */
    size_t n_edges;
    unsigned lost;
};

struct boards *boards_create(const struct scene *scene, struct status *err)
{
    struct boards *boards = calloc(1, sizeof *boards);
    if (!boards) {
        status_set(err, ERR_NO_MEMORY, "no memory for the boards");
        return NULL;
    }
    boards->ticks_per_ns = scene->rate_hz * 1e-9;
    boards->n = scene->n_ris;
    for (size_t i = 0; i < scene->n_ris; i++) {
        const struct scene_ris *s = &scene->ris[i];
        struct board *b = &boards->board[i];
        b->surface = s;
        b->shape = (struct ris_shape){(uint8_t)s->columns, (uint8_t)s->rows, (uint8_t)s->bits};
        b->report = (struct ris_report){.kind = RIS_REPORT_DISARM, .shape = b->shape};
    }
    return boards;
}

void boards_destroy(struct boards **boards)
{
    if (!boards)
        return;
    free(*boards);
    *boards = NULL;
}

struct ris_shape boards_shape(const struct boards *boards, size_t ris)
{
    assert(ris < boards->n);
    return boards->board[ris].shape;
}

unsigned boards_lost_edges(const struct boards *boards)
{
    return boards->lost;
}

int boards_report(struct boards *boards, const struct ris_report *report, int64_t tick, size_t *ris,
                  struct status *err)
{
    size_t i = 0;
    while (i < boards->n && strcmp(boards->board[i].surface->board, report->board))
        i++;
    if (i == boards->n)
        return status_set(err, ERR_NOT_FOUND,
                          "board '%s' reports, but no RIS of the scene names it; set ris[].board",
                          report->board);
    struct board *b = &boards->board[i];
    if (!ris_shape_equal(report->shape, b->shape))
        return status_set(err, ERR_ARG,
                          "board '%s' is %u x %u of %u bits, the scene's is %u x %u of %u; make "
                          "them agree",
                          report->board, report->shape.columns, report->shape.rows,
                          report->shape.bits, b->shape.columns, b->shape.rows, b->shape.bits);
    size_t bytes = ris_pattern_bytes(b->shape);
    b->report = *report;
    memcpy(b->idle, report->idle, bytes);
    if (report->n_steps)
        memcpy(b->patterns, report->patterns, report->n_steps * bytes);
    b->report.idle = b->idle;
    b->report.patterns = b->patterns;
    b->since = tick;
    b->past = (struct progress){0};
    *ris = i;
    return 0;
}

void boards_edge(struct boards *boards, int64_t tick, uint32_t rising, uint32_t falling)
{
    if (boards->n_edges == MAX_EDGES) { /* nobody plans 256 edges ahead: drop the latest */
        boards->lost++;
        return;
    }
    size_t at = boards->n_edges++;
    for (; at > 0 && boards->edges[at - 1].tick > tick; at--)
        boards->edges[at] = boards->edges[at - 1];
    boards->edges[at] = (struct edge){tick, rising, falling};
}

/* --- sequences ---------------------------------------------------------------------------- */

/* Steps after an edge, idle not counted; one that never ends for APPLY_AT_EDGE. */
static int64_t n_steps(const struct board *b, unsigned edge)
{
    if (b->report.kind == RIS_REPORT_APPLY_AT_EDGE)
        return 1;
    return (int64_t)b->report.reps[edge] * b->report.n_steps;
}

/* Tick at which step k of the running edge is latched. */
static int64_t latch_tick(const struct boards *boards, const struct board *b,
                          const struct progress *p, int64_t k)
{
    double ns = b->report.delay_ns + (double)k * b->report.period_ns;
    return p->edge + llround(ns * boards->ticks_per_ns);
}

static bool takes(const struct board *b, const struct edge *edge)
{
    uint32_t pins = b->report.trigger == RIS_TRIGGER_RISING    ? edge->rising
                    : b->report.trigger == RIS_TRIGGER_FALLING ? edge->falling
                                                               : 0;
    return edge->tick >= b->since && (pins >> b->surface->trigger_pin & 1);
}

/* One more edge. Returns false when the board was still running and missed it. */
static bool advance(const struct boards *boards, const struct board *b, const struct edge *edge,
                    struct progress *p)
{
    if (!takes(b, edge) || p->used >= b->report.n_edges)
        return true;
    if (p->used && edge->tick < latch_tick(boards, b, p, n_steps(b, p->used - 1)))
        return false;
    p->used++;
    p->edge = edge->tick;
    return true;
}

void boards_forget(struct boards *boards, int64_t tick)
{
    size_t done = 0;
    for (; done < boards->n_edges && boards->edges[done].tick < tick; done++)
        for (size_t i = 0; i < boards->n; i++)
            if (!advance(boards, &boards->board[i], &boards->edges[done], &boards->board[i].past))
                boards->lost++;
    boards->n_edges -= done;
    memmove(boards->edges, boards->edges + done, boards->n_edges * sizeof *boards->edges);
}

/* Last step latched at or before tick; -1 before the first. */
static int64_t step_at(const struct boards *boards, const struct board *b, const struct progress *p,
                       int64_t tick)
{
    int64_t total = n_steps(b, p->used - 1), lo = -1, hi = total;
    while (lo < hi) { /* greatest k in [-1, total] whose latch is not later than tick */
        int64_t k = lo + (hi - lo + 1) / 2;
        if (latch_tick(boards, b, p, k) <= tick)
            lo = k;
        else
            hi = k - 1;
    }
    return lo;
}

const uint8_t *boards_pattern(const struct boards *boards, size_t ris, int64_t tick, int64_t *next)
{
    assert(ris < boards->n);
    const struct board *b = &boards->board[ris];
    struct progress p = b->past;
    *next = BOARDS_NEVER;
    for (size_t i = 0; i < boards->n_edges; i++) {
        if (boards->edges[i].tick > tick) {
            *next = boards->edges[i].tick;
            break;
        }
        advance(boards, b, &boards->edges[i], &p);
    }
    if (p.used == 0)
        return b->idle;
    int64_t k = step_at(boards, b, &p, tick), total = n_steps(b, p.used - 1);
    bool stays = b->report.kind == RIS_REPORT_APPLY_AT_EDGE;
    if (k < total && !(stays && k >= 0)) {
        int64_t latch = latch_tick(boards, b, &p, k + 1);
        if (latch < *next)
            *next = latch;
    }
    if (k < 0 || (k >= total && !stays))
        return b->idle;
    return ris_report_step(&b->report, stays ? 0 : (uint32_t)k);
}
