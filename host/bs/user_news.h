/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of users: topics `fix`, `cycle`, `paths` and `link`, and their part of `ris` and
 * `health`. The pipeline decides what may be told (pipeline_retract, pipeline_tells); here that is
 * obeyed. One thread. */
#pragma once
#include "host/bs/link_board.h"
#include "host/pipeline.h"

struct user_news_cfg { /* all borrowed */
    struct pipeline *pipeline;
    /* A header of `length` bytes (< 0: none) is in text. array NULL: no third frame. */
    void (*publish)(void *context, const char *topic, int length, const void *array, size_t n_byte);
    void (*health)(void *context); /* now, in place of the next time that it is due */
    void *context;
    char *text; /* of publish, */
    size_t size;
};

struct user_news {
    struct user_news_cfg cfg;
    struct link_board links;
};

/* A cycle's report, in their order: what it says is cut to what may be told, and the position
 * published if there is one; then all the rest of it. */
void user_news_fix(const struct user_news *news, struct cycle_report *report, double latency_ms);
void user_news_cycle(struct user_news *news, const struct cycle_report *report, double latency_ms);

/* What the boards acknowledged, before it is told: the hash of a beam says where its user is. */
void user_news_ris(const struct user_news *news, struct telemetry_ris *report);

/* A message of the data link, in their order, of a user who has this place or BS_USERS_MAX: who is
 * not served any more. */
void user_news_link(struct user_news *news, size_t place, struct link_report *report);

/* What was told of them, at now_ns of clock_ns(): who of h->orders.user is forgotten, by place and
 * ID, and figures and beams of the others in h->traffic. */
void user_news_health(struct user_news *news, int64_t now_ns, struct health *h);

/* The pipeline has just been told to withhold or remove this user. */
void user_news_forget(struct user_news *news, int id);
