/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ZeroMQ ROUTER of mirador-ris: hands each command to its board's worker and each answer back
 * to its client. One thread. */
#pragma once
#include "ris_ctrl/ris_config.h"

struct sockets;
struct service;

/* Binds the endpoint and opens all boards, in parallel. A board that is away is named in the log,
 * refused to clients with the reason, and tried again until it is there. NULL when the endpoint is
 * taken or a configuration cannot be right, says which in *err. */
struct service *service_create(const struct ris_config *cfg, struct sockets *sockets,
                               struct status *err);

/* Serves until a stop is requested (base/options.h). Returns 0, or ERR_IO. */
int service_run(struct service *s, struct status *err) MUST_CHECK;

void service_destroy(struct service **service); /* accepts NULL */
