/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/tile_text.h"

/* Two digits of the tile, then every element's bits, top bit first: a space between values, a
 * semicolon between rows. */
size_t tile_frame(struct ris_shape s, unsigned tile, const uint8_t *pattern, char *frame)
{
    size_t n = 0;
    frame[n++] = (char)('0' + tile / 10 % 10);
    frame[n++] = (char)('0' + tile % 10);
    for (size_t m = 0; m < (size_t)s.columns * s.rows; m++)
        for (unsigned bit = s.bits; bit-- > 0;) {
            if (n > 2)
                frame[n++] = m % s.columns == 0 && bit + 1 == s.bits ? ';' : ' ';
            frame[n++] = (char)('0' + (ris_pattern_get(s, pattern, m) >> bit & 1));
        }
    return n;
}

void tile_line_sent(struct tile_line *t)
{
    t->waiting = true;
}

enum tile_said tile_line_push(struct tile_line *t, uint8_t byte)
{
    if (byte != 'a' && byte != 'b')
        return TILE_NOTHING;
    t->strayed |= !t->waiting;
    t->waiting = false;
    if (t->strayed)
        return TILE_STRAY;
    return byte == 'a' ? TILE_DONE : TILE_REFUSED;
}
