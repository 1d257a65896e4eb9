/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A user terminal without its program: receiver and responder on the radio of a base station in
 * memory, their state in a folder of the test. */
#pragma once
#include "host/ue/responder.h"
#include "tests/host/fake_base.h"

#define UE_RIG_USER        77u
#define UE_RIG_FIRST_CYCLE 5003u

struct ue_rig {
    struct radio *radio;
    struct fake_base *base;
    struct receiver *receiver;
    struct responder *responder;
    struct last_cycle last;
    struct permission permission;
    struct secure_keys keys;
    struct receiver_cfg cfg;
};

/* Group set-up and tear-down. */
int ue_rig_make_folder(void **state);
int ue_rig_remove_folder(void **state);
const char *ue_rig_folder(void);

void ue_rig_open(struct ue_rig *rig, bool permit);
/* The counters of cycles go too, the permission stays. */
void ue_rig_close(struct ue_rig *rig);
/* Its responder anew, with what the folder holds. */
void ue_rig_answer(struct ue_rig *rig, bool permit);

/* Steps until a burst is heard; fails after `limit` windows. */
void ue_rig_next_burst(struct ue_rig *rig, struct heard_burst *burst, unsigned limit);
/* One burst, one verdict. */
enum responder_verdict ue_rig_cycle(struct ue_rig *rig);
/* Bursts until the first sync frame has been taken and answered, in this way. */
void ue_rig_get_in_step(struct ue_rig *rig);
void ue_rig_get_in_step_until(struct ue_rig *rig, enum responder_verdict answer);
