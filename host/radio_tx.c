/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Transmitting: each burst is one timed, closed send. After a late or an underflow the device drops
 * samples until the next start of burst (underflow_policy=next_burst), so the burst of the next
 * cycle is the fresh start and nothing has to be restarted. */
#include "host/radio_priv.h"
#include <math.h>
#include <stdio.h>

#define SEND_WAIT_S 0.5

static const struct radio_side side = {
    .name = "TX",
    .gain_key = "tx_gain_db",
    .failure = "cannot set up the transmitter",
    .set_rate = uhd_usrp_set_tx_rate,
    .set_freq = uhd_usrp_set_tx_freq,
    .set_gain = uhd_usrp_set_tx_gain,
    .set_antenna = uhd_usrp_set_tx_antenna,
    .get_rate = uhd_usrp_get_tx_rate,
    .get_gain = uhd_usrp_get_tx_gain,
};

int radio_tx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    size_t channels[RADIO_CHANNELS_MAX];
    for (size_t i = 0; i < cfg->n_tx; i++) {
        channels[i] = cfg->tx_channels[i];
        const struct radio_channel channel = {channels[i], cfg->rate_hz, cfg->carrier_hz,
                                              cfg->tx_gain_db, cfg->tx_antenna};
        int rc = radio_channel_setup(radio, &side, &channel, err);
        if (rc)
            return rc;
    }
    uhd_stream_args_t args = {
        .cpu_format = "sc16",
        .otw_format = "sc16",
        .args = "underflow_policy=next_burst",
        .channel_list = channels,
        .n_channels = (int)cfg->n_tx,
    };
    if (uhd_async_metadata_make(&radio->async_md) || uhd_tx_streamer_make(&radio->tx) ||
        uhd_usrp_get_tx_stream(radio->usrp, &args, radio->tx))
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

int radio_tx_burst(struct radio *radio, int64_t tick, const struct sc16 *const *buf, size_t n)
{
    const void *at[RADIO_CHANNELS_MAX];
    size_t sent = 0;
    if (!radio->may_transmit)
        return ERR_STATE;
    if (radio_tx_prepare(radio, tick))
        return ERR_RADIO;
    for (size_t c = 0; c < radio->n_tx; c++)
        at[c] = buf[c];
    struct tx_slot *slot = slot_find(radio, tick);
    uhd_error e = uhd_tx_streamer_send(radio->tx, at, n, &slot->md, SEND_WAIT_S, &sent);
    slot->tick = -1; /* used; its handle is freed when the ring comes round */
    if (e)
        return ERR_RADIO;
    radio_count_add(radio, COUNT_TX_BURST, 1);
    return sent == n ? OK : ERR_TIMEOUT;
}

static enum radio_count classify(uhd_async_metadata_event_code_t code)
{
    switch (code) {
    case UHD_ASYNC_METADATA_EVENT_CODE_BURST_ACK:
        return COUNT_TX_ACK;
    case UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW:
    case UHD_ASYNC_METADATA_EVENT_CODE_UNDERFLOW_IN_PACKET:
        return COUNT_TX_UNDERFLOW;
    case UHD_ASYNC_METADATA_EVENT_CODE_TIME_ERROR:
        return COUNT_TX_LATE;
    case UHD_ASYNC_METADATA_EVENT_CODE_SEQ_ERROR:
    case UHD_ASYNC_METADATA_EVENT_CODE_SEQ_ERROR_IN_BURST:
        return COUNT_TX_SEQUENCE;
    default:
        return N_COUNTS;
    }
}

unsigned radio_tx_poll(struct radio *radio, double wait_s)
{
    unsigned bad = 0;
    for (;;) {
        bool valid = false;
        uhd_async_metadata_event_code_t code = 0;
        if (uhd_tx_streamer_recv_async_msg(radio->tx, &radio->async_md, wait_s, &valid) || !valid)
            return bad;
        uhd_async_metadata_event_code(radio->async_md, &code);
        enum radio_count which = classify(code);
        if (which == N_COUNTS)
            continue;
        radio_count_add(radio, which, 1);
        bad += which == COUNT_TX_LATE || which == COUNT_TX_UNDERFLOW;
        if (which == COUNT_TX_ACK && wait_s > 0)
            return bad;
    }
}
