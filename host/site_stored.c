/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/site_stored.h"
#include "base/log.h"
#include "frames/ris_profile.h"
#include "host/clock.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calib_key site_stored_key(const struct site_calib *s, const struct site_stream *stream,
                                 size_t n)
{
    struct calib_key key = s->key;
    for (size_t board = 0; board < BS_RIS; board++) {
        uint64_t hash = RIS_HASH_START;
        for (size_t i = 0; i < n; i++)
            if (stream[i].name == STREAM_RIS1 + board)
                hash = ris_hash_update(hash, &stream[i].config, sizeof stream[i].config);
        calib_key_add(&key, s->board[board], "%016" PRIx64, hash);
    }
    return key;
}

void site_stored_in_use(struct site_calib *s, const struct calib_record *r)
{
    s->health.of[r->kind].stored = true;
    s->health.of[r->kind].refused[0] = '\0';
    s->measured_unix_s[r->kind] = r->time_unix_s;
    s->measured_c[r->kind] = r->temperature_c;
}

static void note_refusal(struct site_calib *s, enum calib_kind kind, const char *why)
{
    s->health.of[kind].stored = false;
    snprintf(s->health.of[kind].refused, sizeof s->health.of[kind].refused, "%.150s", why);
    log_warn("%s: calibrate again with 'mirador calib %s'", why, calib_kind_name(kind));
}

/* True if there is one for these conditions. */
static bool look_up(struct site_calib *s, enum calib_kind kind, const struct calib_key *key,
                    struct calib_record *r)
{
    struct status err = {0};
    int rc = calib_store_find(s->store, kind, key, r, &err);
    if (rc == OK && kind != CALIB_DELAY && r->n_ant != s->n_ant)
        rc = status_set(&err, ERR_FORMAT, "stored %s calibration refused: it has %zu channels",
                        calib_kind_name(kind), r->n_ant);
    if (rc != OK && rc != ERR_NOT_FOUND)
        note_refusal(s, kind, err.text);
    if (rc != OK)
        calib_record_clear(r);
    return rc == OK;
}

static void load_radio(struct site_calib *s, struct site_update *u)
{
    struct calib_record r;
    memset(u, 0, sizeof *u);
    for (size_t a = 0; a < STREAM_MAX_ANT; a++)
        u->correction[a] = 1;
    if (look_up(s, CALIB_DELAY, &s->key, &r)) {
        u->set_zero = true;
        u->zero = r.zero;
        site_stored_in_use(s, &r);
        log_info("stored delay in use: %.4f us, by %s", 1e6 * r.zero.latency_s, r.from);
        calib_record_clear(&r);
    }
    if (look_up(s, CALIB_CHANNELS, &s->key, &r)) {
        u->set_correction = true;
        memcpy(u->correction, r.correction, s->n_ant * sizeof *u->correction);
        site_stored_in_use(s, &r);
        log_info("stored channels in use, by %s", r.from);
        calib_record_clear(&r);
    }
}

/* What a stored background is refused for though its key fits; NULL: nothing. */
static const char *misfit(const struct site_calib *s, const struct calib_record *r,
                          const struct site_update *u)
{
    if (r->n_carrier != s->n_carrier)
        return "stored background calibration refused: it has another number of carriers";
    if (clock_unix_s() - r->time_unix_s > s->background_max_age_s)
        return "stored background calibration refused: it is older than background.max_age_s";
    if (u->set_zero && r->zero.latency_s != u->zero.latency_s)
        return "stored background calibration refused: the delay was calibrated after it";
    if (memcmp(r->correction, u->correction, s->n_ant * sizeof *r->correction) != 0)
        return "stored background calibration refused: the channels were calibrated after it";
    return NULL;
}

static void load_background(struct site_calib *s, struct site_update *u)
{
    struct site_stream stream[SITE_STREAMS];
    struct calib_record r;
    size_t n = pipeline_site_streams(s->pipeline, stream);
    struct calib_key key = site_stored_key(s, stream, n);
    if (!look_up(s, CALIB_BACKGROUND, &key, &r))
        return;
    const char *why = misfit(s, &r, u);
    if (why) {
        note_refusal(s, CALIB_BACKGROUND, why);
        calib_record_clear(&r);
        return;
    }
    if (!u->set_zero) { /* the zero that it was taken with, if the leak is still there */
        u->set_zero = true;
        u->zero = r.zero;
        pipeline_site_start(s->pipeline, u);
    }
    double age_s = fmax(clock_unix_s() - r.time_unix_s, 0);
    int rc = r.n_streams == n ? OK : ERR_STATE;
    for (size_t i = 0; i < n && rc == OK; i++)
        rc = pipeline_site_import(s->pipeline, &(struct site_stream){r.stream[i], r.config[i]},
                                  r.room[i]);
    if (rc == OK) {
        pipeline_site_captured(s->pipeline, age_s);
        site_stored_in_use(s, &r);
        log_info("stored background in use, %.0f s old", age_s);
    } else {
        note_refusal(s, CALIB_BACKGROUND,
                     "stored background calibration refused: its streams are "
                     "not those of the profiles in use");
    }
    calib_record_clear(&r);
}

void site_calib_load(struct site_calib *s)
{
    struct site_update u;
    pthread_mutex_lock(&s->lock);
    load_radio(s, &u);
    if (u.set_zero || u.set_correction)
        pipeline_site_start(s->pipeline, &u);
    load_background(s, &u);
    pthread_mutex_unlock(&s->lock);
}

int site_stored_put(struct site_calib *s, const struct calib_record *r, struct status *err)
{
    s->storing = true;
    pthread_mutex_unlock(&s->lock);
    int rc = calib_store_put(s->store, r, err);
    char *summary = calib_store_summary(s->store);
    pthread_mutex_lock(&s->lock);
    s->storing = false;
    free(s->summary);
    s->summary = summary;
    return rc;
}

/* What is stored for the new conditions. A background of before, still on its way, is not of them.
 */
void site_stored_reload(struct site_calib *s)
{
    struct site_update u;
    if (pipeline_site_capture(s->pipeline))
        pipeline_site_capture_done(s->pipeline);
    load_radio(s, &u);
    s->reload = (u.set_zero || u.set_correction) && pipeline_site_update(s->pipeline, &u) != OK;
}
