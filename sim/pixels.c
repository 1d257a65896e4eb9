/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/pixels.h"

#include <math.h>

#include "base/log.h"

static struct pixel broken(const struct scene_failure *f)
{
    switch (f->kind) {
    case SCENE_PIXEL_DEAD:
        return (struct pixel){0, -1};
    case SCENE_PIXEL_STUCK:
        return (struct pixel){1, f->state};
    default:
        return (struct pixel){f->amplitude * cexp(I * f->phase_rad), -1};
    }
}

static double heals_s(const struct scene_failure *f)
{
    return f->for_s > 0 ? f->at_s + f->for_s : INFINITY;
}

static bool in_block(const struct scene_ris *ris, const struct scene_failure *f, size_t element)
{
    int column = (int)element % ris->columns - f->block[0];
    int row = (int)element / ris->columns - f->block[1];
    return f->n_block == 4 && column >= 0 && column < f->block[2] && row >= 0 && row < f->block[3];
}

static bool hits(const struct scene_ris *ris, const struct scene_failure *f, size_t element)
{
    for (size_t i = 0; i < f->n_elements; i++)
        if ((size_t)f->elements[i] == element)
            return true;
    return in_block(ris, f, element);
}

size_t pixels_at(const struct scene_ris *ris, double time_s, struct pixel *out)
{
    size_t n = (size_t)(ris->columns * ris->rows), count = 0;
    for (size_t m = 0; m < n; m++) {
        bool hit = false;
        out[m] = (struct pixel){1, -1};
        for (size_t i = 0; i < ris->n_failures; i++) {
            const struct scene_failure *f = &ris->failures[i];
            if (time_s < f->at_s || time_s >= heals_s(f) || !hits(ris, f, m))
                continue;
            out[m] = broken(f);
            hit = true;
        }
        count += hit;
    }
    return count;
}

double pixels_next(const struct scene_ris *ris, double time_s)
{
    double next = INFINITY;
    for (size_t i = 0; i < ris->n_failures; i++) {
        const struct scene_failure *f = &ris->failures[i];
        if (f->at_s > time_s)
            next = fmin(next, f->at_s);
        if (heals_s(f) > time_s)
            next = fmin(next, heals_s(f));
    }
    return next;
}

int pixels_check(const struct scene_ris *ris, const char *what, struct status *err)
{
    const int n = ris->columns * ris->rows;
    for (size_t i = 0; i < ris->n_failures; i++) {
        const struct scene_failure *f = &ris->failures[i];
        const int *b = f->block;
        if (f->n_elements == 0 && f->n_block == 0)
            return status_set(err, ERR_ARG,
                              "%s: a failure of RIS '%s' names no pixel; give elements or block",
                              what, ris->name);
        for (size_t k = 0; k < f->n_elements; k++)
            if (f->elements[k] >= n)
                return status_set(err, ERR_ARG, "%s: RIS '%s' has no element %d; it has 0..%d",
                                  what, ris->name, f->elements[k], n - 1);
        if (f->n_block != 0 && (f->n_block != 4 || b[2] < 1 || b[3] < 1 ||
                                b[0] + b[2] > ris->columns || b[1] + b[3] > ris->rows))
            return status_set(
                err, ERR_ARG,
                "%s: a block of failures does not lie on RIS '%s'; give [column, row, "
                "columns, rows] within %d x %d",
                what, ris->name, ris->columns, ris->rows);
        if (f->state >= 1 << ris->bits)
            return status_set(err, ERR_ARG, "%s: RIS '%s' has no state %d; it has 0..%d", what,
                              ris->name, f->state, (1 << ris->bits) - 1);
    }
    return OK;
}
