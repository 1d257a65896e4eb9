/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a tile server says. The input is a script: a zero byte sends a frame, 0xff makes a new
 * connection, every other byte comes from the server. No letter answers two frames, and after one
 * too many nothing is believed on that connection. */
#include "fuzz.h"

#include "ris_ctrl/tile_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tile_line line = {.waiting = false};
    bool out = false, lost = false;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == 0) {
            tile_line_sent(&line);
            out = true;
            continue;
        }
        if (bytes[i] == 0xff) {
            line = (struct tile_line){.waiting = false};
            out = lost = false;
            continue;
        }
        enum tile_said said = tile_line_push(&line, bytes[i]);
        bool letter = bytes[i] == 'a' || bytes[i] == 'b';
        FUZZ_CHECK(letter == (said != TILE_NOTHING));
        if (!letter)
            continue;
        lost |= !out;
        out = false;
        FUZZ_CHECK(lost == (said == TILE_STRAY) && lost == line.strayed);
        FUZZ_CHECK(lost || (said == TILE_DONE) == (bytes[i] == 'a'));
    }
    return 0;
}
