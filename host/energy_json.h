/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Energy and power budget of sensing ([S1] (17), (18); dsp/sensing_budget.h) of a configuration,
 * for whoever shows it. */
#pragma once
#include "host/bs_config.h"
#include <jansson.h>

/* What a cycle sends to sense: coded slots, pilot and 40-bit frame (the sync frame of every eighth
 * cycle is not counted), and what comes back from a user in the middle of ris.region_*: {"tx_dbm",
 * "burst_s", "energy_j", "power_w", "place_m", "rcs_dbsm", "noise_figure_db", "paths": [{"name",
 * "rx_dbm", "e_n0_db", "sigma_m"}]}. Scattering and noise are those of scene lab, which no
 * configuration tells. The caller owns it. NULL: out of memory, or a surface hangs impossibly. */
json_t *energy_json(const struct bs_cfg *cfg);
