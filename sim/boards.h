/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the RIS boards of a scene show, tick by tick: their reports arm sequences, edges of the
 * trigger line start them, and from both follow the ticks at which each pattern is latched. Pure
 * state, no clock and no socket. Not thread-safe. */
#pragma once
#include "frames/ris_report.h"
#include "sim/scene.h"

#define BOARDS_NEVER INT64_MAX

struct boards;

/* Setup only. scene must outlive it. All boards start dark: pattern all zero. NULL: no memory. */
struct boards *boards_create(const struct scene *scene, struct status *err);
void boards_destroy(struct boards **boards);

/* A report takes hold at tick: its idle pattern shows from there on. *ris is the surface concerned.
 * ERR_NOT_FOUND: the scene has no such board. ERR_ARG: another shape than the scene's surface. */
int boards_report(struct boards *boards, const struct ris_report *report, int64_t tick, size_t *ris,
                  struct status *err) MUST_CHECK;

/* An edge of trigger lines at tick: pins of the base station's bank FP0, one bit each. Edges may
 * come in any order and long ahead. */
void boards_edge(struct boards *boards, int64_t tick, uint32_t rising, uint32_t falling);

/* Edges before tick are no longer needed: no report will take hold there. */
void boards_forget(struct boards *boards, int64_t tick);

/* Pattern shown at tick, packed, shape of the scene's surface; valid until the next call of
 * boards_report. *next: first later tick at which it may change, BOARDS_NEVER if none is known. */
const uint8_t *boards_pattern(const struct boards *boards, size_t ris, int64_t tick, int64_t *next);

struct ris_shape boards_shape(const struct boards *boards, size_t ris);

/* Edges since the start that found an armed sequence running, counted when they are forgotten, or
 * that found no place. */
unsigned boards_lost_edges(const struct boards *boards);
