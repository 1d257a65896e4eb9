/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/data_slot_priv.h"
#include "dsp/fft.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS_MIN = DATA_SLOT_PILOTS + 2, SYMBOLS_MAX = 4096 };
enum { HEADER_TAG = 0xD0, HEADER_KNOWN = 0x08, HEADER_MCS = 0x07 };
_Static_assert(DATA_MCS_COUNT <= HEADER_MCS + 1, "the header has three bits for the MCS");

size_t data_slot_symbols(const struct waveform_cfg *wave, size_t n_samp)
{
    return n_samp / waveform_symbol_samps(wave);
}

static int check(const struct data_slot_cfg *cfg, struct status *err)
{
    *err = (struct status){.code = ERR_ARG};
    if (cfg->n_symbols < SYMBOLS_MIN || cfg->n_symbols > SYMBOLS_MAX)
        snprintf(err->text, sizeof err->text, "data slot: %zu symbols, must be %d to %d",
                 cfg->n_symbols, SYMBOLS_MIN, SYMBOLS_MAX);
    else if (cfg->n_ant < 1 || cfg->n_ant > SLOT_MAX_ANT)
        snprintf(err->text, sizeof err->text, "data slot: %zu antennas, must be 1 to %d",
                 cfg->n_ant, SLOT_MAX_ANT);
    else if (cfg->n_tx < 1 || cfg->n_tx > PRECODE_MAX_TX)
        snprintf(err->text, sizeof err->text, "data slot: %zu transmit channels, must be 1 to %d",
                 cfg->n_tx, PRECODE_MAX_TX);
    else
        return err->code = OK;
    return ERR_ARG;
}

static bool allocate(struct data_slot *s)
{
    const size_t k = s->cfg.wave.k, n_ant = s->cfg.n_ant, points = s->n_data * s->n_carried;
    s->points = fft_alloc(points * sizeof *s->points);
    s->weight = fft_alloc(points * sizeof *s->weight);
    s->row = fft_alloc(k * sizeof *s->row);
    s->mixed = fft_alloc(k * sizeof *s->mixed);
    s->header = fft_alloc(frame_modem_symbols(s->modem) * sizeof *s->header);
    s->y = fft_alloc(n_ant * k * sizeof *s->y);
    s->h = fft_alloc(n_ant * k * sizeof *s->h);
    s->raw = fft_alloc(n_ant * k * sizeof *s->raw);
    s->gain = fft_alloc(k * sizeof *s->gain);
    s->comb = fft_alloc(s->n_data * sizeof *s->comb);
    s->phase = fft_alloc(s->n_data * sizeof *s->phase);
    s->expected = calloc(s->bytes_max, 1);
    return s->points && s->weight && s->row && s->mixed && s->header && s->y && s->h && s->raw &&
           s->gain && s->comb && s->phase && s->expected;
}

static int make_codes(struct data_slot *s, struct status *err)
{
    for (unsigned m = 0; m < DATA_MCS_COUNT; m++) {
        s->code[m] = data_code_create(data_mcs(m), s->n_data * s->n_carried, err);
        if (!s->code[m])
            return err->code;
        if (data_code_bytes(s->code[m]) > s->bytes_max)
            s->bytes_max = data_code_bytes(s->code[m]);
    }
    return OK;
}

static int make_parts(struct data_slot *s, struct status *err)
{
    const struct frame_modem_cfg modem = {.n_byte = DATA_SLOT_HEADER_BYTES,
                                          .n_carrier = s->cfg.wave.k,
                                          .n_ant = s->cfg.n_ant,
                                          .scheme = MODEM_QPSK,
                                          .golay = true};
    s->waveform = waveform_create(&s->cfg.wave, err);
    s->est = s->waveform ? slot_est_create(&s->cfg.wave, s->cfg.n_ant, err) : NULL;
    s->modem = s->est ? frame_modem_create(&modem, err) : NULL;
    if (!s->modem || make_codes(s, err))
        return err->code;
    if (allocate(s))
        return OK;
    *err = (struct status){ERR_NO_MEMORY, "data slot: out of memory"};
    return ERR_NO_MEMORY;
}

struct data_slot *data_slot_create(const struct data_slot_cfg *cfg, struct status *err)
{
    if (check(cfg, err))
        return NULL;
    struct data_slot *s = calloc(1, sizeof *s);
    if (!s) {
        *err = (struct status){ERR_NO_MEMORY, "data slot: out of memory"};
        return NULL;
    }
    s->cfg = *cfg;
    s->n_data = cfg->n_symbols - DATA_SLOT_PILOTS - 1;
    for (size_t k = 0; k < cfg->wave.k; k++)
        s->n_carried += !data_slot_in_comb(k);
    if (make_parts(s, err))
        data_slot_destroy(&s);
    return s;
}

void data_slot_destroy(struct data_slot **slot)
{
    struct data_slot *s = *slot;
    if (!s)
        return;
    waveform_destroy(&s->waveform);
    slot_est_destroy(&s->est);
    frame_modem_destroy(&s->modem);
    for (unsigned m = 0; m < DATA_MCS_COUNT; m++)
        data_code_destroy(&s->code[m]);
    fft_free(s->points);
    fft_free(s->weight);
    fft_free(s->row);
    fft_free(s->mixed);
    fft_free(s->header);
    fft_free(s->y);
    fft_free(s->h);
    fft_free(s->raw);
    fft_free(s->gain);
    fft_free(s->comb);
    fft_free(s->phase);
    free(s->expected);
    free(s);
    *slot = NULL;
}

size_t data_slot_samps(const struct data_slot *s)
{
    return s->cfg.n_symbols * waveform_symbol_samps(&s->cfg.wave);
}

size_t data_slot_bytes(const struct data_slot *s, unsigned mcs)
{
    assert(mcs < DATA_MCS_COUNT);
    return data_code_bytes(s->code[mcs]);
}

size_t data_slot_bytes_max(const struct data_slot *s)
{
    return s->bytes_max;
}

const cplxf *data_slot_channel(const struct data_slot *s)
{
    return s->h;
}

void data_slot_known(const struct data_slot *s, unsigned mcs, uint8_t *payload)
{
    struct rng rng = rng_seed(mcs);
    const size_t n = data_slot_bytes(s, mcs);
    for (size_t i = 0; i < n; i++)
        payload[i] = (uint8_t)(rng_next(&rng) >> 56);
}

static void seal_header(const struct data_slot_header *h, uint8_t bytes[DATA_SLOT_HEADER_BYTES])
{
    bytes[0] = (uint8_t)(HEADER_TAG & 0xF0) | (h->known ? HEADER_KNOWN : 0) | (uint8_t)h->mcs;
    const unsigned crc = data_code_crc16(bytes, 1);
    bytes[1] = (uint8_t)(crc >> 8);
    bytes[2] = (uint8_t)crc;
}

bool data_slot_open_header(const uint8_t bytes[DATA_SLOT_HEADER_BYTES], struct data_slot_header *h)
{
    uint8_t expected[DATA_SLOT_HEADER_BYTES];
    *h = (struct data_slot_header){.mcs = bytes[0] & HEADER_MCS,
                                   .known = (bytes[0] & HEADER_KNOWN) != 0};
    seal_header(h, expected);
    return memcmp(expected, bytes, sizeof expected) == 0 && h->mcs < DATA_MCS_COUNT;
}

/* One symbol on every transmit channel: row [K], times the channel's factors. */
static size_t put(struct data_slot *s, size_t index, const cplxf *row, const cplxf *precode,
                  struct sc16 *const *out)
{
    const size_t at = index * waveform_symbol_samps(&s->cfg.wave), k_all = s->cfg.wave.k;
    size_t clipped = 0;
    if (!precode)
        return waveform_symbol(s->waveform, row, k_all, out[0] + at);
    for (size_t t = 0; t < s->cfg.n_tx; t++) {
        for (size_t k = 0; k < k_all; k++)
            s->mixed[k] = row[k] * precode[t * k_all + k];
        clipped += waveform_symbol(s->waveform, s->mixed, k_all, out[t] + at);
    }
    return clipped;
}

static size_t put_header(struct data_slot *s, const struct data_slot_header *header,
                         const cplxf *precode, struct sc16 *const *out)
{
    uint8_t bytes[DATA_SLOT_HEADER_BYTES];
    const size_t n = frame_modem_symbols(s->modem);
    seal_header(header, bytes);
    frame_modem_modulate(s->modem, bytes, s->header);
    for (size_t k = 0; k < s->cfg.wave.k; k++)
        s->row[k] = s->header[k % n];
    return put(s, DATA_SLOT_PILOTS, s->row, precode, out);
}

static size_t put_data(struct data_slot *s, size_t index, const cplxf *precode,
                       struct sc16 *const *out)
{
    const cplxf *next = s->points + index * s->n_carried;
    for (size_t k = 0; k < s->cfg.wave.k; k++)
        s->row[k] = data_slot_in_comb(k) ? 1 : *next++;
    return put(s, DATA_SLOT_PILOTS + 1 + index, s->row, precode, out);
}

size_t data_slot_encode(struct data_slot *s, const struct data_slot_header *header,
                        const uint8_t *payload, const cplxf *precode, struct sc16 *const *out)
{
    size_t clipped = 0;
    assert(header->mcs < DATA_MCS_COUNT);
    if (!precode)
        for (size_t t = 1; t < s->cfg.n_tx; t++)
            memset(out[t], 0, data_slot_samps(s) * sizeof *out[t]);
    for (size_t k = 0; k < s->cfg.wave.k; k++)
        s->row[k] = 1;
    for (size_t i = 0; i < DATA_SLOT_PILOTS; i++)
        clipped += put(s, i, s->row, precode, out);
    clipped += put_header(s, header, precode, out);
    data_code_encode(s->code[header->mcs], payload, s->points);
    for (size_t i = 0; i < s->n_data; i++)
        clipped += put_data(s, i, precode, out);
    return clipped;
}
