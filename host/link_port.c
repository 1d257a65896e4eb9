/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_port.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 64, /* packets taken from one side before the others get their turn */
    IPV4_HEADER = 20,
    PORTS_LAST = 65535 - 2 * LINK_PORT_USERS,
};

#define CFG struct link_port_cfg
static const struct config_key keys[] = {
    {"link.port", CONFIG_CHOICE(CFG, kind, "udp|tun|none"), .def = "udp",
     .help =
         "where user data come from and go to: udp ports on loopback, a network interface (tun, "
         "needs CAP_NET_ADMIN); none: known data, to measure with"},
    {"link.device", CONFIG_STRING(CFG, device), .def = "mirador0",
     .help = "name of the interface, with link.port: tun"},
    {"link.network", CONFIG_STRING(CFG, network), .def = "10.77.0.0/16",
     .help = "of the interfaces: the base station is number 1, user ID is number ID + 2"},
    {"link.mtu", CONFIG_INT(CFG, mtu), .unit = "bytes", .min = 576, .max = LINK_PACKET_MAX,
     .def = "1400", .help = "largest packet of the interface"},
    {"link.udp_port", CONFIG_INT(CFG, udp_port), .min = 1024, .max = PORTS_LAST, .def = "47000",
     .help = "datagrams to this port of loopback go over the air, those from the air go to the "
             "next one; the user at place p has the pair 2 p further on"},
    {"link.queue", CONFIG_INT(CFG, queue), .unit = "packets", .min = 1, .max = 4096, .def = "256",
     .help = "packets that may wait for the radio; more are dropped and counted"},
    {"link.lifetime_s", CONFIG_DOUBLE(CFG, lifetime_s), .unit = "s", .min = 0.01, .max = 600,
     .def = "5", .help = "a packet that is not through by then is dropped and counted"},
};
const struct config_table link_port_table = CONFIG_TABLE(CFG, keys);

struct seat {               /* of one user */
    struct data_link *link; /* NULL: nobody */
    uint32_t address;
    int udp; /* bound socket; -1 with TUN */
    struct sockaddr_in to;
};

struct link_port {
    struct link_port_cfg cfg;
    bool base;
    struct tun_network network;
    int tun, wake;
    pthread_t thread;
    pthread_mutex_t lock;  /* of the seats; the thread holds it while it moves packets */
    pthread_cond_t looked; /* the thread has taken note of the seats */
    uint64_t looks;
    struct seat seat[LINK_PORT_USERS];
    atomic_bool stop;
    _Atomic uint64_t other, unrouted, foreign, undelivered;
    uint8_t packet[LINK_PACKET_MAX + 1]; /* the thread's; a byte more tells what is too long */
};

int link_port_check(const struct link_port_cfg *cfg, bool base, uint32_t user_id, const char **key,
                    struct status *err)
{
    struct tun_network network;
    uint32_t address;
    *key = "link.device";
    if (!cfg->device[0] || strchr(cfg->device, '/') || strchr(cfg->device, '%'))
        return status_set(err, ERR_ARG, "link.device '%s' cannot be an interface's name",
                          cfg->device);
    *key = "link.network";
    int rc = tun_network_parse(cfg->network, &network, err);
    return rc || base ? rc : tun_user_address(&network, user_id, &address, err);
}

/* --- the thread */

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The packet is IPv4; its addresses. */
static bool read_addresses(const uint8_t *packet, size_t n, uint32_t *from, uint32_t *to)
{
    if (n < IPV4_HEADER || packet[0] >> 4 != 4)
        return false;
    *from = big_endian(packet + 12);
    *to = big_endian(packet + 16);
    return true;
}

/* The user with this address, NULL: nobody who is served. A terminal has one way only. */
static struct data_link *route(const struct link_port *port, uint32_t to)
{
    if (!port->base)
        return port->seat[0].link;
    for (size_t i = 0; i < LINK_PORT_USERS; i++)
        if (port->seat[i].link && port->seat[i].address == to)
            return port->seat[i].link;
    return NULL;
}

static void from_tun(struct link_port *port)
{
    for (int i = 0; i < BATCH; i++) {
        uint32_t from, to;
        const ssize_t n = read(port->tun, port->packet, sizeof port->packet);
        if (n <= 0)
            return;
        if (!read_addresses(port->packet, (size_t)n, &from, &to)) {
            atomic_fetch_add(&port->other, 1);
            continue;
        }
        struct data_link *link = route(port, to);
        if (link)
            (void)!data_link_send(link, port->packet, (size_t)n); /* counted there */
        else
            atomic_fetch_add(&port->unrouted, 1);
    }
}

static void from_udp(struct link_port *port, const struct seat *seat)
{
    for (int i = 0; i < BATCH; i++) {
        const ssize_t n = recv(seat->udp, port->packet, sizeof port->packet, 0);
        if (n < 0)
            return;
        (void)!data_link_send(seat->link, port->packet, (size_t)n);
    }
}

/* A user speaks for itself only. */
static bool may_pass(const struct link_port *port, const struct seat *seat, size_t n)
{
    uint32_t from, to;
    return !port->base || (read_addresses(port->packet, n, &from, &to) && from == seat->address);
}

static bool hand_over(const struct link_port *port, const struct seat *seat, size_t n)
{
    if (port->cfg.kind == LINK_PORT_TUN)
        return write(port->tun, port->packet, n) == (ssize_t)n;
    return sendto(seat->udp, port->packet, n, 0, (const struct sockaddr *)&seat->to,
                  sizeof seat->to) == (ssize_t)n;
}

static void from_link(struct link_port *port, const struct seat *seat)
{
    size_t n;
    data_link_clear_fd(seat->link);
    while ((n = data_link_receive(seat->link, port->packet)) > 0) {
        if (port->cfg.kind == LINK_PORT_TUN && !may_pass(port, seat, n))
            atomic_fetch_add(&port->foreign, 1);
        else if (!hand_over(port, seat, n))
            atomic_fetch_add(&port->undelivered, 1);
    }
}

/* Everything that may have something, whatever woke us: one look each costs nothing. */
static void move_packets(struct link_port *port)
{
    pthread_mutex_lock(&port->lock);
    if (port->tun >= 0)
        from_tun(port);
    for (size_t i = 0; i < LINK_PORT_USERS; i++) {
        const struct seat *seat = &port->seat[i];
        if (!seat->link)
            continue;
        from_link(port, seat);
        if (seat->udp >= 0)
            from_udp(port, seat);
    }
    pthread_mutex_unlock(&port->lock);
}

static size_t watch(struct link_port *port, struct pollfd *fds)
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = port->wake, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = port->tun, .events = POLLIN}; /* -1 is not looked at */
    pthread_mutex_lock(&port->lock);
    for (size_t i = 0; i < LINK_PORT_USERS; i++) {
        if (!port->seat[i].link)
            continue;
        fds[n++] = (struct pollfd){.fd = data_link_fd(port->seat[i].link), .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = port->seat[i].udp, .events = POLLIN};
    }
    port->looks++;
    pthread_cond_broadcast(&port->looked);
    pthread_mutex_unlock(&port->lock);
    return n;
}

static void *serve(void *context)
{
    struct link_port *port = context;
    struct pollfd fds[2 + 2 * LINK_PORT_USERS];
    uint64_t woken;
    pthread_setname_np(pthread_self(), "link-port");
    while (!atomic_load(&port->stop)) {
        (void)poll(fds, watch(port, fds), -1);
        if (read(port->wake, &woken, sizeof woken) == sizeof woken)
            continue; /* the seats have changed */
        move_packets(port);
    }
    return NULL;
}

static void wake(const struct link_port *port)
{
    const uint64_t one = 1;
    if (write(port->wake, &one, sizeof one) < 0)
        return; /* saturated: readable anyway */
}

/* --- setup */

static int open_tun(struct link_port *port, uint32_t user_id, struct status *err)
{
    const struct link_port_cfg *cfg = &port->cfg;
    struct tun_cfg tc = {.name = cfg->device, .network = port->network, .mtu = cfg->mtu};
    tc.address = tun_base_address(&port->network);
    if (!port->base && tun_user_address(&port->network, user_id, &tc.address, err))
        return err->code;
    port->tun = tun_open(&tc, err);
    return port->tun < 0 ? err->code : OK;
}

static int start(struct link_port *port, uint32_t user_id, struct status *err)
{
    if (tun_network_parse(port->cfg.network, &port->network, err))
        return err->code;
    port->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (port->wake < 0)
        return status_set(err, ERR_IO, "link port: no eventfd; raise the limit of open files");
    if (port->cfg.kind == LINK_PORT_TUN && open_tun(port, user_id, err))
        return err->code;
    int e = pthread_create(&port->thread, NULL, serve, port);
    return e ? status_set(err, ERR_STATE, "cannot start thread link-port: %s", strerror(e)) : OK;
}

static void close_files(struct link_port *port)
{
    if (port->tun >= 0)
        close(port->tun);
    if (port->wake >= 0)
        close(port->wake);
    for (size_t i = 0; i < LINK_PORT_USERS; i++)
        if (port->seat[i].udp >= 0)
            close(port->seat[i].udp);
    pthread_cond_destroy(&port->looked);
    pthread_mutex_destroy(&port->lock);
}

struct link_port *link_port_create(const struct link_port_cfg *cfg, bool base, uint32_t user_id,
                                   struct status *err)
{
    struct link_port *port = calloc(1, sizeof *port);
    if (!port) {
        status_set(err, ERR_NO_MEMORY, "link port: out of memory");
        return NULL;
    }
    port->cfg = *cfg;
    port->base = base;
    port->tun = port->wake = -1;
    for (size_t i = 0; i < LINK_PORT_USERS; i++)
        port->seat[i].udp = -1;
    pthread_mutex_init(&port->lock, NULL);
    pthread_cond_init(&port->looked, NULL);
    if (start(port, user_id, err) == OK)
        return port;
    close_files(port);
    free(port);
    return NULL;
}

void link_port_destroy(struct link_port **pport)
{
    struct link_port *port = *pport;
    if (!port)
        return;
    atomic_store(&port->stop, true);
    wake(port);
    pthread_join(port->thread, NULL);
    close_files(port);
    free(port);
    *pport = NULL;
}

static int open_udp(const struct link_port *port, size_t place, struct seat *seat,
                    struct status *err)
{
    const uint16_t at = (uint16_t)(port->cfg.udp_port + 2 * (int)place);
    struct sockaddr_in own = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(at)};
    seat->to = own;
    seat->to.sin_port = htons((uint16_t)(at + 1));
    seat->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (seat->udp >= 0 && bind(seat->udp, (struct sockaddr *)&own, sizeof own) == 0)
        return OK;
    const int e = errno;
    if (seat->udp >= 0)
        close(seat->udp);
    return status_set(err, e == EADDRINUSE ? ERR_BUSY : ERR_IO,
                      "link.udp_port: cannot listen on 127.0.0.1:%u: %s; name another one", at,
                      strerror(e));
}

int link_port_attach(struct link_port *port, size_t place, uint32_t user_id, struct data_link *link,
                     struct status *err)
{
    struct seat seat = {.link = link, .udp = -1};
    if (place >= LINK_PORT_USERS)
        return status_set(err, ERR_ARG, "link port: place %zu; there are %d", place,
                          LINK_PORT_USERS);
    if (port->cfg.kind == LINK_PORT_TUN &&
        tun_user_address(&port->network, user_id, &seat.address, err))
        return err->code;
    link_port_detach(port, place);
    if (port->cfg.kind == LINK_PORT_UDP && open_udp(port, place, &seat, err))
        return err->code;
    pthread_mutex_lock(&port->lock);
    port->seat[place] = seat;
    pthread_mutex_unlock(&port->lock);
    wake(port);
    return OK;
}

/* A socket that is polled lives on after close(), and its port stays taken: so the thread lets go
 * first. */
void link_port_detach(struct link_port *port, size_t place)
{
    pthread_mutex_lock(&port->lock);
    struct seat seat = port->seat[place];
    port->seat[place] = (struct seat){.udp = -1};
    const uint64_t before = port->looks;
    wake(port);
    while (seat.link && port->looks == before)
        pthread_cond_wait(&port->looked, &port->lock);
    pthread_mutex_unlock(&port->lock);
    if (seat.udp >= 0)
        close(seat.udp);
}

void link_port_read(const struct link_port *port, struct link_port_counters *out)
{
    *out = (struct link_port_counters){.other = atomic_load(&port->other),
                                       .unrouted = atomic_load(&port->unrouted),
                                       .foreign = atomic_load(&port->foreign),
                                       .undelivered = atomic_load(&port->undelivered)};
}
