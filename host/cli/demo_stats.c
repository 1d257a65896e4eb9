/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double json_number_at(const json_t *object, const char *path)
{
    char key[64];
    while (object) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof key)
            return 0;
        memcpy(key, path, n);
        key[n] = 0;
        object = json_object_get(object, key);
        if (!path[n])
            break;
        path += n + 1;
    }
    return json_number_value(object);
}

static double element(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

/* Truth inside the horizontal 95 % ellipse of the fix: e^T C^-1 e <= chi2. */
static int is_inside(const json_t *fix)
{
    const json_t *position = json_object_get(fix, "position_m"),
                 *truth = json_object_get(fix, "truth_m");
    const json_t *rows = json_object_get(fix, "covariance_m2");
    double a = element(json_array_get(rows, 0), 0), b = element(json_array_get(rows, 0), 1);
    double d = element(json_array_get(rows, 1), 1), det = a * d - b * b;
    double x = element(position, 0) - element(truth, 0),
           y = element(position, 1) - element(truth, 1);
    return det > 0 && (d * x * x - 2 * b * x * y + a * y * y) / det <= STATS_CHI2_95;
}

static int grow(struct stats *s)
{
    size_t capacity = s->capacity ? 2 * s->capacity : 1024;
    double *error = realloc(s->error_m, capacity * sizeof *error);
    if (error)
        s->error_m = error;
    double *latency = realloc(s->latency_ms, capacity * sizeof *latency);
    if (latency)
        s->latency_ms = latency;
    int *user = realloc(s->user, capacity * sizeof *user);
    if (user)
        s->user = user;
    if (!error || !latency || !user)
        return ERR_NO_MEMORY;
    s->capacity = capacity;
    return 0;
}

int stats_add(struct stats *s, const json_t *fix)
{
    const json_t *error = json_object_get(fix, "error_m"),
                 *latency = json_object_get(fix, "latency_ms");
    if (!json_is_number(error) || !json_is_number(latency))
        return ERR_FORMAT;
    if (s->n == s->capacity && grow(s) != 0)
        return ERR_NO_MEMORY;
    s->error_m[s->n] = json_number_value(error);
    s->user[s->n] = (int)json_number_at(fix, "user");
    s->latency_ms[s->n++] = json_number_value(latency);
    s->inside += (size_t)is_inside(fix);
    match_tally_add(&s->by_steering, fix);
    return 0;
}

static const char *const length_names[] = {"L1", "L2", "L3"};

void stats_add_lengths(struct stats *s, const json_t *cycle)
{
    size_t i;
    json_t *path;
    json_array_foreach(json_object_get(cycle, "paths"), i, path)
    {
        const char *name = json_string_value(json_object_get(path, "name"));
        const double error = json_number_at(path, "error_m"),
                     told = json_number_at(path, "sigma_m");
        for (size_t k = 0; name && k < 3; k++)
            if (strcmp(name, length_names[k]) == 0) {
                s->length[k].n++;
                s->length[k].square += error * error;
                s->length[k].bound += told * told;
            }
    }
}

static json_t *of_lengths(const struct stats *s)
{
    json_t *all = json_object();
    for (size_t k = 0; k < 3; k++) {
        const struct stats_length *l = &s->length[k];
        const double n = (double)l->n;
        if (l->n > 0)
            json_object_set_new(all, length_names[k],
                                json_pack("{s:I, s:f, s:f}", "n", (json_int_t)l->n, "rms_m",
                                          sqrt(l->square / n), "told_rms_m", sqrt(l->bound / n)));
    }
    return all;
}

void stats_set_health(struct stats *s, json_t *health)
{
    json_decref(s->health);
    s->health = health;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_percentile(double *values, size_t n, double p)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, ascending);
    return values[(size_t)(p / 100 * (double)(n - 1) + 0.5)];
}

static json_t *rank(double *values, size_t n, double p)
{
    return n > 0 ? json_real(stats_percentile(values, n, p)) : json_null();
}

static json_t *count(const struct stats *s, const char *path)
{
    return json_integer((json_int_t)json_number_at(s->health, path));
}

static json_t *count_two(const struct stats *s, const char *path, const char *other)
{
    return json_integer(
        (json_int_t)(json_number_at(s->health, path) + json_number_at(s->health, other)));
}

/* Of the user's own counters, and the errors of the fixes. Before error_m is sorted. */
static json_t *of_user(const struct stats *s, const json_t *counters)
{
    const int id = (int)json_number_at(counters, "id");
    double *error_m = malloc((s->n + 1) * sizeof *error_m);
    size_t n = 0;
    for (size_t i = 0; error_m && i < s->n; i++)
        if (s->user[i] == id)
            error_m[n++] = s->error_m[i];
    json_t *j = json_pack(
        "{s:i, s:I, s:I, s:I}", "id", id, "asked", (json_int_t)json_number_at(counters, "asked"),
        "permitted", (json_int_t)json_number_at(counters, "permitted"), "fixes", (json_int_t)n);
    json_object_set(j, "state", json_object_get(counters, "state"));
    json_object_set_new(j, "error_p50_m", rank(error_m, n, 50));
    json_object_set_new(j, "error_p90_m", rank(error_m, n, 90));
    free(error_m);
    return j;
}

static json_t *of_users(const struct stats *s)
{
    const json_t *users = json_object_get(s->health, "users");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(users); i++)
        json_array_append_new(list, of_user(s, json_array_get(users, i)));
    return list;
}

json_t *stats_summary(struct stats *s, double wall_s)
{
    json_t *j = json_pack("{s:s}", "type", "summary");
    json_object_set_new(j, "users", of_users(s)); /* first: the ranks sort */
    json_object_set_new(j, "cycles", count(s, "cycles"));
    json_object_set_new(j, "responses", count(s, "responses"));
    json_object_set(j, "answers", json_object_get(s->health, "response")); /* by verdict */
    json_object_set_new(j, "fixes", json_integer((json_int_t)s->n));
    json_object_set_new(j, "refused_fixes", count(s, "refused_fixes"));
    json_object_set_new(j, "error_p50_m", rank(s->error_m, s->n, 50));
    json_object_set_new(j, "error_p90_m", rank(s->error_m, s->n, 90));
    json_object_set_new(j, "error_p95_m", rank(s->error_m, s->n, 95));
    json_object_set_new(j, "inside_95_ellipse",
                        s->n > 0 ? json_real((double)s->inside / (double)s->n) : json_null());
    if (s->by_steering.steered > 0) {
        json_object_set_new(j, "steered", json_integer((json_int_t)s->by_steering.steered));
        json_object_set_new(j, "misidentified",
                            json_integer((json_int_t)s->by_steering.misidentified));
    }
    json_object_set_new(j, "lengths_without_fix", of_lengths(s));
    json_object_set_new(j, "latency_p50_ms", rank(s->latency_ms, s->n, 50));
    json_object_set_new(j, "latency_p99_ms", rank(s->latency_ms, s->n, 99));
    json_object_set_new(j, "lates", count_two(s, "radio.tx_lates", "radio.rx_late_commands"));
    json_object_set_new(j, "overflows", count(s, "radio.rx_overflows"));
    json_object_set_new(j, "underflows", count(s, "radio.tx_underflows"));
    json_object_set_new(j, "gaps", count(s, "radio.rx_gaps"));
    json_object_set_new(j, "ris_acks", count(s, "ris.acks"));
    json_object_set_new(j, "ris_late", count_two(s, "ris.late", "ris.lost"));
    json_object_set(j, "radio", json_object_get(s->health, "radio"));   /* all its counters */
    json_object_set(j, "faults", json_object_get(s->health, "faults")); /* cycles each touched */
    json_object_set_new(j, "wall_s", json_real(wall_s));
    json_object_set(j, "recorder", json_object_get(s->health, "recorder"));
    json_object_set_new(j, "room_s", json_real(json_number_at(s->health, "time_s")));
    return j;
}

void stats_clear(struct stats *s)
{
    free(s->error_m);
    free(s->latency_ms);
    free(s->user);
    json_decref(s->health);
    *s = (struct stats){0};
}
