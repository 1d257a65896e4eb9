/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packets out of a byte stream that may start anywhere and carry garbage. Freestanding, no heap,
 * RT-safe. */
#pragma once
#include "frames/ris_packet.h"

struct ris_decoder {
    struct cobs_stream cobs;
    uint8_t frame[RIS_PACKET_MAX];
    uint32_t n_good, n_bad; /* frames */
};

void ris_decoder_init(struct ris_decoder *d);

/* Returns 1 with a message in *out, 0 when more bytes are needed, or what ris_msg_parse or
 * cobs_stream_push said about a damaged frame; reading goes on after each of them. */
int ris_decoder_push(struct ris_decoder *d, uint8_t byte, struct ris_msg *out) MUST_CHECK;
