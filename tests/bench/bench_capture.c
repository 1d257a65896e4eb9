/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Capture throughput: samples from the simulated USRP through UHD and the radio layer into blocks,
 * as the RX thread takes them. Its own loopback room makes noise only, so a full room costs what
 * bench_air says on top. Processor time: other programs on the machine are not our cost. */
#include "bench.h"
#include "host/radio.h"
#include <string.h>

struct profile {
    const char *name;
    double rate_hz;
    size_t n_rx;
    enum radio_capture_mode capture;
    double window_s, pause_s; /* between two windows */
};

/* Cycles of 0.2 s take windows of 7 ms; here they follow each other more closely. */
static const struct profile profiles[] = {
    {"lab, gated, 4 receivers", 100e6, 4, RADIO_GATED, 7e-3, 20e-3},
    {"b210, continuous, 2 receivers", 25e6, 2, RADIO_CONTINUOUS, 10e-3, 0},
    {"100 MS/s, continuous, 2 receivers", 100e6, 2, RADIO_CONTINUOUS, 10e-3, 0},
};

enum { WINDOWS = 60, SAMPLES_MAX = 1000000, CHANNELS = 4 };

static struct sc16 *samples[CHANNELS];

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct radio *open_profile(const struct profile *p)
{
    struct status err;
    struct radio_cfg cfg = {
        .args = "type=room",
        .rate_hz = p->rate_hz,
        .carrier_hz = 5.8e9,
        .rx_gain_db = 10,
        .n_rx = p->n_rx,
        .capture = p->capture,
        .paced = true,
    };
    for (size_t i = 0; i < p->n_rx; i++)
        cfg.rx_channels[i] = i;
    struct radio *radio = radio_open(&cfg, &err);
    if (!radio)
        fprintf(stderr, "bench_capture: %s\n", err.text);
    return radio;
}

/* Returns how many windows came whole. */
static size_t take_windows(struct radio *radio, const struct profile *p, size_t n)
{
    const int64_t step = (int64_t)((p->window_s + p->pause_s) * p->rate_hz);
    int64_t tick;
    size_t whole = 0;
    if (radio_now(radio, &tick))
        return 0;
    tick += (int64_t)(0.02 * p->rate_hz);
    for (int i = 0; i < WINDOWS; i++, tick += step) {
        struct radio_block block;
        if (radio_capture(radio, tick, n, samples, 0.1, &block) == OK && block.faults == 0)
            whole++;
    }
    return whole;
}

static int measure(const struct profile *p)
{
    const size_t n = (size_t)(p->window_s * p->rate_hz);
    struct radio *radio = open_profile(p);
    if (!radio)
        return 1;
    puts(p->name);
    take_windows(radio, p, n); /* warms up */
    double began = cpu_s();
    size_t whole = take_windows(radio, p, n);
    double used = cpu_s() - began;
    radio_close(&radio);
    double all = (double)n * (double)p->n_rx * WINDOWS;
    printf("%-28s %10.1f MS/s\n", "of all channels", 1e-6 * p->rate_hz * (double)p->n_rx);
    printf("%-28s %10.1f MS/s\n", "one processor takes", 1e-6 * all / used);
    printf("%-28s %10zu of %d\n", "windows whole", whole, WINDOWS);
    return bench_report("processor", 1e9 * used / all, "ns/sample", 5);
}

static void copy(void *ctx)
{
    (void)ctx;
    memcpy(samples[0], samples[1], SAMPLES_MAX * sizeof **samples);
}

int main(void)
{
    int over = 0;
    for (size_t i = 0; i < CHANNELS; i++)
        if (!(samples[i] = malloc(SAMPLES_MAX * sizeof **samples)))
            return 1;
        else
            memset(samples[i], 1, SAMPLES_MAX * sizeof **samples);
    printf("%-28s %10.3f GB/s\n", "machine: copy, 4 MB",
           1e-9 * SAMPLES_MAX * sizeof **samples / bench_median_s(copy, NULL, 41));
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        over |= measure(&profiles[i]);
    return over;
}
