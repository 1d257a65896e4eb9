/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/crc.h"

uint8_t crc8(const uint8_t *bytes, size_t n_byte)
{
    unsigned crc = 0;
    for (size_t i = 0; i < n_byte; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x80u ? (crc << 1 ^ 0x07u) & 0xFFu : crc << 1;
    }
    return (uint8_t)crc;
}

uint16_t crc16(const uint8_t *bytes, size_t n_byte)
{
    unsigned crc = 0xFFFFu;
    for (size_t i = 0; i < n_byte; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000u ? (crc << 1 ^ 0x1021u) & 0xFFFFu : crc << 1;
    }
    return (uint16_t)crc;
}
