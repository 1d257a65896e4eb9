/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one slot of the data link carries, in clear: a header with the acknowledgement of what came
 * the other way, then pieces of IP packets, then zeros (docs/link.md). A piece begins at a multiple
 * of LINK_UNIT bytes of its packet and ends at one or at the packet's end, so that 64 bits say what
 * of a packet is there. Little endian. Freestanding, RT-safe. Sealed by secure_link.h. */
#pragma once
#include "frames/byte_cursor.h"
#include "frames/status.h"

#define LINK_UNIT          32   /* bytes */
#define LINK_PACKET_MAX    2048 /* bytes of a packet: 64 units */
#define LINK_HEADER_BYTES  27
#define LINK_PIECE_BYTES   5 /* header of a piece */
#define LINK_FRAME_MIN     (LINK_HEADER_BYTES + LINK_PIECE_BYTES + LINK_UNIT)
#define LINK_SNR_STEPS     2  /* of the reported SNR per dB */
#define LINK_SNR_OFFSET_DB 20 /* code 1 is -19.5 dB, code 255 is 107.5 dB */
#define LINK_MAP_SLOTS     32
#define LINK_EVM_STEPS     4 /* of the reported EVM per dB: code 1 is 0 dB, code 255 is -63.5 dB */
#define LINK_BER_ONE       0x80000000u /* of the reported bit error rate */
#define LINK_BER_UNKNOWN   0xFFFFFFFFu
#define LINK_VERSION       2u

struct link_header {
    bool peer_known;  /* something was received of peer_session: it and the acknowledgement
                         hold. Without it the frame carries no pieces. */
    uint8_t snr;      /* code of the SNR at which the sender last heard the other side; 0: never */
    uint8_t evm;      /* code of the EVM of the slot heard last; 0: none was read */
    uint32_t ber;     /* its bit error rate before correction, of LINK_BER_ONE; or UNKNOWN */
    uint32_t session; /* of the sender: another one after each start */
    uint32_t peer_session; /* the other side's, to which pieces and acknowledgement belong */
    uint16_t slot;         /* counts the sender's slots in this session */
    uint16_t ack_slot;     /* newest slot received */
    uint32_t ack_map;      /* bit i: slot ack_slot - 1 - i was received too */
    uint16_t heard;        /* low bits of the last cycle whose slot the sender has listened to */
    uint16_t base;         /* oldest packet that may still come; those before it never will */
};

struct link_piece {
    uint16_t packet;      /* number of the packet */
    uint8_t first;        /* unit of the packet where the piece begins, 0..63 */
    bool last;            /* the packet ends with it */
    uint16_t n;           /* bytes, 1..LINK_PACKET_MAX */
    const uint8_t *bytes; /* borrowed */
};

/* Units that n bytes of a packet take, 0..64; the set of n of them from `first` on, first + n <=
 * 64, bit u for the u-th. */
static inline size_t link_unit_count(size_t n)
{
    return (n + LINK_UNIT - 1) / LINK_UNIT;
}

static inline uint64_t link_unit_set(size_t first, size_t n)
{
    return n == 0 ? 0 : ~UINT64_C(0) >> (64 - n) << first;
}

uint8_t link_snr_code(double snr_db); /* 1..255, saturates; what is no number is 1 */
double link_snr_db(uint8_t code);
uint8_t link_evm_code(double evm_db); /* 1..255, saturates; what is no number is 0 */
double link_evm_db(uint8_t code);

/* Writes a frame of exactly n bytes. Returns 0 or ERR_NO_SPACE (n < LINK_HEADER_BYTES). */
int link_frame_begin(struct byte_writer *w, uint8_t *out, size_t n,
                     const struct link_header *header) MUST_CHECK;
/* Bytes of packet that one more piece could hold; less than LINK_UNIT counts as 0. */
size_t link_frame_room(const struct byte_writer *w);
/* piece->n <= link_frame_room(); a piece that is not the last of its packet is whole units. ERR_ARG
 * else. */
int link_frame_add(struct byte_writer *w, const struct link_piece *piece) MUST_CHECK;
void link_frame_end(struct byte_writer *w); /* zeros up to n */

/* Checks the whole frame. Returns 0 and the reader at the first piece, or ERR_FORMAT. */
int link_frame_open(struct byte_reader *r, const uint8_t *in, size_t n,
                    struct link_header *header) MUST_CHECK;
/* The next piece of a frame that link_frame_open has accepted; false at the end. */
bool link_frame_next(struct byte_reader *r, struct link_piece *piece);
