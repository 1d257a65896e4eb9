/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an OpenSourceRIS board, or noise on its line, says. Whatever is taken for an answer is one
 * by the rules of docs/ris-protocol.md, read anew here from the bytes themselves. */
#include "fuzz.h"

#include "ris_ctrl/opensource_text.h"

/* The line's characters up to the newline, without a carriage return at either end. */
static size_t strip(const uint8_t **line, size_t n)
{
    while (n > 0 && **line == '\r')
        (*line)++, n--;
    while (n > 0 && (*line)[n - 1] == '\r')
        n--;
    return n;
}

static void check_pattern(const struct opensource_answer *a, const uint8_t *line, size_t n)
{
    char again[OPENSOURCE_SHOW_MAX + 1];
    uint8_t pattern[OPENSOURCE_BYTES];
    FUZZ_CHECK(n == 67 && line[1] == '0' && (line[2] | 0x20) == 'x');
    opensource_answer_pattern(a, pattern);
    opensource_show(pattern, again);
    FUZZ_CHECK(again[OPENSOURCE_SHOW_MAX - 1] == '\n' && again[OPENSOURCE_SHOW_MAX] == '\0');
    for (size_t i = 3; i < n; i++)
        FUZZ_CHECK((line[i] > '9' ? line[i] & 0xdf : line[i]) == (uint8_t)again[i]);
}

static void check(const struct opensource_answer *a, enum opensource_kind kind, const uint8_t *line,
                  size_t n)
{
    n = strip(&line, n);
    FUZZ_CHECK((kind == OPENSOURCE_NONE) == (n == 0 || line[0] != '#'));
    if (kind == OPENSOURCE_NONE || kind == OPENSOURCE_BAD)
        return;
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
    FUZZ_CHECK(n >= 2 && (kind == OPENSOURCE_OK) == (n == 3 && memcmp(line, "#OK", 3) == 0));
    FUZZ_CHECK((kind == OPENSOURCE_READY) == (n == 7 && memcmp(line, "#READY!", 7) == 0));
    if (kind == OPENSOURCE_PATTERN)
        check_pattern(a, line, n);
    if (kind == OPENSOURCE_WORD) {
        const char *word = opensource_answer_word(a);
        FUZZ_CHECK(n - 1 <= OPENSOURCE_WORD_MAX && strlen(word) == n - 1);
        FUZZ_CHECK(memcmp(word, line + 1, n - 1) == 0);
        FUZZ_CHECK(opensource_millivolts(word) < 60000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct opensource_answer a = {.n = 0};
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        enum opensource_kind kind = opensource_answer_push(&a, bytes[i]);
        FUZZ_CHECK(a.n < sizeof a.line);
        if (bytes[i] == '\n') {
            check(&a, kind, bytes + start, i - start);
            start = i + 1;
        } else {
            FUZZ_CHECK(kind == OPENSOURCE_NONE);
        }
    }
    return 0;
}
