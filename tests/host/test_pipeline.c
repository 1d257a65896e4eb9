/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pipeline on made-up blocks: leak, clutter, and a user whose paths have known lengths. What is
 * asked: a position only with a genuine permission of the same cycle, and then the right one. */
#include "dsp/fft.h"
#include "dsp/stream.h"
#include "host/pipeline_priv.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
                           "background: {cycles: 6}\n"
                           "estimate: {map: no}\n";

static const struct vec3 user = {3.7, 4.4, 1.3}, stranger = {5.2, 3.1, 1.2};
/* As much farther from RIS2 than from the base station as the user, in another direction. */
static const struct vec3 alike = {1.9, 4.21, 1.3};

struct bench {
    struct bs_cfg cfg;
    struct schedule schedule;
    struct secure_keys keys, other;
    struct pipeline *pipeline;
    struct waveform_cfg wave;
    struct waveform *form;
    struct frame_modem *modem;
    cplxf *sequence;
    struct block block;
    pipeline_check *check; /* NULL: by the keys */
    void *check_context;
    int64_t index;
    const struct vec3 *body; /* whose echoes come back */
    bool others;             /* are served too */
    size_t asked;            /* place */
    bool dark;               /* RIS1 sends nothing; what codes leave is in its stream */
    uint8_t last_response[RESPONSE_FRAME_BYTES];
};

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
                    sum += period[h][t % n] * (float)stream_code(h, s);
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

static void sense(struct bench *b, bool present)
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
                              .others = b->others};
    assert_int_equal(secure_seal_sensing(&b->keys, plan.cycle, 5, plan.sensing), OK);
    b->block.plan = plan;
    b->block.kind = BLOCK_SENSING;
    b->block.info = (struct radio_block){.n_valid = SAMPS};
    add_slots(b, path, present ? 8 : 4, (size_t)-b->schedule.window[WINDOW_SENSING].begin,
              waveform_burst_slots(&b->wave), LATENCY);
    pipeline_sensing(b->pipeline, &b->block);
}

/* The user's own signal, over all three ways; the frame's symbols come the direct way. */
static void put_answer(struct bench *b, const uint8_t bytes[RESPONSE_FRAME_BYTES])
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

static void clear_block(struct bench *b)
{
    for (size_t a = 0; a < N_ANT; a++)
        for (size_t t = 0; t < SAMPS; t++) /* a little noise: silence is never exact */
            b->block.samp[a][t] = (struct sc16){(int16_t)((t * 7919 + a) % 5 - 2),
                                                (int16_t)((t * 104729 + a) % 5 - 2)};
}

/* One cycle; bytes NULL: nobody answers. */
static void cycle(struct bench *b, bool present, const uint8_t *bytes, struct cycle_report *r)
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

/* The answer that the user would give in the coming cycle. */
static const uint8_t *answer(struct bench *b, const struct secure_keys *keys, bool permit)
{
    const struct response r = {.permit = permit, .mode = 2, .height_cm = 130, .sigma_code = 1};
    uint64_t number = 1000 + (uint64_t)b->index;
    uint8_t sensing[SENSING_FRAME_BYTES];
    assert_int_equal(secure_seal_sensing(&b->keys, number, 5, sensing), OK);
    assert_int_equal(secure_seal_response(keys, number, sensing, &r, b->last_response), OK);
    return b->last_response;
}

static void make_keys(struct secure_keys *keys, uint64_t seed)
{
    uint8_t master[SECURE_MASTER_BYTES];
    secure_master_from_seed(seed, 5, master);
    secure_keys_derive(master, keys);
}

static void make_pipeline(struct bench *b)
{
    struct status err = {0};
    static struct profile_set profiles[2] = {
        {.shape = {16, 16, 1}, .n = 1, .hash = {1}},
        {.shape = {16, 16, 1}, .n = 1, .hash = {2}},
    };
    const struct pipeline_cfg pc = {.cfg = &b->cfg,
                                    .schedule = &b->schedule,
                                    .keys = &b->keys,
                                    .profiles = {&profiles[0], &profiles[1]},
                                    .check = b->check,
                                    .check_context = b->check_context};
    for (size_t i = 0; i < 2; i++)
        profiles[i].states = ris_states_ideal(1);
    b->pipeline = pipeline_create(&pc, &err);
    if (!b->pipeline)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct status err = {0};
    *state = b;
    assert_int_equal(secure_init(), OK);
    assert_int_equal(
        config_parse(&bs_config_table, "t", yaml, sizeof yaml - 1, NULL, &b->cfg, &err), OK);
    assert_int_equal(bs_config_schedule(&b->cfg, &b->schedule, &err), OK);
    b->wave = bs_config_waveform(&b->cfg);
    b->body = &user;
    make_keys(&b->keys, 1);
    make_keys(&b->other, 2);
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

static int tear_down(void **state)
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

static void assert_nothing_told(const struct cycle_report *r)
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

static void permission_gives_the_right_place(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(hypot(r.fix.position.x - user.x, r.fix.position.y - user.y) < 0.1);
    assert_true(fabs(r.fix.position.z - user.z) < 0.1);
    assert_true(r.fix.used & ROW_BIT(ROW_L1));
    assert_true(pipeline_answered(b->pipeline, 0));
}

static bool is_at_user(const struct cycle_report *r, double within_m)
{
    return hypot(r->fix.position.x - user.x, r->fix.position.y - user.y) < within_m;
}

enum { DOUBTED = 25 }; /* answers after which echoes count again */
enum { TRUSTED = 10 }; /* answers that agree before echoes place whom their own signal does not */

/* The echoes of somebody else: the position stays with whoever answers, and for a while no echo
 * counts though they are the user's again. */
static void anothers_echoes_move_nobody(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(r.echoes);
    b->body = &stranger;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(!r.echoes && is_at_user(&r, 0.1));
    assert_int_equal(r.fix.used & (ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3)), 0);
    b->body = &user;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(!r.echoes && is_at_user(&r, 0.1));
}

/* What strong paths leave in the stream of a surface that is out of sight is nobody's path, not
 * even 12 dB over what they leave in the stream of none. The echoes and the other surface place the
 * user once they have agreed with its own signal for a while; a stranger's echoes do not. */
static void dark_surface_makes_no_path(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->dark = true;
    for (int i = 1; i < TRUSTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.track.alive);
    }
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_false(r.path[PATH_L2].found || r.path[PATH_A2].found);
    assert_true(r.path[PATH_L3].found && r.path[PATH_A3].found);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(r.echoes && is_at_user(&r, 0.1));
    b->body = &stranger;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_false(r.echoes);
}

static void assert_never_placed(struct bench *b, int answers)
{
    struct cycle_report r;
    for (int i = 0; i < answers; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.response, RESPONSE_PERMITTED);
        assert_int_equal(r.outcome, FIX_REFUSED);
        assert_false(r.echoes || r.track.alive);
        assert_true(r.path[PATH_L1].found && r.path[PATH_L3].found);
    }
}

/* One surface out of sight, and somebody who does not permit it stands where the one difference of
 * the user's arrivals is the user's: their echoes never place the user,
 * since the user's own signal comes from elsewhere. */
static void who_does_not_permit_is_not_taken_for_the_user(void **state)
{
    struct bench *b = *state;
    b->dark = true;
    b->body = &alike;
    assert_never_placed(b, TRUSTED + 2);
}

/* Nor do echoes of two who pass through the user's place, but for a while only. */
static void a_while_of_agreement_is_not_enough(void **state)
{
    struct bench *b = *state;
    b->dark = true;
    assert_never_placed(b, TRUSTED - 1);
    b->body = &stranger;
    assert_never_placed(b, 1);
    b->body = &user;
    assert_never_placed(b, TRUSTED - 1);
}

/* Who was seen by both surfaces goes on being seen by one. */
static void a_surface_that_goes_out_of_sight_ends_nothing(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i <= TRUSTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.echoes && is_at_user(&r, 0.1));
    }
    b->dark = true;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_true(r.echoes && !r.path[PATH_A2].found && is_at_user(&r, 0.1));
}

static int solves_to_spoil; /* the one at which it gets to 0 does without the echo */
static unsigned rows_tracked;

int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __real_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out)
{
    const int rc = __real_fix_solve(cfg, obs, hint, out);
    if (solves_to_spoil > 0 && --solves_to_spoil == 0)
        out->used &= ~ROW_BIT(ROW_L1);
    return rc;
}

int __wrap_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix);
int __real_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix);
int __wrap_track_update(const struct track_cfg *cfg, struct track *t, double time_s,
                        const struct observation obs[ROW_COUNT], unsigned rows,
                        const struct fix *fix)
{
    rows_tracked = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        rows_tracked |= obs[i].valid && rows & ROW_BIT(i) ? ROW_BIT(i) : 0;
    return __real_track_update(cfg, t, time_s, obs, rows, fix);
}

/* Echoes that explained the answer and then do not all fit: neither a fix nor the track has them. */
static void echoes_that_do_not_fit_are_not_tracked(void **state)
{
    const unsigned echoes = ROW_BIT(ROW_L1) | ROW_BIT(ROW_L2) | ROW_BIT(ROW_L3);
    enum { OWN, EXPLAINED, FIRST, AGAIN, SOLVES };
    struct bench *b = *state;
    struct cycle_report r;
    b->dark = true;
    for (int i = 0; i < TRUSTED; i++)
        cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_int_equal(rows_tracked & echoes, ROW_BIT(ROW_L1) | ROW_BIT(ROW_L3));
    solves_to_spoil = SOLVES;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(solves_to_spoil, 0);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_false(r.echoes);
    assert_int_equal(rows_tracked & echoes, 0);
}

/* Among others echoes must have agreed for a while before the first of them counts. */
static void echoes_wait_where_others_are_served(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->others = true;
    for (int i = 0; i <= DOUBTED; i++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.echoes, i == DOUBTED);
        assert_true(is_at_user(&r, 0.1));
    }
}

static void no_permission_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, false), &r);
    assert_int_equal(r.response, RESPONSE_NO_PERMIT);
    assert_nothing_told(&r);
    cycle(b, true, NULL, &r);
    assert_int_equal(r.response, RESPONSE_SILENT);
    assert_nothing_told(&r);
    assert_false(pipeline_answered(b->pipeline, 0));
}

static enum consent_state consent(const struct bench *b, size_t place)
{
    struct pipeline_user_counters c;
    pipeline_user_counters(b->pipeline, place, &c);
    return c.consent;
}

static void somebody_leaves(struct bench *b)
{
    pipeline_allow(b->pipeline, 0, false);
    pipeline_user(b->pipeline, 0, -1);
    assert_false(pipeline_may_send(b->pipeline, 0));
}

/* Told as the user's to whom it was addressed, and given up. */
static void assert_given_up(const struct cycle_report *r)
{
    assert_int_equal(r->user_id, 5);
    assert_int_equal(r->response, RESPONSE_WITHHELD);
    assert_int_equal(r->consent, CONSENT_NONE);
    assert_nothing_told(r);
}

/* One more cycle may have been planned for who has left, also behind one of somebody else: it gives
 * nothing. Then nothing is left of the user, and who comes next to the place begins anew. */
static void who_leaves_is_forgotten(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_true(r.track.alive);
    assert_int_equal(consent(b, 0), CONSENT_LOCATED);
    assert_int_equal(consent(b, 1), CONSENT_NONE);
    pipeline_user(b->pipeline, 1, 6);
    somebody_leaves(b);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_given_up(&r);
    assert_int_equal(consent(b, 1), CONSENT_WAITING);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    assert_int_equal(r.user_id, 6);
    assert_int_equal(consent(b, 0), CONSENT_NONE);
    assert_int_equal(consent(b, 1), CONSENT_SILENT);
    b->asked = 0;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_given_up(&r);
    pipeline_allow(b->pipeline, 0, true);
    pipeline_user(b->pipeline, 0, 5);
    cycle(b, true, NULL, &r);
    assert_false(r.track.alive);
    assert_int_equal(consent(b, 0), CONSENT_SILENT);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(consent(b, 0), CONSENT_LOCATED);
    assert_int_equal(r.user_id, 5);
}

/* One that is taken between an order and the next cycle takes nothing of it. */
static void an_order_outlives_a_checkpoint(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    const size_t size = pipeline_state_max(b->pipeline);
    unsigned char *bytes = malloc(size);
    pipeline_user(b->pipeline, 1, 6);
    assert_true(pipeline_state_save(b->pipeline, bytes, size) > 0);
    free(bytes);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    assert_int_equal(r.user_id, 6);
    assert_int_equal(consent(b, 1), CONSENT_SILENT);
}

/* From the next cycle on, also while the user keeps silent or somebody else is asked. */
static void who_is_withheld_is_forgotten_at_once(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    pipeline_user(b->pipeline, 1, 6);
    for (int other = 0; other < 2; other++) {
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_true(r.track.alive);
        pipeline_allow(b->pipeline, 0, false);
        assert_false(pipeline_may_send(b->pipeline, 0));
        b->asked = (size_t)other;
        cycle(b, true, NULL, &r);
        assert_int_equal(consent(b, 0), CONSENT_WITHHELD);
        assert_true(other || !pipeline_answered(b->pipeline, 0));
        pipeline_allow(b->pipeline, 0, true);
        b->asked = 0;
        cycle(b, true, answer(b, &b->keys, true), &r);
        assert_int_equal(r.outcome, FIX_DONE);
        assert_int_equal(r.track_event, TRACK_STARTED);
    }
}

static bool withhold_within;

void __wrap_pipeline_locate(struct pipeline *p, struct cycle_report *r);
void __real_pipeline_locate(struct pipeline *p, struct cycle_report *r);
void __wrap_pipeline_locate(struct pipeline *p, struct cycle_report *r)
{
    __real_pipeline_locate(p, r);
    if (withhold_within)
        pipeline_allow(p, r->plan.user, false);
}

static void assert_withheld(const struct bench *b, const struct cycle_report *r)
{
    assert_int_equal(r->response, RESPONSE_WITHHELD);
    assert_int_equal(r->outcome, FIX_NOT_ASKED);
    assert_int_equal(r->consent, CONSENT_WITHHELD);
    assert_int_equal(consent(b, 0), CONSENT_WITHHELD);
    assert_nothing_told(r);
}

/* An order that comes while the position is computed. */
static void who_is_withheld_within_a_cycle_is_not_placed(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i < 2; i++) {
        withhold_within = i > 0;
        cycle(b, true, answer(b, &b->keys, true), &r);
    }
    withhold_within = false;
    assert_withheld(b, &r);
    pipeline_allow(b->pipeline, 0, true);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.track_event, TRACK_STARTED);
}

/* An order that comes after it, while the report waits: to withhold, and to remove. */
static void a_report_that_waited_is_retracted(void **state)
{
    struct bench *b = *state;
    struct cycle_report r, told;
    cycle(b, true, answer(b, &b->keys, true), &r);
    told = r;
    pipeline_retract(b->pipeline, true, &told);
    assert_memory_equal(&told, &r, sizeof r);
    pipeline_retract(b->pipeline, false, &told);
    assert_int_equal(told.consent, CONSENT_NONE);
    assert_int_equal(told.response, RESPONSE_WITHHELD);
    assert_nothing_told(&told);
    told = r;
    pipeline_allow(b->pipeline, 0, false);
    pipeline_retract(b->pipeline, true, &told);
    assert_int_equal(told.response, RESPONSE_WITHHELD);
    assert_int_equal(told.outcome, FIX_NOT_ASKED);
    assert_int_equal(told.consent, CONSENT_WITHHELD);
    assert_nothing_told(&told);
}

static int permit_within(void *context, const struct cycle_plan *plan,
                         const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out)
{
    struct bench *b = context;
    struct secure_expectation expect;
    secure_expect(&expect, plan->cycle, plan->sensing);
    pipeline_allow(b->pipeline, 0, true);
    return secure_open_response(&expect, &b->keys, bytes, out);
}

/* The cycle goes on as it began: verdict and consent are those of who is withheld. */
static void an_order_lifted_within_a_cycle_holds_until_its_end(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    pipeline_destroy(&b->pipeline);
    b->check = permit_within;
    b->check_context = b;
    make_pipeline(b);
    pipeline_allow(b->pipeline, 0, false);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_withheld(b, &r);
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
}

/* The beam says where the user was. */
static void who_is_withheld_leaves_no_beam(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    uint8_t profile[BS_RIS];
    atomic_store(&b->pipeline->user[0].profile[0], 1);
    atomic_store(&b->pipeline->user[0].profile[1], 2);
    pipeline_profiles(b->pipeline, 0, profile);
    assert_true(profile[0] == 1 && profile[1] == 2);
    pipeline_allow(b->pipeline, 0, false);
    pipeline_profiles(b->pipeline, 0, profile);
    assert_true(profile[0] == PROFILE_BASE && profile[1] == PROFILE_BASE);
    pipeline_user(b->pipeline, 1, 6);
    b->asked = 1;
    cycle(b, true, NULL, &r);
    pipeline_allow(b->pipeline, 0, true);
    pipeline_profiles(b->pipeline, 0, profile);
    assert_true(profile[0] == PROFILE_BASE && profile[1] == PROFILE_BASE);
}

static void foreign_key_is_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->other, true), &r);
    assert_int_equal(r.response, RESPONSE_REFUSED);
    assert_nothing_told(&r);
}

static void replay_is_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    cycle(b, true, answer(b, &b->keys, true), &r);
    assert_int_equal(r.outcome, FIX_DONE);
    cycle(b, true, b->last_response, &r);
    assert_int_equal(r.response, RESPONSE_REFUSED);
    assert_int_not_equal(r.outcome, FIX_DONE);
}

static void flipped_bits_are_refused(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (size_t bit = 0; bit < 8 * RESPONSE_FRAME_BYTES; bit += 37) {
        uint8_t bytes[RESPONSE_FRAME_BYTES];
        memcpy(bytes, answer(b, &b->keys, true), sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cycle(b, true, bytes, &r);
        assert_true(r.response == RESPONSE_DAMAGED || r.response == RESPONSE_REFUSED);
        assert_nothing_told(&r);
    }
}

static void lost_samples_give_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    struct pipeline_counters n;
    clear_block(b);
    sense(b, true);
    clear_block(b);
    put_answer(b, answer(b, &b->keys, true));
    b->block.kind = BLOCK_RESPONSE;
    b->block.info.faults = FAULT_RX_GAP;
    pipeline_response(b->pipeline, &b->block, &r);
    assert_int_equal(r.response, RESPONSE_LOST);
    assert_nothing_told(&r);
    pipeline_counters(b->pipeline, &n);
    assert_int_equal(n.response[RESPONSE_LOST], 1);
    assert_int_equal(n.fault[0], 1); /* rx_gap */
    assert_int_equal(r.faults, FAULT_RX_GAP);
}

static void late_board_gives_no_position(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    clear_block(b);
    sense(b, true);
    b->block.kind = BLOCK_SENSING;
    b->block.plan.faults = FAULT_RIS_LATE;
    pipeline_sensing(b->pipeline, &b->block);
    clear_block(b);
    put_answer(b, answer(b, &b->keys, true));
    b->block.kind = BLOCK_RESPONSE;
    b->block.n_samp = (size_t)b->schedule.window[WINDOW_RESPONSE].n;
    pipeline_response(b->pipeline, &b->block, &r);
    assert_int_equal(r.response, RESPONSE_PERMITTED);
    assert_int_equal(r.outcome, FIX_RIS);
}

static void capture_is_refused_while_somebody_answers(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    struct pipeline_counters n;
    cycle(b, true, answer(b, &b->keys, true), &r);
    pipeline_background(b->pipeline, 4);
    cycle(b, true, answer(b, &b->keys, true), &r);
    pipeline_counters(b->pipeline, &n);
    assert_int_equal(n.background_refused, 1);
    assert_int_equal(n.background_captures, 1);
    assert_int_equal(r.outcome, FIX_DONE); /* the old one stays in use */
}

/* --- a second pipeline from the state of the first ------------------------------------------- */

struct verdict { /* of the first one, told instead of the keys */
    struct cycle_report *seen;
};

static int as_seen(void *context, const struct cycle_plan *plan,
                   const uint8_t bytes[RESPONSE_FRAME_BYTES], struct response *out)
{
    const struct verdict *v = context;
    assert_int_equal(plan->cycle, v->seen->plan.cycle);
    assert_memory_equal(bytes, v->seen->answer_bytes, RESPONSE_FRAME_BYTES);
    *out = v->seen->answer;
    return v->seen->response_code;
}

static void assert_same_numbers(const struct cycle_report *a, const struct cycle_report *b)
{
    assert_int_equal(a->response, b->response);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->faults, b->faults);
    assert_memory_equal(&a->fix.position, &b->fix.position, sizeof a->fix.position);
    assert_memory_equal(a->fix.cov, b->fix.cov, sizeof a->fix.cov);
    assert_memory_equal(a->track.x, b->track.x, sizeof a->track.x);
    assert_memory_equal(a->track.P, b->track.P, sizeof a->track.P);
    assert_memory_equal(a->profile, b->profile, sizeof a->profile);
    for (size_t i = 0; i < PATH_COUNT; i++)
        assert_memory_equal(&a->path[i].length_m, &b->path[i].length_m, sizeof(double));
    assert_memory_equal(&a->site.room_age_s, &b->site.room_age_s, sizeof(double));
}

/* Both pipelines see the same blocks; the first has the keys. */
static void cycle_of_both(struct bench *b, struct pipeline *second, struct verdict *v, int kind)
{
    static struct cycle_report first, again;
    struct pipeline *own = b->pipeline;
    struct pipeline_input input;
    int64_t index = b->index;
    const uint8_t *bytes = kind == 2   ? NULL
                           : kind == 3 ? answer(b, &b->other, true)
                                       : answer(b, &b->keys, kind == 0);
    cycle(b, kind != 2, bytes, &first);
    pipeline_input_taken(own, &input);
    v->seen = &first;
    b->pipeline = second;
    b->index = index;
    pipeline_input_give(second, &input);
    cycle(b, kind != 2, bytes, &again);
    b->pipeline = own;
    assert_same_numbers(&first, &again);
}

static void second_pipeline_goes_on_alike(void **state)
{
    struct bench *b = *state;
    struct status err = {0};
    struct verdict verdict;
    struct cycle_report r;
    struct pipeline *own = b->pipeline;
    for (int i = 0; i < 3; i++)
        cycle(b, true, answer(b, &b->keys, true), &r);
    size_t size = pipeline_state_max(own);
    unsigned char *bytes = malloc(size);
    long n = pipeline_state_save(own, bytes, size);
    assert_true(n > 0 && (size_t)n <= size);
    assert_int_equal(pipeline_state_save(own, bytes, (size_t)n - 1), ERR_NO_SPACE);
    n = pipeline_state_save(own, bytes, size);

    b->check = as_seen;
    b->check_context = &verdict;
    make_pipeline(b);
    struct pipeline *second = b->pipeline;
    b->pipeline = own;
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n, &err), OK);
    for (int i = 0; i < 4; i++)
        cycle_of_both(b, second, &verdict, 0);
    pipeline_background(own, 0); /* from here on adaptive, and the second must do the same */
    for (int i = 0; i < 4; i++)
        cycle_of_both(b, second, &verdict, i);
    pipeline_destroy(&second);

    make_pipeline(b);
    second = b->pipeline;
    b->pipeline = own;
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n - 1, &err), ERR_FORMAT);
    bytes[8] ^= 1; /* as many antennas */
    assert_int_equal(pipeline_state_load(second, bytes, (size_t)n, &err), ERR_FORMAT);
    pipeline_destroy(&second);
    free(bytes);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH(permission_gives_the_right_place),
        BENCH(no_permission_no_position),
        BENCH(who_leaves_is_forgotten),
        BENCH(an_order_outlives_a_checkpoint),
        BENCH(who_is_withheld_is_forgotten_at_once),
        BENCH(who_is_withheld_within_a_cycle_is_not_placed),
        BENCH(a_report_that_waited_is_retracted),
        BENCH(an_order_lifted_within_a_cycle_holds_until_its_end),
        BENCH(who_is_withheld_leaves_no_beam),
        BENCH(anothers_echoes_move_nobody),
        BENCH(echoes_wait_where_others_are_served),
        BENCH(dark_surface_makes_no_path),
        BENCH(echoes_that_do_not_fit_are_not_tracked),
        BENCH(who_does_not_permit_is_not_taken_for_the_user),
        BENCH(a_while_of_agreement_is_not_enough),
        BENCH(a_surface_that_goes_out_of_sight_ends_nothing),
        BENCH(foreign_key_is_refused),
        BENCH(replay_is_refused),
        BENCH(flipped_bits_are_refused),
        BENCH(lost_samples_give_no_position),
        BENCH(late_board_gives_no_position),
        BENCH(capture_is_refused_while_somebody_answers),
        BENCH(second_pipeline_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
