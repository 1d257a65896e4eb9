/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/wall_light.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsp/fft.h"

#define BRIGHTEST 100.0

/* [n] each. */
struct phasors {
    float *re, *im;
};

struct wall_light {
    struct wall_light_cfg cfg;
    size_t n;                        /* elements, */
    float *x, *y, *z, *square;       /* from the panel's middle [m], [m^2] */
    struct phasors bs[WALL_HOPS];    /* from each element to the BS, by each way; */
    struct phasors shown[WALL_HOPS]; /* the same with the profile; */
    struct phasors user[WALL_HOPS];  /* to the user */
    struct wall_paths paths;
    float *memory;
};

/* --- one way of a hop ------------------------------------------------------------------------- */

/* sin(2 pi turns) within 4e-6, of turns below 1e3. The library's sine is not SIMD. */
static inline float sine(float turns)
{
    turns -= rintf(turns);
    const float folded = fabsf(turns) > 0.25f ? copysignf(0.5f, turns) - turns : turns;
    const float x = 2 * (float)PI * folded, y = x * x;
    return x * (1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72))));
}

/* exp(-j 2 pi (|p - e| - |p|) / lambda), p from the panel's middle: the difference of the ways as
 * (|e|^2 - 2 p e) / (|p - e| + |p|), which cancels nothing. */
static void lay_hop(const struct wall_light *l, struct vec3 p, struct phasors *out)
{
    const float px = (float)p.x, py = (float)p.y, pz = (float)p.z, r = (float)vec3_norm(p),
                per_m = (float)(1 / l->cfg.wavelength_m);
    for (size_t m = 0; m < l->n; m++) {
        const float more = l->square[m] - 2 * (px * l->x[m] + py * l->y[m] + pz * l->z[m]);
        const float turns = per_m * more / (r + sqrtf(r * r + more));
        out->re[m] = sine(0.25f - turns);
        out->im[m] = sine(-turns);
    }
}

static void lay_hop_to(const struct wall_light *l, struct vec3 p, size_t way, struct phasors *out)
{
    lay_hop(l, vec3_sub(wall_map_image(&l->cfg.walls, p, way), l->cfg.panel.position), out);
}

static void show(const struct wall_light *l, const cplx *gamma, const struct phasors *bs,
                 struct phasors *out)
{
    for (size_t m = 0; m < l->n; m++) {
        const float re = (float)creal(gamma[m]), im = (float)cimag(gamma[m]);
        out->re[m] = re * bs->re[m] - im * bs->im[m];
        out->im[m] = re * bs->im[m] + im * bs->re[m];
    }
}

/* |f|^2 */
static double power_of(const struct phasors *a, const struct phasors *b, size_t n)
{
    float re = 0, im = 0;
    for (size_t m = 0; m < n; m++) {
        re += a->re[m] * b->re[m] - a->im[m] * b->im[m];
        im += a->re[m] * b->im[m] + a->im[m] * b->re[m];
    }
    return (double)(re * re + im * im);
}

/* --- life ------------------------------------------------------------------------------------- */

static const char *fault_of(const struct wall_light_cfg *cfg)
{
    if (cfg->ris > 1)
        return "no such RIS";
    if (!(cfg->wavelength_m > 0) || !(cfg->bandwidth_hz > 0))
        return "wavelength_m and bandwidth_hz must be positive";
    if (panel_elements(&cfg->panel) == 0 || panel_elements(&cfg->panel) > 65536)
        return "a RIS has 1..65536 elements";
    return wall_map_fault(&cfg->walls);
}

static bool lay_out(struct wall_light *l)
{
    enum { ROWS = 4 + 3 * 2 * WALL_HOPS };
    float *row = l->memory = fft_alloc(ROWS * l->n * sizeof *row);
    if (!row)
        return false;
    float **const element[] = {&l->x, &l->y, &l->z, &l->square};
    for (size_t i = 0; i < sizeof element / sizeof *element; i++, row += l->n)
        *element[i] = row;
    struct phasors *const hops[] = {l->bs, l->shown, l->user};
    for (size_t i = 0; i < 3 * WALL_HOPS; i++, row += 2 * l->n)
        hops[i / WALL_HOPS][i % WALL_HOPS] = (struct phasors){row, row + l->n};
    return true;
}

static void fill(struct wall_light *l)
{
    for (size_t m = 0; m < l->n; m++) {
        const struct vec3 e = vec3_sub(panel_element(&l->cfg.panel, m), l->cfg.panel.position);
        l->x[m] = (float)e.x;
        l->y[m] = (float)e.y;
        l->z[m] = (float)e.z;
        l->square[m] = (float)vec3_dot(e, e);
    }
    for (size_t way = 0; way < WALL_HOPS; way++)
        lay_hop_to(l, l->cfg.bs, way, &l->bs[way]);
}

struct wall_light *wall_light_create(const struct wall_light_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    const char *fault = fault_of(cfg);
    struct wall_light *l = fault ? NULL : fft_alloc(sizeof *l);
    if (l) {
        l->cfg = *cfg;
        l->n = panel_elements(&cfg->panel);
        if (lay_out(l))
            fill(l);
        else
            wall_light_destroy(&l);
    }
    if (!l) {
        err->code = fault ? ERR_ARG : ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "light on walls: %s",
                 fault ? fault : "out of memory");
    }
    return l;
}

void wall_light_destroy(struct wall_light **light)
{
    if (!light || !*light)
        return;
    fft_free((*light)->memory);
    fft_free(*light);
    *light = NULL;
}

/* --- light ------------------------------------------------------------------------------------ */

static double slope(double x)
{
    return fabs(x) < 1e-3 ? 0 : (cos(PI * x) - sin(PI * x) / (PI * x)) / x;
}

/* w of way i. */
static double weight_of(const struct wall_light *l, double direct_m, size_t i)
{
    const double s =
        slope(l->cfg.bandwidth_hz * (l->paths.length_m[i] - direct_m) / SPEED_OF_LIGHT);
    return l->paths.power[i] * s * s;
}

double wall_light_at(struct wall_light *l, const cplx *gamma, struct vec3 u)
{
    assert(l && gamma);
    bool laid[2][WALL_HOPS] = {{false}};
    double direct = 0, images = 0, weights = 0;
    const double direct_m =
        vec3_dist(u, l->cfg.walls.anchors.ris[l->cfg.ris]) +
        vec3_dist(l->cfg.walls.anchors.ris[l->cfg.ris], l->cfg.walls.anchors.rx);
    wall_paths_list(&l->cfg.walls, WALL_ANSWER + 1 + l->cfg.ris, u, &l->paths);
    for (size_t i = 0; i < l->paths.n; i++) {
        const size_t j = l->paths.way[i].first, k = l->paths.way[i].second;
        if (!laid[0][j])
            lay_hop_to(l, u, j, &l->user[j]);
        if (!laid[1][k])
            show(l, gamma, &l->bs[k], &l->shown[k]);
        laid[0][j] = laid[1][k] = true;
        const double power = power_of(&l->user[j], &l->shown[k], l->n),
                     weight = j || k ? weight_of(l, direct_m, i) : 0;
        direct = j || k ? direct : power;
        images += weight * power;
        weights += weight;
    }
    if (!(weights > 0))
        return 1;
    return sqrt(fmin(images / weights / fmax(direct, 1e-30), BRIGHTEST * BRIGHTEST));
}
