/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a simulated room's truth says of the positions by steering, counted for the pages: topic
 * "judged", {"v":1,"type":"judged","steered","misidentified","run"}, nothing of where anybody is.
 * One thread. */
#pragma once
#include "base/socket_message.h"

enum { JUDGE_BYTES = 160 };

struct judge;

/* NULL: out of memory. */
struct judge *judge_create(struct status *err);
void judge_destroy(struct judge **judge);

/* A message of the room or of the daemon; others than truths and fixes are ignored, and so is a fix
 * whose truth is not there yet. True: the count is another. A new `run` of the daemon begins it
 * anew. */
bool judge_hear(struct judge *judge, const struct socket_message *message);

/* The count as the header of a message. */
void judge_write(const struct judge *judge, char out[JUDGE_BYTES]);
