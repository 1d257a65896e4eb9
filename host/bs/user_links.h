/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A data link for each user who is served, and the port they share. The control thread makes one
 * for a place before the place is served; the radio's threads only look. */
#pragma once
#include "host/bs/roster.h"
#include "host/link_traffic.h"
#include "host/telemetry.h"

struct user_links;
/* Setup only. Those of the configured users. NULL and *err with the cure. */
struct user_links *user_links_create(const struct bs_cfg *cfg, const struct roster *roster,
                                     struct status *err);
void user_links_destroy(struct user_links **links);

/* Control thread, between roster_add and roster_serve. links NULL: nothing to do. */
int user_links_add(struct user_links *links, size_t place, const struct roster *roster,
                   struct status *err) MUST_CHECK;
/* Control thread, after roster_remove: the port takes and gives nothing more of this user. */
void user_links_remove(struct user_links *links, size_t place);

/* Any thread, of a place that is served. NULL: links is, or there is none. */
struct data_link *user_links_at(const struct user_links *links, size_t place);
/* Control thread. What of it goes into topic `health`. links NULL: nothing. */
void user_links_health(const struct user_links *links, const struct roster *roster,
                       struct health_traffic *out);
