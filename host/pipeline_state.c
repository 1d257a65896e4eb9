/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/pipeline_state.h"
#include "base/log.h"
#include "host/pipeline_priv.h"
#include <limits.h>
#include <string.h>

#define STATE_MAGIC 0x3730545352494dull /* "MIRST07" */

void pipeline_input_taken(const struct pipeline *p, struct pipeline_input *out)
{
    *out = p->taken;
}

void pipeline_input_give(struct pipeline *p, const struct pipeline_input *input)
{
    atomic_store(&p->capture.request, input->capture);
    for (size_t u = 0; u < BS_USERS_MAX; u++)
        pipeline_allow(p, u, !(input->withheld >> u & 1));
    p->site.update = input->update;
    atomic_store(&p->site.update_full, input->updated);
}

static void state_unsigned(struct state_io *io, unsigned *x)
{
    size_t v = *x;
    state_count(io, &v, UINT_MAX);
    *x = (unsigned)v;
}

static void state_atomic_flag(struct state_io *io, atomic_bool *x)
{
    bool v = atomic_load(x);
    state_flag(io, &v);
    atomic_store(x, v);
}

/* Refuses a state of another shape before anything is taken from it. */
static void shape_state(struct pipeline *p, struct state_io *io)
{
    const uint64_t here[] = {STATE_MAGIC, p->cfg.radio.n_rx, p->wave.k, p->n_profile};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        uint64_t v = here[i];
        state_u64(io, &v);
        if (state_loading(io) && v != here[i])
            io->rc = ERR_FORMAT;
    }
}

static void capture_state(struct capture *c, struct state_io *io)
{
    state_atomic_flag(io, &c->running);
    state_unsigned(io, &c->wanted);
    for (size_t i = 0; i < PROFILES_MAX; i++)
        state_unsigned(io, &c->taken[i]);
    state_flag(io, &c->captured);
    state_f64(io, &c->finished_s);
}

static void site_state(struct site *s, struct state_io *io)
{
    state_cplxf(io, s->tap, STREAM_MAX_ANT);
    state_cplxf(io, s->correction, STREAM_MAX_ANT);
    state_flag(io, &s->zero_stored);
    state_flag(io, &s->zero_confirmed);
    state_flag(io, &s->zero_refused);
    s->room = state_choice(io, s->room, ROOM_STATES);
    s->seeing = state_choice(io, s->seeing, ROOM_STATES);
    state_unsigned(io, &s->cycles);
    state_unsigned(io, &s->looks);
    state_f64(io, &s->drift);
    state_f64(io, &s->try_again_s);
    state_f64(io, &s->age_at_start_s);
    state_flag(io, &s->aged);
}

static void user_state(struct pipeline_user *u, struct state_io *io)
{
    size_t place = (size_t)(u->id + 1);
    state_count(io, &place, INT_MAX);
    u->id = (int)place - 1;
    track_state(&u->track, io);
    atomic_store(&u->consent,
                 (unsigned char)state_choice(io, atomic_load(&u->consent), CONSENT_STATES));
    if (state_loading(io))
        atomic_store(&u->wants, atomic_load(&u->consent) == CONSENT_NONE ? -1 : u->id);
    state_unsigned(io, &u->agreed);
    state_f64(io, &u->agreed_s);
    state_f64(io, &u->round.delay_m);
    state_unsigned(io, &u->round.n);
    state_unsigned(io, &u->round.denied);
    state_unsigned(io, &u->round.tuning);
    state_atomic_flag(io, &u->answered);
    for (size_t i = 0; i < BS_RIS; i++) {
        size_t profile = atomic_load(&u->profile[i]);
        state_count(io, &profile, PROFILES_MAX - 1);
        atomic_store(&u->profile[i], (unsigned char)profile);
    }
}

static void walk(struct pipeline *p, struct state_io *io)
{
    shape_state(p, io);
    stream_state(p->streams, io);
    background_state(p->background, io);
    leak_watch_state(&p->leak, io);
    state_unsigned(io, &p->tuning);
    state_f64(io, &p->cfg.radio.carrier_hz);
    state_f64(io, &p->cfg.radio.tx_gain_db);
    state_f64(io, &p->cfg.radio.rx_gain_db);
    state_f64(io, &p->answered_s);
    state_unsigned(io, &p->doubt);
    state_flag(io, &p->others);
    capture_state(&p->capture, io);
    site_state(&p->site, io);
    for (size_t u = 0; u < BS_USERS_MAX; u++)
        user_state(&p->user[u], io);
    for (size_t i = 0; i < BS_RIS; i++)
        state_cplxf(io, p->factor[i], ris_model_elements(p->model[i]));
    if (p->wave.code_reps == 0)
        pipeline_frame_state(p, io);
}

size_t pipeline_state_max(const struct pipeline *p)
{
    const size_t fixed = 16384; /* everything but the arrays */
    size_t elements = 0;
    for (size_t i = 0; i < BS_RIS; i++)
        elements += ris_model_elements(p->model[i]);
    return fixed + background_state_max(p->background) + elements * sizeof(cplxf);
}

long pipeline_state_save(struct pipeline *p, unsigned char *out, size_t size)
{
    struct state_io io = {.mode = STATE_SAVE, .out = out, .size = size};
    walk(p, &io);
    return io.rc ? io.rc : (long)io.at;
}

/* A state that another version of the program has saved. */
static bool of_another_format(const unsigned char *in, size_t n)
{
    const uint64_t magic = STATE_MAGIC; /* seven letters, the last two of them the version */
    uint64_t found = 0;
    for (size_t i = 0; i < sizeof found && n >= sizeof found; i++)
        found |= (uint64_t)in[i] << 8 * i;
    return found != magic && (found << 24) == (magic << 24);
}

int pipeline_state_load(struct pipeline *p, const unsigned char *in, size_t n, struct status *err)
{
    if (of_another_format(in, n))
        return status_set(err, ERR_FORMAT,
                          "the checkpoint is of format %.7s, and only MIRST%c%c is read here: take "
                          "the Mirador that recorded it ('mirador record info' says which)",
                          (const char *)in, (char)(STATE_MAGIC >> 40 & 0xff),
                          (char)(STATE_MAGIC >> 48 & 0xff));
    struct state_io io = {.mode = STATE_LOAD, .in = in, .size = n};
    walk(p, &io);
    if (io.rc || io.at != n)
        return status_set(err, ERR_FORMAT,
                          "the state of %zu bytes is damaged, or of another configuration", n);
    for (size_t i = 0; i < BS_RIS; i++)
        pipeline_pixels_apply(p, i, p->factor[i]);
    return OK;
}

size_t pipeline_elements(const struct pipeline *p, size_t ris)
{
    return ris_model_elements(p->model[ris]);
}
