/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/tx_sounding.h"
#include "dsp/phasor.h"
#include <assert.h>
#include <string.h>

enum { ROUNDS = 20 };
static const float heard_min = 0.1f; /* of the strongest channel's amplitude: less is not there */

/* Mean over the carriers at the way's delay, less the phase that the way itself makes. */
static cplxf leak(const struct tx_sounding_cfg *c, const cplxf *h, double delay_s, double way_m)
{
    const double turns = (delay_s + way_m / SPEED_OF_LIGHT) * c->spacing_hz;
    const double middle = 0.5 * (double)(c->n_carrier - 1);
    cplx sum = 0;
    for (size_t k = 0; k < c->n_carrier; k++)
        sum += h[k] * phasor(turns * ((double)k - middle));
    return (cplxf)(sum / (double)c->n_carrier) * phasor(way_m / SPEED_OF_LIGHT * c->carrier_hz);
}

/* out_i = sum_j m_ij conj(by_j) of unit length: half a round of the power method. */
static void follow(const cplxf *m, size_t n, size_t n_by, size_t step, size_t step_by,
                   const cplxf *by, cplxf *out)
{
    float power = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t j = 0; j < n_by; j++)
            out[i] += m[i * step + j * step_by] * conjf(by[j]);
        power += cplxf_norm(out[i]);
    }
    for (size_t i = 0; i < n; i++)
        out[i] *= power > 0 ? 1 / sqrtf(power) : 0;
}

static int normalise(cplxf *v, size_t n)
{
    const cplxf first = v[0];
    float strongest = 0;
    for (size_t i = 0; i < n; i++)
        strongest = fmaxf(strongest, cabsf(v[i]));
    for (size_t i = 0; i < n; i++)
        if (!(cabsf(v[i]) > heard_min * strongest))
            return ERR_NO_PEAK;
    for (size_t i = 0; i < n; i++)
        v[i] /= first;
    return OK;
}

int tx_sounding_estimate(const struct tx_sounding_cfg *c, const cplxf *h, double delay_s,
                         struct tx_sounding *out)
{
    cplxf m[PRECODE_MAX_TX * SLOT_MAX_ANT], tx[PRECODE_MAX_TX], rx[SLOT_MAX_ANT], product = 0;
    float power = 0;
    assert(c->n_tx >= 1 && c->n_tx <= PRECODE_MAX_TX && c->n_rx >= 1 && c->n_rx <= SLOT_MAX_ANT);
    for (size_t i = 0; i < c->n_tx; i++)
        for (size_t j = 0; j < c->n_rx; j++) {
            m[i * c->n_rx + j] = leak(c, h + (i * c->n_rx + j) * c->n_carrier, delay_s,
                                      vec3_dist(c->tx[i], c->rx[j]));
            power += cplxf_norm(m[i * c->n_rx + j]);
        }
    for (size_t j = 0; j < c->n_rx; j++)
        rx[j] = m[j];
    for (int round = 0; round < ROUNDS; round++) {
        follow(m, c->n_tx, c->n_rx, c->n_rx, 1, rx, tx);
        follow(m, c->n_rx, c->n_tx, 1, c->n_rx, tx, rx);
    }
    for (size_t i = 0; i < c->n_tx; i++)
        for (size_t j = 0; j < c->n_rx; j++)
            product += m[i * c->n_rx + j] * conjf(tx[i] * rx[j]);
    *out = (struct tx_sounding){.match = power > 0 ? cplxf_norm(product) / power : 0};
    memcpy(out->own, tx, c->n_tx * sizeof *tx);
    memcpy(out->heard, rx, c->n_rx * sizeof *rx);
    if (!(power > 0) || normalise(out->own, c->n_tx) || normalise(out->heard, c->n_rx))
        return ERR_NO_PEAK;
    return OK;
}
