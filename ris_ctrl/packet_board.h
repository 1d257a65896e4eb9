/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands of a board that speaks the packet protocol, whatever carries the bytes. Errors as in
 * board.h. */
#pragma once
#include "ris_ctrl/board.h"
#include "ris_ctrl/packet_link.h"

struct packet_board {
    struct packet_link link;
    struct ris_shape shape;
    uint32_t boot_id; /* of the session opened */
};

/* Opens a session over link: asks who is there and refuses a board that is not the one configured
 * (ERR_ARG). */
int packet_board_hello(struct packet_board *b, const struct board_cfg *cfg,
                       struct status *err) MUST_CHECK;

int packet_board_load(struct packet_board *b, uint16_t slot, const uint8_t *pattern,
                      struct board_ack *ack, struct status *err) MUST_CHECK;
int packet_board_arm(struct packet_board *b, const struct ris_arm *arm, struct board_ack *ack,
                     struct status *err) MUST_CHECK;
int packet_board_apply(struct packet_board *b, uint16_t slot, enum ris_when when,
                       struct board_ack *ack, struct status *err) MUST_CHECK;
int packet_board_trigger(struct packet_board *b, enum ris_trigger source, struct board_ack *ack,
                         struct status *err) MUST_CHECK;
int packet_board_readback(struct packet_board *b, uint16_t slot, struct board_readback *out,
                          struct status *err) MUST_CHECK;
/* ERR_IO when the board answers but has been reset since hello: its slots are empty. */
int packet_board_status(struct packet_board *b, struct board_status *out,
                        struct status *err) MUST_CHECK;
