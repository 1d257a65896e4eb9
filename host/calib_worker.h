/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pixel health in the background. The DSP thread puts pilots into a bounded queue, the calibration
 * thread turns them into evidence and, every few trains, into a snapshot, which others copy when
 * they have time. Under load the oldest pilots are dropped and counted. Lossless (gated time): put
 * waits for room, and a snapshot is adopted a fixed number of cycles after its last pilots, so that
 * two runs adopt the same. */
#pragma once
#include "calib/pixel_health.h"
#include "host/bs_config.h"

enum { CALIB_JUDGE_EVERY = 5 }; /* trains over a surface from snapshot to snapshot */

/* What a surface's evidence is gathered with, live and of a recording. profiles: [T/2 x elements]
 * commanded coefficients. ERR_GEOMETRY. */
int calib_health_cfg(const struct bs_cfg *cfg, size_t ris, const cplx *profiles,
                     struct pixel_health_cfg *out, struct status *err) MUST_CHECK;

struct calib_worker_cfg {
    const struct bs_cfg *cfg;     /* read at create only */
    const cplx *profiles[BS_RIS]; /* [T/2 x elements] commanded coefficients; likewise */
    const struct pixel_map *recalled[BS_RIS]; /* what an earlier run knew, or NULL; likewise */
    bool lossless;
};

struct calib_counters {
    uint64_t put, dropped, done; /* pilots, one train each */
};

struct calib_worker;

/* Setup only. NULL: says why. */
struct calib_worker *calib_worker_create(const struct calib_worker_cfg *cfg, struct status *err);
void calib_worker_destroy(struct calib_worker **worker);

/* The calibration thread's loop; returns after calib_worker_stop. */
void calib_worker_run(struct calib_worker *worker);
void calib_worker_stop(struct calib_worker *worker);

/* DSP thread, RT-safe but for the wait of a lossless worker. */
void calib_worker_put(struct calib_worker *worker, const struct pixel_pilots *pilots);

/* DSP thread, RT-safe: copies the snapshot of a surface that cycle `index` works with, if it is
 * another than *version says; then true and *version moves. Lossless: waits until all pilots up to
 * index - cfg.pixels.lag are done, and takes the last snapshot of those. */
bool calib_worker_adopt(struct calib_worker *worker, size_t ris, int64_t index, uint64_t *version,
                        struct pixel_map *out);

/* Any thread: the newest snapshot of a surface, likewise. */
bool calib_worker_latest(struct calib_worker *worker, size_t ris, uint64_t *version,
                         struct pixel_map *out);

void calib_worker_counters(struct calib_worker *worker, struct calib_counters *out);
