/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/link_board.h"
#include <math.h>

/* BS_USERS_MAX: nothing is kept of them. */
static size_t find(const struct link_board *b, int id)
{
    size_t at = 0;
    while (at < BS_USERS_MAX && !(b->user[at].noted && b->user[at].id == id))
        at++;
    return at;
}

/* A free place, or that of whoever was heard of longest ago. */
static struct link_board_user *place_for(struct link_board *b, int id)
{
    const size_t at = find(b, id);
    if (at < BS_USERS_MAX)
        return &b->user[at];
    struct link_board_user *u = &b->user[0];
    for (size_t i = 1; i < BS_USERS_MAX; i++)
        if (b->user[i].noted < u->noted)
            u = &b->user[i];
    u->id = id;
    link_stats_reset(&u->stats);
    return u;
}

static void unknown(struct link_figures *down, struct link_figures *up)
{
    static const struct link_stats none;
    link_stats_read(&none, 0, up, down);
}

/* How strong the user is heard, what follows from it, and how it moves. */
static void forget_heard(struct link_report *r)
{
    struct data_slot_result *s = &r->up.slot;
    s->snr_db = s->evm_db = s->cfo_hz = s->phase_rad = NAN;
    s->raw_bits = s->raw_errors = s->bit_errors = 0;
    link_traffic_forget(&r->traffic);
}

void link_board_note(struct link_board *b, struct link_report *r, bool told)
{
    if (r->kind != LINK_SLOT_DATA)
        return;
    if (!told) {
        r->beam = LINK_BEAM_NONE;
        unknown(&r->down_figures, &r->up_figures);
        forget_heard(r);
        return;
    }
    struct link_board_user *u = place_for(b, r->user_id);
    u->noted = ++b->notes;
    link_stats_note(&u->stats, r->time_s, &r->up, r->carries ? &r->traffic : NULL);
    link_stats_read(&u->stats, r->time_s, &r->up_figures, &r->down_figures);
    u->beam = r->beam;
}

void link_board_forget(struct link_board *b, int id)
{
    const size_t at = find(b, id);
    if (at < BS_USERS_MAX)
        b->user[at].noted = 0;
}

static bool is_told(const struct health_orders *o, int id)
{
    size_t at = 0;
    while (at < o->n_user && o->user[at].id != id)
        at++;
    return at < o->n_user && !o->user[at].forgotten;
}

void link_board_obey(struct link_board *b, const struct health_orders *o)
{
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        if (!is_told(o, b->user[i].id))
            b->user[i].noted = 0;
}

static void forget(struct health_link_user *u)
{
    unknown(&u->down, &u->up);
    link_traffic_forget(&u->state);
}

static void add_user(const struct link_board_user *u, double now_s, struct health_link_user *out)
{
    out->beam = u->beam;
    link_stats_read(&u->stats, now_s, &out->up, &out->down);
}

void link_board_health(const struct link_board *b, double now_s, struct health_traffic *out)
{
    for (size_t i = 0; i < BS_USERS_MAX && !out->carries; i++)
        if (b->user[i].noted)
            out->user[out->n++].id = b->user[i].id;
    for (size_t i = 0; i < out->n; i++) {
        const size_t at = find(b, out->user[i].id);
        if (at < BS_USERS_MAX)
            add_user(&b->user[at], now_s, &out->user[i]);
        else
            forget(&out->user[i]);
    }
}
