/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A recording's samples as floats for other programs: a SigMF Collection of cf32_le, with the
 * captures and annotations of the recording. It cannot be replayed. Background threads only. */
#pragma once
#include "host/recording.h"

/* OUT.sigmf-collection, OUT-rxN and, where the recording holds it, OUT-stream-rxN: all samples
 * divided by 32767, which is full scale. *samples: of one channel's windows. Replaces nothing
 * (ERR_BUSY), and leaves nothing behind on an error: ERR_NOT_FOUND, ERR_FORMAT, ERR_IO,
 * ERR_NO_SPACE. */
int recording_write_float(const char *recording, const char *out, uint64_t *samples,
                          struct status *err) MUST_CHECK;
