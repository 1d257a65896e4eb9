/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/site_alarm.h"
#include <math.h>

#define SMOOTH    0.05 /* weight of the newest cycle */
#define MATCH_LOW 0.9
enum { WITHOUT_ROOM = 100 }; /* the first capture and one more try */

static const struct {
    const char *name, *text;
} alarms[SITE_ALARMS] = {
    {"file_damaged", "the file of site calibrations is damaged: move it away and calibrate again"},
    {"refused", "a stored calibration is for other conditions and is not used: calibrate again"},
    {"delay_contradicted",
     "the leak contradicts the stored delay, which is not used: run 'mirador calib delay'"},
    {"delay_drift", "the leak has moved since it was calibrated: run 'mirador calib delay'"},
    {"delay_old", "the delay was calibrated long ago: run 'mirador calib delay'"},
    {"channels_old", "the channels were calibrated long ago: run 'mirador calib channels'"},
    {"channels_match",
     "users' signals do not arrive from where the users are: run 'mirador calib channels'"},
    {"temperature",
     "the radio is not as warm as when it was calibrated: run 'mirador calib delay' and "
     "'mirador calib channels'"},
    {"background_changed",
     "the room differs from its background by more than drift does: if it is empty, run 'mirador "
     "calib background'"},
    {"background_wanted",
     "there is no fresh background of the empty room: leave it and run 'mirador calib background'"},
};

const char *site_alarm_name(size_t bit)
{
    return bit < SITE_ALARMS ? alarms[bit].name : "unknown";
}

const char *site_alarm_text(size_t bit)
{
    return bit < SITE_ALARMS ? alarms[bit].text : "";
}

void site_status_note(struct site_status *s, const struct cycle_report *r)
{
    if (r->faults)
        return;
    s->last = r->site;
    s->without_room = r->site.room == ROOM_UNKNOWN ? s->without_room + 1 : 0;
    s->delay_drift_m += SMOOTH * (r->site.delay_drift_m - s->delay_drift_m);
    double match = r->site.steering_match;
    if (match > 0)
        s->steering_match += s->steering_match > 0 ? SMOOTH * (match - s->steering_match) : match;
}

static bool warmer(const struct site_health *h, enum calib_kind kind, double step)
{
    return h->of[kind].stored && fabs(h->of[kind].temperature_step_c) > step; /* not if NaN */
}

static bool older(const struct site_health *h, enum calib_kind kind, double age_s)
{
    return h->of[kind].stored && h->of[kind].age_s > age_s;
}

uint32_t site_alarms(const struct site_status *s, const struct bs_cfg *cfg)
{
    const struct site_health *h = &s->health;
    const double step = cfg->calib.max_temperature_step_c;
    const bool old_room = s->last.room_age_s > 2 * cfg->background.refresh_s;
    uint32_t set = h->damaged ? ALARM_FILE_DAMAGED : 0;
    for (size_t i = 0; i < CALIB_KINDS; i++)
        set |= h->of[i].refused[0] ? ALARM_REFUSED : 0;
    set |= s->last.zero == ZERO_CONTRADICTED ? ALARM_DELAY_CONTRADICTED : 0;
    set |= fabs(s->delay_drift_m) > cfg->calib.max_delay_drift_m ? ALARM_DELAY_DRIFT : 0;
    set |= older(h, CALIB_DELAY, cfg->calib.max_age_s) ? ALARM_DELAY_OLD : 0;
    set |= older(h, CALIB_CHANNELS, cfg->calib.max_age_s) ? ALARM_CHANNELS_OLD : 0;
    set |= s->steering_match > 0 && s->steering_match < MATCH_LOW ? ALARM_CHANNELS_MATCH : 0;
    set |= warmer(h, CALIB_DELAY, step) || warmer(h, CALIB_CHANNELS, step) ? ALARM_TEMPERATURE : 0;
    set |= s->last.room == ROOM_CHANGED ? ALARM_BACKGROUND_CHANGED : 0;
    set |= s->without_room > WITHOUT_ROOM || old_room ? ALARM_BACKGROUND_WANTED : 0;
    return set;
}
