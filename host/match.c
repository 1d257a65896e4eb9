/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/match.h"

#include <math.h>
#include <string.h>

#define MISIDENTIFIED_M 0.75

static bool read_vec3(const json_t *array, double out[3])
{
    if (json_array_size(array) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_array_get(array, i);
        if (!json_is_number(number))
            return false;
        out[i] = json_number_value(number);
    }
    return true;
}

static void read_lengths(const json_t *array, float out[MATCH_LENGTHS])
{
    for (size_t i = 0; i < MATCH_LENGTHS; i++) {
        const json_t *number = json_array_get(array, i);
        out[i] = json_is_number(number) ? (float)json_number_value(number) : NAN;
    }
}

static size_t capacity(const struct match *m)
{
    return m->keep ? m->keep : MATCH_TRUTHS;
}

static const struct truth_sample *truth_at(const struct match *m, size_t i)
{
    return &m->truths[(m->first + i) % capacity(m)];
}

void match_add_truth(struct match *m, const json_t *json)
{
    const json_t *time = json_object_get(json, "time_s"), *users = json_object_get(json, "users");
    struct truth_sample sample = {.time_s = json_number_value(time)};
    const double last_s = m->n > 0 ? truth_at(m, m->n - 1)->time_s : -INFINITY;
    if (!json_is_number(time) || sample.time_s == last_s)
        return;
    for (size_t i = 0; i < json_array_size(users) && i < MATCH_USERS; i++) {
        const json_t *user = json_array_get(users, i);
        sample.users[i].id = (int)json_integer_value(json_object_get(user, "id"));
        read_lengths(json_object_get(user, "lengths_m"), sample.users[i].length_m);
        if (!read_vec3(json_object_get(user, "position_m"), sample.users[i].position_m))
            return;
        sample.n_users++;
    }
    if (sample.time_s < last_s) /* of another room, which has begun anew */
        m->n = 0;
    if (m->n == capacity(m)) {
        m->first = (m->first + 1) % capacity(m);
        m->n--;
    }
    m->truths[(m->first + m->n++) % capacity(m)] = sample;
}

void match_add_fix(struct match *m, json_t *fix)
{
    if (m->n_waiting == MATCH_WAITING) {
        m->lost++;
        json_decref(fix);
        return;
    }
    m->waiting[m->n_waiting++] = fix;
}

static const struct truth_user *find_user(const struct truth_sample *sample, int user)
{
    for (size_t i = 0; i < sample->n_users; i++)
        if (sample->users[i].id == user)
            return &sample->users[i];
    return NULL;
}

static void blend(const struct truth_user *a, const struct truth_user *b, double w,
                  struct truth_user *out)
{
    for (size_t i = 0; i < 3; i++)
        out->position_m[i] = a->position_m[i] + w * (b->position_m[i] - a->position_m[i]);
    for (size_t i = 0; i < MATCH_LENGTHS; i++)
        out->length_m[i] = a->length_m[i] + (float)w * (b->length_m[i] - a->length_m[i]);
}

/* As match_truth. */
static int look_up(const struct match *m, int user, double time_s, struct truth_user *out)
{
    size_t low = 0, high = m->n;
    if (m->n == 0 || time_s > truth_at(m, m->n - 1)->time_s)
        return 1;
    while (low < high) { /* first truth that is not earlier */
        size_t middle = (low + high) / 2;
        if (truth_at(m, middle)->time_s < time_s)
            low = middle + 1;
        else
            high = middle;
    }
    const struct truth_sample *after = truth_at(m, low), *before = truth_at(m, low ? low - 1 : 0);
    const struct truth_user *b = find_user(after, user), *a = find_user(before, user);
    if (!a || !b || (low == 0 && after->time_s > time_s))
        return -1;
    double span = after->time_s - before->time_s;
    blend(a, b, span > 0 ? (time_s - before->time_s) / span : 0, out);
    return 0;
}

int match_truth(const struct match *m, int user, double time_s, double out[3])
{
    struct truth_user at;
    int rc = look_up(m, user, time_s, &at);
    if (rc == 0)
        memcpy(out, at.position_m, sizeof at.position_m);
    return rc;
}

/* By how much a path is too long; NaN where it is none of L1 to L3, or their truth was not told. */
static double length_error(const json_t *path, const struct truth_user *truth)
{
    static const char *const names[MATCH_LENGTHS] = {"L1", "L2", "L3"};
    const char *name = json_string_value(json_object_get(path, "name"));
    const double length_m = json_number_value(json_object_get(path, "length_m")) -
                            json_number_value(json_object_get(path, "bias_m"));
    for (size_t i = 0; name && i < MATCH_LENGTHS; i++)
        if (strcmp(name, names[i]) == 0)
            return length_m - (double)truth->length_m[i];
    return NAN;
}

/* The largest error of them in size; NaN: there is none. */
static double judge_lengths(json_t *paths, const struct truth_user *truth)
{
    double worst = NAN;
    size_t i;
    json_t *path;
    json_array_foreach(paths, i, path)
    {
        const double error = length_error(path, truth);
        if (isnan(error))
            continue;
        json_object_set_new(path, "error_m", json_real(error));
        worst = fmax(worst, fabs(error)); /* of a number and NaN the number */
    }
    return worst;
}

static void judge_position(json_t *found, const double truth[3])
{
    double position[3], square = 0;
    json_object_set_new(found, "truth_m", json_pack("[f, f, f]", truth[0], truth[1], truth[2]));
    if (!read_vec3(json_object_get(found, "position_m"), position))
        return;
    for (size_t i = 0; i < 3; i++)
        square += (position[i] - truth[i]) * (position[i] - truth[i]);
    json_object_set_new(found, "error_m", json_real(sqrt(square)));
}

static bool is_by_steering(const json_t *found)
{
    const char *identity = json_string_value(json_object_get(found, "identity"));
    return identity && strcmp(identity, "steering") == 0 && json_object_get(found, "position_m");
}

int match_judge(const struct match *m, json_t *found)
{
    struct truth_user truth;
    const int user = (int)json_integer_value(json_object_get(found, "user"));
    int rc = look_up(m, user, json_number_value(json_object_get(found, "time_s")), &truth);
    if (rc != 0)
        return rc;
    judge_position(found, truth.position_m);
    const double worst = judge_lengths(json_object_get(found, "paths"), &truth);
    if (is_by_steering(found) && !isnan((double)truth.length_m[0]))
        json_object_set_new(found, "misidentified", json_boolean(worst > MISIDENTIFIED_M));
    return 0;
}

bool match_tally_add(struct match_tally *tally, const json_t *found)
{
    const json_t *misidentified = json_object_get(found, "misidentified");
    tally->steered += misidentified != NULL;
    tally->misidentified += json_is_true(misidentified);
    return misidentified != NULL;
}

json_t *match_take(struct match *m)
{
    while (m->n_waiting > 0) {
        json_t *fix = m->waiting[0];
        int rc = match_judge(m, fix);
        if (rc > 0)
            return NULL;
        memmove(m->waiting, m->waiting + 1, --m->n_waiting * sizeof *m->waiting);
        if (rc == 0)
            return fix;
        m->lost++;
        json_decref(fix);
    }
    return NULL;
}

void match_clear(struct match *m)
{
    while (m->n_waiting > 0)
        json_decref(m->waiting[--m->n_waiting]);
}
