/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One slot of the data link: OFDM symbols of the sensing waveform (N, K, prefix N/8),
 *
 *   | pilot | pilot | header | data | data | ...
 *
 * Pilots and the comb's carriers of every data symbol carry 1 (times the sequence, waveform.h),
 * header and data carry bytes. The header names modulation and code and goes through Golay(24,12)
 * in QPSK, repeated over the carriers. The receiver averages the pilots, smooths them over
 * neighbouring carriers, combines its antennas by MRC, and follows what is left of carrier offset
 * and phase noise by the comb. docs/link.md, [S1] III-C. */
#pragma once
#include "dsp/data_code.h"
#include "dsp/precode.h"
#include "dsp/slot.h"
#include <stdbool.h>

#define DATA_SLOT_PILOTS 2
#define DATA_SLOT_COMB   16 /* every so many carriers one is known */

struct data_slot_cfg {
    struct waveform_cfg wave; /* K >= 24, so that the header fits */
    size_t n_symbols;         /* OFDM symbols of the slot, pilots and header among them, 4..4096 */
    size_t n_ant;             /* receive antennas, 1..SLOT_MAX_ANT */
    size_t n_tx;              /* transmit channels, 1..PRECODE_MAX_TX */
};

/* OFDM symbols that fit into so many samples. */
size_t data_slot_symbols(const struct waveform_cfg *wave, size_t n_samp);

struct data_slot; /* plans, codes and scratch; one thread owns it */

/* Setup only, before threads start. NULL if cfg is out of range (says why in *err). */
struct data_slot *data_slot_create(const struct data_slot_cfg *cfg, struct status *err) MUST_CHECK;
void data_slot_destroy(struct data_slot **slot);

size_t data_slot_samps(const struct data_slot *slot);
/* Payload bytes of a slot; mcs < DATA_MCS_COUNT. */
size_t data_slot_bytes(const struct data_slot *slot, unsigned mcs);
size_t data_slot_bytes_max(const struct data_slot *slot); /* of all mcs */

struct data_slot_header {
    unsigned mcs;
    bool known; /* the payload is data_slot_known()'s: there was no traffic */
};

/* RT-safe. The payload that both sides know, [data_slot_bytes()], for measurements. */
void data_slot_known(const struct data_slot *slot, unsigned mcs, uint8_t *payload);

/* RT-safe; 174 symbols of profile lab: 3 ms a channel. payload: [data_slot_bytes()]. precode:
 * [n_tx x K] factors of channel and carrier (precode.h), NULL: all power on channel 0. out: [n_tx]
 * buffers of data_slot_samps() each. Returns the number of clipped samples. */
size_t data_slot_encode(struct data_slot *slot, const struct data_slot_header *header,
                        const uint8_t *payload, const cplxf *precode, struct sc16 *const *out);

struct data_slot_result {
    struct data_slot_header header;
    float snr_db;      /* per carrier after combining, from the pilots */
    float evm_db;      /* of the data against the nearest points */
    float cfo_hz;      /* that was left, by the comb */
    float phase_rad;   /* rms of the common phase about that */
    size_t raw_bits;   /* compared before correction: with the known payload, or with what came */
    size_t raw_errors; /* out of the decoder, if the check fits; 0 bits: neither */
    size_t bit_errors; /* of the known payload after correction */
};

/* RT-safe; 174 symbols, 4 antennas of profile lab: 15 ms. x: [n_ant] captures that hold at least
 * win->first + data_slot_samps() samples; win->first: first sample of the slot; it may be late by
 * N/16, or early by as much less the channel's length. win->cfo_hz and skew: what the sensing burst
 * told. payload: room for data_slot_bytes_max(). Returns 0; ERR_CRC: the payload is damaged;
 * ERR_NOT_FOUND: no header there (*out holds the SNR). */
int data_slot_decode(struct data_slot *slot, const struct sc16 *const *x,
                     const struct slot_window *win, uint8_t *payload,
                     struct data_slot_result *out) MUST_CHECK;

/* RT-safe. Channel of the slot decoded last: [n_ant x K], smoothed; H = 1 as slot.h has it. */
const cplxf *data_slot_channel(const struct data_slot *slot);
