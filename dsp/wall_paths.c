/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_paths.h"

#include <assert.h>

static const double weakest = 1e-3; /* power kept, relative to the direct way */

/* A hop's seven ways: direct, or by the image that room_image counts. */
struct hop {
    double length_m[WALL_HOPS], amplitude[WALL_HOPS];
};

static void hop_lengths(const struct wall_map *map, struct vec3 a, struct vec3 b, struct hop *hop)
{
    for (size_t way = 0; way < WALL_HOPS; way++)
        hop->length_m[way] = vec3_dist(a, room_image(&map->room, b, way));
}

const char *wall_map_fault(const struct wall_map *map)
{
    assert(map);
    for (size_t face = 0; face < 6; face++)
        if (!(map->factor[face] >= 0 && map->factor[face] < 1))
            return "factor of a wall out of [0, 1)";
    return NULL;
}

double wall_map_gain(const struct wall_map *map, struct vec3 a, struct vec3 towards)
{
    double n = vec3_norm(map->boresight);
    if (n == 0)
        return 1;
    return fmax(vec3_dot(vec3_unit(vec3_sub(towards, a)), map->boresight) / n, 0.03);
}

/* From a to b; the pattern is that of a BS antenna at a. */
static void hop_init(const struct wall_map *map, struct vec3 a, struct vec3 b, bool from_bs,
                     struct hop *hop)
{
    hop_lengths(map, a, b, hop);
    for (size_t way = 0; way < WALL_HOPS; way++) {
        double gain = from_bs ? wall_map_gain(map, a, room_image(&map->room, b, way)) : 1;
        hop->amplitude[way] = gain * (way ? map->factor[way - 1] : 1) / hop->length_m[way];
    }
}

static double face_gain(struct vec3 face, struct vec3 ris, struct vec3 towards)
{
    if (vec3_norm(face) == 0)
        return 1;
    return sqrt(fmax(vec3_dot(vec3_unit(vec3_sub(towards, ris)), face), 0));
}

/* A RIS sees the other end and its images by its face alone. */
static void see_by_face(const struct wall_map *map, size_t ris, struct vec3 p, struct hop *hop)
{
    for (size_t way = 0; way < WALL_HOPS; way++)
        hop->amplitude[way] *=
            face_gain(map->face[ris], map->anchors.ris[ris], room_image(&map->room, p, way));
}

/* The hops of a stream; the last three only by a RIS. */
struct hops {
    struct hop tx_user, rx_user, user_ris, ris_rx, ris_tx;
};

static void hops_init(const struct wall_map *map, size_t stream, struct vec3 u, struct hops *h)
{
    const struct anchors *a = &map->anchors;
    const size_t by = stream % WALL_ANSWER;
    hop_init(map, a->tx, u, true, &h->tx_user);
    hop_init(map, a->rx, u, true, &h->rx_user);
    if (by == 0)
        return;
    hop_init(map, a->ris[by - 1], u, false, &h->user_ris);
    hop_init(map, a->rx, a->ris[by - 1], true, &h->ris_rx);
    hop_init(map, a->tx, a->ris[by - 1], true, &h->ris_tx);
    see_by_face(map, by - 1, u, &h->user_ris);
    see_by_face(map, by - 1, a->rx, &h->ris_rx);
    see_by_face(map, by - 1, a->tx, &h->ris_tx);
}

static size_t weakest_of(const struct wall_paths *paths)
{
    size_t weak = 0;
    for (size_t i = 1; i < paths->n; i++)
        if (paths->power[i] < paths->power[weak])
            weak = i;
    return weak;
}

/* A full list gives up its weakest way for a stronger one: hard walls make more ways than fit, and
 * the model error covers only what is weak. */
static void add(struct wall_paths *paths, double power, const size_t way[3], bool back)
{
    size_t i = paths->n;
    if (i < WALL_PATHS_MAX) {
        paths->n++;
    } else {
        i = weakest_of(paths);
        if (power <= paths->power[i])
            return;
    }
    paths->power[i] = power;
    paths->way[i].first = (unsigned char)way[0];
    paths->way[i].second = (unsigned char)way[1];
    paths->way[i].third = (unsigned char)way[2];
    paths->way[i].back = back;
}

static double square(double x)
{
    return x * x;
}

static void list_echo(const struct hops *h, struct wall_paths *paths)
{
    double direct = square(h->tx_user.amplitude[0] * h->rx_user.amplitude[0]);
    if (!(direct > 0))
        return;
    for (size_t i = 0; i < WALL_HOPS; i++)
        for (size_t j = 0; j < WALL_HOPS; j++) {
            double power = square(h->tx_user.amplitude[i] * h->rx_user.amplitude[j]) / direct;
            if (power >= weakest)
                add(paths, power, (size_t[3]){i, j, 0}, false);
        }
}

static void list_ris(const struct hops *h, bool back, struct wall_paths *paths)
{
    const struct hop *near = back ? &h->rx_user : &h->tx_user;
    const struct hop *far = back ? &h->ris_tx : &h->ris_rx;
    double direct =
        square(h->tx_user.amplitude[0] * h->user_ris.amplitude[0] * h->ris_rx.amplitude[0]);
    if (!(direct > 0))
        return;
    for (size_t i = 0; i < WALL_HOPS; i++)
        for (size_t j = 0; j < WALL_HOPS; j++)
            for (size_t k = 0; k < WALL_HOPS; k++) {
                double power =
                    square(near->amplitude[i] * h->user_ris.amplitude[j] * far->amplitude[k]) /
                    direct;
                if (power >= weakest)
                    add(paths, power, (size_t[3]){i, j, k}, back);
            }
}

/* The user's own signal, in one hop or in two. */
static void list_answer(const struct hop *first, const struct hop *second, struct wall_paths *paths)
{
    const double direct = square(first->amplitude[0] * (second ? second->amplitude[0] : 1));
    if (!(direct > 0))
        return;
    for (size_t i = 0; i < WALL_HOPS; i++)
        for (size_t j = 0; j < (second ? WALL_HOPS : 1); j++) {
            double power =
                square(first->amplitude[i] * (second ? second->amplitude[j] : 1)) / direct;
            if (power < weakest)
                continue;
            add(paths, power, (size_t[3]){i, j, 0}, false);
        }
}

static void set_lengths(size_t stream, const struct hops *h, struct wall_paths *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        unsigned first = paths->way[i].first, second = paths->way[i].second,
                 third = paths->way[i].third;
        if (stream == WALL_ANSWER)
            paths->length_m[i] = h->rx_user.length_m[first];
        else if (stream > WALL_ANSWER)
            paths->length_m[i] = h->user_ris.length_m[first] + h->ris_rx.length_m[second];
        else if (stream == 0)
            paths->length_m[i] = h->tx_user.length_m[first] + h->rx_user.length_m[second];
        else if (paths->way[i].back)
            paths->length_m[i] = h->rx_user.length_m[first] + h->user_ris.length_m[second] +
                                 h->ris_tx.length_m[third];
        else
            paths->length_m[i] = h->tx_user.length_m[first] + h->user_ris.length_m[second] +
                                 h->ris_rx.length_m[third];
    }
}

void wall_paths_list(const struct wall_map *map, size_t stream, struct vec3 u,
                     struct wall_paths *paths)
{
    assert(map && paths && stream <= WALL_ANSWER + 2);
    struct hops h;
    hops_init(map, stream, u, &h);
    paths->n = 0;
    if (stream >= WALL_ANSWER) {
        list_answer(stream == WALL_ANSWER ? &h.rx_user : &h.user_ris,
                    stream == WALL_ANSWER ? NULL : &h.ris_rx, paths);
    } else if (stream == 0) {
        list_echo(&h, paths);
    } else {
        list_ris(&h, false, paths);
        list_ris(&h, true, paths);
    }
    set_lengths(stream, &h, paths);
}
