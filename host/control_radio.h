/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands of the control socket that set radio and schedule anew:
 *
 *   {"cmd":"gain","tx_db":27,"rx_db":10}      one of them or both, every channel of that direction
 *   {"cmd":"frequency","carrier_hz":5.81e9}   both directions; terminals have to follow
 *   {"cmd":"period","period_s":0.4}           a whole multiple of schedule.cycle_period_s
 *   {"cmd":"identity","mode":"coded"}         how paths are told apart, or "steering"
 *
 * Here they are checked; what they mean in numbers comes out. */
#pragma once
#include "host/bs_config.h"
#include "host/control_scene.h"
#include <jansson.h>

/* "gain" and "frequency": what is to hold. *want: on entry what holds now. ERR_ARG. */
int control_gain(const json_t *args, const struct bs_cfg *cfg, struct radio_setting *want,
                 struct status *err) MUST_CHECK;
int control_frequency(const json_t *args, const struct bs_cfg *cfg, struct radio_setting *want,
                      struct status *err) MUST_CHECK;

/* Periods of the schedule from one cycle to the next, >= 1, or ERR_ARG. */
int control_period(const json_t *args, const struct bs_cfg *cfg, const struct schedule *schedule,
                   struct status *err) MUST_CHECK;

/* An enum bs_identity that these boards and antennas can, or ERR_ARG. */
int control_identity(const json_t *args, const struct control_scene *scene,
                     struct status *err) MUST_CHECK;
