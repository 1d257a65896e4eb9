/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/link_frame.h"

enum { FLAG_PEER = 1, FLAG_BITS = 1 };
enum { LAST_BIT = 0x8000, UNITS_MAX = LINK_PACKET_MAX / LINK_UNIT };

uint8_t link_snr_code(double snr_db)
{
    const double code = (snr_db + LINK_SNR_OFFSET_DB) * LINK_SNR_STEPS + 0.5;
    return code >= 255 ? 255 : code >= 1 ? (uint8_t)code : 1;
}

double link_snr_db(uint8_t code)
{
    return (double)code / LINK_SNR_STEPS - LINK_SNR_OFFSET_DB;
}

uint8_t link_evm_code(double evm_db)
{
    const double code = 1.5 - evm_db * LINK_EVM_STEPS;
    return code >= 255 ? 255 : code >= 1 ? (uint8_t)code : code < 1 ? 1 : 0;
}

double link_evm_db(uint8_t code)
{
    return (1 - (double)code) / LINK_EVM_STEPS;
}

int link_frame_begin(struct byte_writer *w, uint8_t *out, size_t n, const struct link_header *h)
{
    *w = (struct byte_writer){.bytes = out, .cap = n};
    if (n < LINK_HEADER_BYTES)
        return ERR_NO_SPACE;
    byte_put(w, LINK_VERSION << FLAG_BITS | (h->peer_known ? FLAG_PEER : 0u), 1);
    byte_put(w, h->snr, 1);
    byte_put(w, h->evm, 1);
    byte_put(w, h->ber, 4);
    byte_put(w, h->session, 4);
    byte_put(w, h->peer_session, 4);
    byte_put(w, h->slot, 2);
    byte_put(w, h->ack_slot, 2);
    byte_put(w, h->ack_map, 4);
    byte_put(w, h->heard, 2);
    byte_put(w, h->base, 2);
    return OK;
}

size_t link_frame_room(const struct byte_writer *w)
{
    const size_t left = w->cap - w->at;
    return left < LINK_PIECE_BYTES + LINK_UNIT ? 0 : left - LINK_PIECE_BYTES;
}

/* Within its packet, and in whole units unless it is the packet's end. */
static bool piece_fits(const struct link_piece *p)
{
    return p->n >= 1 && p->first < UNITS_MAX && p->first * LINK_UNIT + p->n <= LINK_PACKET_MAX &&
           (p->last || p->n % LINK_UNIT == 0);
}

int link_frame_add(struct byte_writer *w, const struct link_piece *p)
{
    if (!piece_fits(p) || p->n > link_frame_room(w))
        return ERR_ARG;
    byte_put(w, p->packet, 2);
    byte_put(w, p->first, 1);
    byte_put(w, p->n | (p->last ? LAST_BIT : 0u), 2);
    byte_put_many(w, p->bytes, p->n);
    return OK;
}

void link_frame_end(struct byte_writer *w)
{
    while (w->at < w->cap)
        byte_put(w, 0, 1);
}

static int read_header(struct byte_reader *r, struct link_header *h)
{
    const unsigned flags = (unsigned)byte_get(r, 1);
    h->peer_known = flags & FLAG_PEER;
    h->snr = (uint8_t)byte_get(r, 1);
    h->evm = (uint8_t)byte_get(r, 1);
    h->ber = (uint32_t)byte_get(r, 4);
    h->session = (uint32_t)byte_get(r, 4);
    h->peer_session = (uint32_t)byte_get(r, 4);
    h->slot = (uint16_t)byte_get(r, 2);
    h->ack_slot = (uint16_t)byte_get(r, 2);
    h->ack_map = (uint32_t)byte_get(r, 4);
    h->heard = (uint16_t)byte_get(r, 2);
    h->base = (uint16_t)byte_get(r, 2);
    return r->underflow || flags >> FLAG_BITS != LINK_VERSION ? ERR_FORMAT : OK;
}

static bool all_zero(struct byte_reader *r)
{
    uint8_t any = 0;
    while (byte_reader_left(r) > 0)
        any |= (uint8_t)byte_get(r, 1);
    return any == 0;
}

/* 1: a piece; 0: nothing but zeros is left; ERR_FORMAT. A piece has at least one byte, so five
 * zeros are the end. */
static int read_piece(struct byte_reader *r, struct link_piece *p)
{
    if (byte_reader_left(r) < LINK_PIECE_BYTES)
        return all_zero(r) ? 0 : ERR_FORMAT;
    const uint16_t packet = (uint16_t)byte_get(r, 2);
    const uint8_t first = (uint8_t)byte_get(r, 1);
    const unsigned length = (unsigned)byte_get(r, 2);
    if (length == 0)
        return packet == 0 && first == 0 && all_zero(r) ? 0 : ERR_FORMAT;
    *p = (struct link_piece){
        .packet = packet, .first = first, .last = length & LAST_BIT, .n = length & (LAST_BIT - 1u)};
    if (!piece_fits(p))
        return ERR_FORMAT;
    p->bytes = byte_get_many(r, p->n);
    return p->bytes ? 1 : ERR_FORMAT;
}

int link_frame_open(struct byte_reader *r, const uint8_t *in, size_t n, struct link_header *header)
{
    struct link_piece piece;
    int rc, pieces = 0;
    *r = (struct byte_reader){.bytes = in, .n = n};
    if (read_header(r, header))
        return ERR_FORMAT;
    struct byte_reader walk = *r;
    while ((rc = read_piece(&walk, &piece)) > 0)
        pieces++;
    return rc < 0 || (pieces > 0 && !header->peer_known) ? ERR_FORMAT : OK;
}

bool link_frame_next(struct byte_reader *r, struct link_piece *piece)
{
    return read_piece(r, piece) > 0;
}
