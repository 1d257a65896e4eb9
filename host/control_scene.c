/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_scene.h"
#include "base/log.h"
#include "host/energy_json.h"
#include "host/schedule_json.h"
#include <string.h>

static json_t *vector(const double v[3])
{
    return json_pack("[f, f, f]", v[0], v[1], v[2]);
}

static json_t *vector_of(struct vec3 v)
{
    return json_pack("[f, f, f]", v.x, v.y, v.z);
}

static json_t *station(const struct bs_cfg *cfg)
{
    json_t *tx = json_array(), *rx = json_array();
    for (size_t i = 0; i < cfg->geometry.n_tx; i++)
        json_array_append_new(tx, vector(cfg->geometry.tx_m[i]));
    for (size_t i = 0; i < cfg->radio.n_rx; i++)
        json_array_append_new(rx, vector_of(bs_config_antenna(cfg, i)));
    return json_pack("{s:o, s:o, s:o}", "tx_m", tx, "rx_m", rx, "boresight",
                     vector(cfg->geometry.boresight));
}

static json_t *surface(const struct control_scene *s, size_t i)
{
    const struct bs_board *b = &s->cfg->ris.boards[i];
    const struct profile_set *set = &s->profiles[i];
    struct panel panel;
    if (bs_config_panel(s->cfg, i, &panel))
        return NULL;
    return json_pack("{s:s, s:o, s:o, s:i, s:i, s:i, s:f, s:I, s:I}", "name", b->name, "position_m",
                     vector(b->position_m), "normal", vector_of(panel.z), "columns",
                     (int)set->shape.columns, "rows", (int)set->shape.rows, "bits", b->bits,
                     "spacing_m", b->spacing_m, "profiles", (json_int_t)set->n, "broken",
                     (json_int_t)set->n_broken);
}

static json_t *cycle(const struct control_scene *scene)
{
    json_t *table = schedule_json(scene->schedule);
    json_object_set_new(table, "energy", energy_json(scene->cfg));
    return table;
}

json_t *control_scene_describe(const struct control_scene *scene)
{
    static const char *const modes[] = {"wide", "static", "tracked"};
    const struct bs_cfg *cfg = scene->cfg;
    json_t *surfaces = json_array();
    for (size_t i = 0; i < BS_RIS; i++)
        json_array_append_new(surfaces, surface(scene, i));
    return json_pack("{s:f, s:f, s:b, s:s, s:{s:o, s:o}, s:o, s:o, s:o}", "carrier_hz",
                     cfg->radio.carrier_hz, "rate_hz", cfg->radio.rate_hz, "gated", cfg->run.gated,
                     "ris_mode", modes[cfg->ris.mode], "room", "min_m", vector(cfg->room.min_m),
                     "max_m", vector(cfg->room.max_m), "station", station(cfg), "surfaces",
                     surfaces, "cycle", cycle(scene));
}

int control_scene_surface(const struct bs_cfg *cfg, const char *name, struct status *err)
{
    for (int i = 0; name && i < BS_RIS; i++)
        if (strcmp(cfg->ris.boards[i].name, name) == 0)
            return i;
    return status_set(err, ERR_NOT_FOUND, "\"surface\" must be %s or %s, not '%.40s'",
                      cfg->ris.boards[0].name, cfg->ris.boards[1].name, name ? name : "");
}

json_t *control_scene_pattern(const struct control_scene *scene, const json_t *args,
                              struct status *err)
{
    static const char digits[] = "0123456789abcdef";
    char states[RIS_SIDE_MAX * RIS_SIDE_MAX + 1];
    const char *name = json_string_value(json_object_get(args, "surface"));
    const json_t *number = json_object_get(args, "profile");
    int i = control_scene_surface(scene->cfg, name, err);
    if (i < 0)
        return NULL;
    const struct profile_set *set = &scene->profiles[i];
    json_int_t profile = json_integer_value(number);
    if (!json_is_integer(number) || profile < 0 || profile >= (json_int_t)set->n) {
        status_set(err, ERR_ARG, "\"profile\" must be a number from 0 to %zu", set->n - 1);
        return NULL;
    }
    size_t n = profile_elements(set);
    for (size_t m = 0; m < n; m++)
        states[m] = digits[set->state[profile][m] & 15];
    return json_pack("{s:s, s:I, s:i, s:i, s:s#}", "surface", name, "profile", profile, "columns",
                     (int)set->shape.columns, "rows", (int)set->shape.rows, "states", states,
                     (int)n);
}
