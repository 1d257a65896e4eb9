/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/path_id.h"
#include "dsp/array.h"
#include <assert.h>
#include <string.h>

/* A match is a cosine. A chi2 of 6.6, which one fix in a hundred has, costs 0.33: as much as an
 * antenna vector 48 degrees off; from the cap on a contradiction outweighs all angles. */
#define RANGE_WEIGHT 0.05
#define RANGE_CAP    60.0
#define HINT_WEIGHT  0.01
#define HINT_CAP     20.0

void path_id_match(const struct path_id_array *array, const struct anchors *anchors,
                   struct path_id_path *path, size_t n_path)
{
    assert(array->n >= 2 && array->n <= TOA_MAX_ANT);
    for (size_t k = 0; k < PATH_ID_RIS; k++) {
        cplxf a[TOA_MAX_ANT];
        array_steer(array->element, array->n, array->centre, anchors->ris[k], array->wavelength_m,
                    a);
        for (size_t i = 0; i < n_path; i++)
            path[i].match[k] = array_match(a, path[i].amp, array->n);
    }
}

/* The closed form takes the midpoint of TX and RX for both. */
static int start_at(const struct path_id_range *r, const double l[PATH_ID_NAMES], struct vec3 *u)
{
    const struct anchors *a = r->anchors;
    const struct vec3 p[3] = {anchors_bs(a), a->ris[0], a->ris[1]};
    double d[3] = {l[PATH_ID_DIRECT] / 2};
    for (size_t k = 0; k < PATH_ID_RIS; k++) {
        const double fixed = 0.5 * (vec3_dist(a->ris[k], a->tx) + vec3_dist(a->ris[k], a->rx));
        d[1 + k] = l[PATH_ID_RIS1 + k] - d[0] - fixed;
    }
    return fix_cramer(p, d, r->height.length_m, u);
}

/* INFINITY: no point has these lengths. */
static double range_chi2(const struct path_id_range *r, const double length_m[PATH_ID_NAMES],
                         struct vec3 *place)
{
    const unsigned rows = ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3) | ROW_BIT(ROW_H);
    struct observation obs[ROW_COUNT] = {[ROW_H] = r->height};
    struct fix fix;
    for (size_t i = 0; i < PATH_ID_NAMES; i++)
        obs[ROW_L1 + i] = (struct observation){length_m[i], r->sigma_m, true};
    if (start_at(r, length_m, place) || fix_wnls(r->anchors, obs, rows, *place, &fix))
        return INFINITY;
    *place = fix.position;
    return fix.chi2;
}

static double hint_chi2(const struct path_id_range *r, const double length_m[PATH_ID_NAMES])
{
    const double sigma = hypot(r->sigma_m, 2 * r->hint_sigma_m);
    double sum = 0;
    for (size_t i = 0; i < PATH_ID_NAMES; i++) {
        double off = length_m[i] - fix_predict(r->anchors, ROW_L1 + i, r->hint, NULL);
        sum += off * off / (sigma * sigma);
    }
    return sum;
}

/* What the lengths, so named, add to the score; *chi2 of their fit. */
static double consistency(const struct path_id_range *r, const struct path_id_path *path,
                          const size_t named[PATH_ID_NAMES], double *chi2)
{
    double length[PATH_ID_NAMES], sum = 0;
    struct vec3 place;
    for (size_t k = 0; k < PATH_ID_NAMES; k++)
        length[k] = path[named[k]].length_m;
    *chi2 = range_chi2(r, length, &place);
    sum -= RANGE_WEIGHT * fmin(*chi2, RANGE_CAP);
    if (r->hint_sigma_m > 0)
        sum -= HINT_WEIGHT * fmin(hint_chi2(r, length), HINT_CAP);
    if (r->array && isfinite(*chi2)) {
        cplxf a[TOA_MAX_ANT];
        const struct path_id_array *array = r->array;
        array_steer(array->element, array->n, array->centre, place, array->wavelength_m, a);
        sum += (double)array_match(a, path[named[PATH_ID_DIRECT]].amp, array->n);
    }
    return sum;
}

static float power(const struct path_id_path *path)
{
    float sum = 0;
    for (size_t j = 0; j < TOA_MAX_ANT; j++)
        sum += cplxf_norm(path->amp[j]);
    return sum;
}

static size_t strongest_other(const struct path_id_path *path, size_t n, size_t i, size_t j)
{
    size_t best = n;
    for (size_t k = 0; k < n; k++)
        if (k != i && k != j && (best == n || power(&path[k]) > power(&path[best])))
            best = k;
    return best;
}

void path_id_assign(const struct path_id_path *path, size_t n_path,
                    const struct path_id_range *range, struct path_id *out)
{
    assert(n_path >= PATH_ID_NAMES && n_path <= PATH_ID_MAX);
    double second = -INFINITY;
    *out = (struct path_id){.score = -INFINITY};
    for (size_t pair = 0; pair < n_path * n_path; pair++) {
        const size_t i = pair / n_path, j = pair % n_path;
        if (i == j)
            continue;
        const size_t named[PATH_ID_NAMES] = {strongest_other(path, n_path, i, j), i, j};
        double chi2 = 0, score = (double)path[i].match[0] + (double)path[j].match[1];
        if (range)
            score += consistency(range, path, named, &chi2);
        second = fmax(second, fmin(score, out->score));
        if (score <= out->score)
            continue;
        memcpy(out->path, named, sizeof named);
        out->score = score;
        out->chi2 = chi2;
    }
    out->margin = out->score - second;
}
