/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/watch_view.h"
#include "host/cli/watch_link.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define OLD_S 2.0 /* ten cycles of lab: something is wrong */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static double at(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

static void keep(json_t **slot, json_t *message)
{
    json_decref(*slot);
    *slot = message;
}

/* By its board's name; a third one takes no place of the others. */
static void keep_pixels(struct watch_view *view, json_t *message)
{
    for (size_t i = 0; i < WATCH_SURFACES; i++)
        if (!view->pixels[i] ||
            strcmp(text(view->pixels[i], "board"), text(message, "board")) == 0) {
            keep(&view->pixels[i], message);
            return;
        }
    json_decref(message);
}

static void keep_log(struct watch_view *view, json_t *message)
{
    json_decref(view->log[WATCH_LOG - 1]);
    memmove(view->log + 1, view->log, (WATCH_LOG - 1) * sizeof *view->log);
    view->log[0] = message;
}

static bool fix_is_of(const struct watch_view *view, const json_t *id)
{
    return view->fix && json_equal(json_object_get(view->fix, "user"), id);
}

/* Whether health says that where the last position's user was may be shown. */
static bool fix_may_stay(const struct watch_view *view)
{
    size_t i;
    json_t *user;
    const json_t *users = json_object_get(view->health, "users");
    json_array_foreach(users, i, user)
    {
        if (fix_is_of(view, json_object_get(user, "id")))
            return !json_is_true(json_object_get(user, "forgotten"));
    }
    return !json_is_array(users);
}

static bool cycle_forgets(const struct watch_view *view, const json_t *cycle)
{
    return json_is_true(json_object_get(cycle, "forgotten")) &&
           fix_is_of(view, json_object_get(cycle, "user"));
}

/* The last position, once its truth is there. */
static void judge(struct watch_view *view)
{
    if (view->fix && !json_object_get(view->fix, "truth_m") &&
        match_judge(&view->truth, view->fix) == 0)
        match_tally_add(&view->by_steering, view->fix);
}

bool watch_view_take(struct watch_view *view, const char *topic, json_t *message, double now_s)
{
    const bool ours = strcmp(topic, "truth") != 0;
    if (ours)
        view->heard_s = now_s;
    if (strcmp(topic, "fix") == 0) {
        keep(&view->fix, message);
        judge(view);
    } else if (strcmp(topic, "cycle") == 0) {
        view->restarts +=
            view->cycle && fabs(number(message, "cycle") - number(view->cycle, "cycle")) > 10000;
        keep(&view->cycle, message);
        if (cycle_forgets(view, message))
            keep(&view->fix, NULL);
        return true;
    } else if (strcmp(topic, "health") == 0) {
        keep(&view->health, message);
        if (!fix_may_stay(view))
            keep(&view->fix, NULL);
    } else if (strcmp(topic, "ris") == 0) {
        keep(&view->ris, message);
    } else if (strcmp(topic, "calib") == 0 && strcmp(text(message, "kind"), "pixels") == 0) {
        keep_pixels(view, message);
    } else if (strcmp(topic, "log") == 0) {
        keep_log(view, message);
    } else {
        if (!ours) {
            match_add_truth(&view->truth, message);
            judge(view);
        }
        json_decref(message);
    }
    return false;
}

/* ", error 0.12 m" where the truth of the fix's time is known. */
static void put_error(const json_t *fix, FILE *out)
{
    const json_t *error_m = json_object_get(fix, "error_m");
    if (error_m)
        fprintf(out, ", error %.2f m%s", json_number_value(error_m),
                json_is_true(json_object_get(fix, "misidentified")) ? ", a path misidentified"
                                                                    : "");
}

static void put_position(const struct watch_view *view, FILE *out)
{
    const json_t *p = json_object_get(view->fix, "position_m");
    const json_t *e = json_object_get(view->fix, "ellipse95_m");
    fprintf(out, "user %.0f at %.2f %.2f %.2f m, 95%% in %.2f x %.2f m", number(view->fix, "user"),
            at(p, 0), at(p, 1), at(p, 2), at(e, 0), at(e, 1));
    put_error(view->fix, out);
}

static void put_paths(const struct watch_view *view, FILE *out)
{
    size_t i;
    json_t *path;
    json_array_foreach(json_object_get(view->fix, "paths"), i, path)
    {
        bool used = json_is_true(json_object_get(path, "used"));
        fprintf(out, "%s%s%s %.0f%s", i ? " " : "", used ? "" : "(", text(path, "name"),
                number(path, "snr_db"), used ? "" : ")");
    }
}

/* How the last position's paths were told apart, where they may have been mistaken. */
static void put_identity(const struct watch_view *view, const char *end, FILE *out)
{
    const struct match_tally *t = &view->by_steering;
    if (strcmp(text(view->fix, "identity"), "steering") != 0)
        return;
    if (t->steered > 0)
        fprintf(out, "identity   by steering: %zu positions, %zu with a misidentified path%s",
                t->steered, t->misidentified, end);
    else
        fprintf(out, "identity   by steering: chi2 %.2f of %.0f degrees of freedom%s",
                number(view->fix, "chi2"), number(view->fix, "dof"), end);
}

static void put_faults(const json_t *cycle, FILE *out)
{
    size_t i;
    json_t *fault;
    json_array_foreach(json_object_get(cycle, "faults"), i, fault)
        fprintf(out, "%s%s", i ? " " : "", json_string_value(fault));
}

static bool fixed_now(const struct watch_view *view)
{
    return view->fix && number(view->fix, "cycle") == number(view->cycle, "cycle");
}

void watch_view_line(const struct watch_view *view, FILE *out)
{
    fprintf(out, "%10.2f s  cycle %.0f  ", number(view->cycle, "time_s"),
            number(view->cycle, "cycle"));
    if (fixed_now(view)) {
        put_position(view, out);
        fputs("; SNR ", out);
        put_paths(view, out);
        fputs(" dB", out);
    } else {
        fprintf(out, "no position: %s, %s %s", text(view->cycle, "response"),
                text(view->cycle, "outcome"), text(view->cycle, "reason"));
    }
    if (json_array_size(json_object_get(view->cycle, "faults")) > 0) {
        fputs("; faults ", out);
        put_faults(view->cycle, out);
    }
    fprintf(out, "; %.1f ms", number(view->cycle, "latency_ms"));
    if (fixed_now(view) && view->by_steering.steered > 0)
        fprintf(out, "; misidentified %zu of %zu", view->by_steering.misidentified,
                view->by_steering.steered);
    if (fixed_now(view))
        watch_link_words(view->health, (int)number(view->fix, "user"), out);
    fputc('\n', out);
}

/* "name 3" of every number above zero. */
static void put_counts(const json_t *counts, FILE *out)
{
    const char *key;
    json_t *value;
    bool any = false;
    json_object_foreach((json_t *)counts, key, value) if (json_number_value(value) > 0)
    {
        fprintf(out, "%s%s %.0f", any ? ", " : "", key, json_number_value(value));
        any = true;
    }
    fputs(any ? "" : "none", out);
}

static void put_deadlines(const json_t *deadlines, const char *end, FILE *out)
{
    const char *stage;
    json_t *d;
    json_object_foreach((json_t *)deadlines, stage, d)
        fprintf(out, "  %-10s p99 %8.0f us of %8.0f us, missed %.0f, not ours %.0f%s", stage,
                number(d, "p99_us"), number(d, "budget_us"), number(d, "missed"),
                number(d, "inconclusive"), end);
}

static void put_surfaces(const struct watch_view *view, const char *end, FILE *out)
{
    size_t i;
    json_t *board;
    json_array_foreach(json_object_get(view->ris, "boards"), i, board)
        fprintf(out, "surface    %s %s %s %s%s", text(board, "name"),
                json_is_true(json_object_get(board, "ok")) ? "follows" : "DOES NOT FOLLOW",
                text(board, "fault"), text(board, "text"), end);
    for (i = 0; i < WATCH_SURFACES; i++)
        if (view->pixels[i])
            fprintf(out, "pixels     %s: %zu broken, %.0f unknown of %.0f%s",
                    text(view->pixels[i], "board"),
                    json_array_size(json_object_get(view->pixels[i], "failed")),
                    number(view->pixels[i], "unknown"),
                    number(view->pixels[i], "columns") * number(view->pixels[i], "rows"), end);
}

static void put_health(const struct watch_view *view, const char *end, FILE *out)
{
    const json_t *h = view->health;
    fprintf(out,
            "counters   %.0f cycles, %.0f answers, %.0f positions, %.0f refused, %.0f skipped%s",
            number(h, "cycles"), number(h, "responses"), number(h, "fixes"),
            number(h, "refused_fixes"), number(h, "cycles_skipped"), end);
    fputs("faults     ", out);
    put_counts(json_object_get(h, "faults"), out);
    fprintf(out, "%sradio      ", end);
    put_counts(json_object_get(h, "radio"), out);
    fprintf(out, "%sdeadlines%s", end, end);
    put_deadlines(json_object_get(h, "deadlines"), end, out);
}

void watch_view_log(const json_t *message, const char *end, FILE *out)
{
    const double left_out = number(message, "suppressed");
    const time_t at_s = (time_t)number(message, "unix_s");
    struct tm local;
    char hour[16] = "";
    if (localtime_r(&at_s, &local))
        strftime(hour, sizeof hour, "%H:%M:%S", &local);
    fprintf(out, "log        %s %s: %s", hour, text(message, "level"), text(message, "text"));
    if (left_out > 0)
        fprintf(out, " (%.0f lines left out before)", left_out);
    fputs(end, out);
}

void watch_view_screen(const struct watch_view *view, double now_s, const char *end, FILE *out)
{
    double age_s = now_s - view->heard_s;
    if (view->heard_s <= 0) {
        fprintf(out, "nothing heard yet: is miradord running, is this its telemetry.endpoint?%s",
                end);
        return;
    }
    fprintf(out, "mirador    %s, cycle %.0f, device time %.2f s, heard %.1f s ago%s%s",
            view->health ? text(view->health, "state") : "?", number(view->cycle, "cycle"),
            number(view->cycle, "time_s"), age_s, age_s > OLD_S ? ": WHAT FOLLOWS IS OLD" : "",
            end);
    fprintf(out, "cycle      %s, %s %s; faults: ", text(view->cycle, "response"),
            text(view->cycle, "outcome"), text(view->cycle, "reason"));
    put_faults(view->cycle, out);
    fputs(end, out);
    if (view->fix) {
        fprintf(out, "position   ");
        put_position(view, out);
        fprintf(out, ", %.1f s before%s",
                number(view->cycle, "time_s") - number(view->fix, "time_s"), end);
        fputs("SNR in dB  ", out);
        put_paths(view, out);
        fputs(end, out);
        put_identity(view, end, out);
    }
    put_surfaces(view, end, out);
    watch_link_screen(view->health, end, out);
    if (view->health)
        put_health(view, end, out);
    for (size_t i = WATCH_LOG; i-- > 0;)
        if (view->log[i])
            watch_view_log(view->log[i], end, out);
    if (view->restarts > 0)
        fprintf(out, "restarts   %zu since we watch%s", view->restarts, end);
}

void watch_view_clear(struct watch_view *view)
{
    json_t **slots[] = {&view->fix, &view->cycle, &view->health, &view->ris};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        keep(slots[i], NULL);
    for (size_t i = 0; i < WATCH_SURFACES; i++)
        keep(&view->pixels[i], NULL);
    for (size_t i = 0; i < WATCH_LOG; i++)
        keep(&view->log[i], NULL);
    match_clear(&view->truth);
}
