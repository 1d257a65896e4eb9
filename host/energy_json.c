/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/energy_json.h"
#include "dsp/sensing_budget.h"
#include <math.h>

#define RCS_DBSM        (-3.0) /* SIGNAL: scene lab */
#define NOISE_FIGURE_DB 8.0
#define ELEMENT_LOSS_DB 1.5
#define FRAME_SYMBOLS   2 /* pilot and data */

static double linear(double db)
{
    return pow(10, db / 10);
}

static double decibel(double x)
{
    return 10 * log10(fmax(x, 1e-300));
}

static double tx_dbm(const struct bs_cfg *cfg)
{
    return cfg->radio.full_scale_dbm + cfg->radio.tx_gain_db + 20 * log10(cfg->waveform.rms);
}

/* Lengths are measured by the periods of the slots, or by the frame's symbols where it is alone. */
static void fill_times(const struct bs_cfg *cfg, struct sensing_budget_cfg *b)
{
    const struct waveform_cfg w = bs_config_waveform(cfg);
    const size_t slots = waveform_burst_slots(&w);
    const size_t sent = slots * waveform_slot_samps(&w) + FRAME_SYMBOLS * waveform_symbol_samps(&w);
    const size_t used = slots ? slots * w.periods * w.n : FRAME_SYMBOLS * w.n;
    b->burst_s = (double)sent / w.rate_hz;
    b->useful_s = (double)used / w.rate_hz;
    b->period_s = cfg->schedule.air.cycle_period_s;
    b->band_hz = (double)w.k * waveform_spacing_hz(&w);
}

static int fill(const struct bs_cfg *cfg, struct panel panel[BS_RIS], struct sensing_budget_cfg *b)
{
    const double *look = cfg->geometry.boresight;
    *b = (struct sensing_budget_cfg){
        .tx_w = linear(tx_dbm(cfg)) * 1e-3,
        .carrier_hz = cfg->radio.carrier_hz,
        .antenna_gain = linear(cfg->radio.antenna_gain_dbi),
        .boresight = {look[0], look[1], look[2]},
        .rcs_m2 = linear(RCS_DBSM),
        .element_loss = linear(-ELEMENT_LOSS_DB),
        .noise_figure = linear(NOISE_FIGURE_DB),
        .n_rx = cfg->radio.n_rx,
        .anchors = bs_config_anchors(cfg),
    };
    fill_times(cfg, b);
    for (size_t i = 0; i < BS_RIS; i++) {
        if (bs_config_panel(cfg, i, &panel[i]))
            return ERR_GEOMETRY;
        b->panel[i] = &panel[i];
    }
    return OK;
}

static struct vec3 middle(const struct bs_cfg *cfg)
{
    return (struct vec3){(cfg->ris.region_x_m[0] + cfg->ris.region_x_m[1]) / 2,
                         (cfg->ris.region_y_m[0] + cfg->ris.region_y_m[1]) / 2,
                         (cfg->ris.region_z_m[0] + cfg->ris.region_z_m[1]) / 2};
}

static json_t *paths_of(const struct sensing_budget *budget)
{
    static const char *const names[] = {"L1", "L2", "L3"};
    json_t *list = json_array();
    for (size_t i = 0; i < 3; i++) {
        const struct sensing_path *p = &budget->path[i];
        const bool any = p->e_n0 > 0;
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o, s:o}", "name", names[i], "rx_dbm",
                                        any ? json_real(decibel(p->rx_w) + 30) : json_null(),
                                        "e_n0_db", any ? json_real(decibel(p->e_n0)) : json_null(),
                                        "sigma_m", any ? json_real(p->sigma_m) : json_null()));
    }
    return list;
}

json_t *energy_json(const struct bs_cfg *cfg)
{
    struct panel panel[BS_RIS];
    struct sensing_budget_cfg b;
    const struct vec3 at = middle(cfg);
    if (fill(cfg, panel, &b))
        return NULL;
    const struct sensing_budget budget = sensing_budget(&b, at);
    return json_pack("{s:f, s:f, s:f, s:f, s:[f,f,f], s:f, s:f, s:o}", "tx_dbm", tx_dbm(cfg),
                     "burst_s", b.burst_s, "energy_j", budget.energy_j, "power_w", budget.power_w,
                     "place_m", at.x, at.y, at.z, "rcs_dbsm", RCS_DBSM, "noise_figure_db",
                     NOISE_FIGURE_DB, "paths", paths_of(&budget));
}
