/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies of mirador-ris: one flat JSON object (only the list of boards nests). */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/command.h"
#include "ris_ctrl/library.h"

#define REPLY_MAX 16384 /* bytes of JSON */

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
    bool plays_sequences; /* at the edges of a trigger */
    double spacing_m;     /* between elements */
    struct status absent; /* why it is, OK while the board is present */
    const bool *dead;     /* [columns] that do not switch, NULL = none */
    const double *states; /* [2 << bits] amplitude and phase [rad] of each, NULL = not measured */
};

/* err->text "what; cure" becomes the keys error and cure. board may be "". silent: the board
 * answered none of its tries. */
void reply_error(struct reply *reply, uint64_t seq, const char *board, const struct status *err,
                 bool silent);
void reply_ack(struct reply *reply, const struct command *c, const struct board_ack *ack,
               int64_t elapsed_us);
void reply_readback(struct reply *reply, const struct command *c, const struct board_readback *r,
                    int64_t elapsed_us);
/* s NULL: the board is absent. */
void reply_status(struct reply *reply, const struct command *c, const struct board_entry *entry,
                  const struct board_status *s, int64_t elapsed_us);
/* publish: endpoint of the PUB of changes, "" = none. */
void reply_boards(struct reply *reply, uint64_t seq, const struct board_entry *entries, size_t n,
                  const char *publish);
void reply_profiles(struct reply *reply, const struct command *c,
                    const struct library_entry *entries, size_t n);
/* For save and delete, which have nothing more to tell. */
void reply_stored(struct reply *reply, const struct command *c, uint64_t hash);

/* What the PUB carries: a change of a board, or of what is known of it. */
void reply_event(struct reply *reply, const char *board, const char *event, uint64_t hash,
                 const char *text);
