/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_traffic.h"
#include "base/log.h"
#include "host/report_text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct data_link *link_traffic_create(const struct link_port_cfg *cfg,
                                      enum secure_link_direction sends,
                                      const struct secure_keys *keys, struct status *err)
{
    struct data_link_cfg dc = {.sends = sends,
                               .queue = (size_t)cfg->queue,
                               .lifetime_s = cfg->lifetime_s,
                               .n_mcs = DATA_MCS_COUNT};
    for (unsigned mcs = 0; mcs < DATA_MCS_COUNT; mcs++)
        dc.snr_db[mcs] = (double)data_mcs(mcs)->snr_db;
    return data_link_create(&dc, keys, err);
}

int link_traffic_check(const struct data_slot *slot, const char *way, struct status *err)
{
    const size_t n = data_slot_bytes(slot, 0);
    if (n >= DATA_LINK_SLOT_MIN)
        return OK;
    return status_set(
        err, ERR_ARG,
        "link.%s_s: a slot carries %zu bytes in its slowest scheme, and %d are needed "
        "for packets; raise it, or use link.port: none",
        way, n, DATA_LINK_SLOT_MIN);
}

struct data_slot_header link_traffic_fill(struct data_link *link, const struct data_slot *slot,
                                          const struct data_link_slot *when, unsigned mcs,
                                          uint8_t *payload)
{
    struct data_slot_header h = {.mcs = link ? (unsigned)data_link_mcs(link) : mcs, .known = true};
    if (link && data_link_fill(link, when, payload, data_slot_bytes(slot, h.mcs)) == OK)
        h.known = false;
    else
        data_slot_known(slot, h.mcs, payload);
    return h;
}

void link_traffic_take(struct data_link *link, const struct data_link_slot *when, int rc,
                       const struct data_slot_result *result, uint8_t *payload, size_t n_byte)
{
    const bool read = rc == OK || rc == ERR_CRC;
    const struct data_link_heard heard = {
        .snr_db = read ? (double)result->snr_db : NAN,
        .evm_db = read ? (double)result->evm_db : NAN,
        .ber =
            read && result->raw_bits ? (double)result->raw_errors / (double)result->raw_bits : NAN,
    };
    if (!link)
        return;
    if (rc == OK && !result->header.known)
        (void)!data_link_take(link, when, payload, n_byte, &heard); /* counted there */
    else
        data_link_lost(link, when, &heard);
}

void link_traffic_forget(struct data_link_state *s)
{
    s->snr_db = s->peer_snr_db = s->peer_evm_db = s->peer_ber = s->margin_db = NAN;
    s->mcs = -1;
}

void link_mcs_add(struct report_text *t, int mcs)
{
    if (mcs >= 0)
        report_add(t, ",\"mcs\":%d", mcs);
    else
        report_add(t, ",\"mcs\":null");
}

int link_traffic_format(const struct data_link_state *s, char *out, size_t size)
{
    const struct data_link_counters *c = &s->count;
    struct report_text t = {.out = out, .size = size};
    report_add(&t, ",\"traffic\":{\"up\":%s", report_boolean(s->up));
    link_mcs_add(&t, s->mcs);
    report_add_fixed(&t, "", "snr_db", 1, s->snr_db);
    report_add_fixed(&t, "", "peer_snr_db", 1, s->peer_snr_db);
    report_add_fixed(&t, "", "margin_db", 2, s->margin_db);
    report_add(
        &t,
        ",\"queued\":%zu,\"queue\":%zu,\"slots_sent\":%" PRIu64 ",\"slots_acked\":%" PRIu64
        ",\"slots_unacked\":%" PRIu64 ",\"slots_received\":%" PRIu64 ",\"slots_lost\":%" PRIu64
        ",\"slots_skipped\":%" PRIu64 ",\"slots_refused\":%" PRIu64 ",\"slots_malformed\":%" PRIu64
        ",\"packets_in\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"packets_out\":%" PRIu64
        ",\"bytes_out\":%" PRIu64 ",\"packets_acked\":%" PRIu64 ",\"bytes_acked\":%" PRIu64
        ",\"bytes_sent\":%" PRIu64 ",\"bytes_again\":%" PRIu64 ",\"slot_bytes\":%" PRIu64
        ",\"dropped_queue\":%" PRIu64 ",\"dropped_size\":%" PRIu64 ",\"dropped_old\":%" PRIu64
        ",\"dropped_restart\":%" PRIu64 ",\"dropped_consent\":%" PRIu64 ",\"dropped_port\":%" PRIu64
        ",\"missed\":%" PRIu64 ",\"peer_restarts\":%" PRIu64 "}",
        s->queued, s->queue, c->slots_sent, c->slots_acked, c->slots_unacked, c->slots_received,
        c->slots_lost, c->slots_skipped, c->slots_refused, c->slots_malformed, c->packets_in,
        c->bytes_in, c->packets_out, c->bytes_out, c->packets_acked, c->bytes_acked, c->bytes_sent,
        c->bytes_again, c->slot_bytes, c->dropped_queue, c->dropped_size, c->dropped_old,
        c->dropped_restart, c->dropped_consent, c->dropped_port, c->missed, c->peer_restarts);
    return report_length(&t);
}
