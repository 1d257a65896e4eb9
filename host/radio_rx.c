/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Receiving: blocks sorted by timestamp, out of timed captures or out of one endless stream. UHD
 * flags an overflow only after the good samples have drained and never says how much is missing, so
 * where a stream stands is learnt from the timestamp of one packet, read apart; from there on
 * samples go straight into the block until an error or a capture's end makes that unsure again.
 *
 * A capture may also fall silent halfway. recv then appends what the next command brings and tells
 * the time of its first sample only. So the last samples of a capture are read apart again: their
 * timestamp says whether everything before was the capture's own, and if not, how much was not. */
#include "host/clock.h"
#include "host/radio_tune.h"
#include <math.h>
#include <string.h>

#define AHEAD_S 12.0 /* nothing is asked for longer ahead: a cycle lasts 10 s at most */
enum { ERRORS_MAX = 64, TAIL_SAMPS = 64 };

struct reading {
    int64_t tick;
    size_t n;
    struct sc16 *const *buf;
    size_t done;  /* the block is settled up to here */
    size_t valid; /* of these, really received */
    uint32_t faults;
    double wait_s;
    unsigned errors;
    bool over; /* nothing more will come for this block */
};

int radio_rx_stream(struct radio *radio)
{
    uhd_stream_args_t args = {
        .cpu_format = "sc16",
        .otw_format = "sc16",
        .args = "",
        .channel_list = radio->cfg.rx_channels,
        .n_channels = (int)radio->n_rx,
    };
    if (radio->rx)
        uhd_rx_streamer_free(&radio->rx);
    radio->rx = NULL;
    radio->rxs.packet_at = radio->rxs.packet_n = 0;
    radio->rxs.lossy = radio->rxs.contiguous = radio->rxs.streaming = false;
    radio->rxs.asked = (struct rx_asked){0};
    return uhd_rx_streamer_make(&radio->rx) || uhd_usrp_get_rx_stream(radio->usrp, &args, radio->rx)
               ? ERR_RADIO
               : OK;
}

int radio_rx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    int rc = radio_side_setup(radio, &radio_side_rx, cfg, err);
    if (rc)
        return rc;
    if (uhd_rx_metadata_make(&radio->rx_md) || radio_rx_stream(radio))
        return radio_uhd_error(radio, err, "cannot make the receive stream");
    return OK;
}

void radio_rx_close(struct radio *radio)
{
    if (radio->rx)
        uhd_rx_streamer_free(&radio->rx);
    if (radio->rx_md)
        uhd_rx_metadata_free(&radio->rx_md);
    radio->rx = NULL;
    radio->rx_md = NULL;
}

static int command(struct radio *radio, uhd_stream_mode_t mode, int64_t tick, size_t n)
{
    uhd_stream_cmd_t cmd = {.stream_mode = mode, .num_samps = n, .stream_now = false};
    time_of_tick(radio, tick, &cmd.time_spec_full_secs, &cmd.time_spec_frac_secs);
    return uhd_rx_streamer_issue_stream_cmd(radio->rx, &cmd) ? radio_lose(radio) : OK;
}

int radio_rx_request(struct radio *radio, int64_t tick, size_t n)
{
    if (radio_is_down(radio))
        return ERR_RADIO;
    if (radio->cfg.capture == RADIO_GATED) {
        rx_asked_add(&radio->rxs.asked, tick, n);
        return command(radio, UHD_STREAM_MODE_NUM_SAMPS_AND_DONE, tick, n);
    }
    if (radio->rxs.streaming)
        return OK;
    radio->rxs.streaming = true;
    radio->rxs.contiguous = false;
    return command(radio, UHD_STREAM_MODE_START_CONTINUOUS, tick, 0);
}

/* Samples are missing from here on until the next packet says where it stands. */
static void note_loss(struct radio *radio, int64_t here)
{
    struct rx_state *s = &radio->rxs;
    if (!s->lossy)
        s->loss_from = s->contiguous ? s->next : here;
    s->lossy = true;
    s->contiguous = false;
}

/* The stream is silent though it should flow: stopped here, started anew by the next request. What
 * would have come until then is lost. */
static void stop_stream(struct radio *radio)
{
    struct rx_state *s = &radio->rxs;
    if (radio->cfg.capture == RADIO_GATED || !s->streaming)
        return;
    if (s->contiguous)
        note_loss(radio, s->next);
    const bool lossy = s->lossy;
    s->streaming = false;
    radio_count_add(radio, COUNT_RX_RESTART, 1);
    if (command(radio, UHD_STREAM_MODE_STOP_CONTINUOUS, 0, 0) == OK)
        radio_rx_flush(radio);
    s->lossy = lossy;
}

/* Tick of the first sample of the last recv; `expected` where there is no timestamp. */
static int64_t stamp(struct radio *radio, int64_t expected)
{
    bool has_time = false;
    int64_t full = 0;
    double frac = 0;
    uhd_rx_metadata_has_time_spec(radio->rx_md, &has_time);
    if (!has_time)
        return expected;
    uhd_rx_metadata_time_spec(radio->rx_md, &full, &frac);
    return tick_of_time(radio, full, frac);
}

/* An overflow of another command than the one at `here`: of one whose block has been given up, or
 * of the next, if we were held up for longer than the device can hold both. Its rest is lost. */
static bool note_other_loss(struct radio *radio, int64_t here)
{
    const int64_t tick = stamp(radio, here);
    struct rx_command *a = rx_asked_of(&radio->rxs.asked, tick, INT64_MIN);
    if (!a || (a->tick <= here && a->tick + (int64_t)a->n > here))
        return false;
    radio_count_add(radio, COUNT_RX_GAP, 1);
    radio_count_add(radio, COUNT_RX_GAP_SAMPS, (uint64_t)(a->tick + (int64_t)a->n - tick));
    a->n = 0;
    return true;
}

/* What the last recv has to say. Returns OK to go on, or why the block ends here. */
static int note_error(struct radio *radio, int64_t here)
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
        if (!note_other_loss(radio, here))
            note_loss(radio, here);
        return OK;
    case UHD_RX_METADATA_ERROR_CODE_TIMEOUT:
        return ERR_TIMEOUT;
    case UHD_RX_METADATA_ERROR_CODE_LATE_COMMAND:
        radio_count_add(radio, COUNT_RX_LATE, 1);
        radio->rxs.streaming = false;
        return ERR_STATE;
    default:
        radio_count_add(radio, COUNT_RX_BAD, 1);
        return OK;
    }
}

/* Ends a loss at `tick`, or with the block whose capture it was in. */
static void count_gap(struct radio *radio, int64_t tick)
{
    struct rx_state *s = &radio->rxs;
    if (s->lossy && tick > s->loss_from) {
        radio_count_add(radio, COUNT_RX_GAP, 1);
        radio_count_add(radio, COUNT_RX_GAP_SAMPS, (uint64_t)(tick - s->loss_from));
    }
    s->lossy = false;
}

/* One packet into the side buffer. */
static int fetch(struct radio *radio, int64_t here, double timeout_s)
{
    struct rx_state *s = &radio->rxs;
    void *at[RADIO_CHANNELS_MAX];
    size_t got = 0;
    for (size_t c = 0; c < radio->n_rx; c++)
        at[c] = s->packet[c];
    if (uhd_rx_streamer_recv(radio->rx, at, RX_PACKET_MAX, &radio->rx_md, timeout_s, true, &got))
        return radio_lose(radio);
    if (got > 0) {
        s->packet_tick = stamp(radio, here);
        s->packet_at = 0;
        s->packet_n = got;
        s->handed = false;
        uhd_rx_metadata_start_of_burst(radio->rx_md, &s->starts);
    }
    return note_error(radio, here);
}

void radio_stream_to(struct radio *radio, struct sample_stream *stream)
{
    radio->stream = stream;
}

/* The packet, whose tick is settled: once. */
static void hand_on_packet(struct radio *radio)
{
    struct rx_state *s = &radio->rxs;
    if (radio->stream && !s->handed)
        sample_stream_put(radio->stream, s->packet_tick, (const struct sc16 *const *)s->packet,
                          s->packet_n);
    s->handed = true;
}

/* The samples that a recv has just put into the block. */
static void hand_on_block(struct radio *radio, const struct reading *r, size_t got)
{
    const struct sc16 *samp[RADIO_CHANNELS_MAX];
    if (!radio->stream)
        return;
    for (size_t c = 0; c < radio->n_rx; c++)
        samp[c] = r->buf[c] + r->done - got;
    sample_stream_put(radio->stream, r->tick + (int64_t)(r->done - got), samp, got);
}

static void zero(struct radio *radio, const struct reading *r, size_t from, size_t to)
{
    for (size_t c = 0; c < radio->n_rx; c++)
        memset(r->buf[c] + from, 0, (to - from) * sizeof **r->buf);
}

/* The capture has fallen silent: the last `strange` samples of the block are another command's. */
static void fell_silent(struct radio *radio, struct reading *r, size_t strange)
{
    struct rx_state *s = &radio->rxs;
    const size_t n = strange < r->done ? strange : r->done;
    r->done -= n;
    r->valid -= n < r->valid ? n : r->valid;
    r->faults |= FAULT_RX_GAP;
    if (!s->lossy)
        s->loss_from = r->tick + (int64_t)r->done;
    s->lossy = true;
    s->contiguous = false;
}

/* Not one sample of the capture has come: silent from the first on, or its command was dropped. */
static void never_came(struct rx_state *s, const struct reading *r)
{
    if (!s->lossy)
        s->loss_from = r->tick;
    s->lossy = true;
}

/* How far the timestamp of an unread packet is from what it should be; 0 where nothing can be
 * expected: after a loss, or of another command's first packet. */
static int64_t offset(const struct radio *radio, const struct reading *r)
{
    const struct rx_state *s = &radio->rxs;
    if (s->lossy || s->packet_at > 0)
        return 0;
    if (s->contiguous)
        return s->packet_tick - s->next;
    if (radio->cfg.capture == RADIO_CONTINUOUS || !(s->starts || radio->cfg.paced))
        return 0;
    return rx_asked_begins(&s->asked, s->packet_tick) ? 0 : s->packet_tick - r->tick;
}

static void heed_time(struct radio *radio, struct reading *r)
{
    struct rx_state *s = &radio->rxs;
    const struct rx_command *other = rx_asked_of(&s->asked, s->packet_tick, r->tick);
    if (other && r->done > 0 && s->packet_at == 0)
        fell_silent(radio, r, s->contiguous ? (size_t)(s->packet_tick - other->tick) : 0);
    else if (other && r->done == 0 && s->packet_tick == other->tick)
        never_came(s, r);
    const int64_t jump = offset(radio, r);
    if (jump == 0 || !radio_watch_absorb(radio, jump))
        return;
    radio->rxs.packet_tick -= jump;
    r->faults |= FAULT_TIME;
}

/* Samples that come later than the block has settled: why? */
static void note_hole(struct radio *radio, struct reading *r, int64_t tick)
{
    struct rx_state *s = &radio->rxs;
    const int64_t end = r->tick + (int64_t)r->n;
    r->faults |= s->lossy ? FAULT_RX_GAP : FAULT_RX_LOST;
    count_gap(radio, radio->cfg.capture == RADIO_GATED && tick > end ? end : tick);
}

/* What the side buffer holds for this block. False: it begins behind the block, and is kept. */
static bool take_packet(struct radio *radio, struct reading *r)
{
    struct rx_state *s = &radio->rxs;
    heed_time(radio, r);
    hand_on_packet(radio);
    int64_t first = s->packet_tick + (int64_t)s->packet_at, here = r->tick + (int64_t)r->done;
    size_t left = s->packet_n - s->packet_at;
    if (first > here)
        note_hole(radio, r, first);
    else if (s->lossy)
        count_gap(radio, first);
    s->contiguous = true;
    s->next = s->packet_tick + (int64_t)s->packet_n;
    if (first >= r->tick + (int64_t)r->n)
        return false;
    if (first < here) { /* of before this block */
        size_t old = here - first < (int64_t)left ? (size_t)(here - first) : left;
        s->packet_at += old;
        left -= old;
        first = here;
    }
    size_t to = (size_t)(first - r->tick), m = left < r->n - to ? left : r->n - to;
    if (m == 0)
        return true;
    zero(radio, r, r->done, to);
    for (size_t c = 0; c < radio->n_rx; c++)
        memcpy(r->buf[c] + to, s->packet[c] + s->packet_at, m * sizeof **r->buf);
    s->packet_at += m;
    r->done = to + m;
    r->valid += m;
    return true;
}

/* All that `next` asked for has come, into the block of a capture that had fallen silent. */
static void swallow(struct reading *r, struct rx_command *next)
{
    next->n = 0;
    r->over = true;
}

/* A recv has put samples behind what is settled of the block. The block's, as far as their
 * timestamp says, unless recv stopped early (`ended`) because a command came to its end: then all
 * that the next one asked for is at the end of them. */
static void sort_out(struct radio *radio, struct reading *r, size_t got, bool ended)
{
    struct rx_state *s = &radio->rxs;
    const int64_t here = r->tick + (int64_t)r->done, tick = stamp(radio, here);
    struct rx_command *next = tick == here ? NULL : rx_asked_of(&s->asked, tick, r->tick);
    if (next) {
        fell_silent(radio, r, 0);
        if (ended)
            swallow(r, next);
        return;
    }
    if (tick != here && !radio_watch_absorb(radio, tick - here)) {
        r->faults |= FAULT_RX_LOST; /* lost without a word: where do these belong? */
        s->contiguous = false;
        return;
    }
    r->faults |= tick != here ? FAULT_TIME : 0;
    r->done += got;
    r->valid += got;
    hand_on_block(radio, r, got);
    s->next = r->tick + (int64_t)r->done;
    next = ended ? rx_asked_behind(&s->asked, r->tick) : NULL;
    if (next && next->n <= got) {
        fell_silent(radio, r, next->n);
        swallow(r, next);
    }
}

/* Straight into the block: the stream stands where the block does. */
static int fill(struct radio *radio, struct reading *r, size_t wanted, double timeout_s)
{
    void *at[RADIO_CHANNELS_MAX];
    size_t got = 0;
    bool end = false;
    for (size_t c = 0; c < radio->n_rx; c++)
        at[c] = r->buf[c] + r->done;
    if (uhd_rx_streamer_recv(radio->rx, at, wanted, &radio->rx_md, timeout_s, false, &got))
        return radio_lose(radio);
    uhd_rx_metadata_end_of_burst(radio->rx_md, &end);
    if (got > 0)
        sort_out(radio, r, got, end && got < wanted);
    return note_error(radio, r->tick + (int64_t)r->done);
}

static int read_once(struct radio *radio, struct reading *r)
{
    const int64_t here = r->tick + (int64_t)r->done;
    struct rx_state *s = &radio->rxs;
    int64_t now = 0;
    if (radio_now(radio, &now))
        return ERR_RADIO;
    double left = (double)(r->tick + (int64_t)r->n - now) / (double)radio->rate;
    double timeout_s =
        r->wait_s + fmin(fmax(left, 0), AHEAD_S + (double)r->n / (double)radio->rate);
    const size_t before = r->done, n = r->n - r->done,
                 tail = radio->cfg.capture == RADIO_GATED ? TAIL_SAMPS : 0;
    int rc = s->contiguous && s->next == here && n > tail ? fill(radio, r, n - tail, timeout_s)
                                                          : fetch(radio, here, timeout_s);
    if (rc == OK && r->done == before && s->packet_at == s->packet_n && ++r->errors > ERRORS_MAX)
        return ERR_STATE;
    if (rc == ERR_TIMEOUT)
        radio_count_add(radio, COUNT_RX_TIMEOUT, 1);
    return rc;
}

/* What time it is when a block is in, in a gated room (radio_watch.c compares): otherwise we may
 * have been held up since. */
static void note_end(struct radio *radio, const struct reading *r)
{
    if (radio->cfg.paced || r->faults & FAULT_TIME || r->valid < r->n)
        return;
    radio->watch.tick = r->tick + (int64_t)r->n;
    radio->watch.mono_ns = clock_ns();
}

/* A capture that came to nothing has lost its rest, if nobody said so before. */
static void close_capture(struct radio *radio, struct reading *r, bool waited)
{
    if (radio->cfg.capture != RADIO_GATED)
        return;
    struct rx_command *mine = rx_asked_of(&radio->rxs.asked, r->tick, r->tick - 1);
    const bool loss = waited && mine && r->done < r->n;
    if (loss && r->done > 0)
        fell_silent(radio, r, 0);
    else if (loss)
        never_came(&radio->rxs, r);
    if (mine && (loss || radio->rxs.lossy)) /* counted here, whatever is told later */
        mine->n = 0;
    count_gap(radio, r->tick + (int64_t)r->n);
}

static uint32_t touched(const struct reading *r)
{
    if (r->done < r->n || r->valid == 0)
        return r->faults | FAULT_RX_LOST;
    return r->faults | (r->valid < r->n && r->faults == 0 ? FAULT_RX_LOST : 0);
}

int radio_rx_read(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block)
{
    struct reading r = {.tick = tick, .n = n, .buf = buf, .wait_s = wait_s};
    struct rx_state *s = &radio->rxs;
    int rc = radio_is_down(radio) ? ERR_RADIO : OK;
    bool mine = true;
    if (radio->cfg.capture == RADIO_GATED) {
        s->contiguous = false;                      /* every capture is a command of its own */
        r.over = rx_asked_used_up(&s->asked, tick); /* behind one that had fallen silent */
    }
    while (rc == OK && r.done < n && mine && !r.over)
        if (s->packet_at < s->packet_n)
            mine = take_packet(radio, &r);
        else
            rc = read_once(radio, &r);
    close_capture(radio, &r, rc == ERR_TIMEOUT);
    zero(radio, &r, r.done, n);
    if (rc == ERR_TIMEOUT)
        stop_stream(radio);
    if (rc == ERR_RADIO)
        r.faults |= FAULT_RADIO_DOWN;
    note_end(radio, &r);
    *block = (struct radio_block){.tick = tick, .n_valid = r.valid, .faults = touched(&r)};
    if (rc == ERR_RADIO || r.valid == 0)
        return rc ? rc : ERR_TIMEOUT;
    return OK;
}

int radio_capture(struct radio *radio, int64_t tick, size_t n, struct sc16 *const *buf,
                  double wait_s, struct radio_block *block)
{
    *block = (struct radio_block){.tick = tick, .faults = FAULT_RX_LOST};
    if (radio_rx_request(radio, tick, n))
        return ERR_RADIO;
    return radio_rx_read(radio, tick, n, buf, wait_s, block);
}

void radio_rx_drain(struct radio *radio, int64_t before)
{
    struct rx_state *s = &radio->rxs;
    while (!radio_is_down(radio) && s->streaming && s->contiguous &&
           s->next + RX_PACKET_MAX < before) {
        s->packet_at = s->packet_n = 0;
        if (fetch(radio, s->next, 0.0) || s->packet_n == 0)
            return; /* nothing there yet is no fault here */
        hand_on_packet(radio);
        count_gap(radio, s->packet_tick);
        s->next = s->packet_tick + (int64_t)s->packet_n;
    }
}

void radio_rx_flush(struct radio *radio)
{
    void *at[RADIO_CHANNELS_MAX];
    struct rx_state *s = &radio->rxs;
    for (size_t c = 0; c < radio->n_rx; c++)
        at[c] = s->packet[c];
    s->packet_at = s->packet_n = 0;
    s->contiguous = s->lossy = false;
    size_t got = 1;
    while (got > 0 && !radio_is_down(radio))
        if (uhd_rx_streamer_recv(radio->rx, at, RX_PACKET_MAX, &radio->rx_md, 0.0, false, &got))
            got = 0;
}
