/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_radio.h"
#include "base/log.h"
#include <math.h>
#include <string.h>

#define PERIOD_MAX_S 5.0 /* watchdogs wait for 20 s; a terminal's clock drifts meanwhile */

static int take(const json_t *args, const char *key, double *to, struct status *err)
{
    const json_t *value = json_object_get(args, key);
    if (value && !json_is_number(value))
        return status_set(err, ERR_ARG, "\"%s\" must be a number", key);
    if (value)
        *to = json_number_value(value);
    return OK;
}

static int check(const struct bs_cfg *cfg, const struct radio_setting *want, struct status *err)
{
    const struct radio_cfg radio = bs_config_radio(cfg);
    return radio_check_setting(&radio, want, err);
}

int control_gain(const json_t *args, const struct bs_cfg *cfg, struct radio_setting *want,
                 struct status *err)
{
    if (!json_object_get(args, "tx_db") && !json_object_get(args, "rx_db"))
        return status_set(err, ERR_ARG, "which gain? give \"tx_db\", \"rx_db\" or both");
    if (take(args, "tx_db", &want->tx_gain_db, err) || take(args, "rx_db", &want->rx_gain_db, err))
        return err->code;
    return check(cfg, want, err);
}

int control_frequency(const json_t *args, const struct bs_cfg *cfg, struct radio_setting *want,
                      struct status *err)
{
    if (!json_object_get(args, "carrier_hz"))
        return status_set(err, ERR_ARG, "which frequency? give \"carrier_hz\"");
    if (take(args, "carrier_hz", &want->carrier_hz, err))
        return err->code;
    return check(cfg, want, err);
}

static unsigned long common_factor(unsigned long a, unsigned long b)
{
    return b == 0 ? a : common_factor(b, a % b);
}

/* Terminals and trains of pilots go by the number of the cycle: with a common factor, trains would
 * never come, or over one surface alone. */
static int check_trains(const struct pilot_train *t, unsigned every, struct status *err)
{
    if (t->every == 0)
        return OK;
    const unsigned long turn = (unsigned long)t->every * (t->which == PILOTS_ALTERNATE ? 2 : 1);
    return common_factor(every, turn) == 1
               ? OK
               : status_set(err, ERR_ARG,
                            "with every %uth period only, trains of pilots (pixels.every %d) would "
                            "be missed: choose a multiple without a common factor with %lu",
                            every, t->every, turn);
}

int control_period(const json_t *args, const struct bs_cfg *cfg, const struct schedule *schedule,
                   struct status *err)
{
    const double base_s = (double)schedule->period / (double)schedule->rate;
    double period_s = NAN;
    if (take(args, "period_s", &period_s, err))
        return err->code;
    const double every = round(period_s / base_s);
    if (!(every >= 1 && every * base_s <= fmax(PERIOD_MAX_S, base_s)) ||
        fabs(period_s - every * base_s) > 1e-9)
        return status_set(err, ERR_ARG,
                          "\"period_s\" must be a whole multiple of %.9g s up to %.9g s: terminals "
                          "listen at schedule.cycle_period_s, change it at both ends for others",
                          base_s, fmax(floor(PERIOD_MAX_S / base_s), 1) * base_s);
    if (check_trains(&cfg->pixels.train, (unsigned)every, err))
        return err->code;
    return (int)every;
}

int control_identity(const json_t *args, const struct control_scene *scene, struct status *err)
{
    const char *mode = json_string_value(json_object_get(args, "mode"));
    for (enum bs_identity i = BS_IDENTITY_CODED; mode && i <= BS_IDENTITY_STEERING; i++)
        if (strcmp(mode, bs_identity_name(i)) == 0)
            return bs_config_identity(scene->cfg, i, NULL, err) ||
                           bs_config_boards(scene->cfg, i, scene->profiles, err)
                       ? err->code
                       : (int)i;
    return status_set(err, ERR_ARG, "\"mode\" must be \"coded\" or \"steering\"");
}
