/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador calib delay, channels, background, list: calibrations that a running miradord does, which
 * are asked for, watched and told here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "host/cli/calib_file.h"
#include "host/cli/cmd_calib.h"
#include "host/cli/daemon_link.h"

#define LOOK_NS 200000000

struct site_job {
    struct daemon_link link;
    const char *kind, *program;
    json_t *question; /* the command so far */
    bool json;
};

static int apply_number(json_t *q, const char *key, const char *name, const char *value,
                        const double range[2], struct status *err)
{
    double number = 0;
    if (option_double(name, value, range[0], range[1], &number, err))
        return err->code;
    json_object_set_new(q, key, json_real(number));
    return OK;
}

static int apply_whole(json_t *q, const char *name, const char *value, struct status *err)
{
    uint64_t number = 0;
    if (option_u64(name, value, &number, err))
        return err->code;
    json_object_set_new(q, name, json_integer((json_int_t)number));
    return OK;
}

static int apply_position(json_t *q, const char *value, struct status *err)
{
    double p[3];
    char rest;
    if (sscanf(value, "%lf,%lf,%lf%c", &p[0], &p[1], &p[2], &rest) != 3)
        return status_set(err, ERR_ARG, "--position needs X,Y,Z in metres, not '%.40s'", value);
    json_object_set_new(q, "position_m", json_pack("[f,f,f]", p[0], p[1], p[2]));
    return OK;
}

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    static const double cable_m[2] = {0.01, 299};
    struct site_job *job = context;
    json_t *q = job->question;
    int rc = daemon_link_apply(&job->link, name, value, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    if (strcmp(name, "cycles") == 0 || strcmp(name, "user") == 0)
        return apply_whole(q, name, value, err);
    if (strcmp(name, "position") == 0)
        return apply_position(q, value, err);
    if (strcmp(name, "cable") == 0)
        rc = apply_number(q, "cable_m", name, value, cable_m, err);
    else
        rc = OK;
    if (rc == OK)
        json_object_set_new(q, "from", json_string(strcmp(name, "from") == 0 ? value : name));
    return rc;
}

/* --- one calibration -------------------------------------------------------------------------- */

static void show_progress(const struct site_job *job, const json_t *state)
{
    if (job->json || !isatty(STDERR_FILENO))
        return;
    json_int_t done = json_integer_value(json_object_get(state, "done")),
               all = json_integer_value(json_object_get(state, "cycles"));
    int bar = all > 0 ? (int)(30 * done / all) : 0;
    fprintf(stderr, "\r%s [%-30.*s] %lld of %lld cycles ", job->kind, bar,
            "##############################", (long long)done, (long long)all);
}

/* Asks until the daemon is through with it. The last state, or NULL. */
static json_t *follow(struct site_job *job, struct status *err)
{
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    for (;;) {
        json_t *state =
            daemon_order(&job->link, json_pack("{s:s, s:s}", "cmd", "calib", "kind", "state"), err);
        const char *phase = json_string_value(json_object_get(state, "phase"));
        if (state)
            show_progress(job, state);
        if (!phase || strcmp(phase, "running") != 0) {
            if (!job->json && isatty(STDERR_FILENO))
                fputc('\n', stderr);
            return state;
        }
        json_decref(state);
        nanosleep(&nap, NULL);
    }
}

static json_t *run_once(struct site_job *job, struct status *err)
{
    json_t *started = daemon_order(&job->link, json_incref(job->question), err);
    json_decref(started);
    return started ? follow(job, err) : NULL;
}

static bool is_phase(const json_t *state, const char *phase)
{
    const char *text = json_string_value(json_object_get(state, "phase"));
    return text && strcmp(text, phase) == 0;
}

/* After the cable come the antennas: now, if somebody is there to say so. */
static json_t *go_on_with_antennas(struct site_job *job, json_t *state, struct status *err)
{
    if (job->json || !isatty(STDIN_FILENO))
        return state;
    printf("the cable is measured. Connect the antennas again, then press Enter: ");
    fflush(stdout);
    for (int c = getchar(); c != '\n' && c != EOF;)
        c = getchar();
    json_decref(state);
    json_object_set_new(job->question, "from", json_string("antennas"));
    return run_once(job, err);
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void print_result(const struct site_job *job, const json_t *state)
{
    const json_t *r = json_object_get(state, "result"), *list = json_object_get(r, "correction");
    if (is_phase(state, "waiting"))
        printf("the cable is measured: connect the antennas again, then run '%s --antennas'\n",
               job->program);
    if (strcmp(job->kind, "delay") == 0 && r) {
        printf("delay %.6f us, repeats to %.1f mm; kept and in use\n", 1e6 * number(r, "latency_s"),
               1e3 * number(r, "spread_m"));
        if (json_object_get(r, "antennas_m"))
            printf("with antennas and their clutter the leak says %.3f m more than the cable\n",
                   number(r, "antennas_m"));
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        printf("channel %zu: %+.2f dB, %+.1f degrees on what the leak says\n", i,
               number(json_array_get(list, i), "gain_db"),
               57.29577951308232 * number(json_array_get(list, i), "phase_rad"));
    if (list)
        printf("to %.2f degrees; worst match of a cycle %.4f; kept and in use\n",
               57.29577951308232 * number(r, "sigma_rad"), number(r, "match"));
    if (strcmp(job->kind, "background") == 0 && r)
        puts("empty room captured; kept and in use");
    else if (r)
        puts("the background is void by this: 'mirador calib background' when nobody is there");
}

static int report(const struct site_job *job, json_t *state, const struct status *err)
{
    const char *why = json_string_value(json_object_get(state, "why"));
    if (!state || is_phase(state, "failed")) {
        fprintf(stderr, "%s: %s\n", job->program, state && why ? why : err->text);
        json_decref(state);
        return EXIT_FAILED;
    }
    if (job->json) {
        calib_json_print(state);
        return EXIT_DONE;
    }
    print_result(job, state);
    json_decref(state);
    return EXIT_DONE;
}

static int run_job(struct site_job *job)
{
    struct status err = {0};
    json_t *state = daemon_link_open(&job->link, &err) ? run_once(job, &err) : NULL;
    if (state && is_phase(state, "waiting"))
        state = go_on_with_antennas(job, state, &err);
    int code = report(job, state, &err);
    daemon_link_close(&job->link);
    return code;
}

static int parse(struct site_job *job, int argc, char **argv, const struct option_spec *specs,
                 size_t n_specs, const char *synopsis)
{
    struct options opt;
    const struct options_cfg cfg = {
        .program = job->program,
        .synopsis = synopsis,
        .specs = specs,
        .n_specs = n_specs,
        .json = true,
        .apply = apply,
        .context = job,
    };
    job->question = json_pack("{s:s, s:s}", "cmd", "calib", "kind", job->kind);
    int code = options_parse(&cfg, argc, argv, &opt);
    job->json = opt.json;
    return code;
}

static int calibrate(const char *kind, const char *program, const struct option_spec *specs,
                     size_t n_specs, const char *synopsis, int argc, char **argv)
{
    static struct site_job job = {.link = DAEMON_LINK_DEFAULT};
    job.kind = kind;
    job.program = program;
    int code = parse(&job, argc, argv, specs, n_specs, synopsis);
    if (code < 0)
        code = run_job(&job);
    json_decref(job.question);
    return code;
}

#define CYCLES_SPEC                                                                                \
    {                                                                                              \
        "cycles", 'n', "N", "cycles to average"                                                    \
    }
#define COUNT(specs) (specs), sizeof(specs) / sizeof *(specs)

int cmd_calib_delay(int argc, char **argv)
{
    static const struct option_spec specs[] = {
        DAEMON_LINK_SPECS,
        CYCLES_SPEC,
        {"cable", 'c', "METRES",
         "by cables of this electrical length in place of the antennas, through an attenuator"},
        {"antennas", 0, NULL, "after --cable, when the antennas are connected again"},
    };
    return calibrate(
        "delay", "mirador calib delay", COUNT(specs),
        "Measures the radio's delay from transmitter to receiver, which is the zero of\n"
        "all path lengths, by the leak between the antennas or by a cable.",
        argc, argv);
}

int cmd_calib_channels(int argc, char **argv)
{
    static const struct option_spec specs[] = {
        DAEMON_LINK_SPECS,
        CYCLES_SPEC,
        {"from", 'f', "leak|cable|user", "what to compare the channels by (leak)"},
        {"antennas", 0, NULL, "after --from cable, when the antennas are connected again"},
        {"position", 'p', "X,Y,Z", "where the user's antenna is, in metres"},
        {"user", 'u', "ID", "whose answers count (everybody's)"},
    };
    return calibrate(
        "channels", "mirador calib channels", COUNT(specs),
        "Measures phases and gains of the receive channels against each other, by the\n"
        "leak, by equal cables from a splitter, or by a user at a known place.",
        argc, argv);
}

int cmd_calib_background(int argc, char **argv)
{
    static const struct option_spec specs[] = {DAEMON_LINK_SPECS, CYCLES_SPEC};
    return calibrate("background", "mirador calib background", COUNT(specs),
                     "Captures the empty room. Nobody may answer or move meanwhile.", argc, argv);
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void print_record(const json_t *r)
{
    const json_t *key = json_object_get(r, "key");
    time_t when = (time_t)number(r, "time_unix_s");
    char text[32] = "?";
    struct tm tm;
    if (localtime_r(&when, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    const char *kind = json_string_value(json_object_get(r, "kind")),
               *from = json_string_value(json_object_get(r, "from")),
               *serial = json_string_value(json_object_get(key, "serial")),
               *rate = json_string_value(json_object_get(key, "rate_hz"));
    printf("%-10s  %-10s  %s  device %s at %s samples/s", kind ? kind : "?", from ? from : "?",
           text, serial ? serial : "?", rate ? rate : "?");
    if (kind && strcmp(kind, "delay") == 0)
        printf("  %.6f us", 1e6 * number(r, "latency_s"));
    putchar('\n');
}

int cmd_calib_list(int argc, char **argv)
{
    static const struct option_spec specs[] = {DAEMON_LINK_SPECS};
    static struct site_job job = {
        .link = DAEMON_LINK_DEFAULT, .kind = "list", .program = "mirador calib list"};
    struct status err = {0};
    int code = parse(&job, argc, argv, COUNT(specs), "Shows what a running miradord keeps.");
    if (code >= 0)
        return code;
    json_t *answer = NULL;
    if (daemon_link_open(&job.link, &err))
        answer = daemon_order(&job.link, json_incref(job.question), &err);
    json_decref(job.question);
    const json_t *records = json_object_get(answer, "records");
    if (!answer)
        fprintf(stderr, "mirador calib list: %s\n", err.text);
    else if (job.json)
        calib_json_print(json_incref(answer));
    for (size_t i = 0; !job.json && i < json_array_size(records); i++)
        print_record(json_array_get(records, i));
    daemon_link_close(&job.link);
    code = answer ? EXIT_DONE : EXIT_FAILED;
    json_decref(answer);
    return code;
}
