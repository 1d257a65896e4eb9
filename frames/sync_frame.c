/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/sync_frame.h"
#include "frames/bits.h"

void sync_frame_pack(const struct sync_frame *frame, uint8_t out[SYNC_FRAME_BYTES])
{
    le64_put(out, frame->cycle);
    for (size_t i = 0; i < SYNC_MAC_BYTES; i++)
        out[8 + i] = frame->mac[i];
}

void sync_frame_unpack(const uint8_t in[SYNC_FRAME_BYTES], struct sync_frame *out)
{
    out->cycle = le64_get(in);
    for (size_t i = 0; i < SYNC_MAC_BYTES; i++)
        out->mac[i] = in[8 + i];
}
