/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What brings a cold user back: LE64(cycle) | 8-byte MAC. Sent with every 8th cycle addressed to a
 * user. The MAC comes from secure.h; here is only the layout. Freestanding, RT-safe. */
#pragma once
#include "frames/status.h"
#include <stdint.h>

#define SYNC_FRAME_BYTES  16
#define SYNC_MAC_BYTES    8
#define SYNC_FRAME_PERIOD 8 /* every 8th cycle addressed to a user carries one: cycle % 8 == 0 */

struct sync_frame {
    uint64_t cycle;
    uint8_t mac[SYNC_MAC_BYTES];
};

void sync_frame_pack(const struct sync_frame *frame, uint8_t out[SYNC_FRAME_BYTES]);
void sync_frame_unpack(const uint8_t in[SYNC_FRAME_BYTES], struct sync_frame *out);
