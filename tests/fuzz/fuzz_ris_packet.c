/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes over a board's line: once as a raw stream, once as frames whose CRC is right (random
 * bytes would not get there). What parses must encode to the same bytes. */
#include "fuzz.h"

#include "frames/crc32.h"
#include "frames/ris_decoder.h"

static void check_same(const struct ris_msg *m, const uint8_t *frame, size_t n)
{
    uint8_t wire[RIS_WIRE_MAX], back[RIS_PACKET_MAX];
    int k = ris_msg_encode(m, wire, sizeof wire);
    FUZZ_CHECK(k > 2);
    FUZZ_CHECK(cobs_decode(wire + 1, (size_t)k - 2, back, sizeof back) == (int)n);
    FUZZ_CHECK(memcmp(back, frame, n) == 0);
}

static void parse_repaired(const uint8_t *bytes, size_t n)
{
    uint8_t frame[RIS_PACKET_MAX];
    struct ris_msg m;
    if (n + 4 > sizeof frame || n < 3)
        return;
    memcpy(frame, bytes, n);
    uint32_t crc = crc32_update(0, frame, n);
    for (int i = 0; i < 4; i++)
        frame[n + (size_t)i] = (uint8_t)(crc >> 8 * i);
    int r = ris_msg_parse(frame, n + 4, &m);
    FUZZ_CHECK(r == OK || r == ERR_ARG);
    if (r == OK)
        check_same(&m, frame, n + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct ris_decoder d;
    struct ris_msg m;
    parse_repaired(bytes, n);
    ris_decoder_init(&d);
    for (size_t i = 0; i < n; i++)
        if (ris_decoder_push(&d, bytes[i], &m) == 1)
            check_same(&m, d.frame, d.cobs.len);
    return 0;
}
