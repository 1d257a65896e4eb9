/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pipeline on made-up blocks: leak, clutter, and a user whose paths have known lengths. */
#pragma once
#include "host/pipeline_priv.h"

extern const struct vec3 user, stranger;
/* As much farther from RIS2 than from the base station as the user, in another direction. */
extern const struct vec3 alike;

struct bench {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct secure_keys keys, other;
    struct pipeline *pipeline;
    struct waveform_cfg wave;
    struct waveform *form;
    struct frame_modem *modem;
    cplxf *sequence;
    struct block block;
    pipeline_check *check; /* NULL: by the keys */
    void *check_context;
    int64_t index;
    const struct vec3 *body; /* whose echoes come back */
    bool others;             /* are served too */
    size_t asked;            /* place */
    bool still;              /* surfaces play no code: mode steering */
    bool dark;               /* RIS1 sends nothing; what codes leave is in its stream */
    uint8_t last_response[RESPONSE_FRAME_BYTES];
};

int set_up(void **state); /* a struct bench whose empty room is captured, no map */
int set_up_mapped(void **state); /* the same with the map of walls that hardly reflect */
int tear_down(void **state);
/* Another one in b->pipeline, with b->check; the old one stays the caller's. */
void make_pipeline(struct bench *b);

/* One cycle; bytes NULL: nobody answers. */
void cycle(struct bench *b, bool present, const uint8_t *bytes, struct cycle_report *r);
/* The answer that the user would give in the coming cycle. */
const uint8_t *answer(struct bench *b, const struct secure_keys *keys, bool permit);

/* The parts of a cycle. */
void clear_block(struct bench *b);
void sense(struct bench *b, bool present);
/* The user's own signal, over all three ways; the frame's symbols come the direct way. */
void put_answer(struct bench *b, const uint8_t bytes[RESPONSE_FRAME_BYTES]);

void assert_nothing_told(const struct cycle_report *r);
bool is_at_user(const struct cycle_report *r, double within_m);
