/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's answer: find its burst, read its frame, check it, and time its three ways. */
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>

enum { EARLY_SAMPS = 48 };
/* A burst that begins elsewhere is not an answer of this cycle: clock errors and flight take less.
 */
#define START_TOLERANCE_S     20e-6
#define START_TOLERANCE_SAMPS 400 /* the latencies of both devices, which count in samples */

static int find_burst(struct pipeline *p, const struct block *block, struct sync_burst *burst)
{
    const double expected =
        (double)-(p->schedule.window[WINDOW_RESPONSE].begin - p->schedule.response);
    for (size_t a = 0; a < p->cfg.radio.n_rx; a++) {
        if (sync_search(p->sync, block->samp[a], block->n_samp, burst))
            continue;
        if (burst->start_seen && burst->end_seen &&
            fabs(burst->start_samps - expected) <
                fmax(START_TOLERANCE_S * p->wave.rate_hz, START_TOLERANCE_SAMPS))
            return OK;
    }
    return ERR_NOT_FOUND;
}

static int read_frame(struct pipeline *p, const struct block *block, const struct sync_burst *burst,
                      struct cycle_report *r, uint8_t bytes[RESPONSE_FRAME_BYTES])
{
    const size_t code = waveform_slot_samps(&p->wave) * p->wave.slots_per_code;
    const struct slot_window window = {
        .first = (size_t)llround(burst->start_samps) + code,
        .n_slots = 1,
        .cfo_hz = burst->cfo_hz,
    };
    struct frame_modem_quality quality;
    if (window.first + 2 * waveform_symbol_samps(&p->wave) > block->n_samp)
        return ERR_NOT_FOUND;
    frame_rx_pilot(p->frame, (const struct sc16 *const *)block->samp, &window);
    int rc = frame_rx_read(p->frame, 1, p->modem, bytes, &quality, NULL);
    r->response_evm_db = rc == OK ? quality.evm_db : 0;
    return rc;
}

/* One look at the stream of no surface may find it empty by chance; an echo that should be there,
 * and is not, says that the surface is out of sight. Among others an echo says nothing of the user.
 */
static double margin_db(const struct cycle_report *r, size_t i)
{
    const bool dark = r->background_valid && !r->plan.others && !r->path[PATH_L1 + i].found;
    return dark ? PIPELINE_DARK_DB : PIPELINE_REST_DB;
}

/* Arrival times of the user's own signal, relative to its strongest arrival. [S1] III-D,
 * SIGNAL 3.8: only their differences are used, so no clock is shared; when the answer came at all,
 * by its changes (pipeline_round.c). */
static void time_ways(struct pipeline *p, const struct block *block, const struct sync_burst *burst,
                      struct cycle_report *r)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    const struct slot_window window = {
        .first = (size_t)llround(burst->start_samps) - EARLY_SAMPS,
        .n_slots = p->wave.slots_per_code,
        .cfo_hz = burst->cfo_hz,
        .skew = burst->cfo_hz / p->cfg.radio.carrier_hz,
    };
    struct stream_ref ref;
    p->round_m = NAN;
    slot_estimate(p->slots, (const struct sc16 *const *)block->samp, &window, p->h);
    if (stream_separate_response(p->streams, p->h, window.n_slots, p->v, &ref))
        return;
    const size_t n = r->plan.still ? 1 : N_STREAM; /* surfaces that stand still: one stream */
    for (size_t i = 0; i < n; i++) {
        struct report_path *path = &r->path[PATH_A1 + i];
        struct toa toa;
        const cplxf *w = p->v + (STREAM_STATIC + i) * stride;
        path->found = toa_estimate(p->toa, w, &p->coop_gate[i], 0, &toa) == OK;
        pipeline_note_path(path, &toa);
        if (i && path->found &&
            !pipeline_by_surface(p, p->v, &p->coop_gate[i], &toa, margin_db(r, i)))
            path->found = false;
        if (i > 0 || !path->found)
            continue;
        pipeline_site_keep_answer(p, &toa);
        pipeline_round_hear(p,
                            (double)window.first +
                                (ref.delay_s + toa.length_m / SPEED_OF_LIGHT) * p->wave.rate_hz,
                            window.skew, r);
    }
}

static enum response_verdict verdict_of(int code, const struct response *response, bool withheld)
{
    switch (code) {
    case OK:
        return !response->permit ? RESPONSE_NO_PERMIT
               : withheld        ? RESPONSE_WITHHELD
                                 : RESPONSE_PERMITTED;
    case ERR_CRC:
    case ERR_FORMAT:
        return RESPONSE_DAMAGED;
    default:
        return RESPONSE_REFUSED;
    }
}

static int check(struct pipeline *p, const struct cycle_report *r, struct response *out)
{
    const size_t user = r->plan.user;
    if (p->check)
        return p->check(p->check_context, &r->plan, r->answer_bytes, out);
    return secure_open_response(&p->user[user].expect, &p->keys[user], r->answer_bytes, out);
}

const cplxf *pipeline_answer_channel(const struct pipeline *p)
{
    return frame_rx_channel(p->frame);
}

void pipeline_open_response(struct pipeline *p, const struct block *block, struct cycle_report *r)
{
    struct sync_burst burst;
    struct response response;
    int64_t t0 = clock_ns();
    if (block->info.faults) {
        r->response = RESPONSE_LOST;
        return;
    }
    int found = find_burst(p, block, &burst);
    r->stages.sync_us = (double)(clock_ns() - t0) * 1e-3;
    if (found != OK || read_frame(p, block, &burst, r, r->answer_bytes) != OK) {
        r->response = RESPONSE_SILENT;
        return;
    }
    r->response_snr_db = burst.snr_db;
    r->response_cfo_hz = burst.cfo_hz;
    r->response_start = (double)block->info.tick + burst.start_samps;
    r->answered = true;
    r->response_code = check(p, r, &response);
    r->response = verdict_of(r->response_code, &response, pipeline_withheld(p, r->plan.user));
    if (r->response != RESPONSE_PERMITTED)
        return;
    r->answer = response;
    r->height_m = response.height_cm / 100.0;
    r->height_sigma_m = fmax(response_sigma_m(response.sigma_code), p->cfg.estimate.height_sigma_m);
    r->turnaround_ns = response.turnaround_ds / 10.0;
    if (p->cfg.estimate.cooperative && !report_blocked(r))
        time_ways(p, block, &burst, r);
}
