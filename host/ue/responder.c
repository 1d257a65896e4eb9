/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/responder.h"
#include "base/log.h"
#include "dsp/fft.h"
#include "host/link_config.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

struct responder {
    struct responder_cfg cfg;
    struct radio *radio;
    const struct secure_keys *keys, *seal; /* to open what is heard, to seal the answer */
    struct last_cycle *last;
    struct secure_user user;
    struct attack attack;
    struct waveform *waveform;
    struct frame_modem *modem;
    struct sc16 *signal; /* slots, pilot, data */
    size_t n_signal, data_at;
    struct sc16 *train; /* pilots, NULL: none */
    size_t n_train;
    cplxf *symbols;
    int64_t answered; /* tick of the last answer */
    uint64_t since;   /* cycles since one that was ours */
    uint64_t count[VERDICTS];
};

static int make_train(struct responder *r, struct status *err)
{
    const struct waveform_cfg cfg = pilot_train_waveform(&r->cfg.train, r->cfg.waveform);
    struct waveform *w = waveform_create(&cfg, err);
    if (!w)
        return err->code;
    r->n_train = (size_t)r->cfg.train.n * waveform_slot_samps(&cfg);
    r->train = fft_alloc(r->n_train * sizeof *r->train);
    if (r->train)
        waveform_slots(w, (size_t)r->cfg.train.n, r->train);
    waveform_destroy(&w);
    return r->train ? OK : status_set(err, ERR_NO_MEMORY, "responder: out of memory");
}

static int make_parts(struct responder *r, struct status *err)
{
    const struct waveform_cfg *w = &r->cfg.waveform;
    r->waveform = waveform_create(w, err);
    if (!r->waveform)
        return err->code;
    const struct frame_modem_cfg modem = link_frame_modem(LINK_RESPONSE, w->k, 1, MODEM_QPSK);
    r->modem = frame_modem_create(&modem, err);
    if (!r->modem)
        return err->code;
    const size_t slots = w->slots_per_code * waveform_slot_samps(w);
    r->data_at = slots + waveform_symbol_samps(w);
    r->n_signal = r->data_at + waveform_symbol_samps(w);
    r->signal = fft_alloc(r->n_signal * sizeof *r->signal);
    r->symbols = fft_alloc(frame_modem_symbols(r->modem) * sizeof *r->symbols);
    if (!r->signal || !r->symbols)
        return status_set(err, ERR_NO_MEMORY, "responder: out of memory");
    const cplxf pilot = 1;
    waveform_slots(r->waveform, w->slots_per_code, r->signal);
    (void)waveform_symbol(r->waveform, &pilot, 1, r->signal + slots);
    return r->cfg.train.every > 0 ? make_train(r, err) : OK;
}

struct responder *responder_create(const struct responder_cfg *cfg, struct radio *radio,
                                   const struct secure_keys *keys, struct last_cycle *last,
                                   struct status *err)
{
    struct responder *r = calloc(1, sizeof *r);
    if (!r) {
        (void)status_set(err, ERR_NO_MEMORY, "responder: out of memory");
        return NULL;
    }
    r->cfg = *cfg;
    r->radio = radio;
    r->keys = keys;
    r->last = last;
    r->attack.kind = cfg->attack;
    r->seal = cfg->seal ? cfg->seal : keys;
    secure_user_reset(&r->user, cfg->user_id, last->accepted);
    if (make_parts(r, err))
        responder_destroy(&r);
    return r;
}

void responder_destroy(struct responder **responder)
{
    struct responder *r = *responder;
    if (!r)
        return;
    waveform_destroy(&r->waveform);
    frame_modem_destroy(&r->modem);
    fft_free(r->signal);
    fft_free(r->symbols);
    fft_free(r->train);
    free(r);
    *responder = NULL;
}

/* A sync frame moves the window; only the sensing frame itself is ever accepted. It is looked at
 * when the sensing frame alone did not convince, so a user in step spends no tries on it. */
static enum responder_verdict judge(struct responder *r, const struct heard_burst *burst,
                                    uint64_t *cycle)
{
    const double now_s = (double)burst->tick / r->cfg.waveform.rate_hz;
    if (!burst->frame_seen)
        return VERDICT_NO_FRAME;
    int rc = secure_user_open_sensing(&r->user, r->keys, now_s, burst->sensing, cycle);
    uint64_t named;
    if (rc != OK && burst->sync_seen &&
        secure_user_open_sync(&r->user, r->keys, now_s, burst->sync, &named) == OK)
        rc = secure_user_open_sensing(&r->user, r->keys, now_s, burst->sensing, cycle);
    if (rc == ERR_STATE)
        return VERDICT_UNSYNCED;
    if (rc != OK)
        return VERDICT_REFUSED;
    static const enum responder_verdict will[] = {[PERMISSION_YES] = VERDICT_ANSWERED,
                                                  [PERMISSION_NO] = VERDICT_DECLINED,
                                                  [PERMISSION_SILENCE] = VERDICT_SILENT};
    return will[permission_asked(r->cfg.permission, *cycle)];
}

/* When the answer starts, and by how much the whole tick misses the agreed delay. */
static int64_t answer_tick(const struct responder *r, const struct heard_burst *burst,
                           int16_t *turnaround_ds)
{
    const double rate = r->cfg.waveform.rate_hz;
    const double exact = burst->start_samps + r->cfg.response_delay_s * rate;
    const double whole = round(exact);
    const double late_ns = (whole - exact) / rate * 1e9 + r->cfg.turnaround_ns;
    const double tenths = fmin(fmax(round(late_ns * 10), -512), 511);
    *turnaround_ds = (int16_t)tenths;
    return burst->tick + (int64_t)whole;
}

/* A whole number of samples after the answer, so that the base station knows where from the answer
 * alone. A train that does not go out costs nothing but evidence. */
static void send_train(struct responder *r, int64_t answered)
{
    const double rate = r->cfg.waveform.rate_hz;
    const struct sc16 *const channel[] = {r->train};
    int64_t wait = llround((r->cfg.train.delay_s - r->cfg.response_delay_s) * rate);
    if (radio_tx_burst(r->radio, answered + wait, channel, r->n_train))
        log_warn("the pilots after an answer did not go out");
}

/* A no tells nothing else. */
static struct response response_of(const struct responder *r, bool permit, int16_t turnaround_ds)
{
    struct response response = r->cfg.answer;
    response.permit = true;
    response.turnaround_ds = turnaround_ds;
    return permit ? response : (struct response){.permit = false};
}

/* Returns verdict, or what came in between. */
static enum responder_verdict send_frame(struct responder *r, int64_t tick,
                                         const uint8_t frame[RESPONSE_FRAME_BYTES],
                                         enum responder_verdict verdict)
{
    const struct sc16 *const channel[] = {r->signal};
    int64_t now = 0;
    frame_modem_modulate(r->modem, frame, r->symbols);
    (void)waveform_symbol(r->waveform, r->symbols, frame_modem_symbols(r->modem),
                          r->signal + r->data_at);
    if (radio_now(r->radio, &now))
        return VERDICT_FAILED;
    if ((double)(tick - now) < r->cfg.lead_s * r->cfg.waveform.rate_hz)
        return VERDICT_LATE;
    return radio_tx_burst(r->radio, tick, channel, r->n_signal) ? VERDICT_FAILED : verdict;
}

/* ATTACK_JAM: where somebody else answers, in the same waveform, with nothing to say. */
static void jam(struct responder *r, const struct heard_burst *burst)
{
    uint8_t frame[RESPONSE_FRAME_BYTES];
    int16_t unused;
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)(burst->sensing[i % SENSING_FRAME_BYTES] + 37 * i);
    (void)send_frame(r, answer_tick(r, burst, &unused), frame, VERDICT_REFUSED);
}

static bool hits(const struct responder *r)
{
    return r->cfg.jam_after == 0 || r->since == r->cfg.jam_after;
}

/* Returns verdict, or what came in between. */
static enum responder_verdict answer(struct responder *r, const struct heard_burst *burst,
                                     uint64_t cycle, enum responder_verdict verdict)
{
    struct status err = {0};
    uint8_t frame[RESPONSE_FRAME_BYTES];
    int16_t turnaround_ds;
    const int64_t tick = answer_tick(r, burst, &turnaround_ds);
    const bool permit = verdict == VERDICT_ANSWERED;
    const struct response response = response_of(r, permit, turnaround_ds);
    if (secure_seal_response(r->seal, cycle, burst->sensing, &response, frame))
        return VERDICT_FAILED;
    attack_apply(&r->attack, cycle, frame);
    if (last_cycle_cover(r->last, cycle, &err)) {
        log_error("%s", err.text);
        return VERDICT_FAILED;
    }
    const enum responder_verdict sent = send_frame(r, tick, frame, verdict);
    if (sent != verdict)
        return sent;
    r->answered = tick;
    if (!permit)
        permission_said_no(r->cfg.permission);
    else if (pilot_train_due(&r->cfg.train, cycle))
        send_train(r, tick);
    return verdict;
}

enum responder_verdict responder_hear(struct responder *r, const struct heard_burst *burst,
                                      uint64_t *cycle)
{
    struct status err = {0};
    secure_user_advance(&r->user, burst->n_cycle);
    enum responder_verdict verdict = judge(r, burst, cycle);
    const bool answers = verdict == VERDICT_ANSWERED || verdict == VERDICT_DECLINED;
    const bool accepted = answers || verdict == VERDICT_SILENT;
    r->since = accepted ? 0 : r->since + burst->n_cycle;
    if (answers)
        verdict = answer(r, burst, *cycle, verdict);
    else if (verdict == VERDICT_REFUSED && r->attack.kind == ATTACK_JAM && hits(r))
        jam(r, burst);
    if (accepted && last_cycle_refresh(r->last, r->user.last, &err))
        log_error("%s", err.text);
    radio_tx_poll(r->radio);
    r->count[verdict]++;
    return verdict;
}

int64_t responder_answered(const struct responder *r)
{
    return r->answered;
}

const struct secure_user *responder_user(const struct responder *r)
{
    return &r->user;
}

uint64_t responder_count(const struct responder *r, enum responder_verdict verdict)
{
    return r->count[verdict];
}

const char *responder_verdict_name(enum responder_verdict verdict)
{
    static const char *const names[VERDICTS] = {
        "answered", "declined", "silent", "unsynced", "refused", "no frame", "late", "failed",
    };
    return verdict < VERDICTS ? names[verdict] : "unknown";
}
