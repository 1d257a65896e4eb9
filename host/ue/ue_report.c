/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_report.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
    char *out;
    size_t size, n;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
    va_list args;
    if (t->n >= t->size)
        return;
    va_start(args, format);
    int n = vsnprintf(t->out + t->n, t->size - t->n, format, args);
    va_end(args);
    t->n = n < 0 ? t->size : t->n + (size_t)n;
}

static void add_burst(struct text *t, const struct ue_report *r)
{
    const struct heard_burst *b = r->burst;
    add(t,
        ",\"verdict\":\"%s\",\"cfo_hz\":%.3f,\"snr_db\":%.2f,\"evm_db\":%.2f,"
        "\"sync_frame\":%s",
        responder_verdict_name(r->verdict), b->cfo_hz, (double)b->snr_db, (double)b->evm_db,
        b->sync_seen ? "true" : "false");
}

static void add_link(struct text *t, const struct ue_report *r)
{
    if (!r->down || t->n >= t->size)
        return;
    const int n = link_rx_format(r->down, r->link, r->traffic, "link_", t->out + t->n, t->size - t->n);
    t->n = n < 0 ? t->size : t->n + (size_t)n;
}

int ue_report_format(const struct ue_report *r, char *out, size_t size)
{
    struct text t = {.out = out, .size = size};
    const struct receiver_counters rx = receiver_counters(r->receiver);
    const struct secure_user *user = responder_user(r->responder);
    add(&t, "{\"v\":1,\"time_s\":%.9f,\"user\":%" PRIu32 ",\"state\":\"%s\",\"cycle\":%" PRIu64,
        r->time_s, user->user_id, receiver_state_name(receiver_state(r->receiver)), r->cycle);
    if (r->burst)
        add_burst(&t, r);
    add(&t,
        ",\"bursts\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"windows\":%" PRIu64
        ",\"damaged\":%" PRIu64 ",\"late_captures\":%" PRIu64,
        rx.bursts, rx.missed, rx.lost, rx.windows, rx.damaged, rx.late);
    add(&t,
        ",\"accepted\":%" PRIu64 ",\"synced\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"replayed\":%" PRIu64 ",\"limited\":%" PRIu64,
        user->count.accepted, user->count.synced, user->count.refused, user->count.replayed,
        user->count.limited);
    add(&t,
        ",\"answered\":%" PRIu64 ",\"silent\":%" PRIu64 ",\"late\":%" PRIu64 ",\"failed\":%" PRIu64,
        responder_count(r->responder, VERDICT_ANSWERED),
        responder_count(r->responder, VERDICT_SILENT), responder_count(r->responder, VERDICT_LATE),
        responder_count(r->responder, VERDICT_FAILED));
    add(&t,
        ",\"overflows\":%" PRIu64 ",\"tx_lates\":%" PRIu64 ",\"underflows\":%" PRIu64
        ",\"gaps\":%" PRIu64,
        r->radio.rx_overflows, r->radio.tx_lates, r->radio.tx_underflows, r->radio.rx_gaps);
    add_link(&t, r);
    add(&t, "}");
    return t.n < size ? (int)t.n : ERR_NO_SPACE;
}
