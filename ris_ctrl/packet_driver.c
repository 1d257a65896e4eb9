/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/packet_driver.h"

static struct packet_board *packet_of(struct board *b)
{
    return (struct packet_board *)(void *)b;
}

int packet_driver_load(struct board *b, uint16_t slot, const uint8_t *pattern,
                       struct board_ack *ack, struct status *err)
{
    return packet_board_load(packet_of(b), slot, pattern, ack, err);
}

int packet_driver_arm(struct board *b, const struct ris_arm *arm, struct board_ack *ack,
                      struct status *err)
{
    return packet_board_arm(packet_of(b), arm, ack, err);
}

int packet_driver_apply(struct board *b, uint16_t slot, enum ris_when when, struct board_ack *ack,
                        struct status *err)
{
    return packet_board_apply(packet_of(b), slot, when, ack, err);
}

int packet_driver_trigger(struct board *b, enum ris_trigger source, struct board_ack *ack,
                          struct status *err)
{
    return packet_board_trigger(packet_of(b), source, ack, err);
}

int packet_driver_readback(struct board *b, uint16_t slot, struct board_readback *out,
                           struct status *err)
{
    return packet_board_readback(packet_of(b), slot, out, err);
}

int packet_driver_status(struct board *b, struct board_status *out, struct status *err)
{
    return packet_board_status(packet_of(b), out, err);
}
