/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Transmitting: each burst is one timed, closed send, and flies until it is settled: acknowledged,
 * or 10 ms past its end. After a late or an underflow the device drops samples until the next start
 * of burst (underflow_policy=next_burst); settling ends the broken burst and waits for what the
 * device says about that, so the burst of the next cycle is the fresh start and nothing has to be
 * restarted. However many messages a burst draws, it is settled once. */
#include "host/radio_tune.h"
#include <math.h>
#include <stdio.h>

#define SEND_WAIT_S   0.5
#define SETTLE_WAIT_S 0.010 /* past the burst's end */

int radio_tx_stream(struct radio *radio)
{
    uhd_stream_args_t args = {
        .cpu_format = "sc16",
        .otw_format = "sc16",
        .args = "underflow_policy=next_burst",
        .channel_list = radio->cfg.tx_channels,
        .n_channels = (int)radio->n_tx,
    };
    if (radio->tx)
        uhd_tx_streamer_free(&radio->tx);
    radio->tx = NULL;
    radio->txs = (struct tx_state){0};
    return uhd_tx_streamer_make(&radio->tx) || uhd_usrp_get_tx_stream(radio->usrp, &args, radio->tx)
               ? ERR_RADIO
               : OK;
}

int radio_tx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    int rc = radio_side_setup(radio, &radio_side_tx, cfg, err);
    if (rc)
        return rc;
    if (uhd_async_metadata_make(&radio->async_md) || radio_tx_stream(radio))
        return radio_uhd_error(radio, err, "cannot make the transmit stream");
    radio->may_transmit = true;
    return OK;
}

static void slot_clear(struct tx_slot *slot)
{
    if (slot->md)
        uhd_tx_metadata_free(&slot->md);
    slot->md = NULL;
    slot->tick = -1;
}

void radio_tx_close(struct radio *radio)
{
    for (size_t i = 0; i < TX_POOL; i++)
        slot_clear(&radio->pool[i]);
    if (radio->tx)
        uhd_tx_streamer_free(&radio->tx);
    if (radio->async_md)
        uhd_async_metadata_free(&radio->async_md);
    radio->tx = NULL;
    radio->async_md = NULL;
    radio->txs = (struct tx_state){0};
}

static struct tx_slot *slot_find(struct radio *radio, int64_t tick)
{
    for (size_t i = 0; i < TX_POOL; i++)
        if (radio->pool[i].md && radio->pool[i].tick == tick)
            return &radio->pool[i];
    return NULL;
}

int radio_tx_prepare(struct radio *radio, int64_t tick)
{
    if (slot_find(radio, tick))
        return OK;
    struct tx_slot *slot = &radio->pool[radio->pool_next++ % TX_POOL];
    slot_clear(slot);
    int64_t full;
    double frac;
    time_of_tick(radio, tick, &full, &frac);
    if (uhd_tx_metadata_make(&slot->md, true, full, frac, true, true))
        return ERR_RADIO;
    slot->tick = tick;
    return OK;
}

/* An acknowledgement that is older than the burst in the air belongs to one given up before. */
static bool of_this_burst(struct radio *radio)
{
    bool has_time = false;
    int64_t full = 0;
    double frac = 0;
    uhd_async_metadata_has_time_spec(radio->async_md, &has_time);
    if (!has_time)
        return true;
    uhd_async_metadata_time_spec(radio->async_md, &full, &frac);
    return tick_of_time(radio, full, frac) >= radio->txs.tick;
}

static void fault(struct radio *radio, enum radio_count which, uint32_t bit)
{
    radio_count_add(radio, which, 1);
    radio->txs.faults |= bit;
}

static void note_message(struct radio *radio)
{
    uhd_async_metadata_event_code_t code = 0;
    uhd_async_metadata_event_code(radio->async_md, &code);
    switch (code) {
    case UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK:
        radio_count_add(radio, COUNT_TX_ACK, 1);
        radio->txs.acked |= of_this_burst(radio);
        return;
    case UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW:
    case UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW_IN_PACKET:
        fault(radio, COUNT_TX_UNDERFLOW, FAULT_TX_UNDERFLOW);
        return;
    case UHD_ASYNC_METADATA_EVENT_CODE_TIME_ERROR:
        fault(radio, COUNT_TX_LATE, FAULT_TX_LATE);
        return;
    case UHD_ASYNC_METADATA_EVENT_CODE_SEQ_ERROR:
    case UHD_ASYNC_METADATA_EVENT_CODE_SEQ_ERROR_IN_BURST:
        fault(radio, COUNT_TX_SEQUENCE, FAULT_TX_UNDERFLOW);
        return;
    default:
        return;
    }
}

/* One message. False: none within wait_s. */
static bool hear(struct radio *radio, double wait_s)
{
    bool valid = false;
    if (uhd_tx_streamer_recv_async_msg(radio->tx, &radio->async_md, wait_s, &valid)) {
        (void)radio_lose(radio);
        return false;
    }
    if (valid)
        note_message(radio);
    return valid;
}

static void hear_all(struct radio *radio)
{
    while (!radio_is_down(radio) && hear(radio, 0))
        ;
}

/* Time left until the burst counts as never acknowledged [s]. */
static double patience(struct radio *radio)
{
    int64_t now;
    if (radio_now(radio, &now))
        return 0;
    return (double)(radio->txs.end - now) / (double)radio->rate + SETTLE_WAIT_S;
}

/* The burst is over, whatever became of it. */
static uint32_t close_flight(struct radio *radio)
{
    struct tx_state *t = &radio->txs;
    if (t->flying && !t->acked && t->faults == 0)
        fault(radio, COUNT_TX_UNACKED, FAULT_TX_LOST);
    t->flying = false;
    return t->faults;
}

uint32_t radio_tx_settle(struct radio *radio)
{
    double left;
    pthread_mutex_lock(&radio->tx_lock);
    if (radio->tx && !radio_is_down(radio))
        hear_all(radio);
    while (radio->txs.flying && !radio->txs.acked && !radio_is_down(radio) &&
           (left = patience(radio)) > 0)
        if (!hear(radio, left))
            break;
    uint32_t faults = radio_is_down(radio) ? FAULT_RADIO_DOWN : close_flight(radio);
    pthread_mutex_unlock(&radio->tx_lock);
    return faults;
}

void radio_tx_poll(struct radio *radio)
{
    pthread_mutex_lock(&radio->tx_lock);
    if (radio->tx && !radio_is_down(radio))
        hear_all(radio);
    pthread_mutex_unlock(&radio->tx_lock);
}

/* Ends a burst of which only a part was taken. */
static void end_burst(struct radio *radio)
{
    const void *nothing[RADIO_CHANNELS_MAX] = {0};
    uhd_tx_metadata_handle md = NULL;
    size_t sent;
    if (uhd_tx_metadata_make(&md, false, 0, 0, false, true))
        return;
    uhd_tx_streamer_send(radio->tx, nothing, 0, &md, 0.0, &sent);
    uhd_tx_metadata_free(&md);
}

/* Under the lock. */
static int send(struct radio *radio, int64_t tick, const struct sc16 *const *buf, size_t n)
{
    const void *at[RADIO_CHANNELS_MAX];
    size_t sent = 0;
    hear_all(radio);
    (void)close_flight(radio);
    if (radio_tx_prepare(radio, tick))
        return ERR_RADIO;
    for (size_t c = 0; c < radio->n_tx; c++)
        at[c] = buf[c];
    struct tx_slot *slot = slot_find(radio, tick);
    uhd_error e = uhd_tx_streamer_send(radio->tx, at, n, &slot->md, SEND_WAIT_S, &sent);
    slot->tick = -1; /* used; its handle is freed when the ring comes round */
    if (e)
        return radio_lose(radio);
    radio_count_add(radio, COUNT_TX_BURST, 1);
    radio->txs =
        (struct tx_state){.flying = true, .tick = tick, .end = tick + (int64_t)(sent ? n : 0)};
    if (sent == n)
        return OK;
    end_burst(radio);
    return ERR_TIMEOUT;
}

int radio_tx_burst(struct radio *radio, int64_t tick, const struct sc16 *const *buf, size_t n)
{
    if (radio_is_down(radio))
        return ERR_RADIO;
    if (!radio->may_transmit)
        return ERR_STATE;
    pthread_mutex_lock(&radio->tx_lock);
    int rc = send(radio, tick, buf, n);
    pthread_mutex_unlock(&radio->tx_lock);
    return rc;
}
