/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_report.h"
#include "host/link_traffic.h"
#include "host/report_text.h"
#include <inttypes.h>
#include <math.h>

void link_totals_note(struct link_totals *t, const struct link_rx *rx)
{
    const struct data_slot_result *s = &rx->slot;
    t->expected++;
    t->found += rx->found;
    t->ok += rx->ok;
    t->raw_bits += s->raw_bits;
    t->raw_errors += s->raw_errors;
    if (rx->found && s->header.known) {
        t->known_bits += 8 * rx->bytes;
        t->known_errors += s->bit_errors;
    }
}

static void add_rx(struct report_text *t, const struct link_rx *rx, const char *prefix)
{
    const struct data_slot_result *s = &rx->slot;
    report_add(t, ",\"%sfound\":%s,\"%sok\":%s", prefix, report_boolean(rx->found), prefix,
               report_boolean(rx->ok));
    report_add_fixed(t, prefix, "snr_db", 2, (double)s->snr_db);
    if (!rx->found)
        return;
    report_add(t, ",\"%smcs\":%u,\"%sscheme\":\"%s\",\"%sknown\":%s,\"%sbytes\":%zu", prefix,
               s->header.mcs, prefix, data_mcs(s->header.mcs)->name, prefix,
               report_boolean(s->header.known), prefix, rx->bytes);
    report_add_fixed(t, prefix, "evm_db", 2, (double)s->evm_db);
    report_add_fixed(t, prefix, "cfo_hz", 2, (double)s->cfo_hz);
    report_add_fixed(t, prefix, "phase_rad", 4, (double)s->phase_rad);
    report_add(t, ",\"%sraw_bits\":%zu,\"%sraw_errors\":%zu,\"%sbit_errors\":%zu", prefix,
               s->raw_bits, prefix, s->raw_errors, prefix, s->bit_errors);
}

static void add_totals(struct report_text *t, const struct link_totals *n, const char *prefix)
{
    report_add(t,
               ",\"%stotal\":{\"sent\":%" PRIu64 ",\"send_failed\":%" PRIu64
               ",\"expected\":%" PRIu64 ",\"found\":%" PRIu64 ",\"ok\":%" PRIu64
               ",\"raw_bits\":%" PRIu64 ",\"raw_errors\":%" PRIu64 ",\"known_bits\":%" PRIu64
               ",\"known_errors\":%" PRIu64 ",\"soundings\":%" PRIu64
               ",\"soundings_failed\":%" PRIu64 "}",
               prefix, n->sent, n->send_failed, n->expected, n->found, n->ok, n->raw_bits,
               n->raw_errors, n->known_bits, n->known_errors, n->soundings, n->soundings_failed);
}

void link_beam_add(struct report_text *t, const struct link_beam *b)
{
    report_add_figure(t, "beam_gain_db", (double)b->gain_db);
    report_add_figure(t, "pointing_loss_db", (double)b->loss_db);
    report_add_figure(t, "aim_sigma_m", (double)b->sigma_m);
    report_add_figure(t, "speed_mps", (double)b->speed_mps);
}

static void add_down(struct report_text *t, const struct link_report *r)
{
    static const char *const aims[] = {"none", "fix", "track", "reciprocal"};
    const struct link_beam *b = &r->beam;
    report_add(t, ",\"down_mcs\":%u,\"down_scheme\":\"%s\",\"down_known\":%s,\"down_bytes\":%zu",
               r->down.mcs, data_mcs(r->down.mcs)->name, report_boolean(r->down.known),
               r->down.bytes);
    report_add(t, ",\"aim\":\"%s\"", aims[b->aim]);
    link_beam_add(t, b);
    if (isfinite(b->aim_m.x)) {
        report_add(t, ",\"aim_m\":[%.4f,%.4f,%.4f]", b->aim_m.x, b->aim_m.y, b->aim_m.z);
        report_add_figure(t, "budget_snr_db", (double)b->budget_snr_db);
    }
}

static void add_traffic(struct report_text *t, const struct data_link_state *state)
{
    if (!state || t->n >= t->size)
        return;
    report_added(t, link_traffic_format(state, t->out + t->n, t->size - t->n));
}

int link_report_format(const struct link_report *r, char *out, size_t size)
{
    static const char *const kinds[] = {"none", "data", "sounding"};
    struct report_text t = {.out = out, .size = size};
    report_add(&t,
               "{\"v\":1,\"type\":\"link\",\"cycle\":%" PRIu64 ",\"time_s\":%.9f,\"user\":%d,"
               "\"slot\":\"%s\",\"tx_calibrated\":%s,\"tx_match\":%.4f",
               r->cycle, r->time_s, r->user_id, kinds[r->kind], report_boolean(r->calibrated),
               report_number((double)r->match));
    if (r->kind == LINK_SLOT_DATA) {
        add_down(&t, r);
        add_rx(&t, &r->up, "up_");
        link_figures_add(&t, &r->down_figures, &r->up_figures);
    }
    add_totals(&t, &r->total, "");
    add_traffic(&t, r->carries ? &r->traffic : NULL);
    report_add(&t, "}");
    return report_length(&t);
}

int link_heard_format(const struct link_heard_report *r, char *out, size_t size)
{
    struct report_text t = {.out = out, .size = size};
    add_rx(&t, r->down, "link_");
    add_totals(&t, r->total, "link_");
    link_figures_add(&t, &r->down_figures, &r->up_figures);
    add_traffic(&t, r->traffic);
    return report_length(&t);
}
