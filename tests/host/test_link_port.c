/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets of real sockets through the ports of both sides and their links, whose slots pass here
 * from hand to hand. With TUN each side lives in a network namespace of its own, where the kernel
 * answers pings; that needs root, and is skipped without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/icmp.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/link_port.h"
#include "tests/host/free_ports.h"
#include "tests/host/link_rig.h"

enum { SLOT = 4000, PATIENCE_TURNS = 4000 /* of a millisecond */ };

struct rig {
    struct data_link *link[2]; /* base station's, user's */
    struct link_port *port[2];
    uint64_t cycle;
};

static struct data_link *make_link(enum secure_link_direction sends)
{
    const struct data_link_cfg cfg = {.sends = sends, .queue = 16, .lifetime_s = 1e6, .n_mcs = 1};
    struct status err;
    struct data_link *link = data_link_create(&cfg, &keys, &err);
    assert_non_null(link);
    return link;
}

static struct link_port *make_port(const struct link_port_cfg *cfg, bool base,
                                   struct data_link *link)
{
    struct status err = {0};
    struct link_port *port = link_port_create(cfg, base, USER, &err);
    if (!port)
        print_message("%s\n", err.text);
    assert_non_null(port);
    assert_int_equal(link_port_attach(port, 0, USER, link, &err), OK);
    return port;
}

/* One cycle, and a moment for the ports. */
static void cycle(struct rig *rig)
{
    uint8_t slot[SLOT];
    const struct data_link_slot now = {.cycle = ++rig->cycle, .time_s = (double)rig->cycle};
    for (int from = 0; from < 2; from++) {
        assert_int_equal(data_link_fill(rig->link[from], &now, slot, SLOT), OK);
        assert_int_equal(data_link_take(rig->link[1 - from], &now, slot, SLOT, NULL), OK);
    }
    poll(NULL, 0, 1);
}

/* Turns the cycles until something can be read. */
static ssize_t hear(struct rig *rig, int fd, uint8_t *out, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < PATIENCE_TURNS && poll(&p, 1, 0) == 0; i++)
        cycle(rig);
    return recv(fd, out, size, MSG_DONTWAIT);
}

static void end(struct rig *rig)
{
    for (int i = 0; i < 2; i++) {
        link_port_destroy(&rig->port[i]);
        data_link_destroy(&rig->link[i]);
    }
}

static int udp_socket(const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static void send_to(int fd, const char *address, uint16_t port, const void *bytes, size_t n)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof to), n);
}

/* Of the side's packets; what comes out goes to the next one. */
static uint16_t port_of(int side)
{
    static uint16_t first;
    if (first == 0)
        first = free_ports(4);
    assert_int_not_equal(first, 0);
    return (uint16_t)(first + 2 * side);
}

static struct link_port_cfg udp_cfg(int side)
{
    return (struct link_port_cfg){.kind = LINK_PORT_UDP,
                                  .device = "mirador0",
                                  .network = "10.77.0.0/16",
                                  .mtu = 1400,
                                  .udp_port = port_of(side)};
}

static void datagrams_cross(void **state)
{
    struct rig rig = {.link = {make_link(SECURE_LINK_DOWN), make_link(SECURE_LINK_UP)}};
    uint8_t sent[LINK_PACKET_MAX + 10], got[LINK_PACKET_MAX + 10];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct link_port_cfg cfg = udp_cfg(i);
        rig.port[i] = make_port(&cfg, i == 0, rig.link[i]);
    }
    const int sink[2] = {udp_socket("127.0.0.1", (uint16_t)(port_of(0) + 1)),
                         udp_socket("127.0.0.1", (uint16_t)(port_of(1) + 1))};
    memset(sent, 0x5A, sizeof sent);
    send_to(sink[0], "127.0.0.1", port_of(0), sent, sizeof sent); /* too long: dropped */
    for (size_t n = 1; n <= LINK_PACKET_MAX; n += 89) {
        const int from = n % 2;
        sent[0] = (uint8_t)n;
        send_to(sink[from], "127.0.0.1", port_of(from), sent, n);
        assert_int_equal(hear(&rig, sink[1 - from], got, sizeof got), n);
        assert_memory_equal(got, sent, n);
    }
    struct data_link_state s;
    data_link_read(rig.link[0], &s);
    assert_int_equal(s.count.dropped_size, 1);
    close(sink[0]);
    close(sink[1]);
    end(&rig);
}

/* More than the queue holds, and nobody listening on the air. */
static void flood_is_counted(void **state)
{
    struct data_link *link = make_link(SECURE_LINK_DOWN);
    const struct link_port_cfg cfg = udp_cfg(0);
    struct link_port *port = make_port(&cfg, true, link);
    struct data_link_state s = {0};
    uint8_t packet[1400] = {0};
    (void)state;
    const int fd = udp_socket("127.0.0.1", (uint16_t)(port_of(0) + 1));
    for (int i = 0; i < PATIENCE_TURNS && s.count.dropped_queue < 1000; i++) {
        for (int k = 0; k < 20; k++)
            send_to(fd, "127.0.0.1", port_of(0), packet, sizeof packet);
        poll(NULL, 0, 1);
        data_link_read(link, &s);
    }
    assert_true(s.count.dropped_queue >= 1000);
    assert_int_equal(s.count.packets_in, 16);
    assert_int_equal(s.queued, 16);
    link_port_destroy(&port);
    data_link_destroy(&link);
    close(fd);
}

static void port_says_what_is_wrong(void **state)
{
    struct link_port_cfg cfg = udp_cfg(0);
    struct data_link *link = make_link(SECURE_LINK_DOWN);
    struct link_port *port = make_port(&cfg, true, link), *second;
    struct status err = {0};
    const char *key;
    (void)state;
    second = link_port_create(&cfg, true, USER, &err);
    assert_non_null(second);
    assert_int_equal(link_port_attach(second, 0, USER, link, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, "link.udp_port"));
    assert_int_equal(link_port_attach(second, LINK_PORT_USERS, USER, link, &err), ERR_ARG);
    link_port_detach(port, 0); /* then it is free */
    assert_int_equal(link_port_attach(second, 0, USER, link, &err), OK);
    link_port_destroy(&port);
    link_port_destroy(&second);
    data_link_destroy(&link);
    const char *wrong[] = {"10.77.0.0", "10.77.0/16", "10.77.0.0/31", "10.77.0.0/16x", "/16", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(cfg.network, sizeof cfg.network, "%s", wrong[i]);
        assert_int_equal(link_port_check(&cfg, true, 0, &key, &err), ERR_ARG);
        assert_string_equal(key, "link.network");
    }
}

static void addresses_follow_from_the_id(void **state)
{
    struct tun_network n;
    struct status err;
    uint32_t a;
    (void)state;
    assert_int_equal(tun_network_parse("10.77.3.9/16", &n, &err), OK);
    assert_int_equal(tun_base_address(&n), 0x0A4D0001);
    assert_int_equal(tun_user_address(&n, 7, &a, &err), OK);
    assert_int_equal(a, 0x0A4D0009);
    assert_int_equal(tun_user_address(&n, 65532, &a, &err), OK);
    assert_int_equal(a, 0x0A4DFFFE);
    assert_int_equal(tun_user_address(&n, 65533, &a, &err), ERR_ARG);
    assert_non_null(strstr(err.text, "/15"));
    assert_int_equal(tun_network_parse("10.64.0.0/11", &n, &err), OK);
    assert_int_equal(tun_user_address(&n, 0xFFFFF, &a, &err), OK);
}

/* --- TUN */

static uint16_t checksum(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

/* An echo request of `size` bytes through the air; the other kernel answers through the air. */
static void ping(struct rig *rig, int raw, const char *to, uint16_t number, size_t size)
{
    uint8_t request[1400] = {ICMP_ECHO}, answer[1500];
    struct sockaddr_in at = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, to, &at.sin_addr), 1);
    request[6] = (uint8_t)(number >> 8);
    request[7] = (uint8_t)number;
    memset(request + 8, 0x33, size - 8);
    const uint16_t sum = checksum(request, size);
    request[2] = (uint8_t)(sum >> 8);
    request[3] = (uint8_t)sum;
    assert_int_equal(sendto(raw, request, size, 0, (struct sockaddr *)&at, sizeof at), size);
    assert_int_equal(hear(rig, raw, answer, sizeof answer), 20 + size);
    assert_int_equal(answer[20], ICMP_ECHOREPLY);
    assert_memory_equal(answer + 26, request + 6, size - 6);
}

/* Under another user's address. The port's thread has let go of the link before. */
static void speak_for_another(struct rig *rig)
{
    struct link_port_counters c = {0};
    uint8_t packet[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 99, 10, 77, 0, 1};
    link_port_detach(rig->port[1], 0);
    assert_int_equal(data_link_send(rig->link[1], packet, sizeof packet), OK);
    for (int i = 0; i < PATIENCE_TURNS && c.foreign == 0; i++) {
        cycle(rig);
        link_port_read(rig->port[0], &c);
    }
    assert_int_equal(c.foreign, 1);
}

static void kernels_talk_through_interfaces(void **state)
{
    struct rig rig = {.link = {make_link(SECURE_LINK_DOWN), make_link(SECURE_LINK_UP)}};
    const struct link_port_cfg cfg = {
        .kind = LINK_PORT_TUN, .device = "mirador0", .network = "10.77.0.0/16", .mtu = 1400};
    const struct icmp_filter answers_only = {.data = ~(1u << ICMP_ECHOREPLY)};
    int raw[2], sock[2];
    uint8_t got[1500], sent[1372];
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (unshare(CLONE_NEWNET) || access("/dev/net/tun", R_OK | W_OK)) {
            print_message("no network namespace or no TUN: %s\n", strerror(errno));
            end(&rig);
            skip();
        }
        rig.port[i] = make_port(&cfg, i == 0, rig.link[i]);
        raw[i] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
        sock[i] = udp_socket(i == 0 ? "10.77.0.1" : "10.77.0.9", 5000);
        assert_true(raw[i] >= 0);
        assert_int_equal(
            setsockopt(raw[i], SOL_RAW, ICMP_FILTER, &answers_only, sizeof answers_only), 0);
    }
    for (uint16_t k = 0; k < 20; k++)
        ping(&rig, raw[k % 2], k % 2 ? "10.77.0.1" : "10.77.0.9", k, k < 10 ? 64 : 1380);
    memset(sent, 0x77, sizeof sent); /* as much as the MTU takes, and more, in fragments */
    send_to(sock[0], "10.77.0.9", 5000, sent, sizeof sent);
    assert_int_equal(hear(&rig, sock[1], got, sizeof got), sizeof sent);
    struct link_port_counters c;
    send_to(sock[0], "10.77.0.10", 5000, sent, 10); /* nobody is there */
    for (int i = 0; i < 20; i++)
        cycle(&rig);
    link_port_read(rig.port[0], &c);
    assert_int_equal(c.unrouted, 1);
    speak_for_another(&rig);
    struct status err;
    const struct tun_cfg again = {.name = "mirador0", .network = {0x0A4D0000, 16}, .mtu = 1400};
    assert_int_equal(tun_open(&again, &err), ERR_BUSY); /* we stand in the second's namespace */
    assert_non_null(strstr(err.text, "link.device"));
    for (int i = 0; i < 2; i++) {
        close(raw[i]);
        close(sock[i]);
    }
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_cross),
        cmocka_unit_test(flood_is_counted),
        cmocka_unit_test(port_says_what_is_wrong),
        cmocka_unit_test(addresses_follow_from_the_id),
        cmocka_unit_test(kernels_talk_through_interfaces), /* last: the namespace stays */
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
