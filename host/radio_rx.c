/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receiving: timed requests, and blocks sorted by timestamp. UHD flags an overflow only after the
 * good samples have drained and never says how much is missing, so gaps come from timestamps alone.
 */
#include "host/radio_priv.h"
#include <stdio.h>
#include <string.h>

static const struct radio_side side = {
    .name = "RX",
    .gain_key = "rx_gain_db",
    .failure = "cannot set up the receiver",
    .set_rate = uhd_usrp_set_rx_rate,
    .set_freq = uhd_usrp_set_rx_freq,
    .set_gain = uhd_usrp_set_rx_gain,
    .set_antenna = uhd_usrp_set_rx_antenna,
    .get_rate = uhd_usrp_get_rx_rate,
    .get_gain = uhd_usrp_get_rx_gain,
};

int radio_rx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    size_t channels[RADIO_CHANNELS_MAX];
    for (size_t i = 0; i < cfg->n_rx; i++) {
        channels[i] = cfg->rx_channels[i];
        const struct radio_channel channel = {channels[i], cfg->rate_hz, cfg->carrier_hz,
                                              cfg->rx_gain_db, cfg->rx_antenna};
        int rc = radio_channel_setup(radio, &side, &channel, err);
        if (rc)
            return rc;
    }
    uhd_stream_args_t args = {
        .cpu_format = "sc16",
        .otw_format = "sc16",
        .args = "",
        .channel_list = channels,
        .n_channels = (int)cfg->n_rx,
    };
    if (uhd_rx_metadata_make(&radio->rx_md) || uhd_rx_streamer_make(&radio->rx) ||
        uhd_usrp_get_rx_stream(radio->usrp, &args, radio->rx))
        return radio_uhd_error(radio, err, "cannot make the receive stream");
    return OK;
}

void radio_rx_close(struct radio *radio)
{
    if (radio->rx)
        uhd_rx_streamer_free(&radio->rx);
    if (radio->rx_md)
        uhd_rx_metadata_free(&radio->rx_md);
}

int radio_rx_request(struct radio *radio, int64_t tick, size_t n)
{
    uhd_stream_cmd_t cmd = {
        .stream_mode = UHD_STREAM_MODE_NUM_SAMPS_AND_DONE,
        .num_samps = n,
        .stream_now = false,
    };
    time_of_tick(radio, tick, &cmd.time_spec_full_secs, &cmd.time_spec_frac_secs);
    return uhd_rx_streamer_issue_stream_cmd(radio->rx, &cmd) ? ERR_RADIO : OK;
}

/* One packet's worth of trouble. Returns 0 to go on reading, or why the block ends here. */
static int note_error(struct radio *radio)
{
    uhd_rx_metadata_error_code_t code = UHD_RX_METADATA_ERROR_CODE_NONE;
    bool sequence = false;
    uhd_rx_metadata_error_code(radio->rx_md, &code);
    switch (code) {
    case UHD_RX_METADATA_ERROR_CODE_NONE:
        return OK;
    case UHD_RX_METADATA_ERROR_CODE_OVERFLOW:
        uhd_rx_metadata_out_of_sequence(radio->rx_md, &sequence);
        radio_count_add(radio, sequence ? COUNT_RX_SEQUENCE : COUNT_RX_OVERFLOW, 1);
        return OK;
    case UHD_RX_METADATA_ERROR_CODE_TIMEOUT:
        radio_count_add(radio, COUNT_RX_TIMEOUT, 1);
        return ERR_TIMEOUT;
    case UHD_RX_METADATA_ERROR_CODE_LATE_COMMAND:
        radio_count_add(radio, COUNT_RX_LATE, 1);
        return ERR_STATE;
    default:
        radio_count_add(radio, COUNT_RX_BAD, 1);
        return OK;
    }
}

/* Where the samples just read begin relative to the block; `expected` where there is no timestamp.
 */
static int64_t position(struct radio *radio, int64_t tick, int64_t expected)
{
    bool has_time = false;
    int64_t full = 0;
    double frac = 0;
    uhd_rx_metadata_has_time_spec(radio->rx_md, &has_time);
    if (!has_time)
        return expected;
    uhd_rx_metadata_time_spec(radio->rx_md, &full, &frac);
    return tick_of_time(radio, full, frac) - tick;
}

/* The m samples at buf[at] belong at `to`. Returns how many of them lie inside the n of the block.
 */
static size_t settle(struct radio *radio, struct sc16 *const *buf, size_t n, size_t at, int64_t to,
                     size_t m)
{
    size_t skip = to < (int64_t)at ? (size_t)((int64_t)at - to) : 0;
    if (skip >= m || to >= (int64_t)n)
        return 0;
    size_t dest = skip ? at : (size_t)to;
    size_t keep = m - skip < n - dest ? m - skip : n - dest;
    if (dest == at && skip == 0)
        return keep;
    for (size_t c = 0; c < radio->n_rx; c++) {
        memmove(buf[c] + dest, buf[c] + at + skip, keep * sizeof **buf);
        memset(buf[c] + at, 0, (dest - at) * sizeof **buf);
    }
    return keep;
}

struct reading {
    int64_t tick;
    size_t n;
    struct sc16 *const *buf;
    size_t done;  /* the block is settled up to here */
    size_t valid; /* of these, really received */
};

/* Places what one recv returned. */
static void place(struct radio *radio, struct reading *r, size_t m)
{
    int64_t to = position(radio, r->tick, (int64_t)r->done);
    size_t keep = settle(radio, r->buf, r->n, r->done, to, m);
    if (to > (int64_t)r->done) {
        size_t end = to < (int64_t)r->n ? (size_t)to : r->n;
        radio_count_add(radio, COUNT_RX_GAP, 1);
        radio_count_add(radio, COUNT_RX_GAP_SAMPS, end - r->done);
        if (keep == 0) /* nothing moved here, so nothing was zeroed either */
            for (size_t c = 0; c < radio->n_rx; c++)
                memset(r->buf[c] + r->done, 0, (end - r->done) * sizeof **r->buf);
        r->done = end;
    }
    r->done += keep;
    r->valid += keep;
}

static int read_once(struct radio *radio, struct reading *r, double wait_s)
{
    void *at[RADIO_CHANNELS_MAX];
    int64_t now = 0;
    size_t got = 0;
    for (size_t c = 0; c < radio->n_rx; c++)
        at[c] = r->buf[c] + r->done;
    if (radio_now(radio, &now))
        return ERR_RADIO;
    double left = (double)(r->tick + (int64_t)r->n - now) / (double)radio->rate;
    if (uhd_rx_streamer_recv(radio->rx, at, r->n - r->done, &radio->rx_md,
                             wait_s + (left > 0 ? left : 0), false, &got))
        return ERR_RADIO;
    if (got > 0)
        place(radio, r, got);
    return note_error(radio);
}

static uint32_t touched(const struct reading *r)
{
    if (r->done < r->n || r->valid == 0)
        return FAULT_RX_LOST;
    return r->valid < r->n ? FAULT_RX_GAP : 0;
}

int radio_rx_read(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block)
{
    struct reading r = {.tick = tick, .n = n, .buf = buf};
    int rc = OK;
    while (r.done < n && rc == OK)
        rc = read_once(radio, &r, wait_s);
    for (size_t c = 0; c < radio->n_rx; c++)
        memset(buf[c] + r.done, 0, (n - r.done) * sizeof **buf);
    *block = (struct radio_block){.tick = tick, .n_valid = r.valid, .faults = touched(&r)};
    return r.valid ? OK : rc;
}

int radio_capture(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block)
{
    *block = (struct radio_block){.tick = tick, .faults = FAULT_RX_LOST};
    if (radio_rx_request(radio, tick, n))
        return ERR_RADIO;
    return radio_rx_read(radio, tick, n, buf, wait_s, block);
}

void radio_rx_flush(struct radio *radio)
{
    void *at[RADIO_CHANNELS_MAX];
    for (size_t c = 0; c < RADIO_CHANNELS_MAX; c++)
        at[c] = radio->rx_waste;
    size_t got = 1;
    while (got > 0)
        if (uhd_rx_streamer_recv(radio->rx, at, RX_WASTE_SAMPS, &radio->rx_md, 0.0, false, &got))
            return;
}
