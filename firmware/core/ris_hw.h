/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the board's logic needs from the hardware. A microcontroller fills the table with its shift
 * chain and timer, the native board with sockets. Freestanding. */
#pragma once
#include "frames/ris_packet.h"
#include "frames/ris_report.h"

struct ris_slots;

/* A change that is about to take hold. */
struct ris_change {
    uint8_t kind;                  /* enum ris_report_kind */
    uint8_t trigger;               /* enum ris_trigger in use */
    uint16_t slot;                 /* APPLY, APPLY_AT_EDGE */
    const struct ris_arm *arm;     /* ARM, else NULL */
    const uint8_t *shown;          /* DISARM, APPLY_AT_EDGE: what holds from now; NULL = dark */
    const struct ris_slots *slots; /* patterns of the slots named */
};

struct ris_hw {
    void *ctx;

    /* Bytes to the controller. */
    void (*send)(void *ctx, const uint8_t *bytes, size_t n);

    /* Uptime. */
    uint64_t (*now_us)(void *ctx);

    /* Shifts a pattern out to the elements' registers; nothing shows until latch. */
    void (*shift)(void *ctx, const uint8_t *pattern, size_t n);

    /* Shows what was shifted, all elements at once; the first call enables the outputs. */
    void (*latch)(void *ctx);

    /* Calls ris_core_timer after delay_ns and then every period_ns; period 0 stops it. */
    void (*timer)(void *ctx, uint32_t delay_ns, uint32_t period_ns);

    /* Calls ris_core_edge at each edge of that kind on the trigger pin. */
    void (*trigger)(void *ctx, enum ris_trigger source);

    /* Reads the pattern back out of the shift chain and leaves the chain as it was. False where
     * that is not wired. */
    bool (*chain)(void *ctx, uint8_t *pattern, size_t n);

    /* Asked before a change takes hold and is acknowledged; not 0 refuses it (RIS_NACK_HARDWARE).
     * NULL on a real board. */
    int (*commit)(void *ctx, const struct ris_change *change);
};
