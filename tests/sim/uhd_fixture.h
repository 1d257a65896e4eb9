/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A simulated USRP's private loopback through UHD's C API: 10 MS/s, two channels each way. */
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <uhd.h>

#include <cmocka.h>

#define RATE    10e6
#define LATENCY 164

struct radio {
    uhd_usrp_handle usrp;
    uhd_rx_streamer_handle rx;
    uhd_tx_streamer_handle tx;
    uhd_rx_metadata_handle md;
    uhd_async_metadata_handle async;
    size_t n_rx;
};

static inline struct radio open_radio(const char *format, size_t n_rx, const char *stream_args,
                                      const char *extra)
{
    struct radio r = {.n_rx = n_rx};
    static int serial; /* UHD hands out one device per address */
    char args[200];
    snprintf(args, sizeof args, "type=room,channels=2,rate=10e6,serial=T%d%s", serial++, extra);
    size_t channels[2] = {0, 1};
    uhd_stream_args_t sa = {.cpu_format = (char *)format,
                            .otw_format = "sc16",
                            .args = (char *)stream_args,
                            .channel_list = channels,
                            .n_channels = (int)n_rx};
    assert_int_equal(uhd_usrp_make(&r.usrp, args), UHD_ERROR_NONE);
    assert_int_equal(uhd_rx_streamer_make(&r.rx), UHD_ERROR_NONE);
    assert_int_equal(uhd_usrp_get_rx_stream(r.usrp, &sa, r.rx), UHD_ERROR_NONE);
    sa.n_channels = 1;
    assert_int_equal(uhd_tx_streamer_make(&r.tx), UHD_ERROR_NONE);
    assert_int_equal(uhd_usrp_get_tx_stream(r.usrp, &sa, r.tx), UHD_ERROR_NONE);
    assert_int_equal(uhd_rx_metadata_make(&r.md), UHD_ERROR_NONE);
    assert_int_equal(uhd_async_metadata_make(&r.async), UHD_ERROR_NONE);
    float sample[2][2];
    void *bufs[2] = {sample[0], sample[1]};
    size_t got; /* from the first recv on, the loopback's time waits for this thread */
    uhd_rx_streamer_recv(r.rx, bufs, 1, &r.md, 0.0, false, &got);
    return r;
}

static inline void close_radio(struct radio *r)
{
    uhd_rx_streamer_free(&r->rx);
    uhd_tx_streamer_free(&r->tx);
    uhd_rx_metadata_free(&r->md);
    uhd_async_metadata_free(&r->async);
    uhd_usrp_free(&r->usrp);
}

static inline int64_t now_ticks(const struct radio *r)
{
    int64_t full;
    double frac;
    uhd_usrp_get_time_now(r->usrp, 0, &full, &frac);
    return full * (int64_t)RATE + llround(frac * RATE);
}

static inline uhd_error command(const struct radio *r, uhd_stream_mode_t mode, int64_t at, size_t n)
{
    uhd_stream_cmd_t cmd = {.stream_mode = mode,
                            .num_samps = n,
                            .stream_now = at < 0,
                            .time_spec_full_secs = at / (int64_t)RATE,
                            .time_spec_frac_secs = (double)(at % (int64_t)RATE) / RATE};
    return uhd_rx_streamer_issue_stream_cmd(r->rx, &cmd);
}

static inline uhd_rx_metadata_error_code_t error_of(const struct radio *r)
{
    uhd_rx_metadata_error_code_t code;
    uhd_rx_metadata_error_code(r->md, &code);
    return code;
}

static inline int64_t ticks_of(const struct radio *r)
{
    int64_t full;
    double frac;
    uhd_rx_metadata_time_spec(r->md, &full, &frac);
    return full * (int64_t)RATE + llround(frac * RATE);
}

static inline size_t send(const struct radio *r, const void *buf, size_t n, int64_t at, bool end)
{
    uhd_tx_metadata_handle md;
    size_t sent = 0;
    const void *bufs[1] = {buf};
    assert_int_equal(uhd_tx_metadata_make(&md, at >= 0, at / (int64_t)RATE,
                                          (double)(at % (int64_t)RATE) / RATE, true, end),
                     UHD_ERROR_NONE);
    assert_int_equal(uhd_tx_streamer_send(r->tx, bufs, n, &md, 1.0, &sent), UHD_ERROR_NONE);
    uhd_tx_metadata_free(&md);
    return sent;
}

/* The event that arrives within timeout, 0: none. */
static inline int async_event(struct radio *r, double timeout, int64_t *ticks)
{
    bool valid = false;
    uhd_async_metadata_event_code_t code;
    uhd_tx_streamer_recv_async_msg(r->tx, &r->async, timeout, &valid);
    if (!valid)
        return 0;
    int64_t full;
    double frac;
    uhd_async_metadata_time_spec(r->async, &full, &frac);
    if (ticks)
        *ticks = full * (int64_t)RATE + llround(frac * RATE);
    uhd_async_metadata_event_code(r->async, &code);
    return (int)code;
}

static float rx0[2 * 40000], rx1[2 * 40000]; /* what recv_some got */

static inline size_t recv_some(const struct radio *r, size_t n, double timeout)
{
    void *bufs[2] = {rx0, rx1};
    size_t got = 0;
    assert_int_equal(uhd_rx_streamer_recv(r->rx, bufs, n, (uhd_rx_metadata_handle *)&r->md, timeout,
                                          false, &got),
                     UHD_ERROR_NONE);
    return got;
}
