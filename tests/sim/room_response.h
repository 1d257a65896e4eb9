/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Responses over carriers of the simulated room, without radios and time: what slots averaged over
 * many cycles would hold. The antennas are advanced by their own lengths, carrier phase included,
 * so that the direct path alone would be the same positive number on every antenna and carrier. */
#pragma once
#include <math.h>
#include <string.h>

#include "sim/channel.h"
#include "sim/trajectory.h"

enum { RESPONSE_ANT = 4, RESPONSE_K = 811, RESPONSE_N = 1024 };
#define RESPONSE_SPACING_HZ (100e6 / RESPONSE_N)
#define RESPONSE_PI         3.14159265358979323846

struct room_response {
    struct scene scene;
    struct channel *channel;
    float complex group[CHANNEL_N_GROUP * RESPONSE_N];
};

/* The lab without its surfaces, whose codes cancel in the mean. False: no scene. */
static inline bool room_response_open(struct room_response *r, uint64_t seed, const char *path)
{
    const struct scene_options options = {.seed = &seed, .path = path};
    struct status err = {0};
    if (scene_load("lab", &options, &r->scene, &err))
        return false;
    r->scene.n_ris = 0;
    r->channel = channel_create(&r->scene, RESPONSE_N, &err);
    return r->channel != NULL;
}

static inline double room_response_length(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* Transmitter: 0 the base station's first, 1 the first user, at room time time_s. h: [4 x 811],
 * divided by `scale`, the amplitude of the direct path. */
static inline void room_response(struct room_response *r, unsigned radio, double time_s,
                                 double scale, float complex *h)
{
    struct trajectory_point user;
    double rate[CHANNEL_N_GROUP];
    channel_move(r->channel, time_s);
    trajectory_at(&r->scene.users[0], time_s, &user);
    for (unsigned a = 0; a < RESPONSE_ANT; a++) {
        const double *from = radio ? user.position_m : r->scene.bs_tx.positions_m[0];
        double length = room_response_length(from, r->scene.bs_rx.positions_m[a]);
        unsigned present = channel_link(r->channel, radio, 0, 0, a, r->group, rate);
        for (int k = 0; k < RESPONSE_K; k++) {
            int bin = k - (RESPONSE_K - 1) / 2;
            double f = r->scene.carrier_hz + bin * RESPONSE_SPACING_HZ;
            float complex sum = 0;
            for (int g = 0; g < CHANNEL_N_GROUP; g++)
                if (present >> g & 1)
                    sum += r->group[g * RESPONSE_N + (bin + RESPONSE_N) % RESPONSE_N];
            h[a * RESPONSE_K + k] =
                sum / (float)scale *
                (float complex)cexp(I * 2 * RESPONSE_PI * f * length / SCENE_LIGHT_MPS);
        }
    }
}

static inline double room_response_leak(const struct room_response *r)
{
    return pow(10, -r->scene.bs_isolation_db / 20);
}
