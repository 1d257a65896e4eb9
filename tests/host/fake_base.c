/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/fake_base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "dsp/frame_rx.h"
#include "dsp/rng.h"

struct radio {
    struct fake_base base;
    struct waveform *waveform;
    struct frame_modem *sensing, *coded;
    struct frame_rx *rx;
    struct sc16 *burst; /* one cycle's: slots, pilot, frame, sync */
    size_t n_slots, n_burst;
    uint64_t sent_cycle; /* whose frames are in burst; 0 = none */
    struct rng rng;
};

static struct frame_modem *make_modem(const struct waveform_cfg *w, size_t n_byte,
                                      enum modem_scheme scheme, bool golay)
{
    struct status err = {0};
    const struct frame_modem_cfg cfg = {
        .n_byte = n_byte, .n_carrier = w->k, .n_ant = 1, .scheme = scheme, .golay = golay};
    struct frame_modem *m = frame_modem_create(&cfg, &err);
    assert_non_null(m);
    return m;
}

struct radio *fake_base_open(const struct fake_base_cfg *cfg)
{
    struct status err = {0};
    struct radio *r = calloc(1, sizeof *r);
    const cplxf pilot = 1;
    assert_non_null(r);
    r->base = (struct fake_base){.cfg = *cfg, .flip_bit = -1};
    r->waveform = waveform_create(&cfg->waveform, &err);
    r->rx = frame_rx_create(&cfg->waveform, 1, &err);
    assert_non_null(r->waveform);
    assert_non_null(r->rx);
    r->sensing = make_modem(&cfg->waveform, SENSING_FRAME_BYTES, MODEM_QAM16, false);
    r->coded = make_modem(&cfg->waveform, RESPONSE_FRAME_BYTES, MODEM_QPSK, true);
    r->n_slots = waveform_burst_slots(&cfg->waveform) * waveform_slot_samps(&cfg->waveform);
    r->n_burst = r->n_slots + 3 * waveform_symbol_samps(&cfg->waveform);
    r->burst = calloc(r->n_burst, sizeof *r->burst);
    assert_non_null(r->burst);
    waveform_slots(r->waveform, waveform_burst_slots(&cfg->waveform), r->burst);
    (void)waveform_symbol(r->waveform, &pilot, 1, r->burst + r->n_slots);
    r->rng = rng_seed(7);
    return r;
}

struct fake_base *fake_base_of(struct radio *radio)
{
    return &radio->base;
}

void radio_close(struct radio **radio)
{
    if (!*radio)
        return;
    waveform_destroy(&(*radio)->waveform);
    frame_rx_destroy(&(*radio)->rx);
    frame_modem_destroy(&(*radio)->sensing);
    frame_modem_destroy(&(*radio)->coded);
    free((*radio)->burst);
    free(*radio);
    *radio = NULL;
}

static void compose(struct radio *r, uint64_t cycle)
{
    cplxf symbols[MODEM_SYMBOLS_MAX];
    uint8_t sensing[SENSING_FRAME_BYTES], sync[SYNC_FRAME_BYTES];
    const struct fake_base_cfg *cfg = &r->base.cfg;
    const size_t symbol = waveform_symbol_samps(&cfg->waveform);
    struct sc16 *data = r->burst + r->n_slots + symbol, *last = data + symbol;
    const uint64_t named = r->base.replay ? cfg->first_cycle : cycle;
    assert_int_equal(secure_seal_sensing(&cfg->keys, named, cfg->user_id, sensing), OK);
    if (r->base.flip_bit >= 0)
        sensing[r->base.flip_bit / 8] ^= (uint8_t)(0x80 >> r->base.flip_bit % 8);
    frame_modem_modulate(r->sensing, sensing, symbols);
    (void)waveform_symbol(r->waveform, symbols, frame_modem_symbols(r->sensing), data);
    for (size_t i = 0; i < symbol; i++)
        last[i] = (struct sc16){0, 0};
    if (named % SYNC_FRAME_PERIOD == 0 && !r->base.no_sync) {
        secure_seal_sync(&cfg->keys, named, cfg->user_id, sync);
        frame_modem_modulate(r->coded, sync, symbols);
        (void)waveform_symbol(r->waveform, symbols, frame_modem_symbols(r->coded), last);
    }
    r->sent_cycle = cycle;
}

/* The user's antenna at one tick. */
static cplxf heard(struct radio *r, int64_t tick)
{
    const struct fake_base_cfg *cfg = &r->base.cfg;
    double noise[2];
    rng_normal2(&r->rng, noise);
    cplxf x = (float)(noise[0] * cfg->noise_rms / sqrt(2)) +
              I * (float)(noise[1] * cfg->noise_rms / sqrt(2));
    int64_t since = tick - cfg->first;
    if (r->base.silent || since < 0 || since % cfg->period >= (int64_t)r->n_burst)
        return x;
    uint64_t cycle = cfg->first_cycle + (uint64_t)(since / cfg->period);
    if (cycle != r->sent_cycle)
        compose(r, cycle);
    const struct sc16 s = r->burst[since % cfg->period];
    const double turns = cfg->cfo_hz * (double)tick / cfg->waveform.rate_hz;
    const double angle = 2 * PI * (turns - floor(turns));
    return x +
           ((float)s.i + I * (float)s.q) / 32767.0f * ((float)cos(angle) + I * (float)sin(angle));
}

int radio_now(struct radio *radio, int64_t *tick)
{
    *tick = radio->base.now;
    return OK;
}

int radio_capture(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block)
{
    (void)wait_s;
    assert_true(tick >= radio->base.now); /* the user never asks for the past */
    *block = (struct radio_block){.tick = tick, .n_valid = n};
    radio->base.now = tick + (int64_t)n;
    if (radio->base.stall)
        return ERR_TIMEOUT;
    for (size_t i = 0; i < n; i++) {
        cplxf x = heard(radio, tick + (int64_t)i);
        (void)waveform_to_sc16(&x, 1, &buf[0][i]);
    }
    radio->base.received += n;
    return OK;
}

int radio_tx_burst(struct radio *radio, int64_t tick, const struct sc16 *const *buf, size_t n)
{
    struct fake_base *base = &radio->base;
    const struct waveform_cfg *w = &base->cfg.waveform;
    const size_t slots = w->slots_per_code * waveform_slot_samps(w);
    struct secure_expectation expect;
    uint8_t sensing[SENSING_FRAME_BYTES], frame[RESPONSE_FRAME_BYTES];
    assert_true(tick > base->now);
    assert_int_equal(n, slots + 2 * waveform_symbol_samps(w));
    base->n_answer++;
    base->answer_tick = tick;
    frame_rx_pilot(radio->rx, buf, &(struct slot_window){.first = slots, .n_slots = 1});
    assert_int_equal(frame_rx_read(radio->rx, 1, radio->coded, frame, NULL, NULL), OK);
    assert_int_equal(
        secure_seal_sensing(&base->cfg.keys, radio->sent_cycle, base->cfg.user_id, sensing), OK);
    secure_expect(&expect, radio->sent_cycle, sensing);
    base->answer_code = secure_open_response(&expect, &base->cfg.keys, frame, &base->answer);
    return OK;
}

void radio_tx_poll(struct radio *radio)
{
    (void)radio;
}
