/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who permits it, and who is withheld: orders, answers, and what they take with them. */
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>

void pipeline_consent(struct pipeline_user *u, enum consent_event event)
{
    const enum consent_state now = consent_next(atomic_load(&u->consent), event);
    atomic_store(&u->consent, now);
    if (!consent_forgets(now))
        return;
    track_reset(&u->track);
    u->agreed = 0;
    atomic_store(&u->told, false);
    for (size_t i = 0; i < BS_RIS; i++)
        atomic_store(&u->profile[i], PROFILE_BASE);
}

/* A place that has changed hands. One that was left keeps the number of who had it last: a cycle of
 * theirs may have been planned before, and is told as theirs; it gives nothing. */
static void heed_user(struct pipeline_user *u)
{
    const int wants = atomic_load(&u->wants);
    const bool left = atomic_load(&u->consent) == CONSENT_NONE;
    if (wants < 0 ? left : !left && u->id == wants)
        return;
    if (wants >= 0)
        u->id = wants;
    pipeline_consent(u, wants < 0 ? CONSENT_LEAVE : CONSENT_JOIN);
    atomic_store(&u->asked, 0);
    atomic_store(&u->permitted, 0);
    atomic_store(&u->fixes, 0);
}

void pipeline_heed_orders(struct pipeline *p, size_t asked)
{
    for (size_t u = 0; u < BS_USERS_MAX; u++)
        heed_user(&p->user[u]);
    pipeline_consent(&p->user[asked], CONSENT_ASK);
    p->taken.withheld = 0;
    for (size_t u = 0; u < BS_USERS_MAX; u++)
        if (!pipeline_allowed(p, u)) {
            p->taken.withheld |= 1u << u;
            pipeline_consent(&p->user[u], CONSENT_WITHHOLD);
        }
}

bool pipeline_withheld(const struct pipeline *p, size_t user)
{
    return !pipeline_allowed(p, user) || p->taken.withheld >> user & 1;
}

void pipeline_heed_answer(struct pipeline *p, const struct cycle_report *r)
{
    static const enum consent_event events[RESPONSE_VERDICTS] = {
        [RESPONSE_PERMITTED] = CONSENT_PERMIT,  [RESPONSE_NO_PERMIT] = CONSENT_REFUSE,
        [RESPONSE_SILENT] = CONSENT_SILENCE,    [RESPONSE_DAMAGED] = CONSENT_BAD,
        [RESPONSE_REFUSED] = CONSENT_BAD,       [RESPONSE_LOST] = CONSENT_LOST,
        [RESPONSE_WITHHELD] = CONSENT_WITHHOLD,
    };
    pipeline_consent(&p->user[r->plan.user], events[r->response]);
}

void pipeline_forget(struct cycle_report *r)
{
    memset(r->path, 0, sizeof r->path);
    memset(r->profile, 0, sizeof r->profile);
    if (r->response == RESPONSE_PERMITTED)
        return;
    memset(&r->answer, 0, sizeof r->answer);
    r->height_m = r->height_sigma_m = r->turnaround_ns = 0;
    r->response_snr_db = r->response_cfo_hz = r->response_evm_db = NAN;
}

void pipeline_withdraw(struct cycle_report *r)
{
    if (r->response == RESPONSE_PERMITTED)
        r->response = RESPONSE_WITHHELD;
    if (!report_blocked(r))
        r->outcome = FIX_NOT_ASKED;
    r->fix = (struct fix){0};
    r->ellipse = (struct ellipse){0};
    r->track = (struct track){0};
    r->track_event = TRACK_NONE;
    r->site.steering_match = 0;
    r->echoes = false;
    pipeline_forget(r);
}

/* The device's time may have been set back. */
void pipeline_note_told(struct pipeline_user *u, struct cycle_report *r)
{
    const bool permits = consent_may_locate(r->consent);
    const bool silent = !permits && fabs(r->time_s - u->permitted_s) > CONSENT_KEPT_S;
    if (permits)
        u->permitted_s = r->time_s;
    if (permits || silent)
        atomic_store(&u->told, permits);
    r->forgotten = !atomic_load(&u->told);
}

static bool is_served(const struct pipeline *p, size_t user, int id)
{
    return atomic_load(&p->user[user].wants) == id;
}

bool pipeline_tells(const struct pipeline *p, size_t user, int id)
{
    return is_served(p, user, id) && pipeline_allowed(p, user) && atomic_load(&p->user[user].told);
}

void pipeline_retract(const struct pipeline *p, struct cycle_report *r)
{
    const bool served = is_served(p, r->plan.user, r->user_id);
    if (served && pipeline_allowed(p, r->plan.user))
        return;
    r->consent = served ? CONSENT_WITHHELD : CONSENT_NONE;
    r->forgotten = true;
    pipeline_withdraw(r);
}

void pipeline_user(struct pipeline *p, size_t user, int id)
{
    if (atomic_exchange(&p->user[user].wants, id) != id)
        atomic_store(&p->user[user].answered, false);
}

void pipeline_allow(struct pipeline *p, size_t user, bool allow)
{
    atomic_store(&p->user[user].withheld, !allow);
}

bool pipeline_allowed(const struct pipeline *p, size_t user)
{
    return !atomic_load(&p->user[user].withheld);
}

bool pipeline_may_send(const struct pipeline *p, size_t user)
{
    return pipeline_allowed(p, user) && consent_may_send(atomic_load(&p->user[user].consent));
}

void pipeline_user_counters(const struct pipeline *p, size_t user,
                            struct pipeline_user_counters *out)
{
    const struct pipeline_user *u = &p->user[user];
    *out = (struct pipeline_user_counters){.consent = atomic_load(&u->consent),
                                           .asked = atomic_load(&u->asked),
                                           .permitted = atomic_load(&u->permitted),
                                           .fixes = atomic_load(&u->fixes)};
}
