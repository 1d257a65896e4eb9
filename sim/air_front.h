/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings of the receive channels over time; the making side is in air_rx.h. */
#pragma once
#include "sim/air_rx.h"

#ifdef __cplusplus
extern "C" {
#endif

struct front_setting {
    int64_t k; /* from this device sample on */
    float gain_db, phase_rad;
    double freq_hz;
};

/* The setting in force at sample k of a channel, and the sample at which the next one takes over.
 */
struct front_setting air_front_at(struct air_front *front, unsigned ch, int64_t k, int64_t *until);

#ifdef __cplusplus
}
#endif
