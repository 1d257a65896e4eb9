/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What clients of mirador-ris send: JSON up to the first zero byte, the pattern behind it. */
#include "fuzz.h"

#include "ris_ctrl/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct command c;
    struct status err;
    const uint8_t *zero = n > 0 ? memchr(bytes, 0, n) : NULL;
    size_t n_json = zero != NULL ? (size_t)(zero - bytes) : n;
    const uint8_t *pattern = zero != NULL ? zero + 1 : NULL;
    int r = command_parse(bytes, n_json, pattern, zero != NULL ? n - n_json - 1 : 0, &c, &err);
    FUZZ_CHECK(r == OK || r == ERR_FORMAT || r == ERR_ARG);
    FUZZ_CHECK(r == err.code);
    if (r != OK) {
        FUZZ_CHECK(strlen(err.text) > 0);
        return 0;
    }
    FUZZ_CHECK(c.kind < COMMAND_STOP);
    FUZZ_CHECK(strlen(c.board) <= RIS_NAME_MAX && strlen(c.name) < sizeof c.name);
    FUZZ_CHECK(c.by_ns >= 0);
    if ((c.kind == COMMAND_LOAD && c.name[0] == '\0') || c.kind == COMMAND_SAVE)
        FUZZ_CHECK(ris_pattern_valid(c.shape, c.pattern));
    if (c.kind == COMMAND_ARM)
        FUZZ_CHECK(c.arm.n_steps >= 1 && c.arm.n_steps <= RIS_STEPS_MAX && c.arm.n_edges >= 1 &&
                   c.arm.n_edges <= RIS_EDGES_MAX && c.arm.period_ns > 0);
    return 0;
}
