/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/config.h"

#include <string.h>

#define WORD_MAX 63

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), before[WORD_MAX + 1] = {0}, last[WORD_MAX + 1], now[WORD_MAX + 1];
    for (size_t j = 0; j <= n; j++)
        last[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min_of(replace, min_of(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = min_of(now[j], before[j - 2] + 1);
        }
        memcpy(before, last, sizeof before);
        memcpy(last, now, sizeof last);
    }
    return last[n];
}

const char *config_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t length = strlen(word);
    if (length == 0 || length > WORD_MAX)
        return NULL;
    size_t limit = length < 4 ? 1 : 1 + length / 4;
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(candidates[i]) > WORD_MAX)
            continue;
        size_t d = distance(word, candidates[i]);
        if (d <= limit) {
            limit = d - (d > 0);
            best = candidates[i];
            if (d == 0)
                break;
        }
    }
    return best;
}
