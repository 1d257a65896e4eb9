/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/command.h"
#include "base/config.h"
#include "base/log.h"
#include <jansson.h>
#include <string.h>

#define KEYS_MAX      10
#define WITHIN_US_MAX 3600000000 /* an hour */

struct spec {
    const char *name;
    enum command_kind kind;
    const char *keys[KEYS_MAX]; /* all that the command may carry besides "cmd" and "seq" */
};

static const struct spec specs[] = {
    {"load",
     COMMAND_LOAD,
     {"board", "slot", "columns", "rows", "bits", "name", "by_ns", "within_us"}},
    {"arm",
     COMMAND_ARM,
     {"board", "steps", "reps", "period_ns", "delay_ns", "idle", "cycle", "by_ns", "within_us"}},
    {"apply", COMMAND_APPLY, {"board", "slot", "when", "by_ns", "within_us"}},
    {"disarm", COMMAND_DISARM, {"board", "by_ns", "within_us"}},
    {"trigger", COMMAND_TRIGGER, {"board", "source", "by_ns", "within_us"}},
    {"readback", COMMAND_READBACK, {"board", "slot"}},
    {"status", COMMAND_STATUS, {"board"}},
    {"list", COMMAND_LIST, {NULL}},
    {"identify", COMMAND_IDENTIFY, {"board", "seconds"}},
    {"save", COMMAND_SAVE, {"board", "name", "columns", "rows", "bits"}},
    {"delete", COMMAND_DELETE, {"board", "name"}},
    {"profiles", COMMAND_PROFILES, {"board"}},
};
#define N_SPECS (sizeof specs / sizeof specs[0])

static const char *const trigger_names[] = {"none", "rising", "falling"};

const char *command_name(enum command_kind kind)
{
    if ((size_t)kind < N_SPECS)
        return specs[kind].name;
    return kind == COMMAND_STOP ? "stop" : "unknown";
}

bool command_changes(enum command_kind kind)
{
    return kind != COMMAND_READBACK && kind != COMMAND_STATUS && kind != COMMAND_LIST &&
           kind != COMMAND_PROFILES;
}

const char *command_trigger_name(unsigned source)
{
    return source <= RIS_TRIGGER_FALLING ? trigger_names[source] : "unknown";
}

/* The command being read: every getter does nothing after the first fault. */
struct reading {
    const json_t *root;
    const char *cmd;
    struct status *err;
};

static bool bad(const struct reading *r)
{
    return r->err->code != OK;
}

static uint64_t get_number(struct reading *r, const char *key, uint64_t min, uint64_t max)
{
    const json_t *v = json_object_get(r->root, key);
    if (bad(r))
        return 0;
    if (v == NULL)
        status_set(r->err, ERR_ARG, "%s: '%s' is missing; add it", r->cmd, key);
    else if (!json_is_integer(v) || json_integer_value(v) < (json_int_t)min ||
             (uint64_t)json_integer_value(v) > max)
        status_set(r->err, ERR_ARG, "%s: '%s' must be a whole number %llu to %llu; correct it",
                   r->cmd, key, (unsigned long long)min, (unsigned long long)max);
    else
        return (uint64_t)json_integer_value(v);
    return 0;
}

static size_t get_numbers(struct reading *r, const char *key, uint64_t min, uint16_t *out,
                          size_t max_items)
{
    const json_t *list = json_object_get(r->root, key);
    size_t n = json_array_size(list);
    if (bad(r))
        return 0;
    if (n < 1 || n > max_items) {
        status_set(r->err, ERR_ARG, "%s: '%s' must be a list of 1 to %zu whole numbers; correct it",
                   r->cmd, key, max_items);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < (json_int_t)min ||
            json_integer_value(v) >= RIS_SLOT_ACTIVE) {
            status_set(r->err, ERR_ARG,
                       "%s: '%s'[%zu] must be a whole number %llu to %u; "
                       "correct it",
                       r->cmd, key, i, (unsigned long long)min, RIS_SLOT_ACTIVE - 1);
            return 0;
        }
        out[i] = (uint16_t)json_integer_value(v);
    }
    return n;
}

/* Index of a word in names; missing gives fallback when that is >= 0. */
static int get_choice(struct reading *r, const char *key, const char *const *names, size_t n,
                      int fallback)
{
    const json_t *v = json_object_get(r->root, key);
    const char *word = json_string_value(v);
    if (bad(r) || (v == NULL && fallback >= 0))
        return fallback < 0 ? 0 : fallback;
    for (size_t i = 0; word != NULL && i < n; i++)
        if (strcmp(word, names[i]) == 0)
            return (int)i;
    status_set(r->err, ERR_ARG, "%s: '%s' must be \"%s\" or \"%s\"; correct it", r->cmd, key,
               names[n - 2], names[n - 1]);
    return 0;
}

static void get_board(struct reading *r, struct command *out)
{
    const char *name = json_string_value(json_object_get(r->root, "board"));
    if (bad(r) || out->kind == COMMAND_LIST || (out->kind == COMMAND_STATUS && name == NULL))
        return;
    if (name == NULL || name[0] == '\0' || strlen(name) > RIS_NAME_MAX)
        status_set(r->err, ERR_ARG, "%s: 'board' must be a board's name; add it", r->cmd);
    else
        strcpy(out->board, name);
}

static void get_name(struct reading *r, struct command *out)
{
    const char *name = json_string_value(json_object_get(r->root, "name"));
    if (bad(r))
        return;
    if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof out->name)
        status_set(r->err, ERR_ARG, "%s: 'name' must be a profile's name; add it", r->cmd);
    else
        strcpy(out->name, name);
}

static void get_pattern(struct reading *r, const void *pattern, size_t n, struct command *out)
{
    out->shape.columns = (uint8_t)get_number(r, "columns", 1, RIS_SIDE_MAX);
    out->shape.rows = (uint8_t)get_number(r, "rows", 1, RIS_SIDE_MAX);
    out->shape.bits = (uint8_t)get_number(r, "bits", 1, RIS_BITS_MAX);
    if (bad(r))
        return;
    size_t want = ris_pattern_bytes(out->shape);
    if (want == 0)
        status_set(r->err, ERR_ARG, "%s: a profile takes at most %u bytes; use fewer bits", r->cmd,
                   RIS_PATTERN_MAX);
    else if (pattern == NULL || n != want)
        status_set(r->err, ERR_ARG,
                   "%s: %u x %u elements of %u bits take a second frame of %zu "
                   "bytes, got %zu; send the packed pattern",
                   r->cmd, out->shape.columns, out->shape.rows, out->shape.bits, want, n);
    else if (!ris_pattern_valid(out->shape, pattern))
        status_set(r->err, ERR_ARG, "%s: spare bits of the last byte are set; clear them", r->cmd);
    else
        memcpy(out->pattern, pattern, n);
}

/* A slot is filled with the pattern sent along, or with a stored profile. */
static void get_load(struct reading *r, const void *pattern, size_t n, struct command *out)
{
    out->slot = (uint16_t)get_number(r, "slot", 0, RIS_SLOT_ACTIVE - 1);
    if (json_object_get(r->root, "name") == NULL)
        get_pattern(r, pattern, n, out);
    else if (json_object_get(r->root, "columns") != NULL || pattern != NULL)
        status_set(r->err, ERR_ARG, "load: a name or a pattern, not both; remove one");
    else
        get_name(r, out);
}

static void get_arm(struct reading *r, struct ris_arm *arm)
{
    arm->n_steps = (uint8_t)get_numbers(r, "steps", 0, arm->steps, RIS_STEPS_MAX);
    arm->n_edges = (uint8_t)get_numbers(r, "reps", 1, arm->reps, RIS_EDGES_MAX);
    arm->period_ns = (uint32_t)get_number(r, "period_ns", 1, UINT32_MAX);
    arm->delay_ns = (uint32_t)get_number(r, "delay_ns", 0, UINT32_MAX);
    arm->idle = (uint16_t)get_number(r, "idle", 0, RIS_SLOT_ACTIVE - 1);
    if (json_object_get(r->root, "cycle") != NULL)
        arm->tag = get_number(r, "cycle", 0, INT64_MAX) & UINT32_MAX; /* all that a board keeps */
}

static void get_time(struct reading *r, struct command *out)
{
    bool by = json_object_get(r->root, "by_ns") != NULL;
    bool within = json_object_get(r->root, "within_us") != NULL;
    if (by && within && !bad(r))
        status_set(r->err, ERR_ARG, "%s: 'by_ns' or 'within_us', not both; remove one", r->cmd);
    if (by)
        out->by_ns = (int64_t)get_number(r, "by_ns", 1, INT64_MAX);
    if (within)
        out->within_us = (int64_t)get_number(r, "within_us", 1, WITHIN_US_MAX);
}

static void get_fields(struct reading *r, const void *pattern, size_t n_pattern,
                       struct command *out)
{
    static const char *const whens[] = {"now", "trigger"};
    get_board(r, out);
    get_time(r, out);
    switch (out->kind) {
    case COMMAND_LOAD:
        get_load(r, pattern, n_pattern, out);
        break;
    case COMMAND_SAVE:
        get_name(r, out);
        get_pattern(r, pattern, n_pattern, out);
        break;
    case COMMAND_DELETE:
        get_name(r, out);
        break;
    case COMMAND_IDENTIFY:
        out->seconds = 5;
        if (json_object_get(r->root, "seconds") != NULL)
            out->seconds = (unsigned)get_number(r, "seconds", 1, 60);
        break;
    case COMMAND_ARM:
        get_arm(r, &out->arm);
        break;
    case COMMAND_APPLY:
        out->slot = (uint16_t)get_number(r, "slot", 0, RIS_SLOT_ACTIVE - 1);
        out->when = (enum ris_when)get_choice(r, "when", whens, 2, RIS_NOW);
        break;
    case COMMAND_TRIGGER:
        out->source = (enum ris_trigger)get_choice(r, "source", trigger_names, 3, -1);
        break;
    case COMMAND_READBACK:
        out->slot = RIS_SLOT_ACTIVE;
        if (json_object_get(r->root, "slot") != NULL)
            out->slot = (uint16_t)get_number(r, "slot", 0, RIS_SLOT_ACTIVE - 1);
        break;
    default:
        break;
    }
}

/* Refuses keys that the command does not have: a misspelt one would silently do nothing. */
static void check_keys(struct reading *r, const struct spec *spec)
{
    const char *key;
    const json_t *value;
    const char *known[KEYS_MAX + 2] = {"cmd", "seq"};
    size_t n = 2;
    for (size_t i = 0; i < KEYS_MAX && spec->keys[i] != NULL; i++)
        known[n++] = spec->keys[i];
    json_object_foreach((json_t *)(uintptr_t)r->root, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || strcmp(key, known[i]) == 0;
        const char *near = config_nearest(key, known, n);
        if (!found && !bad(r))
            status_set(r->err, ERR_ARG, "%s: unknown key '%.40s'; %s%s%s", r->cmd, key,
                       near != NULL ? "did you mean '" : "remove it", near != NULL ? near : "",
                       near != NULL ? "'?" : "");
    }
}

static const struct spec *find_spec(struct reading *r)
{
    const char *names[N_SPECS];
    for (size_t i = 0; i < N_SPECS; i++) {
        names[i] = specs[i].name;
        if (r->cmd != NULL && strcmp(r->cmd, names[i]) == 0)
            return &specs[i];
    }
    const char *near = r->cmd != NULL ? config_nearest(r->cmd, names, N_SPECS) : NULL;
    if (r->cmd == NULL)
        status_set(r->err, ERR_FORMAT, "'cmd' is missing; add \"cmd\": \"status\" or another");
    else if (near != NULL)
        status_set(r->err, ERR_FORMAT, "unknown command '%.40s'; did you mean '%s'?", r->cmd, near);
    else
        status_set(r->err, ERR_FORMAT,
                   "unknown command '%.40s'; use load, arm, apply, disarm, trigger, readback, "
                   "status, list, identify, save, delete or profiles",
                   r->cmd);
    return NULL;
}

int command_parse(const void *json, size_t n, const void *pattern, size_t n_pattern,
                  struct command *out, struct status *err)
{
    json_error_t fault;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
    struct reading r = {.root = root, .err = err};
    *err = (struct status){.code = OK};
    memset(out, 0, sizeof *out);
    out->kind = COMMAND_UNKNOWN;
    if (root == NULL || !json_is_object(root)) {
        json_decref(root);
        return status_set(err, ERR_FORMAT, "not a JSON object: %s; see docs/ris-protocol.md",
                          root == NULL ? fault.text : "another type");
    }
    r.cmd = "command";
    out->seq = get_number(&r, "seq", 0, INT64_MAX);
    r.cmd = json_string_value(json_object_get(root, "cmd"));
    const struct spec *spec = bad(&r) ? NULL : find_spec(&r);
    if (spec != NULL) {
        out->kind = spec->kind;
        check_keys(&r, spec);
        get_fields(&r, pattern, n_pattern, out);
    }
    json_decref(root);
    return err->code;
}
