/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole sample path on a simulated burst: leak, clutter, a walking person seen directly and by
 * two RISs, phase noise common to all channels, LO phases, ADC noise, an unknown latency. First an
 * empty room is learned, then the three path lengths must come out. */
#include "dsp/background.h"
#include "dsp/fft.h"
#include "dsp/rng.h"
#include "dsp/slot.h"
#include "dsp/stream.h"
#include "dsp/toa.h"
#include "tests/dsp/golden.h"
#include <math.h>

enum { N = 1024, K = 811, ANT = 4, SLOTS = 64, SLOT = 9 * N, FIRST = 100 };
enum { SAMPS = FIRST + SLOTS * SLOT + N, LONG = 1 << 20, EMPTY_CYCLES = 12, CYCLES = 8 };
static const double carrier_hz = 5.8e9, rate_hz = 100e6, latency_samps = 164.3;
static const double phase_noise_dbc_hz = -88, phase_noise_hz = 100e3;
/* against the leak (-20 dBm): full scale 10 dB over it, 11.3 bits; and thermal noise far below */
static const double leak_amp = 0.3, noise_rms = 1.3e-4;

struct path {
    enum stream_name code;
    double length_m, speed_mps; /* of the path length */
    double amp;                 /* against the leak */
};

struct world {
    struct rng rng;
    struct fft *to_time, *phase_fft;
    cplxf *bins, *period, *phase_bins, *phase; /* [N], [N], [LONG], [LONG] */
    cplx sequence[K], channel[ANT];
    struct sc16 *x[ANT];
};

static void world_create(struct world *wd, const struct waveform_cfg *wave)
{
    cplxf sequence[K];
    wd->rng = rng_seed(2026);
    wd->to_time = fft_create(N, 1, FFT_BACKWARD);
    wd->phase_fft = fft_create(LONG, 1, FFT_BACKWARD);
    wd->bins = fft_alloc(N * sizeof(cplxf));
    wd->period = fft_alloc(N * sizeof(cplxf));
    wd->phase_bins = fft_alloc(LONG * sizeof(cplxf));
    wd->phase = fft_alloc(LONG * sizeof(cplxf));
    waveform_sequence(wave, sequence);
    for (size_t k = 0; k < K; k++)
        wd->sequence[k] = (cplx)sequence[k] * wave->rms / sqrt(K);
    for (size_t a = 0; a < ANT; a++) {
        wd->channel[a] = (0.94 + 0.12 * rng_u01(&wd->rng)) * cexp(I * 2 * PI * rng_u01(&wd->rng));
        wd->x[a] = fft_alloc(SAMPS * sizeof(struct sc16));
    }
}

static void world_destroy(struct world *wd)
{
    fft_destroy(&wd->to_time);
    fft_destroy(&wd->phase_fft);
    fft_free(wd->bins);
    fft_free(wd->period);
    fft_free(wd->phase_bins);
    fft_free(wd->phase);
    for (size_t a = 0; a < ANT; a++)
        fft_free(wd->x[a]);
}

/* Phase [LONG] in radians, the real part: white up to phase_noise_hz. */
static void draw_phase(struct world *wd)
{
    size_t last = (size_t)(phase_noise_hz / rate_hz * LONG);
    double variance = 2 * pow(10, phase_noise_dbc_hz / 10) * phase_noise_hz;
    for (size_t i = 1; i <= last; i++)
        wd->phase_bins[i] = (cplxf)(rng_cn(&wd->rng) * sqrt(2 * variance / (double)last));
    fft_run(wd->phase_fft, wd->phase_bins, wd->phase);
}

/* One period of antenna a in slot s into wd->period. Reflections share one direction a path. */
static void make_period(struct world *wd, const struct path *paths, size_t n_path, size_t a,
                        size_t s)
{
    double t = (double)(s * SLOT) / rate_hz;
    for (size_t k = 0; k < K; k++) {
        double f = ((double)k - 405) * rate_hz / N;
        cplx sum = 0;
        for (size_t p = 0; p < n_path; p++) {
            double length = paths[p].length_m + paths[p].speed_mps * t;
            double cycles = f * (length / SPEED_OF_LIGHT + latency_samps / rate_hz) +
                            carrier_hz * length / SPEED_OF_LIGHT +
                            0.13 * (double)(a * p); /* its direction */
            sum += paths[p].amp * stream_code(paths[p].code, s) *
                   cexp(-I * 2 * PI * (cycles - floor(cycles)));
        }
        size_t bin = (k + N - 405) % N;
        wd->bins[bin] = (cplxf)(sum * wd->channel[a] * leak_amp * wd->sequence[k] / 0.25);
    }
    fft_run(wd->to_time, wd->bins, wd->period);
}

/* Close to normal, and fast: 4 x 16 bits of one draw. */
static cplxf noise(struct rng *rng)
{
    uint64_t u = rng_next(rng), v = rng_next(rng);
    float re = (float)((u & 0xffff) + (u >> 16 & 0xffff) + (u >> 32 & 0xffff) + (u >> 48)) - 131070;
    float im = (float)((v & 0xffff) + (v >> 16 & 0xffff) + (v >> 32 & 0xffff) + (v >> 48)) - 131070;
    return CMPLXF(re, im) * (float)(noise_rms / 37837.0 / sqrt(2));
}

static void receive(struct world *wd, const struct path *paths, size_t n_path)
{
    draw_phase(wd);
    for (size_t a = 0; a < ANT; a++) {
        for (size_t i = 0; i < SAMPS; i++) {
            size_t at = i < FIRST ? 0 : (i - FIRST) % SLOT, s = i < FIRST ? 0 : (i - FIRST) / SLOT;
            if (i >= FIRST && at == 0 && s < SLOTS)
                make_period(wd, paths, n_path, a, s);
            float phi = crealf(wd->phase[i]);
            cplxf turn = CMPLXF(1 - 0.5f * phi * phi, phi); /* 0.02 rad rms */
            cplxf v = i < FIRST ? 0 : wd->period[at % N] * turn;
            v += noise(&wd->rng);
            assert_int_equal(waveform_to_sc16(&v, 1, &wd->x[a][i]), 0);
        }
    }
}

struct receiver {
    struct slot_est *slots;
    struct stream *streams;
    struct background *background;
    struct toa_est *toa;
    cplxf *h, *w;
};

static void receiver_create(struct receiver *rx, const struct waveform_cfg *wave)
{
    double spacing = waveform_spacing_hz(wave);
    struct stream_cfg stream = {ANT, K, spacing, carrier_hz, {0.3, 0.3, 0.3, 0.3}};
    struct background_cfg background = {ANT, K, spacing, 4, 8, 60, 4, 0.1, 10};
    struct toa_cfg toa = {
        .n_ant = ANT, .n_carrier = K, .spacing_hz = spacing, .n_fft = 8 * N, .min_db = 12};
    rx->slots = slot_est_create(wave, ANT, NULL);
    rx->streams = stream_create(&stream, NULL);
    rx->background = background_create(&background, NULL);
    rx->toa = toa_est_create(&toa, NULL);
    rx->h = fft_alloc(SLOTS * ANT * K * sizeof(cplxf));
    rx->w = fft_alloc(STREAM_COUNT * ANT * K * sizeof(cplxf));
}

static void receiver_destroy(struct receiver *rx)
{
    slot_est_destroy(&rx->slots);
    stream_destroy(&rx->streams);
    background_destroy(&rx->background);
    toa_est_destroy(&rx->toa);
    fft_free(rx->h);
    fft_free(rx->w);
}

static void to_streams(struct receiver *rx, struct world *wd)
{
    struct stream_ref ref;
    const struct sc16 *x[ANT] = {wd->x[0], wd->x[1], wd->x[2], wd->x[3]};
    slot_estimate(rx->slots, x, &(struct slot_window){.first = FIRST, .n_slots = SLOTS}, rx->h);
    assert_int_equal(stream_separate(rx->streams, rx->h, SLOTS, rx->w, &ref), OK);
    assert_true(fabs(ref.delay_s * rate_hz - latency_samps) < 0.05);
    assert_true(ref.wander_rad > 1e-3f && ref.wander_rad < 1e-2f);
}

enum { STATIC_PATHS = 8, ALL_PATHS = 12 };

static void furnish(struct path paths[ALL_PATHS], struct rng *rng)
{
    paths[0] = (struct path){STREAM_STATIC, 0.3, 0, 1};
    for (size_t i = 1; i < STATIC_PATHS - 2; i++)
        paths[i] = (struct path){STREAM_STATIC, 3 + 15 * rng_u01(rng), 0, 0.01};
    paths[STATIC_PATHS - 2] = (struct path){STREAM_RIS1, 13.1, 0, 3e-3}; /* base, RIS, base */
    paths[STATIC_PATHS - 1] = (struct path){STREAM_RIS2, 11.2, 0, 3e-3};
}

static void person_at(struct path *paths, double l1, double l2, double l3, double speed)
{
    paths[0] = (struct path){STREAM_STATIC, l1, speed, 1.0e-2};
    paths[1] = (struct path){STREAM_RIS1, l2, 0.8 * speed, 7e-4};
    paths[2] = (struct path){STREAM_RIS2, l3, -0.6 * speed, 7e-4};
    paths[3] = (struct path){STREAM_CROSS, l2 + 3, 0.2 * speed, 1e-4};
}

static double burst_middle(const struct path *p)
{
    return p->length_m + p->speed_mps * 0.5 * SLOTS * SLOT / rate_hz;
}

static void path_lengths_of_a_walker(void **state)
{
    (void)state;
    struct waveform_cfg wave = waveform_lab();
    static struct world wd;
    struct receiver rx;
    struct path paths[ALL_PATHS];
    world_create(&wd, &wave);
    receiver_create(&rx, &wave);
    furnish(paths, &wd.rng);
    background_begin(rx.background);
    for (int i = 0; i < EMPTY_CYCLES; i++) {
        receive(&wd, paths, STATIC_PATHS);
        to_streams(&rx, &wd);
        for (enum stream_name q = STREAM_STATIC; q < STREAM_COUNT; q++)
            assert_int_equal(background_add(rx.background, q, q, rx.w + q * ANT * K), OK);
    }
    struct status err = {0};
    if (background_finish(rx.background, &err))
        fail_msg("%s", err.text);
    double square[3] = {0};
    for (int i = 0; i < CYCLES; i++) {
        struct path *person = paths + STATIC_PATHS;
        person_at(person, 6.2 + 0.41 * i, 11.7 + 0.3 * i, 14.2 - 0.25 * i, 1.5);
        receive(&wd, paths, ALL_PATHS);
        to_streams(&rx, &wd);
        for (enum stream_name q = STREAM_STATIC; q < STREAM_CROSS; q++) {
            struct toa toa;
            cplxf *w = rx.w + q * ANT * K;
            assert_int_equal(background_subtract(rx.background, q, q, w, w), BACKGROUND_EMPTY_ROOM);
            assert_int_equal(toa_estimate(rx.toa, w, &(struct toa_gate){3, 25}, 0, &toa), OK);
            double error = toa.length_m - burst_middle(&person[q]);
            square[q] += error * error / CYCLES;
            if (i == 0)
                print_message("stream %d: %.1f dB over the median, E/N0 %.1f dB, error %+.4f m\n",
                              (int)q, (double)toa.peak_db, toa.snr_db, error);
        }
    }
    print_message("RMSE L1 %.4f, L2 %.4f, L3 %.4f m\n", sqrt(square[0]), sqrt(square[1]),
                  sqrt(square[2]));
    assert_true(sqrt(square[0]) < 0.02);
    assert_true(sqrt(square[1]) < 0.02);
    assert_true(sqrt(square[2]) < 0.02);
    receiver_destroy(&rx);
    world_destroy(&wd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(path_lengths_of_a_walker)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
