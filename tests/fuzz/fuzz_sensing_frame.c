/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a user hears: any 40 bits at any state of its window. Input: estimate 8, last 8, frame 5.
 * What is accepted must be the one value that the base station would have sent. */
#include "fuzz_keys.h"

#include "frames/bits.h"

enum { USER = 0xBEEF, INPUT = 16 + SENSING_FRAME_BYTES };

/* An attacker's best case, reachable by mutation: half of the inputs carry a frame made with the
 * key. */
static void maybe_genuine(const struct secure_keys *keys, const uint8_t *bytes, uint8_t *frame)
{
    if (bytes[0] & 1)
        return;
    uint64_t cycle = le64_get(bytes) + (uint64_t)(int8_t)frame[0];
    FUZZ_CHECK(secure_seal_sensing(keys, cycle, USER, frame) == OK);
    frame[bytes[1] % SENSING_FRAME_BYTES] ^= (uint8_t)(bytes[2] & bytes[3] & bytes[4]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct secure_keys *keys = fuzz_keys();
    if (n < INPUT)
        return 0;
    uint8_t frame[SENSING_FRAME_BYTES], expected[SENSING_FRAME_BYTES];
    struct secure_user user;
    struct sensing_frame parts;
    uint64_t cycle;
    memcpy(frame, bytes + 16, sizeof frame);
    maybe_genuine(keys, bytes, frame);
    secure_user_reset(&user, USER, le64_get(bytes + 8));
    user.synced = true;
    user.estimate = le64_get(bytes);
    (void)!sensing_frame_unpack(frame, le32_get(bytes), &parts);
    if (secure_user_open_sensing(&user, keys, 0.0, frame, &cycle))
        return 0;
    FUZZ_CHECK(secure_seal_sensing(keys, cycle, USER, expected) == OK);
    FUZZ_CHECK(memcmp(frame, expected, sizeof frame) == 0);
    FUZZ_CHECK(cycle > le64_get(bytes + 8) && user.last == cycle && user.estimate == cycle);
    FUZZ_CHECK(cycle - le64_get(bytes) + SECURE_WINDOW <= 2 * SECURE_WINDOW);
    FUZZ_CHECK(secure_user_open_sensing(&user, keys, 0.0, frame, &cycle) == ERR_AUTH);
    return 0;
}
