/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The RIS trigger line: one pin that the device's own logic (ATR) raises while it transmits, and
 * that a pair of timed writes takes over for a pulse at other times. The OUT register rests at 1,
 * so switching the pin from ATR to manual control raises it and switching back lowers it. */
#include "base/log.h"
#include "host/radio_gpio_source.h"
#include "host/radio_priv.h"
#include <stdio.h>
#include <string.h>

static int set_attr(struct radio *radio, const char *attr, uint32_t value)
{
    return uhd_usrp_set_gpio_attr(radio->usrp, radio->trigger_bank, attr, value,
                                  radio->trigger_mask, 0)
               ? ERR_RADIO
               : OK;
}

int radio_trigger_check(const struct radio_trigger_cfg *cfg, struct status *err)
{
    const char *source = cfg->source ? cfg->source : "", *colon = strchr(source, ':');
    if (cfg->pin > 11)
        return status_set(err, ERR_ARG, "radio.trigger_pin %u: must be 0..11", cfg->pin);
    if (source[0] && (!colon || colon == source || !colon[1] || colon - source >= 16))
        return status_set(err, ERR_ARG,
                          "radio.trigger_source '%.40s': write CONNECTOR:SOURCE, as GPIO0:DB0_RF0 "
                          "on an X410 or FP0:RF0 on an N310",
                          source);
    return OK;
}

/* The pin to the radio block that raises it, where the device lets one choose. */
static int take_pin(const struct radio_cfg *cfg, struct status *err)
{
    const char *source = cfg->trigger.source;
    char connector[16] = "";
    if (!source || !source[0])
        return OK;
    const char *colon = strchr(source, ':');
    memcpy(connector, source, (size_t)(colon - source));
    return gpio_source_set(cfg->args ? cfg->args : "", connector, cfg->trigger.pin, colon + 1, err);
}

int radio_trigger_open(struct radio *radio, const struct radio_cfg *cfg, struct status *err)
{
    const char *bank = cfg->trigger.bank && cfg->trigger.bank[0] ? cfg->trigger.bank : "FP0";
    if (take_pin(cfg, err))
        return err->code;
    snprintf(radio->trigger_bank, sizeof radio->trigger_bank, "%s", bank);
    radio->trigger_mask = 1u << cfg->trigger.pin;
    const uint32_t on = 0xFFFFFFFF;
    /* ATR before OUT before DDR: the line must not rise while boards may already be armed. */
    if (set_attr(radio, "ATR_0X", 0) || set_attr(radio, "ATR_RX", 0) ||
        set_attr(radio, "ATR_TX", on) || set_attr(radio, "ATR_XX", on) ||
        set_attr(radio, "CTRL", on) || set_attr(radio, "OUT", on) || set_attr(radio, "DDR", on))
        return radio_uhd_error(radio, err, "cannot set up the trigger line");
    radio->trigger = true;
    return OK;
}

static int set_attr_at(struct radio *radio, int64_t tick, const char *attr, uint32_t value)
{
    int64_t full;
    double frac;
    time_of_tick(radio, tick, &full, &frac);
    if (uhd_usrp_set_command_time(radio->usrp, full, frac, 0))
        return ERR_RADIO;
    int rc = set_attr(radio, attr, value);
    if (uhd_usrp_clear_command_time(radio->usrp, 0))
        return ERR_RADIO;
    return rc;
}

int radio_trigger_pulse(struct radio *radio, int64_t tick, int64_t width)
{
    if (radio_is_down(radio))
        return ERR_RADIO;
    if (!radio->trigger)
        return ERR_STATE;
    pthread_mutex_lock(&radio->usrp_lock);
    int rc = set_attr_at(radio, tick, "CTRL", 0);
    if (rc == OK)
        rc = set_attr_at(radio, tick + width, "CTRL", 0xFFFFFFFF);
    pthread_mutex_unlock(&radio->usrp_lock);
    if (rc == OK)
        radio_count_add(radio, COUNT_PULSE, 1);
    return rc;
}
