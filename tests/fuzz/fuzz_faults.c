/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as a fault script: no text may crash the reader, and what it accepts lies within what the
 * simulated radios can carry out. */
#include "fuzz.h"

#include "sim/faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct air_fault faults[AIR_N_FAULT];
    struct air_cfg cfg;
    struct status err = {0};
    size_t n_fault = 0;
    air_cfg_default(&cfg);
    if (faults_parse("fuzz.yaml", (const char *)bytes, n, &cfg, faults, &n_fault, &err)) {
        FUZZ_CHECK(err.code != OK && err.text[0] != 0 && n_fault == 0);
        return 0;
    }
    FUZZ_CHECK(n_fault <= AIR_N_FAULT);
    for (size_t i = 0; i < n_fault; i++) {
        const struct air_fault *f = &faults[i];
        FUZZ_CHECK(f->kind >= 0 && f->kind < AIR_N_FAULT_KIND && f->radio < cfg.n_radios);
        FUZZ_CHECK(f->at_tick >= 0 && f->until_tick > f->at_tick && f->every >= 1);
        FUZZ_CHECK(f->channel < (int)cfg.radios[f->radio].n_rx && f->samples >= 0);
        FUZZ_CHECK(f->after_samps >= 0 && f->value == f->value);
    }
    return 0;
}
