/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_report.h"
#include "host/report_text.h"
#include <inttypes.h>

static void add_burst(struct report_text *t, const struct ue_report *r)
{
    const struct heard_burst *b = r->burst;
    report_add(t,
               ",\"verdict\":\"%s\",\"cfo_hz\":%.3f,\"snr_db\":%.2f,\"evm_db\":%.2f,"
               "\"sync_frame\":%s",
               responder_verdict_name(r->verdict), b->cfo_hz, (double)b->snr_db, (double)b->evm_db,
               b->sync_seen ? "true" : "false");
}

static void add_link(struct report_text *t, const struct ue_report *r)
{
    if (r->link && t->n < t->size)
        report_added(t, link_heard_format(r->link, t->out + t->n, t->size - t->n));
}

int ue_report_format(const struct ue_report *r, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    const struct receiver_counters rx = receiver_counters(r->receiver);
    const struct secure_user *user = responder_user(r->responder);
    report_add(
        &t, "{\"v\":1,\"time_s\":%.9f,\"user\":%" PRIu32 ",\"state\":\"%s\",\"cycle\":%" PRIu64,
        r->time_s, user->user_id, receiver_state_name(receiver_state(r->receiver)), r->cycle);
    if (r->burst)
        add_burst(&t, r);
    report_add(&t,
               ",\"bursts\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"lost\":%" PRIu64
               ",\"windows\":%" PRIu64 ",\"damaged\":%" PRIu64 ",\"late_captures\":%" PRIu64,
               rx.bursts, rx.missed, rx.lost, rx.windows, rx.damaged, rx.late);
    report_add(&t,
               ",\"accepted\":%" PRIu64 ",\"synced\":%" PRIu64 ",\"refused\":%" PRIu64
               ",\"replayed\":%" PRIu64 ",\"limited\":%" PRIu64,
               user->count.accepted, user->count.synced, user->count.refused, user->count.replayed,
               user->count.limited);
    report_add(&t,
               ",\"answered\":%" PRIu64 ",\"declined\":%" PRIu64 ",\"silent\":%" PRIu64
               ",\"late\":%" PRIu64 ",\"failed\":%" PRIu64,
               responder_count(r->responder, VERDICT_ANSWERED),
               responder_count(r->responder, VERDICT_DECLINED),
               responder_count(r->responder, VERDICT_SILENT),
               responder_count(r->responder, VERDICT_LATE),
               responder_count(r->responder, VERDICT_FAILED));
    report_add(&t,
               ",\"overflows\":%" PRIu64 ",\"tx_lates\":%" PRIu64 ",\"underflows\":%" PRIu64
               ",\"gaps\":%" PRIu64,
               r->radio.rx_overflows, r->radio.tx_lates, r->radio.tx_underflows, r->radio.rx_gaps);
    add_link(&t, r);
    report_add(&t, "}");
    return report_length(&t);
}
