/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/receiver.h"
#include "base/log.h"
#include "dsp/fft.h"
#include "dsp/frame_rx.h"
#include "dsp/sync.h"
#include "host/link_config.h"
#include <math.h>
#include <stdlib.h>

enum {
    SEARCH_PERIODS = 4, /* length of a search window */
    TRACK_SLOTS = 3,    /* of the burst's tail, for timing and carrier offset */
    FRAME_SYMBOLS = 3,  /* pilot, sensing frame, sync frame */
    TAIL_SAMPS = 256,   /* behind the last symbol */
    WIDE_SLOTS = 40,    /* a wide look begins so long before the burst's end is due */
    HIDDEN_SLOTS = 16,  /* of a burst's end, in the dark of a surface's slots */
    MIN_SLOTS = 16,     /* shorter bursts are other users' answers */
};
static const float plateau_min = 0.3f;   /* 16 sigma of noise alone in a search window */
static const float sync_min = 0.25f;     /* power of the sync symbol relative to the pilot */
static const double search_stride = 0.8; /* of a burst, between search windows */
static const float frame_evm_db = -15;   /* and it begins with its preamble, which no slot does */
static const double clock_error_max = 1e-5; /* relative, both clocks together */
static const double wait_s = 0.1;

/* How a base station's cycle is found and followed. */
struct manner {
    double wide_cycles;  /* by so much a wide look is longer than a burst */
    size_t hidden_slots; /* the end that it shows may be so much too early */
    int (*search)(struct receiver *r, struct heard_burst *burst);
    int (*find_end)(struct receiver *r, size_t n, struct sync_burst *found);
    size_t (*lead_samps)(const struct waveform_cfg *w); /* before the frames, while following */
    int (*follow)(struct receiver *r, size_t n, double lead, struct sync_burst *found);
};
/* The latter: nothing goes before the frames, and their pilot is looked for in a whole cycle. */
static const struct manner behind_a_burst, frames_alone;

struct receiver {
    struct receiver_cfg cfg;
    const struct manner *manner;
    struct radio *radio;
    struct sync *sync;
    struct frame_rx *frame;
    struct frame_modem *sensing_modem, *sync_modem;
    struct sc16 *samp;
    size_t n_samp; /* capacity: a whole burst and what may come around it */

    enum receiver_state state;
    struct receiver_counters count;
    int64_t
        next_tick;    /* SEARCH: next window; LOCATE: window a plateau was seen in, one period on */
    int64_t end_tick; /* TRACK: where the burst's end was, ... */
    double end_frac;  /* ... with fraction, or would have been in a missed cycle */
    double skew;      /* of the base station's sample clock against ours */
    bool heard_any;
    int64_t heard_tick; /* end of the last burst heard */
    unsigned n_missed;  /* in a row */
};

static size_t burst_samps(const struct receiver *r)
{
    return waveform_burst_slots(&r->cfg.waveform) * waveform_slot_samps(&r->cfg.waveform);
}

static size_t frames_samps(const struct receiver *r)
{
    return FRAME_SYMBOLS * waveform_symbol_samps(&r->cfg.waveform) + TAIL_SAMPS;
}

/* One cycle of the base station in ticks of our clock. */
static double period_ticks(const struct receiver *r)
{
    return r->cfg.period_s * r->cfg.waveform.rate_hz / (1.0 + r->skew);
}

/* How far the two clocks may have run apart in a cycle before the offset is known. */
static int64_t drift_ticks(const struct receiver *r)
{
    return (int64_t)(clock_error_max * r->cfg.period_s * r->cfg.waveform.rate_hz) + 1;
}

static int make_parts(struct receiver *r, struct status *err)
{
    const struct waveform_cfg *w = &r->cfg.waveform;
    const struct frame_modem_cfg sensing = link_frame_modem(LINK_SENSING, w->k, 1, r->cfg.scheme),
                                 sync = link_frame_modem(LINK_SYNC, w->k, 1, r->cfg.scheme);
    r->n_samp =
        burst_samps(r) + SEARCH_PERIODS * w->n + frames_samps(r) + 2 * (size_t)drift_ticks(r);
    r->n_samp += (size_t)ceil(r->manner->wide_cycles * r->cfg.period_s * w->rate_hz);
    r->sync = sync_create(w, r->n_samp, err);
    r->frame = r->sync ? frame_rx_create(w, 1, err) : NULL;
    r->sensing_modem = r->frame ? frame_modem_create(&sensing, err) : NULL;
    r->sync_modem = r->sensing_modem ? frame_modem_create(&sync, err) : NULL;
    if (!r->sync_modem)
        return err->code;
    r->samp = fft_alloc(r->n_samp * sizeof *r->samp);
    return r->samp ? OK : status_set(err, ERR_NO_MEMORY, "receiver: out of memory");
}

struct receiver *receiver_create(const struct receiver_cfg *cfg, struct radio *radio,
                                 struct status *err)
{
    struct receiver *r = calloc(1, sizeof *r);
    if (!r) {
        (void)status_set(err, ERR_NO_MEMORY, "receiver: out of memory");
        return NULL;
    }
    r->cfg = *cfg;
    r->radio = radio;
    r->manner = cfg->waveform.code_reps > 0 ? &behind_a_burst : &frames_alone;
    if (make_parts(r, err))
        receiver_destroy(&r);
    return r;
}

void receiver_destroy(struct receiver **receiver)
{
    struct receiver *r = *receiver;
    if (!r)
        return;
    sync_destroy(&r->sync);
    frame_rx_destroy(&r->frame);
    frame_modem_destroy(&r->sensing_modem);
    frame_modem_destroy(&r->sync_modem);
    fft_free(r->samp);
    free(r);
    *receiver = NULL;
}

static void start_search(struct receiver *r)
{
    r->state = RECEIVER_SEARCH;
    r->next_tick = 0;
    r->skew = 0;
}

/* Moves a wanted tick on by whole strides until a request for it is in time. */
static int reachable(struct receiver *r, double stride, int64_t *tick)
{
    int64_t now;
    if (radio_now(r->radio, &now))
        return ERR_RADIO;
    const int64_t earliest = now + (int64_t)(r->cfg.lead_s * r->cfg.waveform.rate_hz);
    if (*tick >= earliest)
        return OK;
    *tick += (int64_t)ceil(ceil((double)(earliest - *tick) / stride) * stride);
    return OK;
}

static int capture(struct receiver *r, int64_t tick, size_t n)
{
    struct sc16 *const channel[] = {r->samp};
    struct radio_block block;
    int rc = radio_capture(r->radio, tick, n, channel, wait_s, &block);
    if (rc == ERR_STATE) {
        r->count.late++;
        return ERR_NOT_FOUND;
    }
    if (rc)
        return rc;
    if (block.faults) {
        r->count.damaged++;
        return ERR_NOT_FOUND;
    }
    return OK;
}

static int search(struct receiver *r, struct heard_burst *burst)
{
    const size_t n = SEARCH_PERIODS * r->cfg.waveform.n;
    const double stride = search_stride * (double)burst_samps(r);
    double cfo_hz;
    (void)burst;
    int rc = reachable(r, stride, &r->next_tick);
    if (rc)
        return rc;
    const int64_t tick = r->next_tick;
    r->next_tick += (int64_t)stride;
    rc = capture(r, tick, n);
    if (rc)
        return rc;
    r->count.windows++;
    if (sync_plateau(r->sync, r->samp, n, &cfo_hz) < plateau_min)
        return ERR_NOT_FOUND;
    r->state = RECEIVER_LOCATE;
    r->skew = cfo_hz / r->cfg.carrier_hz;
    r->next_tick = tick + llround(period_ticks(r));
    return ERR_NOT_FOUND;
}

/* The frames behind the burst's end, `end` samples into the capture. */
static void read_frames(struct receiver *r, double end, struct heard_burst *burst)
{
    const struct sc16 *const channel[] = {r->samp};
    const struct slot_window win = {
        .first = (size_t)llround(end), .n_slots = 1, .cfo_hz = burst->cfo_hz, .skew = burst->skew};
    struct frame_modem_quality quality = {0};
    float present = 0;
    frame_rx_pilot(r->frame, channel, &win);
    burst->frame_seen =
        frame_rx_read(r->frame, 1, r->sensing_modem, burst->sensing, &quality, NULL) == OK;
    burst->evm_db = quality.evm_db;
    burst->sync_seen =
        frame_rx_read(r->frame, 2, r->sync_modem, burst->sync, NULL, &present) == OK &&
        present > sync_min;
}

/* Cycles between two bursts' ends, by our clock. */
static uint64_t cycles_since(const struct receiver *r, int64_t end_tick)
{
    if (!r->heard_any || end_tick <= r->heard_tick)
        return 0;
    return (uint64_t)llround((double)(end_tick - r->heard_tick) / period_ticks(r));
}

static void take_burst(struct receiver *r, int64_t tick, const struct sync_burst *found,
                       struct heard_burst *burst)
{
    r->skew = found->cfo_hz / r->cfg.carrier_hz;
    *burst = (struct heard_burst){
        .tick = tick,
        .start_samps = found->end_samps - (double)burst_samps(r) / (1.0 + r->skew),
        .cfo_hz = found->cfo_hz,
        .skew = r->skew,
        .snr_db = found->snr_db,
    };
    r->end_tick = tick + (int64_t)floor(found->end_samps);
    r->end_frac = found->end_samps - floor(found->end_samps);
    burst->n_cycle = cycles_since(r, r->end_tick);
    r->heard_tick = r->end_tick;
    r->heard_any = true;
    r->n_missed = 0;
    r->count.bursts++;
    read_frames(r, found->end_samps, burst);
}

/* Whether all frames behind the end lie inside the capture. */
static bool whole(const struct receiver *r, const struct sync_burst *found, size_t n)
{
    const size_t frames = FRAME_SYMBOLS * waveform_symbol_samps(&r->cfg.waveform);
    return found->end_seen && found->end_samps + (double)frames < (double)n;
}

/* The end that a long capture shows may be that of the last slot that a surface lit: the true one
 * is where frames follow, whole periods later. */
static bool find_frames(struct receiver *r, size_t n, struct sync_burst *found)
{
    const size_t slot = waveform_slot_samps(&r->cfg.waveform) / r->cfg.waveform.n;
    const double skew = found->cfo_hz / r->cfg.carrier_hz;
    struct heard_burst burst = {.cfo_hz = found->cfo_hz, .skew = skew};
    const size_t hidden = r->manner->hidden_slots * slot;
    for (size_t k = 0; k <= hidden && whole(r, found, n); k++) {
        read_frames(r, found->end_samps, &burst);
        if (burst.frame_seen && burst.evm_db < frame_evm_db &&
            sensing_frame_timestamp(burst.sensing) >= 0)
            return true;
        found->end_samps += (double)r->cfg.waveform.n / (1.0 + skew);
    }
    return false;
}

static int burst_end(struct receiver *r, size_t n, struct sync_burst *found)
{
    const double shortest = (double)(MIN_SLOTS * waveform_slot_samps(&r->cfg.waveform));
    int rc = sync_search(r->sync, r->samp, n, found);
    return rc == OK && found->end_samps - found->start_samps < shortest ? ERR_NOT_FOUND : rc;
}

static int pilot_place(struct receiver *r, size_t n, struct sync_burst *found)
{
    return sync_pilot(r->sync, r->samp, n, found);
}

/* A long capture from `tick` on (moved on by whole cycles until it is in time), and the burst that
 * ends in it. */
static int look_widely(struct receiver *r, int64_t *tick, struct heard_burst *burst)
{
    struct sync_burst found;
    const size_t n = r->n_samp;
    int rc = reachable(r, period_ticks(r), tick);
    if (rc == OK)
        rc = capture(r, *tick, n);
    if (rc)
        return rc;
    if (r->manner->find_end(r, n, &found) || !find_frames(r, n, &found))
        return ERR_NOT_FOUND;
    take_burst(r, *tick, &found, burst);
    return OK;
}

static int locate(struct receiver *r, struct heard_burst *burst)
{
    int64_t tick = r->next_tick - drift_ticks(r);
    int rc = look_widely(r, &tick, burst);
    if (rc == ERR_NOT_FOUND)
        r->count.missed++;
    if (rc)
        start_search(r);
    else
        r->state = RECEIVER_TRACK;
    return rc;
}

/* The same without a search: one look holds every place the frames can be. */
static int look_everywhere(struct receiver *r, struct heard_burst *burst)
{
    int64_t tick = r->next_tick;
    int rc = look_widely(r, &tick, burst);
    r->count.windows++;
    r->next_tick = tick + llround(period_ticks(r));
    if (rc == OK)
        r->state = RECEIVER_TRACK;
    return rc;
}

static int miss(struct receiver *r)
{
    r->count.missed++;
    if (++r->n_missed >= r->cfg.lost_after) {
        r->count.lost++;
        start_search(r);
    }
    return ERR_NOT_FOUND;
}

static void predict_next(struct receiver *r)
{
    double end = r->end_frac + period_ticks(r);
    r->end_tick += (int64_t)floor(end);
    r->end_frac = end - floor(end);
}

/* One cycle after a miss: the base station may have had to start its clock anew, which moves its
 * bursts by as little as it could help. Looks 2 ms to both sides. */
static int recover(struct receiver *r, struct heard_burst *burst)
{
    const int64_t ahead = WIDE_SLOTS * (int64_t)waveform_slot_samps(&r->cfg.waveform);
    int64_t tick = r->end_tick - ahead;
    int rc = look_widely(r, &tick, burst);
    if (rc)
        r->end_tick = tick + ahead;
    return rc == ERR_NOT_FOUND ? miss(r) : rc;
}

static int track(struct receiver *r, struct heard_burst *burst)
{
    struct sync_burst found;
    const struct waveform_cfg *w = &r->cfg.waveform;
    const size_t lead = r->manner->lead_samps(w);
    const size_t n = lead + frames_samps(r);
    predict_next(r);
    if (r->n_missed > 0)
        return recover(r, burst);
    int64_t tick = r->end_tick - (int64_t)lead;
    int rc = reachable(r, period_ticks(r), &tick);
    if (rc)
        return rc;
    r->end_tick = tick + (int64_t)lead;
    rc = capture(r, tick, n);
    if (rc == ERR_NOT_FOUND)
        return miss(r);
    if (rc)
        return rc;
    rc = r->manner->follow(r, n, (double)lead, &found);
    if (rc || !whole(r, &found, n) || fabs(found.end_samps - (double)lead) > (double)w->n / 2)
        return miss(r);
    take_burst(r, tick, &found, burst);
    return OK;
}

static size_t burst_tail(const struct waveform_cfg *w)
{
    return TRACK_SLOTS * waveform_slot_samps(w);
}

static int follow_burst(struct receiver *r, size_t n, double lead, struct sync_burst *found)
{
    return sync_follow(r->sync, r->samp, n, lead, found);
}

static size_t one_period(const struct waveform_cfg *w)
{
    return w->n;
}

static int follow_pilot(struct receiver *r, size_t n, double lead, struct sync_burst *found)
{
    (void)lead;
    return pilot_place(r, n, found);
}

static const struct manner behind_a_burst = {.hidden_slots = HIDDEN_SLOTS,
                                             .search = search,
                                             .find_end = burst_end,
                                             .lead_samps = burst_tail,
                                             .follow = follow_burst};
static const struct manner frames_alone = {.wide_cycles = 1,
                                           .search = look_everywhere,
                                           .find_end = pilot_place,
                                           .lead_samps = one_period,
                                           .follow = follow_pilot};

int receiver_step(struct receiver *r, struct heard_burst *burst)
{
    switch (r->state) {
    case RECEIVER_SEARCH:
        return r->manner->search(r, burst);
    case RECEIVER_LOCATE:
        return locate(r, burst);
    default:
        return track(r, burst);
    }
}

void receiver_restart(struct receiver *r)
{
    start_search(r);
    r->n_missed = 0;
}

enum receiver_state receiver_state(const struct receiver *r)
{
    return r->state;
}

const char *receiver_state_name(enum receiver_state state)
{
    static const char *const names[] = {"search", "locate", "track"};
    return names[state];
}

struct receiver_counters receiver_counters(const struct receiver *r)
{
    return r->count;
}
