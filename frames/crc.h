/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two checksums of the air frames. Neither protects against a forger; the keyed checks in
 * secure.h do. MSB first, no reflection, no final xor. Freestanding, RT-safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Polynomial 0x07, initial value 0 (check value of "123456789": 0xF4). */
uint8_t crc8(const uint8_t *bytes, size_t n_byte);

/* Polynomial 0x1021, initial value 0xFFFF (check value of "123456789": 0x29B1). */
uint16_t crc16(const uint8_t *bytes, size_t n_byte);
