/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What 'mirador record export' gathers of a recording: a row per cycle, a row per train of pilots.
 */
#pragma once
#include "calib/pixel_pilots.h"
#include "host/report.h"

struct export_row {
    uint64_t cycle;
    int64_t index;
    double time_s;
    int user, response, outcome;
    uint32_t faults;
    double position_m[3], covariance_m2[9];    /* NaN without a fix */
    double track[6];                           /* position and velocity [m, m/s]; NaN: no track */
    double length_m[3], sigma_m[3], snr_db[3]; /* L1, L2, L3; NaN: not found */
    float profile[REPORT_STREAMS][REPORT_PROFILE_BINS];
};

struct export_table {
    const char *recording, *program; /* prefix; version of the base station that recorded */
    double rate_hz, carrier_hz, profile_step_m;
    struct export_row *rows;
    size_t n, room;
    struct pixel_pilots *trains;
    size_t n_train, train_room;
};

/* False: no memory. */
bool export_table_add(struct export_table *table, const struct cycle_report *report);
bool export_table_add_train(struct export_table *table, const struct pixel_pilots *pilots);
void export_table_free(struct export_table *table);

/* HDF5, docs/recording.md has the members. Replaces the file; ERR_IO, nothing half-written stays.
 */
int export_write(const char *path, const struct export_table *table, struct status *err) MUST_CHECK;

/* PREFIX-track, -snr and -profiles as .png and .gp. ERR_NOT_FOUND: no gnuplot, the scripts are
 * there. */
int export_plot(const char *prefix, const struct export_table *table,
                struct status *err) MUST_CHECK;
