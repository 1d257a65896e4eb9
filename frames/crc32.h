/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CRC-32 of IEEE 802.3 (reflected 0x04C11DB7, start and final inversion): "123456789" gives
 * 0xCBF43926. Freestanding, 64 bytes of table, RT-safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Continues a checksum: crc is 0 for the first piece, then the previous result. n may be 0. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t n);
