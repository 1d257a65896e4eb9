/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/precode.h"
#include "dsp/phasor.h"
#include <assert.h>
#include <string.h>

#define BOLTZMANN     1.380649e-23
#define TEMPERATURE_K 290.0

/* w = conj(h) / |h| over the channels of each carrier, in place. */
static void conjugate(const struct precode_cfg *c, cplxf *w)
{
    for (size_t k = 0; k < c->n_carrier; k++) {
        float power = 0;
        for (size_t i = 0; i < c->n_tx; i++)
            power += cplxf_norm(w[i * c->n_carrier + k]);
        const float scale = power > 0 && isfinite(power) ? 1 / sqrtf(power) : 0;
        for (size_t i = 0; i < c->n_tx; i++)
            w[i * c->n_carrier + k] = scale * conjf(w[i * c->n_carrier + k]);
        if (scale == 0)
            for (size_t i = 0; i < c->n_tx; i++)
                w[i * c->n_carrier + k] = i == 0;
    }
}

/* h_i = own_i / r_i exp(-j 2 pi f r_i / c): over the carriers a ramp. Distances relative to the
 * first: the common one turns all channels alike. */
void precode_position(const struct precode_cfg *c, struct vec3 user, const cplxf *own, cplxf *w)
{
    const double first_m = vec3_dist(user, c->antenna[0]);
    assert(c->n_tx >= 1 && c->n_tx <= PRECODE_MAX_TX);
    for (size_t i = 0; i < c->n_tx; i++) {
        const double r = vec3_dist(user, c->antenna[i]), delay_s = (r - first_m) / SPEED_OF_LIGHT;
        const double lowest_hz = c->carrier_hz - 0.5 * (double)(c->n_carrier - 1) * c->spacing_hz;
        const cplxf size = (own ? own[i] : 1) * (float)(first_m / r);
        cplxf *row = w + i * c->n_carrier;
        phasor_ramp(-delay_s * lowest_hz, -delay_s * c->spacing_hz, c->n_carrier, row);
        for (size_t k = 0; k < c->n_carrier; k++)
            row[k] *= size;
    }
    conjugate(c, w);
}

/* From what a receive channel heard to what its transmit channel would bring. */
static cplxf turn(const cplxf *heard_own, const cplxf *own, size_t i)
{
    return cplxf_norm(heard_own[i]) > 0 ? own[i] / heard_own[i] : 0;
}

void precode_reciprocal(const struct precode_cfg *c, const cplxf *heard, const cplxf *heard_own,
                        const cplxf *own, cplxf *w)
{
    for (size_t i = 0; i < c->n_tx; i++) {
        const cplxf by = turn(heard_own, own, i);
        for (size_t k = 0; k < c->n_carrier; k++)
            w[i * c->n_carrier + k] = by * heard[i * c->n_carrier + k];
    }
    conjugate(c, w);
}

/* sum_k sum_i |h_ik|^2 / sum_k |h_0k|^2 */
float precode_reciprocal_gain_db(const struct precode_cfg *c, const cplxf *heard,
                                 const cplxf *heard_own, const cplxf *own)
{
    float sum = 0, alone = 0;
    for (size_t i = 0; i < c->n_tx; i++) {
        float power = 0;
        for (size_t k = 0; k < c->n_carrier; k++)
            power += cplxf_norm(heard[i * c->n_carrier + k]);
        sum += cplxf_norm(turn(heard_own, own, i)) * power;
        alone = i == 0 ? sum : alone;
    }
    return 10 * log10f(fmaxf(sum / fmaxf(alone, 1e-20f), 1e-9f));
}

float precode_gain_db(const struct precode_cfg *c, const cplxf *own, const cplxf *w,
                      struct vec3 place)
{
    const double wavelength_m = SPEED_OF_LIGHT / c->carrier_hz;
    const size_t middle = (c->n_carrier - 1) / 2;
    const double first_m = vec3_dist(place, c->antenna[0]);
    cplxf a[PRECODE_MAX_TX], sum = 0;
    array_steer(c->antenna, c->n_tx, c->antenna[0], place, wavelength_m, a);
    for (size_t i = 0; i < c->n_tx; i++)
        sum += (own ? own[i] : 1) * a[i] * (float)(first_m / vec3_dist(place, c->antenna[i])) *
               w[i * c->n_carrier + middle];
    const float alone = own ? cplxf_norm(own[0]) : 1;
    return 10 * log10f(fmaxf(cplxf_norm(sum) / fmaxf(alone, 1e-20f), 1e-9f));
}

/* |a(aimed)^H a(place)|^2 / n^2 */
static double share(const struct precode_cfg *c, struct vec3 aimed, struct vec3 place)
{
    const double wavelength_m = SPEED_OF_LIGHT / c->carrier_hz;
    cplxf a[PRECODE_MAX_TX], b[PRECODE_MAX_TX];
    array_steer(c->antenna, c->n_tx, c->antenna[0], aimed, wavelength_m, a);
    array_steer(c->antenna, c->n_tx, c->antenna[0], place, wavelength_m, b);
    const double match = (double)array_match(a, b, c->n_tx);
    return match * match;
}

static float loss_db(double part)
{
    return (float)(-10 * log10(fmin(1, fmax(part, 1e-9))));
}

float precode_pointing_loss_db(const struct precode_cfg *c, struct vec3 aimed, struct vec3 place)
{
    return loss_db(share(c, aimed, place));
}

/* Lower factor L of cov = L L^T; a direction without variance stays 0. */
static void factor(const double cov[3][3], double l[3][3])
{
    memset(l, 0, 9 * sizeof l[0][0]);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j <= i; j++) {
            double rest = cov[i][j];
            for (int k = 0; k < j; k++)
                rest -= l[i][k] * l[j][k];
            if (i == j)
                l[i][i] = rest > 0 ? sqrt(rest) : 0;
            else
                l[i][j] = l[j][j] > 0 ? rest / l[j][j] : 0;
        }
}

/* Six points of a sixth each at +-sqrt(3) deviations; the centre has no weight in three dimensions.
 */
float precode_expected_loss_db(const struct precode_cfg *c, struct vec3 aimed,
                               const double cov[3][3])
{
    double l[3][3], sum = 0;
    factor(cov, l);
    for (int axis = 0; axis < 3; axis++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const double s = sign * sqrt(3.0);
            const struct vec3 off = {s * l[0][axis], s * l[1][axis], s * l[2][axis]};
            sum += share(c, aimed, vec3_add(aimed, off)) / 6;
        }
    return loss_db(sum);
}

/* P_tx + G_tx + G_rx + 10 log10(n_tx n_rx) - 20 log10(4 pi d / lambda) - k T B F */
double precode_budget_snr_db(const struct precode_budget *b)
{
    const double path_db = 20 * log10(4 * PI * b->distance_m * b->carrier_hz / SPEED_OF_LIGHT);
    const double noise_dbm =
        10 * log10(1e3 * BOLTZMANN * TEMPERATURE_K * b->bandwidth_hz) + b->noise_figure_db;
    return b->tx_dbm + b->tx_gain_dbi + b->rx_gain_dbi + 10 * log10((double)(b->n_tx * b->n_rx)) -
           path_db - noise_dbm;
}
