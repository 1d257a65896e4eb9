/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/link_file.h"

#include <math.h>

#include "base/log.h"

struct values {
    double snr_db, rice_k, rms_m, bandwidth_hz, samples, threshold_m;
    double bs_m[3], ris1_m[3], ris2_m[3], box_min_m[3], box_max_m[3];
    int error, scheme, users, bits, frame_bits;
};

static const struct config_key keys[] = {
    {"snr_db", CONFIG_DOUBLE(struct values, snr_db), .unit = "dB", .min = -50, .max = 200,
     .def = "20", .help = "of a sample for lengths, E_b/N0 for bits"},
    {"rice.k", CONFIG_DOUBLE(struct values, rice_k), .min = 0, .max = 1e6, .def = CONFIG_UNSET,
     .help = "Rice factor of paths and symbols, linear; left out: no fading"},
    {"ranging.error", CONFIG_CHOICE(struct values, error, "calibrated|bound"), .def = "calibrated",
     .help = "calibrated: rms_at_20db_m, as [S1] has it; bound: CRLB of the waveform"},
    {"ranging.rms_at_20db_m", CONFIG_DOUBLE(struct values, rms_m), .unit = "m", .min = 1e-6,
     .max = 1e6, .def = "1", .help = "of a path length"},
    {"ranging.bandwidth_hz", CONFIG_DOUBLE(struct values, bandwidth_hz), .unit = "Hz", .min = 1,
     .max = 1e12, .def = "500e3", .help = "of the waveform, for bound"},
    {"ranging.samples", CONFIG_DOUBLE(struct values, samples), .min = 1, .max = 1e12, .def = "10",
     .help = "of a frame, for bound: E/N0 = SNR times this"},
    {"threshold_m", CONFIG_DOUBLE(struct values, threshold_m), .unit = "m", .min = 1e-9, .max = 1e9,
     .def = "1", .help = "located: at most so far off in plan"},
    {"users", CONFIG_INT(struct values, users), .min = 1, .max = 10000000, .def = "20000",
     .help = "of a trial"},
    {"bits.count", CONFIG_INT(struct values, bits), .min = 4, .max = 100000000, .def = "400000",
     .help = "of a trial, a multiple of four"},
    {"bits.scheme", CONFIG_CHOICE(struct values, scheme, "bpsk|qam16"), .def = "bpsk",
     .help = "modulation of kind bits"},
    {"bits.frame", CONFIG_INT(struct values, frame_bits), .min = 1, .max = 10000, .def = "40",
     .help = "bits of a frame, kind joint"},
    {"bs_m", CONFIG_VEC3(struct values, bs_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[0, 0, 10]", .help = "base station"},
    {"ris1_m", CONFIG_VEC3(struct values, ris1_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[50, 0, 6]", .help = "first surface"},
    {"ris2_m", CONFIG_VEC3(struct values, ris2_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[0, 50, 6]", .help = "second surface"},
    {"box.min_m", CONFIG_VEC3(struct values, box_min_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[10, 10, 1]", .help = "users stand between this corner"},
    {"box.max_m", CONFIG_VEC3(struct values, box_max_m), .unit = "m", .min = -1e5, .max = 1e5,
     .def = "[40, 40, 1.8]", .help = "and this"},
};
static const struct config_table table = CONFIG_TABLE(struct values, keys);

int link_file_read(const struct config_sets *sets, struct link_trial *out, struct status *err)
{
    struct values v;
    int rc = config_load(&table, NULL, sets, &v, err);
    if (rc)
        return rc;
    if (v.bits % 4)
        return status_set(err, ERR_ARG, "bits.count is %d, expected a multiple of four", v.bits);
    *out = (struct link_trial){
        .snr_db = v.snr_db,
        .k_factor = isnan(v.rice_k) ? INFINITY : v.rice_k,
        .error = v.error == 1 ? LINK_BOUND : LINK_CALIBRATED,
        .rms_at_20db_m = v.rms_m,
        .bandwidth_hz = v.bandwidth_hz,
        .n_samples = v.samples,
        .scheme = v.scheme == 1 ? LINK_QAM16 : LINK_BPSK,
        .bs_m = vec3_of(v.bs_m),
        .ris_m = {vec3_of(v.ris1_m), vec3_of(v.ris2_m)},
        .box_min_m = vec3_of(v.box_min_m),
        .box_max_m = vec3_of(v.box_max_m),
        .threshold_m = v.threshold_m,
        .n_users = (size_t)v.users,
        .n_bits = (size_t)v.bits,
        .frame_bits = (size_t)v.frame_bits,
        .seed = 1,
    };
    return 0;
}
