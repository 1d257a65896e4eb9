/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_scene.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_tree.h"
#include "base/log.h"

#define LIGHT_MPS 299792458.0
/* The answer carries the height in these steps; a terminal that moves up and down says a larger
 * one. */
#define HEIGHT_SIGMA_M 0.03

struct reading {
    const char *name; /* of the scene */
    const struct node *root;
    struct status *err;
    int rc; /* first fault */
};

/* --- the tree --------------------------------------------------------------------------------- */

static const struct node *member(const struct node *map, const char *key)
{
    for (const struct node *m = map && map->kind == NODE_MAP ? map->first : NULL; m; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

static const struct node *item(const struct node *list, size_t index)
{
    const struct node *i = list && list->kind == NODE_LIST ? list->first : NULL;
    while (i && index-- > 0)
        i = i->next;
    return i;
}

static size_t items(const struct node *list)
{
    return list && list->kind == NODE_LIST ? list->n_items : 0;
}

static bool numbers(const struct node *node, double *out, size_t n)
{
    if (items(node) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct node *number = item(node, i);
        if (number->kind != NODE_SCALAR)
            return false;
        out[i] = strtod(number->text, NULL);
    }
    return true;
}

static double number(const struct node *map, const char *key, double missing)
{
    const struct node *node = member(map, key);
    return node && node->kind == NODE_SCALAR ? strtod(node->text, NULL) : missing;
}

static void text(const struct node *map, const char *key, char *out, size_t size)
{
    const struct node *node = member(map, key);
    snprintf(out, size, "%s", node && node->kind == NODE_SCALAR ? node->text : "");
}

static void fault(struct reading *r, const char *what)
{
    if (r->rc == 0)
        r->rc = status_set(r->err, ERR_ARG, "scene %s: %s", r->name, what);
}

static void need_vec3(struct reading *r, const struct node *map, const char *key, double out[3])
{
    char what[80];
    snprintf(what, sizeof what, "needs %s, three numbers", key);
    if (!numbers(member(map, key), out, 3))
        fault(r, what);
}

/* --- antennas --------------------------------------------------------------------------------- */

/* Element index of a line that is given by its centre or by its first antenna. */
static void line_element(const struct node *array, double index, double spacing_m, double out[3])
{
    double at[3], axis[3] = {1, 0, 0};
    bool centred = numbers(member(array, "centre_m"), at, 3);
    if (!centred && !numbers(member(array, "first_m"), at, 3))
        memset(at, 0, sizeof at);
    numbers(member(array, "axis"), axis, 3);
    double length = sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]);
    double from = centred ? (number(array, "count", 1) - 1) / 2 : 0;
    for (int i = 0; i < 3; i++)
        out[i] = at[i] + (index - from) * spacing_m * axis[i] / (length > 0 ? length : 1);
}

/* Position of one antenna: listed, or on the line. */
static void antenna(const struct node *array, size_t index, double spacing_m, double out[3])
{
    const struct node *listed = item(member(array, "positions_m"), index);
    if (!listed || !numbers(listed, out, 3))
        line_element(array, (double)index, number(array, "spacing_m", spacing_m), out);
}

static void read_arrays(struct reading *r, struct demo_scene *s)
{
    const struct node *bs = member(r->root, "bs"), *rx = member(bs, "rx"), *tx = member(bs, "tx");
    double half_wave_m = LIGHT_MPS / s->carrier_hz / 2, first[3], last[3], square = 0;
    size_t listed = items(member(rx, "positions_m"));
    size_t n = listed ? listed : (size_t)number(rx, "count", 4);
    if (!rx || !tx || n == 0)
        fault(r, "needs bs.rx and bs.tx, the base station's antennas");
    const size_t n_tx = items(member(tx, "positions_m"));
    s->n_tx = n_tx ? n_tx : (size_t)number(tx, "count", 1);
    s->n_tx = s->n_tx < DEMO_TX_MAX ? s->n_tx : DEMO_TX_MAX;
    for (size_t i = 0; i < s->n_tx; i++)
        antenna(tx, i, half_wave_m, s->tx_m[i]);
    antenna(rx, 0, half_wave_m, first);
    antenna(rx, n > 0 ? n - 1 : 0, half_wave_m, last);
    for (int i = 0; i < 3; i++) {
        s->rx_centre_m[i] = (first[i] + last[i]) / 2;
        s->rx_axis[i] = last[i] - first[i];
        square += s->rx_axis[i] * s->rx_axis[i];
    }
    s->n_rx = n;
    s->rx_spacing_m = n > 1 ? sqrt(square) / (double)(n - 1) : half_wave_m;
    if (!(square > 0))
        s->rx_axis[0] = 1;
}

/* Which way round the walls' images are bright. */
static void read_pattern(struct reading *r, double boresight[3])
{
    const struct node *antenna = member(member(r->root, "bs"), "antenna");
    char isotropic[8];
    text(antenna, "isotropic", isotropic, sizeof isotropic);
    if (strcmp(isotropic, "yes") == 0 || !numbers(member(antenna, "boresight"), boresight, 3))
        memset(boresight, 0, 3 * sizeof *boresight);
}

/* What a survey of the walls would have measured. */
static void read_walls(const struct node *room, double factor[6])
{
    const struct node *list = member(room, "wall_factor");
    const size_t n = items(list);
    if (n == 0 || n > 6 || !numbers(list, factor, n))
        factor[0] = 0.3;
    for (size_t face = 0; face < 6; face++)
        factor[face] = fmin(fabs(factor[n == 6 ? face : 0]), 0.999);
}

/* --- surfaces and users ----------------------------------------------------------------------- */

static void read_ris(struct reading *r, const struct node *node, double half_wave_m,
                     struct demo_ris *ris)
{
    text(node, "name", ris->name, sizeof ris->name);
    text(node, "board", ris->board, sizeof ris->board);
    need_vec3(r, node, "position_m", ris->position_m);
    ris->has_normal = numbers(member(node, "normal"), ris->normal, 3);
    if (!ris->has_normal && !numbers(item(member(node, "facing_m"), 1), ris->faces_m, 3))
        fault(r, "a surface needs 'normal', or 'facing_m' of the base station and a second point");
    ris->columns = (int)number(node, "columns", 16);
    ris->rows = (int)number(node, "rows", 16);
    ris->bits = (int)number(node, "bits", 1);
    ris->spacing_m = number(node, "spacing_m", half_wave_m);
    ris->n_states = items(member(node, "states"));
    if (ris->n_states > 16 || !numbers(member(node, "states"), ris->states, ris->n_states))
        ris->n_states = 0;
}

static const struct node *find_path(struct reading *r, const struct node *user, const char *name)
{
    char known[200] = "", what[300];
    const struct node *paths = member(user, "paths");
    for (size_t i = 0; i < items(paths); i++) {
        char candidate[32];
        text(item(paths, i), "name", candidate, sizeof candidate);
        if (!name[0] || strcmp(candidate, name) == 0)
            return item(paths, i);
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 candidate);
    }
    snprintf(what, sizeof what, "has no user path '%.40s'; it offers %s", name,
             known[0] ? known : "none");
    fault(r, what);
    return NULL;
}

/* Middle of the path's heights; a path that climbs makes the reported height less certain. */
static void read_height(const struct node *path, struct demo_user *user)
{
    const struct node *waypoints = member(path, "waypoints_m");
    double low = INFINITY, high = -INFINITY, at[3];
    for (size_t i = 0; i < items(waypoints); i++)
        if (numbers(item(waypoints, i), at, 3)) {
            low = fmin(low, at[2]);
            high = fmax(high, at[2]);
        }
    user->height_m = isfinite(low) ? (low + high) / 2 : 1.2;
    user->height_sigma_m = isfinite(low) ? fmin(0.3, fmax(HEIGHT_SIGMA_M, (high - low) / 2)) : 0.3;
}

static void read_user(struct reading *r, const struct node *node, const char *wish, char name[32],
                      struct demo_user *user)
{
    user->id = (int)number(node, "id", 1);
    text(node, "radio", user->role, sizeof user->role);
    if (!user->role[0])
        strcpy(user->role, "ue");
    user->enter_s = number(node, "enter_s", 0);
    text(node, "path", name, 32);
    if (wish)
        snprintf(name, 32, "%s", wish);
    const struct node *path = find_path(r, node, name);
    if (path)
        text(path, "name", name, 32);
    read_height(path, user);
}

static void read_all(struct reading *r, const char *path, struct demo_scene *s)
{
    const struct node *room = member(r->root, "room"), *ris = member(r->root, "ris");
    const struct node *users = member(r->root, "users");
    char other[32] = "";
    s->rate_hz = number(r->root, "rate_hz", 100e6);
    s->carrier_hz = number(r->root, "carrier_hz", 5.8e9);
    need_vec3(r, room, "min_m", s->room_min_m);
    need_vec3(r, room, "max_m", s->room_max_m);
    read_walls(room, s->wall_factor);
    read_arrays(r, s);
    read_pattern(r, s->boresight);
    if (items(ris) != DEMO_RIS)
        fault(r, "the base station works with two surfaces, list two under 'ris'");
    for (size_t i = 0; i < DEMO_RIS && item(ris, i); i++)
        read_ris(r, item(ris, i), LIGHT_MPS / s->carrier_hz / 2, &s->ris[i]);
    s->n_users = items(users);
    if (s->n_users < 1 || s->n_users > DEMO_USERS_MAX)
        fault(r, "the demo needs one to sixteen users");
    for (size_t i = 0; i < s->n_users && i < DEMO_USERS_MAX; i++) {
        read_user(r, item(users, i), i ? NULL : path, i ? other : s->path, &s->users[i]);
        s->n_listed += i == 0 || strcmp(other, "drawn") != 0;
    }
}

int demo_scene_parse(const char *name, const char *dump, const char *path, struct demo_scene *out,
                     struct status *err)
{
    struct config_tree tree;
    *out = (struct demo_scene){0};
    int rc = config_tree_read(&tree, name, dump, strlen(dump), err);
    if (rc == 0) {
        struct reading r = {.name = name, .root = tree.root, .err = err};
        read_all(&r, path, out);
        rc = r.rc;
    }
    config_tree_free(&tree);
    return rc;
}

/* The room's own text of the scene, to be freed; with as many users as wished. */
static char *dump(const struct children *children, const struct demo_wish *wish,
                  const struct demo_preset *preset, struct status *err)
{
    static struct command command;
    command = (struct command){0};
    command_add(&command, "--scene");
    command_add(&command, "%s", wish->scene);
    if (wish->path) {
        command_add(&command, "--path");
        command_add(&command, "%s", wish->path);
    }
    if (wish->users) {
        command_add(&command, "--users");
        command_add(&command, "%u", wish->users);
        command_add(&command, "--seed");
        command_add(&command, "%llu", (unsigned long long)wish->seed);
    }
    if (preset)
        demo_preset_tell_room(preset, &command);
    return children_dump(children, "mirador-room", &command, err);
}

int demo_scene_read(const struct children *children, const struct demo_wish *wish,
                    const struct demo_preset *preset, struct demo_scene *out, struct status *err)
{
    char *text = dump(children, wish, preset, err);
    int rc = text ? demo_scene_parse(wish->scene, text, wish->path, out, err) : err->code;
    free(text);
    if (rc == 0 && preset && out->n_rx != preset->n_rx)
        rc =
            status_set(err, ERR_ARG,
                       "scene %s: lists %zu receive antennas, but the preset's radio has %zu; list "
                       "as many, or give bs.rx.count and centre_m",
                       wish->scene, out->n_rx, preset->n_rx);
    return rc;
}

/* --- telling the others ----------------------------------------------------------------------- */

void command_set(struct command *command, const char *format, ...)
{
    char assignment[6000];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(assignment, sizeof assignment, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof assignment)
        command->overflow = true;
    command_add(command, "--set");
    command_add(command, "%s", assignment);
}

static void set_states(struct command *command, int board, const struct demo_ris *r)
{
    char list[16 * 24] = "";
    size_t at = 0;
    for (size_t i = 0; i < r->n_states; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.12g", i ? ", " : "", r->states[i]);
    if (r->n_states > 0)
        command_set(command, "boards[%d].states=[%s]", board, list);
}

static void set_vec3(struct command *command, const char *key, const double v[3])
{
    command_set(command, "%s=[%.12g, %.12g, %.12g]", key, v[0], v[1], v[2]);
}

static void tell_radio(const struct demo_scene *s, struct command *c)
{
    command_set(c, "radio.rate_hz=%.12g", s->rate_hz);
    command_set(c, "radio.carrier_hz=%.12g", s->carrier_hz);
}

/* Wide profiles cover the inner half of the room, on each axis. */
static void tell_region(const struct demo_scene *s, struct command *c)
{
    for (int i = 0; i < 2; i++) {
        double low = s->room_min_m[i], size = s->room_max_m[i] - low;
        command_set(c, "ris.region_%c_m=[%.12g, %.12g]", "xy"[i], low + size / 4,
                    low + size * 3 / 4);
    }
}

void demo_scene_tell_bs(const struct demo_scene *s, struct command *c)
{
    char key[64];
    tell_radio(s, c);
    tell_region(s, c);
    set_vec3(c, "room.min_m", s->room_min_m);
    set_vec3(c, "room.max_m", s->room_max_m);
    const double *w = s->wall_factor;
    command_set(c, "room.wall_factor=[%.12g, %.12g, %.12g, %.12g, %.12g, %.12g]", w[0], w[1], w[2],
                w[3], w[4], w[5]);
    command_set(c, "geometry.tx_m=[[%.12g, %.12g, %.12g]]", s->tx_m[0][0], s->tx_m[0][1],
                s->tx_m[0][2]);
    set_vec3(c, "geometry.rx_centre_m", s->rx_centre_m);
    set_vec3(c, "geometry.rx_axis", s->rx_axis);
    command_set(c, "geometry.rx_spacing_m=%.12g", s->rx_spacing_m);
    set_vec3(c, "geometry.boresight", s->boresight);
    for (int i = 0; i < DEMO_RIS; i++) {
        const struct demo_ris *r = &s->ris[i];
        command_set(c, "ris.boards[%d].name=%s", i, r->board);
        snprintf(key, sizeof key, "ris.boards[%d].position_m", i);
        set_vec3(c, key, r->position_m);
        snprintf(key, sizeof key, "ris.boards[%d].%s", i, r->has_normal ? "normal" : "faces_m");
        set_vec3(c, key, r->has_normal ? r->normal : r->faces_m);
        command_set(c, "ris.boards[%d].columns=%d", i, r->columns);
        command_set(c, "ris.boards[%d].rows=%d", i, r->rows);
        command_set(c, "ris.boards[%d].bits=%d", i, r->bits);
        command_set(c, "ris.boards[%d].spacing_m=%.12g", i, r->spacing_m);
    }
}

void demo_scene_tell_beams(const struct demo_scene *s, struct command *c)
{
    char channels[DEMO_TX_MAX * 4] = "", places[DEMO_TX_MAX * 64] = "";
    for (size_t i = 0, n = 0, m = 0; i < s->n_tx; i++) {
        const char *comma = i ? ", " : "";
        n += (size_t)snprintf(channels + n, sizeof channels - n, "%s%zu", comma, i);
        m += (size_t)snprintf(places + m, sizeof places - m, "%s[%.12g, %.12g, %.12g]", comma,
                              s->tx_m[i][0], s->tx_m[i][1], s->tx_m[i][2]);
    }
    command_set(c, "radio.tx_channels=[%s]", channels);
    command_set(c, "geometry.tx_m=[%s]", places);
}

void demo_scene_tell_ris(const struct demo_scene *s, const char *room, struct command *c)
{
    for (int i = 0; i < DEMO_RIS; i++) {
        const struct demo_ris *r = &s->ris[i];
        command_set(c, "boards[%d].name=%s", i, r->board);
        command_set(c, "boards[%d].columns=%d", i, r->columns);
        command_set(c, "boards[%d].rows=%d", i, r->rows);
        command_set(c, "boards[%d].bits=%d", i, r->bits);
        command_set(c, "boards[%d].spacing_m=%.12g", i, r->spacing_m);
        set_states(c, i, r);
        command_set(c, "boards[%d].room=%s", i, room);
    }
}

void demo_scene_tell_ue(const struct demo_scene *s, size_t user, struct command *c)
{
    tell_radio(s, c);
    command_set(c, "user.id=%d", s->users[user].id);
    command_set(c, "user.height_m=%.12g", s->users[user].height_m);
    command_set(c, "user.height_sigma_m=%.12g", s->users[user].height_sigma_m);
}
