/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's TUN device, which turns a file descriptor into a network interface for plain IP, and
 * the addresses that the data link's users have there: with network A.B.C.D/P the base station is
 * number 1 of it and user ID is number ID + 2, so that both ends know them from what they are
 * configured with. Setup only. */
#pragma once
#include "frames/status.h"
#include <stdint.h>

struct tun_network {
    uint32_t base; /* host byte order */
    int prefix;    /* bits, 8..30 */
};

struct tun_cfg {
    const char *name; /* of the interface, "mirador0"; shorter than 16 */
    struct tun_network network;
    uint32_t address; /* of this end, host byte order */
    int mtu;
};

/* "10.77.0.0/16". ERR_ARG with the cure. */
int tun_network_parse(const char *text, struct tun_network *network, struct status *err) MUST_CHECK;
uint32_t tun_base_address(const struct tun_network *network);
/* ERR_ARG: the network has no place for this ID; says how large it must be. */
int tun_user_address(const struct tun_network *network, uint32_t user_id, uint32_t *address,
                     struct status *err) MUST_CHECK;

/* Makes the interface, gives it its address and takes it up. Returns a descriptor that does not
 * block and carries one IP packet a read or write, or ERR_IO, ERR_BUSY with the cure (CAP_NET_ADMIN
 * is needed). The interface goes when the descriptor is closed. */
int tun_open(const struct tun_cfg *cfg, struct status *err);
