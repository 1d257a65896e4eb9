/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/e2e/fault_judge.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_S    0.2
#define MIDDLE_S    0.0029664 /* a cycle's time_s is the middle of its burst */
#define EARLY_S     0.0005    /* captures begin before the burst; clocks differ */
#define RETURN      2.05      /* cycles after a fault's end */
#define RETURN_LOSS 4.05      /* likewise, the end being known to two cycles only */

__attribute__((format(printf, 2, 3))) static void complain(struct fault_judge *j,
                                                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    j->violations++;
}

static double number(const json_t *o, const char *key, double missing)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : missing;
}

static bool is(const json_t *o, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text && strcmp(text, value) == 0;
}

static const json_t *radio_of(const json_t *report, const char *name)
{
    size_t i;
    json_t *radio;
    json_array_foreach(json_object_get(report, "radios"), i, radio)
    {
        if (is(radio, "name", name))
            return radio;
    }
    return NULL;
}

static void compare_counters(struct fault_judge *j, const json_t *theirs, const json_t *ours)
{
    static const char *const keys[][2] = {
        {"rx_overflows", "rx_overflows"},
        {"rx_sequence_errors", "rx_sequence_errors"},
        {"rx_lost_samps", "rx_gap_samps"},
        {"rx_late_cmds", "rx_late_commands"},
        {"tx_acks", "tx_acks"},
        {"tx_lates", "tx_lates"},
        {"tx_underflows", "tx_underflows"},
        {"tx_sequence_errors", "tx_sequence_errors"},
        {"device_losses", "losses"},
        {"time_jumps", "time_jumps"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        double want = number(theirs, keys[i][0], -1), got = number(ours, keys[i][1], -2);
        if (want != got)
            complain(j, "%s: the room counts %.0f, the daemon %.0f", keys[i][0], want, got);
    }
    /* with a device goes the acknowledgement of the burst it was sending */
    double withheld = number(theirs, "tx_acks_withheld", -1),
           unacked = number(ours, "tx_unacked", -2);
    if (unacked < withheld || unacked > withheld + number(theirs, "device_losses", 0))
        complain(j, "acknowledgements: the room withheld %.0f, the daemon missed %.0f", withheld,
                 unacked);
}

struct spell {       /* when a fault of the base station holds, on the daemon's clock */
    double from, to; /* [s] */
    bool marks;      /* it must show in a cycle */
    const char *what;
    double back; /* cycles after its end */
};

static bool one_of(const char *what, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(what, *list) == 0)
            return true;
    return false;
}

/* Kinds that the cycle they meet must show. A short recv harms nothing; clipping may leave the
 * signal below its limit; a drift is slow; a missing PPS matters to who uses it. */
static bool must_show(const json_t *fault)
{
    static const char *const kinds[] = {
        "overflow",  "overflow_stop",       "sequence",    "late_tx",         "underflow",
        "no_ack",    "underflow_in_packet", "tx_sequence", "drop_stream_cmd", "late_stream_cmd",
        "time_jump", "dead_channel",        "gain_step",   "lo_jump",         "device_gone",
        NULL};
    const char *what = json_string_value(json_object_get(fault, "what"));
    return what && one_of(what, kinds);
}

static bool has_fault(const json_t *cycle, const char *name)
{
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(cycle, "faults"), i, f)
    {
        if (!name || strcmp(json_string_value(f), name) == 0)
            return true;
    }
    return false;
}

static double start_of(const json_t *cycle)
{
    return number(cycle, "time_s", 0) - MIDDLE_S;
}

/* How far the daemon's clock is ahead of the room's after loss number n (from 1), known to a cycle
 * or two: from the first cycle after the n-th run of cycles without a radio. */
static double ahead_after(const json_t *cycles, unsigned n, double returned_s)
{
    size_t i;
    json_t *c;
    bool down = false;
    json_array_foreach(cycles, i, c)
    {
        bool now = has_fault(c, "radio_down");
        if (down && !now && --n == 0)
            return start_of(c) - returned_s;
        down = now;
    }
    return 0;
}

static size_t read_spells(const json_t *report, const json_t *cycles, struct spell *spell,
                          size_t max)
{
    size_t i, n = 0;
    json_t *f;
    double ahead = 0;
    unsigned losses = 0;
    bool kept = true;
    json_array_foreach(json_object_get(report, "faults"), i, f)
    {
        if (number(f, "fired", 0) < 1 || n == max)
            continue;
        const bool window = json_object_get(f, "until_s") != NULL && number(f, "until_s", 0) < 1e6;
        struct spell s = {
            .from = number(f, "first_s", 0),
            .to = number(f, "last_s", 0),
            .marks = must_show(f) && is(f, "radio", "bs"),
            .what = json_string_value(json_object_get(f, "what")),
            .back = kept ? RETURN : RETURN_LOSS,
        };
        if (window)
            s.to = fmax(s.to, number(f, "until_s", s.to));
        bool loss = is(f, "what", "device_gone") && is(f, "radio", "bs");
        s.from += ahead;
        s.to += ahead;
        if (loss) {
            losses++;
            if (!json_is_true(json_object_get(f, "keeps_time"))) {
                kept = false;
                ahead = ahead_after(cycles, losses, number(f, "until_s", 0));
            }
            s.to = number(f, "until_s", 0) + ahead;
            s.back = kept ? RETURN : RETURN_LOSS;
        }
        spell[n++] = s;
    }
    return n;
}

/* The cycle in which a fault began: the one under way, or the next if it fell between captures. */
static const json_t *cycle_at(const json_t *cycles, double t)
{
    size_t i;
    json_t *c;
    json_array_foreach(cycles, i, c)
    {
        if (t < start_of(c) + PERIOD_S - 2 * EARLY_S && t > start_of(c) - PERIOD_S)
            if (t < start_of(c) + 0.021 || t < start_of(c) - EARLY_S)
                return c;
    }
    return NULL;
}

/* An endless stream loses samples between two captures, which touches neither. */
static bool between_captures(const struct fault_judge *j, const json_t *next, const struct spell *s)
{
    static const char *const losses[] = {"overflow", "sequence", NULL};
    return j->continuous && one_of(s->what, losses) && s->from < start_of(next) - 3 * EARLY_S;
}

static void judge_marks(struct fault_judge *j, const json_t *cycles, const struct spell *s)
{
    static const char *const steps[] = {"dead_channel", "gain_step", "lo_jump", NULL};
    const json_t *c = cycle_at(cycles, s->from), *next = cycle_at(cycles, s->from + PERIOD_S);
    bool shown = c && has_fault(c, NULL);
    if (one_of(s->what, steps)) /* the leak may show it only in the next burst */
        shown |= next && has_fault(next, NULL);
    if (s->marks && s->back == RETURN && c && !shown && !between_captures(j, c, s))
        complain(j, "%s at %.3f s: cycle at %.3f s is not marked", s->what, s->from, start_of(c));
}

static bool excused(const struct spell *spell, size_t n, double t)
{
    for (size_t i = 0; i < n; i++)
        if (t > spell[i].from - 1.05 * PERIOD_S && t < spell[i].to + spell[i].back * PERIOD_S)
            return true;
    return false;
}

static const struct demo_fix *fix_of(const struct demo_run *run, long long cycle)
{
    for (size_t i = 0; i < run->n_fix; i++)
        if (run->fix[i].cycle == cycle)
            return &run->fix[i];
    return NULL;
}

static bool boards_late(const json_t *cycle)
{
    return has_fault(cycle, "ris_late") || has_fault(cycle, "ris_unknown");
}

/* Whether the machine was late, and nothing else is to be said against a cycle: late boards, a step
 * that was only seen after them, a missing answer that is a single one or went with them. */
static bool only_late(const json_t *c, const json_t *before)
{
    size_t i;
    json_t *f;
    const bool late = boards_late(c) || boards_late(before);
    json_array_foreach(json_object_get(c, "faults"), i, f)
    {
        const char *name = json_string_value(f);
        if (strncmp(name, "ris_", 4) != 0 && !(late && strcmp(name, "rx_step") == 0))
            return false;
    }
    return late || is(c, "response", "permitted") || is(before, "response", "permitted");
}

static void judge_untouched(struct fault_judge *j, const json_t *c, const json_t *before)
{
    j->untouched++;
    if (!has_fault(c, NULL) && is(c, "response", "permitted"))
        return;
    if (j->paced && only_late(c, before)) {
        j->disturbed++;
        return;
    }
    char *text = json_dumps(json_object_get(c, "faults"), JSON_COMPACT);
    complain(j, "cycle at %.3f s: %s, %s, though nothing happened to it", start_of(c),
             json_string_value(json_object_get(c, "response")), text);
    free(text);
}

static void judge_fix(struct fault_judge *j, const json_t *c, const struct demo_fix *fix,
                      double lost_s)
{
    if (has_fault(c, NULL))
        complain(j, "a position from a touched cycle, at %.3f s", start_of(c));
    j->fixes++;
    if (start_of(c) < lost_s && j->n_error < sizeof j->error_m / sizeof j->error_m[0])
        j->error_m[j->n_error++] = fix->error_m;
}

static void judge_cycles(struct fault_judge *j, const struct demo_run *run,
                         const struct spell *spell, size_t n)
{
    size_t i;
    json_t *c;
    bool begun = false;
    double lost_s = INFINITY;
    for (size_t k = 0; k < n; k++)
        if (spell[k].back == RETURN_LOSS)
            lost_s = fmin(lost_s, spell[k].from);
    json_array_foreach(run->cycles, i, c)
    {
        const struct demo_fix *fix =
            fix_of(run, (long long)json_integer_value(json_object_get(c, "cycle")));
        if (fix)
            judge_fix(j, c, fix, lost_s);
        begun |= fix != NULL;
        if (!begun || excused(spell, n, start_of(c)))
            continue;
        judge_untouched(j, c, i > 0 ? json_array_get(run->cycles, i - 1) : NULL);
        j->missing += fix == NULL;
    }
}

void fault_judge(struct fault_judge *j, const struct demo_run *run, const char *file)
{
    static struct spell spell[2048];
    json_error_t error;
    json_t *report = json_load_file(file, 0, &error);
    if (!report || run->exit_code || !run->summary) {
        complain(j, "exit code %d, report %s: %s", run->exit_code, file, run->stderr_text);
        json_decref(report);
        return;
    }
    size_t n = read_spells(report, run->cycles, spell, sizeof spell / sizeof spell[0]);
    j->fired += (unsigned)n;
    compare_counters(j, radio_of(report, "bs"), json_object_get(run->summary, "radio"));
    for (size_t i = 0; i < n; i++)
        judge_marks(j, run->cycles, &spell[i]);
    judge_cycles(j, run, spell, n);
    json_decref(report);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fault_judge_error(struct fault_judge *j, double p)
{
    if (j->n_error == 0)
        return INFINITY;
    qsort(j->error_m, j->n_error, sizeof *j->error_m, ascending);
    return j->error_m[(size_t)(p / 100 * (j->n_error - 1) + 0.5)];
}
