/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What stands in a slot of the data link once it is authenticated: any bytes, from a peer of
 * another version or with a fault. First the parser: what it accepts, the writer makes again byte
 * by byte. Then the same bytes, sealed, as three slots of a whole data link. */
#include "fuzz_keys.h"

#include "host/data_link.h"

enum { FRAME_MAX = 1024, SLOTS = 3 };

static struct data_link *link_;

static void start(void)
{
    const struct data_link_cfg cfg = {
        .sends = SECURE_LINK_UP, .queue = 4, .lifetime_s = 1, .n_mcs = 1};
    struct status err;
    link_ = data_link_create(&cfg, fuzz_keys(), &err);
    FUZZ_CHECK(link_);
}

static void parse(const uint8_t *bytes, size_t n)
{
    uint8_t again[FRAME_MAX];
    struct byte_reader r;
    struct byte_writer w;
    struct link_header h;
    struct link_piece p;
    if (link_frame_open(&r, bytes, n, &h))
        return;
    FUZZ_CHECK(link_frame_begin(&w, again, n, &h) == OK);
    while (link_frame_next(&r, &p)) {
        const size_t room = n - w.at - LINK_PIECE_BYTES;
        FUZZ_CHECK(p.n >= 1 && p.n <= room && p.first * LINK_UNIT + p.n <= LINK_PACKET_MAX);
        if (p.n > link_frame_room(&w))
            return; /* a short piece in less room than the writer would use */
        FUZZ_CHECK(link_frame_add(&w, &p) == OK);
    }
    link_frame_end(&w);
    FUZZ_CHECK(memcmp(again, bytes, n) == 0);
}

/* Each slot sees the fuzzer's bytes with one more of them in force as session, slot and base. */
static void converse(const uint8_t *bytes, size_t n)
{
    static uint8_t slot[FRAME_MAX + SECURE_LINK_OVERHEAD], packet[LINK_PACKET_MAX];
    struct secure_link base;
    data_link_reset(link_, fuzz_keys());
    secure_link_init(&base, fuzz_keys(), SECURE_LINK_DOWN);
    FUZZ_CHECK(data_link_send(link_, bytes, n) == OK);
    for (uint64_t cycle = 1; cycle <= SLOTS; cycle++) {
        const struct data_link_slot when = {.cycle = cycle, .time_s = (double)cycle};
        const size_t part = n / SLOTS, size = part + SECURE_LINK_OVERHEAD;
        memcpy(slot + SECURE_LINK_SALT, bytes + (cycle - 1) * part, part);
        if (part > 15)
            memcpy(slot + SECURE_LINK_SALT + 11, (const uint8_t[]){1, 0, 0, 0},
                   4); /* our session */
        FUZZ_CHECK(secure_link_seal(&base, cycle, slot, size) == OK);
        (void)!data_link_take(link_, &when, slot, size, NULL);
        FUZZ_CHECK(data_link_fill(link_, &when, slot, DATA_LINK_SLOT_MIN) == OK);
        for (size_t m; (m = data_link_receive(link_, packet)) > 0;)
            FUZZ_CHECK(m <= LINK_PACKET_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!link_)
        start();
    if (n == 0 || n > FRAME_MAX)
        return 0;
    parse(bytes, n);
    converse(bytes, n);
    return 0;
}
