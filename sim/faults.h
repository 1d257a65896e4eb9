/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fault scripts of the simulated radios: YAML into the list that sim/air_fault.h carries out, and
 * scripts drawn at random. docs/simulator.md names every kind and its keys. Setup only. */
#pragma once
#include <stdio.h>

#include "base/config.h"
#include "sim/air_fault.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One entry as written; what was left out reads NAN or -1. */
struct fault_entry {
    double at_s, for_s;
    char radio[16];
    int channel, what; /* enum air_fault_kind */
    int samples, after_samps, count, every;
    double db, deg, deg_per_s, ppm, jump_s, boot_s;
    bool silent, keeps_time;
};

struct fault_script {
    struct fault_entry faults[AIR_N_FAULT];
    size_t n;
};

/* Reads a script for the radios of cfg. out: [AIR_N_FAULT], *n of them are filled. ERR_ARG or
 * ERR_IO; err->text is "storm.yaml:4:5: faults[1]: ..." with the cure. */
int faults_load(const char *file, const struct air_cfg *cfg, struct air_fault *out, size_t *n,
                struct status *err) MUST_CHECK;
/* The same from memory; name stands for the file in messages. */
int faults_parse(const char *name, const char *text, size_t length, const struct air_cfg *cfg,
                 struct air_fault *out, size_t *n, struct status *err) MUST_CHECK;

/* A fault of radio 0 at every n-th opportunity from the beginning on, with the kind's defaults;
 * windows: from the beginning on, for ever. ERR_ARG when the kind needs to be told more. */
int faults_every(int kind, unsigned every, struct air_fault *out, struct status *err) MUST_CHECK;

struct fault_draw {
    unsigned n; /* faults */
    uint64_t seed;
    double start_s, step_s; /* fault i lies in [start + i step, start + (i + 1) step) */
    const char *radio;
    unsigned n_rx;  /* its receive channels */
    uint32_t kinds; /* bits; at least one */
};

/* Kinds by name, "overflow,late_tx"; "all": every kind. */
int faults_kinds(const char *list, uint32_t *kinds, struct status *err) MUST_CHECK;
/* Writes a random script. Each fault is over, and its device back, before its step has ended.
 * Devices that come back keep their time: a gated run has no clock to tell it otherwise. ERR_IO. */
int faults_draw(const struct fault_draw *draw, FILE *out) MUST_CHECK;

#ifdef __cplusplus
}
#endif
