/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/ris_states.h"

#include <assert.h>
#include <math.h>

#define EPSILON       1e-9
#define AMPLITUDE_MAX 1.5 /* a passive element reflects at most 1; more is a measurement's error   \
                           */

static size_t count(const struct ris_states *s)
{
    return (size_t)1 << s->bits;
}

double ris_phase_wrapped(double phase_rad)
{
    double turns = phase_rad / (2 * PI);
    double phase = (turns - floor(turns)) * 2 * PI;
    return phase < 2 * PI ? phase : 0;
}

static double along(cplx gamma, double phase)
{
    return creal(gamma) * cos(phase) + cimag(gamma) * sin(phase);
}

static uint8_t strongest(const struct ris_states *s, double phase)
{
    uint8_t best = 0;
    for (size_t i = 1; i < count(s); i++)
        if (along(s->gamma[i], phase) > along(s->gamma[best], phase))
            best = (uint8_t)i;
    return best;
}

/* Two states reflect equally in the two directions at right angles to their difference; it is an
 * edge where no third one reflects more. */
static void add_edge(struct ris_states *s, double phase)
{
    uint8_t from = strongest(s, phase - EPSILON), to = strongest(s, phase + EPSILON);
    double at = ris_phase_wrapped(phase);
    if (from == to)
        return;
    for (size_t i = 0; i < s->n_edge; i++)
        if (fabs(s->edge[i].phase_rad - at) < 2 * EPSILON)
            return;
    size_t i = s->n_edge++;
    for (; i > 0 && s->edge[i - 1].phase_rad > at; i--)
        s->edge[i] = s->edge[i - 1];
    s->edge[i] = (struct ris_states_edge){at, to};
}

static double period(const struct ris_states *s)
{
    const size_t n = count(s);
    const double step = 2 * PI / (double)n;
    const cplx turn = CMPLX(cos(step), sin(step));
    for (size_t i = 0; i < n; i++)
        if (cabs(s->gamma[(i + 1) % n] - s->gamma[i] * turn) > 1e-9 * cabs(s->gamma[0]))
            return 2 * PI;
    return step;
}

static void complete(struct ris_states *s)
{
    const size_t n = count(s);
    s->n_edge = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            cplx d = s->gamma[a] - s->gamma[b];
            if (!(cabs(d) > EPSILON))
                continue;
            double across = atan2(cimag(d), creal(d)) + PI / 2;
            add_edge(s, across);
            add_edge(s, across + PI);
        }
    s->period_rad = period(s);
}

struct ris_states ris_states_ideal(unsigned bits)
{
    assert(bits >= 1 && bits <= 3);
    struct ris_states s = {.bits = bits};
    const double step = 2 * PI / (1u << bits);
    for (size_t i = 0; i < count(&s); i++)
        s.gamma[i] = CMPLX(cos(step * (double)i), sin(step * (double)i));
    complete(&s);
    return s;
}

int ris_states_measured(const double *table, size_t n, struct ris_states *out)
{
    struct ris_states s = {.bits = n == 4 ? 1 : n == 8 ? 2 : n == 16 ? 3 : 0};
    if (s.bits == 0)
        return ERR_ARG;
    for (size_t i = 0; i < n / 2; i++) {
        double amplitude = table[2 * i], phase = table[2 * i + 1];
        if (!(amplitude > 0) || !(amplitude <= AMPLITUDE_MAX) || !isfinite(phase))
            return ERR_ARG;
        s.gamma[i] = CMPLX(amplitude * cos(phase), amplitude * sin(phase));
    }
    complete(&s);
    if (s.n_edge == 0)
        return ERR_ARG;
    *out = s;
    return OK;
}

struct ris_states ris_states_coded(const struct ris_states *states)
{
    const size_t n = count(states);
    struct ris_states s = {.bits = states->bits};
    for (size_t i = 0; i < n; i++)
        s.gamma[i] = (states->gamma[i] - states->gamma[(i + n / 2) % n]) / 2;
    complete(&s);
    return s;
}

size_t ris_states_sector(const struct ris_states *s, double phase_rad)
{
    double at = ris_phase_wrapped(phase_rad);
    size_t i = s->n_edge;
    while (i > 0 && s->edge[i - 1].phase_rad > at)
        i--;
    return (i > 0 ? i : s->n_edge) - 1;
}

uint8_t ris_states_nearest(const struct ris_states *s, double phase_rad)
{
    return s->edge[ris_states_sector(s, phase_rad)].to;
}
