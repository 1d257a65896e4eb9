/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a demo says of the data link: slots that came whole each way, bit errors of known data, and
 * what the beam really lost by where it aimed, against the truth. */
#pragma once
#include "host/cli/demo_scene.h"
#include "host/match.h"

enum { DEMO_LINK_WAITING = 64 };

struct demo_link {
    const struct demo_scene *scene;
    json_t *waiting[DEMO_LINK_WAITING]; /* messages of topic "link" whose truth is not known yet */
    size_t n_waiting;
    json_t *last;     /* the newest of them */
    json_t *terminal; /* newest of topic "ue" that heard a slot */
    size_t n_beam, n_down;
    size_t n_aimed, n_expected, n_speed; /* beams of which that was told */
    double gain_sum_db, expected_sum_db; /* over beams */
    double loss_sum_db, loss_max_db;     /* against the truth */
    double aim_sum_m, speed_max_mps;
    double down_snr_sum_db, up_snr_sum_db;
    size_t n_up;
};

/* Takes over the reference. */
void demo_link_slot(struct demo_link *link, json_t *header);
void demo_link_terminal(struct demo_link *link, json_t *header);
/* Compares what waits for its truth. */
void demo_link_match(struct demo_link *link, const struct match *match);

/* Adds the member "link" to a summary. */
void demo_link_summary(const struct demo_link *link, json_t *summary);
void demo_link_clear(struct demo_link *link);
