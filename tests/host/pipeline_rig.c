/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/pipeline_rig.h"
#include "dsp/stream.h"
#include "tests/frames/seed_keys.h"
#include "tests/host/base_rig.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_ANT = 4, LATENCY = 164, CAPTURE_CYCLES = 6, SAMPS = 620000 };

static const char yaml[] = "ris:\n"
                           "  boards:\n"
                           "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
                           "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
                           "users:\n"
                           "  - {id: 5, key_file: none}\n"
                           "background: {cycles: 6}\n";
static const char unmapped[] = "estimate: {map: no}\n";
static const char mapped[] = "room: {wall_factor: 0.02}\n"; /* the paths here know no walls */

const struct vec3 user = {3.7, 4.4, 1.3}, stranger = {5.2, 3.1, 1.2};
const struct vec3 alike = {1.9, 4.21, 1.3};

struct path {
    enum stream_name stream; /* whose code flips it */
    double length_m, gain;
    const struct vec3 *from; /* where its last hop to the antennas begins; NULL: far ahead */
};

/* How much longer it is to an antenna than to their middle. */
static double longer_m(const struct bench *b, const struct path *p, size_t antenna)
{
    const struct vec3 middle = bs_config_anchors(&b->cfg).rx;
    return p->from ? vec3_dist(*p->from, bs_config_antenna(&b->cfg, antenna)) -
                         vec3_dist(*p->from, middle)
                   : 0;
}

static void add_period(const struct bench *b, const struct path *p, size_t antenna,
                       double late_samps, cplxf *period)
{
    const struct waveform_cfg *w = &b->wave;
    double scale = p->gain * w->rms / sqrt((double)w->k);
    double delay = (p->length_m + longer_m(b, p, antenna)) / SPEED_OF_LIGHT;
    for (size_t k = 0; k < w->k; k++) {
        double f = ((double)k - (double)(w->k - 1) / 2) * waveform_spacing_hz(w);
        cplx step = cexp(2 * I * PI * f / w->rate_hz);
        cplx value = scale * (cplx)b->sequence[k] *
                     cexp(-2 * I * PI * (f + b->cfg.radio.carrier_hz) * delay) *
                     cexp(-2 * I * PI * f * late_samps / w->rate_hz);
        for (size_t n = 0; n < w->n; n++) {
            period[n] += (cplxf)value;
            value *= step;
        }
    }
}

/* Slots from block sample `first` on: each stream's paths with the sign of its code. */
static void add_slots(struct bench *b, const struct path *path, size_t n_path, size_t first,
                      size_t n_slot, double late_samps)
{
    const size_t n = b->wave.n, slot = waveform_slot_samps(&b->wave);
    static cplxf period[STREAM_COUNT][1024];
    for (size_t a = 0; a < N_ANT; a++) {
        memset(period, 0, sizeof period);
        for (size_t i = 0; i < n_path; i++)
            add_period(b, &path[i], a, late_samps, period[path[i].stream]);
        for (size_t s = 0; s < n_slot; s++)
            for (size_t t = 0; t < slot; t++) {
                cplxf sum = 0;
                for (size_t h = 0; h < STREAM_COUNT; h++)
                    sum += period[h][t % n] * (float)(b->still ? 1 : stream_code(h, s));
                b->block.samp[a][first + s * slot + t] = (struct sc16){
                    (int16_t)lrintf(32767 * crealf(sum)), (int16_t)lrintf(32767 * cimagf(sum))};
            }
    }
}

static const struct path room_paths[] = {
    {STREAM_STATIC, 0.3, 0.3, NULL}, /* the leak */
    {STREAM_STATIC, 9.1, 2e-3, NULL},
    {STREAM_RIS1, 13.2, 1e-3, NULL},
    {STREAM_RIS2, 12.1, 1e-3, NULL},
};

void sense(struct bench *b, bool present)
{
    struct anchors a = bs_config_anchors(&b->cfg);
    struct path path[8];
    memcpy(path, room_paths, sizeof room_paths);
    path[0].from = &a.tx;
    path[4] = (struct path){STREAM_STATIC, fix_predict(&a, ROW_L1, *b->body, NULL), 1e-3, b->body};
    path[5] = (struct path){STREAM_RIS1, fix_predict(&a, ROW_L2, *b->body, NULL), 3e-4, &a.ris[0]};
    path[6] = (struct path){STREAM_RIS2, fix_predict(&a, ROW_L3, *b->body, NULL), 3e-4, &a.ris[1]};
    path[7] = (struct path){STREAM_CROSS, path[4].length_m + 6, b->dark ? 1e-5 : 0, b->body};
    if (b->dark)
        path[5] = (struct path){STREAM_RIS1, path[4].length_m + 5, 1e-5, b->body};
    struct cycle_plan plan = {.index = b->index,
                              .cycle = 1000 + (uint64_t)b->index,
                              .user = b->asked,
                              .others = b->others,
                              .still = b->still};
    assert_int_equal(secure_seal_sensing(&b->keys, plan.cycle, 5, plan.sensing), OK);
    b->block.plan = plan;
    b->block.kind = BLOCK_SENSING;
    b->block.info = (struct radio_block){.n_valid = SAMPS};
    add_slots(b, path, present ? 8 : 4, (size_t)-b->schedule.window[WINDOW_SENSING].begin,
              waveform_burst_slots(&b->wave), LATENCY);
    pipeline_sensing(b->pipeline, &b->block);
}

void put_answer(struct bench *b, const uint8_t bytes[RESPONSE_FRAME_BYTES])
{
    static cplxf symbols[MODEM_SYMBOLS_MAX];
    static struct sc16 tail[4000];
    const struct anchors a = bs_config_anchors(&b->cfg);
    struct path path[] = {
        {STREAM_STATIC, fix_predict(&a, ROW_A1, user, NULL), 0.25, &user},
        {STREAM_RIS1, fix_predict(&a, ROW_A2, user, NULL), 0.02, &a.ris[0]},
        {STREAM_RIS2, fix_predict(&a, ROW_A3, user, NULL), 0.02, &a.ris[1]},
        {STREAM_CROSS, 0, 0, NULL},
    };
    if (b->dark) {
        path[1] = (struct path){STREAM_RIS1, path[0].length_m + 6, 2e-3, &user};
        path[3] = (struct path){STREAM_CROSS, path[0].length_m + 7, 5e-4, &user};
    }
    const size_t code = 8 * waveform_slot_samps(&b->wave), symbol = waveform_symbol_samps(&b->wave);
    const size_t first =
        (size_t)(b->schedule.response - b->schedule.window[WINDOW_RESPONSE].begin) + 20;
    const size_t flight = (size_t)lround(path[0].length_m / SPEED_OF_LIGHT * b->wave.rate_hz);
    const cplxf one = 1;
    frame_modem_modulate(b->modem, bytes, symbols);
    waveform_symbol(b->form, &one, 1, tail);
    waveform_symbol(b->form, symbols, frame_modem_symbols(b->modem), tail + symbol);
    add_slots(b, path, 4, first, 8, 0);
    for (size_t i = 0; i < N_ANT; i++)
        for (size_t t = 0; t < 2 * symbol; t++)
            b->block.samp[i][first + flight + code + t] =
                (struct sc16){(int16_t)(tail[t].i / 4), (int16_t)(tail[t].q / 4)};
}

void clear_block(struct bench *b)
{
    for (size_t a = 0; a < N_ANT; a++)
        for (size_t t = 0; t < SAMPS; t++) /* a little noise: silence is never exact */
            b->block.samp[a][t] = (struct sc16){(int16_t)((t * 7919 + a) % 5 - 2),
                                                (int16_t)((t * 104729 + a) % 5 - 2)};
}

void cycle(struct bench *b, bool present, const uint8_t *bytes, struct cycle_report *r)
{
    clear_block(b);
    sense(b, present);
    clear_block(b);
    if (bytes)
        put_answer(b, bytes);
    b->block.kind = BLOCK_RESPONSE;
    b->block.n_samp = (size_t)b->schedule.window[WINDOW_RESPONSE].n;
    pipeline_response(b->pipeline, &b->block, r);
    b->block.n_samp = SAMPS;
    b->index++;
}

const uint8_t *answer(struct bench *b, const struct secure_keys *keys, bool permit)
{
    const struct response r = {.permit = permit, .mode = 2, .height_cm = 130, .sigma_code = 1};
    uint64_t number = 1000 + (uint64_t)b->index;
    uint8_t sensing[SENSING_FRAME_BYTES];
    assert_int_equal(secure_seal_sensing(&b->keys, number, 5, sensing), OK);
    assert_int_equal(secure_seal_response(keys, number, sensing, &r, b->last_response), OK);
    return b->last_response;
}

void make_pipeline(struct bench *b)
{
    const struct pipeline_cfg pc = {.cfg = &b->cfg,
                                    .schedule = &b->schedule,
                                    .keys = &b->keys,
                                    .check = b->check,
                                    .check_context = b->check_context};
    b->pipeline = base_rig_pipeline(&pc);
}

static int set_up_with(const char *more, void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct status err = {0};
    char text[sizeof yaml + 64];
    *state = b;
    assert_int_equal(secure_init(), OK);
    snprintf(text, sizeof text, "%s%s", yaml, more);
    base_rig_configure(text, &b->cfg, &b->schedule);
    b->wave = bs_config_waveform(&b->cfg);
    b->body = &user;
    seed_keys(1, 5, &b->keys);
    seed_keys(2, 5, &b->other);
    make_pipeline(b);
    b->form = waveform_create(&b->wave, &err);
    const struct frame_modem_cfg modem = {.n_byte = RESPONSE_FRAME_BYTES,
                                          .n_carrier = b->wave.k,
                                          .n_ant = 1,
                                          .scheme = MODEM_QPSK,
                                          .golay = true};
    b->modem = frame_modem_create(&modem, &err);
    b->sequence = calloc(b->wave.k, sizeof *b->sequence);
    waveform_sequence(&b->wave, b->sequence);
    b->block.n_ant = N_ANT;
    b->block.n_samp = SAMPS;
    for (size_t a = 0; a < N_ANT; a++)
        b->block.samp[a] = calloc(SAMPS, sizeof(struct sc16));
    struct cycle_report r;
    for (int i = 0; i < CAPTURE_CYCLES; i++)
        cycle(b, false, NULL, &r);
    cycle(b, false, NULL, &r);
    assert_true(r.background_valid);
    assert_int_equal(r.response, RESPONSE_SILENT);
    return 0;
}

int set_up(void **state)
{
    return set_up_with(unmapped, state);
}

int set_up_mapped(void **state)
{
    return set_up_with(mapped, state);
}

int tear_down(void **state)
{
    struct bench *b = *state;
    pipeline_destroy(&b->pipeline);
    waveform_destroy(&b->form);
    frame_modem_destroy(&b->modem);
    free(b->sequence);
    for (size_t a = 0; a < N_ANT; a++)
        free(b->block.samp[a]);
    free(b);
    return 0;
}

void assert_nothing_told(const struct cycle_report *r)
{
    assert_int_not_equal(r->outcome, FIX_DONE);
    for (size_t i = 0; i < PATH_COUNT; i++)
        assert_false(r->path[i].found);
    for (size_t i = 0; i < REPORT_PROFILE_BINS; i++)
        assert_true(r->profile[0][i] == 0);
    assert_true(r->fix.position.x == 0 && r->fix.position.y == 0);
    assert_false(r->track.alive);
    if (r->response != RESPONSE_PERMITTED) {
        assert_true(r->height_m == 0 && r->answer.height_cm == 0);
        assert_true(isnan(r->response_snr_db) && isnan(r->response_cfo_hz));
        assert_true(isnan(r->response_evm_db));
    }
}

bool is_at_user(const struct cycle_report *r, double within_m)
{
    return hypot(r->fix.position.x - user.x, r->fix.position.y - user.y) < within_m;
}
