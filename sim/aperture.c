/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/aperture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/vec3.h"

#define PI        3.14159265358979323846
#define TOLERANCE 1e-7

struct aperture {
    const struct scene *scene;
    const struct grid *grid;
    size_t n_elements, n_images, n_nodes, n_coarse;
    struct hop_end *elements, centre;
    double node_hz[SPECTRUM_MAX_NODES];
    double *basis; /* Lagrange polynomial of each node, [n_nodes x n_coarse] */
};

struct aperture_hop {
    size_t size;       /* n_nodes * n_images * n_elements */
    double *re, *im;   /* [n_nodes x n_images x n_elements], centre delay of the image removed */
    double *amplitude; /* scratch of one setting: [n_images x n_elements] each */
    double *length_m;  /* ... */
    double *phase;     /* [n_elements] */
    bool dark[HOP_MAX_IMAGES];              /* all elements show their back to it */
    struct spectrum centre[HOP_MAX_IMAGES]; /* the delay removed, over the coarse grid */
};

/* Interpolating exp(j x t), |t| <= 1, at n Chebyshev nodes errs by x^n / (2^(n-1) n!). */
static size_t count_nodes(double x)
{
    double bound = 2;
    for (size_t n = 1; n <= SPECTRUM_MAX_NODES; n++) {
        bound *= x / (2.0 * (double)n);
        if (bound < TOLERANCE)
            return n;
    }
    return 0;
}

static void fill_basis(struct aperture *ap, double rate_hz)
{
    const double *f = grid_offset_hz(ap->grid);
    for (size_t m = 0; m < ap->n_nodes; m++)
        ap->node_hz[m] = rate_hz / 2 * cos(PI * ((double)m + 0.5) / (double)ap->n_nodes);
    for (size_t m = 0; m < ap->n_nodes; m++)
        for (size_t k = 0; k < ap->n_coarse; k++) {
            double product = 1;
            for (size_t i = 0; i < ap->n_nodes; i++)
                if (i != m)
                    product *= (f[k] - ap->node_hz[i]) / (ap->node_hz[m] - ap->node_hz[i]);
            ap->basis[m * ap->n_coarse + k] = product;
        }
}

static int aperture_alloc(struct aperture *ap)
{
    ap->elements = calloc(ap->n_elements, sizeof *ap->elements);
    ap->basis = calloc(ap->n_nodes * ap->n_coarse, sizeof *ap->basis);
    return ap->elements && ap->basis ? 0 : ERR_NO_MEMORY;
}

struct aperture *aperture_create(const struct scene *scene, size_t ris, const struct grid *grid,
                                 struct status *err)
{
    const struct scene_ris *surface = &scene->ris[ris];
    double radius = surface->spacing_m / 2 * hypot(surface->columns - 1, surface->rows - 1);
    double swing = 2 * PI * scene->rate_hz / 2 * 2 * radius / SCENE_LIGHT_MPS;
    size_t n_nodes = count_nodes(swing);
    if (!n_nodes) {
        status_set(err, ERR_ARG,
                   "RIS '%s' is %.1f m wide, too wide for %.0f MS/s: use fewer columns or rows",
                   surface->name, 2 * radius, scene->rate_hz / 1e6);
        return NULL;
    }
    struct aperture *ap = calloc(1, sizeof *ap);
    if (!ap)
        return NULL;
    *ap = (struct aperture){
        .scene = scene,
        .grid = grid,
        .n_elements = (size_t)(surface->columns * surface->rows),
        .n_images = hop_n_images(scene),
        .n_nodes = n_nodes,
        .n_coarse = grid_n_coarse(grid),
        .centre = hop_end_point(surface->position_m),
    };
    if (aperture_alloc(ap)) {
        status_set(err, ERR_NO_MEMORY, "no memory for RIS '%s'", surface->name);
        aperture_destroy(&ap);
        return NULL;
    }
    for (size_t n = 0; n < ap->n_elements; n++)
        ap->elements[n] = hop_end_element(scene, surface, n);
    fill_basis(ap, scene->rate_hz);
    return ap;
}

void aperture_destroy(struct aperture **aperture)
{
    if (!aperture || !*aperture)
        return;
    free((*aperture)->elements);
    free((*aperture)->basis);
    free(*aperture);
    *aperture = NULL;
}

size_t aperture_n_elements(const struct aperture *aperture)
{
    return aperture->n_elements;
}

struct aperture_hop *aperture_hop_create(const struct aperture *ap)
{
    struct aperture_hop *hop = calloc(1, sizeof *hop);
    if (!hop)
        return NULL;
    size_t per_node = ap->n_images * ap->n_elements;
    hop->size = ap->n_nodes * per_node;
    hop->re = calloc(hop->size, sizeof *hop->re);
    hop->im = calloc(hop->size, sizeof *hop->im);
    hop->amplitude = calloc(per_node, sizeof *hop->amplitude);
    hop->length_m = calloc(per_node, sizeof *hop->length_m);
    hop->phase = calloc(ap->n_elements, sizeof *hop->phase);
    if (!hop->re || !hop->im || !hop->amplitude || !hop->length_m || !hop->phase)
        aperture_hop_destroy(&hop);
    return hop;
}

void aperture_hop_destroy(struct aperture_hop **hop)
{
    if (!hop || !*hop)
        return;
    free((*hop)->re);
    free((*hop)->im);
    free((*hop)->amplitude);
    free((*hop)->length_m);
    free((*hop)->phase);
    free(*hop);
    *hop = NULL;
}

/* Amplitudes and lengths of every image of every element. */
static void measure(const struct aperture *ap, const struct hop_end *end, struct aperture_hop *out)
{
    for (size_t p = 0; p < ap->n_images; p++)
        out->dark[p] = true;
    for (size_t n = 0; n < ap->n_elements; n++) {
        struct hop hop;
        hop_between(ap->scene, end, &ap->elements[n], &hop);
        for (size_t p = 0; p < ap->n_images; p++) {
            out->amplitude[p * ap->n_elements + n] = hop.amplitude[p];
            out->length_m[p * ap->n_elements + n] = hop.length_m[p];
            out->dark[p] &= hop.amplitude[p] == 0;
        }
    }
}

static void set_node(const struct aperture *ap, size_t m, size_t p, double centre_m,
                     struct aperture_hop *out)
{
    size_t n_el = ap->n_elements, at = (m * ap->n_images + p) * n_el;
    const double *length = out->length_m + p * n_el, *amplitude = out->amplitude + p * n_el;
    double carrier = ap->scene->carrier_hz / SCENE_LIGHT_MPS;
    double offset = ap->node_hz[m] / SCENE_LIGHT_MPS;
    for (size_t n = 0; n < n_el; n++)
        out->phase[n] = -(carrier * length[n] + offset * (length[n] - centre_m));
    turns(out->phase, out->re + at, out->im + at, n_el);
    for (size_t n = 0; n < n_el; n++) {
        out->re[at + n] *= amplitude[n];
        out->im[at + n] *= amplitude[n];
    }
}

void aperture_hop_set(const struct aperture *ap, const struct hop_end *end,
                      const double complex *factor, struct aperture_hop *out)
{
    struct hop to_centre;
    measure(ap, end, out);
    hop_between(ap->scene, end, &ap->centre, &to_centre);
    for (size_t p = 0; p < ap->n_images; p++) {
        spectrum_delay(ap->grid, 0, to_centre.length_m[p], &out->centre[p]);
        for (size_t m = 0; m < ap->n_nodes; m++)
            set_node(ap, m, p, to_centre.length_m[p], out);
    }
    if (factor)
        aperture_hop_reflect(ap, out, factor, out);
}

void aperture_hop_reflect(const struct aperture *ap, const struct aperture_hop *in,
                          const double complex *gamma, struct aperture_hop *out)
{
    if (out != in) {
        memcpy(out->re, in->re, in->size * sizeof *in->re);
        memcpy(out->im, in->im, in->size * sizeof *in->im);
        memcpy(out->dark, in->dark, sizeof in->dark);
        memcpy(out->centre, in->centre, sizeof in->centre);
    }
    for (size_t at = 0; at < in->size; at += ap->n_elements)
        for (size_t n = 0; n < ap->n_elements; n++) {
            double re = out->re[at + n], im = out->im[at + n];
            out->re[at + n] = re * creal(gamma[n]) - im * cimag(gamma[n]);
            out->im[at + n] = re * cimag(gamma[n]) + im * creal(gamma[n]);
        }
}

/* Sum over the elements at every node for one pair of images. */
static void contract(const struct aperture *ap, const struct aperture_hop *a, size_t p,
                     const struct aperture_hop *b, size_t q, double *node_re, double *node_im)
{
    for (size_t m = 0; m < ap->n_nodes; m++) {
        const double *ar = a->re + (m * ap->n_images + p) * ap->n_elements;
        const double *ai = a->im + (m * ap->n_images + p) * ap->n_elements;
        const double *br = b->re + (m * ap->n_images + q) * ap->n_elements;
        const double *bi = b->im + (m * ap->n_images + q) * ap->n_elements;
        double re = 0, im = 0;
#pragma omp simd reduction(+ : re, im)
        for (size_t n = 0; n < ap->n_elements; n++) {
            re += ar[n] * br[n] - ai[n] * bi[n];
            im += ar[n] * bi[n] + ai[n] * br[n];
        }
        node_re[m] = re;
        node_im[m] = im;
    }
}

/* pair = polynomial through the node values, over the coarse grid. */
static void interpolate(const struct aperture *ap, const double *node_re, const double *node_im,
                        struct spectrum *pair)
{
    memset(pair->re, 0, ap->n_coarse * sizeof *pair->re);
    memset(pair->im, 0, ap->n_coarse * sizeof *pair->im);
    for (size_t m = 0; m < ap->n_nodes; m++) {
        const double *basis = ap->basis + m * ap->n_coarse;
        for (size_t k = 0; k < ap->n_coarse; k++) {
            pair->re[k] += basis[k] * node_re[m];
            pair->im[k] += basis[k] * node_im[m];
        }
    }
}

static double power_of(const struct aperture *ap, const struct spectrum *s)
{
    double sum = 0;
    for (size_t k = 0; k < ap->n_coarse; k++)
        sum += s->re[k] * s->re[k] + s->im[k] * s->im[k];
    return sum / (double)ap->n_coarse;
}

void aperture_through(const struct aperture *ap, const struct aperture_hop *reflected,
                      const struct aperture_hop *b, struct spectrum *out, double *image_power)
{
    struct spectrum pair, row;
    double node_re[SPECTRUM_MAX_NODES], node_im[SPECTRUM_MAX_NODES];
    memset(out, 0, sizeof *out);
    for (size_t p = 0; p < ap->n_images; p++) {
        memset(&row, 0, sizeof row);
        for (size_t q = 0; q < ap->n_images && !reflected->dark[p]; q++) {
            if (b->dark[q])
                continue;
            contract(ap, reflected, p, b, q, node_re, node_im);
            interpolate(ap, node_re, node_im, &pair);
            spectrum_multiply_add(ap->grid, 1, &pair, &b->centre[q], &row);
        }
        if (image_power)
            image_power[p] = power_of(ap, &row);
        spectrum_multiply_add(ap->grid, 1, &row, &reflected->centre[p], out);
    }
}
