/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/export_table.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calib/dataset_table.h"

static void *grown(void *items, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return items;
    size_t next = *room ? 2 * *room : 256;
    void *more = realloc(items, next * size);
    if (more)
        *room = next;
    return more;
}

static void fill_fix(struct export_row *row, const struct cycle_report *r)
{
    const bool fix = r->outcome == FIX_DONE;
    const double p[3] = {r->fix.position.x, r->fix.position.y, r->fix.position.z};
    for (int i = 0; i < 3; i++)
        row->position_m[i] = fix ? p[i] : NAN;
    for (int i = 0; i < 9; i++)
        row->covariance_m2[i] = fix ? r->fix.cov[i / 3][i % 3] : NAN;
    for (int i = 0; i < 6; i++)
        row->track[i] = r->track.alive ? r->track.x[i] : NAN;
}

bool export_table_add(struct export_table *t, const struct cycle_report *r)
{
    struct export_row *rows = grown(t->rows, t->n, &t->room, sizeof *rows);
    if (!rows)
        return false;
    t->rows = rows;
    struct export_row *row = &rows[t->n++];
    *row = (struct export_row){.cycle = r->plan.cycle,
                               .index = r->plan.index,
                               .time_s = r->time_s,
                               .user = r->user_id,
                               .response = r->response,
                               .outcome = r->outcome,
                               .faults = r->faults};
    fill_fix(row, r);
    for (int k = 0; k < 3; k++) {
        const struct report_path *path = &r->path[PATH_L1 + k];
        row->length_m[k] = path->found ? path->length_m : NAN;
        row->sigma_m[k] = path->found ? path->sigma_m : NAN;
        row->snr_db[k] = path->found ? path->snr_db : NAN;
    }
    if (r->response == RESPONSE_PERMITTED) { /* profiles are shown with permission only */
        memcpy(row->profile, r->profile, sizeof row->profile);
        t->profile_step_m = r->profile_step_m;
    }
    return true;
}

bool export_table_add_train(struct export_table *t, const struct pixel_pilots *pilots)
{
    struct pixel_pilots *trains = grown(t->trains, t->n_train, &t->train_room, sizeof *trains);
    if (!trains)
        return false;
    t->trains = trains;
    trains[t->n_train++] = *pilots;
    return true;
}

void export_table_free(struct export_table *t)
{
    free(t->rows);
    free(t->trains);
    t->rows = NULL;
    t->trains = NULL;
}

/* --- the file --------------------------------------------------------------------------------- */

#define ROW(m)   offsetof(struct export_row, m)
#define TRAIN(m) offsetof(struct pixel_pilots, m)

static const struct column of_rows[] = {
    {"/cycle", "global index of the cycle", ROW(cycle), {0}, COLUMN_U64},
    {"/index", "period of the schedule", ROW(index), {0}, COLUMN_I64},
    {"/time_s", "s, device time", ROW(time_s), {0}, COLUMN_F64},
    {"/user", "id", ROW(user), {0}, COLUMN_I32},
    {"/response", "see attribute names", ROW(response), {0}, COLUMN_I32},
    {"/outcome", "see attribute names", ROW(outcome), {0}, COLUMN_I32},
    {"/faults", "bits, docs/radio.md; 0: untouched", ROW(faults), {0}, COLUMN_U32},
    {"/position_m", "m; x y z", ROW(position_m), {3}, COLUMN_F64},
    {"/covariance_m2", "m^2; of the position", ROW(covariance_m2), {3, 3}, COLUMN_F64},
    {"/track", "m, m/s; x y z and their rates", ROW(track), {6}, COLUMN_F64},
    {"/path_length_m", "m; L1 L2 L3", ROW(length_m), {3}, COLUMN_F64},
    {"/path_sigma_m", "m; L1 L2 L3", ROW(sigma_m), {3}, COLUMN_F64},
    {"/path_snr_db", "dB; E/N0 of L1 L2 L3", ROW(snr_db), {3}, COLUMN_F64},
    {"/delay_profile",
     "power; streams static, RIS1, RIS2, then bins of profile_step_m",
     ROW(profile),
     {REPORT_STREAMS, REPORT_PROFILE_BINS},
     COLUMN_F32},
};

static const struct column of_trains[] = {
    {"/pilots/cycle", "global index of the cycle", TRAIN(cycle), {0}, COLUMN_U64},
    {"/pilots/time_s", "s, device time", TRAIN(time_s), {0}, COLUMN_F64},
    {"/pilots/surface", "0: the first", TRAIN(ris), {0}, COLUMN_U64},
    {"/pilots/count", "profiles used", TRAIN(n), {0}, COLUMN_U64},
    {"/pilots/y",
     "relative to the first arrival; profile, then re im",
     TRAIN(y),
     {PIXEL_PROFILES_MAX, 2},
     COLUMN_F64},
    {"/pilots/noise_var", "E|n|^2 of an entry of y", TRAIN(noise_var), {0}, COLUMN_F64},
    {"/pilots/position_m", "m; the user by the fix", TRAIN(position), {3}, COLUMN_F64},
    {"/pilots/covariance_m2", "m^2", TRAIN(cov), {3, 3}, COLUMN_F64},
};

static void put_names(struct columns_file *file)
{
    char text[400] = "";
    size_t at = 0;
    for (int i = 0; i < FIX_OUTCOMES; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d %s ", i, fix_outcome_name(i));
    columns_text(file, "/outcome", "names", text);
    at = 0;
    for (int i = 0; i < RESPONSE_VERDICTS; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d %s ", i, response_verdict_name(i));
    columns_text(file, "/response", "names", text);
}

int export_write(const char *path, const struct export_table *t, struct status *err)
{
    struct columns_file *file = columns_create(path, err);
    if (!file)
        return err->code;
    columns_text(file, "/", "format", "mirador export 1");
    columns_text(file, "/", "recording", t->recording);
    columns_text(file, "/", "program", t->program);
    columns_number(file, "/", "rate_hz", t->rate_hz);
    columns_number(file, "/", "carrier_hz", t->carrier_hz);
    columns_number(file, "/", "profile_step_m", t->profile_step_m);
    columns_put(file, of_rows, sizeof of_rows / sizeof *of_rows, t->rows, t->n, sizeof *t->rows);
    if (t->n_train)
        columns_put(file, of_trains, sizeof of_trains / sizeof *of_trains, t->trains, t->n_train,
                    sizeof *t->trains);
    put_names(file);
    return columns_close(&file, err);
}
