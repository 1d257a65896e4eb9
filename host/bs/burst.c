/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/burst.h"
#include "base/log.h"
#include "dsp/fft.h"
#include <stdlib.h>

struct burst {
    struct waveform *wave;
    struct frame_modem *sensing, *sync;
    size_t symbol, code; /* samples of one symbol, of all coded slots */
    struct sc16 *samples, *silence;
    cplxf symbols[MODEM_SYMBOLS_MAX];
};

static bool make_parts(struct burst *b, const struct bs_cfg *cfg, struct status *err)
{
    const struct waveform_cfg wave = bs_config_waveform(cfg);
    const enum modem_scheme scheme = link_scheme(&cfg->waveform);
    const struct frame_modem_cfg sensing = link_frame_modem(LINK_SENSING, wave.k, 1, scheme),
                                 sync = link_frame_modem(LINK_SYNC, wave.k, 1, scheme);
    b->symbol = waveform_symbol_samps(&wave);
    b->code = waveform_burst_slots(&wave) * waveform_slot_samps(&wave);
    b->wave = waveform_create(&wave, err);
    b->sensing = b->wave ? frame_modem_create(&sensing, err) : NULL;
    b->sync = b->sensing ? frame_modem_create(&sync, err) : NULL;
    b->samples = b->sync ? fft_alloc((b->code + 3 * b->symbol) * sizeof *b->samples) : NULL;
    b->silence = b->samples ? fft_alloc((b->code + 3 * b->symbol) * sizeof *b->silence) : NULL;
    if (b->sync && !b->silence)
        status_set(err, ERR_NO_MEMORY, "burst: out of memory");
    return b->silence != NULL;
}

struct burst *burst_create(const struct bs_cfg *cfg, struct status *err)
{
    struct burst *b = calloc(1, sizeof *b);
    if (!b) {
        status_set(err, ERR_NO_MEMORY, "burst: out of memory");
        return NULL;
    }
    if (!make_parts(b, cfg, err)) {
        burst_destroy(&b);
        return NULL;
    }
    const struct waveform_cfg wave = bs_config_waveform(cfg);
    waveform_slots(b->wave, waveform_burst_slots(&wave), b->samples);
    const cplxf one = 1;
    waveform_symbol(b->wave, &one, 1, b->samples + b->code);
    return b;
}

void burst_destroy(struct burst **burst)
{
    struct burst *b = *burst;
    if (!b)
        return;
    waveform_destroy(&b->wave);
    frame_modem_destroy(&b->sensing);
    frame_modem_destroy(&b->sync);
    fft_free(b->samples);
    fft_free(b->silence);
    free(b);
    *burst = NULL;
}

static void put_symbol(struct burst *b, struct frame_modem *modem, const uint8_t *bytes, size_t at)
{
    frame_modem_modulate(modem, bytes, b->symbols);
    waveform_symbol(b->wave, b->symbols, frame_modem_symbols(modem), b->samples + at);
}

size_t burst_fill(struct burst *b, const uint8_t sensing[5], const uint8_t *sync)
{
    size_t at = b->code + b->symbol;
    put_symbol(b, b->sensing, sensing, at);
    at += b->symbol;
    if (!sync)
        return at;
    put_symbol(b, b->sync, sync, at);
    return at + b->symbol;
}

const struct sc16 *burst_samples(const struct burst *b)
{
    return b->samples;
}

const struct sc16 *burst_silence(const struct burst *b)
{
    return b->silence;
}
