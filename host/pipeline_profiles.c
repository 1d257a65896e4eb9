/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which profile a surface shows: the base, the beam that suits the tracked user, or each in turn
 * while the empty room is captured. */
#include "host/pipeline_priv.h"

const cplx *pipeline_gamma(const struct pipeline *p, size_t board)
{
    const size_t n = ris_model_elements(p->model[board]);
    return p->gamma[board] + p->pending.plan.profile[board] * n;
}

static double level_db(const struct pipeline *p, size_t board, size_t profile, struct vec3 u)
{
    struct ris_view view;
    const size_t n = ris_model_elements(p->model[board]);
    ris_model_view(p->model[board], p->gamma[board] + profile * n, u, &view);
    return view.level_db;
}

/* The brightest there, if it beats the present one by the hysteresis: a switch costs nothing but
 * the change of multipath that comes with it, and a user on the border must not make it flutter. */
static size_t best_profile(const struct pipeline *p, size_t board, size_t present, struct vec3 u)
{
    size_t best = present;
    double best_db = level_db(p, board, present, u) + p->cfg.ris.hysteresis_db;
    for (size_t i = 0; i < p->n_profile; i++) {
        double db = i == present ? -INFINITY : level_db(p, board, i, u);
        if (db <= best_db)
            continue;
        best = i;
        best_db = db;
    }
    return best;
}

/* A user who was not found may be anywhere, and the base finds it again. A cycle with a fault says
 * nothing about the user. */
void pipeline_choose(struct pipeline *p, const struct cycle_report *r)
{
    struct pipeline_user *user = &p->user[r->plan.user];
    const double next_s =
        r->time_s + (double)(atomic_load(&user->revisit) * (size_t)p->schedule.period) /
                        (double)p->schedule.rate;
    struct vec3 there;
    if (r->faults)
        return;
    bool found = r->outcome == FIX_DONE && track_predict(&user->track, next_s, &there);
    for (size_t i = 0; p->n_profile > 1 && i < BS_RIS; i++) {
        size_t present = atomic_load(&user->profile[i]);
        size_t next = found ? best_profile(p, i, present, there) : PROFILE_BASE;
        atomic_store(&user->profile[i], (unsigned char)next);
    }
}

static uint8_t without_beam(const struct pipeline *p, size_t board)
{
    const int held = atomic_load(&p->held[board]);
    return held >= 0 ? (uint8_t)held : PROFILE_BASE;
}

void pipeline_profiles(struct pipeline *p, struct pipeline_shown *out)
{
    bool capturing = atomic_load(&p->capture.running) || atomic_load(&p->capture.request) > 0;
    const bool told = pipeline_tells(p, out->user, out->id);
    out->beams = false;
    if (capturing)
        p->capture.turn = (unsigned)((p->capture.turn + 1) % p->n_profile);
    for (size_t i = 0; i < BS_RIS; i++) {
        const uint8_t beam = atomic_load(&p->user[out->user].profile[i]);
        const bool suits = !capturing && told && atomic_load(&p->held[i]) < 0;
        out->profile[i] = capturing ? (uint8_t)p->capture.turn : suits ? beam : without_beam(p, i);
        out->beams |= suits && beam != PROFILE_BASE;
    }
}

struct pipeline_shown pipeline_shown_after(const struct pipeline_shown *before,
                                           const struct pipeline_shown *next, bool obeyed)
{
    return !obeyed && before->beams && !next->beams ? *before : *next;
}

bool pipeline_shows_forgotten(const struct pipeline *p, const struct pipeline_shown *shown,
                              uint8_t rest[BS_RIS])
{
    if (!shown->beams || pipeline_tells(p, shown->user, shown->id))
        return false;
    for (size_t i = 0; i < BS_RIS; i++)
        rest[i] = without_beam(p, i);
    return true;
}

void pipeline_revisit(struct pipeline *p, size_t user, unsigned periods)
{
    atomic_store(&p->user[user].revisit, periods);
}

int pipeline_hold(struct pipeline *p, size_t ris, int profile)
{
    if (ris >= BS_RIS || profile < -1 || profile >= (int)p->n_profile)
        return ERR_ARG;
    atomic_store(&p->held[ris], profile);
    return OK;
}

int pipeline_held(const struct pipeline *p, size_t ris)
{
    return atomic_load(&p->held[ris]);
}
