/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who drives a GPIO pin: on X410 and N310 a pin belongs to one of several sources, and UHD chooses
 * it by a call that its C API lacks. The only C++ outside the simulated USRP. */
#pragma once
#include "frames/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives pin `pin` of connector `bank` to `source` and reads it back. args: those the device has
 * been opened with; it must be open, since UHD then hands out the same one again. Setup only.
 * Returns OK, ERR_ARG (no such bank, pin or source, or a device whose pins have no sources; *err
 * says what there is) or ERR_RADIO. Throws nothing. */
int gpio_source_set(const char *args, const char *bank, unsigned pin, const char *source,
                    struct status *err);

#ifdef __cplusplus
}
#endif
