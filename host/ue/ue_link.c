/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ue/ue_link.h"
#include "base/log.h"
#include "dsp/fft.h"
#include <math.h>
#include <stdlib.h>

enum { TAIL_SAMPS = 64 }; /* behind a slot: it begins at a fraction of a sample */
static const double wait_s = 0.1;

struct ue_link {
    struct ue_link_cfg cfg;
    struct radio *radio;
    struct data_slot *down, *up;
    struct sc16 *heard, *sent;
    uint8_t *payload;
    struct link_totals total;
};

static int make_parts(struct ue_link *l, struct status *err)
{
    const struct data_slot_cfg down = {.wave = l->cfg.waveform,
                                       .n_symbols = l->cfg.schedule->downlink_symbols,
                                       .n_ant = 1,
                                       .n_tx = 1};
    struct data_slot_cfg up = down;
    up.n_symbols = l->cfg.schedule->uplink_symbols;
    l->down = data_slot_create(&down, err);
    l->up = l->down ? data_slot_create(&up, err) : NULL;
    if (!l->up)
        return err->code;
    if (l->cfg.data &&
        (link_traffic_check(l->down, "downlink", err) || link_traffic_check(l->up, "uplink", err)))
        return err->code;
    const size_t bytes = data_slot_bytes_max(l->down) > data_slot_bytes_max(l->up)
                             ? data_slot_bytes_max(l->down)
                             : data_slot_bytes_max(l->up);
    l->heard = fft_alloc((data_slot_samps(l->down) + TAIL_SAMPS) * sizeof *l->heard);
    l->sent = fft_alloc(data_slot_samps(l->up) * sizeof *l->sent);
    l->payload = fft_alloc(bytes);
    if (l->heard && l->sent && l->payload)
        return OK;
    return status_set(err, ERR_NO_MEMORY, "data link: out of memory");
}

struct ue_link *ue_link_create(const struct ue_link_cfg *cfg, struct radio *radio,
                               struct status *err)
{
    struct ue_link *l = calloc(1, sizeof *l);
    if (!l) {
        (void)status_set(err, ERR_NO_MEMORY, "data link: out of memory");
        return NULL;
    }
    l->cfg = *cfg;
    l->radio = radio;
    if (make_parts(l, err))
        ue_link_destroy(&l);
    return l;
}

void ue_link_destroy(struct ue_link **link)
{
    struct ue_link *l = *link;
    if (!l)
        return;
    data_slot_destroy(&l->down);
    data_slot_destroy(&l->up);
    fft_free(l->heard);
    fft_free(l->sent);
    fft_free(l->payload);
    free(l);
    *link = NULL;
}

/* The base station's ticks count by its clock: fewer or more of ours. */
static int record(struct ue_link *l, const struct heard_burst *burst)
{
    const double exact =
        burst->start_samps + (double)l->cfg.schedule->downlink / (1.0 + burst->skew);
    const size_t n = data_slot_samps(l->down) + TAIL_SAMPS;
    struct sc16 *const channel[] = {l->heard};
    struct radio_block block;
    const int rc =
        radio_capture(l->radio, burst->tick + llround(exact), n, channel, wait_s, &block);
    return rc == OK && block.faults ? ERR_RADIO : rc;
}

static void decode(struct ue_link *l, const struct heard_burst *burst,
                   const struct data_link_slot *now, struct link_rx *rx)
{
    const struct sc16 *const heard[] = {l->heard};
    const struct slot_window win = {.n_slots = 1, .cfo_hz = burst->cfo_hz, .skew = burst->skew};
    const int rc = data_slot_decode(l->down, heard, &win, l->payload, &rx->slot);
    rx->found = rc == OK || rc == ERR_CRC;
    rx->ok = rc == OK;
    rx->bytes = rx->found ? data_slot_bytes(l->down, rx->slot.header.mcs) : 0;
    link_traffic_take(l->cfg.data, now, rc, &rx->slot, l->payload, rx->bytes);
}

static int speak(struct ue_link *l, const struct heard_burst *burst,
                 const struct data_link_slot *now, int64_t answered)
{
    const struct schedule *s = l->cfg.schedule;
    const int64_t tick =
        answered + llround((double)(s->uplink - s->response) / (1.0 + burst->skew));
    struct sc16 *const channel[] = {l->sent};
    const struct sc16 *const sent[] = {l->sent};
    int64_t clock;
    const struct data_slot_header header =
        link_traffic_fill(l->cfg.data, l->up, now, l->cfg.mcs, l->payload);
    (void)data_slot_encode(l->up, &header, l->payload, NULL, channel);
    if (radio_now(l->radio, &clock))
        return ERR_RADIO;
    if ((double)(tick - clock) < l->cfg.lead_s * l->cfg.waveform.rate_hz)
        return ERR_TIMEOUT;
    return radio_tx_burst(l->radio, tick, sent, data_slot_samps(l->up));
}

/* Decoding a slot takes up to 30 ms, longer than there is between the slots: the uplink goes out
 * first, and acknowledges what came in earlier cycles. */
int ue_link_run(struct ue_link *l, const struct heard_burst *burst, uint64_t cycle,
                int64_t answered, struct link_rx *down)
{
    const struct data_link_slot now = {.cycle = cycle,
                                       .time_s = (double)burst->tick / l->cfg.waveform.rate_hz};
    const int rc = record(l, burst);
    const int spoken = speak(l, burst, &now, answered);
    *down = (struct link_rx){0};
    if (rc == OK)
        decode(l, burst, &now, down);
    else
        link_traffic_take(l->cfg.data, &now, ERR_RADIO, &down->slot, l->payload, 0);
    link_totals_note(&l->total, down);
    l->total.sent += spoken == OK;
    l->total.send_failed += spoken != OK;
    if (spoken == ERR_TIMEOUT)
        log_debug("too late for the uplink slot");
    return rc;
}

void ue_link_heed(struct data_link *data, struct permission *permission, unsigned *withdrawals)
{
    struct permission_state will;
    if (!data)
        return;
    permission_read(permission, &will);
    if (will.answer != PERMISSION_YES || will.withdrawals != *withdrawals)
        data_link_close(data);
    if (will.answer == PERMISSION_YES)
        data_link_open(data);
    *withdrawals = will.withdrawals;
}

const struct link_totals *ue_link_totals(const struct ue_link *l)
{
    return &l->total;
}
