/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UDP ports of loopback that nobody has. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool port_is_free(uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return is_free;
}

/* The first of n in a row, where neither the kernel nor a demo gives out any; each process begins
 * its search elsewhere. 0: there are none. */
static inline uint16_t free_ports(unsigned n)
{
    enum { FIRST = 10000, PLACES = 2500 };
    for (unsigned i = 0; i < PLACES; i++) {
        const unsigned first = FIRST + ((unsigned)getpid() + i) % PLACES * 4;
        unsigned k = 0;
        while (k < n && port_is_free((uint16_t)(first + k)))
            k++;
        if (k == n)
            return (uint16_t)first;
    }
    return 0;
}
