/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/dsp/lab_rays.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CARRIER_HZ 5.8e9
static const double wavelength = SPEED_OF_LIGHT / CARRIER_HZ;

static void read_profiles(struct lab_rays *lab, const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    json_t *bits = json_object_get(root, "lab_bits");
    for (int k = 0; k < 2; k++) {
        const char *text = json_string_value(json_object_get(bits, k ? "RIS2" : "RIS1"));
        if (!text || strlen(text) != 256)
            abort();
        for (int i = 0; i < 256; i++)
            lab->sign[k][(i % 16) * 16 + i / 16] = text[i] == '1' ? -1 : 1;
    }
    json_decref(root);
}

void lab_rays_init(struct lab_rays *lab, const char *profiles)
{
    struct vec3 bs = {0.5, 0.5, 2.2}, middle = {4, 4, 1.2};
    *lab = (struct lab_rays){
        .n_ant = LAB_ANT,
        .anchors = {{0.5, 0.5, 2.5}, bs, {{7, 1.5, 1.9}, {1, 6, 1.7}}},
        .room = {{0, 0, 0}, {8, 8, 3}},
        .boresight = vec3_unit((struct vec3){1, 1, -0.15}),
        .wall = 0.3,
        .noise_db = {-50, -33, -33},
    };
    for (int k = 0; k < 2; k++) {
        struct panel_cfg cfg = {
            lab->anchors.ris[k], panel_bisector(lab->anchors.ris[k], bs, middle), {0, 0, 1}, 16, 16,
            wavelength / 2};
        if (panel_init(&lab->panel[k], &cfg))
            abort();
    }
    read_profiles(lab, profiles);
}

struct wall_map lab_rays_map(const struct lab_rays *lab, double factor)
{
    return (struct wall_map){lab->anchors,
                             lab->room,
                             {factor, factor, factor, factor, factor, factor},
                             lab->boresight,
                             {lab->panel[0].z, lab->panel[1].z}};
}

struct map_fix_cfg lab_rays_map_fix(const struct lab_rays *lab, double factor)
{
    struct map_fix_cfg cfg = {.walls = lab_rays_map(lab, factor),
                              .n_ant = lab->n_ant,
                              .n_carrier = LAB_K,
                              .spacing_hz = LAB_SPACING_HZ,
                              .wavelength_m = wavelength,
                              .axis = vec3_unit((struct vec3){-1, 1, 0})};
    map_fix_cfg_defaults(&cfg);
    for (size_t j = 0; j < lab->n_ant; j++)
        cfg.element_m[j] = ((double)j - 0.5 * ((double)lab->n_ant - 1)) * wavelength / 2;
    return cfg;
}

struct wall_error_cfg lab_rays_wall_error(const struct wall_map *walls)
{
    return (struct wall_error_cfg){.walls = *walls,
                                   .height_m = {0.5, 2.2},
                                   .bandwidth_hz = LAB_K * LAB_SPACING_HZ,
                                   .axis = vec3_unit((struct vec3){-1, 1, 0}),
                                   .n_ant = LAB_ANT,
                                   .spacing = 0.5};
}

struct wall_light_cfg lab_rays_wall_light(const struct lab_rays *lab, const struct wall_map *walls,
                                          size_t k)
{
    return (struct wall_light_cfg){.walls = *walls,
                                   .ris = k,
                                   .panel = lab->panel[k],
                                   .bs = lab->anchors.rx,
                                   .wavelength_m = wavelength,
                                   .bandwidth_hz = LAB_K * LAB_SPACING_HZ};
}

struct ris_model *lab_rays_ris(const struct lab_rays *lab, int k)
{
    struct status err;
    const struct ris_model_cfg cfg = {.panel = lab->panel[k],
                                      .bs = lab->anchors.rx,
                                      .carrier_hz = CARRIER_HZ,
                                      .region = {{4, 4}, {4, 4}, {1.2, 1.2}, 1, 1, 1}};
    return ris_model_create(&cfg, &err);
}

struct ris_view lab_rays_view(const struct lab_rays *lab, int k, const struct ris_model *model,
                              struct vec3 u)
{
    cplx gamma[256];
    struct ris_view view;
    for (size_t m = 0; m < 256; m++)
        gamma[m] = lab->sign[k][m];
    ris_model_view(model, gamma, u, &view);
    return view;
}

/* Mirror image w of p: 0 itself, 1..6 by a wall. */
static struct vec3 image(const struct lab_rays *lab, struct vec3 p, int w)
{
    double *axis[] = {&p.x, &p.y, &p.z};
    const double low[] = {lab->room.min.x, lab->room.min.y, lab->room.min.z};
    const double high[] = {lab->room.max.x, lab->room.max.y, lab->room.max.z};
    if (w) {
        int a = (w - 1) / 2;
        *axis[a] = 2 * ((w - 1) % 2 ? high[a] : low[a]) - *axis[a];
    }
    return p;
}

struct ray {
    double length_m;
    cplx amp; /* at the carrier */
};

static double antenna(const struct lab_rays *lab, struct vec3 from, struct vec3 to)
{
    return 2 * fmax(vec3_dot(vec3_unit(vec3_sub(to, from)), lab->boresight), 0.03);
}

static cplx turned(double length_m)
{
    return cexp(-2 * PI * I * (length_m / wavelength));
}

/* BS antenna at a to the point u. */
static void bs_hop(const struct lab_rays *lab, struct vec3 a, struct vec3 u, struct ray ray[7])
{
    for (int w = 0; w < 7; w++) {
        struct vec3 q = image(lab, u, w);
        double r = vec3_dist(a, q);
        ray[w].length_m = r;
        ray[w].amp =
            (w ? lab->wall : 1) * antenna(lab, a, q) * wavelength / (4 * PI * r) * turned(r);
    }
}

static double element_gain(const struct panel *panel, struct vec3 element, struct vec3 p)
{
    double cosine = vec3_dot(vec3_unit(vec3_sub(p, element)), panel->z);
    return cosine > 0 ? sqrt(PI * cosine) : 0;
}

/* Hops between each element of a panel and a point, by each wall. */
struct hops {
    double length_m[7]; /* from the panel's middle */
    cplx amp[7][256];
};

/* bs: the point is an antenna of the base station. */
static void panel_hops(const struct lab_rays *lab, int k, struct vec3 p, bool bs, struct hops *hops)
{
    const struct panel *panel = &lab->panel[k];
    for (int w = 0; w < 7; w++) {
        const struct vec3 a = image(lab, p, w);
        hops->length_m[w] = vec3_dist(a, panel->position);
        for (size_t m = 0; m < 256; m++) {
            const struct vec3 e = panel_element(panel, m);
            const double r = vec3_dist(a, e);
            hops->amp[w][m] = (w ? lab->wall : 1) * element_gain(panel, e, a) *
                              (bs ? antenna(lab, p, image(lab, e, w)) : 1) * wavelength /
                              (4 * PI * r) * turned(r);
        }
    }
}

/* User -> panel -> BS antenna by all walls: sums over the elements, lengths by the centre. */
static void panel_rays(const struct lab_rays *lab, int k, const struct hops *user,
                       const struct hops *bs, struct ray ray[49])
{
    for (int i = 0; i < 49; i++) {
        cplx sum = 0;
        for (size_t m = 0; m < 256; m++)
            sum += lab->sign[k][m] * user->amp[i / 7][m] * bs->amp[i % 7][m];
        ray[i] =
            (struct ray){user->length_m[i / 7] + bs->length_m[i % 7], pow(10, -1.5 / 20) * sum};
    }
}

/* [LAB_K] += rays of at least that amplitude. */
static void add_rays(const struct ray *ray, int n, double least, cplx *h)
{
    for (int i = 0; i < n; i++) {
        const double turn = -2 * PI * LAB_SPACING_HZ * ray[i].length_m / SPEED_OF_LIGHT;
        cplx phasor = ray[i].amp * cexp(-0.5 * (LAB_K - 1) * turn * I);
        const cplx step = cexp(turn * I);
        if (cabs(ray[i].amp) > least)
            for (int k = 0; k < LAB_K; k++, phasor *= step)
                h[k] += phasor;
    }
}

/* [LAB_K] += every way out of one hop and the other: the product of what carriers see of each. */
static void add_product(const cplx *a, const cplx *b, double scatter, cplxf *h)
{
    for (int k = 0; k < LAB_K; k++)
        h[k] += (cplxf)(scatter * a[k] * b[k]);
}

/* h: [n], of a stream */
static void add_noise(struct rng *rng, double noise_db, size_t n, cplxf *h)
{
    double power = 0;
    for (size_t i = 0; i < n; i++)
        power += cplxf_norm(h[i]) / (double)n;
    double amp = sqrt(power * pow(10, noise_db / 10));
    for (size_t i = 0; i < n; i++)
        h[i] += (cplxf)(amp * rng_cn(rng));
}

static void add_noises(const struct lab_rays *lab, struct rng *rng, cplxf *h)
{
    const size_t n = lab->n_ant * LAB_K;
    for (size_t s = 0; s < LAB_STREAMS; s++)
        add_noise(rng, lab->noise_db[s], n, &h[s * n]);
}

static struct vec3 antenna_of(const struct lab_rays *lab, size_t j)
{
    const struct antenna_line line = {lab->anchors.rx, {-1, 1, 0}, wavelength / 2, lab->n_ant};
    return antenna_line_element(&line, j);
}

/* Rays by panel k between user and an antenna, times the hop between the user and another. */
static void add_panel(const struct ray by[49], const struct ray other[7], double scatter, cplxf *h)
{
    cplx a[LAB_K] = {0}, b[LAB_K] = {0};
    add_rays(by, 49, 0, a);
    add_rays(other, 7, 0.02 * cabs(other[0].amp), b);
    add_product(a, b, scatter, h);
}

static void add_echo(const struct ray tx[7], const struct ray rx[7], double scatter, cplxf *h)
{
    cplx a[LAB_K] = {0}, b[LAB_K] = {0};
    add_rays(tx, 7, 0, a);
    add_rays(rx, 7, 0, b);
    add_product(a, b, scatter, h);
}

void lab_rays_streams(const struct lab_rays *lab, struct vec3 user, struct rng *rng, cplxf *h)
{
    const double scatter = sqrt(4 * PI * pow(10, -0.3)) / wavelength;
    struct ray tx[7], rx[7], out[2][49], back[49];
    struct hops to_user[2], to_bs;
    memset(h, 0, sizeof *h * LAB_STREAMS * lab->n_ant * LAB_K);
    bs_hop(lab, lab->anchors.tx, user, tx);
    for (int k = 0; k < 2; k++) {
        panel_hops(lab, k, user, false, &to_user[k]);
        panel_hops(lab, k, lab->anchors.tx, true, &to_bs);
        panel_rays(lab, k, &to_user[k], &to_bs, out[k]);
    }
    for (size_t j = 0; j < lab->n_ant; j++) {
        const struct vec3 antenna_j = antenna_of(lab, j);
        bs_hop(lab, antenna_j, user, rx);
        add_echo(tx, rx, scatter, &h[j * LAB_K]);
        for (int k = 0; k < 2; k++) {
            cplxf *stream = &h[((size_t)(k + 1) * lab->n_ant + j) * LAB_K];
            panel_hops(lab, k, antenna_j, true, &to_bs);
            panel_rays(lab, k, &to_user[k], &to_bs, back);
            add_panel(back, tx, scatter, stream);
            add_panel(out[k], rx, scatter, stream);
        }
    }
    add_noises(lab, rng, h);
}

static void store(const struct ray *ray, int n, cplxf *h)
{
    cplx sum[LAB_K] = {0};
    add_rays(ray, n, 0, sum);
    for (int k = 0; k < LAB_K; k++)
        h[k] = (cplxf)sum[k];
}

void lab_rays_answer(const struct lab_rays *lab, struct vec3 user, struct rng *rng, cplxf *h)
{
    struct ray rx[7], by[49];
    struct hops to_user[2], to_bs;
    for (int k = 0; k < 2; k++)
        panel_hops(lab, k, user, false, &to_user[k]);
    for (size_t j = 0; j < lab->n_ant; j++) {
        const struct vec3 antenna_j = antenna_of(lab, j);
        bs_hop(lab, antenna_j, user, rx);
        store(rx, 7, &h[j * LAB_K]);
        for (int k = 0; k < 2; k++) {
            panel_hops(lab, k, antenna_j, true, &to_bs);
            panel_rays(lab, k, &to_user[k], &to_bs, by);
            store(by, 49, &h[((size_t)(k + 1) * lab->n_ant + j) * LAB_K]);
        }
    }
    add_noises(lab, rng, h);
}
