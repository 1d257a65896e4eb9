/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador demo: a base station finds a walking user in a simulated room. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "base/options.h"
#include "host/cli/cmd.h"
#include "host/cli/demo_link.h"
#include "host/cli/demo_pixels.h"
#include "host/cli/demo_print.h"
#include "host/cli/demo_sets.h"
#include "host/cli/demo_setup.h"
#include "host/cli/demo_stats.h"
#include "host/clock.h"
#include "host/match.h"

#define SILENCE_S    180.0 /* without a cycle: something hangs */
#define RECORD_S     130.0 /* for a daemon that writes a recording to its end */
#define LAST_WORDS_S 2.0   /* for the telemetry of a daemon that ended */
#define LOG_LINES    8

static const struct option_spec specs[] = {
    {"seconds", 0, "N", "room time to run; 0 = until interrupted (60)"},
    {"preset", 0, "NAME", "radio and waveform: lab, b210, x310, n310, x410, paper (lab)"},
    {"scene", 0, "NAME|FILE",
     "lab, lab-rice, lab-shared, empty, corridor, paper, or a YAML file (lab; paper for preset "
     "paper)"},
    {"path", 0, "NAME", "way that the first user walks, of those the scene offers"},
    {"users", 0, "N",
     "in the room, 1 to 16, each with a key and a way of their own (as the scene says)"},
    {"bystanders", 0, "N",
     "others who walk there, without a terminal; with the users 16 at most (0)"},
    {"seed", 0, "N", "of everything that is drawn: keys, clutter, noise, clocks (1)"},
    {"speed", 0, "X", "room seconds per second at most; 0 = as fast as it goes (1)"},
    {"boards", 0, "native|qemu",
     "processors of the surfaces: ours, or their ARM firmware (native)"},
    {"ris", 0, "wide|static|tracked",
     "what the surfaces show: one profile for all places, for one, or beams that follow (wide)"},
    {"permit", 0, "yes|no", "whether the user permits to be located (yes)"},
    {"pixels", 0, "N",
     "look for broken pixels with a train of pilots every N cycles; 0 = never (0)"},
    {"link", 0, NULL,
     "a slot of data each way in every cycle, to the user in a beam of all antennas"},
    {"realtime", 0, NULL, "the room's time waits for nobody; needs a free machine"},
    {"faults", 0, "FILE", "bad days of the radios: a fault script for the room"},
    {"fault-report", 0, "FILE", "the room writes at the end what its radios did, as JSON"},
    {"headless", 0, NULL, "without the live page"},
    {"port", 0, "N", "TCP port of the live page; 0: any (8088, or any if that is taken)"},
    {"no-token", 0, NULL, "the page needs no token: every user of this machine may open it"},
    {"record", 0, "PREFIX", "record all samples: see 'mirador record' and 'mirador replay'"},
    {"keep", 0, NULL, "keep the state folder with all logs"},
    {"set", 's', "PROGRAM.KEY=VALUE",
     "override a key of room, ris, bs, ue or view, or of one terminal, ue[0] to ue[15]; may be "
     "repeated"},
};

static int apply_flag(struct demo_cfg *cfg, const char *name)
{
    if (strcmp(name, "realtime") == 0)
        cfg->realtime = true;
    else if (strcmp(name, "link") == 0)
        cfg->link = true;
    else if (strcmp(name, "keep") == 0)
        cfg->keep = true;
    else if (strcmp(name, "no-token") == 0)
        cfg->no_token = true;
    else
        cfg->headless = true;
    return 0;
}

static int apply_permit(struct demo_cfg *cfg, const char *value, struct status *err)
{
    cfg->permit = strcmp(value, "yes") == 0;
    if (cfg->permit || strcmp(value, "no") == 0)
        return 0;
    return status_set(err, ERR_ARG, "--permit needs yes or no, not '%.40s'", value);
}

static int apply_boards(struct demo_cfg *cfg, const char *value, struct status *err)
{
    cfg->boards = value;
    if (strcmp(value, "native") == 0 || strcmp(value, "qemu") == 0)
        return 0;
    return status_set(err, ERR_ARG, "--boards needs native or qemu, not '%.40s'", value);
}

static int apply_ris(struct demo_cfg *cfg, const char *value, struct status *err)
{
    cfg->ris = value;
    if (strcmp(value, "wide") == 0 || strcmp(value, "static") == 0 || strcmp(value, "tracked") == 0)
        return 0;
    return status_set(err, ERR_ARG, "--ris needs wide, static or tracked, not '%.40s'", value);
}

static int apply_pixels(struct demo_cfg *cfg, const char *value, struct status *err)
{
    uint64_t every;
    int rc = option_u64("pixels", value, &every, err);
    if (rc == 0 && every > 1000)
        return status_set(err, ERR_ARG, "--pixels needs 0..1000 cycles, not '%.40s'", value);
    cfg->pixels = rc ? 0 : (unsigned)every;
    return rc;
}

static int apply_users(struct demo_cfg *cfg, const char *value, struct status *err)
{
    uint64_t users;
    int rc = option_u64("users", value, &users, err);
    if (rc == 0 && (users < 1 || users > DEMO_USERS_MAX))
        return status_set(err, ERR_ARG, "--users needs 1..%d, not '%.40s'", DEMO_USERS_MAX, value);
    cfg->users = rc ? 0 : (unsigned)users;
    return rc;
}

static int apply_bystanders(struct demo_cfg *cfg, const char *value, struct status *err)
{
    uint64_t n;
    int rc = option_u64("bystanders", value, &n, err);
    if (rc == 0 && n >= DEMO_USERS_MAX)
        return status_set(err, ERR_ARG, "--bystanders needs 0..%d, not '%.40s'", DEMO_USERS_MAX - 1,
                          value);
    cfg->bystanders = rc ? 0 : (unsigned)n;
    return rc;
}

static int apply_port(struct demo_cfg *cfg, const char *value, struct status *err)
{
    uint64_t port;
    int rc = option_u64("port", value, &port, err);
    if (rc == 0 && port > 65535)
        return status_set(err, ERR_ARG, "--port needs 0..65535, not '%.40s'", value);
    cfg->port = rc ? 0 : (int)port;
    return rc;
}

static int apply_set(struct demo_cfg *cfg, const char *value, struct status *err)
{
    if (cfg->n_sets == DEMO_SETS)
        return status_set(err, ERR_ARG, "more than 64 times --set");
    cfg->sets[cfg->n_sets++] = value;
    return demo_sets_check(value, err);
}

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct demo_cfg *cfg = context;
    if (!value)
        return apply_flag(cfg, name);
    if (strcmp(name, "seconds") == 0)
        return option_double(name, value, 0, 1e7, &cfg->seconds, err);
    if (strcmp(name, "speed") == 0)
        return option_double(name, value, 0, 1000, &cfg->speed, err);
    if (strcmp(name, "pixels") == 0)
        return apply_pixels(cfg, value, err);
    if (strcmp(name, "users") == 0)
        return apply_users(cfg, value, err);
    if (strcmp(name, "bystanders") == 0)
        return apply_bystanders(cfg, value, err);
    if (strcmp(name, "seed") == 0)
        return option_u64(name, value, &cfg->seed, err);
    if (strcmp(name, "permit") == 0)
        return apply_permit(cfg, value, err);
    if (strcmp(name, "boards") == 0)
        return apply_boards(cfg, value, err);
    if (strcmp(name, "ris") == 0)
        return apply_ris(cfg, value, err);
    if (strcmp(name, "port") == 0)
        return apply_port(cfg, value, err);
    if (strcmp(name, "set") == 0)
        return apply_set(cfg, value, err);
    const char **text = strcmp(name, "scene") == 0          ? &cfg->scene
                        : strcmp(name, "preset") == 0       ? &cfg->preset
                        : strcmp(name, "record") == 0       ? &cfg->record
                        : strcmp(name, "faults") == 0       ? &cfg->faults
                        : strcmp(name, "fault-report") == 0 ? &cfg->fault_report
                                                            : &cfg->path;
    *text = value;
    return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

struct run {
    struct demo demo;
    struct demo_print print;
    struct match match;
    struct stats stats;
    struct demo_pixels pixels;
    struct demo_link link;
    struct socket_message message;
    double began_s, heard_s; /* CLOCK_MONOTONIC: room's time could start, last cycle heard of */
};

static json_t *header_of(const struct socket_message *m)
{
    return m->n >= 2 ? json_loadb(m->frames[1].bytes, m->frames[1].n, 0, NULL) : NULL;
}

static void take_telemetry(struct run *run)
{
    const struct socket_frame *topic = &run->message.frames[0];
    json_t *header = header_of(&run->message);
    if (!header)
        return;
    if (socket_frame_is(topic, "fix")) {
        match_add_fix(&run->match, header);
        return;
    }
    if (socket_frame_is(topic, "health")) {
        stats_set_health(&run->stats, header);
        return;
    }
    if (socket_frame_is(topic, "link")) {
        demo_link_slot(&run->link, header);
        return;
    }
    if (socket_frame_is(topic, "calib")) {
        if (demo_pixels_report(&run->pixels, header))
            demo_print_pixels(&run->print, header);
        json_decref(header);
        return;
    }
    run->heard_s = clock_s();
    if (json_array_size(json_object_get(header, "paths")) > 0) {
        match_add_fix(&run->match, header); /* waits for the truth of its time */
        return;
    }
    demo_print_cycle(&run->print, header);
    json_decref(header);
}

/* Path lengths that made no position. */
static void take_lengths(struct run *run, json_t *found)
{
    stats_add_lengths(&run->stats, found);
    demo_print_cycle(&run->print, found);
}

static void show_fixes(struct run *run)
{
    for (json_t *fix; (fix = match_take(&run->match));) {
        if (!json_object_get(fix, "position_m"))
            take_lengths(run, fix);
        else if (stats_add(&run->stats, fix) == 0)
            demo_print_fix(&run->print, fix);
        else
            log_warn("a fix without error or latency; miradord and mirador differ in version");
        json_decref(fix);
    }
}

/* All that is there now, truths first. True if there was anything. */
static bool drain(struct run *run)
{
    bool any = false;
    while (run->demo.truth && socket_recv(run->demo.truth, &run->message, 0) == 0) {
        json_t *truth = header_of(&run->message);
        if (socket_frame_is(&run->message.frames[0], "pixels"))
            demo_pixels_truth(&run->pixels, truth);
        else
            match_add_truth(&run->match, truth);
        json_decref(truth);
        any = true;
    }
    for (int i = 0; i < 64 && run->demo.telemetry; i++) {
        if (socket_recv(run->demo.telemetry, &run->message, 0) != 0)
            break;
        take_telemetry(run);
        any = true;
    }
    while (run->demo.terminal && socket_recv(run->demo.terminal, &run->message, 0) == 0) {
        json_t *header = header_of(&run->message);
        if (header)
            demo_link_terminal(&run->link, header);
        any = true;
    }
    demo_link_match(&run->link, &run->match);
    show_fixes(run);
    return any;
}

static void wait_for_news(struct run *run)
{
    zmq_pollitem_t items[] = {
        {.socket = run->demo.truth, .events = ZMQ_POLLIN},
        {.socket = run->demo.telemetry, .events = ZMQ_POLLIN},
        {.fd = stop_fd(), .events = ZMQ_POLLIN},
    };
    zmq_poll(items, 3, 50);
}

static int watch(struct run *run, struct status *err)
{
    struct child *daemon = children_find(&run->demo.children, "miradord");
    for (;;) {
        drain(run);
        struct child *failed = children_failed(&run->demo.children);
        if (failed)
            return child_tell_end(failed, err);
        if (daemon->exited)
            return 0;
        if (stop_requested())
            return status_set(err, ERR_INTERRUPTED, "interrupted");
        if (clock_s() - run->heard_s > SILENCE_S)
            return status_set(err, ERR_TIMEOUT, "no cycle for %.0f s", SILENCE_S);
        wait_for_news(run);
    }
}

/* What the daemon still had to say when it was told to end. */
static void hear_last_words(struct run *run)
{
    struct child *daemon = children_find(&run->demo.children, "miradord");
    if (daemon)
        child_stop(&run->demo.children, daemon, run->demo.cfg->record ? RECORD_S : 10);
    double end = clock_s() + LAST_WORDS_S, quiet = clock_s() + 0.2;
    while (clock_s() < end && (clock_s() < quiet || run->match.n_waiting > 0)) {
        if (drain(run))
            quiet = clock_s() + 0.2;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}

/* --- telling how it went ---------------------------------------------------------------------- */

/* The program that ended the demo with its last lines; bad input is one line and code 2. */
static int explain_failure(struct run *run, const struct status *err)
{
    char line[400] = "";
    struct child *failed = children_failed(&run->demo.children);
    int code = failed ? child_exit_code(failed) : 0;
    if (code == EXIT_USAGE)
        child_last_line(failed, line, sizeof line);
    if (line[0]) {
        fprintf(stderr, "mirador demo: %s\n", line);
        return EXIT_USAGE;
    }
    fprintf(stderr, "mirador demo: %s\n", err->text);
    if (failed) {
        fprintf(stderr, "the last lines of %s:\n", failed->name);
        child_print_log(failed, LOG_LINES);
    }
    return err->code == ERR_ARG || err->code == ERR_NOT_FOUND ? EXIT_USAGE : EXIT_FAILED;
}

static void greet(const struct run *run)
{
    const struct demo_cfg *cfg = run->demo.cfg;
    demo_print_text(&run->print, "preset %s, scene %s, path %s, seed %llu, %s; state in %s",
                    cfg->preset, run->demo.scene_name, run->demo.scene.path,
                    (unsigned long long)cfg->seed, cfg->realtime ? "real time" : "gated time",
                    run->demo.state);
    demo_print_text(&run->print,
                    "counters at any time: mirador status --endpoint ipc://%s/control.sock",
                    run->demo.state);
    demo_print_page(&run->print, run->demo.page);
    if (run->demo.cfg->link)
        demo_print_data(&run->print, run->demo.udp_port, run->demo.udp_port + DEMO_DATA_USERS);
}

static int finish(struct run *run)
{
    json_t *summary = stats_summary(&run->stats, clock_s() - run->began_s);
    if (run->demo.cfg->pixels)
        demo_pixels_summary(&run->pixels, summary);
    if (run->demo.cfg->link)
        demo_link_summary(&run->link, summary);
    demo_print_summary(&run->print, summary);
    json_decref(summary);
    if (run->match.lost > 0)
        log_warn("%zu fixes could not be compared with the truth", run->match.lost);
    if (run->demo.cfg->keep)
        demo_print_text(&run->print, "  logs kept in %s", run->demo.state);
    if (run->stats.n == 0 && run->demo.cfg->permit && !stop_requested()) {
        fprintf(stderr, "mirador demo: no fix though the user permits it%s\n",
                run->demo.cfg->keep ? "" : "; run with --keep and read the logs");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int run_demo(struct run *run)
{
    struct status err = {0};
    int rc = demo_start(&run->demo, &err);
    if (rc == 0) {
        run->began_s = run->heard_s = clock_s();
        greet(run);
        rc = watch(run, &err);
        hear_last_words(run);
    }
    bool well = rc == 0 || (rc == ERR_INTERRUPTED && run->began_s > 0);
    int code = well ? finish(run) : rc == ERR_INTERRUPTED ? EXIT_DONE : explain_failure(run, &err);
    demo_stop(&run->demo);
    return code;
}

int cmd_demo(int argc, char **argv)
{
    struct demo_cfg cfg = {
        .seconds = 60, .preset = "lab", .seed = 1, .speed = 1, .permit = true, .port = -1};
    struct options opt;
    struct status err = {0};
    const struct options_cfg options_cfg = {
        .program = "mirador demo",
        .synopsis =
            "Simulates a room with two surfaces, starts a base station and a user in it, and\n"
            "prints one line per position found, with its error against the truth.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &cfg,
    };
    int code = options_parse(&options_cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    cfg.json = opt.json;
    if (cfg.realtime && cfg.speed != 1) {
        fputs("mirador demo: --realtime runs at speed 1; leave --speed out\n", stderr);
        return EXIT_USAGE;
    }
    if (stop_signals_install(&err) != 0) {
        fprintf(stderr, "mirador demo: %s\n", err.text);
        return EXIT_FAILED;
    }
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return EXIT_FAILED;
    run->demo.cfg = &cfg;
    run->link.scene = &run->demo.scene;
    demo_print_init(&run->print, cfg.json);
    code = run_demo(run);
    socket_message_clear(&run->message);
    match_clear(&run->match);
    stats_clear(&run->stats);
    demo_pixels_clear(&run->pixels);
    demo_link_clear(&run->link);
    free(run);
    return code;
}
