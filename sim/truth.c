/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sockets.h"
#include "sim/pixels.h"
#include "sim/trajectory.h"
#include "sim/vec3.h"

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

/* The echo; then of each surface the mean of the way user, surface, receiver and of the one
 * transmitter, surface, user. */
static void put_lengths(struct writer *w, const struct scene *scene, const double user_m[3])
{
    const double *tx_m = scene->bs_tx.positions_m[0];
    double rx_m[3] = {0};
    for (size_t i = 0; i < scene->bs_rx.n; i++)
        vec3_axpy(rx_m, 1.0 / (double)scene->bs_rx.n, scene->bs_rx.positions_m[i], rx_m);
    const double echo_m = vec3_distance(user_m, tx_m) + vec3_distance(user_m, rx_m);
    put(w, ",\"lengths_m\":[%.9g", echo_m);
    for (size_t k = 0; k < scene->n_ris; k++) {
        const double *ris_m = scene->ris[k].position_m;
        put(w, ",%.9g",
            vec3_distance(user_m, ris_m) +
                (echo_m + vec3_distance(ris_m, tx_m) + vec3_distance(ris_m, rx_m)) / 2);
    }
    put(w, "]}");
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
            "\"velocity_mps\":[%.9g,%.9g,%.9g]",
            u ? "," : "", scene->users[u].id, p.present ? "true" : "false", p.position_m[0],
            p.position_m[1], p.position_m[2], p.velocity_mps[0], p.velocity_mps[1],
            p.velocity_mps[2]);
        put_lengths(&w, scene, p.position_m);
    }
    put(&w, "]}");
    return w.used < size ? (int)w.used : ERR_NO_SPACE;
}

static void put_board(struct writer *w, const struct scene_ris *ris, double time_s)
{
    struct pixel pixels[SCENE_MAX_ELEMENTS];
    const size_t n = (size_t)(ris->columns * ris->rows);
    pixels_at(ris, time_s, pixels);
    put(w, "{\"board\":\"%s\"", ris->board);
    for (int list = 0; list < 3; list++) {
        static const char *const keys[] = {"elements", "mask_re", "mask_im"};
        const char *comma = "";
        put(w, ",\"%s\":[", keys[list]);
        for (size_t m = 0; m < n; m++) {
            double complex mask = pixel_mask(&pixels[m]);
            if (mask == 1)
                continue;
            put(w, list ? "%s%.4g" : "%s%.0f", comma,
                list == 0   ? (double)m
                : list == 1 ? creal(mask)
                            : cimag(mask));
            comma = ",";
        }
        put(w, "]");
    }
    put(w, "}");
}

int truth_write_pixels(const struct scene *scene, double time_s, char *out, size_t size)
{
    struct writer w = {.out = out, .size = size};
    put(&w, "{\"v\":1,\"time_s\":%.9f,\"boards\":[", time_s);
    for (size_t k = 0; k < scene->n_ris; k++) {
        put(&w, k ? "," : "");
        put_board(&w, &scene->ris[k], time_s);
    }
    put(&w, "]}");
    return w.used < size ? (int)w.used : ERR_NO_SPACE;
}

static void send_topic(const struct truth *truth, const char *topic, const char *text, int n)
{
    if (n < 0 || !truth->socket)
        return;
    struct socket_frame frames[2] = {{topic, strlen(topic)}, {text, (size_t)n}};
    int rc = socket_send(truth->socket, frames, 2);
    (void)rc; /* a subscriber that does not read loses messages; the room never waits for it */
}

void truth_publish(struct truth *truth, double now_s)
{
    char text[SCENE_MAX_USERS * 256];
    static char pixels[1 << 18]; /* two surfaces all broken; the room's one thread */
    while ((double)truth->next * TRUTH_STEP_S <= now_s + TRUTH_AHEAD_S) {
        const double time_s = (double)truth->next * TRUTH_STEP_S;
        send_topic(truth, "truth", text, truth_write(truth->scene, time_s, text, sizeof text));
        if (truth->next % TRUTH_PIXELS == 0)
            send_topic(truth, "pixels", pixels,
                       truth_write_pixels(truth->scene, time_s, pixels, sizeof pixels));
        truth->next++;
    }
}
