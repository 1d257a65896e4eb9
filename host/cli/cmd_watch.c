/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador watch: the running daemon in a terminal, from its telemetry. ZeroMQ connects anew by
 * itself; what is shown says how old it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/log.h"
#include "base/options.h"
#include "host/cli/cmd.h"
#include "host/cli/daemon_link.h"
#include "host/cli/watch_view.h"
#include "host/clock.h"

enum { POLL_MS = 200 };
#define DRAW_S   0.2 /* no faster, so that a terminal over a slow line keeps up */
#define SILENT_S 3.0

struct job {
    struct daemon_link link; /* its dealer stays closed; keys and sockets are used */
    const char *truth_endpoint;
    uint64_t cycles, seen; /* 0: no end */
    void *telemetry, *truth;
    bool json, terminal, silent;
    double began_s, drawn_s;
    struct watch_view view;
};

static const struct option_spec specs[] = {
    {"endpoint", 'e', "ENDPOINT",
     "telemetry socket of the daemon (ipc:///run/mirador/telemetry.sock)"},
    {"truth", 't', "ENDPOINT", "truth socket of a simulated room: errors are shown too"},
    {"cycles", 'n', "N", "end after so many cycles"},
    {"secret-key", 0, "FILE", "our CURVE key, when the daemon is on another machine"},
    {"server-key", 0, "HEX", "the daemon's public key"},
};

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct job *job = context;
    if (strcmp(name, "cycles") == 0)
        return option_u64(name, value, &job->cycles, err);
    if (strcmp(name, "truth") == 0) {
        job->truth_endpoint = value;
        return OK;
    }
    return daemon_link_apply(&job->link, name, value, err);
}

static int open_job(struct job *job, struct status *err)
{
    static const char *const topics[] = {"fix", "cycle", "health", "ris", "calib", "log"};
    static const char *const truth[] = {"truth"};
    job->link.sockets = sockets_create(&job->link.keys, err);
    if (!job->link.sockets)
        return err->code;
    job->telemetry = sockets_subscribe(job->link.sockets, job->link.endpoint, topics, 6, err);
    if (job->telemetry && job->truth_endpoint)
        job->truth = sockets_subscribe(job->link.sockets, job->truth_endpoint, truth, 1, err);
    return job->telemetry && (job->truth || !job->truth_endpoint) ? OK : err->code;
}

static void close_job(struct job *job)
{
    watch_view_clear(&job->view);
    socket_close(&job->telemetry);
    socket_close(&job->truth);
    sockets_destroy(&job->link.sockets);
}

static void take(struct job *job, const struct socket_message *m)
{
    char topic[16];
    json_t *message = m->n >= 2 ? json_loadb(m->frames[1].bytes, m->frames[1].n, 0, NULL) : NULL;
    if (!message)
        return;
    snprintf(topic, sizeof topic, "%.*s", (int)(m->frames[0].n < 15 ? m->frames[0].n : 15),
             (const char *)m->frames[0].bytes);
    if (job->json) {
        json_dumpf(message, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
        putchar('\n');
    }
    job->silent = false;
    if (!job->json && !job->terminal && strcmp(topic, "log") == 0)
        watch_view_log(message, "\n", stdout);
    if (!watch_view_take(&job->view, topic, message, clock_s()))
        return;
    job->seen++;
    if (!job->json && !job->terminal)
        watch_view_line(&job->view, stdout);
}

static void take_all(struct job *job, void *socket)
{
    static struct socket_message m;
    while (socket && !(job->cycles && job->seen >= job->cycles) && socket_recv(socket, &m, 0) == OK)
        take(job, &m);
    socket_message_clear(&m);
}

/* In place on a terminal; elsewhere only the silence is told, once. */
static void draw(struct job *job)
{
    double now = clock_s();
    double heard = job->view.heard_s > 0 ? job->view.heard_s : job->began_s;
    if (job->terminal && now - job->drawn_s >= DRAW_S) {
        fputs("\033[H", stdout);
        watch_view_screen(&job->view, now, "\033[K\n", stdout);
        fputs("\033[J", stdout);
        job->drawn_s = now;
    } else if (!job->terminal && !job->silent && now - heard > SILENT_S) {
        fprintf(stderr, "mirador watch: nothing from %s for %.0f s; is miradord running?\n",
                job->link.endpoint, now - heard);
        job->silent = true;
    }
    fflush(stdout);
}

static void watch(struct job *job)
{
    job->began_s = clock_s();
    if (job->terminal)
        fputs("\033[2J", stdout);
    while (!stop_requested() && !(job->cycles && job->seen >= job->cycles) && !ferror(stdout)) {
        zmq_pollitem_t items[] = {{job->telemetry, 0, ZMQ_POLLIN, 0},
                                  {NULL, stop_fd(), ZMQ_POLLIN, 0},
                                  {job->truth, 0, ZMQ_POLLIN, 0}};
        (void)zmq_poll(items, job->truth ? 3 : 2, POLL_MS);
        take_all(job, job->truth);
        take_all(job, job->telemetry);
        draw(job);
    }
}

int cmd_watch(int argc, char **argv)
{
    static struct job job = {.link.endpoint = "ipc:///run/mirador/telemetry.sock"};
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador watch",
        .synopsis = "Shows a running miradord: positions, faults, counters, deadlines, surfaces.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    job.json = opt.json;
    job.terminal = !opt.json && isatty(STDOUT_FILENO);
    code = EXIT_DONE;
    if (stop_signals_install(&err) || open_job(&job, &err)) {
        fprintf(stderr, "mirador watch: %s\n", err.text);
        code = options_exit_code(&err);
    } else {
        watch(&job);
    }
    close_job(&job);
    return code;
}
