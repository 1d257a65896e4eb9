/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The user's permission, 16 bytes: 0xA1 | timestamp << 1 | 4 bytes of body xor keystream | 8-byte
 * MAC | CRC-16 big endian over the 14 bytes before it. Keystream and MAC come from secure.h; here
 * is only the layout. Freestanding, RT-safe. */
#pragma once
#include "frames/status.h"
#include <stdbool.h>
#include <stdint.h>

#define RESPONSE_FRAME_BYTES  16
#define RESPONSE_BODY_BYTES   4
#define RESPONSE_MAC_BYTES    8
#define RESPONSE_SIGNED_BYTES 6 /* bytes 0..5: what the MAC covers of the frame itself */
#define RESPONSE_MAGIC        0xA1u

struct response {
    bool permit;           /* the user allows itself to be located in this cycle */
    uint8_t mode;          /* 0..3 */
    uint16_t height_cm;    /* 0..4095, reported height of the user's antenna */
    uint8_t sigma_code;    /* 0..3: 1, 3, 10, 30 cm of standard deviation of that height */
    int16_t turnaround_ds; /* -512..511 tenths of a nanosecond: start of the answer minus the agreed
                              delay */
};

/* Standard deviation that a sigma code stands for [m]; code 0..3. */
double response_sigma_m(uint8_t sigma_code);
/* Smallest code whose deviation is not below sigma_m (3 when all are). */
uint8_t response_sigma_code(double sigma_m);

/* The 4 bytes before encryption: permit 1, mode 2, height 12, sigma 2, turnaround 10, zero 5, MSB
 * first. Returns 0 or ERR_ARG. */
int response_body_pack(const struct response *r, uint8_t out[RESPONSE_BODY_BYTES]) MUST_CHECK;
/* Returns 0, or ERR_FORMAT when a reserved bit is set. *out is written only on success. */
int response_body_unpack(const uint8_t in[RESPONSE_BODY_BYTES], struct response *out) MUST_CHECK;

/* The frame with its parts still sealed. */
struct response_frame {
    uint8_t timestamp; /* cycle & 127 */
    uint8_t sealed[RESPONSE_BODY_BYTES];
    uint8_t mac[RESPONSE_MAC_BYTES];
};

/* Bytes 0..5 (the signed part). Returns 0, or ERR_ARG when the timestamp exceeds 127. */
int response_frame_pack_signed(const struct response_frame *frame,
                               uint8_t out[RESPONSE_SIGNED_BYTES]) MUST_CHECK;
/* All 16 bytes with the CRC. Returns 0 or ERR_ARG. */
int response_frame_pack(const struct response_frame *frame,
                        uint8_t out[RESPONSE_FRAME_BYTES]) MUST_CHECK;
/* Returns 0, ERR_CRC, or ERR_FORMAT (magic, reserved bit). *out is written only on success. */
int response_frame_unpack(const uint8_t in[RESPONSE_FRAME_BYTES],
                          struct response_frame *out) MUST_CHECK;
