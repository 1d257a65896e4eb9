/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The samples the base station sends in a cycle: coded slots (the same every time), pilot symbol,
 * the 40-bit frame, and the sync frame when it is due. One thread owns a burst. */
#pragma once
#include "frames/sync_frame.h"
#include "host/bs_config.h"

struct burst;

/* Setup only. NULL: says why in *err. */
struct burst *burst_create(const struct bs_cfg *cfg, struct status *err);
void burst_destroy(struct burst **burst);

/* RT-safe. sync: NULL when no sync frame goes along. Returns the number of samples; their buffer is
 * burst_samples(). */
size_t burst_fill(struct burst *burst, const uint8_t sensing[5], const uint8_t *sync);
const struct sc16 *burst_samples(const struct burst *burst);
/* As many zeros, for the channels that do not sense. */
const struct sc16 *burst_silence(const struct burst *burst);
