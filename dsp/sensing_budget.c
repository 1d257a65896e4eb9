/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/sensing_budget.h"
#include "dsp/cplx.h"
#include "dsp/ris_model.h"
#include <math.h>

#define BOLTZMANN     1.380649e-23
#define TEMPERATURE_K 290.0
#define COSINE_FLOOR  0.03 /* amplitude of the base station's antenna off its face */

static double wavelength(const struct sensing_budget_cfg *c)
{
    return SPEED_OF_LIGHT / c->carrier_hz;
}

/* Power gain of the base station's antenna at `at` towards p. */
static double gain(const struct sensing_budget_cfg *c, struct vec3 at, struct vec3 p)
{
    if (vec3_norm(c->boresight) == 0)
        return c->antenna_gain;
    const double cosine = vec3_dot(vec3_unit(c->boresight), vec3_unit(vec3_sub(p, at)));
    return c->antenna_gain * pow(fmax(cosine, COSINE_FLOOR), 2);
}

/* One hop between isotropic points, power. */
static double hop(const struct sensing_budget_cfg *c, double r_m)
{
    return pow(wavelength(c) / (4 * PI * r_m), 2);
}

/* TX -> user, scattered: what a point there sends on per watt. */
static double lit(const struct sensing_budget_cfg *c, struct vec3 u)
{
    const double scatter = 4 * PI * c->rcs_m2 / pow(wavelength(c), 2);
    return gain(c, c->anchors.tx, u) * hop(c, vec3_dist(u, c->anchors.tx)) * scatter;
}

static double by_echo(const struct sensing_budget_cfg *c, struct vec3 u)
{
    return lit(c, u) * hop(c, vec3_dist(u, c->anchors.rx)) * gain(c, c->anchors.rx, u);
}

/* A focus adds the elements in amplitude. */
static double by_surface(const struct sensing_budget_cfg *c, const struct panel *panel,
                         struct vec3 u)
{
    double sum = 0;
    for (size_t m = 0; m < panel_elements(panel); m++)
        sum += cabs(ris_hop(panel, m, u, wavelength(c))) *
               cabs(ris_hop(panel, m, c->anchors.rx, wavelength(c)));
    return lit(c, u) * sum * sum * c->element_loss * gain(c, c->anchors.rx, panel->position);
}

static struct sensing_path path_of(const struct sensing_budget_cfg *c, double rx_w)
{
    const double n0 = BOLTZMANN * TEMPERATURE_K * c->noise_figure;
    const double e_n0 = rx_w * c->useful_s * (double)c->n_rx / n0;
    return (struct sensing_path){
        .rx_w = rx_w,
        .e_n0 = e_n0,
        .sigma_m = SPEED_OF_LIGHT / (2 * PI * c->band_hz / sqrt(12.0) * sqrt(2 * e_n0)),
    };
}

struct sensing_budget sensing_budget(const struct sensing_budget_cfg *c, struct vec3 u)
{
    return (struct sensing_budget){
        .energy_j = c->tx_w * c->burst_s,
        .power_w = c->tx_w * c->burst_s / c->period_s,
        .path = {path_of(c, c->tx_w * by_echo(c, u)),
                 path_of(c, c->tx_w * by_surface(c, c->panel[0], u)),
                 path_of(c, c->tx_w * by_surface(c, c->panel[1], u))},
    };
}
