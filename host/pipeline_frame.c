/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sounding by the frame alone, [S1] III-C: its symbols are what the base station itself sent, so
 * that each of them tells the channel as well as a pilot does. */
#include "dsp/fft.h"
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>

bool pipeline_frame_create(struct pipeline *p, struct status *err)
{
    const struct frame_modem_cfg modem =
        link_frame_modem(LINK_SENSING, p->wave.k, 1, link_scheme(&p->cfg.waveform));
    p->sounding.modem = frame_modem_create(&modem, err);
    p->sounding.symbol = fft_alloc(MODEM_SYMBOLS_MAX * sizeof *p->sounding.symbol);
    return p->sounding.modem && p->sounding.symbol;
}

void pipeline_frame_destroy(struct pipeline *p)
{
    frame_modem_destroy(&p->sounding.modem);
    fft_free(p->sounding.symbol);
}

/* Least squares over the pilot y1 = h and the frame y2 = h s: (y1 + s* y2) / (1 + |s|^2). */
static void join_symbols(const struct pipeline *p, const cplxf *data, cplxf *h)
{
    const size_t n = frame_modem_symbols(p->sounding.modem);
    for (size_t a = 0; a < p->cfg.radio.n_rx; a++)
        for (size_t k = 0; k < p->wave.k; k++) {
            const size_t i = a * p->wave.k + k;
            const cplxf s = p->sounding.symbol[k % n];
            h[i] = (h[i] + conjf(s) * data[i]) / (1 + cplxf_norm(s));
        }
}

/* By the leak, which is far stronger than all echoes. */
static int find_frame(struct pipeline *p, const struct block *block)
{
    struct sync_burst leak;
    if (sync_pilot(p->sync, block->samp[0], block->n_samp, &leak))
        return ERR_NO_PEAK;
    p->sounding.lag = (size_t)fmax(round(leak.end_samps), 0);
    return OK;
}

/* h: [n_rx x K], scratch: as much. */
static void measure(struct pipeline *p, const struct block *block, cplxf *h, cplxf *scratch)
{
    const struct sc16 *const *samp = (const struct sc16 *const *)block->samp;
    const size_t symbol = waveform_symbol_samps(&p->wave);
    const size_t advance = waveform_prefix_samps(&p->wave) / 2;
    struct slot_window window = {.first = p->sounding.lag, .n_slots = 1};
    frame_modem_modulate(p->sounding.modem, block->plan.sensing, p->sounding.symbol);
    slot_symbol(p->slots, samp, &window, advance, h);
    window.first += symbol;
    slot_symbol(p->slots, samp, &window, advance, scratch);
    join_symbols(p, scratch, h);
}

int pipeline_frame_separate(struct pipeline *p, const struct block *block, struct stream_ref *ref)
{
    struct sounding *s = &p->sounding;
    int rc = s->held ? OK : find_frame(p, block);
    if (rc || s->lag + 2 * waveform_symbol_samps(&p->wave) > block->n_samp)
        return ERR_NO_PEAK;
    measure(p, block, p->h, p->v);
    rc = stream_whole(p->streams, p->h, s->held ? s->tap : NULL, p->w, ref);
    if (rc)
        return rc;
    if (!s->held)
        memcpy(s->tap, ref->tap, sizeof s->tap);
    s->held = true;
    return OK;
}

void pipeline_frame_release(struct pipeline *p)
{
    p->sounding.held = false;
}

void pipeline_frame_state(struct pipeline *p, struct state_io *io)
{
    state_flag(io, &p->sounding.held);
    state_count(io, &p->sounding.lag, (size_t)p->schedule.window[WINDOW_SENSING].n);
    state_cplxf(io, p->sounding.tap, STREAM_MAX_ANT);
}
