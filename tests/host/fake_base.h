/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A radio for tests of the user terminal: implements host/radio.h over a base station in memory,
 * whose bursts a user hears with a carrier offset, a whole-sample delay and noise. */
#pragma once
#include "dsp/modem.h"
#include "dsp/waveform.h"
#include "frames/secure.h"
#include "host/radio.h"

struct fake_base_cfg {
    struct waveform_cfg waveform;
    struct secure_keys keys; /* the base station's idea of the user's */
    uint32_t user_id;
    double cfo_hz;         /* base station minus user */
    double noise_rms;      /* full scale 1 */
    int64_t first, period; /* ticks of the user's clock */
    uint64_t first_cycle;
};

/* What the base station does in a cycle, for the test to change between steps. */
struct fake_base {
    struct fake_base_cfg cfg;
    bool silent;         /* sends nothing */
    bool no_sync;        /* sends no sync frames */
    bool replay;         /* sends the frames of first_cycle for ever */
    int flip_bit;        /* of the sensing frame, -1: none */
    int64_t now;         /* end of what was received */
    uint64_t received;   /* samples handed out */
    unsigned n_answer;   /* bursts the user sent */
    int64_t answer_tick; /* of the last one */
    struct response answer;
    int answer_code; /* of secure_open_response() */
    bool stall;      /* radio gives nothing */
};

struct radio *fake_base_open(const struct fake_base_cfg *cfg);
struct fake_base *fake_base_of(struct radio *radio);
