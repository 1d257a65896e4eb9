/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/ris_place.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "host/cli/demo_scene.h"

/* A wide design covers the inner half of the room, as the base station's own does. */
static void set_region(const struct demo_scene *s, struct ris_region *r)
{
    double quarter_m[2];
    for (int i = 0; i < 2; i++)
        quarter_m[i] = (s->room_max_m[i] - s->room_min_m[i]) / 4;
    *r = (struct ris_region){
        .x_m = {s->room_min_m[0] + quarter_m[0], s->room_max_m[0] - quarter_m[0]},
        .y_m = {s->room_min_m[1] + quarter_m[1], s->room_max_m[1] - quarter_m[1]},
        .z_m = {RIS_PLACE_HEIGHT_M, RIS_PLACE_HEIGHT_M},
        .n_x = RIS_PLACE_GRID,
        .n_y = RIS_PLACE_GRID,
        .n_z = 1};
}

static void set_antennas(const struct demo_scene *s, struct ris_place *out)
{
    const struct vec3 axis = vec3_unit(vec3_of(s->rx_axis));
    const size_t max = sizeof out->antenna / sizeof *out->antenna;
    out->n_antenna = s->n_rx < max ? s->n_rx : max;
    for (size_t i = 0; i < out->n_antenna; i++) {
        double at_m = ((double)i - 0.5 * (double)(out->n_antenna - 1)) * s->rx_spacing_m;
        out->antenna[i] = vec3_add(out->bs, vec3_scale(axis, at_m));
    }
}

static void set_place(const struct demo_scene *s, const struct demo_ris *r, struct ris_place *out)
{
    snprintf(out->ris, sizeof out->ris, "%s", r->name[0] ? r->name : r->board);
    snprintf(out->board, sizeof out->board, "%s", r->board);
    out->bs = vec3_of(s->rx_centre_m);
    out->carrier_hz = s->carrier_hz;
    out->bits = (unsigned)r->bits;
    if (ris_states_measured(r->states, r->n_states, &out->table) != OK)
        out->table = ris_states_ideal(out->bits); /* the scene gives none */
    set_antennas(s, out);
    out->panel = (struct panel_cfg){.position = vec3_of(r->position_m),
                                    .up = {0, 0, 1},
                                    .columns = (size_t)r->columns,
                                    .rows = (size_t)r->rows,
                                    .spacing_m = r->spacing_m};
    out->panel.normal = r->has_normal
                            ? vec3_of(r->normal)
                            : panel_bisector(out->panel.position, out->bs, vec3_of(r->faces_m));
    set_region(s, &out->region);
}

int ris_place_find(const char *scene, const char *ris, struct ris_place *out, struct status *err)
{
    static struct demo_scene s;
    static struct children children;
    char known[120] = "";
    int rc = children_init(&children, "", err);
    if (rc == 0)
        rc = demo_scene_read(&children, &(struct demo_wish){.scene = scene}, NULL, &s, err);
    if (rc)
        return rc;
    for (int i = 0; i < DEMO_RIS; i++) {
        const struct demo_ris *r = &s.ris[i];
        if (strcasecmp(r->name, ris) == 0 || strcasecmp(r->board, ris) == 0) {
            set_place(&s, r, out);
            return 0;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 r->name[0] ? r->name : r->board);
    }
    return status_set(err, ERR_NOT_FOUND, "scene %s: has no surface '%.40s'; it has %s", scene, ris,
                      known);
}

struct ris_model *ris_place_model(const struct ris_place *place, size_t n, struct status *err)
{
    struct ris_model_cfg cfg = {
        .bs = place->bs, .carrier_hz = place->carrier_hz, .region = place->region};
    cfg.region.n_x = cfg.region.n_y = n;
    int rc = panel_init(&cfg.panel, &place->panel);
    if (rc) {
        status_set(err, rc, "%s: no such pose of a surface; see its position and normal",
                   place->ris);
        return NULL;
    }
    return ris_model_create(&cfg, err);
}
