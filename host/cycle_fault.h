/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What touched a cycle: a set of bits that travels with its plan, blocks and report. A cycle with
 * any bit set gives no arrival times, no fix, no calibration and no background; it is counted,
 * published and recorded with the names below. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum cycle_fault {
    FAULT_RX_GAP = 1u << 0,         /* samples missing inside a capture (overflow, sequence) */
    FAULT_RX_LOST = 1u << 1,        /* a capture was late, refused or never came */
    FAULT_RX_CLIPPED = 1u << 2,     /* a capture touched full scale */
    FAULT_RX_STEP = 1u << 3,        /* a channel's leak moved by 0.5 dB or 5 degrees at once */
    FAULT_TX_LATE = 1u << 4,        /* the burst came late and was dropped */
    FAULT_TX_UNDERFLOW = 1u << 5,   /* the burst was cut short */
    FAULT_TX_LOST = 1u << 6,        /* the burst was not queued, or never acknowledged */
    FAULT_UNSYNCHRONISED = 1u << 7, /* reference or PPS lost */
    FAULT_TIME = 1u << 8,           /* the device's time jumped */
    FAULT_RADIO_DOWN = 1u << 9,     /* no device, or it is starting again */
    FAULT_RIS_LATE = 1u << 10,      /* a board acknowledged its sequence too late */
    FAULT_RIS_UNKNOWN = 1u << 11,   /* a board is silent, refused, or shows something else */
    FAULT_RETUNED = 1u << 12,       /* gain or frequency changed, by a command, at its start */
};
enum { CYCLE_FAULTS = 13 };

/* "rx_gap" ... of bit number i, 0 .. CYCLE_FAULTS - 1; "unknown" beyond. */
const char *cycle_fault_name(size_t bit);

/* Writes the names of all set bits as a JSON array, ["rx_gap","tx_late"], into text [size] and
 * returns its length. `size` >= 256 holds them all; a shorter text is cut to valid JSON. RT-safe.
 */
size_t cycle_faults_json(uint32_t faults, char *text, size_t size);
