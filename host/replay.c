/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/replay.h"
#include "base/log.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct replay {
    struct replay_cfg cfg;
    struct recording_reader *reader;
    struct bs_cfg bs;
    struct schedule schedule;
    struct pipeline *pipeline;
    struct block block[RECORDING_WINDOWS];
    const struct recording_cycle *present; /* for the check of its answer */
    double first_s;                        /* time of the first recorded cycle */
    bool started, has_pilots;
};

/* What the keys said then. An answer that reads otherwise now was never checked. */
static int recorded_verdict(void *context, const struct cycle_plan *plan,
                            const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out)
{
    const struct replay *r = context;
    const struct cycle_report *live = &r->present->report;
    if (!live->answered || live->plan.cycle != plan->cycle ||
        memcmp(bytes, live->answer_bytes, RESPONSE_FRAME_BYTES) != 0)
        return ERR_AUTH;
    *out = live->answer;
    out->permit = live->response == RESPONSE_PERMITTED || live->response == RESPONSE_WITHHELD;
    return live->response_code;
}

static int make_blocks(struct replay *r, struct status *err)
{
    const size_t n_rx = recording_reader_head(r->reader)->n_rx;
    for (size_t i = 0; i < RECORDING_WINDOWS; i++) {
        struct block *b = &r->block[i];
        b->kind = (enum block_kind)i;
        b->n_ant = n_rx;
        b->n_samp = (size_t)r->schedule.window[recording_schedule_window[i]].n;
        for (size_t a = 0; a < n_rx && b->n_samp; a++)
            if (!(b->samp[a] = malloc(b->n_samp * sizeof(struct sc16))))
                return status_set(err, ERR_NO_MEMORY, "replay: out of memory");
    }
    return OK;
}

static int check_head(const struct replay *r, const struct recording_head *h, struct status *err)
{
    bool fits = h->n_rx == r->bs.radio.n_rx && h->rate_hz == (double)r->schedule.rate;
    for (size_t i = 0; i < BS_RIS; i++)
        fits &= h->profiles[i].shape.columns == r->bs.ris.boards[i].columns &&
                h->profiles[i].shape.rows == r->bs.ris.boards[i].rows &&
                h->profiles[i].n == h->profiles[0].n;
    if (fits)
        return OK;
    return status_set(err, ERR_ARG,
                      "channels, rate or surfaces of the configuration are not those "
                      "of the recording: do not override them");
}

/* Whether the overrides change how paths are told apart: how the bursts were made stays. */
static int check_identity(const struct replay *r, bool *steer_coded, struct status *err)
{
    struct bs_cfg *live = malloc(sizeof *live);
    const struct config_sets none = {0};
    if (!live)
        return status_set(err, ERR_NO_MEMORY, "replay: out of memory");
    int rc = recording_config(recording_reader_prefix(r->reader), &none, live, err);
    const bool changed = rc == OK && live->identity.mode != r->bs.identity.mode;
    *steer_coded = changed && r->bs.identity.mode == BS_IDENTITY_STEERING;
    free(live);
    if (rc == OK && changed && !*steer_coded)
        return status_set(
            err, ERR_ARG,
            "identity.mode: the surfaces stood still in this recording, so that there "
            "are no codes to tell its paths apart by");
    return rc;
}

/* What the pipeline takes from its configuration alone. Everything else is as recorded: samples,
 * plans, profiles, verdicts, broken pixels. */
static const char *const acting[] = {
    "background.", "calib.max_delay_drift_m", "estimate.", "geometry.", "identity.", "ris.boards",
    "room.",
};

static int check_set(const char *set, struct status *err)
{
    for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
        if (strncmp(set, acting[i], strlen(acting[i])) == 0)
            return OK;
    return status_set(err, ERR_ARG,
                      "%.*s is no key that acts in a replay: samples, plans, profiles and pixels "
                      "are as recorded; background.*, calib.max_delay_drift_m, estimate.*, "
                      "geometry.*, identity.*, ris.boards and room.* act",
                      (int)fmin(60, (double)strcspn(set, "=")), set);
}

static int check_sets(const struct config_sets *sets, struct status *err)
{
    for (size_t i = 0; i < sets->n; i++)
        if (check_set(sets->items[i], err))
            return err->code;
    return OK;
}

static int make_pipeline(struct replay *r, struct status *err)
{
    const struct recording_head *h = recording_reader_head(r->reader);
    struct pipeline_cfg pc = {
        .cfg = &r->bs, .schedule = &r->schedule, .check = recorded_verdict, .check_context = r};
    if (check_sets(&r->cfg.sets, err) ||
        recording_config(recording_reader_prefix(r->reader), &r->cfg.sets, &r->bs, err) ||
        bs_config_schedule(&r->bs, &r->schedule, err) || check_head(r, h, err) ||
        check_identity(r, &pc.steer_coded, err))
        return err->code;
    r->schedule.first = h->first_tick;
    for (size_t i = 0; i < BS_RIS; i++)
        pc.profiles[i] = &h->profiles[i];
    r->pipeline = pipeline_create(&pc, err);
    return r->pipeline ? make_blocks(r, err) : err->code;
}

/* To the last checkpoint at or before from_s. */
static int seek(struct replay *r, struct status *err)
{
    struct recording_start start;
    if (recording_reader_start(r->reader, r->cfg.from_s, &start, err))
        return err->code;
    if (!start.found)
        return status_set(err, ERR_FORMAT, "the recording has no checkpoint to start from");
    r->first_s = start.first_s;
    struct recording_cycle *c = calloc(1, sizeof *c);
    int rc = c ? OK : status_set(err, ERR_NO_MEMORY, "replay: out of memory");
    for (size_t i = 0; rc == OK && i < start.cycle; i++)
        rc = recording_reader_next(r->reader, c, err);
    free(c);
    return rc;
}

struct replay *replay_create(const struct replay_cfg *cfg, struct status *err)
{
    struct replay *r = calloc(1, sizeof *r);
    if (!r) {
        status_set(err, ERR_NO_MEMORY, "replay: out of memory");
        return NULL;
    }
    r->cfg = *cfg;
    r->reader = recording_reader_open(cfg->recording, err);
    if (!r->reader || make_pipeline(r, err) || seek(r, err))
        replay_destroy(&r);
    return r;
}

void replay_destroy(struct replay **replay)
{
    struct replay *r = *replay;
    if (!r)
        return;
    pipeline_destroy(&r->pipeline);
    recording_reader_close(&r->reader);
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        for (size_t a = 0; a < RADIO_CHANNELS_MAX; a++)
            free(r->block[i].samp[a]);
    free(r);
    *replay = NULL;
}

static int load_state(struct replay *r, const struct recording_chunk *chunk, struct status *err)
{
    void *bytes = recording_reader_chunk(r->reader, chunk, err);
    int rc = bytes ? pipeline_state_load(r->pipeline, bytes, chunk->n, err) : err->code;
    free(bytes);
    r->started = rc == OK;
    return rc;
}

static int load_pixels(struct replay *r, size_t ris, const struct recording_chunk *chunk,
                       struct status *err)
{
    if (chunk->n == 0)
        return OK;
    if (chunk->n != pipeline_elements(r->pipeline, ris) * sizeof(cplxf))
        return status_set(err, ERR_FORMAT, "pixels of another surface in the recording");
    void *bytes = recording_reader_chunk(r->reader, chunk, err);
    if (!bytes)
        return err->code;
    pipeline_pixels_apply(r->pipeline, ris, bytes);
    free(bytes);
    return OK;
}

static int load_block(struct replay *r, const struct recording_cycle *c, size_t kind,
                      struct status *err)
{
    const struct recording_window *w = &c->window[kind];
    struct block *b = &r->block[kind];
    if (w->n_samp != b->n_samp)
        return status_set(err, ERR_ARG,
                          "windows of %zu samples are recorded, the configuration has %zu: do not "
                          "override waveform or schedule",
                          w->n_samp, b->n_samp);
    b->info = w->info;
    b->plan = c->plan;
    b->plan.faults = w->plan_faults;
    return recording_reader_samples(r->reader, w, b->samp, err);
}

static int work(struct replay *r, struct replay_step *s, struct status *err)
{
    const struct recording_cycle *c = &s->live;
    if (c->plan.user >= BS_USERS_MAX ||
        c->plan.profile[0] >= recording_reader_head(r->reader)->profiles[0].n ||
        c->plan.profile[1] >= recording_reader_head(r->reader)->profiles[1].n)
        return status_set(err, ERR_FORMAT, "a plan names a user or a profile that is not there");
    for (size_t i = 0; i < BS_RIS; i++)
        if (load_pixels(r, i, &c->pixels[i], err))
            return err->code;
    if (load_block(r, c, BLOCK_SENSING, err) || load_block(r, c, BLOCK_RESPONSE, err))
        return err->code;
    r->has_pilots = c->window[BLOCK_PILOTS].there;
    if (r->has_pilots && load_block(r, c, BLOCK_PILOTS, err))
        return err->code;
    r->present = c;
    pipeline_input_give(r->pipeline, &c->input);
    pipeline_user(r->pipeline, c->plan.user, c->report.user_id);
    if (c->report.response == RESPONSE_WITHHELD) /* by an order that came within the cycle */
        pipeline_allow(r->pipeline, c->plan.user, false);
    pipeline_sensing(r->pipeline, &r->block[BLOCK_SENSING]);
    pipeline_response(r->pipeline, &r->block[BLOCK_RESPONSE], &s->report);
    return OK;
}

static bool same_numbers(const double *a, const double *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static bool same(const struct cycle_report *a, const struct cycle_report *b)
{
    if (a->response != b->response || a->outcome != b->outcome || a->faults != b->faults)
        return false;
    if (a->outcome != FIX_DONE)
        return true;
    return same_numbers(&a->fix.position.x, &b->fix.position.x, 3) &&
           same_numbers(&a->fix.cov[0][0], &b->fix.cov[0][0], 9) &&
           a->track.alive == b->track.alive &&
           (!a->track.alive || same_numbers(a->track.x, b->track.x, 6));
}

int replay_next(struct replay *r, struct replay_step *s, struct status *err)
{
    int rc;
    while ((rc = recording_reader_next(r->reader, &s->live, err)) == OK) {
        s->since_s = s->live.report.time_s - r->first_s;
        if (s->since_s > r->cfg.to_s + 1e-9)
            return ERR_NOT_FOUND;
        if (!r->started && load_state(r, &s->live.state, err))
            return err->code;
        rc = work(r, s, err);
        if (rc)
            return rc;
        s->same = same(&s->report, &s->live.report);
        if (s->since_s >= r->cfg.from_s - 1e-9)
            return OK;
    }
    return rc;
}

const struct recording_reader *replay_reader(const struct replay *r)
{
    return r->reader;
}

const struct bs_cfg *replay_config(const struct replay *r)
{
    return &r->bs;
}

const struct schedule *replay_schedule(const struct replay *r)
{
    return &r->schedule;
}

struct pipeline *replay_pipeline(struct replay *r)
{
    return r->pipeline;
}

const struct block *replay_pilots(const struct replay *r)
{
    return r->has_pilots ? &r->block[BLOCK_PILOTS] : NULL;
}
