/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/faults.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define JOIN_(id, name) "|" name
static const char choices[] = AIR_FAULT_KINDS(JOIN_);

static const struct config_key entry_keys[] = {
    {"at_s", CONFIG_DOUBLE(struct fault_entry, at_s), .unit = "s", .min = 0, .max = 1e7,
     .help = "room time"},
    {"for_s", CONFIG_DOUBLE(struct fault_entry, for_s), .unit = "s", .min = 1e-6, .max = 1e7,
     .def = CONFIG_UNSET, .help = "how long it holds"},
    {"radio", CONFIG_STRING(struct fault_entry, radio), .def = "bs"},
    {"channel", CONFIG_INT(struct fault_entry, channel), .min = -1, .max = AIR_MAX_PORTS - 1,
     .def = "-1", .help = "receive channel; -1: all"},
    {"what", CONFIG_CHOICE(struct fault_entry, what, choices + 1)},
    {"samples", CONFIG_INT(struct fault_entry, samples), .min = -1, .max = 1000000000, .def = "-1"},
    {"after_samps", CONFIG_INT(struct fault_entry, after_samps), .min = -1, .max = 1000000000,
     .def = "-1", .help = "into the capture or burst"},
    {"count", CONFIG_INT(struct fault_entry, count), .min = -1, .max = 1000000, .def = "-1",
     .help = "how many opportunities"},
    {"every", CONFIG_INT(struct fault_entry, every), .min = -1, .max = 1000000, .def = "-1",
     .help = "only each n-th opportunity"},
    {"db", CONFIG_DOUBLE(struct fault_entry, db), .unit = "dB", .min = -100, .max = 100,
     .def = CONFIG_UNSET},
    {"deg", CONFIG_DOUBLE(struct fault_entry, deg), .unit = "degrees", .min = -360, .max = 360,
     .def = CONFIG_UNSET},
    {"deg_per_s", CONFIG_DOUBLE(struct fault_entry, deg_per_s), .unit = "degrees/s", .min = -3600,
     .max = 3600, .def = CONFIG_UNSET},
    {"ppm", CONFIG_DOUBLE(struct fault_entry, ppm), .unit = "ppm", .min = -100, .max = 100,
     .def = CONFIG_UNSET},
    {"jump_s", CONFIG_DOUBLE(struct fault_entry, jump_s), .unit = "s", .min = -1e6, .max = 1e6,
     .def = CONFIG_UNSET},
    {"boot_s", CONFIG_DOUBLE(struct fault_entry, boot_s), .unit = "s", .min = 0, .max = 1e4,
     .def = CONFIG_UNSET},
    {"silent", CONFIG_BOOL(struct fault_entry, silent), .def = "no"},
    {"keeps_time", CONFIG_BOOL(struct fault_entry, keeps_time), .def = "no"},
};
static const struct config_table entry_table = CONFIG_TABLE(struct fault_entry, entry_keys);
static const struct config_key script_keys[] = {
    {"faults", CONFIG_LIST(struct fault_script, faults, n, &entry_table)},
};
static const struct config_table script_table = CONFIG_TABLE(struct fault_script, script_keys);

/* --- what each kind takes --------------------------------------------------------------------- */

enum { /* keys */
       FOR = 1,
       CHANNEL = 2,
       SAMPLES = 4,
       AFTER = 8,
       DB = 16,
       DEG = 32,
       DEG_PER_S = 64,
       PPM = 128,
       JUMP = 256,
       BOOT = 512,
       SILENT = 1024,
       TIMES = 2048, /* count, every: a one-shot */
       KEEPS = 4096,
       N_PARAM = 13
};
static const char *const key_names[N_PARAM] = {
    "for_s",  "channel", "samples", "after_samps",    "db",        "deg", "deg_per_s", "ppm",
    "jump_s", "boot_s",  "silent",  "count or every", "keeps_time"};

static const struct {
    unsigned may, must;
    int64_t samples, after_samps; /* defaults */
    double value;
} rules[AIR_N_FAULT_KIND] = {
    [AIR_FAULT_OVERFLOW] = {TIMES | FOR | SAMPLES | AFTER, 0, 2000, 0, 0},
    [AIR_FAULT_OVERFLOW_STOP] = {TIMES | FOR | AFTER | SILENT, 0, 0, 0, 0},
    [AIR_FAULT_SEQUENCE] = {TIMES | FOR | SAMPLES | AFTER, 0, 2000, 0, 0},
    [AIR_FAULT_SHORT_RECV] = {TIMES | FOR | SAMPLES | AFTER, 0, 1, 0, 0},
    [AIR_FAULT_LATE_TX] = {TIMES | FOR, 0, 0, 0, 0},
    [AIR_FAULT_UNDERFLOW] = {TIMES | FOR | AFTER, 0, 0, 1000, 0},
    [AIR_FAULT_UNDERFLOW_IN_PACKET] = {TIMES | FOR | AFTER, 0, 0, 1000, 0},
    [AIR_FAULT_TX_SEQUENCE] = {TIMES | FOR | AFTER, 0, 0, 2000, 0},
    [AIR_FAULT_NO_ACK] = {TIMES | FOR, 0, 0, 0, 0},
    [AIR_FAULT_DROP_STREAM_CMD] = {TIMES | FOR, 0, 0, 0, 0},
    [AIR_FAULT_LATE_STREAM_CMD] = {TIMES | FOR, 0, 0, 0, 0},
    [AIR_FAULT_LATE_COMMAND] = {TIMES | FOR, 0, 0, 0, 0},
    [AIR_FAULT_NO_PPS] = {FOR, FOR, 0, 0, 0},
    [AIR_FAULT_REF_UNLOCKED] = {FOR | PPM, 0, 0, 0, 0},
    [AIR_FAULT_TIME_JUMP] = {JUMP, JUMP, 0, 0, 0},
    [AIR_FAULT_DEVICE_GONE] = {FOR | BOOT | KEEPS, FOR, 0, 0, 0},
    [AIR_FAULT_DEAD_CHANNEL] = {FOR | CHANNEL, 0, 0, 0, 0},
    [AIR_FAULT_GAIN_STEP] = {FOR | CHANNEL | DB, DB, 0, 0, 0},
    [AIR_FAULT_LO_JUMP] = {FOR | CHANNEL | DEG, 0, 0, 0, 90},
    [AIR_FAULT_PHASE_DRIFT] = {FOR | CHANNEL | DEG_PER_S, FOR | DEG_PER_S, 0, 0, 0},
    [AIR_FAULT_CLIPPING] = {FOR | CHANNEL | DB, 0, 0, 0, 20},
};

static unsigned given(const struct fault_entry *e)
{
    unsigned set = 0;
    set |= isnan(e->for_s) ? 0 : FOR;
    set |= e->channel < 0 ? 0 : CHANNEL;
    set |= e->samples < 0 ? 0 : SAMPLES;
    set |= e->after_samps < 0 ? 0 : AFTER;
    set |= isnan(e->db) ? 0 : DB;
    set |= isnan(e->deg) ? 0 : DEG;
    set |= isnan(e->deg_per_s) ? 0 : DEG_PER_S;
    set |= isnan(e->ppm) ? 0 : PPM;
    set |= isnan(e->jump_s) ? 0 : JUMP;
    set |= isnan(e->boot_s) ? 0 : BOOT;
    set |= e->silent ? SILENT : 0;
    set |= e->keeps_time ? KEEPS : 0;
    set |= e->count < 0 && e->every < 0 ? 0 : TIMES;
    return set;
}

static int check_keys(const struct fault_entry *e, struct status *err)
{
    unsigned set = given(e), extra = set & ~rules[e->what].may,
             missing = rules[e->what].must & ~set;
    const char *what = air_fault_name(e->what);
    for (int i = 0; i < N_PARAM; i++) {
        if (extra >> i & 1)
            return status_set(err, ERR_ARG, "'%s' has no %s; remove it", what, key_names[i]);
        if (missing >> i & 1)
            return status_set(err, ERR_ARG, "'%s' needs %s; add it", what, key_names[i]);
    }
    if (e->count == 0 || e->every == 0)
        return status_set(err, ERR_ARG,
                          "count and every are 1 or more; leave out what you do not "
                          "need");
    if (e->samples == 0)
        return status_set(err, ERR_ARG, "samples must be 1 or more");
    return 0;
}

/* The number of a kind that has one. */
static double value_of(const struct fault_entry *e)
{
    const double numbers[] = {e->db, e->deg, e->deg_per_s, e->ppm, e->jump_s};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!isnan(numbers[i]))
            return numbers[i];
    return rules[e->what].value;
}

static int resolve(const struct fault_entry *e, const struct air_cfg *cfg, struct air_fault *out,
                   struct status *err)
{
    unsigned r = 0;
    if (check_keys(e, err))
        return err->code;
    while (r < cfg->n_radios && strcmp(cfg->radios[r].name, e->radio) != 0)
        r++;
    if (r == cfg->n_radios)
        return status_set(err, ERR_ARG, "the room has no radio '%s'; it has '%s' and the users'",
                          e->radio, cfg->radios[0].name);
    if (e->channel >= (int)cfg->radios[r].n_rx)
        return status_set(err, ERR_ARG, "radio '%s' has no receive channel %d; it has 0 to %u",
                          e->radio, e->channel, cfg->radios[r].n_rx - 1);
    double end_s = e->at_s + e->for_s + (isnan(e->boot_s) ? 0 : e->boot_s);
    bool times = rules[e->what].may & TIMES, once = isnan(e->for_s) && e->every < 0;
    *out = (struct air_fault){
        .kind = e->what,
        .radio = r,
        .channel = e->channel,
        .at_tick = llround(e->at_s * cfg->rate_hz),
        .until_tick = isnan(e->for_s) ? AIR_NEVER : llround(end_s * cfg->rate_hz),
        .count = e->count > 0    ? (unsigned)e->count
                 : times && once ? 1
                                 : 0,
        .every = e->every > 0 ? (unsigned)e->every : 1,
        .samples = e->samples > 0 ? e->samples : rules[e->what].samples,
        .after_samps = e->after_samps >= 0 ? e->after_samps : rules[e->what].after_samps,
        .value = value_of(e),
        .silent = e->silent,
        .keeps_time = e->keeps_time,
    };
    if (out->until_tick <= out->at_tick)
        return status_set(err, ERR_ARG, "for_s is shorter than a sample; lengthen it");
    return 0;
}

static int resolve_all(const char *name, const struct fault_script *script,
                       const struct air_cfg *cfg, struct air_fault *out, size_t *n,
                       struct status *err)
{
    unsigned drifts[AIR_MAX_RADIOS] = {0};
    for (*n = 0; *n < script->n; ++*n) {
        struct air_fault *f = &out[*n];
        int rc = resolve(&script->faults[*n], cfg, f, err);
        if (!rc && f->kind == AIR_FAULT_REF_UNLOCKED && f->value != 0 && ++drifts[f->radio] > 64)
            rc = status_set(err, ERR_ARG, "more than 64 'ref_unlocked' with ppm; remove some");
        if (!rc)
            continue;
        char place[32];
        struct status why = {.code = rc};
        snprintf(place, sizeof place, "faults[%zu]", *n);
        snprintf(why.text, sizeof why.text, "%s: %.200s", place, err->text);
        *n = 0;
        *err = why;
        return config_blame(&script_table, name, place, err);
    }
    return 0;
}

int faults_load(const char *file, const struct air_cfg *cfg, struct air_fault *out, size_t *n,
                struct status *err)
{
    struct fault_script *script = calloc(1, sizeof *script);
    *n = 0;
    if (!script)
        return status_set(err, ERR_NO_MEMORY, "out of memory");
    int rc = config_load(&script_table, file, NULL, script, err);
    if (!rc)
        rc = resolve_all(file, script, cfg, out, n, err);
    free(script);
    return rc;
}

int faults_parse(const char *name, const char *text, size_t length, const struct air_cfg *cfg,
                 struct air_fault *out, size_t *n, struct status *err)
{
    struct fault_script *script = calloc(1, sizeof *script);
    *n = 0;
    if (!script)
        return status_set(err, ERR_NO_MEMORY, "out of memory");
    int rc = config_parse(&script_table, name, text, length, NULL, script, err);
    if (!rc)
        rc = resolve_all(name, script, cfg, out, n, err);
    free(script);
    return rc;
}

int faults_every(int kind, unsigned every, struct air_fault *out, struct status *err)
{
    if (rules[kind].must)
        return status_set(err, ERR_ARG, "this fault needs a script: give faults=FILE");
    if (every == 0)
        return status_set(err, ERR_ARG, "must be 1 or more");
    *out = (struct air_fault){
        .kind = kind,
        .channel = -1,
        .until_tick = AIR_NEVER,
        .every = every,
        .samples = rules[kind].samples,
        .after_samps = rules[kind].after_samps,
        .value = rules[kind].value,
    };
    return 0;
}

int faults_kinds(const char *list, uint32_t *kinds, struct status *err)
{
    *kinds = 0;
    if (strcmp(list, "all") == 0)
        *kinds = (UINT32_C(1) << AIR_N_FAULT_KIND) - 1;
    for (const char *at = list; *at && !(*kinds >> AIR_N_FAULT_KIND) && strcmp(list, "all");) {
        size_t n = strcspn(at, ",");
        int kind = 0;
        while (kind < AIR_N_FAULT_KIND &&
               (strlen(air_fault_name(kind)) != n || strncmp(air_fault_name(kind), at, n) != 0))
            kind++;
        if (kind == AIR_N_FAULT_KIND)
            return status_set(err, ERR_ARG, "no fault '%.*s'; docs/simulator.md lists them", (int)n,
                              at);
        *kinds |= UINT32_C(1) << kind;
        at += n + (at[n] == ',');
    }
    return *kinds ? 0 : status_set(err, ERR_ARG, "no fault is named");
}
