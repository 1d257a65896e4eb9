/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A board on a hostile line with a nervous trigger. The input is a script: an opcode byte, then
 * raw bytes, a packet with a right CRC made of the next bytes, edges or timer ticks. Whatever
 * comes, the diodes show nothing or a profile that was loaded whole, and each request gets one
 * answer. */
#include "fuzz.h"

#include "firmware/core/ris_core.h"
#include "frames/crc32.h"

#define N_SLOTS    3
#define BYTES      2   /* 4 x 4 x 1 bit */
#define SCRIPT_MAX 512 /* bytes: some twenty packets, longer scripts find nothing new */

static struct board {
    struct ris_core core;
    uint8_t patterns[N_SLOTS * BYTES];
    uint64_t hashes[N_SLOTS];
    uint8_t chain[BYTES], diodes[BYTES];
    bool lit, timer;
    struct ris_decoder answers;
    unsigned n_answer;
} board;

static void hw_send(void *ctx, const uint8_t *bytes, size_t n)
{
    struct ris_msg m;
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        int r = ris_decoder_push(&board.answers, bytes[i], &m);
        FUZZ_CHECK(r >= 0);
        board.n_answer += (unsigned)r;
    }
}

static uint64_t hw_now(void *ctx)
{
    (void)ctx;
    return board.n_answer;
}

static void hw_shift(void *ctx, const uint8_t *pattern, size_t n)
{
    (void)ctx;
    FUZZ_CHECK(n == BYTES);
    memcpy(board.chain, pattern, n);
}

static void hw_latch(void *ctx)
{
    (void)ctx;
    memcpy(board.diodes, board.chain, BYTES);
    board.lit = true;
}

static void hw_timer(void *ctx, uint32_t delay_ns, uint32_t period_ns)
{
    (void)ctx, (void)delay_ns;
    board.timer = period_ns > 0;
}

static void hw_trigger(void *ctx, enum ris_trigger source)
{
    (void)ctx;
    FUZZ_CHECK(source <= RIS_TRIGGER_FALLING);
}

static bool hw_chain(void *ctx, uint8_t *pattern, size_t n)
{
    (void)ctx;
    memcpy(pattern, board.diodes, n);
    return board.n_answer % 2 == 0;
}

static int hw_commit(void *ctx, const struct ris_change *change)
{
    (void)ctx;
    FUZZ_CHECK((change->kind == RIS_REPORT_ARM) == (change->arm != NULL));
    return board.n_answer % 8 == 7 ? ERR_TIMEOUT : 0;
}

static void start(void)
{
    struct ris_hw hw = {NULL,     hw_send,    hw_now,   hw_shift, hw_latch,
                        hw_timer, hw_trigger, hw_chain, hw_commit};
    struct ris_core_cfg cfg = {.shape = {4, 4, 1},
                               .n_slots = N_SLOTS,
                               .patterns = board.patterns,
                               .hashes = board.hashes,
                               .trigger = RIS_TRIGGER_RISING};
    memset(&board, 0, sizeof board);
    ris_decoder_init(&board.answers);
    FUZZ_CHECK(ris_core_init(&board.core, &cfg, &hw) == OK);
}

/* The next n bytes as the head and body of a packet. A LOAD's hash is made right half of the time,
 * as chance would not find it. */
static void packet(const uint8_t *bytes, size_t n)
{
    uint8_t frame[64], wire[COBS_MAX(64)];
    if (n < 3 || n > 60)
        return;
    memcpy(frame, bytes, n);
    if (frame[0] == RIS_LOAD && n == 20 && (frame[1] & 1)) {
        uint64_t hash = ris_profile_hash((struct ris_shape){4, 4, 1}, frame + 18);
        for (int i = 0; i < 8; i++)
            frame[10 + i] = (uint8_t)(hash >> 8 * i);
    }
    uint32_t crc = crc32_update(0, frame, n);
    for (int i = 0; i < 4; i++)
        frame[n + (size_t)i] = (uint8_t)(crc >> 8 * i);
    int k = cobs_encode(frame, n + 4, wire, sizeof wire);
    FUZZ_CHECK(k > 0);
    unsigned before = board.n_answer;
    ris_core_byte(&board.core, 0);
    before = board.n_answer;
    for (int i = 0; i < k; i++)
        ris_core_byte(&board.core, wire[i]);
    ris_core_byte(&board.core, 0);
    FUZZ_CHECK(board.n_answer - before == (frame[0] < 0x80));
}

static void check(void)
{
    const struct ris_sequencer *q = &board.core.sequencer;
    struct ris_state state;
    ris_core_state(&board.core, &state);
    FUZZ_CHECK(board.lit == (q->shown_hash != 0));
    FUZZ_CHECK(board.lit == (state.mode != RIS_DARK) || state.mode == RIS_ARMED);
    FUZZ_CHECK(state.mode == RIS_RUNNING || !board.timer);
    if (board.lit) {
        FUZZ_CHECK(ris_profile_hash((struct ris_shape){4, 4, 1}, board.diodes) == q->shown_hash);
        FUZZ_CHECK(memcmp(board.diodes, q->shown, BYTES) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    start();
    if (n > SCRIPT_MAX)
        n = SCRIPT_MAX;
    for (size_t i = 0; i < n;) {
        uint8_t op = bytes[i++];
        size_t length = op >> 2;
        if (length > n - i)
            length = n - i;
        if ((op & 3) == 0) {
            for (size_t k = 0; k < length; k++)
                ris_core_byte(&board.core, bytes[i + k]);
            i += length;
        } else if ((op & 3) == 1) {
            packet(bytes + i, length);
            i += length;
        } else if ((op & 3) == 2) {
            ris_core_edge(&board.core);
        } else {
            ris_core_timer(&board.core);
        }
        check();
    }
    return 0;
}
