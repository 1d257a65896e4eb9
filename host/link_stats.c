/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_stats.h"
#include <math.h>

struct mean {
    double sum;
    unsigned n;
};

static void add(struct mean *m, double x)
{
    if (!isfinite(x))
        return;
    m->sum += x;
    m->n++;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static double mean_of(const struct mean *m)
{
    return ratio(m->sum, m->n);
}

void link_stats_reset(struct link_stats *s)
{
    s->n = 0;
}

static size_t kept(const struct link_stats *s)
{
    return s->n < LINK_STATS_SLOTS ? s->n : LINK_STATS_SLOTS;
}

/* The i-th of those kept, the oldest first. */
static const struct link_stats_slot *at(const struct link_stats *s, size_t i)
{
    return &s->slot[(s->n - kept(s) + i) % LINK_STATS_SLOTS];
}

/* Counters only grow: a lower one has been counted since another start. */
static bool is_anew(const struct data_link_counters *was, const struct data_link_counters *now)
{
    return now->slots_sent < was->slots_sent || now->slots_received < was->slots_received ||
           now->slots_acked < was->slots_acked || now->slots_unacked < was->slots_unacked ||
           now->bytes_acked < was->bytes_acked || now->bytes_out < was->bytes_out;
}

static bool goes_on(const struct link_stats_slot *newest, double time_s,
                    const struct data_link_state *traffic)
{
    return time_s > newest->time_s && newest->carries == (traffic != NULL) &&
           (!traffic || !is_anew(&newest->traffic.count, &traffic->count));
}

void link_stats_note(struct link_stats *s, double time_s, const struct link_rx *heard,
                     const struct data_link_state *traffic)
{
    if (s->n > 0 && !goes_on(at(s, kept(s) - 1), time_s, traffic))
        link_stats_reset(s);
    struct link_stats_slot *slot = &s->slot[s->n++ % LINK_STATS_SLOTS];
    *slot = (struct link_stats_slot){.time_s = time_s, .heard = *heard, .carries = traffic != NULL};
    if (traffic)
        slot->traffic = *traffic;
}

static void read_heard(const struct link_stats *s, struct link_figures *f)
{
    struct mean snr = {0}, evm = {0};
    double raw_bits = 0, raw_errors = 0, bits = 0, errors = 0, ok = 0;
    for (size_t i = 0; i < kept(s); i++) {
        const struct link_rx *rx = &at(s, i)->heard;
        const struct data_slot_result *r = &rx->slot;
        f->slots++;
        ok += rx->ok;
        if (!rx->found)
            continue;
        add(&snr, (double)r->snr_db);
        add(&evm, (double)r->evm_db);
        raw_bits += (double)r->raw_bits;
        raw_errors += (double)r->raw_errors;
        bits += r->header.known ? 8 * (double)rx->bytes : 0;
        errors += (double)r->bit_errors;
    }
    f->fer = ratio(f->slots - ok, f->slots);
    f->snr_db = mean_of(&snr);
    f->evm_db = mean_of(&evm);
    f->raw_ber = ratio(raw_errors, raw_bits);
    f->ber = ratio(errors, bits);
}

static void read_sent(const struct link_stats *s, struct link_figures *f)
{
    struct mean snr = {0}, evm = {0}, ber = {0};
    for (size_t i = 0; i < kept(s); i++) {
        const struct data_link_state *t = &at(s, i)->traffic;
        if (!at(s, i)->carries)
            continue;
        add(&snr, t->peer_snr_db);
        add(&evm, t->peer_evm_db);
        add(&ber, t->peer_ber);
    }
    const struct data_link_counters *a = &at(s, 0)->traffic.count,
                                    *b = &at(s, kept(s) - 1)->traffic.count;
    const double lost = (double)(b->slots_unacked - a->slots_unacked);
    f->slots = (unsigned)(lost + (double)(b->slots_acked - a->slots_acked));
    f->fer = ratio(lost, f->slots);
    f->snr_db = mean_of(&snr);
    f->evm_db = mean_of(&evm);
    f->raw_ber = mean_of(&ber);
}

static void read_rates(const struct link_stats *s, double now_s, struct link_figures *heard,
                       struct link_figures *sent)
{
    const struct link_stats_slot *first = at(s, 0), *last = at(s, kept(s) - 1);
    const struct data_link_counters *a = &first->traffic.count, *b = &last->traffic.count;
    const double span_s = now_s - first->time_s;
    double bytes = 0;
    for (size_t i = 1; i < kept(s); i++)
        bytes += at(s, i)->heard.ok ? (double)at(s, i)->heard.bytes : 0;
    if (last->carries)
        bytes = (double)(b->bytes_out - a->bytes_out);
    heard->bps = ratio(8 * bytes, span_s);
    if (last->carries)
        sent->bps = ratio(8 * (double)(b->bytes_acked - a->bytes_acked), span_s);
}

void link_stats_read(const struct link_stats *s, double now_s, struct link_figures *heard,
                     struct link_figures *sent)
{
    const struct link_figures unknown = {0, NAN, NAN, NAN, NAN, NAN, NAN};
    *heard = *sent = unknown;
    if (s->n == 0)
        return;
    read_heard(s, heard);
    read_sent(s, sent);
    read_rates(s, now_s, heard, sent);
}

static void add_way(struct report_text *t, const char *name, const struct link_figures *f)
{
    report_add(t, "\"%s\":{\"slots\":%u", name, f->slots);
    report_add_figure(t, "fer", f->fer);
    report_add_figure(t, "snr_db", f->snr_db);
    report_add_figure(t, "evm_db", f->evm_db);
    report_add_figure(t, "raw_ber", f->raw_ber);
    report_add_figure(t, "ber", f->ber);
    report_add_figure(t, "throughput_bps", f->bps);
}

void link_figures_add(struct report_text *t, const struct link_figures *down,
                      const struct link_figures *up)
{
    report_add(t, ",\"figures\":{");
    add_way(t, "down", down);
    report_add(t, "},");
    add_way(t, "up", up);
    report_add(t, "}}");
}
