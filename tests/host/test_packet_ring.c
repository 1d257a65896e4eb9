/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thread puts packets into a ring, another takes them out. */
#include "host/packet_ring.h"
#include "tests/host/link_rig.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { RING_PACKETS = 20000 };

static void *put_all(void *ring)
{
    uint8_t packet[LINK_PACKET_MAX];
    for (uint32_t i = 0; i < RING_PACKETS; i++) {
        fill_packet(i, packet, packet_size(i));
        while (!packet_ring_put(ring, packet, packet_size(i), i))
            sched_yield();
    }
    return NULL;
}

static void ring_joins_two_threads(void **state)
{
    struct packet_ring *ring = packet_ring_create(5);
    uint8_t expected[LINK_PACKET_MAX];
    pthread_t thread;
    (void)state;
    assert_non_null(ring);
    assert_int_equal(pthread_create(&thread, NULL, put_all, ring), 0);
    for (uint32_t i = 0; i < RING_PACKETS; i++) {
        const struct packet *p;
        while (!(p = packet_ring_look(ring)))
            sched_yield();
        fill_packet(i, expected, packet_size(i));
        assert_int_equal(p->n, packet_size(i));
        assert_memory_equal(p->bytes, expected, p->n);
        assert_true(packet_ring_size(ring) <= 5);
        packet_ring_drop(ring);
    }
    pthread_join(thread, NULL);
    assert_null(packet_ring_look(ring));
    packet_ring_destroy(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_joins_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
