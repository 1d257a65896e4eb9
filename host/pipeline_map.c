/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the map of the walls is good for: positions from all ways that it allows, and how far the
 * walls move a length. */
#include "host/pipeline_priv.h"

struct vec3 pipeline_axis(const struct pipeline *p)
{
    return vec3_unit(vec3_of(p->cfg.geometry.rx_axis));
}

void pipeline_antennas(const struct pipeline *p, double element_m[TOA_MAX_ANT])
{
    const struct vec3 axis = pipeline_axis(p);
    for (size_t j = 0; j < p->cfg.radio.n_rx; j++)
        element_m[j] = vec3_dot(vec3_sub(bs_config_antenna(&p->cfg, j), p->fix.anchors.rx), axis);
}

static bool make_walls(struct pipeline *p, const struct map_fix_cfg *map, struct status *err)
{
    const double *z = p->cfg.room.user_z_m;
    const struct wall_error_cfg cfg = {
        .walls = map->walls,
        .height_m = {z[0], z[1]},
        .bandwidth_hz = (double)map->n_carrier * map->spacing_hz,
        .axis = map->axis,
        .n_ant = map->n_ant,
        .spacing = p->cfg.geometry.rx_spacing_m / map->wavelength_m,
    };
    p->walls = wall_error_create(&cfg, err);
    return p->walls != NULL;
}

static bool make_lights(struct pipeline *p, const struct map_fix_cfg *map, struct status *err)
{
    for (size_t i = 0; i < BS_RIS; i++) {
        const struct wall_light_cfg cfg = {
            .walls = map->walls,
            .ris = i,
            .panel = *ris_model_panel(p->model[i]),
            .bs = anchors_bs(&p->fix.anchors),
            .wavelength_m = ris_model_wavelength_m(p->model[i]),
            .bandwidth_hz = (double)map->n_carrier * map->spacing_hz,
        };
        p->light[i] = wall_light_create(&cfg, err);
        if (!p->light[i])
            return false;
    }
    return true;
}

bool pipeline_map_create(struct pipeline *p, struct status *err)
{
    if (!p->cfg.estimate.map)
        return true;
    p->wall_map = bs_config_walls(&p->cfg);
    struct map_fix_cfg cfg = {
        .walls = p->wall_map,
        .n_ant = p->cfg.radio.n_rx,
        .n_carrier = p->wave.k,
        .spacing_hz = waveform_spacing_hz(&p->wave),
        .wavelength_m = SPEED_OF_LIGHT / p->cfg.radio.carrier_hz,
        .axis = pipeline_axis(p),
    };
    map_fix_cfg_defaults(&cfg);
    cfg.evidence *= p->cfg.estimate.map_evidence;
    pipeline_antennas(p, cfg.element_m);
    p->map = map_fix_create(&cfg, err);
    return p->map != NULL && make_walls(p, &cfg, err) && make_lights(p, &cfg, err);
}

void pipeline_map_destroy(struct pipeline *p)
{
    map_fix_destroy(&p->map);
    wall_error_destroy(&p->walls);
    for (size_t i = 0; i < BS_RIS; i++)
        wall_light_destroy(&p->light[i]);
}

void pipeline_map_refine(struct pipeline *p, const struct observation *height,
                         struct cycle_report *r)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    struct map_fix_stream in[MAP_FIX_STREAMS] = {0};
    if (!p->map || r->steering || !r->echoes) /* these streams are those of codes */
        return;
    for (size_t i = 0; i < N_STREAM; i++) {
        const struct report_path *path = &r->path[PATH_L1 + i];
        const bool believed = r->fix.used & ROW_BIT(ROW_L1 + i);
        if (believed && !path->adaptive && !path->weak)
            in[i] = (struct map_fix_stream){p->w + (STREAM_STATIC + i) * stride, &p->toa_of[i],
                                            path->bias_m};
    }
    map_fix_tune(p->map, SPEED_OF_LIGHT / p->cfg.radio.carrier_hz);
    const int rc = map_fix_refine(p->map, in, height, &r->fix);
    if (rc)
        r->fix.map = rc == ERR_NO_PEAK ? FIX_MAP_NO_PEAK : FIX_MAP_FEW;
}

int pipeline_map_still(struct pipeline *p, double sine, struct cycle_report *r)
{
    const struct map_fix_still in = {
        p->w, &p->toa_of[0], sine, {r->height_m, r->height_sigma_m, true}};
    struct ris_view view[BS_RIS];
    struct vec3 start;
    struct fix fix;
    map_fix_tune(p->map, SPEED_OF_LIGHT / p->cfg.radio.carrier_hz);
    int rc = map_fix_start(p->map, &in, &start);
    if (rc)
        return rc;
    for (size_t k = 0; k < BS_RIS; k++)
        ris_model_view(p->model[k], pipeline_gamma(p, k), start, &view[k]);
    rc = map_fix_solve(p->map, &in, start, view, &fix);
    if (rc)
        return rc;
    r->fix = fix;
    if (room_contains(&p->fix.room, fix.position, p->fix.room_margin_m))
        return OK;
    r->fix.verdict = FIX_ROOM;
    return ERR_GEOMETRY;
}
