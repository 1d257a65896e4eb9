/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the radio share. Not for users of radio.h. */
#pragma once
#include "host/radio.h"
#include <pthread.h>
#include <stdatomic.h>
#include <uhd/usrp/usrp.h>

enum { TX_POOL = 8, RX_WASTE_SAMPS = 4096 };

enum radio_count {
    COUNT_RX_OVERFLOW,
    COUNT_RX_SEQUENCE,
    COUNT_RX_LATE,
    COUNT_RX_TIMEOUT,
    COUNT_RX_BAD,
    COUNT_RX_GAP,
    COUNT_RX_GAP_SAMPS,
    COUNT_TX_BURST,
    COUNT_TX_ACK,
    COUNT_TX_LATE,
    COUNT_TX_UNDERFLOW,
    COUNT_TX_SEQUENCE,
    COUNT_PULSE,
    COUNT_UNLOCKED,
    N_COUNTS
};

struct tx_slot {
    int64_t tick; /* -1 when free */
    uhd_tx_metadata_handle md;
};

struct radio {
    uhd_usrp_handle usrp;
    pthread_mutex_t usrp_lock; /* the handle's last_error is written without one */
    int64_t rate;
    size_t n_tx, n_rx;
    bool may_transmit;
    bool has_lock_sensor;

    uhd_rx_streamer_handle rx;
    uhd_rx_metadata_handle rx_md;
    struct sc16
        rx_waste[RX_WASTE_SAMPS]; /* where flushed samples go, all channels over each other */

    uhd_tx_streamer_handle tx;
    uhd_async_metadata_handle async_md;
    struct tx_slot pool[TX_POOL];
    size_t pool_next;

    bool trigger;
    char trigger_bank[16];
    uint32_t trigger_mask;

    _Atomic uint64_t counts[N_COUNTS];
};

static inline void radio_count_add(struct radio *radio, enum radio_count which, uint64_t n)
{
    atomic_fetch_add_explicit(&radio->counts[which], n, memory_order_relaxed);
}

static inline int64_t tick_of_time(const struct radio *radio, int64_t full, double frac)
{
    return full * radio->rate + (int64_t)(frac * (double)radio->rate + 0.5);
}

static inline void time_of_tick(const struct radio *radio, int64_t tick, int64_t *full,
                                double *frac)
{
    *full = tick / radio->rate;
    *frac = (double)(tick - *full * radio->rate) / (double)radio->rate;
}

int radio_rx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_rx_close(struct radio *radio);
int radio_tx_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
void radio_tx_close(struct radio *radio);
int radio_trigger_open(struct radio *radio, const struct radio_cfg *cfg,
                       struct status *err) MUST_CHECK;

/* Fills *err with "what: text of UHD" and returns its code, ERR_RADIO. Takes usrp_lock. */
int radio_uhd_error(struct radio *radio, struct status *err, const char *what);
