/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CPU time of telemetry: what ten cycles a second cost, from the queue through the formats to a
 * subscriber that hears everything, ZeroMQ's own thread included. */
#include "base/sockets.h"
#include "host/telemetry.h"
#include "tests/bench/bench.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { CYCLES = 200, HEALTH_EVERY = 5, PER_SECOND = 10 };

static struct bench {
    void *pub;
    struct telemetry_queue *queue;
    struct telemetry_item cycle, ris;
    struct health health;
    struct bs_cfg cfg;
    char text[32768];
    unsigned long sent;
} bench;

static void put_out(const char *topic, int length, const void *array, size_t n)
{
    const struct socket_frame frames[] = {
        {topic, strlen(topic)}, {bench.text, (size_t)length}, {array, n}};
    if (length > 0 && socket_send(bench.pub, frames, array ? 3 : 2) == OK)
        bench.sent++;
}

/* What the publisher of miradord does with a cycle of a permitting user. */
static void publish_item(const struct telemetry_item *item)
{
    const struct cycle_report *r = &item->report;
    char *text = bench.text;
    const size_t size = sizeof bench.text;
    if (item->kind == TELEMETRY_RIS) {
        put_out("ris", telemetry_format_ris(&item->ris, &bench.cfg, text, size), NULL, 0);
        return;
    }
    put_out("fix", telemetry_format_fix(r, 3, text, size), NULL, 0);
    put_out("cycle", telemetry_format_cycle(r, 3, text, size), NULL, 0);
    put_out("paths", telemetry_format_paths(r, text, size), r->profile, sizeof r->profile);
}

static void cycles(void *context)
{
    static struct telemetry_item item;
    (void)context;
    for (int i = 0; i < CYCLES; i++) {
        telemetry_queue_put(bench.queue, &bench.cycle);
        telemetry_queue_put(bench.queue, &bench.ris);
        telemetry_queue_clear_fd(bench.queue);
        while (telemetry_queue_take(bench.queue, &item))
            publish_item(&item);
        if (i % HEALTH_EVERY == 0)
            put_out("health", telemetry_format_health(&bench.health, bench.text, sizeof bench.text),
                    NULL, 0);
        usleep(500); /* ten cycles do not come at once: ZeroMQ's thread wakes for each */
    }
}

/* The other process hears every topic until it is ended. */
static pid_t subscriber(const char *endpoint)
{
    const pid_t child = fork();
    if (child != 0)
        return child;
    struct status err = {0};
    struct socket_message m = {0};
    struct sockets *s = sockets_create(NULL, &err);
    void *sub = s ? sockets_connect(s, ZMQ_SUB, endpoint, &err) : NULL;
    if (!sub || socket_subscribe(sub, ""))
        _exit(1);
    while (socket_recv(sub, &m, -1) == OK)
        ;
    _exit(0);
}

static void fill(void)
{
    struct cycle_report *r = &bench.cycle.report;
    bench.cycle.kind = TELEMETRY_CYCLE;
    bench.ris.kind = TELEMETRY_RIS;
    bench.ris.ris.n_board = BS_RIS;
    *r = (struct cycle_report){.plan = {.cycle = UINT64_C(7590251015759)},
                               .user_id = 1,
                               .time_s = 9.2029664,
                               .response = RESPONSE_PERMITTED,
                               .outcome = FIX_DONE,
                               .track = {.alive = true, .x = {1.1, 2.2, 3.3, .4, .5, .6}}};
    r->fix.position = (struct vec3){5.1972393854472863, 5.2342181817820386, 1.22};
    for (int i = 0; i < PATH_COUNT; i++)
        r->path[i] = (struct report_path){
            .found = true, .used = true, .length_m = 14.1873583123741 + i, .snr_db = 64.3528};
    for (size_t i = 0; i < sizeof r->profile / sizeof(float); i++)
        ((float *)r->profile)[i] = 1e-3f * (float)(i % 97);
    bench.health.state = "running";
}

int main(void)
{
    struct status err = {0};
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/mirador-bench-%d.sock", (int)getpid());
    const pid_t listener = subscriber(endpoint); /* before this process has threads */
    struct sockets *s = sockets_create(NULL, &err);
    bench.pub = s ? sockets_bind(s, ZMQ_PUB, endpoint, &err) : NULL;
    bench.queue = bench.pub ? telemetry_queue_create(64, false, &err) : NULL;
    if (!bench.queue) {
        fprintf(stderr, "bench_telemetry: %s\n", err.text);
        kill(listener, SIGKILL);
        return 2;
    }
    fill();
    usleep(300000); /* the subscription arrives */
    const double cycle_s = bench_median_cpu_s(cycles, NULL, 11) / CYCLES;
    int over = bench_report("telemetry, ten cycles a second", 100 * PER_SECOND * cycle_s,
                            "% of a core", 1);
    kill(listener, SIGKILL);
    waitpid(listener, NULL, 0);
    telemetry_queue_destroy(&bench.queue);
    socket_close(&bench.pub);
    sockets_destroy(&s);
    unlink(endpoint + strlen("ipc://"));
    return over || bench.sent == 0;
}
