/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sockets.h"
#include "sim/trajectory.h"

struct writer {
    char *out;
    size_t size, used;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t left = w->used < w->size ? w->size - w->used : 0;
    int n = vsnprintf(left ? w->out + w->used : NULL, left, format, args);
    va_end(args);
    w->used += n > 0 ? (size_t)n : 0;
}

int truth_write(const struct scene *scene, double time_s, char *out, size_t size)
{
    struct writer w = {.out = out, .size = size};
    put(&w, "{\"v\":1,\"time_s\":%.9f,\"users\":[", time_s);
    for (size_t u = 0; u < scene->n_users; u++) {
        struct trajectory_point p;
        trajectory_at(&scene->users[u], time_s, &p);
        put(&w,
            "%s{\"id\":%d,\"present\":%s,\"position_m\":[%.9g,%.9g,%.9g],"
            "\"velocity_mps\":[%.9g,%.9g,%.9g]}",
            u ? "," : "", scene->users[u].id, p.present ? "true" : "false", p.position_m[0],
            p.position_m[1], p.position_m[2], p.velocity_mps[0], p.velocity_mps[1],
            p.velocity_mps[2]);
    }
    put(&w, "]}");
    return w.used < size ? (int)w.used : ERR_NO_SPACE;
}

void truth_publish(struct truth *truth, double now_s)
{
    char text[2048];
    while ((double)truth->next * TRUTH_STEP_S <= now_s + TRUTH_AHEAD_S) {
        int n = truth_write(truth->scene, (double)truth->next * TRUTH_STEP_S, text, sizeof text);
        truth->next++;
        if (n < 0 || !truth->socket)
            continue;
        struct socket_frame frames[2] = {{"truth", 5}, {text, (size_t)n}};
        int rc = socket_send(truth->socket, frames, 2);
        (void)rc; /* a subscriber that does not read loses messages; the room never waits for it */
    }
}
