/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Layout of the data link's frames, what a parser must refuse, and secrecy of what carries them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "frames/bits.h"
#include "frames/link_frame.h"
#include "frames/secure_link.h"
#include "tests/frames/seed_keys.h"

enum { USER = 0x12345, BYTES = 300 };

static struct secure_keys keys, others;

static int setup(void **state)
{
    (void)state;
    if (secure_init())
        return -1;
    seed_keys(1, USER, &keys);
    seed_keys(1, USER + 1, &others);
    return 0;
}

static const struct link_header full = {
    .peer_known = true,
    .snr = 81,
    .evm = 92,
    .ber = 0x00012345,
    .session = 0x01020304,
    .peer_session = 0xA1A2A3A4,
    .slot = 0xFFFE,
    .ack_slot = 0x1234,
    .ack_map = 0x80000001,
    .heard = 0xBEEF,
    .base = 0xFFF0,
};

static void assert_same_header(const struct link_header *a, const struct link_header *b)
{
    assert_int_equal(a->peer_known, b->peer_known);
    assert_int_equal(a->snr, b->snr);
    assert_int_equal(a->evm, b->evm);
    assert_int_equal(a->ber, b->ber);
    assert_int_equal(a->session, b->session);
    assert_int_equal(a->peer_session, b->peer_session);
    assert_int_equal(a->slot, b->slot);
    assert_int_equal(a->ack_slot, b->ack_slot);
    assert_int_equal(a->ack_map, b->ack_map);
    assert_int_equal(a->heard, b->heard);
    assert_int_equal(a->base, b->base);
}

static void pattern(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
}

/* A frame of two pieces: units 2 and 3 of packet 7, and all 40 bytes of packet 8. */
static void make_frame(uint8_t *frame, size_t n, const uint8_t *packet)
{
    struct byte_writer w;
    assert_int_equal(link_frame_begin(&w, frame, n, &full), OK);
    assert_int_equal(link_frame_room(&w), n - LINK_HEADER_BYTES - LINK_PIECE_BYTES);
    const struct link_piece pieces[] = {
        {.packet = 7, .first = 2, .n = 64, .bytes = packet + 64},
        {.packet = 8, .first = 0, .n = 40, .last = true, .bytes = packet},
    };
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(link_frame_add(&w, &pieces[i]), OK);
    link_frame_end(&w);
}

static void frame_comes_back(void **state)
{
    (void)state;
    uint8_t packet[LINK_PACKET_MAX], frame[BYTES];
    struct byte_reader r;
    struct link_header h;
    struct link_piece p;
    pattern(packet, sizeof packet);
    make_frame(frame, sizeof frame, packet);
    assert_int_equal(frame[0], 5); /* version 2, peer known */
    assert_int_equal(le32_get(frame + 7), 0x01020304);
    assert_int_equal(le16_get(frame + 23), 0xBEEF);
    assert_int_equal(link_frame_open(&r, frame, sizeof frame, &h), OK);
    assert_same_header(&h, &full);
    assert_true(link_frame_next(&r, &p));
    assert_int_equal(p.packet, 7);
    assert_int_equal(p.first, 2);
    assert_false(p.last);
    assert_int_equal(p.n, 64);
    assert_memory_equal(p.bytes, packet + 64, 64);
    assert_true(link_frame_next(&r, &p));
    assert_int_equal(p.packet, 8);
    assert_true(p.last);
    assert_int_equal(p.n, 40);
    assert_memory_equal(p.bytes, packet, 40);
    assert_false(link_frame_next(&r, &p));
}

static void writer_refuses_what_no_packet_has(void **state)
{
    (void)state;
    uint8_t frame[BYTES], packet[LINK_PACKET_MAX] = {0};
    struct byte_writer w;
    assert_int_equal(link_frame_begin(&w, frame, LINK_HEADER_BYTES - 1, &full), ERR_NO_SPACE);
    assert_int_equal(link_frame_begin(&w, frame, sizeof frame, &full), OK);
    const struct link_piece wrong[] = {
        {.n = 0, .last = true, .bytes = packet},
        {.n = 33, .bytes = packet}, /* not whole units, and not the end */
        {.n = 64, .first = 63, .last = true, .bytes = packet},
        {.n = 32, .first = 64, .last = true, .bytes = packet},
        {.n = 288, .bytes = packet}, /* more than there is room for */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(link_frame_add(&w, &wrong[i]), ERR_ARG);
    assert_int_equal(w.at, LINK_HEADER_BYTES);
}

static int opens(const uint8_t *frame, size_t n)
{
    struct byte_reader r;
    struct link_header h;
    return link_frame_open(&r, frame, n, &h);
}

static void parser_refuses(void **state)
{
    (void)state;
    uint8_t packet[LINK_PACKET_MAX], good[BYTES], bad[BYTES];
    enum { SECOND = LINK_HEADER_BYTES + LINK_PIECE_BYTES + 64 };
    pattern(packet, sizeof packet);
    make_frame(good, sizeof good, packet);
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {0, 3},                      /* version 1 */
        {0, 4},                      /* pieces, though the peer is not known */
        {LINK_HEADER_BYTES + 2, 64}, /* no such unit */
        {LINK_HEADER_BYTES + 3, 63}, /* not whole units */
        {LINK_HEADER_BYTES + 4, 4},  /* longer than the frame */
        {LINK_HEADER_BYTES + 4, 9},  /* longer than a packet */
        {SECOND + 3, 0},             /* length 0, yet not the end */
        {BYTES - 1, 1},              /* not zero behind the end */
    };
    assert_int_equal(opens(good, sizeof good), OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bad, good, sizeof bad);
        bad[wrong[i].at] = wrong[i].value;
        assert_int_equal(opens(bad, sizeof bad), ERR_FORMAT);
    }
    for (size_t n = 0; n < SECOND + LINK_PIECE_BYTES + 40; n++) /* cut short, but between pieces */
        assert_int_equal(opens(good, n), n == LINK_HEADER_BYTES || n == SECOND ? OK : ERR_FORMAT);
}

static void levels_survive_their_codes(void **state)
{
    (void)state;
    for (double db = -19.5; db <= 107.5; db += 0.5)
        assert_true(link_snr_db(link_snr_code(db)) == db);
    assert_int_equal(link_snr_code(-100), 1);
    assert_int_equal(link_snr_code(1e9), 255);
    assert_int_equal(link_snr_code(__builtin_nan("")), 1);
    for (double db = 0; db >= -63.5; db -= 0.25)
        assert_true(link_evm_db(link_evm_code(db)) == db);
    assert_int_equal(link_evm_code(-100), 255);
    assert_int_equal(link_evm_code(3), 1);
    assert_int_equal(link_evm_code(__builtin_nan("")), 0);
}

/* --- secrecy */

static void seal(struct secure_link *from, uint64_t cycle, uint8_t *payload)
{
    pattern(payload + SECURE_LINK_SALT, BYTES - SECURE_LINK_OVERHEAD);
    assert_int_equal(secure_link_seal(from, cycle, payload, BYTES), OK);
}

/* Computed from the description in the header, by libsodium's plain calls. */
static void payload_is_as_documented(void **state)
{
    (void)state;
    struct secure_link base;
    uint8_t payload[BYTES], text[BYTES - SECURE_LINK_OVERHEAD], named[9 + sizeof text], hash[16],
        nonce[24] = {0}, sealed[sizeof text + SECURE_LINK_TAG];
    secure_link_init(&base, &keys, SECURE_LINK_DOWN);
    seal(&base, 77, payload);
    pattern(text, sizeof text);
    le64_put(named, 77);
    named[8] = 0;
    memcpy(named + 9, text, sizeof text);
    crypto_generichash(hash, sizeof hash, named, sizeof named, keys.data_salt, 32);
    assert_memory_equal(payload, hash, SECURE_LINK_SALT);
    le64_put(nonce, 77);
    memcpy(nonce + 8, hash, 8);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, text, sizeof text, NULL, 0, NULL,
                                               nonce, keys.data_down);
    assert_memory_equal(payload + SECURE_LINK_SALT, sealed, sizeof sealed);
}

static void keys_are_all_different(void **state)
{
    (void)state;
    const uint8_t *all[] = {keys.dl,        keys.ul,      keys.mac,      keys.sync,
                            keys.data_down, keys.data_up, keys.data_salt};
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(memcmp(all[i], all[j], 32) != 0);
}

static void payload_opens_once_and_only_in_its_cycle(void **state)
{
    (void)state;
    struct secure_link base, user, stranger;
    uint8_t payload[BYTES], copy[BYTES], text[BYTES];
    secure_link_init(&base, &keys, SECURE_LINK_DOWN);
    secure_link_init(&user, &keys, SECURE_LINK_UP);
    secure_link_init(&stranger, &others, SECURE_LINK_UP);
    seal(&base, 100, payload);
    pattern(text, sizeof text);
    assert_int_equal(secure_link_seal(&base, 100, copy, BYTES), ERR_STATE);
    assert_int_equal(secure_link_seal(&base, 99, copy, BYTES), ERR_STATE);
    memcpy(copy, payload, BYTES);
    assert_int_equal(secure_link_open(&user, 99, copy, BYTES), ERR_AUTH);
    memcpy(copy, payload, BYTES);
    assert_int_equal(secure_link_open(&user, 101, copy, BYTES), ERR_AUTH);
    memcpy(copy, payload, BYTES);
    assert_int_equal(secure_link_open(&stranger, 100, copy, BYTES), ERR_AUTH);
    memcpy(copy, payload, BYTES); /* sent back to where it came from */
    assert_int_equal(secure_link_open(&base, 100, copy, BYTES), ERR_AUTH);
    memcpy(copy, payload, BYTES);
    assert_int_equal(secure_link_open(&user, 100, copy, BYTES), OK);
    assert_memory_equal(copy + SECURE_LINK_SALT, text, BYTES - SECURE_LINK_OVERHEAD);
    memcpy(copy, payload, BYTES);
    assert_int_equal(secure_link_open(&user, 100, copy, BYTES), ERR_STATE);
    assert_int_equal(secure_link_open(&user, 101, copy, SECURE_LINK_OVERHEAD - 1), ERR_ARG);
}

static void every_bit_counts(void **state)
{
    (void)state;
    struct secure_link base, user;
    uint8_t payload[BYTES], copy[BYTES];
    secure_link_init(&base, &keys, SECURE_LINK_DOWN);
    secure_link_init(&user, &keys, SECURE_LINK_UP);
    seal(&base, 5, payload);
    for (size_t bit = 0; bit < 8 * BYTES; bit++) {
        memcpy(copy, payload, BYTES);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(secure_link_open(&user, 5, copy, BYTES), ERR_AUTH);
    }
    assert_int_equal(secure_link_open(&user, 5, payload, BYTES - 1), ERR_AUTH);
}

/* A state folder was lost, and a cycle is used again: with other words, another nonce. */
static void lost_counter_repeats_no_nonce(void **state)
{
    (void)state;
    struct secure_link first, second;
    uint8_t a[BYTES] = {0}, b[BYTES] = {0};
    secure_link_init(&first, &keys, SECURE_LINK_DOWN);
    secure_link_init(&second, &keys, SECURE_LINK_DOWN);
    b[BYTES / 2] = 1;
    assert_int_equal(secure_link_seal(&first, 9, a, BYTES), OK);
    assert_int_equal(secure_link_seal(&second, 9, b, BYTES), OK);
    assert_true(memcmp(a, b, SECURE_LINK_SALT) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_comes_back),
        cmocka_unit_test(writer_refuses_what_no_packet_has),
        cmocka_unit_test(parser_refuses),
        cmocka_unit_test(levels_survive_their_codes),
        cmocka_unit_test(payload_is_as_documented),
        cmocka_unit_test(keys_are_all_different),
        cmocka_unit_test(payload_opens_once_and_only_in_its_cycle),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(lost_counter_repeats_no_nonce),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
