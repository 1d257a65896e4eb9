/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the data link meets the machine's network, at either side: a TUN interface with plain IP,
 * or a pair of UDP ports on loopback for each user. A thread of its own moves packets between it
 * and the links' queues; it never waits for the radio, nor the radio for it. */
#pragma once
#include "base/config.h"
#include "host/data_link.h"
#include "host/tun.h"

enum { LINK_PORT_USERS = 16, LINK_PORT_NAME = 16, LINK_PORT_NETWORK = 32 };
enum link_port_kind { LINK_PORT_UDP, LINK_PORT_TUN, LINK_PORT_NONE };

struct link_port_cfg { /* keys link.*, the same at both ends */
    int kind;          /* enum link_port_kind */
    char device[LINK_PORT_NAME];
    char network[LINK_PORT_NETWORK];
    int mtu;
    int udp_port; /* of the first user: the user at place p has udp_port + 2 p, and one more */
    int queue;    /* of each link, packets */
    double lifetime_s;
};
extern const struct config_table link_port_table;

/* What a configuration can get wrong. base: of the base station; else user_id is the terminal's.
 * ERR_ARG with the cure; *key: what to look at in the file. */
int link_port_check(const struct link_port_cfg *cfg, bool base, uint32_t user_id, const char **key,
                    struct status *err) MUST_CHECK;

struct link_port_counters {
    uint64_t other;       /* from the machine, not IPv4: a kernel says hello in IPv6 */
    uint64_t unrouted;    /* from the machine, for nobody who is served */
    uint64_t foreign;     /* from a user, under another one's address */
    uint64_t undelivered; /* to the machine, which did not take it */
};

struct link_port;
/* Setup only: opens the device (TUN) and starts the thread. NULL and *err: ERR_ARG, ERR_IO,
 * ERR_BUSY with the cure. */
struct link_port *link_port_create(const struct link_port_cfg *cfg, bool base, uint32_t user_id,
                                   struct status *err);
void link_port_destroy(struct link_port **port); /* ends the thread; the links are left alone */

/* Any thread but the radio's. The link of a user at a place (a terminal has place 0); borrowed
 * until it is detached. Opens the user's UDP ports. Returns 0, ERR_ARG, ERR_BUSY or ERR_IO. */
int link_port_attach(struct link_port *port, size_t place, uint32_t user_id, struct data_link *link,
                     struct status *err) MUST_CHECK;
/* When this returns the thread has let go of the link. */
void link_port_detach(struct link_port *port, size_t place);

void link_port_read(const struct link_port *port, struct link_port_counters *out); /* any thread */
