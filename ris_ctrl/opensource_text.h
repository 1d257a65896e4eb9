/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lines of text of an OpenSourceRIS board (docs/ris-protocol.md). Answers are taken byte by
 * byte, whatever the bytes; no heap, no clock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPENSOURCE_SIDE     16
#define OPENSOURCE_BYTES    (OPENSOURCE_SIDE * OPENSOURCE_SIDE / 8)
#define OPENSOURCE_WORD_MAX 23
#define OPENSOURCE_LINE_MAX (3 + 2 * OPENSOURCE_BYTES) /* the longest answer: a pattern */
#define OPENSOURCE_SHOW_MAX (OPENSOURCE_LINE_MAX + 1)  /* the longest command, without a NUL */

enum opensource_kind {
    OPENSOURCE_NONE, /* the line goes on, or was a banner or debugging output */
    OPENSOURCE_OK,
    OPENSOURCE_READY,   /* came up: all elements are at 0 */
    OPENSOURCE_PATTERN, /* 64 digits */
    OPENSOURCE_WORD,    /* 1..OPENSOURCE_WORD_MAX printable characters: a number or a name */
    OPENSOURCE_BAD,     /* an answer that is damaged: unprintable, too long, or empty */
};

struct opensource_answer { /* all zero at the start */
    char line[OPENSOURCE_LINE_MAX + 1];
    size_t n;                    /* characters of the line so far */
    bool ended, damaged, turned; /* turned: a carriage return stands before the next byte */
};

/* The kind of the answer that this byte ends. */
enum opensource_kind opensource_answer_push(struct opensource_answer *a, uint8_t byte);

/* Of the answer that push has just ended. pattern: OPENSOURCE_BYTES, as frames/ris_packet.h. */
void opensource_answer_pattern(const struct opensource_answer *a, uint8_t *pattern);
const char *opensource_answer_word(const struct opensource_answer *a); /* until the next push */

uint16_t opensource_millivolts(const char *word);

/* The command that shows a pattern, with its newline and a NUL. */
void opensource_show(const uint8_t *pattern, char line[OPENSOURCE_SHOW_MAX + 1]);
