/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies of mirador-ris: one flat JSON object (only the list of boards nests). */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/command.h"

#define REPLY_MAX 4096 /* bytes of JSON */

struct reply {
    size_t n; /* bytes of text */
    char text[REPLY_MAX];
    size_t n_pattern; /* second frame, 0 = none */
    uint8_t pattern[RIS_PATTERN_MAX];
};

/* What one board is, for status and the list of boards. */
struct board_entry {
    const char *name, *driver;
    struct ris_shape shape;
    uint16_t n_slots;
    double spacing_m; /* between elements */
    bool present;
};

/* err->text "what; cure" becomes the keys error and cure. board may be "". */
void reply_error(struct reply *reply, uint64_t seq, const char *board, const struct status *err);
void reply_ack(struct reply *reply, const struct command *c, const struct board_ack *ack,
               int64_t elapsed_us);
void reply_readback(struct reply *reply, const struct command *c, const struct board_readback *r,
                    int64_t elapsed_us);
void reply_status(struct reply *reply, const struct command *c, const struct board_entry *entry,
                  const struct board_status *s, int64_t elapsed_us);
void reply_boards(struct reply *reply, uint64_t seq, const struct board_entry *entries, size_t n);
