/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/noise.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 4096, MAX_RUN = 4096 };

uint64_t hash_words(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a;
    const uint64_t words[3] = {b, c, 0x6d697261646f72};
    for (int i = 0; i < 3; i++) {
        x += words[i] + 0x9e3779b97f4a7c15ull;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
        x ^= x >> 31;
    }
    return x;
}

double hash_unit(uint64_t a, uint64_t b, uint64_t c)
{
    return (double)(hash_words(a, b, c) >> 11) * 0x1p-53;
}

/* Two rounds of multiply and shift with a key between them. */
static inline uint32_t mix(uint32_t x, uint32_t key)
{
    x ^= x >> 16;
    x *= 0x21f0aaadu;
    x ^= x >> 15;
    x += key;
    x *= 0x735a2d97u;
    x ^= x >> 15;
    x *= 0xd35a2d97u;
    return x ^ (x >> 16);
}

union word { /* gcc vectorises through a union, not through memcpy */
    float f;
    int32_t i;
};

/* -ln of a uniform number in (0, 1) given as 31 random bits; relative error 1e-5. */
static inline float neg_log(uint32_t bits)
{
    union word u = {.f = ((float)(int32_t)(bits >> 1) + 0.5f) * 0x1p-31f};
    int32_t e = (u.i - 0x3f3504f3) >> 23; /* u = 2^e (1 + f), 1 + f in [sqrt 0.5, sqrt 2) */
    union word m = {.i = u.i - e * (1 << 23)};
    float f = m.f - 1.0f;
    float p =
        0.3333050f + f * (-0.2496264f + f * (0.2024981f + f * (-0.1817846f + f * 0.1235483f)));
    float ln = f - 0.5f * f * f + f * f * f * p + (float)e * 0.69314718f;
    return ln < 0.0f ? -ln : 0.0f;
}

/* sin of an angle given as a 32-bit fraction of the circle. */
static inline float sin_turn(uint32_t turn)
{
    int32_t x = (int32_t)turn;
    int32_t folded = (x ^ (int32_t)((uint32_t)x << 1)) < 0 ? (int32_t)(0x80000000u - turn) : x;
    float t = (float)folded * 0x1p-31f; /* half turns in [-0.5, 0.5] */
    float z = t * t;
    return t * (3.14159026f + z * (-5.16740577f + z * (2.54400022f - z * 0.559435f)));
}

/* Box and Muller: an exponential power and a uniform phase. Plain loop, written to be vectorised.
 */
static void gauss_block(uint64_t key, uint32_t i0, float *restrict iq, size_t n)
{
    uint64_t key2 = hash_words(key, 1, 2);
    uint32_t a = (uint32_t)key + i0, b = (uint32_t)(key >> 32);
    uint32_t c = (uint32_t)key2 + i0, d = (uint32_t)(key2 >> 32);
    for (size_t i = 0; i < n; i++) {
        float r = sqrtf(neg_log(mix((uint32_t)i + a, b)));
        uint32_t turn = mix((uint32_t)i + c, d);
        iq[2 * i] = r * sin_turn(turn + 0x40000000u);
        iq[2 * i + 1] = r * sin_turn(turn);
    }
}

void noise_gauss(uint64_t key, int64_t k0, float *iq, size_t n)
{
    for (size_t done = 0; done < n;) {
        int64_t k = k0 + (int64_t)done;
        int64_t block = k >> 12;
        uint32_t i0 = (uint32_t)(k - block * BLOCK);
        size_t run = BLOCK - i0 < n - done ? BLOCK - i0 : n - done;
        gauss_block(hash_words(key, (uint64_t)block, 0), i0, iq + 2 * done, run);
        done += run;
    }
}

void phase_noise_init(struct phase_noise *pn, uint64_t key, double rate_hz, double dbc_hz,
                      double cut_hz)
{
    *pn = (struct phase_noise){.key = key};
    if (!(cut_hz > 0))
        return;
    int decim = (int)(rate_hz / (8.0 * cut_hz)); /* coarse grid at 8 times the cut or more */
    pn->decim = decim < 1 ? 1 : decim;
    double coarse = rate_hz / pn->decim, f = cut_hz / coarse;
    double sigma = sqrt(pow(10.0, dbc_hz / 10.0) * coarse);
    pn->n_tap = f < 0.5 ? 65 : 1;
    double sum = 0;
    for (int i = 0; i < pn->n_tap; i++) { /* windowed sinc, unity gain */
        double x = i - (pn->n_tap - 1) / 2;
        double window = 0.54 + 0.46 * cos(M_PI * x / 33.0);
        double tap = x == 0 ? 2 * f : sin(2 * M_PI * f * x) / (M_PI * x) * window;
        pn->tap[i] = (float)tap;
        sum += tap;
    }
    for (int i = 0; i < pn->n_tap; i++) /* noise_gauss has 1/2 in its real part */
        pn->tap[i] = (float)(pn->tap[i] / sum * sigma * sqrt(2.0));
}

/* Points m0 .. m0 + n - 1 of the coarse grid. */
static void coarse_points(const struct phase_noise *pn, int64_t m0, float *out, int n)
{
    float white[2 * (MAX_RUN + 80)];
    noise_gauss(pn->key, m0, white, (size_t)(n + pn->n_tap - 1));
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int t = 0; t < pn->n_tap; t++)
            sum += pn->tap[t] * white[2 * (i + t)];
        out[i] = sum;
    }
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Cubic interpolation (Catmull and Rom) between coarse points. */
void phase_noise_run(const struct phase_noise *pn, int64_t k0, float *phase_rad, size_t n)
{
    assert(n <= MAX_RUN);
    if (!pn->n_tap) {
        memset(phase_rad, 0, n * sizeof *phase_rad);
        return;
    }
    if (pn->decim == 1) {
        coarse_points(pn, k0, phase_rad, (int)n);
        return;
    }
    float p[MAX_RUN / 2 + 8];
    int64_t m0 = floor_div(k0, pn->decim), m1 = floor_div(k0 + (int64_t)n - 1, pn->decim);
    coarse_points(pn, m0 - 1, p, (int)(m1 - m0) + 4);
    float step = 1.0f / (float)pn->decim;
    for (int64_t m = m0; m <= m1; m++) {
        const float *q = p + (m - m0);
        float c1 = 0.5f * (q[2] - q[0]);
        float c2 = q[0] - 2.5f * q[1] + 2.0f * q[2] - 0.5f * q[3];
        float c3 = 1.5f * (q[1] - q[2]) + 0.5f * (q[3] - q[0]);
        int64_t from = m * pn->decim - k0, to = from + pn->decim;
        int64_t a = from > 0 ? from : 0, b = to < (int64_t)n ? to : (int64_t)n;
        for (int64_t i = a; i < b; i++) {
            float x = (float)(i - from) * step;
            phase_rad[i] = q[1] + x * (c1 + x * (c2 + x * c3));
        }
    }
}
