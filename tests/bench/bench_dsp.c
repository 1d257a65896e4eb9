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

enum { ANT = 4, SLOTS = 64, RESPONSE_SLOTS = 8, RUNS = 41 };

struct cycle {
    struct waveform_cfg wave;
    size_t n_samp;
    struct sc16 *x[ANT];
    const struct sc16 *capture[ANT];
    struct slot_est *slots;
    struct stream *streams;
    struct background *background;
    struct toa_est *toa;
    struct sync *sync;
    cplxf *h, *w, *out;
};

/* The leak, an echo, RIS paths by their codes, noise. */
static void make_samples(struct cycle *c)
{
    struct waveform *wf = waveform_create(&c->wave, NULL);
    const cplxf *period = waveform_period(wf);
    struct rng rng = rng_seed(1);
    size_t n = c->wave.n, slot = waveform_slot_samps(&c->wave);
    for (size_t a = 0; a < ANT; a++) {
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
    c->wave = waveform_lab();
    c->n_samp = SLOTS * waveform_slot_samps(&c->wave);
    size_t len = ANT * c->wave.k;
    double spacing = waveform_spacing_hz(&c->wave);
    struct stream_cfg stream = {ANT, c->wave.k, spacing, 5.8e9, {0.3, 0.3, 0.3, 0.3}};
    struct background_cfg background = {ANT, c->wave.k, spacing, 4, 4, 60, 4, 0.1, 10};
    struct toa_cfg toa = {.n_ant = ANT,
                          .n_carrier = c->wave.k,
                          .spacing_hz = spacing,
                          .n_fft = 8 * c->wave.n,
                          .min_db = 12};
    make_samples(c);
    c->slots = slot_est_create(&c->wave, ANT, NULL);
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
    for (size_t a = 0; a < ANT; a++)
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

static void subtract(void *ctx)
{
    struct cycle *c = ctx;
    for (enum stream_name h = STREAM_STATIC; h < STREAM_COUNT; h++)
        background_subtract(c->background, h, h, c->w + h * ANT * c->wave.k,
                            c->out + h * ANT * c->wave.k);
}

static void find_arrivals(void *ctx)
{
    struct cycle *c = ctx;
    struct toa toa;
    for (enum stream_name h = STREAM_STATIC; h < STREAM_CROSS; h++)
        if (toa_estimate(c->toa, c->w + h * ANT * c->wave.k, &(struct toa_gate){2, 30}, 0, &toa))
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

int main(void)
{
    static struct cycle c;
    setup(&c);
    int over = 0;
    double samples = ANT * (double)c.n_samp, one = (double)c.n_samp;
    double slots = bench_median_s(average_slots, &c, RUNS);
    over |= bench_report("slots, 64 x 4 antennas", 1e3 * slots, "ms", 4);
    over |= bench_report("", 1e9 * slots / samples, "ns/sample", 1.7);
    double apart = bench_median_s(separate, &c, RUNS);
    over |= bench_report("code separation", 1e3 * apart, "ms", 2);
    double empty = bench_median_s(subtract, &c, RUNS);
    over |= bench_report("background, 4 streams", 1e3 * empty, "ms", 0.3);
    double arrivals = bench_median_s(find_arrivals, &c, RUNS);
    over |= bench_report("arrival, 3 streams", 1e3 * arrivals, "ms", 2);
    double offset = bench_median_s(find_response, &c, RUNS);
    over |= bench_report("search of a response", 1e3 * offset, "ms", 1);
    double response = bench_median_s(average_response, &c, RUNS);
    over |= bench_report("slots of a response", 1e3 * response, "ms", 2);
    over |= bench_report("samples to H", 1e3 * (slots + offset + response), "ms", 10);
    over |= bench_report("H to arrivals", 1e3 * (apart + empty + arrivals), "ms", 3);
    over |= bench_report("terminal: burst search", 1e9 * bench_median_s(search, &c, RUNS) / one,
                         "ns/sample", 4);
    over |= bench_report("terminal: plateau",
                         1e9 * bench_median_s(look_for_plateau, &c, RUNS) / one, "ns/sample", 1);
    teardown(&c);
    return over;
}
