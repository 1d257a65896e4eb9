/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The profiles of each RIS: designed once for geometry, mode and the board's own states, kept in
 * the state folder under a hash of everything they depend on, and loaded into slots of the board,
 * each as it is and with its sign flipped. Setup only. */
#pragma once
#include "host/bs_config.h"
#include "host/profile_set.h"
#include "host/ris_client.h"

/* Asks the board for its states, then designs its profiles or reads the cached ones. */
int profiles_design(const struct bs_cfg *cfg, struct ris_client *client, size_t board,
                    struct profile_set *out, struct status *err) MUST_CHECK;

/* Puts both signs of every profile on the board, shows the base, and selects the rising edge of a
 * trigger where there is one. */
int profiles_load(struct ris_client *client, size_t board, const struct profile_set *set,
                  struct status *err) MUST_CHECK;

/* Shows profile number i at once and for good, in place of an armed sequence. */
int profile_show(struct ris_client *client, size_t board, size_t i, struct status *err) MUST_CHECK;

/* The armed sequence of a cycle that shows profile number i: the board's code once per repetition
 * after the burst's edge, once after the response's. */
struct ris_arm profile_sequence(const struct bs_cfg *cfg, const struct schedule *s, size_t board,
                                size_t i);
