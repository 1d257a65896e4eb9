/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data link's part of what `mirador watch` shows, from `health`. */
#pragma once
#include <jansson.h>
#include <stdio.h>

/* Figures both ways, beam and queue of every user, each line ended by `end`. Nothing without a
 * link. */
void watch_link_screen(const json_t *health, const char *end, FILE *out);
/* Those of one user in a few words, with a leading "; ", or nothing. */
void watch_link_words(const json_t *health, int user, FILE *out);
