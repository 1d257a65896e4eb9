/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The second in which a fault is told is the controller's and the board's own: what this machine
 * took from them is not theirs. */
#pragma once

int own_time_setup(void **state); /* of the group: a witness of stalls */
int own_time_teardown(void **state);

void own_time_begins(void);
/* What the machine took of controller and board since then [s]. */
double stalled_s(void);
