/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frame error rates of modulation and block code in white noise, as CSV: what the ladder of
 * dsp/data_code.c was chosen by. link_fer [FRAMES [SYMBOLS]]; a frame is a whole slot with one
 * CRC. */
#include "dsp/data_code.h"
#include "dsp/rng.h"
#include <liquid/liquid.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int fec[2];
    const char *name;
} codes[] = {
    {{LIQUID_FEC_NONE, LIQUID_FEC_NONE}, "none"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_REP3}, "rep3"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_GOLAY2412}, "golay"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_HAMMING74}, "hamming74"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_HAMMING84}, "hamming84"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_HAMMING128}, "hamming128"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_SECDED2216}, "secded22"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_SECDED3932}, "secded39"},
    {{LIQUID_FEC_NONE, LIQUID_FEC_SECDED7264}, "secded72"},
    {{LIQUID_FEC_GOLAY2412, LIQUID_FEC_REP3}, "golay+rep3"},
    {{LIQUID_FEC_GOLAY2412, LIQUID_FEC_HAMMING84}, "golay+hamming84"},
    {{LIQUID_FEC_SECDED7264, LIQUID_FEC_GOLAY2412}, "secded72+golay"},
    {{LIQUID_FEC_SECDED7264, LIQUID_FEC_HAMMING84}, "secded72+hamming84"},
    {{LIQUID_FEC_SECDED7264, LIQUID_FEC_HAMMING128}, "secded72+hamming128"},
    {{LIQUID_FEC_SECDED7264, LIQUID_FEC_SECDED2216}, "secded72+secded22"},
};
static const char *const schemes[] = {"bpsk", "qpsk", "16qam"};

struct trial {
    size_t n_symbol;
    cplxf *symbols;
    float *weight;
    uint8_t *sent, *got;
    struct rng rng;
};

static bool frame_fails(struct trial *t, struct data_code *code, double sigma)
{
    float evm;
    for (size_t i = 0; i < data_code_bytes(code); i++)
        t->sent[i] = (uint8_t)(rng_next(&t->rng) >> 56);
    data_code_encode(code, t->sent, t->symbols);
    for (size_t i = 0; i < t->n_symbol; i++)
        t->symbols[i] += (cplxf)(sigma * rng_cn(&t->rng));
    return data_code_decode(code, t->symbols, t->weight, t->got, &evm) != OK;
}

/* From the SNR at which every frame fails to where none of them does. */
static void walk(struct trial *t, const struct data_mcs *mcs, unsigned frames)
{
    struct status err;
    struct data_code *code = data_code_create(mcs, t->n_symbol, &err);
    if (!code) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    const double rate =
        8.0 * (double)data_code_bytes(code) / (double)t->n_symbol; /* bits a carrier */
    unsigned failed = frames;
    for (double snr_db = -3; snr_db <= 30 && failed > 0; snr_db += 0.5) {
        failed = 0;
        for (unsigned i = 0; i < frames; i++) {
            failed += frame_fails(t, code, pow(10, -snr_db / 20));
            if (i == 3 && failed == 4)
                failed = frames, i = frames;
        }
        if (failed < frames)
            printf("%s,%.3f,%.1f,%u,%u\n", mcs->name, rate, snr_db, frames, failed);
    }
    fflush(stdout);
    data_code_destroy(&code);
}

int main(int argc, char **argv)
{
    const unsigned frames = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    struct trial t = {.n_symbol = argc > 2 ? (size_t)atoi(argv[2]) : 63840, .rng = rng_seed(1)};
    t.symbols = calloc(t.n_symbol, sizeof *t.symbols);
    t.weight = calloc(t.n_symbol, sizeof *t.weight);
    t.sent = calloc(t.n_symbol, 1);
    t.got = calloc(t.n_symbol, 1);
    if (!t.symbols || !t.weight || !t.sent || !t.got)
        return 1;
    for (size_t i = 0; i < t.n_symbol; i++)
        t.weight[i] = 1;
    printf("mcs,bits_per_carrier,snr_db,frames,failed\n");
    for (int s = MODEM_BPSK; s <= MODEM_QAM16; s++)
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s %s", schemes[s], codes[i].name);
            const struct data_mcs mcs = {s, {codes[i].fec[0], codes[i].fec[1]}, name, 0};
            walk(&t, &mcs, frames);
        }
    return 0;
}
