/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/recording_journal.h"
#include "base/log.h"
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FORMAT    "mirador-recording"
#define SAMPS_MAX (1 << 28)
#define CHUNK_MAX (1 << 30)
enum { VERSION = 1 };

static char *dump(json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    return text;
}

/* --- writing -------------------------------------------------------------------------------- */

static json_t *hex(const void *bytes, size_t n)
{
    char text[2 * RIS_SIDE_MAX * RIS_SIDE_MAX + 1];
    return json_string(sodium_bin2hex(text, sizeof text, bytes, n));
}

json_t *journal_hash(uint64_t hash)
{
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return json_string(text);
}

/* JSON has no infinity: what is not a number is left out by being null. */
static json_t *real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *reals(const double *x, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, real(x[i]));
    return a;
}

static json_t *profiles_json(const struct profile_set *set)
{
    const size_t n = profile_elements(set);
    json_t *list = json_array(), *gamma = json_array();
    for (size_t s = 0; s < (size_t)1 << set->states.bits; s++) {
        const double pair[2] = {creal(set->states.gamma[s]), cimag(set->states.gamma[s])};
        json_array_append_new(gamma, reals(pair, 2));
    }
    for (size_t i = 0; i < set->n; i++)
        json_array_append_new(list, json_pack("{s:o,s:o}", "hash", journal_hash(set->hash[i]),
                                              "state", hex(set->state[i], n)));
    return json_pack("{s:i,s:i,s:i,s:o,s:o}", "columns", set->shape.columns, "rows",
                     set->shape.rows, "bits", (int)set->states.bits, "gamma", gamma, "profiles",
                     list);
}

char *journal_format_head(const struct recording_head *h)
{
    json_t *ris = json_array();
    for (size_t i = 0; i < BS_RIS; i++)
        json_array_append_new(ris, profiles_json(&h->profiles[i]));
    return dump(json_pack("{s:s,s:i,s:s,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:I,s:s,s:o}", "format", FORMAT,
                          "v", VERSION, "program", h->version, "first_tick",
                          (json_int_t)h->first_tick, "tick0", (json_int_t)h->tick0, "unix0_s",
                          h->unix0_s, "rate_hz", h->rate_hz, "carrier_hz", h->carrier_hz,
                          "tx_gain_db", h->tx_gain_db, "rx_gain_db", h->rx_gain_db, "n_rx",
                          (json_int_t)h->n_rx, "serial", h->serial, "ris", ris));
}

static json_t *window_json(const struct recording_window *w, size_t kind)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "kind", recording_window_name[kind], "tick",
                     (json_int_t)w->info.tick, "n", (json_int_t)w->n_samp, "valid",
                     (json_int_t)w->info.n_valid, "faults", (json_int_t)w->info.faults,
                     "plan_faults", (json_int_t)w->plan_faults, "first", (json_int_t)w->first);
}

static json_t *chunk_json(const struct recording_chunk *c)
{
    return json_pack("{s:I,s:I,s:I}", "at", (json_int_t)c->at, "n", (json_int_t)c->n, "crc",
                     (json_int_t)c->crc);
}

static json_t *update_json(const struct site_update *u)
{
    json_t *o = json_object();
    if (u->set_zero)
        json_object_set_new(o, "zero", reals(&u->zero.latency_s, 2));
    if (u->set_correction) {
        json_t *a = json_array();
        for (size_t i = 0; i < STREAM_MAX_ANT; i++) {
            const double pair[2] = {(double)crealf(u->correction[i]),
                                    (double)cimagf(u->correction[i])};
            json_array_append_new(a, reals(pair, 2));
        }
        json_object_set_new(o, "correction", a);
    }
    return o;
}

static json_t *answer_json(const struct cycle_report *r)
{
    json_t *o = json_pack("{s:o,s:i}", "bytes", hex(r->answer_bytes, sizeof r->answer_bytes),
                          "code", r->response_code);
    if (r->response == RESPONSE_PERMITTED)
        json_object_set_new(o, "says",
                            json_pack("{s:i,s:i,s:i,s:i}", "mode", r->answer.mode, "height_cm",
                                      r->answer.height_cm, "sigma", r->answer.sigma_code,
                                      "turnaround_ds", r->answer.turnaround_ds));
    return o;
}

static json_t *report_json(const struct cycle_report *r)
{
    json_t *o = json_pack("{s:f,s:i,s:i,s:i,s:I,s:i,s:b,s:b}", "time_s", r->time_s, "user",
                          r->user_id, "response", (int)r->response, "outcome", (int)r->outcome,
                          "faults", (json_int_t)r->faults, "zero", (int)r->site.zero, "background",
                          r->background_valid, "capturing", r->background_running);
    if (r->outcome == FIX_DONE) {
        json_object_set_new(o, "position_m", reals(&r->fix.position.x, 3));
        json_object_set_new(o, "covariance_m2", reals(&r->fix.cov[0][0], 9));
        if (r->track.alive)
            json_object_set_new(o, "track", reals(r->track.x, 6));
    }
    return o;
}

static json_t *plan_json(const struct cycle_plan *p)
{
    const struct radio_setting *r = &p->radio;
    json_t *o = json_pack(
        "{s:I,s:I,s:I,s:b,s:o,s:b,s:I,s:I,s:[i,i],s:{s:f,s:f,s:f}}", "cycle", (json_int_t)p->cycle,
        "index", (json_int_t)p->index, "user", (json_int_t)p->user, "others", p->others, "sensing",
        hex(p->sensing, sizeof p->sensing), "sync", p->sync, "excused", (json_int_t)p->excused,
        "tuning", (json_int_t)p->tuning, "profile", p->profile[0], p->profile[1], "radio",
        "carrier_hz", r->carrier_hz, "tx_gain_db", r->tx_gain_db, "rx_gain_db", r->rx_gain_db);
    if (p->still)
        json_object_set_new(o, "still", json_true());
    return o;
}

char *journal_format_cycle(const struct recording_cycle *c)
{
    json_t *o =
        json_pack("{s:o,s:o}", "plan", plan_json(&c->plan), "report", report_json(&c->report));
    json_t *windows = json_array();
    for (size_t i = 0; i < RECORDING_WINDOWS; i++)
        if (c->window[i].there)
            json_array_append_new(windows, window_json(&c->window[i], i));
    json_object_set_new(o, "windows", windows);
    if (c->input.capture >= 0)
        json_object_set_new(o, "capture", json_integer(c->input.capture));
    if (c->input.withheld)
        json_object_set_new(o, "withheld", json_integer(c->input.withheld));
    if (c->input.updated)
        json_object_set_new(o, "update", update_json(&c->input.update));
    if (c->state.n)
        json_object_set_new(o, "state", chunk_json(&c->state));
    for (size_t i = 0; i < BS_RIS; i++)
        if (c->pixels[i].n)
            json_object_set_new(o, i ? "pixels1" : "pixels0", chunk_json(&c->pixels[i]));
    if (c->report.answered)
        json_object_set_new(o, "answer", answer_json(&c->report));
    if (c->mark[0])
        json_object_set_new(o, "mark", json_string(c->mark));
    return dump(o);
}

char *journal_format_end(const char *why, uint64_t cycles)
{
    return dump(json_pack("{s:s,s:I}", "end", why, "cycles", (json_int_t)cycles));
}

/* --- reading: `bad` keeps the first member that is missing or out of range ------------------- */

struct take {
    const char *bad;
};

static int64_t whole(struct take *t, const json_t *o, const char *name, int64_t min, int64_t max)
{
    const json_t *v = json_object_get(o, name);
    int64_t x = json_integer_value(v);
    if (json_is_integer(v) && x >= min && x <= max)
        return x;
    t->bad = t->bad ? t->bad : name;
    return min;
}

static uint32_t bits(struct take *t, const json_t *o, const char *name)
{
    return (uint32_t)whole(t, o, name, 0, UINT32_MAX);
}

static bool yes(struct take *t, const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    if (!json_is_boolean(v))
        t->bad = t->bad ? t->bad : name;
    return json_is_true(v);
}

static double number(struct take *t, const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    if (!json_is_number(v))
        t->bad = t->bad ? t->bad : name;
    return json_number_value(v);
}

static void numbers(struct take *t, const json_t *list, const char *name, double *x, size_t n)
{
    if (json_array_size(list) != n)
        t->bad = t->bad ? t->bad : name;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        x[i] = json_is_null(v) ? NAN : json_number_value(v);
    }
}

static void words(struct take *t, const json_t *o, const char *name, char *out, size_t size)
{
    const char *v = json_string_value(json_object_get(o, name));
    if (!v || strlen(v) >= size)
        t->bad = t->bad ? t->bad : name;
    else
        memcpy(out, v, strlen(v) + 1);
}

static void bytes(struct take *t, const json_t *o, const char *name, void *out, size_t n)
{
    const char *v = json_string_value(json_object_get(o, name));
    size_t got = 0;
    if (!v || sodium_hex2bin(out, n, v, strlen(v), NULL, &got, NULL) || got != n)
        t->bad = t->bad ? t->bad : name;
}

static uint64_t hash_of(struct take *t, const json_t *o)
{
    uint8_t b[8] = {0};
    uint64_t hash = 0;
    bytes(t, o, "hash", b, sizeof b);
    for (size_t i = 0; i < sizeof b; i++)
        hash = hash << 8 | b[i];
    return hash;
}

static void take_profiles(struct take *t, const json_t *o, struct profile_set *set)
{
    const json_t *gamma = json_object_get(o, "gamma"), *list = json_object_get(o, "profiles");
    set->shape.columns = (uint8_t)whole(t, o, "columns", 1, RIS_SIDE_MAX);
    set->shape.rows = (uint8_t)whole(t, o, "rows", 1, RIS_SIDE_MAX);
    set->states.bits = (unsigned)whole(t, o, "bits", 1, 3);
    set->shape.bits = (uint8_t)set->states.bits;
    set->n = json_array_size(list);
    if (set->n < 1 || set->n > PROFILES_MAX)
        t->bad = t->bad ? t->bad : "profiles";
    const size_t states = (size_t)1 << set->states.bits;
    for (size_t s = 0; s < states && !t->bad; s++) {
        double pair[2] = {0};
        numbers(t, json_array_get(gamma, s), "gamma", pair, 2);
        set->states.gamma[s] = pair[0] + I * pair[1];
    }
    for (size_t i = 0; i < set->n && !t->bad; i++) {
        const json_t *p = json_array_get(list, i);
        set->hash[i] = hash_of(t, p);
        bytes(t, p, "state", set->state[i], profile_elements(set));
        for (size_t m = 0; m < profile_elements(set); m++)
            if (set->state[i][m] >= states)
                t->bad = t->bad ? t->bad : "state";
    }
}

static void take_head(struct take *t, const json_t *o, struct recording_head *h)
{
    const json_t *ris = json_object_get(o, "ris");
    (void)whole(t, o, "v", VERSION, VERSION);
    words(t, o, "program", h->version, sizeof h->version);
    words(t, o, "serial", h->serial, sizeof h->serial);
    h->first_tick = whole(t, o, "first_tick", 0, INT64_MAX / 4);
    h->tick0 = whole(t, o, "tick0", INT64_MIN / 4, INT64_MAX / 4);
    h->unix0_s = number(t, o, "unix0_s");
    h->rate_hz = number(t, o, "rate_hz");
    h->carrier_hz = number(t, o, "carrier_hz");
    h->tx_gain_db = number(t, o, "tx_gain_db");
    h->rx_gain_db = number(t, o, "rx_gain_db");
    h->n_rx = (size_t)whole(t, o, "n_rx", 1, RADIO_RX_MAX);
    if (!(h->rate_hz > 0) || !(fabs(h->unix0_s) < 1e12))
        t->bad = t->bad ? t->bad : "rate_hz";
    for (size_t i = 0; i < BS_RIS; i++)
        take_profiles(t, json_array_get(ris, i), &h->profiles[i]);
}

static void take_window(struct take *t, const json_t *o, struct recording_cycle *c)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    size_t i = 0;
    while (i < RECORDING_WINDOWS && (!kind || strcmp(kind, recording_window_name[i]) != 0))
        i++;
    if (i == RECORDING_WINDOWS) {
        t->bad = t->bad ? t->bad : "kind";
        return;
    }
    struct recording_window *w = &c->window[i];
    w->there = true;
    w->info.tick = whole(t, o, "tick", INT64_MIN / 4, INT64_MAX / 4);
    w->n_samp = (size_t)whole(t, o, "n", 1, SAMPS_MAX);
    w->info.n_valid = (size_t)whole(t, o, "valid", 0, (int64_t)w->n_samp);
    w->info.faults = bits(t, o, "faults");
    w->plan_faults = bits(t, o, "plan_faults");
    w->first = (uint64_t)whole(t, o, "first", 0, INT64_MAX / 64);
}

static void take_chunk(struct take *t, const json_t *o, const char *name, struct recording_chunk *c)
{
    const json_t *v = json_object_get(o, name);
    if (!v)
        return;
    c->at = (uint64_t)whole(t, v, "at", 0, INT64_MAX / 4);
    c->n = (size_t)whole(t, v, "n", 1, CHUNK_MAX);
    c->crc = bits(t, v, "crc");
}

static void take_input(struct take *t, const json_t *o, struct pipeline_input *in)
{
    const json_t *u = json_object_get(o, "update"), *zero = json_object_get(u, "zero"),
                 *list = json_object_get(u, "correction");
    in->capture = json_object_get(o, "capture") ? (int)whole(t, o, "capture", 0, 1000000) : -1;
    in->withheld = json_object_get(o, "withheld")
                       ? (unsigned)whole(t, o, "withheld", 0, (1 << BS_USERS_MAX) - 1)
                       : 0;
    in->updated = u != NULL;
    in->update.set_zero = zero != NULL;
    in->update.set_correction = list != NULL;
    if (zero)
        numbers(t, zero, "zero", &in->update.zero.latency_s, 2);
    for (size_t i = 0; list && i < STREAM_MAX_ANT; i++) {
        double pair[2] = {0};
        numbers(t, json_array_get(list, i), "correction", pair, 2);
        in->update.correction[i] = (cplxf)(pair[0] + I * pair[1]);
    }
}

static void take_plan(struct take *t, const json_t *o, struct cycle_plan *p)
{
    const json_t *profile = json_object_get(o, "profile"), *radio = json_object_get(o, "radio");
    p->cycle = (uint64_t)whole(t, o, "cycle", 0, INT64_MAX);
    p->index = whole(t, o, "index", 0, INT64_MAX / 4);
    p->user = (size_t)whole(t, o, "user", 0, BS_USERS_MAX - 1);
    bytes(t, o, "sensing", p->sensing, sizeof p->sensing);
    p->others = json_object_get(o, "others") && yes(t, o, "others"); /* earlier ones: one user */
    p->sync = yes(t, o, "sync");
    p->excused = bits(t, o, "excused");
    p->tuning = bits(t, o, "tuning");
    p->still = json_is_true(json_object_get(o, "still"));
    if (radio) /* earlier recordings: as the head says, throughout */
        p->radio =
            (struct radio_setting){number(t, radio, "carrier_hz"), number(t, radio, "tx_gain_db"),
                                   number(t, radio, "rx_gain_db")};
    for (size_t i = 0; i < BS_RIS; i++) {
        json_int_t v = json_integer_value(json_array_get(profile, i));
        if (json_array_size(profile) != BS_RIS || v < 0 || v >= PROFILES_MAX)
            t->bad = t->bad ? t->bad : "profile";
        else
            p->profile[i] = (uint8_t)v;
    }
}

static void take_answer(struct take *t, const json_t *o, struct cycle_report *r)
{
    const json_t *says = json_object_get(o, "says");
    r->answered = o != NULL;
    if (!o)
        return;
    bytes(t, o, "bytes", r->answer_bytes, sizeof r->answer_bytes);
    r->response_code = (int)whole(t, o, "code", ERR_INTERRUPTED, OK);
    if (!says)
        return;
    r->answer = (struct response){
        .permit = true,
        .mode = (uint8_t)whole(t, says, "mode", 0, 3),
        .height_cm = (uint16_t)whole(t, says, "height_cm", 0, 4095),
        .sigma_code = (uint8_t)whole(t, says, "sigma", 0, 3),
        .turnaround_ds = (int16_t)whole(t, says, "turnaround_ds", -512, 511),
    };
}

static void take_report(struct take *t, const json_t *o, struct cycle_report *r)
{
    r->time_s = number(t, o, "time_s");
    r->user_id = (int)whole(t, o, "user", 0, INT32_MAX);
    r->response = (enum response_verdict)whole(t, o, "response", 0, RESPONSE_VERDICTS - 1);
    r->outcome = (enum fix_outcome)whole(t, o, "outcome", 0, FIX_OUTCOMES - 1);
    r->faults = bits(t, o, "faults");
    r->site.zero = (enum zero_state)whole(t, o, "zero", 0, ZERO_STATES - 1);
    r->background_valid = yes(t, o, "background");
    r->background_running = yes(t, o, "capturing");
    if (r->outcome == FIX_DONE) {
        numbers(t, json_object_get(o, "position_m"), "position_m", &r->fix.position.x, 3);
        numbers(t, json_object_get(o, "covariance_m2"), "covariance_m2", &r->fix.cov[0][0], 9);
    }
    r->track.alive = json_object_get(o, "track") != NULL;
    if (r->track.alive)
        numbers(t, json_object_get(o, "track"), "track", r->track.x, 6);
}

static void take_cycle(struct take *t, const json_t *o, struct recording_cycle *c)
{
    size_t i;
    json_t *window;
    take_plan(t, json_object_get(o, "plan"), &c->plan);
    json_array_foreach(json_object_get(o, "windows"), i, window) take_window(t, window, c);
    if (!c->window[BLOCK_SENSING].there || !c->window[BLOCK_RESPONSE].there)
        t->bad = t->bad ? t->bad : "windows";
    take_input(t, o, &c->input);
    take_chunk(t, o, "state", &c->state);
    take_chunk(t, o, "pixels0", &c->pixels[0]);
    take_chunk(t, o, "pixels1", &c->pixels[1]);
    if (json_object_get(o, "mark"))
        words(t, o, "mark", c->mark, sizeof c->mark);
    take_report(t, json_object_get(o, "report"), &c->report);
    take_answer(t, json_object_get(o, "answer"), &c->report);
    if (c->report.response == RESPONSE_PERMITTED && !c->report.answer.permit)
        t->bad = t->bad ? t->bad : "says";
    c->report.plan = c->plan;
}

int journal_parse(const char *text, size_t n, struct journal_entry *out, struct status *err)
{
    struct take t = {0};
    json_error_t fault;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    const char *format = json_string_value(json_object_get(o, "format"));
    memset(out, 0, sizeof *out);
    if (!json_is_object(o)) {
        json_decref(o);
        return status_set(err, ERR_FORMAT, "not a line of a journal: %.100s", fault.text);
    }
    if (format) {
        out->line = JOURNAL_HEAD;
        if (strcmp(format, FORMAT) != 0)
            t.bad = "format";
        take_head(&t, o, &out->head);
    } else if (json_object_get(o, "end")) {
        out->line = JOURNAL_END;
        words(&t, o, "end", out->why, sizeof out->why);
    } else {
        out->line = JOURNAL_CYCLE;
        take_cycle(&t, o, &out->cycle);
    }
    json_decref(o);
    return t.bad ? status_set(err, ERR_FORMAT, "'%s' is missing or out of range", t.bad) : OK;
}
