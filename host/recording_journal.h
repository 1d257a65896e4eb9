/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of a recording's journal: the head, then one per cycle, then the end. Every number comes
 * back bit by bit. Setup and background threads only. */
#pragma once
#include "host/recording.h"
#include <jansson.h>

/* Text without a newline, to free(). NULL without memory. */
char *journal_format_head(const struct recording_head *head);
char *journal_format_cycle(const struct recording_cycle *cycle);
char *journal_format_end(const char *why, uint64_t cycles);

json_t *journal_hash(uint64_t hash); /* 16 hex digits */

enum journal_line { JOURNAL_HEAD, JOURNAL_CYCLE, JOURNAL_END };

struct journal_entry { /* large */
    enum journal_line line;
    struct recording_head head;
    struct recording_cycle cycle;
    char why[RECORDING_TEXT]; /* JOURNAL_END */
};

/* One line of n bytes. ERR_FORMAT: says what is wrong with it. */
int journal_parse(const char *text, size_t n, struct journal_entry *out,
                  struct status *err) MUST_CHECK;
