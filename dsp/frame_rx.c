/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/frame_rx.h"
#include "dsp/fft.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct frame_rx {
    struct waveform_cfg cfg;
    size_t n_ant;
    struct slot_est *est;
    cplxf *pilot, *data; /* [n_ant x K] */
    const struct sc16 *x[SLOT_MAX_ANT];
    struct slot_window win; /* of the pilot */
    float pilot_power;
};

struct frame_rx *frame_rx_create(const struct waveform_cfg *cfg, size_t n_ant, struct status *err)
{
    struct frame_rx *rx = calloc(1, sizeof *rx);
    if (rx) {
        rx->cfg = *cfg;
        rx->n_ant = n_ant;
        rx->est = slot_est_create(cfg, n_ant, err);
        if (!rx->est) {
            frame_rx_destroy(&rx);
            return NULL;
        }
        rx->pilot = fft_alloc(n_ant * cfg->k * sizeof *rx->pilot);
        rx->data = fft_alloc(n_ant * cfg->k * sizeof *rx->data);
    }
    if (!rx || !rx->pilot || !rx->data) {
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "frame receiver: out of memory");
        frame_rx_destroy(&rx);
    }
    return rx;
}

void frame_rx_destroy(struct frame_rx **rx)
{
    if (!*rx)
        return;
    slot_est_destroy(&(*rx)->est);
    fft_free((*rx)->pilot);
    fft_free((*rx)->data);
    free(*rx);
    *rx = NULL;
}

static float mean_power(const struct frame_rx *rx, const cplxf *h)
{
    float sum = 0;
    for (size_t i = 0; i < rx->n_ant * rx->cfg.k; i++)
        sum += cplxf_norm(h[i]);
    return sum / (float)(rx->n_ant * rx->cfg.k);
}

static size_t advance(const struct frame_rx *rx)
{
    return waveform_prefix_samps(&rx->cfg) / 2;
}

/* Carriers of the symbol `behind` samples after the pilot. The phase of the carrier offset counts
 * from the capture's first sample, so the symbols keep step with each other. */
static void read_symbol(struct frame_rx *rx, size_t behind, cplxf *h)
{
    struct slot_window win = rx->win;
    win.first += behind;
    slot_symbol(rx->est, rx->x, &win, advance(rx), h);
}

void frame_rx_pilot(struct frame_rx *rx, const struct sc16 *const *x, const struct slot_window *win)
{
    for (size_t a = 0; a < rx->n_ant; a++)
        rx->x[a] = x[a];
    rx->win = *win;
    read_symbol(rx, 0, rx->pilot);
    rx->pilot_power = mean_power(rx, rx->pilot);
}

const cplxf *frame_rx_channel(const struct frame_rx *rx)
{
    return rx->pilot;
}

int frame_rx_read(struct frame_rx *rx, size_t index, struct frame_modem *modem, uint8_t *bytes,
                  struct frame_modem_quality *quality, float *present)
{
    assert(index >= 1);
    read_symbol(rx, index * waveform_symbol_samps(&rx->cfg), rx->data);
    if (present)
        *present = rx->pilot_power > 0 ? mean_power(rx, rx->data) / rx->pilot_power : 0.0f;
    return frame_modem_demodulate(modem, rx->data, rx->pilot, bytes, quality);
}
