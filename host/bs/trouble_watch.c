/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/trouble_watch.h"

#include "base/log.h"

static void watch_board(struct watched_board *w, const char *name, const struct telemetry_ris *r,
                        size_t i)
{
    if (r->fault[i] == 0 && w->cycles > 0)
        log_info("%s: in step again in cycle %llu, after %llu without", name,
                 (unsigned long long)r->cycle, (unsigned long long)w->cycles);
    if (r->fault[i] != 0 && r->fault[i] != w->fault)
        log_warn("%s: %s from cycle %llu on, no positions until it is in step again: %s", name,
                 telemetry_ris_fault(r->fault[i]), (unsigned long long)r->cycle, r->ack[i].text);
    w->cycles = r->fault[i] == 0 ? 0 : w->cycles + 1;
    w->fault = r->fault[i];
}

void trouble_watch_ris(struct trouble_watch *t, const struct bs_cfg *cfg,
                       const struct telemetry_ris *r)
{
    for (size_t i = 0; i < r->n_board; i++)
        watch_board(&t->board[i], cfg->ris.boards[i].name, r, i);
}

static void watch_sight(uint64_t *unseen, const char *name, bool seen, uint64_t cycle)
{
    if (seen && *unseen >= TROUBLE_UNSEEN)
        log_info("%s: paths over it again in cycle %llu, after %llu answers without", name,
                 (unsigned long long)cycle, (unsigned long long)*unseen);
    *unseen = seen ? 0 : *unseen + 1;
    if (*unseen == TROUBLE_UNSEEN)
        log_warn("%s: no path over it in %d answers, positions stand on the rest or fail: is it in "
                 "sight of base station and user, and its board powered?",
                 name, TROUBLE_UNSEEN);
}

unsigned trouble_watch_sight(struct trouble_watch *t, const struct bs_cfg *cfg,
                             const struct cycle_report *r)
{
    unsigned out_of_sight = 0;
    const bool tells = r->response == RESPONSE_PERMITTED && !r->steering && !report_blocked(r) &&
                       r->path[PATH_L1].found;
    for (size_t i = 0; i < BS_RIS; i++) {
        if (tells && !r->path[PATH_L1 + 1 + i].adaptive) /* else its empty room is not known yet */
            watch_sight(&t->unseen[i], cfg->ris.boards[i].name, r->path[PATH_L1 + 1 + i].found,
                        r->plan.cycle);
        out_of_sight |= t->unseen[i] >= TROUBLE_UNSEEN ? 1U << i : 0;
    }
    return out_of_sight;
}

void trouble_watch_radio(struct trouble_watch *t, const struct radio *radio)
{
    struct radio_counters c;
    radio_counters(radio, &c);
    uint64_t faults = c.rx_overflows + c.rx_sequence_errors + c.rx_late_commands + c.rx_timeouts +
                      c.tx_lates + c.tx_underflows + c.tx_sequence_errors;
    if (faults == t->radio_faults)
        return;
    t->radio_faults = faults;
    log_warn("radio, since start: %llu overflows, %llu lost packets, %llu late and %llu missing "
             "captures, %llu late bursts, %llu underflows",
             (unsigned long long)c.rx_overflows,
             (unsigned long long)(c.rx_sequence_errors + c.tx_sequence_errors),
             (unsigned long long)c.rx_late_commands, (unsigned long long)c.rx_timeouts,
             (unsigned long long)c.tx_lates, (unsigned long long)c.tx_underflows);
}

void trouble_watch_site(struct site_status *status, const struct bs_cfg *cfg)
{
    const uint32_t now = site_alarms(status, cfg), fresh = now & ~status->alarms;
    for (size_t i = 0; i < SITE_ALARMS; i++)
        if (fresh >> i & 1)
            log_warn("%s", site_alarm_text(i));
    status->alarms = now;
}
