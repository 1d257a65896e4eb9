/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is wrong with the calibrations of the site, as a set of alarms: published in `health`, and
 * each said once in the log when it comes up. Pure functions. */
#pragma once
#include "host/site_calib.h"

enum site_alarm {
    ALARM_FILE_DAMAGED = 1u << 0,       /* nothing is loaded and nothing can be kept */
    ALARM_REFUSED = 1u << 1,            /* something stored is for other conditions */
    ALARM_DELAY_CONTRADICTED = 1u << 2, /* the leak is not where the stored delay says */
    ALARM_DELAY_DRIFT = 1u << 3,        /* it has moved since */
    ALARM_DELAY_OLD = 1u << 4,
    ALARM_CHANNELS_OLD = 1u << 5,
    ALARM_CHANNELS_MATCH = 1u << 6,     /* users' signals do not look as their places say */
    ALARM_TEMPERATURE = 1u << 7,        /* of the radio, against either calibration */
    ALARM_BACKGROUND_CHANGED = 1u << 8, /* the room differs by more than drift does */
    ALARM_BACKGROUND_WANTED = 1u << 9,  /* there is none, or it is old */
};
enum { SITE_ALARMS = 10 };

struct site_status { /* part of `health` */
    struct site_health health;
    struct report_site last;              /* of the latest cycle without a fault */
    double delay_drift_m, steering_match; /* smoothed; a match of 0: none yet */
    unsigned without_room;                /* cycles in a row without a background */
    uint32_t alarms;
};

/* Takes one cycle in. */
void site_status_note(struct site_status *status, const struct cycle_report *report);
/* The alarms that hold now. */
uint32_t site_alarms(const struct site_status *status, const struct bs_cfg *cfg);

const char *site_alarm_name(size_t bit); /* "file_damaged" ... */
const char *site_alarm_text(size_t bit); /* what it means and what to do */
