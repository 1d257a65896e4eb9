/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Carries the static profile of one board to disk in a thread of its own, so that neither the board
 * nor its clients wait for a disk. What is on disk is always a whole profile that was shown; behind
 * a crash it may be the one before the last. */
#pragma once
#include "ris_ctrl/library.h"

struct keeper;

/* Copies library. NULL without memory or threads. */
struct keeper *keeper_create(const struct library *library, struct status *err);

/* To be written as soon as the disk is free; of several that wait only the last is. One thread. */
void keeper_put(struct keeper *k, uint16_t slot, const uint8_t *pattern);

/* Writes what waits, then ends the thread; accepts NULL. */
void keeper_destroy(struct keeper **keeper);
