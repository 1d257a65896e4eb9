/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/hop.h"

#include "sim/vec3.h"

#define PI        3.14159265358979323846
#define MIN_HOP_M 1e-3 /* keeps ends that coincide finite */

size_t hop_n_images(const struct scene *scene)
{
    size_t n = 1;
    for (int face = 0; face < 6; face++)
        n += scene->wall_factor[face] != 0;
    return n;
}

/* Face behind image i >= 1. */
static int image_face(const struct scene *scene, size_t i)
{
    int face = -1;
    while (i > 0)
        i -= scene->wall_factor[++face] != 0;
    return face;
}

static void mirror(const struct scene *scene, int face, const double p[3], double out[3])
{
    int axis = face / 2;
    double plane = face % 2 ? scene->room_max_m[axis] : scene->room_min_m[axis];
    memcpy(out, p, 3 * sizeof *out);
    out[axis] = 2 * plane - p[axis];
}

/* Amplitude gain of an end towards (or from) a point at distance r. */
static double end_gain(const struct hop_end *end, const double towards[3], double r)
{
    if (end->kind == HOP_ISOTROPIC)
        return 1;
    double d[3];
    vec3_sub(towards, end->position_m, d);
    double cosine = vec3_dot(d, end->axis) / r;
    if (end->kind == HOP_ANTENNA)
        return sqrt(end->gain) * fmax(cosine, end->floor) * cos(PI * vec3_dot(d, end->pair) / r);
    return cosine > 0 ? sqrt(end->gain * cosine) : 0;
}

/* Amplitude and length of one image: the wall's mirror shows each end the other one's image, so a
 * looks at b's image and b at a's. */
static void image_between(const struct scene *scene, const struct hop_end *ends[2], size_t i,
                          struct hop *out)
{
    double a_image[3], b_image[3], factor = 1;
    memcpy(a_image, ends[0]->position_m, sizeof a_image);
    memcpy(b_image, ends[1]->position_m, sizeof b_image);
    if (i > 0) {
        int face = image_face(scene, i);
        mirror(scene, face, ends[0]->position_m, a_image);
        mirror(scene, face, ends[1]->position_m, b_image);
        factor = scene->wall_factor[face];
    }
    double r = fmax(vec3_distance(a_image, ends[1]->position_m), MIN_HOP_M);
    out->length_m[i] = r;
    out->amplitude[i] = factor * scene_wavelength_m(scene) / (4 * PI * r) *
                        end_gain(ends[0], b_image, r) * end_gain(ends[1], a_image, r);
}

void hop_between(const struct scene *scene, const struct hop_end *a, const struct hop_end *b,
                 struct hop *out)
{
    const struct hop_end *ends[2] = {a, b};
    out->n = hop_n_images(scene);
    for (size_t i = 0; i < out->n; i++)
        image_between(scene, ends, i, out);
}

void hop_rates(const struct scene *scene, const struct hop_end *a, const struct hop_end *b,
               const double velocity_mps[3], double rate_mps[HOP_MAX_IMAGES])
{
    size_t n = hop_n_images(scene);
    for (size_t i = 0; i < n; i++) {
        double image[3], d[3];
        memcpy(image, a->position_m, sizeof image);
        if (i > 0)
            mirror(scene, image_face(scene, i), a->position_m, image);
        vec3_sub(b->position_m, image, d);
        rate_mps[i] = vec3_dot(d, velocity_mps) / fmax(vec3_norm(d), MIN_HOP_M);
    }
}

struct hop_end hop_end_antenna(const struct scene *scene, const double position_m[3])
{
    const struct scene_antenna *antenna = &scene->bs_antenna;
    struct hop_end end = hop_end_point(position_m);
    if (antenna->isotropic)
        return end;
    end.kind = HOP_ANTENNA;
    end.gain = antenna->peak_power_gain;
    end.floor = antenna->floor;
    memcpy(end.axis, antenna->boresight, sizeof end.axis);
    return end;
}

struct hop_end hop_end_transmitter(const struct scene *scene, const double position_m[3])
{
    const double *axis = scene->bs_tx.axis;
    struct hop_end end = hop_end_antenna(scene, position_m);
    const double wavelengths = scene->bs_tx_pair_m / scene_wavelength_m(scene) / vec3_norm(axis);
    for (int i = 0; i < 3 && end.kind == HOP_ANTENNA; i++)
        end.pair[i] = wavelengths * axis[i];
    return end;
}

/* Element gain 4 pi A cos(theta) / lambda^2 with A = spacing^2. */
struct hop_end hop_end_element(const struct scene *scene, const struct scene_ris *ris,
                               size_t element)
{
    double position[3], lambda = scene_wavelength_m(scene);
    scene_ris_element(ris, element, position);
    struct hop_end end = hop_end_point(position);
    end.kind = HOP_ELEMENT;
    end.gain = 4 * PI * ris->spacing_m * ris->spacing_m / (lambda * lambda);
    memcpy(end.axis, ris->normal, sizeof end.axis);
    return end;
}

struct hop_end hop_end_point(const double position_m[3])
{
    struct hop_end end = {.kind = HOP_ISOTROPIC};
    memcpy(end.position_m, position_m, sizeof end.position_m);
    return end;
}
