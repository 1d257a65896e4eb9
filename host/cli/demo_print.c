/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_print.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cli/demo_stats.h"

#define HEADER_EVERY 40 /* rows */

enum colour { PLAIN, GREEN, YELLOW, RED, FAINT, BOLD };

static const char *paint(const struct demo_print *p, enum colour colour)
{
    static const char *const codes[] = {"\033[0m",  "\033[32m", "\033[33m",
                                        "\033[31m", "\033[2m",  "\033[1m"};
    return p->colour ? codes[colour] : "";
}

void demo_print_init(struct demo_print *p, bool json)
{
    *p = (struct demo_print){.json = json};
    p->colour = !json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    setvbuf(stdout, NULL, _IOLBF, 0);
}

void demo_print_text(const struct demo_print *p, const char *format, ...)
{
    va_list args;
    if (p->json)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void print_json(const json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (line)
        puts(line);
    free(line);
}

void demo_print_page(const struct demo_print *p, const char *address)
{
    if (address[0] == '\0')
        return;
    if (p->json)
        printf("{\"type\":\"page\",\"address\":\"%s\"}\n", address);
    else
        printf("%slive page: %s%s\n", paint(p, BOLD), address, paint(p, PLAIN));
}

void demo_print_data(const struct demo_print *p, int udp_port, int user_port)
{
    if (p->json)
        printf("{\"type\":\"data\",\"base_udp_port\":%d,\"user_udp_port\":%d}\n", udp_port,
               user_port);
    else
        printf("data: datagrams to 127.0.0.1:%d come out at 127.0.0.1:%d at the user, those to :%d "
               "at :%d at the base station\n",
               udp_port, user_port + 1, user_port, udp_port + 1);
}

static void print_header(struct demo_print *p)
{
    printf(
        "%s   time        x        y        z    error   95%% ellipse   chi2   latency  paths used "
        "(SNR)\n"
        "      s        m        m        m        m       m x m               ms  dB%s\n",
        paint(p, BOLD), paint(p, PLAIN));
}

static double at(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

/* "L1 31, L2 24, (L3 11)": in brackets what was found but not used. */
static void print_paths(const struct demo_print *p, const json_t *paths)
{
    size_t i;
    json_t *path;
    json_array_foreach(paths, i, path)
    {
        bool used = json_is_true(json_object_get(path, "used"));
        const char *name = json_string_value(json_object_get(path, "name"));
        printf("%s%s%s%s %.0f%s%s", i ? " " : "", used ? "" : paint(p, FAINT), used ? "" : "(",
               name ? name : "?", json_number_value(json_object_get(path, "snr_db")),
               used ? "" : ")", used ? "" : paint(p, PLAIN));
    }
}

static void print_row(struct demo_print *p, const json_t *fix)
{
    const json_t *at_m = json_object_get(fix, "position_m");
    const json_t *ellipse = json_object_get(fix, "ellipse95_m");
    double error_m = json_number_value(json_object_get(fix, "error_m"));
    enum colour colour = error_m <= 0.35 ? GREEN : error_m <= 0.5 ? YELLOW : RED;
    if (p->rows++ % HEADER_EVERY == 0)
        print_header(p);
    char chi2[16] = "-"; /* without a degree of freedom there is nothing to test */
    if (json_number_value(json_object_get(fix, "dof")) > 0)
        snprintf(chi2, sizeof chi2, "%.2f", json_number_value(json_object_get(fix, "chi2")));
    printf("%7.2f %8.2f %8.2f %8.2f %s%8.2f%s   %4.2f x %4.2f %6s %9.1f  ",
           json_number_value(json_object_get(fix, "time_s")), at(at_m, 0), at(at_m, 1), at(at_m, 2),
           paint(p, colour), error_m, paint(p, PLAIN), at(ellipse, 0), at(ellipse, 1), chi2,
           json_number_value(json_object_get(fix, "latency_ms")));
    print_paths(p, json_object_get(fix, "paths"));
    putchar('\n');
    p->last_note[0] = 0;
}

void demo_print_fix(struct demo_print *p, const json_t *fix)
{
    if (p->json)
        print_json(fix);
    else
        print_row(p, fix);
}

/* Why a cycle gave no position, for people. */
static void explain(const json_t *cycle, char *out, size_t size)
{
    static const struct {
        const char *verdict, *text;
    } verdicts[] = {
        {"no_permit", "the user does not permit to be located"},
        {"silent", "nobody answers"},
        {"damaged", "the answer does not pass its checksum"},
        {"refused", "the answer is not genuine: wrong key, wrong cycle, or a replay"},
        {"lost", "our own capture failed"},
        {"withheld", "the base station was told not to locate the user"},
    };
    const char *response = json_string_value(json_object_get(cycle, "response"));
    const char *outcome = json_string_value(json_object_get(cycle, "outcome"));
    const char *reason = json_string_value(json_object_get(cycle, "reason"));
    const char *background = json_string_value(json_object_get(cycle, "background"));
    out[0] = 0;
    if (background && strcmp(background, "capturing") == 0) {
        snprintf(out, size, "capturing the empty room");
        return;
    }
    for (size_t i = 0; response && i < sizeof verdicts / sizeof *verdicts; i++)
        if (strcmp(response, verdicts[i].verdict) == 0)
            snprintf(out, size, "%s", verdicts[i].text);
    if (!out[0] && outcome && strcmp(outcome, "done") != 0)
        snprintf(out, size, "no fix: %s%s%s", outcome, reason && *reason ? ", " : "",
                 reason ? reason : "");
}

void demo_print_cycle(struct demo_print *p, const json_t *cycle)
{
    char note[sizeof p->last_note];
    explain(cycle, note, sizeof note);
    if (p->json)
        print_json(cycle);
    if (p->json || !note[0] || strcmp(note, p->last_note) == 0)
        return;
    printf("%7.2f %s%s%s\n", json_number_value(json_object_get(cycle, "time_s")), paint(p, FAINT),
           note, paint(p, PLAIN));
    strcpy(p->last_note, note);
}

void demo_print_pixels(struct demo_print *p, const json_t *calib)
{
    const json_t *failed = json_object_get(calib, "failed");
    if (p->json) {
        print_json(calib);
        return;
    }
    printf("%7.2f %s%s: %zu pixels broken", json_number_value(json_object_get(calib, "time_s")),
           paint(p, json_array_size(failed) ? RED : GREEN),
           json_string_value(json_object_get(calib, "board")), json_array_size(failed));
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *one = json_array_get(failed, i), *m = json_object_get(one, "mask");
        printf("%s %.0f (%.2f)", i ? "," : ":", json_number_value(json_object_get(one, "element")),
               hypot(at(m, 0), at(m, 1)));
    }
    printf("%s\n", paint(p, PLAIN));
    p->last_note[0] = 0;
}

static void print_errors(const json_t *s)
{
    if (json_is_null(json_object_get(s, "error_p50_m"))) {
        puts("  position error  none, there was no fix");
        return;
    }
    printf("  position error  p50 %.2f m, p90 %.2f m, p95 %.2f m; %.0f %% of the truths inside the "
           "95 %% "
           "ellipse\n"
           "  latency         p50 %.1f ms, p99 %.1f ms\n",
           json_number_at(s, "error_p50_m"), json_number_at(s, "error_p90_m"),
           json_number_at(s, "error_p95_m"), 100 * json_number_at(s, "inside_95_ellipse"),
           json_number_at(s, "latency_p50_ms"), json_number_at(s, "latency_p99_ms"));
    if (json_number_at(s, "steered") > 0)
        printf("  by steering     %.0f positions, %.0f with a misidentified path\n",
               json_number_at(s, "steered"), json_number_at(s, "misidentified"));
}

static void print_lengths(const json_t *lengths)
{
    const char *name;
    json_t *l;
    json_object_foreach((json_t *)lengths, name, l)
        printf("  %s without fix  %.0f, error %.2f m rms, said to be %.2f\n", name,
               json_number_at(l, "n"), json_number_at(l, "rms_m"), json_number_at(l, "told_rms_m"));
}

static void print_answers(const json_t *answers)
{
    const char *verdict, *between = "";
    json_t *n;
    printf("  answers         ");
    json_object_foreach((json_t *)answers, verdict, n)
    {
        printf("%s%.0f %s", between, json_number_value(n), verdict);
        between = ", ";
    }
    putchar('\n');
}

static void print_users(const json_t *users)
{
    for (size_t i = 0; json_array_size(users) > 1 && i < json_array_size(users); i++) {
        const json_t *u = json_array_get(users, i);
        printf("  user %-3.0f        asked %.0f, permitted %.0f, %.0f fixes; error p50 %.2f m, p90 "
               "%.2f m\n",
               json_number_at(u, "id"), json_number_at(u, "asked"), json_number_at(u, "permitted"),
               json_number_at(u, "fixes"), json_number_at(u, "error_p50_m"),
               json_number_at(u, "error_p90_m"));
    }
}

static void print_boards(const json_t *pixels)
{
    const char *name;
    json_t *b;
    json_object_foreach((json_t *)pixels, name, b) printf(
        "  pixels of %-5s %.0f of %.0f broken ones found, coefficients within %.2f, %.0f false "
        "alarms; %.0f trains, %.0f pixels unknown\n",
        name, json_number_at(b, "found"), json_number_at(b, "broken"),
        json_number_at(b, "worst_error"), json_number_at(b, "false_alarms"),
        json_number_at(b, "trains"), json_number_at(b, "unknown"));
}

static void print_way(const char *name, const json_t *way)
{
    printf("  %-15s %.0f of %.0f slots whole, %.1f dB a carrier, bit errors %.1e before and %.1e "
           "after "
           "correction\n",
           name, json_number_at(way, "ok"), json_number_at(way, "expected"),
           json_number_at(way, "snr_db"), json_number_at(way, "raw_ber"),
           json_number_at(way, "ber"));
}

/* What one side has sent, as the other side has acknowledged it. */
static void print_traffic(const char *name, const json_t *side)
{
    if (side)
        printf("  %-15s %.0f packets acknowledged of %.0f, %.0f bytes in slots of %.0f; dropped: "
               "%.0f queue full, %.0f too old\n",
               name, json_number_at(side, "packets_acked"), json_number_at(side, "packets_in"),
               json_number_at(side, "bytes_acked"), json_number_at(side, "slot_bytes"),
               json_number_at(side, "dropped_queue"), json_number_at(side, "dropped_old"));
}

static void print_beam(const json_t *beam)
{
    const json_t *aim_m = json_object_get(beam, "aim_error_m"),
                 *expected = json_object_get(beam, "expected_loss_db");
    printf("  beam            %.2f dB over one antenna", json_number_at(beam, "gain_db"));
    if (json_is_number(expected))
        printf(", less %.3f dB (at most %.2f; expected %.3f) for where it aims",
               json_number_at(beam, "loss_db"), json_number_at(beam, "loss_max_db"),
               json_number_value(expected));
    if (json_is_number(aim_m))
        printf(", position %.2f m beside the user", json_number_value(aim_m));
    putchar('\n');
}

static void print_link(const json_t *link)
{
    if (!link)
        return;
    print_way("downlink", json_object_get(link, "down"));
    print_way("uplink", json_object_get(link, "up"));
    print_beam(json_object_get(link, "beam"));
    print_traffic("data down", json_object_get(link, "base"));
    print_traffic("data up", json_object_get(link, "terminal"));
}

void demo_print_summary(const struct demo_print *p, const json_t *s)
{
    if (p->json) {
        print_json(s);
        return;
    }
    printf(
        "\n%s%.0f fixes%s from %.0f answers in %.0f cycles (%.0f refused), %.1f s of the room in "
        "%.1f s\n",
        paint(p, BOLD), json_number_at(s, "fixes"), paint(p, PLAIN), json_number_at(s, "responses"),
        json_number_at(s, "cycles"), json_number_at(s, "refused_fixes"),
        json_number_at(s, "room_s"), json_number_at(s, "wall_s"));
    print_errors(s);
    print_lengths(json_object_get(s, "lengths_without_fix"));
    print_answers(json_object_get(s, "answers"));
    print_users(json_object_get(s, "users"));
    printf("  radio           %.0f late, %.0f overflows, %.0f underflows, %.0f gaps\n"
           "  surfaces        %.0f acknowledged, %.0f late\n",
           json_number_at(s, "lates"), json_number_at(s, "overflows"),
           json_number_at(s, "underflows"), json_number_at(s, "gaps"),
           json_number_at(s, "ris_acks"), json_number_at(s, "ris_late"));
    print_boards(json_object_get(s, "pixels"));
    print_link(json_object_get(s, "link"));
}
