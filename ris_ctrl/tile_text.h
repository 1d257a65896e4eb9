/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What goes over the wire to and from a tile server (docs/ris-protocol.md): a frame of text there,
 * one letter back. Letters carry no number, so one too many means that nobody knows any more which
 * frame the next one belongs to: only a new connection helps. No heap, no clock. */
#pragma once
#include "frames/ris_packet.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TILE_FRAME_MAX (2 + 2 * 8 * RIS_PATTERN_MAX)

/* Writes the frame of a tile, 0..99, into frame [TILE_FRAME_MAX]. Returns its length. */
size_t tile_frame(struct ris_shape shape, unsigned tile, const uint8_t *pattern, char *frame);

enum tile_said {
    TILE_NOTHING, /* no letter of the protocol */
    TILE_DONE,
    TILE_REFUSED,
    TILE_STRAY, /* an answer that nobody waits for; from now on all are */
};

struct tile_line { /* of one connection; all zero at its start */
    bool waiting;  /* a frame is out */
    bool strayed;
};

void tile_line_sent(struct tile_line *t);
enum tile_said tile_line_push(struct tile_line *t, uint8_t byte);
