/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sample path of one lab cycle: 64 slots and the 8 of the response on 4 antennas, stage by
 * stage from samples to path lengths, and the terminal's search for a burst. */
#include "bench.h"
#include "dsp/background.h"
#include "dsp/fft.h"
#include "dsp/rng.h"
#include "dsp/slot.h"
#include "dsp/stream.h"
#include "dsp/sync.h"
#include "dsp/toa.h"
#include <string.h>

enum { ANT_MAX = 4, SLOTS = 64, RESPONSE_SLOTS = 8, RUNS = 41 };

struct cycle {
    size_t n_ant;
    struct waveform_cfg wave;
    size_t n_samp;
    struct sc16 *x[ANT_MAX];
    const struct sc16 *capture[ANT_MAX];
    struct slot_est *slots;
    struct stream *streams;
    struct background *background;
    struct toa_est *toa;
    struct sync *sync;
    cplxf *h, *w, *out;
    struct sc16 *out_samples; /* while the machine is measured */
    struct fft *yardstick;
};

/* The leak, an echo, RIS paths by their codes, noise. */
static void make_samples(struct cycle *c)
{
    struct waveform *wf = waveform_create(&c->wave, NULL);
    const cplxf *period = waveform_period(wf);
    struct rng rng = rng_seed(1);
    size_t n = c->wave.n, slot = waveform_slot_samps(&c->wave);
    for (size_t a = 0; a < c->n_ant; a++) {
        c->x[a] = fft_alloc(c->n_samp * sizeof(struct sc16));
        c->capture[a] = c->x[a];
        for (size_t i = 0; i < c->n_samp; i++) {
            size_t s = i / slot;
            cplxf v = period[(i + n - 164) % n] + 1e-2f * period[(i + n - 167) % n];
            for (enum stream_name h = STREAM_RIS1; h <= STREAM_RIS2; h++)
                v += 1e-3f * (float)stream_code(h, s) * period[(i + n - 168 - h) % n];
            v += 1e-3f * (cplxf)rng_cn(&rng);
            waveform_to_sc16(&v, 1, &c->x[a][i]);
        }
    }
    waveform_destroy(&wf);
}

static void setup(struct cycle *c)
{
    c->n_samp = SLOTS * waveform_slot_samps(&c->wave);
    size_t len = c->n_ant * c->wave.k;
    double spacing = waveform_spacing_hz(&c->wave);
    struct stream_cfg stream = {c->n_ant, c->wave.k, spacing, 5.8e9, {0.3, 0.3, 0.3, 0.3}};
    struct background_cfg background = {c->n_ant, c->wave.k, spacing, 4, 4, 60, 4, 0.1, 10};
    struct toa_cfg toa = {.n_ant = c->n_ant,
                          .n_carrier = c->wave.k,
                          .spacing_hz = spacing,
                          .n_fft = 8 * c->wave.n,
                          .min_db = 12};
    make_samples(c);
    c->slots = slot_est_create(&c->wave, c->n_ant, NULL);
    c->streams = stream_create(&stream, NULL);
    c->background = background_create(&background, NULL);
    c->toa = toa_est_create(&toa, NULL);
    c->sync = sync_create(&c->wave, c->n_samp, NULL);
    c->h = fft_alloc(SLOTS * len * sizeof(cplxf));
    c->w = fft_alloc(STREAM_COUNT * len * sizeof(cplxf));
    c->out = fft_alloc(STREAM_COUNT * len * sizeof(cplxf));
    if (!c->slots || !c->streams || !c->background || !c->toa || !c->sync || !c->h || !c->w)
        abort();
}

static void teardown(struct cycle *c)
{
    slot_est_destroy(&c->slots);
    stream_destroy(&c->streams);
    background_destroy(&c->background);
    toa_est_destroy(&c->toa);
    sync_destroy(&c->sync);
    for (size_t a = 0; a < c->n_ant; a++)
        fft_free(c->x[a]);
    fft_free(c->h);
    fft_free(c->w);
    fft_free(c->out);
}

static void average_slots(void *ctx)
{
    struct cycle *c = ctx;
    slot_estimate(c->slots, c->capture, &(struct slot_window){.n_slots = SLOTS}, c->h);
}

static void average_response(void *ctx)
{
    struct cycle *c = ctx;
    struct slot_window win = {.n_slots = RESPONSE_SLOTS, .cfo_hz = 12e3, .skew = 2e-6};
    slot_estimate(c->slots, c->capture, &win, c->h);
}

static void separate(void *ctx)
{
    struct cycle *c = ctx;
    struct stream_ref ref;
    if (stream_separate(c->streams, c->h, SLOTS, c->w, &ref))
        abort();
}

static void lock(void *ctx)
{
    struct cycle *c = ctx;
    struct stream_ref ref;
    stream_reset(c->streams);
    if (stream_separate(c->streams, c->h, SLOTS, c->w, &ref))
        abort();
}

static void subtract(void *ctx)
{
    struct cycle *c = ctx;
    for (enum stream_name h = STREAM_STATIC; h < STREAM_COUNT; h++)
        background_subtract(c->background, h, h, c->w + h * c->n_ant * c->wave.k,
                            c->out + h * c->n_ant * c->wave.k);
}

static void find_arrivals(void *ctx)
{
    struct cycle *c = ctx;
    struct toa toa;
    const struct toa_gate gate = {2, 10 * SPEED_OF_LIGHT / c->wave.rate_hz}; /* 30 m at 100 MS/s */
    for (enum stream_name h = STREAM_STATIC; h < STREAM_CROSS; h++)
        if (toa_estimate(c->toa, c->w + h * c->n_ant * c->wave.k, &gate, 0, &toa))
            abort();
}

static void find_response(void *ctx)
{
    struct cycle *c = ctx;
    struct sync_burst burst;
    if (sync_search(c->sync, c->x[0], RESPONSE_SLOTS * waveform_slot_samps(&c->wave), &burst))
        abort();
}

static void search(void *ctx)
{
    struct cycle *c = ctx;
    struct sync_burst burst;
    if (sync_search(c->sync, c->x[0], c->n_samp, &burst))
        abort();
}

static void look_for_plateau(void *ctx)
{
    struct cycle *c = ctx;
    sync_plateau(c->sync, c->x[0], c->n_samp, NULL);
}

/* What this machine does meanwhile: the yardsticks beside the figures. */
static void copy(void *ctx)
{
    struct cycle *c = ctx;
    memcpy(c->out_samples, c->x[0], c->n_samp * sizeof(struct sc16));
}

static void transform(void *ctx)
{
    struct cycle *c = ctx;
    fft_run(c->yardstick, c->h, c->out);
}

static void measure_machine(struct cycle *c)
{
    double bytes = (double)(c->n_samp * sizeof(struct sc16));
    c->out_samples = fft_alloc(c->n_samp * sizeof(struct sc16));
    c->yardstick = fft_create(c->wave.n, ANT_MAX, FFT_FORWARD);
    if (!c->out_samples || !c->yardstick)
        abort();
    printf("%-28s %10.3f GB/s\n", "machine: copy", 1e-9 * bytes / bench_median_s(copy, c, RUNS));
    printf("%-28s %10.3f us, %zu points\n", "machine: FFTW",
           1e6 * bench_median_s(transform, c, RUNS) / ANT_MAX, c->wave.n);
    fft_free(c->out_samples);
    fft_destroy(&c->yardstick);
}

static int measure(struct cycle *c)
{
    int over = 0;
    char name[32];
    setup(c);
    measure_machine(c);
    double samples = (double)c->n_ant * (double)c->n_samp, one = (double)c->n_samp;
    double slots = bench_median_s(average_slots, c, RUNS);
    snprintf(name, sizeof name, "slots, 64 x %zu antennas", c->n_ant);
    over |= bench_report(name, 1e3 * slots, "ms", 4);
    over |= bench_report("", 1e9 * slots / samples, "ns/sample", 1.7);
    double apart = bench_median_s(separate, c, RUNS);
    over |= bench_report("code separation", 1e3 * apart, "ms", 2);
    double locking = bench_median_cpu_s(lock, c, RUNS);
    over |= bench_report("the same with leak search, CPU", 1e3 * locking, "ms", 12);
    double empty = bench_median_s(subtract, c, RUNS);
    over |= bench_report("background, 4 streams", 1e3 * empty, "ms", 0.3);
    double arrivals = bench_median_s(find_arrivals, c, RUNS);
    over |= bench_report("arrival, 3 streams", 1e3 * arrivals, "ms", 2);
    double offset = bench_median_s(find_response, c, RUNS);
    over |= bench_report("search of a response", 1e3 * offset, "ms", 1);
    double response = bench_median_s(average_response, c, RUNS);
    over |= bench_report("slots of a response", 1e3 * response, "ms", 2);
    over |= bench_report("samples to H", 1e3 * (slots + offset + response), "ms", 10);
    over |= bench_report("H to arrivals", 1e3 * (apart + empty + arrivals), "ms", 3);
    over |= bench_report("terminal: burst search", 1e9 * bench_median_s(search, c, RUNS) / one,
                         "ns/sample", 4);
    over |= bench_report("terminal: plateau", 1e9 * bench_median_s(look_for_plateau, c, RUNS) / one,
                         "ns/sample", 1);
    teardown(c);
    return over;
}

int main(void)
{
    static struct cycle lab = {.n_ant = 4}, b210 = {.n_ant = 2};
    lab.wave = b210.wave = waveform_lab();
    b210.wave.n = 256;
    b210.wave.k = 199;
    b210.wave.root = 76;
    b210.wave.rate_hz = 25e6;
    puts("profile lab: 100 MS/s, 4 receivers");
    int over = measure(&lab);
    puts("profile b210: 25 MS/s, 2 receivers");
    return over | measure(&b210);
}
