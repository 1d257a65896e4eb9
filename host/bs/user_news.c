/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/user_news.h"

static void publish(const struct user_news *n, const char *topic, int length)
{
    n->cfg.publish(n->cfg.context, topic, length, NULL, 0);
}

void user_news_fix(const struct user_news *n, struct cycle_report *r, double latency_ms)
{
    pipeline_retract(n->cfg.pipeline, r);
    if (r->outcome == FIX_DONE)
        publish(n, "fix", telemetry_format_fix(r, latency_ms, n->cfg.text, n->cfg.size));
}

void user_news_cycle(struct user_news *n, const struct cycle_report *r, double latency_ms)
{
    publish(n, "cycle", telemetry_format_cycle(r, latency_ms, n->cfg.text, n->cfg.size));
    if (r->response == RESPONSE_PERMITTED)
        n->cfg.publish(n->cfg.context, "paths", telemetry_format_paths(r, n->cfg.text, n->cfg.size),
                       r->profile, sizeof r->profile);
    if (r->forgotten)
        link_board_forget(&n->links, r->user_id);
}

void user_news_ris(const struct user_news *n, struct telemetry_ris *r)
{
    uint8_t rest[BS_RIS];
    if (!pipeline_shows_forgotten(n->cfg.pipeline, &r->shown, rest))
        return;
    for (size_t i = 0; i < BS_RIS; i++)
        if (r->shown.profile[i] != rest[i])
            r->ack[i].hash = 0;
}

/* The slot of a cycle that was under way may be heard after the order to let its user be. */
void user_news_link(struct user_news *n, size_t place, struct link_report *r)
{
    link_board_note(&n->links, r,
                    place < BS_USERS_MAX && pipeline_tells(n->cfg.pipeline, place, r->user_id));
    publish(n, "link", link_report_format(r, n->cfg.text, n->cfg.size));
}

/* One answer for each user, which all of the message obeys. */
void user_news_health(struct user_news *n, int64_t now_ns, struct health *h)
{
    struct health_orders *o = &h->orders;
    pipeline_pass_time(n->cfg.pipeline, now_ns);
    for (size_t u = 0; u < o->n_user; u++)
        o->user[u].forgotten = !pipeline_tells(n->cfg.pipeline, o->user[u].place, o->user[u].id);
    link_board_obey(&n->links, o);
    link_board_health(&n->links, h->room_s, &h->traffic);
}

void user_news_forget(struct user_news *n, int id)
{
    link_board_forget(&n->links, id);
    n->cfg.health(n->cfg.context);
}
