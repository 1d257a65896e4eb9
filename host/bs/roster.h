/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who is served, in turn, and their keys. The control thread adds and removes; the schedule thread
 * asks whose turn it is, without a lock. A place whose user was removed is given away again only
 * once the cycles that were under way then are over. */
#pragma once
#include "frames/secure.h"
#include "host/bs/turns.h"
#include "host/control_users.h"

struct roster;

/* Setup only. The users of the configuration, with their keys. ERR_ARG: a key file is none. */
struct roster *roster_create(const struct bs_cfg *cfg, struct status *err);
void roster_destroy(struct roster **roster); /* wipes the keys */

/* Keys of each place, [BS_USERS_MAX]; of those in use they do not change. */
const struct secure_keys *roster_keys(const struct roster *roster);

/* Control thread. key: name of a file in the folder that holds the first configured user's; NULL:
 * user-ID.key. cycles: that the pipeline has completed. Returns the place, to be prepared before
 * roster_serve. ERR_ARG, ERR_STATE (is served already), ERR_NO_SPACE, ERR_BUSY (in a moment). */
int roster_add(struct roster *roster, const struct roster_wish *wish, uint64_t cycles,
               struct status *err) MUST_CHECK;
/* From the next cycle on this place is asked too. */
void roster_serve(struct roster *roster, size_t place);
/* Another rate and priority from the next cycle on. ERR_NOT_FOUND, ERR_NO_SPACE. */
int roster_set(struct roster *roster, const struct roster_wish *wish,
               struct status *err) MUST_CHECK;
/* From the next cycle on it is not asked any more. Returns the place. ERR_NOT_FOUND; ERR_STATE: it
 * is the last one. */
int roster_remove(struct roster *roster, int id, uint64_t cycles, struct status *err) MUST_CHECK;

/* Any thread. How many are served, 1..BS_USERS_MAX; the place of number i of them, in their order;
 * BS_USERS_MAX: there are not so many. */
size_t roster_size(const struct roster *roster);
size_t roster_place(const struct roster *roster, size_t i);
int roster_id(const struct roster *roster, size_t place);
/* Place of the user of this ID who is served; BS_USERS_MAX: there is none. */
size_t roster_find(const struct roster *roster, int id);
double roster_rate_hz(const struct roster *roster, size_t place);
int roster_priority(const struct roster *roster, size_t place);
/* Schedule thread: everybody, for turns_next. */
void roster_users(const struct roster *roster, struct turn_user user[BS_USERS_MAX]);
