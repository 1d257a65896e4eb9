/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/air_link.h"
#include "base/log.h"
#include "dsp/fft.h"
#include "dsp/precode.h"
#include "dsp/tx_sounding.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)RADIO_CHANNELS_MAX <= (int)PRECODE_MAX_TX, "every channel can beam");

#define SOUNDING_TAIL_S 64e-6 /* the radio's own delay, and the longest leak */
enum { SOUND_AGAIN = 10 };    /* cycles until a sounding that failed is tried again */
static const float match_min = 0.7f;
static const double user_gain_dbi = 0, noise_figure_db = 8;

struct decision { /* of the DSP thread, for the schedule thread */
    int64_t index;
    enum link_slot_kind kind;
    uint64_t cycle;
    size_t seat;            /* of the user */
    struct data_link *data; /* the user's; NULL: known data */
    int user_id;
    enum link_aim aim;
    struct vec3 place;
    double cov[3][3], speed_mps;
    double answered, cfo_hz; /* tick of the answer's begin, and the user's carrier offset */
    double latency_s;        /* of the radio */
    uint32_t tuning;
};

struct air_link {
    struct bs_cfg cfg;
    struct schedule schedule;
    const struct user_links *links;
    struct waveform_cfg wave;
    struct data_slot *down, *up;
    struct slot_est *est; /* of soundings */
    struct precode_cfg beam;
    struct tx_sounding_cfg sounding;
    cplxf *weights;                         /* [n_tx x K] */
    cplxf *leak;                            /* [n_tx x n_rx x K] */
    cplxf *h;                               /* [n_rx x K] of one symbol */
    struct sc16 *out[RADIO_CHANNELS_MAX];   /* [n_tx][slot] */
    struct sc16 *probe[RADIO_CHANNELS_MAX]; /* likewise, each channel alone in turn */
    uint8_t *payload;
    struct decision decision;
    cplxf *answer; /* [n_tx x K] of the decision: channel of the answer, with aim RECIPROCAL */
    struct link_report report; /* of this cycle */
    struct tx_sounding own;    /* the transmit channels, */
    bool known;                /* once they are, */
    uint32_t tuning;           /* under this setting of the radio */
    unsigned wait;             /* cycles until the next sounding may be */
};

static bool allocate(struct air_link *a)
{
    const size_t k = a->wave.k, n_tx = a->cfg.radio.n_tx, n_rx = a->cfg.radio.n_rx;
    bool ok = true;
    const size_t bytes = data_slot_bytes_max(a->down) > data_slot_bytes_max(a->up)
                             ? data_slot_bytes_max(a->down)
                             : data_slot_bytes_max(a->up);
    a->weights = fft_alloc(n_tx * k * sizeof *a->weights);
    a->leak = fft_alloc(n_tx * n_rx * k * sizeof *a->leak);
    a->h = fft_alloc(n_rx * k * sizeof *a->h);
    a->answer = fft_alloc(n_tx * k * sizeof *a->answer);
    a->payload = fft_alloc(bytes);
    for (size_t i = 0; i < n_tx; i++) {
        a->out[i] = fft_alloc(data_slot_samps(a->down) * sizeof **a->out);
        a->probe[i] = fft_alloc(data_slot_samps(a->down) * sizeof **a->probe);
        ok = ok && a->out[i] && a->probe[i];
    }
    return ok && a->weights && a->leak && a->h && a->answer && a->payload;
}

/* Symbol s is a pilot on channel s mod n_tx, silence on the others. */
static int make_probe(struct air_link *a, struct status *err)
{
    const cplxf pilot = 1;
    const size_t symbol = waveform_symbol_samps(&a->wave), n_tx = a->cfg.radio.n_tx;
    struct waveform *w = waveform_create(&a->wave, err);
    if (!w)
        return err->code;
    for (size_t s = 0; s < a->schedule.downlink_symbols; s++)
        (void)waveform_symbol(w, &pilot, 1, a->probe[s % n_tx] + s * symbol);
    waveform_destroy(&w);
    return OK;
}

static void place_antennas(struct air_link *a)
{
    const struct bs_cfg *c = &a->cfg;
    a->beam = (struct precode_cfg){.n_tx = c->radio.n_tx,
                                   .carrier_hz = c->radio.carrier_hz,
                                   .spacing_hz = waveform_spacing_hz(&a->wave),
                                   .n_carrier = a->wave.k};
    a->sounding = (struct tx_sounding_cfg){.n_tx = c->radio.n_tx,
                                           .n_rx = c->radio.n_rx,
                                           .carrier_hz = c->radio.carrier_hz,
                                           .spacing_hz = a->beam.spacing_hz,
                                           .n_carrier = a->wave.k};
    for (size_t i = 0; i < c->radio.n_tx; i++) {
        const double *p = c->geometry.tx_m[i];
        a->beam.antenna[i] = a->sounding.tx[i] = (struct vec3){p[0], p[1], p[2]};
    }
    for (size_t j = 0; j < c->radio.n_rx; j++)
        a->sounding.rx[j] = bs_config_antenna(c, j);
}

static int make_parts(struct air_link *a, struct status *err)
{
    const struct data_slot_cfg down = {.wave = a->wave,
                                       .n_symbols = a->schedule.downlink_symbols,
                                       .n_ant = 1,
                                       .n_tx = a->cfg.radio.n_tx};
    const struct data_slot_cfg up = {.wave = a->wave,
                                     .n_symbols = a->schedule.uplink_symbols,
                                     .n_ant = a->cfg.radio.n_rx,
                                     .n_tx = 1};
    if (a->schedule.downlink_symbols < a->cfg.radio.n_tx)
        return status_set(
            err, ERR_ARG,
            "link.downlink_s: %zu symbols are too few to sound %zu transmit channels; "
            "raise it",
            a->schedule.downlink_symbols, a->cfg.radio.n_tx);
    a->down = data_slot_create(&down, err);
    a->up = a->down ? data_slot_create(&up, err) : NULL;
    a->est = a->up ? slot_est_create(&a->wave, a->cfg.radio.n_rx, err) : NULL;
    if (!a->est)
        return err->code;
    if (a->links &&
        (link_traffic_check(a->down, "downlink", err) || link_traffic_check(a->up, "uplink", err)))
        return err->code;
    if (!allocate(a))
        return status_set(err, ERR_NO_MEMORY, "data link: out of memory");
    place_antennas(a);
    return make_probe(a, err);
}

struct air_link *air_link_create(const struct bs_cfg *cfg, const struct schedule *schedule,
                                 const struct user_links *links, struct status *err)
{
    struct air_link *a = calloc(1, sizeof *a);
    if (!a) {
        status_set(err, ERR_NO_MEMORY, "data link: out of memory");
        return NULL;
    }
    a->cfg = *cfg;
    a->schedule = *schedule;
    a->links = links;
    a->wave = bs_config_waveform(cfg);
    a->decision.index = -1;
    if (make_parts(a, err))
        air_link_destroy(&a);
    return a;
}

void air_link_destroy(struct air_link **link)
{
    struct air_link *a = *link;
    if (!a)
        return;
    data_slot_destroy(&a->down);
    data_slot_destroy(&a->up);
    slot_est_destroy(&a->est);
    fft_free(a->weights);
    fft_free(a->leak);
    fft_free(a->h);
    fft_free(a->answer);
    fft_free(a->payload);
    for (size_t i = 0; i < RADIO_CHANNELS_MAX; i++) {
        fft_free(a->out[i]);
        fft_free(a->probe[i]);
    }
    free(a);
    *link = NULL;
}

size_t air_link_sounding_samps(const struct air_link *a)
{
    return data_slot_samps(a->down) + (size_t)(SOUNDING_TAIL_S * a->wave.rate_hz);
}

/* --- DSP thread: whom, whether, where to */

/* cov of p + v t, and where that is. */
static void predict(const struct track *t, double dt, struct decision *d)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            d->cov[i][j] =
                t->P[i][j] + dt * (t->P[i + 3][j] + t->P[i][j + 3]) + dt * dt * t->P[i + 3][j + 3];
    d->place =
        (struct vec3){t->x[0] + dt * t->x[3], t->x[1] + dt * t->x[4], t->x[2] + dt * t->x[5]};
    d->speed_mps = sqrt(t->x[3] * t->x[3] + t->x[4] * t->x[4] + t->x[5] * t->x[5]);
}

/* Where the user will be in the middle of the slot: by the track, else by the fix. With
 * reciprocity that is told only. */
static void aim(struct air_link *a, const struct cycle_report *r, const cplxf *heard,
                struct decision *d)
{
    const struct schedule_span *w = &a->schedule.window[WINDOW_DOWNLINK];
    const double slot_s = ((double)schedule_start(&a->schedule, r->plan.index) + (double)w->begin +
                           0.5 * (double)w->n) /
                          (double)a->schedule.rate;
    if (r->track.alive) {
        d->aim = LINK_AIM_TRACK;
        predict(&r->track, slot_s - r->track.time_s, d);
    } else if (r->outcome == FIX_DONE) {
        d->aim = LINK_AIM_FIX;
        d->place = r->fix.position;
        memcpy(d->cov, r->fix.cov, sizeof d->cov);
    }
    if (a->cfg.beam != BS_BEAM_RECIPROCITY)
        return;
    d->aim = LINK_AIM_RECIPROCAL;
    memcpy(a->answer, heard, a->cfg.radio.n_tx * a->wave.k * sizeof *heard);
}

static bool wants_sounding(struct air_link *a, const struct cycle_report *r)
{
    if (a->cfg.radio.n_tx < 2 || (a->known && a->tuning == r->plan.tuning))
        return false;
    a->known = false;
    if (a->wait > 0)
        a->wait--;
    return a->wait == 0;
}

static enum link_slot_kind kind_of(struct air_link *a, const struct cycle_report *r)
{
    if (report_blocked(r))
        return LINK_SLOT_NONE;
    if (wants_sounding(a, r))
        return LINK_SLOT_SOUNDING;
    return consent_may_send(r->consent) ? LINK_SLOT_DATA : LINK_SLOT_NONE;
}

static int64_t slot_tick(const struct air_link *a)
{
    return schedule_start(&a->schedule, a->decision.index) + a->schedule.downlink;
}

static struct data_link_slot this_slot(const struct air_link *a)
{
    return (struct data_link_slot){.cycle = a->decision.cycle,
                                   .time_s = (double)slot_tick(a) / (double)a->schedule.rate};
}

/* A no, and an order to withhold, are for data too; silence and bad answers may be the air's, and
 * packets wait for their lifetime. */
static void heed_consent(struct data_link *data, enum consent_state consent)
{
    if (data && consent_may_send(consent))
        data_link_open(data);
    else if (data && consent_forgets(consent))
        data_link_close(data);
}

/* Whoever is withheld, asked in this cycle or not. A place that nobody has is left alone: the link
 * of the next user may be prepared there. */
static void close_withheld(const struct air_link *a, const struct pipeline *consents)
{
    struct pipeline_user_counters user;
    for (size_t seat = 0; a->links && seat < BS_USERS_MAX; seat++) {
        struct data_link *data = user_links_at(a->links, seat);
        pipeline_user_counters(consents, seat, &user);
        if (data && user.consent == CONSENT_WITHHELD)
            data_link_close(data);
    }
}

void air_link_decide(struct air_link *a, const struct cycle_report *r,
                     const struct pipeline *consents, const cplxf *heard)
{
    struct decision *d = &a->decision;
    if (r->plan.radio.carrier_hz > 0)
        a->beam.carrier_hz = a->sounding.carrier_hz = r->plan.radio.carrier_hz;
    *d = (struct decision){
        .index = r->plan.index,
        .kind = kind_of(a, r),
        .cycle = r->plan.cycle,
        .seat = r->plan.user,
        .data = user_links_at(a->links, r->plan.user),
        .user_id = r->user_id,
        .place = {NAN, NAN, NAN}, /* not known yet */
        .speed_mps = NAN,
        .answered = r->response_start,
        .cfo_hz = r->response_cfo_hz,
        .latency_s = r->site.latency_s,
        .tuning = r->plan.tuning,
    };
    heed_consent(d->data, r->consent);
    close_withheld(a, consents);
    if (d->kind == LINK_SLOT_DATA) {
        aim(a, r, heard, d);
    } else if (d->data) {
        const struct data_link_slot now = this_slot(a);
        data_link_skip(d->data, &now);
    }
}

/* --- schedule thread: the slot */

static void note_beam(struct air_link *a, const cplxf *own)
{
    const struct decision *d = &a->decision;
    struct link_beam *b = &a->report.beam;
    const struct link_radio *r = &a->cfg.radio;
    const struct precode_budget budget = {
        .tx_dbm = r->full_scale_dbm + r->tx_gain_db + 20 * log10(a->wave.rms),
        .tx_gain_dbi = r->antenna_gain_dbi,
        .rx_gain_dbi = user_gain_dbi,
        .noise_figure_db = noise_figure_db,
        .n_tx = r->n_tx,
        .n_rx = 1,
        .distance_m = vec3_dist(d->place, a->beam.antenna[0]),
        .carrier_hz = a->beam.carrier_hz,
        .bandwidth_hz = a->beam.spacing_hz * (double)a->beam.n_carrier,
    };
    if (d->aim == LINK_AIM_RECIPROCAL) {
        b->gain_db = precode_reciprocal_gain_db(&a->beam, a->answer, a->own.heard, own);
    } else {
        b->gain_db = precode_gain_db(&a->beam, own, a->weights, d->place);
        b->loss_db = precode_expected_loss_db(&a->beam, d->place, d->cov);
    }
    if (isfinite(d->place.x)) {
        b->sigma_m = (float)sqrt(d->cov[0][0] + d->cov[1][1] + d->cov[2][2]);
        b->budget_snr_db = (float)precode_budget_snr_db(&budget);
    }
}

/* The weights of this cycle's beam; NULL: there is nothing to aim with, or at. */
static const cplxf *beam(struct air_link *a)
{
    const struct decision *d = &a->decision;
    a->report.beam.aim = a->known ? d->aim : LINK_AIM_NONE;
    if (a->report.beam.aim == LINK_AIM_NONE)
        return NULL;
    a->report.beam.aim_m = d->place;
    a->report.beam.speed_mps = (float)d->speed_mps;
    if (d->aim == LINK_AIM_RECIPROCAL)
        precode_reciprocal(&a->beam, a->answer, a->own.heard, a->own.own, a->weights);
    else
        precode_position(&a->beam, d->place, a->own.own, a->weights);
    note_beam(a, a->own.own);
    return a->weights;
}

static void make_slot(struct air_link *a)
{
    const struct data_link_slot now = this_slot(a);
    const struct data_slot_header header =
        link_traffic_fill(a->decision.data, a->down, &now, (unsigned)a->cfg.data.mcs, a->payload);
    a->report.down.mcs = header.mcs;
    a->report.down.known = header.known;
    a->report.down.bytes = data_slot_bytes(a->down, header.mcs);
    (void)data_slot_encode(a->down, &header, a->payload, beam(a), a->out);
}

static void begin_report(struct air_link *a)
{
    const struct link_totals total = a->report.total;
    const struct decision *d = &a->decision;
    a->report = (struct link_report){
        .cycle = d->cycle,
        .time_s = this_slot(a).time_s,
        .user_id = d->user_id,
        .kind = d->kind,
        .beam = LINK_BEAM_NONE,
        .calibrated = a->known,
        .match = a->own.match,
        .total = total,
    };
}

static bool is_withdrawn(const struct air_link *a, const struct pipeline *consents)
{
    return a->decision.kind == LINK_SLOT_DATA && !pipeline_may_send(consents, a->decision.seat);
}

enum link_slot_kind air_link_send(struct air_link *a, struct radio *radio,
                                  const struct pipeline *consents, int64_t index)
{
    const struct sc16 *buf[RADIO_CHANNELS_MAX];
    if (a->decision.index != index || a->decision.kind == LINK_SLOT_NONE)
        return LINK_SLOT_NONE;
    if (is_withdrawn(a, consents)) {
        const struct data_link_slot now = this_slot(a);
        a->decision.kind = LINK_SLOT_NONE;
        if (a->decision.data)
            data_link_skip(a->decision.data, &now);
        return LINK_SLOT_NONE;
    }
    begin_report(a);
    if (a->decision.kind == LINK_SLOT_DATA)
        make_slot(a);
    for (size_t i = 0; i < a->cfg.radio.n_tx; i++)
        buf[i] = a->decision.kind == LINK_SLOT_DATA ? a->out[i] : a->probe[i];
    if (radio_tx_burst(radio, slot_tick(a), buf, data_slot_samps(a->down))) {
        a->report.total.send_failed++;
        return LINK_SLOT_NONE;
    }
    a->report.total.sent += a->decision.kind == LINK_SLOT_DATA;
    return a->decision.kind;
}

/* --- DSP thread: what comes back */

/* The user counts from his answer: his slot begins as much later as the table says. */
void air_link_hear(struct air_link *a, const struct block *block, struct link_report *out)
{
    const struct decision *d = &a->decision;
    const double at = d->answered + (double)(a->schedule.uplink - a->schedule.response) -
                      (double)block->info.tick;
    const struct slot_window win = {.first = (size_t)fmax(0, round(at)),
                                    .n_slots = 1,
                                    .cfo_hz = d->cfo_hz,
                                    .skew = d->cfo_hz / a->beam.carrier_hz};
    const struct data_link_slot now = this_slot(a);
    struct link_rx *rx = &a->report.up;
    int rc = ERR_RADIO;
    if (block->info.faults == 0 && at >= 0 && win.first + data_slot_samps(a->up) <= block->n_samp) {
        rc = data_slot_decode(a->up, (const struct sc16 *const *)block->samp, &win, a->payload,
                              &rx->slot);
        rx->found = rc == OK || rc == ERR_CRC;
        rx->ok = rc == OK;
        rx->bytes = rx->found ? data_slot_bytes(a->up, rx->slot.header.mcs) : 0;
    }
    link_totals_note(&a->report.total, rx);
    link_traffic_take(d->data, &now, rc, &rx->slot, a->payload, rx->bytes);
    a->report.carries = d->data != NULL;
    if (d->data)
        data_link_read(d->data, &a->report.traffic);
    *out = a->report;
}

/* Sum of all symbols of each channel; returns by how much later than the leak's way they look. */
static double gather(struct air_link *a, const struct block *block)
{
    const size_t n_tx = a->cfg.radio.n_tx, row = a->cfg.radio.n_rx * a->wave.k;
    const size_t advance = waveform_prefix_samps(&a->wave) / 2;
    const double late = fmax(0, a->decision.latency_s * a->wave.rate_hz);
    const size_t first = (size_t)floor(late);
    memset(a->leak, 0, n_tx * row * sizeof *a->leak);
    for (size_t s = 0; s < a->schedule.downlink_symbols; s++) {
        const struct slot_window win = {.first = first + s * waveform_symbol_samps(&a->wave),
                                        .n_slots = 1};
        if (win.first + waveform_symbol_samps(&a->wave) > block->n_samp)
            break;
        slot_symbol(a->est, (const struct sc16 *const *)block->samp, &win, advance, a->h);
        for (size_t i = 0; i < row; i++)
            a->leak[s % n_tx * row + i] += a->h[i];
    }
    return (late - (double)first + (double)advance) / a->wave.rate_hz;
}

void air_link_sounded(struct air_link *a, const struct block *block, struct link_report *out)
{
    int rc = ERR_NO_PEAK;
    if (block->info.faults == 0)
        rc = tx_sounding_estimate(&a->sounding, a->leak, gather(a, block), &a->own);
    a->known = rc == OK && a->own.match >= match_min;
    a->tuning = a->decision.tuning;
    a->wait = SOUND_AGAIN;
    a->report.total.soundings++;
    a->report.total.soundings_failed += !a->known;
    a->report.calibrated = a->known;
    a->report.match = a->own.match;
    *out = a->report;
}

const struct tx_sounding *air_link_channels(const struct air_link *a)
{
    return a->known ? &a->own : NULL;
}
