/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `mirador demo` shows: a table for people, or JSON Lines for programs. stdout only. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct demo_print {
    bool json;
    bool colour;
    size_t rows; /* of the table so far */
    char last_note[120];
};

/* json: JSON Lines, nothing else. Colours only if stdout is a terminal and NO_COLOR is unset. */
void demo_print_init(struct demo_print *print, bool json);

/* One matched fix. */
void demo_print_fix(struct demo_print *print, const json_t *fix);

/* One message of topic "cycle": people hear why there is no fix, once per reason. */
void demo_print_cycle(struct demo_print *print, const json_t *cycle);

/* One message of topic "calib" with another list of broken pixels than before. */
void demo_print_pixels(struct demo_print *print, const json_t *calib);

/* A line for people; nothing with --json. */
void demo_print_text(const struct demo_print *print, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Where the live page is; "" = nowhere. */
void demo_print_page(const struct demo_print *p, const char *address);
/* UDP ports of user data, of the base station's and the first user's pair, unless overridden. */
void demo_print_data(const struct demo_print *p, int udp_port, int user_port);

void demo_print_summary(const struct demo_print *print, const json_t *summary);
