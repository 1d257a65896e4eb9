/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/modem.h"
#include <assert.h>
/* liquid.h uses complex.h's type when that is included first. */
#include <liquid/liquid.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = 64, CODED_MAX = 2 * PAYLOAD_MAX + 3, ANTENNAS_MAX = 8 };
static const float turn_limit_rad = 0.3f; /* beyond it decisions, not the channel, make the turn */

struct frame_modem {
    struct frame_modem_cfg cfg;
    modemcf mapper;
    fec code; /* NULL: uncoded */
    unsigned bits_per_symbol;
    size_t n_coded; /* bytes on the air */
    size_t n_symbol;
    uint8_t coded[CODED_MAX];
    cplxf symbols[MODEM_SYMBOLS_MAX];
    float energy[MODEM_SYMBOLS_MAX]; /* sum of |h|^2 behind each symbol */
};

static modulation_scheme liquid_scheme(enum modem_scheme scheme)
{
    switch (scheme) {
    case MODEM_BPSK:
        return LIQUID_MODEM_BPSK;
    case MODEM_QPSK:
        return LIQUID_MODEM_QPSK;
    default:
        return LIQUID_MODEM_QAM16;
    }
}

static int refuse(struct status *err, const char *why, size_t value, size_t limit)
{
    err->code = ERR_ARG;
    snprintf(err->text, sizeof err->text, "modem: %s %zu, limit %zu", why, value, limit);
    return ERR_ARG;
}

static int check_cfg(const struct frame_modem_cfg *cfg, struct status *err)
{
    if (cfg->n_byte < 1 || cfg->n_byte > PAYLOAD_MAX)
        return refuse(err, "payload bytes", cfg->n_byte, PAYLOAD_MAX);
    if (cfg->n_ant < 1 || cfg->n_ant > ANTENNAS_MAX)
        return refuse(err, "antennas", cfg->n_ant, ANTENNAS_MAX);
    if (cfg->scheme != MODEM_BPSK && cfg->scheme != MODEM_QPSK && cfg->scheme != MODEM_QAM16)
        return refuse(err, "scheme", (size_t)cfg->scheme, MODEM_QAM16);
    return OK;
}

static void fit_symbols(struct frame_modem *m)
{
    static const unsigned bits[] = {[MODEM_BPSK] = 1, [MODEM_QPSK] = 2, [MODEM_QAM16] = 4};
    m->bits_per_symbol = bits[m->cfg.scheme];
    m->n_coded = m->cfg.n_byte;
    if (m->cfg.golay)
        m->n_coded = fec_get_enc_msg_length(LIQUID_FEC_GOLAY2412, (unsigned)m->cfg.n_byte);
    assert(m->n_coded <= CODED_MAX);
    m->n_symbol = 8 * m->n_coded / m->bits_per_symbol;
}

int frame_modem_check(const struct frame_modem_cfg *cfg, struct status *err)
{
    if (check_cfg(cfg, err))
        return err->code;
    struct frame_modem m = {.cfg = *cfg};
    fit_symbols(&m);
    if (m.n_symbol > MODEM_SYMBOLS_MAX)
        return refuse(err, "symbols", m.n_symbol, MODEM_SYMBOLS_MAX);
    if (m.n_symbol > cfg->n_carrier)
        return refuse(err, "symbols exceed the carriers:", m.n_symbol, cfg->n_carrier);
    return OK;
}

struct frame_modem *frame_modem_create(const struct frame_modem_cfg *cfg, struct status *err)
{
    if (frame_modem_check(cfg, err))
        return NULL;
    struct frame_modem *m = calloc(1, sizeof *m);
    if (m) {
        m->cfg = *cfg;
        m->mapper = modemcf_create(liquid_scheme(cfg->scheme));
        m->code = cfg->golay ? fec_create(LIQUID_FEC_GOLAY2412, NULL) : NULL;
    }
    if (!m || !m->mapper || (cfg->golay && !m->code)) {
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "modem: out of memory");
        frame_modem_destroy(&m);
        return NULL;
    }
    fit_symbols(m);
    return m;
}

void frame_modem_destroy(struct frame_modem **modem)
{
    struct frame_modem *m = *modem;
    if (!m)
        return;
    if (m->mapper)
        modemcf_destroy(m->mapper);
    if (m->code)
        fec_destroy(m->code);
    free(m);
    *modem = NULL;
}

size_t frame_modem_symbols(const struct frame_modem *modem)
{
    return modem->n_symbol;
}

/* Symbols never straddle bytes: 1, 2 or 4 bits each, MSB first. */
static unsigned symbol_bits(const struct frame_modem *m, size_t s)
{
    size_t bit = s * m->bits_per_symbol;
    unsigned shift = 8 - m->bits_per_symbol - (unsigned)(bit % 8);
    return m->coded[bit / 8] >> shift & ((1u << m->bits_per_symbol) - 1);
}

static void set_symbol_bits(struct frame_modem *m, size_t s, unsigned value)
{
    size_t bit = s * m->bits_per_symbol;
    unsigned shift = 8 - m->bits_per_symbol - (unsigned)(bit % 8);
    m->coded[bit / 8] |= (uint8_t)(value << shift);
}

void frame_modem_modulate(struct frame_modem *m, const uint8_t *bytes, cplxf *symbols)
{
    if (m->code)
        (void)fec_encode(m->code, (unsigned)m->cfg.n_byte, (unsigned char *)(uintptr_t)bytes,
                         m->coded);
    else
        memcpy(m->coded, bytes, m->n_coded);
    for (size_t s = 0; s < m->n_symbol; s++)
        (void)modemcf_modulate(m->mapper, symbol_bits(m, s), &symbols[s]);
}

/* MRC: z_s = sum conj(h) y / sum |h|^2 over the antennas and carriers that carry symbol s. */
static int combine(struct frame_modem *m, const cplxf *data, const cplxf *h)
{
    memset(m->symbols, 0, m->n_symbol * sizeof m->symbols[0]);
    memset(m->energy, 0, m->n_symbol * sizeof m->energy[0]);
    const size_t n_carrier = m->cfg.n_carrier;
    for (size_t a = 0; a < m->cfg.n_ant; a++) {
        for (size_t k = 0, s = 0; k < n_carrier; k++, s = s + 1 == m->n_symbol ? 0 : s + 1) {
            m->symbols[s] += conjf(h[a * n_carrier + k]) * data[a * n_carrier + k];
            m->energy[s] += cplxf_norm(h[a * n_carrier + k]);
        }
    }
    for (size_t s = 0; s < m->n_symbol; s++) {
        if (!(m->energy[s] > 0.0f) || !isfinite(m->energy[s]))
            return ERR_NO_PEAK;
        m->symbols[s] /= m->energy[s];
    }
    return OK;
}

/* Hard decision; *nearest is the constellation point decided for. */
static unsigned decide(struct frame_modem *m, cplxf z, cplxf *nearest)
{
    unsigned value;
    (void)modemcf_demodulate(m->mapper, z, &value);
    (void)modemcf_modulate(m->mapper, value, nearest);
    return value;
}

/* Common turn of all symbols against their decisions, weighted by energy. */
static float common_turn(struct frame_modem *m)
{
    cplxf sum = 0;
    for (size_t s = 0; s < m->n_symbol; s++) {
        cplxf nearest;
        (void)decide(m, m->symbols[s], &nearest);
        sum += m->energy[s] * m->symbols[s] * conjf(nearest);
    }
    float turn = cargf(sum);
    return fabsf(turn) <= turn_limit_rad ? turn : 0.0f;
}

int frame_modem_demodulate(struct frame_modem *m, const cplxf *data, const cplxf *h, uint8_t *bytes,
                           struct frame_modem_quality *quality)
{
    int rc = combine(m, data, h);
    if (rc)
        return rc;
    const float turn = common_turn(m);
    const cplxf back = cosf(turn) - I * sinf(turn);
    float error = 0;
    memset(m->coded, 0, m->n_coded);
    for (size_t s = 0; s < m->n_symbol; s++) {
        cplxf z = m->symbols[s] * back, nearest;
        set_symbol_bits(m, s, decide(m, z, &nearest));
        error += cplxf_norm(z - nearest);
    }
    if (m->code)
        (void)fec_decode(m->code, (unsigned)m->cfg.n_byte, m->coded, bytes);
    else
        memcpy(bytes, m->coded, m->n_coded);
    if (quality)
        *quality = (struct frame_modem_quality){
            .evm_db = 10.0f * log10f(error / (float)m->n_symbol + 1e-12f),
            .turn_rad = turn,
        };
    return OK;
}
