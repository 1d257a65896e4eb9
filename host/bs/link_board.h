/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the service thread keeps of every user's data link, for topics `link` and `health`: figures
 * of the last slots and the last beam. Pure data, by one thread. */
#pragma once
#include "host/link_report.h"
#include "host/telemetry.h"

struct link_board {
    struct link_board_user {
        int id;
        uint64_t noted; /* 0: nobody's place */
        struct link_stats stats;
        struct link_beam beam; /* of the last slot of data */
    } user[BS_USERS_MAX];
    uint64_t notes;
};

/* A message of the link, in the order of cycles; completes its figures. told: pipeline_tells; of
 * others nothing is kept, and the message itself loses figures and beam. */
void link_board_note(struct link_board *board, struct link_report *report, bool told);
/* The user has left, or where it was is not to be known any more; what comes next begins anew. */
void link_board_forget(struct link_board *board, int id);

/* The same of everybody whom these do not name, or name as forgotten. */
void link_board_obey(struct link_board *board, const struct health_orders *orders);

/* Adds figures and beams to the users of *out, and takes from the others how they are heard; where
 * it carries no user data, and so names nobody, the users too. */
void link_board_health(const struct link_board *board, double now_s, struct health_traffic *out);
