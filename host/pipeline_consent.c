/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who permits it, and who is withheld: orders, answers, and what they take with them. */
#include "host/pipeline_priv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t kept_ns = (int64_t)(1e9 * CONSENT_KEPT_S);

/* What may be told comes before the state: whoever reads them the other way round never sees a no
 * of somebody who is told of. */
void pipeline_consent(struct pipeline_user *u, enum consent_event event)
{
    const enum consent_state now = consent_next(atomic_load(&u->consent), event);
    if (consent_forgets(now))
        atomic_store(&u->permitted_ns, PIPELINE_FORGOTTEN);
    atomic_store(&u->consent, now);
    if (now == CONSENT_WITHHELD)
        atomic_store(&u->revoked, false);
    if (!consent_forgets(now))
        return;
    track_reset(&u->track);
    u->agreed = 0;
    u->round = (struct round_trip){0};
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
    for (size_t u = 0; u < BS_USERS_MAX; u++) {
        const bool revoked = atomic_exchange(&p->user[u].revoked, false);
        if (!revoked && pipeline_allowed(p, u))
            continue;
        p->taken.withheld |= 1u << u;
        pipeline_consent(&p->user[u], CONSENT_WITHHOLD);
    }
}

bool pipeline_withheld(const struct pipeline *p, size_t user)
{
    return !pipeline_allowed(p, user) || p->taken.withheld >> user & 1;
}

static int64_t ns_of(double s)
{
    return llround(1e9 * s);
}

void pipeline_heed_answer(struct pipeline *p, const struct cycle_report *r)
{
    static const enum consent_event events[RESPONSE_VERDICTS] = {
        [RESPONSE_PERMITTED] = CONSENT_PERMIT,  [RESPONSE_NO_PERMIT] = CONSENT_REFUSE,
        [RESPONSE_SILENT] = CONSENT_SILENCE,    [RESPONSE_DAMAGED] = CONSENT_BAD,
        [RESPONSE_REFUSED] = CONSENT_BAD,       [RESPONSE_LOST] = CONSENT_LOST,
        [RESPONSE_WITHHELD] = CONSENT_WITHHOLD,
    };
    struct pipeline_user *u = &p->user[r->plan.user];
    const enum consent_event event = events[r->response];
    if (consent_may_locate(consent_next(atomic_load(&u->consent), event)))
        atomic_store(&u->permitted_ns, ns_of(r->time_s));
    pipeline_consent(u, event);
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

/* The device's time may have been set back. A permission that comes meanwhile stays: its cycle has
 * set the time before. */
void pipeline_pass_time(struct pipeline *p, int64_t now_ns)
{
    for (size_t u = 0; u < BS_USERS_MAX; u++) {
        int64_t at = atomic_load(&p->user[u].permitted_ns);
        const int64_t device_ns = now_ns + atomic_load(&p->ahead_ns);
        if (at != PIPELINE_FORGOTTEN && llabs(device_ns - at) > kept_ns)
            (void)atomic_compare_exchange_strong(&p->user[u].permitted_ns, &at, PIPELINE_FORGOTTEN);
    }
}

void pipeline_note_time(struct pipeline *p, const struct cycle_report *r)
{
    atomic_store(&p->ahead_ns, ns_of(r->time_s) - clock_ns());
}

static bool is_told(const struct pipeline *p, size_t user)
{
    return atomic_load(&p->user[user].permitted_ns) != PIPELINE_FORGOTTEN;
}

/* By the device's time alone: a run that is repeated tells the same. */
void pipeline_note_told(struct pipeline *p, struct cycle_report *r)
{
    pipeline_pass_time(p, ns_of(r->time_s) - atomic_load(&p->ahead_ns));
    r->forgotten = !is_told(p, r->plan.user);
}

static bool is_served(const struct pipeline *p, size_t user, int id)
{
    return atomic_load(&p->user[user].wants) == id;
}

bool pipeline_tells(const struct pipeline *p, size_t user, int id)
{
    return is_served(p, user, id) && pipeline_allowed(p, user) &&
           !atomic_load(&p->user[user].revoked) && is_told(p, user);
}

/* What the user's consent has become since, where the report says that there is permission. */
static enum consent_state consent_now(const struct pipeline *p, const struct cycle_report *r)
{
    if (!is_served(p, r->plan.user, r->user_id))
        return CONSENT_NONE;
    if (!pipeline_allowed(p, r->plan.user))
        return CONSENT_WITHHELD;
    return consent_may_locate(r->consent) ? atomic_load(&p->user[r->plan.user].consent)
                                          : r->consent;
}

void pipeline_retract(const struct pipeline *p, struct cycle_report *r)
{
    if (pipeline_tells(p, r->plan.user, r->user_id))
        return;
    r->consent = consent_now(p, r);
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
    struct pipeline_user *u = &p->user[user];
    atomic_store(&u->withheld, !allow);
    if (allow)
        return;
    atomic_store(&u->revoked, true);
    atomic_store(&u->permitted_ns, PIPELINE_FORGOTTEN);
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
