/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The driver functions of every board that speaks the packet protocol. Its struct board starts with
 * the struct packet_board. Contracts: board.h. */
#pragma once
#include "ris_ctrl/packet_board.h"

int packet_driver_load(struct board *b, uint16_t slot, const uint8_t *pattern,
                       struct board_ack *ack, struct status *err);
int packet_driver_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                      struct status *err);
int packet_driver_apply(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                        struct status *err);
int packet_driver_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                          struct status *err);
int packet_driver_readback(struct board *b, uint16_t slot, struct board_readback *out,
                           struct status *err);
int packet_driver_status(struct board *b, struct board_status *out, struct status *err);
