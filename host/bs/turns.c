/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/turns.h"
#include <assert.h>

#define ROUNDING_S 1e-6 /* times come from cycle numbers, in doubles */

static size_t served(const struct turn_user *user)
{
    size_t n = 0;
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        n += user[i].served;
    return n;
}

/* Place of number k of those served. */
static size_t place_of(const struct turn_user *user, size_t k)
{
    size_t place = 0;
    while (!user[place].served || k-- > 0)
        place++;
    return place;
}

/* The first round begins where rounds by the number of the cycle would be. */
static void begin(struct turns *t, const struct turn_user *user, uint64_t turn)
{
    const size_t n = served(user), first = place_of(user, (size_t)(turn % n));
    t->begun = true;
    t->last = (first + BS_USERS_MAX - 1) % BS_USERS_MAX;
}

static void welcome(struct turns *t, const struct turn_user *user, double now_s, uint64_t turn)
{
    const uint64_t rounds = turn / served(user);
    for (size_t i = 0; i < BS_USERS_MAX; i++) {
        if (!user[i].served || (t->of[i].known && t->of[i].joined == user[i].joined))
            continue;
        t->of[i].known = true;
        t->of[i].joined = user[i].joined;
        t->of[i].due_s = now_s;
        t->of[i].count = rounds;
    }
}

static bool before(const struct turns *t, const struct turn_user *user, size_t a, size_t b)
{
    if (user[a].priority != user[b].priority)
        return user[a].priority > user[b].priority;
    return t->of[a].due_s + user[a].interval_s < t->of[b].due_s + user[b].interval_s;
}

/* Of those with a rate and due by then, whose turn it is; BS_USERS_MAX: nobody's. */
static size_t due_by(const struct turns *t, const struct turn_user *user, double by_s)
{
    size_t best = BS_USERS_MAX;
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        if (user[i].served && user[i].interval_s > 0 && t->of[i].due_s <= by_s &&
            (best == BS_USERS_MAX || before(t, user, i, best)))
            best = i;
    return best;
}

static size_t due_next(const struct turns *t, const struct turn_user *user)
{
    size_t best = BS_USERS_MAX;
    for (size_t i = 0; i < BS_USERS_MAX; i++)
        if (user[i].served && (best == BS_USERS_MAX || t->of[i].due_s < t->of[best].due_s))
            best = i;
    return best;
}

static size_t next_in_round(struct turns *t, const struct turn_user *user)
{
    for (size_t i = 1; i <= BS_USERS_MAX; i++) {
        const size_t place = (t->last + i) % BS_USERS_MAX;
        if (user[place].served && user[place].interval_s == 0)
            return t->last = place;
    }
    return BS_USERS_MAX;
}

size_t turns_next(struct turns *t, const struct turn_user user[BS_USERS_MAX], double now_s,
                  uint64_t turn)
{
    assert(served(user) > 0);
    if (!t->begun)
        begin(t, user, turn);
    welcome(t, user, now_s, turn);
    size_t place = due_by(t, user, now_s + ROUNDING_S);
    if (place == BS_USERS_MAX)
        place = next_in_round(t, user);
    if (place == BS_USERS_MAX)
        place = due_next(t, user);
    /* Who is far behind does not get several turns at once later. */
    if (t->of[place].due_s < now_s - user[place].interval_s || t->of[place].due_s > now_s)
        t->of[place].due_s = now_s;
    t->of[place].due_s += user[place].interval_s;
    t->of[place].count++;
    return place;
}

uint64_t turns_count(const struct turns *t, size_t place)
{
    return t->of[place].count;
}
