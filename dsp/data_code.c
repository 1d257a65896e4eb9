/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/data_code.h"
#include <assert.h>
#include <liquid/liquid.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_MAX = 4 };

struct data_code {
    struct data_mcs mcs;
    size_t n_symbol, n_bit; /* on the air */
    size_t n_byte;          /* payload */
    size_t air_bytes;
    bool soft; /* the code on the air decodes softly */
    modemcf mapper;
    packetizer packets;
    uint8_t *air, *received, *sent; /* [air_bytes], scrambled */
    uint8_t *soft_bits;             /* [8 air_bytes] */
};

static const struct data_mcs ladder[DATA_MCS_COUNT] = {
    {MODEM_BPSK, {LIQUID_FEC_GOLAY2412, LIQUID_FEC_HAMMING84}, "bpsk golay+hamming84", 0.5f},
    {MODEM_QPSK, {LIQUID_FEC_GOLAY2412, LIQUID_FEC_HAMMING84}, "qpsk golay+hamming84", 4},
    {MODEM_QPSK, {LIQUID_FEC_SECDED7264, LIQUID_FEC_HAMMING84}, "qpsk secded72+hamming84", 6},
    {MODEM_QPSK, {LIQUID_FEC_SECDED7264, LIQUID_FEC_HAMMING128}, "qpsk secded72+hamming128", 8.5f},
    {MODEM_QPSK, {LIQUID_FEC_NONE, LIQUID_FEC_SECDED7264}, "qpsk secded72", 11.5f},
    {MODEM_QAM16, {LIQUID_FEC_SECDED7264, LIQUID_FEC_HAMMING128}, "16qam secded72+hamming128", 15},
    {MODEM_QAM16, {LIQUID_FEC_NONE, LIQUID_FEC_SECDED7264}, "16qam secded72", 18.5f},
    {MODEM_QAM16, {LIQUID_FEC_NONE, LIQUID_FEC_NONE}, "16qam", 21},
};

const struct data_mcs *data_mcs(unsigned mcs)
{
    assert(mcs < DATA_MCS_COUNT);
    return &ladder[mcs];
}

unsigned data_mcs_bits(const struct data_mcs *mcs)
{
    static const unsigned bits[] = {[MODEM_BPSK] = 1, [MODEM_QPSK] = 2, [MODEM_QAM16] = 4};
    return bits[mcs->scheme];
}

static modulation_scheme liquid_scheme(enum modem_scheme scheme)
{
    return scheme == MODEM_BPSK   ? LIQUID_MODEM_BPSK
           : scheme == MODEM_QPSK ? LIQUID_MODEM_QPSK
                                  : LIQUID_MODEM_QAM16;
}

static bool decodes_softly(int fec)
{
    return fec == LIQUID_FEC_REP3 || fec == LIQUID_FEC_REP5 || fec == LIQUID_FEC_HAMMING74 ||
           fec == LIQUID_FEC_HAMMING84 || fec == LIQUID_FEC_HAMMING128;
}

static size_t coded_bytes(const struct data_mcs *mcs, size_t n_byte)
{
    return packetizer_compute_enc_msg_len((unsigned)n_byte, LIQUID_CRC_32, mcs->fec[0],
                                          mcs->fec[1]);
}

/* The most bytes whose code fits; 0: not even one. */
static size_t fit(const struct data_mcs *mcs, size_t room)
{
    size_t low = 0, high = room;
    while (low < high) {
        const size_t mid = low + (high - low + 1) / 2;
        if (coded_bytes(mcs, mid) <= room)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

static bool make_parts(struct data_code *c)
{
    c->mapper = modemcf_create(liquid_scheme(c->mcs.scheme));
    c->packets =
        packetizer_create((unsigned)c->n_byte, LIQUID_CRC_32, c->mcs.fec[0], c->mcs.fec[1]);
    c->air = calloc(c->air_bytes, 1);
    c->received = calloc(c->air_bytes, 1);
    c->sent = calloc(c->air_bytes, 1);
    c->soft_bits = calloc(c->air_bytes, 8);
    return c->mapper && c->packets && c->air && c->received && c->sent && c->soft_bits;
}

struct data_code *data_code_create(const struct data_mcs *mcs, size_t n_symbol, struct status *err)
{
    struct data_code *c = calloc(1, sizeof *c);
    if (c) {
        c->mcs = *mcs;
        c->n_symbol = n_symbol;
        c->n_bit = n_symbol * data_mcs_bits(mcs);
        c->air_bytes = c->n_bit / 8 + 1; /* the last may be begun only */
        c->soft = decodes_softly(mcs->fec[1]);
        c->n_byte = fit(mcs, c->n_bit / 8);
    }
    if (c && c->n_byte > 0 && make_parts(c))
        return c;
    *err = (struct status){.code = c && c->n_byte == 0 ? ERR_ARG : ERR_NO_MEMORY};
    if (err->code == ERR_ARG)
        snprintf(err->text, sizeof err->text,
                 "data slot: %zu symbols hold no byte of %s; make the slot longer", n_symbol,
                 mcs->name);
    else
        snprintf(err->text, sizeof err->text, "data slot: out of memory");
    data_code_destroy(&c);
    return NULL;
}

void data_code_destroy(struct data_code **code)
{
    struct data_code *c = *code;
    if (!c)
        return;
    if (c->mapper)
        modemcf_destroy(c->mapper);
    if (c->packets)
        packetizer_destroy(c->packets);
    free(c->air);
    free(c->received);
    free(c->sent);
    free(c->soft_bits);
    free(c);
    *code = NULL;
}

size_t data_code_bytes(const struct data_code *c)
{
    return c->n_byte;
}

size_t data_code_air_bits(const struct data_code *c)
{
    return c->n_bit;
}

/* Zeros behind the code are scrambled with it, so no run of equal symbols goes out. */
static void to_air(struct data_code *c, const uint8_t *payload, uint8_t *air)
{
    memset(air, 0, c->air_bytes);
    (void)packetizer_encode(c->packets, (unsigned char *)(uintptr_t)payload, air);
    scramble_data(air, (unsigned)c->air_bytes);
}

/* Symbols never straddle bytes: 1, 2 or 4 bits each, MSB first. */
static unsigned shift_of(const struct data_code *c, size_t s, size_t *byte)
{
    const unsigned bits = data_mcs_bits(&c->mcs);
    *byte = s * bits / 8;
    return 8 - bits - (unsigned)(s * bits % 8);
}

void data_code_encode(struct data_code *c, const uint8_t *payload, cplxf *symbols)
{
    const unsigned mask = (1u << data_mcs_bits(&c->mcs)) - 1;
    to_air(c, payload, c->air);
    for (size_t s = 0; s < c->n_symbol; s++) {
        size_t byte;
        const unsigned shift = shift_of(c, s, &byte);
        (void)modemcf_modulate(c->mapper, c->air[byte] >> shift & mask, &symbols[s]);
    }
}

/* Hard decisions into c->received; mean error power against them. */
static float decide(struct data_code *c, const cplxf *z)
{
    double error = 0;
    memset(c->received, 0, c->air_bytes);
    for (size_t s = 0; s < c->n_symbol; s++) {
        size_t byte;
        unsigned value;
        cplxf nearest;
        const unsigned shift = shift_of(c, s, &byte);
        (void)modemcf_demodulate(c->mapper, z[s], &value);
        (void)modemcf_modulate(c->mapper, value, &nearest);
        c->received[byte] |= (uint8_t)(value << shift);
        error += (double)cplxf_norm(z[s] - nearest);
    }
    return (float)(error / (double)c->n_symbol);
}

/* liquid's soft bits, 0..255 about 127.5, drawn towards "not known" where the channel is weak. */
static void decide_softly(struct data_code *c, const cplxf *z, const float *weight)
{
    const unsigned bits = data_mcs_bits(&c->mcs);
    memset(c->soft_bits, 0, 8 * c->air_bytes);
    for (size_t s = 0; s < c->n_symbol; s++) {
        unsigned value;
        uint8_t soft[BITS_MAX];
        (void)modemcf_demodulate_soft(c->mapper, z[s], &value, soft);
        for (unsigned b = 0; b < bits; b++)
            c->soft_bits[s * bits + b] =
                (uint8_t)lrintf(127.5f + ((float)soft[b] - 127.5f) * weight[s]);
    }
    unscramble_data_soft(c->soft_bits, (unsigned)c->air_bytes);
}

int data_code_decode(struct data_code *c, const cplxf *z, const float *weight, uint8_t *payload,
                     float *evm)
{
    *evm = decide(c, z);
    if (c->soft) {
        decide_softly(c, z, weight);
        return packetizer_decode_soft(c->packets, c->soft_bits, payload) ? OK : ERR_CRC;
    }
    memcpy(c->air, c->received, c->air_bytes);
    unscramble_data(c->air, (unsigned)c->air_bytes);
    return packetizer_decode(c->packets, c->air, payload) ? OK : ERR_CRC;
}

size_t data_code_errors(struct data_code *c, const uint8_t *payload)
{
    to_air(c, payload, c->sent);
    size_t n = 0;
    for (size_t i = 0; i < c->n_bit / 8; i++)
        n += (size_t)__builtin_popcount(c->received[i] ^ c->sent[i]);
    const unsigned rest = c->n_bit % 8, last = c->received[c->n_bit / 8] ^ c->sent[c->n_bit / 8];
    return n + (size_t)__builtin_popcount(last >> (8 - rest) & ((1u << rest) - 1));
}

unsigned data_code_crc16(const uint8_t *bytes, size_t n)
{
    return crc_generate_key(LIQUID_CRC_16, (unsigned char *)(uintptr_t)bytes, (unsigned)n);
}
