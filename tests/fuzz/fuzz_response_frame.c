/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a base station hears: any 16 bytes. Input: cycle 8, frame 16. Half of the inputs get a valid
 * CRC, a quarter a valid MAC as well, so that the deeper checks are reached. */
#include "fuzz_keys.h"

#include "frames/bits.h"
#include "frames/crc.h"

enum { USER = 0xBEEF, INPUT = 8 + RESPONSE_FRAME_BYTES, COVERED = RESPONSE_FRAME_BYTES - 2 };

static void repair(uint64_t cycle, const uint8_t *sensing, uint8_t *frame)
{
    struct response r;
    if (cycle & 1)
        return;
    if (cycle & 2 && response_body_unpack(frame + 2, &r) == OK)
        FUZZ_CHECK(secure_seal_response(fuzz_keys(), cycle, sensing, &r, frame) == OK);
    uint16_t crc = crc16(frame, COVERED);
    frame[COVERED] = (uint8_t)(crc >> 8);
    frame[COVERED + 1] = (uint8_t)crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < INPUT)
        return 0;
    const uint64_t cycle = le64_get(bytes);
    uint8_t sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES], again[RESPONSE_FRAME_BYTES];
    FUZZ_CHECK(secure_seal_sensing(fuzz_keys(), cycle, USER, sensing) == OK);
    memcpy(frame, bytes + 8, sizeof frame);
    repair(cycle, sensing, frame);

    struct secure_expectation e;
    struct response got;
    secure_expect(&e, cycle, sensing);
    if (secure_open_response(&e, fuzz_keys(), frame, &got)) {
        FUZZ_CHECK(e.open);
        return 0;
    }
    FUZZ_CHECK(!e.open);
    FUZZ_CHECK(secure_seal_response(fuzz_keys(), cycle, sensing, &got, again) == OK);
    FUZZ_CHECK(memcmp(frame, again, sizeof frame) == 0);
    return 0;
}
