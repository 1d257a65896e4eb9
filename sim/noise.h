/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counter-based noise: the value at an index is a pure function of key and index, so any part of a
 * noise record can be made at any time, in any order. All functions RT-safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Well-mixed 64 bits of three words. The first two count by their sum: let one of them be a
 * constant of its purpose, or mixed already. */
uint64_t hash_words(uint64_t a, uint64_t b, uint64_t c);
/* Uniform in [0, 1), 53 bits. */
double hash_unit(uint64_t a, uint64_t b, uint64_t c);

/* Complex Gaussian noise of E|n|^2 = 1 for indices k0 .. k0 + n - 1. iq: [n] pairs. Magnitudes
 * end at 4.7, which a true Gaussian exceeds with probability 2^-32. */
void noise_gauss(uint64_t key, int64_t k0, float *iq, size_t n);

/* Receive phase noise of one oscillator: white up to cut_hz, then cut. */
struct phase_noise {
    uint64_t key;
    int decim;     /* samples per point of the coarse grid */
    int n_tap;     /* 0: no phase noise */
    float tap[65]; /* low-pass on the coarse grid, scaled to rad */
};
/* Setup only. dbc_hz: two-sided density [dB rad^2/Hz]; cut_hz 0: none. */
void phase_noise_init(struct phase_noise *pn, uint64_t key, double rate_hz, double dbc_hz,
                      double cut_hz);
/* phase_rad: [n] for sample indices k0 .. k0 + n - 1, n <= 4096. */
void phase_noise_run(const struct phase_noise *pn, int64_t k0, float *phase_rad, size_t n);
