/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the states of a RIS element reflect at the carrier: ideal phases, or as measured on a board
 * (ris.yaml, boards[].states). Plain data after its creation; RT-safe. */
#pragma once
#include "dsp/cplx.h"
#include "frames/status.h"
#include <stddef.h>

#define RIS_STATES_MAX 8

/* Turning a wanted phase through a full circle, the state that reflects most in its direction
 * changes at these phases. */
struct ris_states_edge {
    double phase_rad; /* 0 .. 2 pi, rising */
    uint8_t to;       /* state from here to the next edge */
};

struct ris_states {
    unsigned bits;              /* 1..3 */
    cplx gamma[RIS_STATES_MAX]; /* [2^bits] reflection coefficients */
    size_t n_edge;
    struct ris_states_edge edge[2 * RIS_STATES_MAX];
    /* A common phase turned by this rounds to the same profile but for a turn of all states: the
     * step of an evenly spaced table, else 2 pi. */
    double period_rad;
};

/* State s reflects exp(j 2 pi s / 2^bits). bits 1..3. */
struct ris_states ris_states_ideal(unsigned bits);

/* table: amplitude and phase [rad] of each state in turn, n = 2 * 2^bits numbers. ERR_ARG when n
 * fits no number of bits, a number is not finite, an amplitude is not in (0, 1.5], or all states
 * reflect alike. */
int ris_states_measured(const double *table, size_t n, struct ris_states *out) MUST_CHECK;

/* What a stream of coded sensing sees of a state: the slots show it in turn with the state half a
 * table away, so that (gamma_s - gamma_{s + 2^bits / 2}) / 2 stays and the mean of the two goes to
 * the static stream. For one bit, half the difference: an ideal pair, only weaker. */
struct ris_states ris_states_coded(const struct ris_states *states);

/* The state with the largest Re(exp(-j phase) gamma). */
uint8_t ris_states_nearest(const struct ris_states *states, double phase_rad);

/* Index of the edge before the phase, which ris_states_nearest's answer belongs to. */
size_t ris_states_sector(const struct ris_states *states, double phase_rad);

/* 0 <= phase < 2 pi. */
double ris_phase_wrapped(double phase_rad);
