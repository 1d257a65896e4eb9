/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Payload bytes to constellation points and back: CRC-32, block code, interleaver (liquid's
 * packetizer), scrambler, Gray-mapped modulation. The ladder of modulations and codes is chosen by
 * measured frame error rates (docs/link.md); Debian's liquid has no convolutional codes. */
#pragma once
#include "dsp/modem.h"

enum { DATA_MCS_COUNT = 8 };

struct data_mcs {
    enum modem_scheme scheme;
    int fec[2];       /* liquid's fec_scheme: outer, inner */
    const char *name; /* "qpsk secded72" */
    float snr_db;     /* from here on a slot of profile lab fails less than once in ten, in white
                       * noise, per carrier after combining */
};

/* The ladder, slowest first. mcs < DATA_MCS_COUNT. */
const struct data_mcs *data_mcs(unsigned mcs);
unsigned data_mcs_bits(const struct data_mcs *mcs); /* of a symbol */

struct data_code;

/* Setup only, before threads start. n_symbol: constellation points of a slot. NULL: not even one
 * byte fits, or out of memory (says so in *err). */
struct data_code *data_code_create(const struct data_mcs *mcs, size_t n_symbol,
                                   struct status *err) MUST_CHECK;
void data_code_destroy(struct data_code **code);

/* Payload bytes of a slot: all that fit beside check and code. */
size_t data_code_bytes(const struct data_code *code);
/* Bits on the air, padding included: n_symbol times those of a symbol. */
size_t data_code_air_bits(const struct data_code *code);

/* RT-safe. payload: [data_code_bytes()]; symbols: [n_symbol], unit mean power. */
void data_code_encode(struct data_code *code, const uint8_t *payload, cplxf *symbols);

/* RT-safe. z: [n_symbol] equalised points; weight: [n_symbol], 0..1, what each is worth (its SNR
 * relative to the best), for codes that decode softly. payload is written in any case; *evm: mean
 * error power against the nearest points. Returns 0 or ERR_CRC. */
int data_code_decode(struct data_code *code, const cplxf *z, const float *weight, uint8_t *payload,
                     float *evm) MUST_CHECK;

/* RT-safe. Bits in which what was received last differs from what this payload is on the air:
 * before any correction. */
size_t data_code_errors(struct data_code *code, const uint8_t *payload);

/* Check of a header. */
unsigned data_code_crc16(const uint8_t *bytes, size_t n);
