/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/tuning.h"
#include "base/log.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tuning {
    pthread_mutex_t lock; /* held for moments only */
    struct radio_order order;
    struct radio_setting want;
};

struct tuning *tuning_create(const struct bs_cfg *cfg, struct status *err)
{
    struct tuning *t = calloc(1, sizeof *t);
    if (!t) {
        status_set(err, ERR_NO_MEMORY, "tuning: out of memory");
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->order.in_force =
        (struct radio_setting){cfg->radio.carrier_hz, cfg->radio.tx_gain_db, cfg->radio.rx_gain_db};
    return t;
}

void tuning_destroy(struct tuning **tuning)
{
    if (!*tuning)
        return;
    pthread_mutex_destroy(&(*tuning)->lock);
    free(*tuning);
    *tuning = NULL;
}

int tuning_ask(struct tuning *t, const struct radio_setting *want, struct status *err)
{
    pthread_mutex_lock(&t->lock);
    int rc = t->order.pending ? status_set(err, ERR_BUSY,
                                           "the last change of gain or frequency still waits for "
                                           "the radio: see 'mirador status'")
                              : OK;
    if (rc == OK) {
        t->want = *want;
        t->order.pending = true;
        t->order.refused[0] = '\0';
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

void tuning_state(struct tuning *t, struct radio_order *out)
{
    pthread_mutex_lock(&t->lock);
    *out = t->order;
    pthread_mutex_unlock(&t->lock);
}

static void note(struct tuning *t, const struct radio_setting *in_force, const struct status *why)
{
    pthread_mutex_lock(&t->lock);
    t->order.in_force = *in_force;
    t->order.pending = false;
    snprintf(t->order.refused, sizeof t->order.refused, "%.150s", why->code ? why->text : "");
    pthread_mutex_unlock(&t->lock);
}

uint32_t tuning_apply(struct tuning *t, struct radio *radio, int64_t tick,
                      struct radio_setting *in_force)
{
    struct status why = {0};
    pthread_mutex_lock(&t->lock);
    const bool pending = t->order.pending;
    const struct radio_setting want = t->want;
    *in_force = t->order.in_force;
    pthread_mutex_unlock(&t->lock);
    if (!pending)
        return 0;
    const struct radio_setting was = *in_force;
    int rc = radio_set(radio, tick, &want, in_force, &why);
    if (rc == ERR_STATE) /* it is down: when it is back */
        return 0;
    note(t, in_force, &why);
    if (rc)
        log_warn("%.6f MHz, TX %.1f dB, RX %.1f dB: %s", want.carrier_hz * 1e-6, want.tx_gain_db,
                 want.rx_gain_db, why.text);
    return rc == OK && memcmp(&was, in_force, sizeof was) == 0 ? 0 : FAULT_RETUNED;
}
