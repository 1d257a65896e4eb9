/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/opensource_text.h"
#include <string.h>

#define MILLIVOLTS_MAX 60000 /* no such board runs on more */

/* ---- answers ---- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_pattern(const char *line, size_t n)
{
    if (n != OPENSOURCE_LINE_MAX || line[1] != '0' || (line[2] != 'x' && line[2] != 'X'))
        return false;
    for (size_t i = 3; i < n; i++)
        if (digit_value(line[i]) < 0)
            return false;
    return true;
}

static enum opensource_kind kind_of(const struct opensource_answer *a)
{
    if (a->n == 0 || a->line[0] != '#')
        return OPENSOURCE_NONE;
    if (a->damaged || a->n == 1)
        return OPENSOURCE_BAD;
    if (strcmp(a->line, "#OK") == 0)
        return OPENSOURCE_OK;
    if (strcmp(a->line, "#READY!") == 0)
        return OPENSOURCE_READY;
    if (is_pattern(a->line, a->n))
        return OPENSOURCE_PATTERN;
    return a->n - 1 <= OPENSOURCE_WORD_MAX ? OPENSOURCE_WORD : OPENSOURCE_BAD;
}

enum opensource_kind opensource_answer_push(struct opensource_answer *a, uint8_t byte)
{
    if (a->ended)
        *a = (struct opensource_answer){.n = 0};
    if (byte == '\n') {
        a->ended = true;
        a->line[a->n] = '\0';
        return kind_of(a);
    }
    if (byte == '\r') { /* belongs to the newline, on whichever side of it */
        a->turned = a->n > 0;
        return OPENSOURCE_NONE;
    }
    a->damaged |= a->turned || byte < ' ' || byte > '~' || a->n == OPENSOURCE_LINE_MAX;
    if (a->n < OPENSOURCE_LINE_MAX)
        a->line[a->n++] = (char)byte;
    return OPENSOURCE_NONE;
}

const char *opensource_answer_word(const struct opensource_answer *a)
{
    return a->line + 1;
}

/* ---- patterns: hex digits, first digit's top bit is element 0 ---- */

static uint8_t reversed(uint8_t x)
{
    x = (uint8_t)((x & 0xf0) >> 4 | (x & 0x0f) << 4);
    x = (uint8_t)((x & 0xcc) >> 2 | (x & 0x33) << 2);
    return (uint8_t)((x & 0xaa) >> 1 | (x & 0x55) << 1);
}

void opensource_answer_pattern(const struct opensource_answer *a, uint8_t *pattern)
{
    for (size_t i = 0; i < OPENSOURCE_BYTES; i++)
        pattern[i] = reversed(
            (uint8_t)(digit_value(a->line[3 + 2 * i]) << 4 | digit_value(a->line[4 + 2 * i])));
}

void opensource_show(const uint8_t *pattern, char line[OPENSOURCE_SHOW_MAX + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    memcpy(line, "!0x", 3);
    for (size_t i = 0; i < OPENSOURCE_BYTES; i++) {
        uint8_t x = reversed(pattern[i]);
        line[3 + 2 * i] = digits[x >> 4];
        line[4 + 2 * i] = digits[x & 15];
    }
    memcpy(line + OPENSOURCE_LINE_MAX, "\n", 2);
}

/* ---- numbers ---- */

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

uint16_t opensource_millivolts(const char *word)
{
    uint32_t mv = 0;
    for (; is_decimal(*word) && mv < MILLIVOLTS_MAX; word++)
        mv = 10 * mv + 1000 * (uint32_t)(*word - '0');
    word += *word == '.';
    for (uint32_t unit = 100; is_decimal(*word); word++, unit /= 10)
        mv += unit * (uint32_t)(*word - '0');
    word += *word == ' ';
    word += *word == 'V';
    return *word == '\0' && mv < MILLIVOLTS_MAX ? (uint16_t)mv : 0;
}
