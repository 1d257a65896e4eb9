/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the users really are, as JSON on topic "truth":
 * {"v":1,"time_s":..,"users":[{"id","present","position_m":[3],"velocity_mps":[3],"lengths_m":[3]}]},
 * lengths_m of the echo and of the ways over each surface, as the base station names them L1, L2
 * and L3; one message every TRUTH_STEP_S of room time, in order, ahead of the room's clock by
 * TRUTH_AHEAD_S. With every
 * TRUTH_PIXELS-th the broken pixels, on topic "pixels":
 * {"v":1,"time_s":..,"boards":[{"board","elements":[..],"mask_re":[..],"mask_im":[..]}]}; mask is
 * the part of the coefficient that follows the commands. */
#pragma once
#include "sim/scene.h"

#define TRUTH_STEP_S  0.02
#define TRUTH_AHEAD_S 0.5
#define TRUTH_PIXELS  50

struct truth {
    const struct scene *scene;
    void *socket;  /* ZMQ_PUB, or NULL: nothing is sent */
    uint64_t next; /* number of the next message */
};

/* Writes the message for one time; returns its length, or ERR_NO_SPACE. */
int truth_write(const struct scene *scene, double time_s, char *out, size_t size) MUST_CHECK;

/* The same for the broken pixels. */
int truth_write_pixels(const struct scene *scene, double time_s, char *out, size_t size) MUST_CHECK;

/* Publishes all messages up to now_s + TRUTH_AHEAD_S. */
void truth_publish(struct truth *truth, double now_s);
