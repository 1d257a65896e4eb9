/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibration of the site: what it depends on, and the thread that computes it, which never runs
 * while anything else of the base station wants to. */
#include "base/log.h"
#include "host/bs/daemon.h"
#include "host/radio_identity.h"
#include <math.h>
#include <sched.h>
#include <stdio.h>

static double temperature(void *context)
{
    struct daemon_parts *p = context;
    return radio_temperature_c(p->radio);
}

static void add_channels(struct calib_key *key, const char *name, const int *channel, size_t n)
{
    char text[4 * RADIO_CHANNELS_MAX] = "";
    for (size_t i = 0, at = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i ? "," : "", channel[i]);
    calib_key_add(key, name, "%s", text);
}

static void add_point(struct calib_key *key, const char *name, size_t i, struct vec3 p)
{
    char numbered[CALIB_KEY_NAME];
    snprintf(numbered, sizeof numbered, "%s%zu_m", name, i);
    calib_key_add(key, numbered, "%.17g,%.17g,%.17g", p.x, p.y, p.z);
}

static struct calib_key make_key(const struct bs_cfg *c, const struct radio_identity *id)
{
    const struct link_radio *r = &c->radio;
    const double *tx = c->geometry.tx_m[0];
    struct calib_key key = {0};
    calib_key_add(&key, "serial", "%s", id->serial);
    calib_key_add(&key, "rate_hz", "%.17g", r->rate_hz);
    calib_key_add(&key, "master_clock_hz", "%.17g", id->master_clock_hz);
    calib_key_add(&key, "carrier_hz", "%.17g", r->carrier_hz);
    calib_key_add(&key, "tx_gain_db", "%.17g", r->tx_gain_db);
    calib_key_add(&key, "rx_gain_db", "%.17g", r->rx_gain_db);
    calib_key_add(&key, "tx_antenna", "%s", r->tx_antenna);
    calib_key_add(&key, "rx_antenna", "%s", r->rx_antenna);
    add_channels(&key, "tx_channels", r->tx_channels, r->n_tx);
    add_channels(&key, "rx_channels", r->rx_channels, r->n_rx);
    calib_key_add(&key, "waveform", "n %d, k %d", c->waveform.n, c->waveform.k);
    for (size_t i = 0; i < r->n_tx; i++, tx += 3)
        add_point(&key, "tx", i, vec3_of(tx));
    add_point(&key, "rx", 0, bs_config_antenna(c, 0));
    add_point(&key, "rx", r->n_rx - 1, bs_config_antenna(c, r->n_rx - 1));
    return key;
}

int daemon_site_make(struct daemon_parts *p, struct status *err)
{
    char path[BS_TEXT + 32];
    struct radio_identity id;
    if (radio_identify(p->radio, &id, err))
        return err->code;
    snprintf(path, sizeof path, "%s/calibration.json", p->cfg->run.state_dir);
    const struct calib_key key = make_key(p->cfg, &id);
    const struct site_calib_cfg sc = {.pipeline = p->pipeline,
                                      .path = path,
                                      .bs = p->cfg,
                                      .key = &key,
                                      .temperature = temperature,
                                      .context = p};
    p->site = site_calib_create(&sc, err);
    if (!p->site)
        return err->code;
    site_calib_load(p->site);
    return OK;
}

void *daemon_site(void *daemon)
{
    struct daemon *d = daemon;
    const struct sched_param param = {0};
    /* Not "bs-": it writes files and asks for memory, which the threads of that prefix never do. */
    pthread_setname_np(pthread_self(), "site-calib");
    if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &param))
        log_warn("the thread of site calibrations runs at normal priority: SCHED_IDLE was refused");
    site_calib_run(d->p.site, &d->stop);
    atomic_fetch_sub(&d->threads_left, 1);
    return NULL;
}
