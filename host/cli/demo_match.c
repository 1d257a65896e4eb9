/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_match.h"

#include <math.h>
#include <string.h>

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

static const struct truth_sample *truth_at(const struct match *m, size_t i)
{
    return &m->truths[(m->first + i) % MATCH_TRUTHS];
}

void match_add_truth(struct match *m, const json_t *json)
{
    const json_t *time = json_object_get(json, "time_s"), *users = json_object_get(json, "users");
    struct truth_sample sample = {.time_s = json_number_value(time)};
    if (!json_is_number(time) || (m->n > 0 && sample.time_s <= truth_at(m, m->n - 1)->time_s))
        return;
    for (size_t i = 0; i < json_array_size(users) && i < MATCH_USERS; i++) {
        const json_t *user = json_array_get(users, i);
        sample.users[i].id = (int)json_integer_value(json_object_get(user, "id"));
        sample.users[i].present = json_is_true(json_object_get(user, "present"));
        if (!read_vec3(json_object_get(user, "position_m"), sample.users[i].position_m))
            return;
        sample.n_users++;
    }
    if (m->n == MATCH_TRUTHS) {
        m->first = (m->first + 1) % MATCH_TRUTHS;
        m->n--;
    }
    m->truths[(m->first + m->n++) % MATCH_TRUTHS] = sample;
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

static const double *position_of(const struct truth_sample *sample, int user)
{
    for (size_t i = 0; i < sample->n_users; i++)
        if (sample->users[i].id == user)
            return sample->users[i].position_m;
    return NULL;
}

int match_truth(const struct match *m, int user, double time_s, double out[3])
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
    const double *b = position_of(after, user), *a = position_of(before, user);
    if (!a || !b || (low == 0 && after->time_s > time_s))
        return -1;
    double span = after->time_s - before->time_s;
    double w = span > 0 ? (time_s - before->time_s) / span : 0;
    for (int i = 0; i < 3; i++)
        out[i] = a[i] + w * (b[i] - a[i]);
    return 0;
}

static void add_truth_keys(json_t *fix, const double truth[3])
{
    double position[3];
    json_object_set_new(fix, "truth_m", json_pack("[f, f, f]", truth[0], truth[1], truth[2]));
    if (!read_vec3(json_object_get(fix, "position_m"), position))
        return;
    double dx = position[0] - truth[0], dy = position[1] - truth[1], dz = position[2] - truth[2];
    json_object_set_new(fix, "error_m", json_real(sqrt(dx * dx + dy * dy + dz * dz)));
}

json_t *match_take(struct match *m)
{
    while (m->n_waiting > 0) {
        json_t *fix = m->waiting[0];
        double truth[3];
        int user = (int)json_integer_value(json_object_get(fix, "user"));
        int rc = match_truth(m, user, json_number_value(json_object_get(fix, "time_s")), truth);
        if (rc > 0)
            return NULL;
        memmove(m->waiting, m->waiting + 1, --m->n_waiting * sizeof *m->waiting);
        if (rc == 0) {
            add_truth_keys(fix, truth);
            return fix;
        }
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
