/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the data link came to in a cycle: topic `link` of the base station, and a part of topic `ue`
 * of the terminal (docs/link.md). Keys are only ever added. */
#pragma once
#include "dsp/geometry.h"
#include "host/link_stats.h"
#include <math.h>

enum link_slot_kind { LINK_SLOT_NONE, LINK_SLOT_DATA, LINK_SLOT_SOUNDING };
enum link_aim { LINK_AIM_NONE, LINK_AIM_FIX, LINK_AIM_TRACK, LINK_AIM_RECIPROCAL };

struct link_beam {     /* of one slot; NaN: not known */
    enum link_aim aim; /* NONE: no beam, and nothing of it known */
    struct vec3 aim_m; /* where the user is expected */
    float gain_db;     /* over one channel alone, if the user is where the beam aims */
    float loss_db; /* of it, expected from the position's covariance and speed; of an aimed beam */
    float sigma_m; /* that covariance: root of its trace */
    float speed_mps;
    float budget_snr_db; /* power budget at the user, in free space */
};
#define LINK_BEAM_NONE ((struct link_beam){LINK_AIM_NONE, {NAN, NAN, NAN}, NAN, NAN, NAN, NAN, NAN})

struct link_totals {                   /* since start */
    uint64_t sent, send_failed;        /* slots */
    uint64_t expected, found, ok;      /* received ones */
    uint64_t raw_bits, raw_errors;     /* before correction */
    uint64_t known_bits, known_errors; /* of known data after correction, whole slots */
    uint64_t soundings, soundings_failed;
};

struct link_report {
    uint64_t cycle;
    double time_s; /* device time of the downlink */
    int user_id;
    enum link_slot_kind kind; /* of the downlink */
    struct {
        unsigned mcs;
        bool known;
        size_t bytes;
    } down;
    struct link_beam beam; /* of the downlink */
    struct link_rx up;
    bool calibrated; /* the transmit channels are known */
    float match;     /* of the last sounding */
    struct link_totals total;
    bool carries; /* user data; and then: */
    struct data_link_state traffic;
    struct link_figures down_figures, up_figures; /* over the last slots */
};

/* What of a received slot goes into the totals. */
void link_totals_note(struct link_totals *total, const struct link_rx *rx);

/* Appends `,"beam_gain_db":...` and what else is known of a beam's worth; null: not known. */
void link_beam_add(struct report_text *text, const struct link_beam *beam);

/* JSON object; its length, or ERR_NO_SPACE. RT-safe. */
int link_report_format(const struct link_report *r, char *out, size_t size);

/* What a terminal tells of its link: members with a leading comma, of the slot and the totals
 * behind `link_`, for another object. Likewise. */
struct link_heard_report {
    const struct link_rx *down;
    const struct link_totals *total;
    const struct data_link_state *traffic; /* NULL: it carries none */
    struct link_figures down_figures, up_figures;
};
int link_heard_format(const struct link_heard_report *r, char *out, size_t size);
