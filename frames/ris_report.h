/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a board in the simulated room tells the room (ZeroMQ REQ -> REP, one frame) before it
 * acknowledges a change to its controller. The reply is 4 bytes little-endian, an enum
 * status_code; anything but 0 makes the board refuse the command.
 * Freestanding, no heap, RT-safe. Layout: docs/ris-protocol.md. */
#pragma once
#include "frames/ris_packet.h"

#define RIS_NAME_MAX    31 /* bytes, without the terminating zero */
#define RIS_REPORT_MAX  (96 + (RIS_STEPS_MAX + 1) * RIS_PATTERN_MAX)
#define RIS_REPLY_BYTES 4

enum ris_report_kind {
    /* The sequence replaces any earlier one. The idle pattern holds from now to the first latch.
     * Step k of edge e (k < reps[e] * n_steps) shows patterns[k mod n_steps] from
     * edge + delay_ns + k * period_ns on; one period after the last step, idle again. */
    RIS_REPORT_ARM = 1,
    RIS_REPORT_APPLY = 2,  /* `idle` holds from now on; forgets any sequence */
    RIS_REPORT_DISARM = 3, /* the same, on DISARM and at power-up (then all zero) */
    /* A sequence of one edge and one step without delay, reps and period, whose pattern stays:
     * `idle` until the next edge, patterns[0] from the edge on. */
    RIS_REPORT_APPLY_AT_EDGE = 4,
};

/* A view: patterns and idle point into memory of the caller (encode) or of the message (decode). */
struct ris_report {
    char board[RIS_NAME_MAX + 1]; /* [A-Za-z0-9_-]+ */
    uint8_t kind;                 /* enum ris_report_kind */
    uint8_t trigger;              /* enum ris_trigger */
    struct ris_shape shape;
    uint8_t n_edges; /* ARM: 1..RIS_EDGES_MAX; APPLY_AT_EDGE: 1; otherwise 0 */
    uint8_t n_steps; /* ARM: 1..RIS_STEPS_MAX; APPLY_AT_EDGE: 1; otherwise 0 */
    uint16_t reps[RIS_EDGES_MAX];
    uint32_t tag; /* as in struct ris_arm */
    uint32_t delay_ns, period_ns;
    const uint8_t *patterns; /* [n_steps x ris_pattern_bytes(shape)] */
    const uint8_t *idle;     /* [ris_pattern_bytes(shape)] */
};

/* Returns the bytes written, ERR_ARG for a value out of range, ERR_NO_SPACE. */
int ris_report_encode(const struct ris_report *r, uint8_t *out, size_t cap) MUST_CHECK;

/* out points into msg, which must outlive it. ERR_FORMAT for anything that does not parse whole:
 * every field is in range and every pattern valid when this returns 0. */
int ris_report_decode(const uint8_t *msg, size_t n, struct ris_report *out) MUST_CHECK;

/* Pattern of step k of an edge, k < reps * n_steps. */
const uint8_t *ris_report_step(const struct ris_report *r, uint32_t k);

void ris_reply_encode(int code, uint8_t out[RIS_REPLY_BYTES]);
/* Returns the code in the reply, or ERR_FORMAT when it is no reply. */
int ris_reply_decode(const uint8_t *msg, size_t n);
