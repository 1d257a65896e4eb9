/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Driver of a real board with our firmware on a serial line (or on the socket that an emulator
 * offers in its place). */
#include "base/log.h"
#include "ris_ctrl/clock.h"
#include "ris_ctrl/packet_driver.h"
#include "ris_ctrl/stream_port.h"
#include <stdlib.h>
#include <unistd.h>

struct board {
    struct packet_board packet; /* first: packet_driver.h */
    struct board_cfg cfg;
};

static void serial_close(struct board **board)
{
    if (*board == NULL)
        return;
    if ((*board)->packet.link.fd >= 0)
        stream_port_close((*board)->packet.link.fd);
    free(*board);
    *board = NULL;
}

static struct board *serial_open(const struct board_cfg *cfg, struct status *err)
{
    struct board *b = calloc(1, sizeof *b);
    if (b == NULL) {
        status_set(err, ERR_NO_MEMORY, "board %s: no memory; close other programs", cfg->name);
        return NULL;
    }
    b->cfg = *cfg;
    int fd = stream_port_open(cfg->port, cfg->baud, cfg->ack_timeout_ms, cfg->name, err);
    packet_link_init(&b->packet.link, fd, b->cfg.name, (uint16_t)clock_us());
    if (fd < 0 || packet_board_hello(&b->packet, cfg, err) != OK)
        serial_close(&b);
    return b;
}

const struct board_driver board_serial = {
    .name = "serial",
    .plays_sequences = true,
    .open = serial_open,
    .close = serial_close,
    .load = packet_driver_load,
    .arm = packet_driver_arm,
    .apply = packet_driver_apply,
    .trigger = packet_driver_trigger,
    .readback = packet_driver_readback,
    .status = packet_driver_status,
};
