/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which device this is and how warm it is: what a calibration of it depends on. */
#pragma once
#include "host/radio.h"

struct radio_identity {
    char serial[64]; /* "" if the device has none */
    double master_clock_hz;
};

/* Setup only. ERR_RADIO with UHD's text. */
int radio_identify(struct radio *radio, struct radio_identity *out, struct status *err) MUST_CHECK;

/* Never on the sample path: asks the device. NaN: it has no temperature sensor, or does not answer.
 * Looks for a sensor whose name holds "temp" on the motherboard, then on the first RX channel. */
double radio_temperature_c(struct radio *radio);
