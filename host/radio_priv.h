/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the radio share. Not for users of radio.h. */
#pragma once
#include "host/radio.h"
#include "host/rx_asked.h"
#include "host/sample_stream.h"
#include <pthread.h>
#include <stdatomic.h>
#include <uhd/usrp/usrp.h>

enum { TX_POOL = 8, RX_PACKET_MAX = 4096 };

enum radio_count {
    COUNT_RX_OVERFLOW,
    COUNT_RX_SEQUENCE,
    COUNT_RX_LATE,
    COUNT_RX_TIMEOUT,
    COUNT_RX_BAD,
    COUNT_RX_GAP,
    COUNT_RX_GAP_SAMPS,
    COUNT_RX_RESTART,
    COUNT_TX_BURST,
    COUNT_TX_ACK,
    COUNT_TX_LATE,
    COUNT_TX_UNDERFLOW,
    COUNT_TX_SEQUENCE,
    COUNT_TX_UNACKED,
    COUNT_PULSE,
    COUNT_UNLOCKED,
    COUNT_NO_PPS,
    COUNT_TIME_JUMP,
    COUNT_LOSS,
    COUNT_RESYNC,
    N_COUNTS
};

struct tx_slot {
    int64_t tick; /* -1 when free */
    uhd_tx_metadata_handle md;
};

/* The receive stream between two calls. One packet may have been read ahead, to learn from its
 * timestamp where the stream stands. */
struct rx_state {
    struct sc16 *packet[RADIO_CHANNELS_MAX]; /* [RX_PACKET_MAX] each */
    int64_t packet_tick;
    size_t packet_at, packet_n; /* unread: packet_at .. packet_n - 1 */
    bool lossy;                 /* an error said that samples are missing before the next ones */
    int64_t loss_from;          /* ... from this tick on */
    int64_t next;               /* tick that follows what was read last */
    bool contiguous;            /* the next sample should be `next` */
    bool streaming;             /* continuous: the stream has been started */
    struct rx_asked asked;      /* gated */
    bool starts;                /* the packet is the first of its command */
    bool handed;                /* the packet has gone to the stream */
};

struct tx_state {
    bool flying; /* a burst of which nothing final has been heard */
    int64_t tick, end;
    uint32_t faults; /* heard of it so far */
    bool acked;
};

enum sync_state { SYNC_HELD, SYNC_LOST, SYNC_WAIT_EDGE, SYNC_WAIT_SET };

struct watch_state {
    int64_t tick, mono_ns; /* of the last look at the clock; mono_ns 0: none yet */
    int64_t jump;          /* absorbed since the last look */
    unsigned searches;     /* for a lost device, in vain */
    enum sync_state sync;
    int64_t pps_s;    /* last edge seen, whole seconds of the device */
    int64_t pps_tick; /* when it was first seen */
    int64_t set_s;    /* time that the next edge was given */
};

struct radio {
    struct radio_cfg cfg; /* as last set, for reopening */
    uhd_usrp_handle usrp;
    pthread_mutex_t usrp_lock; /* the handle's last_error is written without one */
    int64_t rate;
    size_t n_tx, n_rx;
    bool may_transmit;
    bool has_lock_sensor;
    _Atomic int64_t epoch; /* tick = count of the device + epoch */
    atomic_bool down;
    _Atomic uint32_t tuning;

    uhd_rx_streamer_handle rx;
    uhd_rx_metadata_handle rx_md;
    struct rx_state rxs;
    struct sample_stream *stream; /* gets all that is received, or NULL */

    pthread_mutex_t tx_lock; /* sending and settling are two threads' */
    uhd_tx_streamer_handle tx;
    uhd_async_metadata_handle async_md;
    struct tx_slot pool[TX_POOL];
    size_t pool_next;
    struct tx_state txs;

    struct watch_state watch;

    bool trigger;
    char trigger_bank[16];
    uint32_t trigger_mask;

    _Atomic uint64_t counts[N_COUNTS];
};

static inline void radio_count_add(struct radio *radio, enum radio_count which, uint64_t n)
{
    atomic_fetch_add_explicit(&radio->counts[which], n, memory_order_relaxed);
}

static inline int64_t radio_epoch(const struct radio *radio)
{
    return atomic_load_explicit(&radio->epoch, memory_order_relaxed);
}

static inline int64_t tick_of_time(const struct radio *radio, int64_t full, double frac)
{
    return full * radio->rate + (int64_t)(frac * (double)radio->rate + 0.5) + radio_epoch(radio);
}

static inline void time_of_tick(const struct radio *radio, int64_t tick, int64_t *full,
                                double *frac)
{
    int64_t count = tick - radio_epoch(radio);
    *full = count / radio->rate - (count % radio->rate < 0);
    *frac = (double)(count - *full * radio->rate) / (double)radio->rate;
}

/* The device does not answer any more. Returns ERR_RADIO. */
int radio_lose(struct radio *radio);

/* Device open, except for what is set per stream. radio.c. */
int radio_rx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_rx_close(struct radio *radio);
int radio_rx_stream(struct radio *radio) MUST_CHECK; /* a new streamer for the open device */
int radio_tx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_tx_close(struct radio *radio);
int radio_tx_stream(struct radio *radio) MUST_CHECK;
int radio_trigger_check(const struct radio_trigger_cfg *cfg, struct status *err) MUST_CHECK;
int radio_trigger_open(struct radio *radio, const struct radio_cfg *cfg,
                       struct status *err) MUST_CHECK;

/* radio_sync.c. Clock and time sources at the start; ERR_STATE says what is missing. */
int radio_sync_open(struct radio *radio, const struct radio_cfg *cfg,
                    struct status *err) MUST_CHECK;
/* The device's seconds begin at the edges of a PPS. */
bool radio_sync_has_pps(const struct radio *radio);
/* Reference and PPS now; 0 or FAULT_UNSYNCHRONISED. */
uint32_t radio_sync_watch(struct radio *radio, int64_t now);

/* radio_watch.c. Samples carry timestamps that are off by `jump`: true if the device's time has
 * jumped, which is then absorbed, so that they (and all ticks) are right again. */
bool radio_watch_absorb(struct radio *radio, int64_t jump);
/* After a reopening: ticks go on. */
void radio_watch_resume(struct radio *radio);

/* Fills *err with "what: text of UHD" and returns its code, ERR_RADIO. Takes usrp_lock. */
int radio_uhd_error(struct radio *radio, struct status *err, const char *what);

/* EIRP within cfg->max_eirp_dbm and tx_enable: OK, ERR_ARG or ERR_STATE. */
int radio_check_power(const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
