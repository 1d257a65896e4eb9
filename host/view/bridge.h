/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The server behind the live page, over libwebsockets: files of the page by HTTP, telemetry and
 * commands by WebSocket (protocol "mirador.1", docs/view.md). A browser gets at most
 * BRIDGE_RATE_HZ frames a second, each with what is new since its last one; one that does not keep
 * up misses what was replaced meanwhile and costs no memory. One thread. */
#pragma once
#include "host/view/view_config.h"

enum {
    BRIDGE_CLIENTS = 16,
    BRIDGE_RATE_HZ = 20,
    BRIDGE_COMMAND_BYTES = 4096,     /* longest message of a page */
    BRIDGE_FRAME_BYTES = 256 * 1024, /* longest message to a page */
    BRIDGE_COMMANDS_S = 5,           /* a second, after a burst of four times as many */
    BRIDGE_UNPROVEN_S = 5,           /* time to show the token */
};

struct bridge;

/* Setup only. cfg outlives the bridge. NULL: the port is taken (ERR_BUSY), or other faults that
 * *err explains. */
struct bridge *bridge_create(const struct view_cfg *cfg, struct status *err);
void bridge_destroy(struct bridge **bridge);

int bridge_port(const struct bridge *bridge);
/* What a page must show, a secret; "" = nothing. Lives as long as the bridge. */
const char *bridge_token(const struct bridge *bridge);

/* Serves until a stop is requested. */
void bridge_run(struct bridge *bridge);
