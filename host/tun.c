/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/tun.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PREFIX_MIN = 8, PREFIX_MAX = 30, FIRST_USER = 2 };

static uint32_t mask_of(int prefix)
{
    return UINT32_MAX << (32 - prefix);
}

int tun_network_parse(const char *text, struct tun_network *network, struct status *err)
{
    char address[INET_ADDRSTRLEN] = "";
    struct in_addr parsed;
    const char *slash = strchr(text, '/');
    char *end = NULL;
    const long prefix = slash ? strtol(slash + 1, &end, 10) : 0;
    if (slash && (size_t)(slash - text) < sizeof address)
        memcpy(address, text, (size_t)(slash - text));
    if (!slash || *end || end == slash + 1 || prefix < PREFIX_MIN || prefix > PREFIX_MAX ||
        inet_pton(AF_INET, address, &parsed) != 1)
        return status_set(err, ERR_ARG,
                          "link.network '%s' is none; write an IPv4 network such as 10.77.0.0/16 "
                          "(prefix %d to %d)",
                          text, PREFIX_MIN, PREFIX_MAX);
    network->prefix = (int)prefix;
    network->base = ntohl(parsed.s_addr) & mask_of(network->prefix);
    return OK;
}

uint32_t tun_base_address(const struct tun_network *network)
{
    return network->base + 1;
}

int tun_user_address(const struct tun_network *network, uint32_t user_id, uint32_t *address,
                     struct status *err)
{
    const uint64_t number = (uint64_t)user_id + FIRST_USER;
    const uint64_t broadcast = ~mask_of(network->prefix);
    int prefix = network->prefix;
    if (number < broadcast) {
        *address = network->base + (uint32_t)number;
        return OK;
    }
    while (prefix > PREFIX_MIN && number >= ~mask_of(prefix))
        prefix--;
    return status_set(err, ERR_ARG,
                      "link.network: a /%d has no address for user ID %u, number %llu of it; use a "
                      "/%d at both ends, or a smaller ID",
                      network->prefix, user_id, (unsigned long long)number, prefix);
}

static int refuse(int fd, const struct tun_cfg *cfg, const char *what, struct status *err)
{
    const int e = errno;
    const char *cure = "see 'ip link' and the kernel's log";
    if (e == EPERM || e == EACCES)
        cure = "CAP_NET_ADMIN is needed: run as root, or give the service the capability "
               "(AmbientCapabilities=CAP_NET_ADMIN), or use link.port: udp";
    else if (e == EBUSY)
        cure = "another program has it; end it or name another link.device";
    else if (e == ENOENT || e == ENODEV || e == ENXIO)
        cure = "the kernel has no TUN: 'modprobe tun', or use link.port: udp";
    if (fd >= 0)
        close(fd);
    return status_set(err, e == EBUSY ? ERR_BUSY : ERR_IO, "link.device %s: cannot %s: %s; %s",
                      cfg->name, what, strerror(e), cure);
}

static void set_address(struct sockaddr *out, uint32_t address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(out, &in, sizeof in);
}

/* What failed, or NULL. */
static const char *set_up(int control, const struct tun_cfg *cfg)
{
    struct ifreq r = {0};
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", cfg->name);
    r.ifr_mtu = cfg->mtu;
    if (ioctl(control, SIOCSIFMTU, &r))
        return "set its MTU";
    set_address(&r.ifr_addr, cfg->address);
    if (ioctl(control, SIOCSIFADDR, &r))
        return "set its address";
    set_address(&r.ifr_netmask, mask_of(cfg->network.prefix));
    if (ioctl(control, SIOCSIFNETMASK, &r))
        return "set its netmask";
    if (ioctl(control, SIOCGIFFLAGS, &r))
        return "read its flags";
    r.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(control, SIOCSIFFLAGS, &r) ? "take it up" : NULL;
}

int tun_open(const struct tun_cfg *cfg, struct status *err)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", cfg->name);
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return refuse(fd, cfg, "open /dev/net/tun", err);
    if (ioctl(fd, TUNSETIFF, &r))
        return refuse(fd, cfg, "make the interface", err);
    const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *failed = control < 0 ? "open a socket" : set_up(control, cfg);
    const int e = errno;
    if (control >= 0)
        close(control);
    errno = e;
    return failed ? refuse(fd, cfg, failed, err) : fd;
}
