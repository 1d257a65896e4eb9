/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two files of the data slot share with each other and their test. Not for users of
 * data_slot.h. */
#pragma once
#include "dsp/data_slot.h"
#include "dsp/rng.h"

enum { DATA_SLOT_HEADER_BYTES = 3 };

struct data_slot {
    struct data_slot_cfg cfg;
    size_t n_data;    /* data symbols */
    size_t n_carried; /* carriers of each that carry data */
    size_t bytes_max;
    struct waveform *waveform;
    struct slot_est *est;
    struct frame_modem *modem; /* of the header */
    struct data_code *code[DATA_MCS_COUNT];
    cplxf *points;             /* [n_data x n_carried] constellation points */
    float *weight;             /* likewise */
    cplxf *row;                /* [K] one symbol */
    cplxf *mixed;              /* [K] the same times the precoder's factors */
    cplxf *header;             /* its constellation points */
    cplxf *y, *h;              /* [n_ant x K] carriers of a symbol; the channel */
    cplxf *raw;                /* [n_ant x K] scratch */
    float *gain;               /* [K] SNR of a carrier after combining */
    cplxf *comb;               /* [n_data] sum of the comb, weighted by SNR */
    float *phase;              /* [n_data] common phase */
    uint8_t *expected;         /* [bytes_max] */
    float noise[SLOT_MAX_ANT]; /* per carrier */
};

static inline bool data_slot_in_comb(size_t k)
{
    return k % DATA_SLOT_COMB == DATA_SLOT_COMB / 2;
}

/* False: no header of ours. */
bool data_slot_open_header(const uint8_t bytes[DATA_SLOT_HEADER_BYTES],
                           struct data_slot_header *header);

/* For measurements: data_slot_decode() by a receiver that is told the header and does not read it,
 * so that slots count too whose header is lost. Returns 0 or ERR_CRC. */
int data_slot_decode_as(struct data_slot *slot, const struct sc16 *const *x,
                        const struct slot_window *win, const struct data_slot_header *header,
                        uint8_t *payload, struct data_slot_result *out) MUST_CHECK;
