/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/pipeline.h"
#include "base/log.h"
#include "dsp/clip.h"
#include "dsp/fft.h"
#include "frames/response_frame.h"
#include "host/pipeline_priv.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONG_AGO_S       (-1e9)
#define FORGET           0.1
#define SETTLE_CYCLES    20
#define MOTION_RATIO     4.0
#define BACKGROUND_SPARE 6 /* pairs of stream and configuration beyond the profiles in use */

static bool make_streams(struct pipeline *p, struct status *err)
{
    struct stream_cfg stream = {
        .n_ant = p->cfg.radio.n_rx,
        .n_carrier = p->wave.k,
        .spacing_hz = waveform_spacing_hz(&p->wave),
        .carrier_hz = p->cfg.radio.carrier_hz,
    };
    for (size_t a = 0; a < stream.n_ant; a++)
        stream.leak_m[a] = vec3_dist(p->fix.anchors.tx, bs_config_antenna(&p->cfg, a));
    const struct background_cfg background = {
        .n_ant = stream.n_ant,
        .n_carrier = stream.n_carrier,
        .spacing_hz = stream.spacing_hz,
        .max_entries = 1 + (BS_RIS + 1) * p->n_profile + BACKGROUND_SPARE,
        .min_cycles = 4,
        .room_m = bs_room_path_m,
        .motion_ratio = MOTION_RATIO,
        .forget = FORGET,
        .settle_cycles = SETTLE_CYCLES,
    };
    p->streams = stream_create(&stream, err);
    p->background = p->streams ? background_create(&background, err) : NULL;
    return p->background != NULL;
}

static bool make_estimators(struct pipeline *p, struct status *err)
{
    const size_t n_ant = p->cfg.radio.n_rx;
    const struct toa_cfg toa = {
        .n_ant = n_ant,
        .n_carrier = p->wave.k,
        .spacing_hz = waveform_spacing_hz(&p->wave),
        .n_fft = 8 * p->wave.n,
        .min_db = p->cfg.estimate.min_peak_db,
        .window = TOA_HAMMING,
    };
    const struct frame_modem_cfg modem =
        link_frame_modem(LINK_RESPONSE, p->wave.k, n_ant, link_scheme(&p->cfg.waveform));
    size_t window = (size_t)p->schedule.window[WINDOW_RESPONSE].n;
    p->toa = toa_est_create(&toa, err);
    p->slots = p->toa ? slot_est_create(&p->wave, n_ant, err) : NULL;
    p->sync = p->slots ? sync_create(&p->wave, window, err) : NULL;
    p->frame = p->sync ? frame_rx_create(&p->wave, n_ant, err) : NULL;
    p->modem = p->frame ? frame_modem_create(&modem, err) : NULL;
    return p->modem != NULL;
}

static bool make_views(struct pipeline *p, const struct pipeline_cfg *cfg, struct status *err)
{
    const struct bs_cfg *c = &p->cfg;
    for (size_t i = 0; i < BS_RIS; i++) {
        struct ris_model_cfg model = {
            .bs = anchors_bs(&p->fix.anchors),
            .carrier_hz = c->radio.carrier_hz,
            .region = {.x_m = {c->ris.region_x_m[0], c->ris.region_x_m[0]},
                       .y_m = {c->ris.region_y_m[0], c->ris.region_y_m[0]},
                       .z_m = {c->ris.region_z_m[0], c->ris.region_z_m[0]},
                       .n_x = 1,
                       .n_y = 1,
                       .n_z = 1},
        };
        if (bs_config_panel(c, i, &model.panel))
            return status_set(err, ERR_GEOMETRY, "ris.boards[%zu]: no such pose", i), false;
        const struct profile_set *set = cfg->profiles[i];
        size_t n = panel_elements(&model.panel);
        assert(n == profile_elements(set) && set->n == p->n_profile);
        p->model[i] = ris_model_create(&model, err);
        p->gamma[i] = calloc(set->n * n, sizeof *p->gamma[i]);
        p->commanded[i] = calloc(set->n * n, sizeof *p->commanded[i]);
        p->factor[i] = calloc(n, sizeof *p->factor[i]);
        if (!p->model[i] || !p->gamma[i] || !p->commanded[i] || !p->factor[i])
            return false;
        for (size_t m = 0; m < n; m++)
            p->factor[i][m] = 1;
        for (size_t k = 0; k < set->n; k++)
            ris_profile_gamma(set->state[k], n, &set->states, p->commanded[i] + k * n);
        memcpy(p->gamma[i], p->commanded[i], set->n * n * sizeof *p->gamma[i]);
        memcpy(p->hash[i], set->hash, sizeof p->hash[i]);
    }
    return true;
}

static bool make_buffers(struct pipeline *p, struct status *err)
{
    size_t one = p->cfg.radio.n_rx * p->wave.k * sizeof(cplxf);
    p->h = fft_alloc(p->wave.slots_per_code * (p->wave.code_reps + 1) * one);
    p->w = fft_alloc(STREAM_COUNT * one);
    p->v = fft_alloc(STREAM_COUNT * one);
    p->capture.kept = fft_alloc(N_STREAM * one);
    p->steering.snap = fft_alloc(p->cfg.radio.n_rx * p->wave.k * sizeof(cplx));
    if (pipeline_site_create(p) && p->steering.snap && p->h && p->w && p->v && p->capture.kept)
        return true;
    status_set(err, ERR_NO_MEMORY, "pipeline: out of memory");
    return false;
}

static void set_up_position(struct pipeline *p)
{
    fix_cfg_defaults(&p->fix);
    track_cfg_defaults(&p->track);
    p->fix.anchors = bs_config_anchors(&p->cfg);
    p->fix.room = bs_config_room(&p->cfg);
    p->fix.area = (struct room_box){
        .min = {p->cfg.ris.region_x_m[0], p->cfg.ris.region_y_m[0], p->cfg.room.user_z_m[0]},
        .max = {p->cfg.ris.region_x_m[1], p->cfg.ris.region_y_m[1], p->cfg.room.user_z_m[1]}};
    p->fix.false_alarm = p->cfg.estimate.false_alarm;
    p->track.anchors = p->fix.anchors;
    for (size_t u = 0; u < BS_USERS_MAX; u++) {
        p->user[u].id = u < p->cfg.n_users ? p->cfg.users[u].id : -1;
        atomic_store(&p->user[u].wants, p->user[u].id);
        atomic_store(&p->user[u].permitted_ns, PIPELINE_FORGOTTEN);
        atomic_store(&p->user[u].revisit, (unsigned)p->cfg.n_users);
        atomic_store(&p->user[u].consent, u < p->cfg.n_users ? CONSENT_WAITING : CONSENT_NONE);
        track_reset(&p->user[u].track);
    }
    pipeline_gates(p);
}

struct pipeline *pipeline_create(const struct pipeline_cfg *cfg, struct status *err)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p) {
        status_set(err, ERR_NO_MEMORY, "pipeline: out of memory");
        return NULL;
    }
    p->cfg = *cfg->cfg;
    p->schedule = *cfg->schedule;
    p->keys = cfg->keys;
    p->check = cfg->check;
    p->check_context = cfg->check_context;
    p->wave = bs_config_waveform(&p->cfg);
    p->answered_s = LONG_AGO_S;
    p->n_profile = cfg->profiles[0]->n;
    for (size_t i = 0; i < BS_RIS; i++)
        atomic_init(&p->held[i], -1);
    atomic_init(&p->identity, p->cfg.identity.mode);
    p->steer_coded = cfg->steer_coded;
    atomic_init(&p->capture.request, p->cfg.background.automatic ? p->cfg.background.cycles : -1);
    set_up_position(p);
    if (!make_streams(p, err) || !make_estimators(p, err) || !make_views(p, cfg, err) ||
        !pipeline_map_create(p, err) || !pipeline_steering_create(p, err) ||
        !pipeline_frame_create(p, err) || !make_buffers(p, err))
        pipeline_destroy(&p);
    return p;
}

void pipeline_destroy(struct pipeline **pipeline)
{
    struct pipeline *p = *pipeline;
    if (!p)
        return;
    for (size_t i = 0; i < BS_RIS; i++) {
        ris_model_destroy(&p->model[i]);
        free(p->gamma[i]);
        free(p->commanded[i]);
        free(p->factor[i]);
    }
    slot_est_destroy(&p->slots);
    stream_destroy(&p->streams);
    background_destroy(&p->background);
    toa_est_destroy(&p->toa);
    sync_destroy(&p->sync);
    frame_rx_destroy(&p->frame);
    frame_modem_destroy(&p->modem);
    pipeline_site_destroy(p);
    pipeline_frame_destroy(p);
    fft_free(p->h);
    fft_free(p->w);
    fft_free(p->v);
    fft_free(p->capture.kept);
    pipeline_map_destroy(p);
    delay_angle_destroy(&p->steering.fit);
    fft_free(p->steering.snap);
    free(p);
    *pipeline = NULL;
}

static void start_report(struct pipeline *p, const struct cycle_plan *plan)
{
    assert(plan->user < BS_USERS_MAX);
    pipeline_heed_orders(p, plan->user);
    memset(&p->pending, 0, sizeof p->pending);
    p->pending.plan = *plan;
    p->pending.user_id = p->user[plan->user].id;
    p->pending.time_s = schedule_fix_time(&p->schedule, plan->index);
    p->pending.outcome = FIX_NOT_ASKED;
    p->pending.response = RESPONSE_SILENT;
    pipeline_note_time(p, &p->pending);
    secure_expect(&p->user[plan->user].expect, plan->cycle, plan->sensing);
}

static double power_of(const struct pipeline *p, const struct toa *toa)
{
    double power = 0;
    for (size_t j = 0; j < p->cfg.radio.n_rx; j++)
        power += cplxf_norm(toa->amp[j]);
    return power;
}

/* No surface plays the fourth code, so what its stream holds is what strong paths leave in all of
 * them: phases that drift from slot to slot. A path over a surface must be more than that. */
bool pipeline_by_surface(struct pipeline *p, const cplxf *streams, const struct toa_gate *gate,
                         const struct toa *toa, double margin_db)
{
    const cplxf *fourth = streams + STREAM_CROSS * p->cfg.radio.n_rx * p->wave.k;
    struct toa rest;
    (void)!toa_estimate(p->toa, fourth, gate, 0, &rest); /* the strongest in the gate, or zero */
    return power_of(p, toa) > pow(10, margin_db / 10) * power_of(p, &rest);
}

/* The path of one stream into r->path[PATH_L1 + i]; its delay profile too. */
static void find_path(struct pipeline *p, size_t i, enum background_kind kind,
                      struct cycle_report *r)
{
    struct report_path *path = &r->path[PATH_L1 + i];
    struct toa *toa = &p->toa_of[i];
    path->adaptive = kind != BACKGROUND_EMPTY_ROOM;
    if (kind == BACKGROUND_SETTLING)
        return;
    const cplxf *w = p->w + (STREAM_STATIC + i) * p->cfg.radio.n_rx * p->wave.k;
    path->found = toa_estimate(p->toa, w, &p->gate[i], 0, toa) == OK;
    pipeline_note_path(path, toa);
    memcpy(r->profile[i], toa_profile(p->toa), sizeof r->profile[i]);
    if (i && path->found && !pipeline_by_surface(p, p->w, &p->gate[i], toa, PIPELINE_REST_DB))
        path->found = false;
}

static void look_at_streams(struct pipeline *p, const struct stream_ref *ref,
                            struct cycle_report *r)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    pipeline_capture_keep(p);
    pipeline_site_keep(p, ref, r);
    r->profile_step_m = (float)(SPEED_OF_LIGHT / (8 * p->wave.rate_hz));
    if (r->plan.still || p->steer_coded) {
        pipeline_steer(p, r);
        return;
    }
    for (size_t i = 0; i < N_STREAM; i++) {
        enum stream_name h = STREAM_STATIC + i;
        cplxf *w = p->w + h * stride;
        enum background_kind kind =
            background_subtract(p->background, h, pipeline_stream_config(p, h), w, w);
        find_path(p, i, kind, r);
    }
    r->background_valid =
        background_valid(p->background, STREAM_STATIC, pipeline_stream_config(p, STREAM_STATIC));
}

/* Sets p->w. Returns what stream_separate() does. */
static int to_streams(struct pipeline *p, const struct block *block, struct stream_ref *ref)
{
    const struct slot_window window = {
        .first = (size_t)-p->schedule.window[WINDOW_SENSING].begin,
        .n_slots = waveform_burst_slots(&p->wave),
    };
    if (window.n_slots == 0)
        return pipeline_frame_separate(p, block, ref);
    slot_estimate(p->slots, (const struct sc16 *const *)block->samp, &window, p->h);
    return stream_separate(p->streams, p->h, window.n_slots, p->w, ref);
}

/* Block to streams. Returns what the leak says is wrong with the cycle (enum cycle_fault). */
static uint32_t separate(struct pipeline *p, const struct block *block, struct cycle_report *r,
                         struct stream_ref *ref)
{
    int rc = to_streams(p, block, ref);
    if (rc == ERR_STATE) { /* the radio's latency jumped: what was learned no longer fits */
        leak_watch_reset(&p->leak);
        pipeline_site_leak_moved(p);
        pipeline_frame_release(p);
    }
    if (rc)
        return FAULT_RX_STEP;
    r->leak_wander_rad = ref->wander_rad;
    r->leak_peak_db = ref->peak_db;
    if (!pipeline_site_check_leak(p, ref, r))
        return FAULT_RX_STEP;
    return leak_watch_look(&p->leak, ref->tap, p->cfg.radio.n_rx) ? FAULT_RX_STEP : 0;
}

/* Another gain or frequency: what was calibrated held for the conditions before. The same in a
 * replay, since it follows from the plan. */
static void heed_setting(struct pipeline *p, const struct cycle_plan *plan)
{
    struct link_radio *is = &p->cfg.radio;
    const struct radio_setting *now = &plan->radio;
    if (now->carrier_hz == 0 ||
        (now->carrier_hz == is->carrier_hz && now->tx_gain_db == is->tx_gain_db &&
         now->rx_gain_db == is->rx_gain_db))
        return;
    is->carrier_hz = now->carrier_hz;
    is->tx_gain_db = now->tx_gain_db;
    is->rx_gain_db = now->rx_gain_db;
    pipeline_site_conditions(p);
}

/* Latency, gains and LO phases are new; the empty room is not, since streams are normalised by the
 * leak, channel by channel. */
static void heed_tuning(struct pipeline *p, const struct cycle_plan *plan)
{
    if (plan->tuning == p->tuning)
        return;
    p->tuning = plan->tuning;
    pipeline_site_retuned(p);
    leak_watch_reset(&p->leak);
    pipeline_frame_release(p);
}

static uint32_t clipped(const struct pipeline *p, const struct block *block)
{
    if (block->info.faults)
        return 0;
    for (size_t a = 0; a < p->cfg.radio.n_rx; a++)
        if (clip_found(block->samp[a], block->info.n_valid))
            return FAULT_RX_CLIPPED;
    return 0;
}

void pipeline_sensing(struct pipeline *p, const struct block *block)
{
    struct cycle_report *r = &p->pending;
    int64_t t0 = clock_ns();
    struct stream_ref ref;
    start_report(p, &block->plan);
    heed_setting(p, &block->plan);
    pipeline_site_take_update(p);
    pipeline_capture_begin(p, r);
    r->faults = block->plan.faults | block->info.faults | clipped(p, block);
    heed_tuning(p, &block->plan);
    if (!report_blocked(r))
        r->faults |= separate(p, block, r, &ref);
    if (!report_blocked(r))
        look_at_streams(p, &ref, r);
    r->stages.sensing_us = (double)(clock_ns() - t0) * 1e-3;
}

/* Needs no sync frame out of turn. */
static bool was_there(const struct cycle_report *r)
{
    return r->response == RESPONSE_PERMITTED || r->response == RESPONSE_NO_PERMIT ||
           r->response == RESPONSE_WITHHELD;
}

static void close_cycle(struct pipeline *p, struct cycle_report *report)
{
    struct cycle_report *r = &p->pending;
    pipeline_capture_end(p, r);
    pipeline_site_end(p, r);
    struct pipeline_user *user = &p->user[r->plan.user];
    if (r->outcome == FIX_DONE)
        pipeline_consent(user, CONSENT_FIX);
    r->consent = atomic_load(&user->consent);
    pipeline_note_told(p, r);
    atomic_store(&user->answered, was_there(r));
    pipeline_count(&user->asked);
    if (consent_may_send(r->consent))
        pipeline_count(&user->permitted);
    if (r->outcome == FIX_DONE)
        pipeline_count(&user->fixes);
    pipeline_count(&p->cycles);
    pipeline_count(&p->response[r->response]);
    pipeline_count(&p->outcome[r->outcome]);
    if (r->outcome == FIX_DONE)
        pipeline_count(&p->fixes);
    else if (r->response == RESPONSE_PERMITTED)
        pipeline_count(&p->refused);
    for (size_t i = 0; i < CYCLE_FAULTS; i++)
        if (r->faults >> i & 1)
            pipeline_count(&p->fault[i]);
    *report = *r;
}

static enum fix_outcome outcome_of(uint32_t faults)
{
    return faults & ~(uint32_t)(FAULT_RIS_LATE | FAULT_RIS_UNKNOWN) ? FIX_RADIO : FIX_RIS;
}

/* Nothing stays of a position whose user was withheld while it was computed. */
static void locate(struct pipeline *p, struct cycle_report *r)
{
    const unsigned doubt = p->doubt;
    const bool others = p->others;
    pipeline_locate(p, r);
    if (!pipeline_withheld(p, r->plan.user))
        return;
    p->doubt = doubt;
    p->others = others;
    pipeline_withdraw(r);
    pipeline_heed_answer(p, r);
}

void pipeline_response(struct pipeline *p, const struct block *block, struct cycle_report *report)
{
    struct cycle_report *r = &p->pending;
    int64_t t0 = clock_ns();
    assert(block->plan.index == r->plan.index);
    r->received_ns = block->received_ns;
    r->faults |= block->plan.faults | block->info.faults | clipped(p, block);
    if (report_blocked(r))
        r->outcome = outcome_of(r->faults);
    pipeline_open_response(p, block, r);
    pipeline_heed_answer(p, r);
    int64_t t1 = clock_ns();
    r->stages.response_us = (double)(t1 - t0) * 1e-3;
    if (consent_may_locate(atomic_load(&p->user[r->plan.user].consent)) && !report_blocked(r))
        locate(p, r);
    else
        pipeline_forget(r);
    pipeline_choose(p, r);
    int64_t t2 = clock_ns();
    r->stages.fix_us = (double)(t2 - t1) * 1e-3;
    r->stages.total_us = (double)(t2 - r->received_ns) * 1e-3;
    close_cycle(p, report);
}

void pipeline_lost(struct pipeline *p, const struct cycle_plan *plan, struct cycle_report *report)
{
    if (p->pending.plan.index != plan->index || p->pending.plan.cycle != plan->cycle) {
        start_report(p, plan);
        pipeline_capture_begin(p, &p->pending);
    }
    p->pending.response = RESPONSE_LOST;
    pipeline_heed_answer(p, &p->pending);
    p->pending.faults |= plan->faults | FAULT_RX_LOST;
    p->pending.outcome = FIX_RADIO;
    p->pending.received_ns = clock_ns();
    pipeline_forget(&p->pending);
    close_cycle(p, report);
}

bool pipeline_answered(const struct pipeline *p, size_t user)
{
    return atomic_load(&p->user[user].answered);
}

void pipeline_pixel_factors(const struct pixel_map *map, cplxf *factor)
{
    for (size_t m = 0; m < map->n_element; m++)
        factor[m] = map->state[m] == PIXEL_FAILED ? map->mask[m] : 1;
}

void pipeline_pixels_apply(struct pipeline *p, size_t ris, const cplxf *factor)
{
    const size_t n = ris_model_elements(p->model[ris]);
    memmove(p->factor[ris], factor, n * sizeof *factor);
    for (size_t i = 0; i < p->n_profile * n; i++)
        p->gamma[ris][i] = p->commanded[ris][i] * (cplx)factor[i % n];
}

void pipeline_pixels(struct pipeline *p, size_t ris, const struct pixel_map *map)
{
    cplxf factor[PIXEL_ELEMENTS_MAX];
    assert(map->n_element == ris_model_elements(p->model[ris]));
    pipeline_pixel_factors(map, factor);
    pipeline_pixels_apply(p, ris, factor);
}

void pipeline_counters(const struct pipeline *p, struct pipeline_counters *out)
{
    *out = (struct pipeline_counters){
        .cycles = atomic_load(&p->cycles),
        .fixes = atomic_load(&p->fixes),
        .refused_fixes = atomic_load(&p->refused),
        .background_captures = atomic_load(&p->captures),
        .background_refused = atomic_load(&p->captures_refused),
    };
    for (size_t i = 0; i < RESPONSE_VERDICTS; i++)
        out->response[i] = atomic_load(&p->response[i]);
    for (size_t i = 0; i < FIX_OUTCOMES; i++)
        out->outcome[i] = atomic_load(&p->outcome[i]);
    for (size_t i = 0; i < CYCLE_FAULTS; i++)
        out->fault[i] = atomic_load(&p->fault[i]);
}
