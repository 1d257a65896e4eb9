/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Setting up the channels of one direction, and setting them anew while they run. Not for users of
 * radio.h. */
#pragma once
#include "host/radio_priv.h"

/* UHD's calls for one direction: the same shapes under two names. */
struct radio_side {
    const char *name, *gain_key, *failure;
    uhd_error (*set_rate)(uhd_usrp_handle, double, size_t);
    uhd_error (*set_freq)(uhd_usrp_handle, uhd_tune_request_t *, size_t, uhd_tune_result_t *);
    uhd_error (*set_gain)(uhd_usrp_handle, double, size_t, const char *);
    uhd_error (*set_antenna)(uhd_usrp_handle, const char *, size_t);
    uhd_error (*get_rate)(uhd_usrp_handle, size_t, double *);
    uhd_error (*get_freq)(uhd_usrp_handle, size_t, double *);
    uhd_error (*get_gain)(uhd_usrp_handle, size_t, const char *, double *);
};
extern const struct radio_side radio_side_rx, radio_side_tx;

/* Setup only. Rate, frequency, gain and antenna of every channel of cfg in that direction, read
 * back. ERR_RADIO, or ERR_ARG when the device has no such rate or gain. */
int radio_side_setup(struct radio *radio, const struct radio_side *side,
                     const struct radio_cfg *cfg, struct status *err) MUST_CHECK;
