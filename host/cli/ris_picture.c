/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_picture.h"

static const char *cell(unsigned bits, unsigned state, bool blocks)
{
    static const char *const digits[] = {"0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 "};
    static const char *const shades[] = {"  ", "░░", "▒▒", "▓▓"};
    if (bits == 1 && blocks)
        return state ? "██" : "··";
    if (bits == 1)
        return state ? "##" : ". ";
    return bits == 2 && blocks ? shades[state] : digits[state];
}

void ris_picture_print(FILE *out, struct ris_shape shape, const uint8_t *pattern, bool blocks)
{
    for (unsigned row = shape.rows; row-- > 0;) {
        fprintf(out, "%3u ", row);
        for (unsigned column = 0; column < shape.columns; column++) {
            size_t m = (size_t)row * shape.columns + column;
            fputs(cell(shape.bits, ris_pattern_get(shape, pattern, m), blocks), out);
        }
        fputc('\n', out);
    }
}
