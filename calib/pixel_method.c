/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/pixel_method.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "calib/agnostic.h"
#include "calib/jlfd_beam.h"
#include "calib/jlfd_l1.h"
#include "calib/jlfd_successive.h"
#include "calib/near_field.h"

struct pixel_solver {
    enum pixel_method method;
    const struct pixel_model *model;
    struct jlfd_beam *beam;
    struct jlfd_l1 *l1;
    struct jlfd_successive *successive;
    struct agnostic *agnostic;
    struct vec3 last;
};

static const char *const names[PIXEL_METHODS] = {
    [PIXEL_METHOD_JOINT] = "joint", [PIXEL_METHOD_AGNOSTIC] = "agnostic",
    [PIXEL_METHOD_L1] = "l1",       [PIXEL_METHOD_SUCCESSIVE] = "successive",
    [PIXEL_METHOD_OCCAM] = "occam",
};

const char *pixel_method_name(enum pixel_method method)
{
    assert(method < PIXEL_METHODS);
    return names[method];
}

int pixel_method_find(const char *name)
{
    for (int i = 0; i < PIXEL_METHODS; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

/* The one workspace of the method. */
static bool open_method(struct pixel_solver *s)
{
    switch (s->method) {
    case PIXEL_METHOD_JOINT:
        return (s->beam = jlfd_beam_create(s->model, &(struct jlfd_beam_cfg){0, 0})) != NULL;
    case PIXEL_METHOD_L1:
        return (s->l1 = jlfd_l1_create(s->model)) != NULL;
    case PIXEL_METHOD_SUCCESSIVE:
        return (s->successive = jlfd_successive_create(s->model, SUCCESSIVE_PUBLISHED)) != NULL;
    case PIXEL_METHOD_OCCAM:
        return (s->successive = jlfd_successive_create(s->model, SUCCESSIVE_OCCAM)) != NULL;
    default:
        return (s->agnostic = agnostic_create(s->model)) != NULL;
    }
}

struct pixel_solver *pixel_solver_create(const struct pixel_model *model, enum pixel_method method)
{
    assert(model && method < PIXEL_METHODS);
    struct pixel_solver *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->method = method;
    s->model = model;
    if (!open_method(s))
        pixel_solver_destroy(&s);
    return s;
}

void pixel_solver_destroy(struct pixel_solver **solver)
{
    struct pixel_solver *s = *solver;
    if (s) {
        jlfd_beam_destroy(&s->beam);
        jlfd_l1_destroy(&s->l1);
        jlfd_successive_destroy(&s->successive);
        agnostic_destroy(&s->agnostic);
    }
    free(s);
    *solver = NULL;
}

static int run_agnostic(struct pixel_solver *s, const struct jlfd_data *data,
                        struct pixel_estimate *out)
{
    struct varpro_fit fit;
    int rc = agnostic_run(s->agnostic, data->y, data->mask, &fit);
    if (rc == 0)
        jlfd_report(s->model, data, &fit, NULL, 0, out);
    return rc;
}

int pixel_solver_run(struct pixel_solver *s, const struct jlfd_data *data,
                     struct pixel_estimate *out)
{
    int rc = s->beam         ? jlfd_beam_run(s->beam, data, out)
             : s->l1         ? jlfd_l1_run(s->l1, data, out)
             : s->successive ? jlfd_successive_run(s->successive, data, out)
                             : run_agnostic(s, data, out);
    if (rc == 0)
        s->last = out->position_m;
    return rc;
}

static struct vec3 place_of(const double uvq[3])
{
    return near_field_point((struct vec3){uvq[0], uvq[1], uvq[2]});
}

size_t pixel_solver_path(const struct pixel_solver *s, struct vec3 *place, size_t max)
{
    const struct jlfd_path *path = s->beam         ? jlfd_beam_path(s->beam)
                                   : s->l1         ? jlfd_l1_path(s->l1)
                                   : s->successive ? jlfd_successive_path(s->successive)
                                                   : NULL;
    size_t n = 0;
    assert(max >= 1);
    for (size_t i = 0; path && i < path->n && n < max; i++)
        place[n++] = place_of(path->uvq[i]);
    if (n < max)
        place[n++] = s->last;
    return n;
}
