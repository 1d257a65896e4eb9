/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/jlfd_score.h"

#include <math.h>

#include <string.h>

#include "calib/near_field.h"

void jlfd_path_add(struct jlfd_path *path, const double uvq[3])
{
    if (path->n < JLFD_PATH_MAX)
        memcpy(path->uvq[path->n++], uvq, sizeof path->uvq[0]);
}

cplx jlfd_coefficient(const struct pixel_model *model, const struct jlfd_data *data,
                      const struct varpro_fit *fit, size_t pixel, size_t k)
{
    cplx known = data->mask ? data->mask[pixel] : 1;
    return known + fit->gamma[k] / (fit->beta * pixel_model_user(model, pixel, fit->uvq));
}

static double resolution(const struct pixel_model *model, double noise_var, cplx beta)
{
    return sqrt(noise_var / (cplx_norm(beta) * model->typical_norm));
}

/* What |f| = r beyond 1 costs when all else gives way; sharp = |beta|^2 / (variance noise_var). */
static double beyond(double r, double sharp)
{
    return r > 1 ? (r - 1) * (r - 1) * sharp : 0;
}

/* Price of declaring a pixel whose |f| is r and whose coefficient has the given variance. */
static double price(const struct pixel_model *model, double r, double variance, double noise_var,
                    cplx beta)
{
    double p = model->p_fail, floor = resolution(model, noise_var, beta);
    double sharp = cplx_norm(beta) / (variance * noise_var);
    return log((1 - p) / p) + log(2 * PI * fmin(fmax(r, floor), 1)) + log(sharp / PI);
}

double jlfd_misfit(const struct pixel_model *model, const struct jlfd_data *data,
                   const struct varpro_fit *fit, const size_t *support, size_t n)
{
    double sum = fit->cost / data->noise_var;
    for (size_t k = 0; k < n; k++)
        sum += beyond(cabs(jlfd_coefficient(model, data, fit, support[k], k)),
                      cplx_norm(fit->beta) / (fit->variance[k] * data->noise_var));
    return sum;
}

double jlfd_score(const struct pixel_model *model, const struct jlfd_data *data,
                  const struct varpro_fit *fit, const size_t *support, size_t n)
{
    double score = jlfd_misfit(model, data, fit, support, n);
    for (size_t k = 0; k < n; k++) {
        double r = cabs(jlfd_coefficient(model, data, fit, support[k], k));
        score += price(model, r, fit->variance[k], data->noise_var, fit->beta);
    }
    return score;
}

double jlfd_typical_price(const struct pixel_model *model, double noise_var, cplx beta)
{
    return price(model, 0.5, 1 / model->typical_norm, noise_var, beta);
}

bool jlfd_explained(const struct pixel_model *model, double misfit, size_t n)
{
    const double z = 3.0902; /* 99.9 % of a standard normal */
    if (n > model->n_pilots / 2)
        return false;
    double dof = 2 * (double)model->n_pilots - 5 - 2 * (double)n, c = 2 / (9 * dof);
    double root = 1 - c + z * sqrt(c); /* Wilson and Hilferty */
    return dof > 0 && 2 * misfit <= dof * root * root * root;
}

/* log odds that pixel k has failed, the others left as they are. */
static double log_odds(const struct pixel_model *model, const struct jlfd_data *data,
                       const struct varpro_fit *fit, cplx f, size_t pixel, size_t k)
{
    cplx known = data->mask ? data->mask[pixel] : 1;
    double sharp = cplx_norm(fit->beta) / (fit->variance[k] * data->noise_var);
    return cplx_norm(f - known) * sharp -
           price(model, fmin(cabs(f), 1), fit->variance[k], data->noise_var, fit->beta);
}

void jlfd_report(const struct pixel_model *model, const struct jlfd_data *data,
                 const struct varpro_fit *fit, const size_t *support, size_t n,
                 struct pixel_estimate *out)
{
    *out = (struct pixel_estimate){.gain = fit->beta,
                                   .residual = fit->cost,
                                   .iterations = fit->iterations,
                                   .converged = fit->converged};
    out->position_m = near_field_point((struct vec3){fit->uvq[0], fit->uvq[1], fit->uvq[2]});
    out->explained = jlfd_explained(model, fit->cost / data->noise_var, n);
    for (size_t k = 0; k < n; k++) {
        cplx f = jlfd_coefficient(model, data, fit, support[k], k);
        struct pixel_failure found = {support[k], f, 0};
        found.log_odds = log_odds(model, data, fit, f, support[k], k);
        size_t i = out->n_failures++;
        for (; i > 0 && out->failures[i - 1].index > found.index; i--)
            out->failures[i] = out->failures[i - 1];
        out->failures[i] = found;
    }
}
