/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/ris_decoder.h"

void ris_decoder_init(struct ris_decoder *d)
{
    *d = (struct ris_decoder){.n_good = 0};
    cobs_stream_init(&d->cobs, d->frame, sizeof d->frame);
}

int ris_decoder_push(struct ris_decoder *d, uint8_t byte, struct ris_msg *out)
{
    int r = cobs_stream_push(&d->cobs, byte);
    if (r == COBS_MORE)
        return 0;
    if (r == COBS_FRAME)
        r = ris_msg_parse(d->frame, d->cobs.len, out);
    if (r < 0) {
        d->n_bad++;
        return r;
    }
    d->n_good++;
    return 1;
}
