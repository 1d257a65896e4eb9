/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the simulated radios really did, as JSON:
 *   {"v":1,"time_s":..,"radios":[{"name":"bs","rx_overflows":..,...}],
 *    "faults":[{"index":0,"what":"overflow","radio":"bs","at_s":..,"until_s":..,"fired":1,
 *               "first_s":..,"last_s":..}]}
 * A device_gone has "keeps_time" too. Counts are of what a program was told, over all its lives;
 * "until_s" is missing where there is no end, "first_s" and "last_s" while fired is 0. */
#pragma once
#include <stdio.h>

#include "sim/air_fault.h"

struct faults_report {
    struct air *air;
    void *socket; /* ZMQ_PUB, or NULL */
    uint64_t moves;
    uint32_t told[AIR_N_FAULT]; /* fired, as published last */
};

/* Everything, to a file. ERR_IO with the reason. */
int faults_report_save(struct air *air, const char *file, struct status *err) MUST_CHECK;
/* On topic "faults", when something has changed since the last call: all counts, and the faults
 * whose state has changed. */
void faults_report_publish(struct faults_report *report);
