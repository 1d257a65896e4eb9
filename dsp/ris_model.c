/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/ris_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEHIND_DB (-300.0)

struct ris_model {
    struct ris_model_cfg cfg;
    double wavelength_m;
    size_t n_element, n_point;
    struct vec3 *element; /* [n_element] */
    cplx *bs_hop;         /* [n_element] */
    double *bs_length;    /* [n_element] |BS - element| */
    cplx *row;            /* [n_point x n_element] */
    double *bound;        /* [n_point] */
    double *sorted;       /* [n_point] scratch of the coverage */
};

/* sum a[m] b[m], without the NaN checks of the language's complex product. Four partial sums let
 * the compiler keep the additions in flight; their order is fixed, so the result is too. */
static cplx dot(const cplx *a, const cplx *b, size_t n)
{
    const double *x = (const double *)a, *y = (const double *)b;
    double re[4] = {0}, im[4] = {0};
    size_t m = 0;
    for (; m + 4 <= n; m += 4)
        for (size_t k = 0; k < 4; k++) {
            const double *p = x + 2 * (m + k), *q = y + 2 * (m + k);
            re[k] += p[0] * q[0] - p[1] * q[1];
            im[k] += p[0] * q[1] + p[1] * q[0];
        }
    for (; m < n; m++) {
        re[0] += x[2 * m] * y[2 * m] - x[2 * m + 1] * y[2 * m + 1];
        im[0] += x[2 * m] * y[2 * m + 1] + x[2 * m + 1] * y[2 * m];
    }
    return CMPLX((re[0] + re[1]) + (re[2] + re[3]), (im[0] + im[1]) + (im[2] + im[3]));
}

/* Element area is spacing^2. cos(theta) = n . (p - e) / r. */
static cplx hop(const struct panel *panel, struct vec3 element, struct vec3 p, double wavelength_m)
{
    struct vec3 d = vec3_sub(p, element);
    double r = vec3_norm(d), facing = vec3_dot(d, panel->z);
    if (!(facing > 0))
        return 0;
    double gain =
        4 * PI * panel->spacing_m * panel->spacing_m * (facing / r) / (wavelength_m * wavelength_m);
    double amplitude = wavelength_m / (4 * PI * r) * sqrt(gain);
    double turns = r / wavelength_m;
    double phase = -2 * PI * (turns - rint(turns));
    return CMPLX(amplitude * cos(phase), amplitude * sin(phase));
}

cplx ris_hop(const struct panel *panel, size_t m, struct vec3 p, double wavelength_m)
{
    assert(panel && wavelength_m > 0);
    return hop(panel, panel_element(panel, m), p, wavelength_m);
}

static const char *cfg_error(const struct ris_model_cfg *cfg)
{
    const struct ris_region *g = &cfg->region;
    if (panel_elements(&cfg->panel) == 0 || panel_elements(&cfg->panel) > 65536)
        return "a RIS has 1..65536 elements";
    if (!(cfg->panel.spacing_m > 0) || !(cfg->carrier_hz > 0))
        return "RIS spacing and carrier must be positive";
    if (g->n_x < 1 || g->n_x > 256 || g->n_y < 1 || g->n_y > 256 || g->n_z < 1 || g->n_z > 256)
        return "a RIS region has 1..256 points a side";
    if (!(g->x_m[0] <= g->x_m[1] && g->y_m[0] <= g->y_m[1] && g->z_m[0] <= g->z_m[1]))
        return "a RIS region needs min <= max";
    struct vec3 to_bs = vec3_sub(cfg->bs, cfg->panel.position);
    if (!(vec3_dot(to_bs, cfg->panel.z) > 0))
        return "the RIS does not face the base station: turn its normal";
    return NULL;
}

static void fill(struct ris_model *m)
{
    for (size_t e = 0; e < m->n_element; e++) {
        m->element[e] = panel_element(&m->cfg.panel, e);
        m->bs_length[e] = vec3_dist(m->cfg.bs, m->element[e]);
        m->bs_hop[e] = hop(&m->cfg.panel, m->element[e], m->cfg.bs, m->wavelength_m);
        if (m->cfg.mask)
            m->bs_hop[e] *= m->cfg.mask[e];
    }
    for (size_t i = 0; i < m->n_point; i++) {
        cplx *row = m->row + i * m->n_element;
        struct vec3 p = ris_model_point(m, i);
        m->bound[i] = 0;
        for (size_t e = 0; e < m->n_element; e++) {
            cplx h = hop(&m->cfg.panel, m->element[e], p, m->wavelength_m), g = m->bs_hop[e];
            row[e] = CMPLX(creal(g) * creal(h) - cimag(g) * cimag(h),
                           creal(g) * cimag(h) + cimag(g) * creal(h));
            m->bound[i] += sqrt(cplx_norm(row[e]));
        }
    }
}

struct ris_model *ris_model_create(const struct ris_model_cfg *cfg, struct status *err)
{
    assert(cfg && err);
    *err = (struct status){.code = OK};
    const char *why = cfg_error(cfg);
    if (why) {
        err->code = ERR_ARG;
        snprintf(err->text, sizeof err->text, "%s", why);
        return NULL;
    }
    struct ris_model *m = calloc(1, sizeof *m);
    if (m) {
        m->cfg = *cfg;
        m->wavelength_m = SPEED_OF_LIGHT / cfg->carrier_hz;
        m->n_element = panel_elements(&cfg->panel);
        m->n_point = cfg->region.n_x * cfg->region.n_y * cfg->region.n_z;
        m->element = calloc(m->n_element, sizeof *m->element);
        m->bs_hop = calloc(m->n_element, sizeof *m->bs_hop);
        m->bs_length = calloc(m->n_element, sizeof *m->bs_length);
        m->row = calloc(m->n_point * m->n_element, sizeof *m->row);
        m->bound = calloc(m->n_point, sizeof *m->bound);
        m->sorted = calloc(m->n_point, sizeof *m->sorted);
    }
    if (!m || !m->element || !m->bs_hop || !m->bs_length || !m->row || !m->bound || !m->sorted) {
        ris_model_destroy(&m);
        err->code = ERR_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for a RIS model");
        return NULL;
    }
    fill(m);
    return m;
}

void ris_model_destroy(struct ris_model **model)
{
    if (!model || !*model)
        return;
    free((*model)->element);
    free((*model)->bs_hop);
    free((*model)->bs_length);
    free((*model)->row);
    free((*model)->bound);
    free((*model)->sorted);
    free(*model);
    *model = NULL;
}

const struct panel *ris_model_panel(const struct ris_model *model)
{
    assert(model);
    return &model->cfg.panel;
}

double ris_model_wavelength_m(const struct ris_model *model)
{
    assert(model);
    return model->wavelength_m;
}

size_t ris_model_elements(const struct ris_model *model)
{
    assert(model);
    return model->n_element;
}

size_t ris_model_points(const struct ris_model *model)
{
    assert(model);
    return model->n_point;
}

static double grid_value(const double range[2], size_t i, size_t n)
{
    return n > 1 ? range[0] + (range[1] - range[0]) * (double)i / (double)(n - 1) : range[0];
}

struct vec3 ris_model_point(const struct ris_model *model, size_t i)
{
    assert(model && i < model->n_point);
    const struct ris_region *g = &model->cfg.region;
    return (struct vec3){grid_value(g->x_m, i % g->n_x, g->n_x),
                         grid_value(g->y_m, i / g->n_x % g->n_y, g->n_y),
                         grid_value(g->z_m, i / g->n_x / g->n_y, g->n_z)};
}

const cplx *ris_model_row(const struct ris_model *model, size_t i)
{
    assert(model && i < model->n_point);
    return model->row + i * model->n_element;
}

double ris_model_bound(const struct ris_model *model, size_t i)
{
    assert(model && i < model->n_point);
    return model->bound[i];
}

void ris_model_response(const struct ris_model *model, const cplx *gamma, cplx *out)
{
    assert(model && gamma && out);
    for (size_t i = 0; i < model->n_point; i++)
        out[i] = dot(ris_model_row(model, i), gamma, model->n_element);
}

void ris_profile_gamma(const uint8_t *state, size_t n, const struct ris_states *states, cplx *gamma)
{
    assert(state && gamma && states);
    for (size_t m = 0; m < n; m++)
        gamma[m] = states->gamma[state[m]];
}

static double level(cplx f, double bound)
{
    double ratio = bound > 0 ? cplx_norm(f) / (bound * bound) : 0;
    return ratio > 0 ? fmax(BEHIND_DB, 10 * log10(ratio)) : BEHIND_DB;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    double next = i + 1 < n ? sorted[i + 1] : sorted[i];
    return sorted[i] + (at - (double)i) * (next - sorted[i]);
}

void ris_model_coverage(const struct ris_model *model, const cplx *gamma, double *level_db,
                        struct ris_coverage *out)
{
    ris_model_coverage_best(model, gamma, 1, level_db, out);
}

void ris_model_coverage_best(const struct ris_model *model, const cplx *gamma, size_t n,
                             double *level_db, struct ris_coverage *out)
{
    assert(model && gamma && out && n >= 1);
    double *sorted = model->sorted;
    for (size_t i = 0; i < model->n_point; i++) {
        double best = BEHIND_DB;
        for (size_t k = 0; k < n; k++) {
            cplx f = dot(ris_model_row(model, i), gamma + k * model->n_element, model->n_element);
            best = fmax(best, level(f, model->bound[i]));
        }
        sorted[i] = best;
    }
    if (level_db)
        memcpy(level_db, sorted, model->n_point * sizeof *sorted);
    qsort(sorted, model->n_point, sizeof *sorted, by_value);
    *out =
        (struct ris_coverage){sorted[0], percentile(sorted, model->n_point, 0.05),
                              percentile(sorted, model->n_point, 0.5), sorted[model->n_point - 1]};
}

/* Group delay of f = sum c_m at the carrier, as a length: Re(sum c_m l_m / sum c_m), l_m the way
 * over element m, less the way over the panel's centre. */
void ris_model_view(const struct ris_model *model, const cplx *gamma, struct vec3 p,
                    struct ris_view *out)
{
    assert(model && gamma && out);
    const struct panel *panel = &model->cfg.panel;
    const double centre = vec3_dist(p, panel->position) + vec3_dist(model->cfg.bs, panel->position);
    const double reach =
        0.5 * panel->spacing_m * hypot((double)panel->columns, (double)panel->rows);
    double f[2] = {0, 0}, d[2] = {0, 0}, bound = 0;
    for (size_t m = 0; m < model->n_element; m++) {
        cplx h = hop(panel, model->element[m], p, model->wavelength_m), g = model->bs_hop[m];
        double excess = vec3_dist(p, model->element[m]) + model->bs_length[m] - centre;
        double re = creal(g) * creal(h) - cimag(g) * cimag(h);
        double im = creal(g) * cimag(h) + cimag(g) * creal(h);
        double x = re * creal(gamma[m]) - im * cimag(gamma[m]);
        double y = re * cimag(gamma[m]) + im * creal(gamma[m]);
        f[0] += x;
        f[1] += y;
        d[0] += x * excess;
        d[1] += y * excess;
        bound += sqrt(re * re + im * im);
    }
    double power = f[0] * f[0] + f[1] * f[1];
    double bias = power > 0 ? (d[0] * f[0] + d[1] * f[1]) / power : 0;
    out->level_db = level(CMPLX(f[0], f[1]), bound);
    out->bias_m = fmin(reach, fmax(-reach, bias));
    out->gain = sqrt(power);
}
