/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/response_frame.h"
#include "frames/bits.h"
#include "frames/crc.h"
#include "frames/sensing_frame.h"

/* Fields of the 32-bit body, counted from its least significant end; five reserved bits below. */
enum { TURN_AT = 5, SIGMA_AT = 15, HEIGHT_AT = 17, MODE_AT = 29, PERMIT_AT = 31 };
enum { TURN_MIN = -512, TURN_MAX = 511, HEIGHT_MAX = 4095, SIGMA_MAX = 3, MODE_MAX = 3 };
enum { CRC_COVERS = RESPONSE_FRAME_BYTES - 2 };

static const double sigma_m[SIGMA_MAX + 1] = {0.01, 0.03, 0.10, 0.30};

double response_sigma_m(uint8_t sigma_code)
{
    return sigma_m[sigma_code & SIGMA_MAX];
}

uint8_t response_sigma_code(double wanted_m)
{
    uint8_t code = 0;
    while (code < SIGMA_MAX && sigma_m[code] < wanted_m)
        code++;
    return code;
}

int response_body_pack(const struct response *r, uint8_t out[RESPONSE_BODY_BYTES])
{
    if (r->mode > MODE_MAX || r->height_cm > HEIGHT_MAX || r->sigma_code > SIGMA_MAX ||
        r->turnaround_ds < TURN_MIN || r->turnaround_ds > TURN_MAX)
        return ERR_ARG;
    uint32_t turn = (uint32_t)r->turnaround_ds & 0x3FFu; /* two's complement in ten bits */
    uint32_t body = (uint32_t)r->permit << PERMIT_AT | (uint32_t)r->mode << MODE_AT |
                    (uint32_t)r->height_cm << HEIGHT_AT | (uint32_t)r->sigma_code << SIGMA_AT |
                    turn << TURN_AT;
    for (size_t i = 0; i < RESPONSE_BODY_BYTES; i++)
        out[i] = (uint8_t)(body >> (24 - 8 * i));
    return OK;
}

int response_body_unpack(const uint8_t in[RESPONSE_BODY_BYTES], struct response *out)
{
    uint32_t body = (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
    if (body & ((1u << TURN_AT) - 1))
        return ERR_FORMAT;
    int turn = (int)(body >> TURN_AT & 0x3FFu);
    *out = (struct response){
        .permit = body >> PERMIT_AT & 1u,
        .mode = body >> MODE_AT & MODE_MAX,
        .height_cm = body >> HEIGHT_AT & HEIGHT_MAX,
        .sigma_code = body >> SIGMA_AT & SIGMA_MAX,
        .turnaround_ds = (int16_t)(turn > TURN_MAX ? turn - 1024 : turn),
    };
    return OK;
}

int response_frame_pack_signed(const struct response_frame *frame,
                               uint8_t out[RESPONSE_SIGNED_BYTES])
{
    if (frame->timestamp > FRAME_TIMESTAMP_MASK)
        return ERR_ARG;
    out[0] = RESPONSE_MAGIC;
    out[1] = (uint8_t)(frame->timestamp << 1);
    for (size_t i = 0; i < RESPONSE_BODY_BYTES; i++)
        out[2 + i] = frame->sealed[i];
    return OK;
}

int response_frame_pack(const struct response_frame *frame, uint8_t out[RESPONSE_FRAME_BYTES])
{
    int rc = response_frame_pack_signed(frame, out);
    if (rc)
        return rc;
    for (size_t i = 0; i < RESPONSE_MAC_BYTES; i++)
        out[RESPONSE_SIGNED_BYTES + i] = frame->mac[i];
    uint16_t crc = crc16(out, CRC_COVERS);
    out[CRC_COVERS] = (uint8_t)(crc >> 8);
    out[CRC_COVERS + 1] = (uint8_t)crc;
    return OK;
}

int response_frame_unpack(const uint8_t in[RESPONSE_FRAME_BYTES], struct response_frame *out)
{
    if (crc16(in, CRC_COVERS) != (in[CRC_COVERS] << 8 | in[CRC_COVERS + 1]))
        return ERR_CRC;
    if (in[0] != RESPONSE_MAGIC || in[1] & 1u)
        return ERR_FORMAT;
    out->timestamp = in[1] >> 1;
    for (size_t i = 0; i < RESPONSE_BODY_BYTES; i++)
        out->sealed[i] = in[2 + i];
    for (size_t i = 0; i < RESPONSE_MAC_BYTES; i++)
        out->mac[i] = in[RESPONSE_SIGNED_BYTES + i];
    return OK;
}
