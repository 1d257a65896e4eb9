/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes on one OFDM symbol: n symbols of a modulation repeat over the K carriers (carrier k,
 * counted from the lowest frequency, carries symbol k mod n) and are combined by MRC over carriers
 * and antennas. The 40-bit sensing frame goes uncoded in 16-QAM (10 symbols), QPSK (20) or BPSK
 * (40), [S1] III-C; the 16-byte response and sync frames go through Golay(24,12) in QPSK (132
 * symbols, liquid's 33 coded bytes). liquid-dsp does mapping and coding (and owns the prefix
 * modem_). */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stdbool.h>
#include <stddef.h>

enum modem_scheme { MODEM_BPSK, MODEM_QPSK, MODEM_QAM16 };

#define MODEM_SYMBOLS_MAX 1024

struct frame_modem_cfg {
    size_t n_byte; /* payload, 1..64; payload and scheme give at most MODEM_SYMBOLS_MAX symbols */
    size_t n_carrier; /* K, at least the number of symbols */
    size_t n_ant;     /* receive antennas combined, 1..8 */
    enum modem_scheme scheme;
    bool golay; /* encode with Golay(24,12) */
};

struct frame_modem; /* liquid objects and scratch */

/* What frame_modem_create would refuse: OK or ERR_ARG with the reason. */
int frame_modem_check(const struct frame_modem_cfg *cfg, struct status *err) MUST_CHECK;

/* Setup only, before threads start. NULL if cfg is out of range (says why in *err). */
struct frame_modem *frame_modem_create(const struct frame_modem_cfg *cfg,
                                       struct status *err) MUST_CHECK;
void frame_modem_destroy(struct frame_modem **modem);

/* Symbols per payload, n above. */
size_t frame_modem_symbols(const struct frame_modem *modem);

/* RT-safe. bytes: [n_byte]; symbols: [frame_modem_symbols()], unit average power, ready for
 * waveform_symbol(), which spreads them over the carriers. */
void frame_modem_modulate(struct frame_modem *modem, const uint8_t *bytes, cplxf *symbols);

/* Quality of one demodulated payload. */
struct frame_modem_quality {
    float evm_db;   /* error vector against the nearest points, dB of symbol power: -20 is clean */
    float turn_rad; /* the common turn that was removed */
};

/* RT-safe. data, h: [n_ant x n_carrier], row-major, as slot_symbol() gives them for the data and
 * the pilot symbol: channel times symbol, and channel. A common turn of data against pilot (CFO
 * residue, phase noise) is removed decision-directed, up to about 0.3 rad. Writes bytes [n_byte];
 * quality may be NULL. Returns 0, or ERR_NO_PEAK when h carries no energy. Damaged bytes are found
 * by the frame's own check. */
int frame_modem_demodulate(struct frame_modem *modem, const cplxf *data, const cplxf *h,
                           uint8_t *bytes, struct frame_modem_quality *quality) MUST_CHECK;
