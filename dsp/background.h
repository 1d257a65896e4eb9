/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The empty room, per stream and RIS configuration, and its subtraction. A capture averages the
 * streams of many cycles; it is refused when the variance between cycles inside the room's delays
 * stands out of that at delays where nothing can be. Without a valid background an adaptive
 * high-pass over cycles takes its place: what stands still fades from it, people who stand still
 * included. */
#pragma once
#include "dsp/state_io.h"
#include "dsp/stream.h"
#include <stdbool.h>

struct background_cfg {
    size_t n_ant, n_carrier; /* of a stream */
    double spacing_hz;
    size_t max_entries;   /* (stream, configuration) pairs kept, 1..1024 */
    size_t min_cycles;    /* fewer give no background, >= 4 */
    double room_m;        /* no path of the room is longer; < c / (4 spacing) */
    double motion_ratio;  /* variance ratio that is motion, > 1; 4 is a good value */
    double forget;        /* high-pass: weight of the newest cycle, (0, 1); 0.1 */
    size_t settle_cycles; /* high-pass: cycles before its output counts */
};

/* How an output was made. */
enum background_kind {
    BACKGROUND_EMPTY_ROOM, /* captured background subtracted */
    BACKGROUND_ADAPTIVE,   /* high-pass over cycles */
    BACKGROUND_SETTLING,   /* high-pass not settled: do not use */
};

struct background;

/* Setup only: takes max_entries * n_ant * K * 24 bytes. NULL if cfg is out of range. */
struct background *background_create(const struct background_cfg *cfg, struct status *err);
void background_destroy(struct background **bg);

/* RT-safe. Start a capture: entries being captured are emptied, valid ones stay in use until then.
 */
void background_begin(struct background *bg);

/* RT-safe. One cycle of one stream into the capture. config: hash of what the stream depends on (0
 * for the static stream, the profile's hash for a RIS, both mixed for the cross stream). w: [n_ant
 * x K]. ERR_STATE: no capture is running. ERR_NO_SPACE: table full. */
int background_add(struct background *bg, enum stream_name h, uint64_t config,
                   const cplxf *w) MUST_CHECK;

/* Ends the capture. Every captured entry becomes valid, or none: ERR_STATE when an entry has too
 * few cycles, ERR_BUSY when something moved (says which stream and by how much in *err). */
int background_finish(struct background *bg, struct status *err) MUST_CHECK;

/* RT-safe. Ends the capture and throws it away. */
void background_abort(struct background *bg);

/* RT-safe. All entries become invalid and the high-pass starts afresh (radio retuned, leak moved,
 * age). */
void background_clear(struct background *bg);

bool background_valid(const struct background *bg, enum stream_name h, uint64_t config);

/* RT-safe. Copies a captured background to w [n_ant x K]. False: there is none. */
bool background_export(const struct background *bg, enum stream_name h, uint64_t config, cplxf *w);

/* RT-safe. Takes w as a captured background, e.g. one of an earlier run. ERR_NO_SPACE: table full.
 */
int background_import(struct background *bg, enum stream_name h, uint64_t config,
                      const cplxf *w) MUST_CHECK;

/* RT-safe; n_ant FFTs. How far the room of the last 1/forget cycles is from the captured one: power
 * of the difference at the delay of the room where it is largest, over its mean at delays where
 * nothing can be. About 3 in an unchanged room; a person gives thousands. 0: no background, or
 * fewer than settle_cycles since it was captured. */
double background_drift(struct background *bg, enum stream_name h, uint64_t config);

/* RT-safe. All that it has learned, for one of the same cfg. After a failed load (io->rc) it must
 * be cleared. */
void background_state(struct background *bg, struct state_io *io);
size_t background_state_max(const struct background *bg); /* bytes it can come to */

/* RT-safe. out = w minus the empty room, or high-passed; may be w itself. Call once per cycle and
 * stream: the high-pass learns from every call, so that it is ready when it is needed. */
enum background_kind background_subtract(struct background *bg, enum stream_name h, uint64_t config,
                                         const cplxf *w, cplxf *out);
