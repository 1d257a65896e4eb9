/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/delay_angle_priv.h"
#include "dsp/fft.h"
#include <string.h>

enum { LANES = 4 };
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef float floats __attribute__((vector_size(LANES * sizeof(float))));

/* Carrier k turns by 2 pi (k - mid) for each spacing_hz L / c = turns; frequencies are counted in
 * radians per metre, q (k - mid). */
double delay_angle_rad_per_m(const struct delay_angle *e)
{
    return 2 * PI * e->cfg.spacing_hz / SPEED_OF_LIGHT;
}

/* exp(j f L) of LANES carriers side by side, f their frequencies. */
struct phasors {
    lanes c, s, f;
    double dc, ds, df; /* of a step of so many carriers */
};

static void first_carriers(const struct delay_angle *e, double length_m, struct phasors *p)
{
    const double q = delay_angle_rad_per_m(e);
    p->df = LANES * q;
    p->dc = cos(p->df * length_m);
    p->ds = sin(p->df * length_m);
    for (size_t l = 0; l < LANES; l++) {
        p->f[l] = q * ((double)l - e->mid);
        p->c[l] = cos(p->f[l] * length_m);
        p->s[l] = sin(p->f[l] * length_m);
    }
}

static inline __attribute__((always_inline)) void next_carriers(struct phasors *p)
{
    const lanes c = p->c * p->dc - p->s * p->ds;
    p->s = p->s * p->dc + p->c * p->ds;
    p->c = c;
    p->f += p->df;
}

/* Of t (re, im) and, if wanted, t' (re, im). */
static inline __attribute__((always_inline)) void
add_carriers(const float *re, const float *im, const struct phasors *p, bool slope, lanes sum[4])
{
    const lanes yr = __builtin_convertvector(*(const floats *)re, lanes);
    const lanes yi = __builtin_convertvector(*(const floats *)im, lanes);
    const lanes zr = yr * p->c - yi * p->s, zi = yr * p->s + yi * p->c;
    sum[0] += zr;
    sum[1] += zi;
    if (slope) {
        sum[2] -= p->f * zi;
        sum[3] += p->f * zr;
    }
}

static double total(const lanes *x)
{
    double sum = 0;
    for (size_t l = 0; l < LANES; l++)
        sum += (*x)[l];
    return sum;
}

/* Two antennas at a time, the last may be both: their sums stay in registers. */
static inline __attribute__((always_inline)) void
correlate(const struct delay_angle *e, size_t j, const struct phasors *first, cplx *t, cplx *dt)
{
    struct phasors p = *first;
    const size_t n = e->cfg.n_ant - j < 2 ? 1 : 2, other = (n - 1) * e->stride;
    const float *re = e->re + j * e->stride, *im = e->im + j * e->stride;
    lanes sum[2][4] = {{{0}}};
    for (size_t k = 0; k < e->stride; k += LANES, next_carriers(&p)) {
        add_carriers(re + k, im + k, &p, dt != NULL, sum[0]);
        add_carriers(re + k + other, im + k + other, &p, dt != NULL, sum[1]);
    }
    for (size_t i = 0; i < n; i++) {
        t[j + i] = CMPLX(total(&sum[i][0]), total(&sum[i][1]));
        if (dt)
            dt[j + i] = CMPLX(total(&sum[i][2]), total(&sum[i][3]));
    }
}

/* t_j = sum_k y_jk s_k^*, t'_j = sum_k y_jk s'_k^*,  s' = -j q (k - mid) s. */
void delay_angle_correlate(const struct delay_angle *e, double length_m, cplx *t, cplx *dt)
{
    struct phasors p;
    first_carriers(e, length_m, &p);
    for (size_t j = 0; j < e->cfg.n_ant; j += 2)
        if (dt)
            correlate(e, j, &p, t, dt);
        else
            correlate(e, j, &p, t, NULL);
}

/* Sums over carriers, g = k - mid, n of them: S = sum cos(2 x g) = sin(n x) / sin x, and its
 * derivatives from S sin x = sin n x. Near 0, where these cancel, by powers of x. */
static void closed_sums(double n, double x, double sum[3])
{
    const double s = sin(x), c = cos(x), S = sin(n * x) / s;
    const double dS = (n * cos(n * x) - S * c) / s, ddS = (1 - n * n) * S - 2 * dS * c / s;
    sum[0] = S;
    sum[1] = -0.5 * dS;   /* sum g sin(2 x g) */
    sum[2] = -0.25 * ddS; /* sum g^2 cos(2 x g) */
}

static void series_sums(const struct delay_angle *e, double x, double sum[3])
{
    const double z = 2 * x * e->mid, z2 = z * z;
    double even = 1; /* (-1)^m z^2m / (2m)! */
    sum[0] = sum[1] = sum[2] = 0;
    for (size_t m = 0; m + 1 < POWERS; m++) {
        const double k = 2 * (double)m;
        sum[0] += even * e->power[m];
        sum[1] += even * z / (k + 1) * e->power[m + 1];
        sum[2] += even * e->power[m + 1];
        even *= -z2 / ((k + 1) * (k + 2));
    }
    sum[1] *= e->mid;
    sum[2] *= e->mid * e->mid;
}

static void lay_powers(struct delay_angle *e)
{
    for (size_t k = 0; k < e->cfg.n_carrier; k++) {
        const double g = (double)k / e->mid - 1;
        double power = 1;
        for (size_t m = 0; m < POWERS; m++, power *= g * g)
            e->power[m] += power;
    }
}

/* m[0] = s_a^H s_b, m[1] = s_a^H s'_b, m[2] = s'_a^H s'_b for L_a - L_b: all real, as carriers are
 * centred; s'_a^H s_b = m[1] of the opposite difference. All repeat with c / spacing, but for the
 * sign where the number of carriers is even. */
void delay_angle_moments(const struct delay_angle *e, double difference_m, double m[3])
{
    const double q = delay_angle_rad_per_m(e), n = (double)e->cfg.n_carrier;
    const double turns = round(0.5 * q * difference_m / PI);
    const double x = 0.5 * q * difference_m - PI * turns;
    if (fabs(n * x) < 1)
        series_sums(e, x, m);
    else
        closed_sums(n, x, m);
    const double sign = fmod((n - 1) * turns, 2) == 0 ? 1 : -1;
    m[0] *= sign;
    m[1] *= sign * q;
    m[2] *= sign * q * q;
}

double delay_angle_overlap(const struct delay_angle *e, double difference_m)
{
    const double x = 0.5 * delay_angle_rad_per_m(e) * difference_m, n = (double)e->cfg.n_carrier,
                 s = sin(x);
    return fabs(s) < 1e-12 ? n : sin(n * x) / s;
}

/* y by antennas, real and imaginary parts apart, zeros behind the last carrier. */
bool delay_angle_sums_create(struct delay_angle *e)
{
    e->stride = (e->cfg.n_carrier + LANES - 1) / LANES * LANES;
    e->re = fft_alloc(2 * e->cfg.n_ant * e->stride * sizeof *e->re);
    if (!e->re)
        return false;
    e->im = e->re + e->cfg.n_ant * e->stride;
    memset(e->re, 0, 2 * e->cfg.n_ant * e->stride * sizeof *e->re);
    lay_powers(e);
    return true;
}

void delay_angle_load(struct delay_angle *e, const cplxf *y)
{
    const size_t K = e->cfg.n_carrier;
    e->energy = 0;
    for (size_t j = 0; j < e->cfg.n_ant; j++)
        for (size_t k = 0; k < K; k++) {
            e->re[j * e->stride + k] = crealf(y[j * K + k]);
            e->im[j * e->stride + k] = cimagf(y[j * K + k]);
            e->energy += (double)cplxf_norm(y[j * K + k]);
        }
    for (size_t i = 0; i < KNOWN; i++)
        e->known[i].length_m = NAN;
}

/* t and t' of path p at its length. A step that is taken back, or a path that stays, has been there
 * before. */
void delay_angle_recall(struct delay_angle *e, size_t p)
{
    struct known *known = e->known;
    for (size_t i = 0; i < KNOWN && known->length_m != e->length_m[p]; i++)
        known = &e->known[i];
    if (known->length_m != e->length_m[p]) {
        known = &e->known[e->forget++ % KNOWN];
        known->length_m = e->length_m[p];
        delay_angle_correlate(e, known->length_m, known->t, known->dt);
    }
    memcpy(e->t[p], known->t, sizeof e->t[p]);
    memcpy(e->dt[p], known->dt, sizeof e->dt[p]);
}
