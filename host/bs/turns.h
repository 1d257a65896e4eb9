/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose cycle it is. Users with a rate come first, when they are due: the higher priority, then
 * whose time is up sooner. What is left goes round among the users without a rate; when nobody is
 * due and there is none, the cycle goes to whoever is due next. Each gets its rate as long as the
 * rates together are no more than cycles there are. Pure; one thread owns it. RT-safe. */
#pragma once
#include "host/bs_config.h"

struct turn_user {
    bool served;
    unsigned joined;   /* another number: somebody else is at this place */
    double interval_s; /* from turn to turn; 0: shares what is left */
    int priority;      /* higher comes first */
};

struct turns {
    bool begun;
    size_t last; /* place of the last turn that shared what was left */
    struct {
        unsigned joined;
        bool known;
        double due_s;
        uint64_t count; /* turns */
    } of[BS_USERS_MAX];
};

/* now_s: never less than before. turn: cycles so far, by number; where the first round begins. A
 * place that is served; somebody is. */
size_t turns_next(struct turns *turns, const struct turn_user user[BS_USERS_MAX], double now_s,
                  uint64_t turn);

/* Turns of a place; the first round counts as if all before had gone round evenly. */
uint64_t turns_count(const struct turns *turns, size_t place);
