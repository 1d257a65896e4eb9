/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/crc32.h"

/* One step of four bits; a whole-byte table would cost a microcontroller 1 kB of flash. */
static const uint32_t nibble_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t crc32_update(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc = nibble_table[(crc ^ p[i]) & 15] ^ crc >> 4;
        crc = nibble_table[(crc ^ p[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}
