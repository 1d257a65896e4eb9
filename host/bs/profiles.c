/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/profiles.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "dsp/ris_design.h"
#include "dsp/stream.h"
#include "host/pixel_store.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESIGN_VERSION                                                                             \
    2 /* raise it when the designer changes, so that cached profiles are redone */

static uint16_t slot_plus(size_t i)
{
    return (uint16_t)(2 * i);
}

static uint16_t slot_minus(size_t i)
{
    return (uint16_t)(2 * i + 1);
}

static struct ris_region region_of(const struct bs_cfg *cfg)
{
    const double *x = cfg->ris.region_x_m, *y = cfg->ris.region_y_m, *z = cfg->ris.region_z_m;
    return (struct ris_region){.x_m = {x[0], x[1]},
                               .y_m = {y[0], y[1]},
                               .z_m = {z[0], z[1]},
                               .n_x = (size_t)cfg->ris.region_grid,
                               .n_y = (size_t)cfg->ris.region_grid,
                               .n_z = z[0] < z[1] ? 3 : 1};
}

/* One beam a cell, at the region's middle height. */
static struct ris_region cells_of(const struct bs_cfg *cfg)
{
    struct ris_region r = region_of(cfg);
    r.z_m[0] = r.z_m[1] = (r.z_m[0] + r.z_m[1]) / 2;
    r.n_z = 1;
    return ris_region_cells(&r, (size_t)cfg->ris.beams_side);
}

static struct vec3 static_place(const struct bs_cfg *cfg)
{
    const double *u = cfg->ris.static_m, *x = cfg->ris.region_x_m, *y = cfg->ris.region_y_m,
                 *z = cfg->ris.region_z_m;
    if (!isnan(u[0]))
        return vec3_of(u);
    return (struct vec3){(x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2};
}

static struct ris_model *make_model(const struct bs_cfg *cfg, size_t board,
                                    const struct ris_region *region, const struct profile_set *set,
                                    struct status *err)
{
    const struct anchors anchors = bs_config_anchors(cfg);
    struct ris_model_cfg model = {
        .mask = set->n_broken ? set->mask : NULL,
        .bs = anchors_bs(&anchors),
        .carrier_hz = cfg->radio.carrier_hz,
        .region = *region,
    };
    if (bs_config_panel(cfg, board, &model.panel)) {
        status_set(err, ERR_GEOMETRY, "ris.boards[%zu]: no such pose", board);
        return NULL;
    }
    return ris_model_create(&model, err);
}

/* ---- the cache ---- */

static uint64_t hash_numbers(uint64_t hash, const double *x, size_t n)
{
    char text[32];
    for (size_t i = 0; i < n; i++) {
        int length = snprintf(text, sizeof text, "%a ", x[i]);
        hash = ris_hash_update(hash, text, (size_t)length);
    }
    return hash;
}

/* Everything that a design depends on, as text, so that padding never gets into the hash. */
static uint64_t design_key(const struct bs_cfg *cfg, size_t board, const struct profile_set *set)
{
    struct panel p;
    const struct anchors a = bs_config_anchors(cfg);
    const struct bs_board *b = &cfg->ris.boards[board];
    const struct vec3 user = static_place(cfg);
    if (bs_config_panel(cfg, board, &p))
        return 0;
    const double numbers[] = {DESIGN_VERSION,
                              a.tx.x,
                              a.tx.y,
                              a.tx.z,
                              a.rx.x,
                              a.rx.y,
                              a.rx.z,
                              p.position.x,
                              p.position.y,
                              p.position.z,
                              p.z.x,
                              p.z.y,
                              p.z.z,
                              b->columns,
                              b->rows,
                              b->bits,
                              b->spacing_m,
                              cfg->radio.carrier_hz,
                              cfg->ris.region_x_m[0],
                              cfg->ris.region_x_m[1],
                              cfg->ris.region_y_m[0],
                              cfg->ris.region_y_m[1],
                              cfg->ris.region_z_m[0],
                              cfg->ris.region_z_m[1],
                              cfg->ris.region_grid,
                              cfg->ris.mode,
                              cfg->ris.beams_side,
                              user.x,
                              user.y,
                              user.z,
                              (double)cfg->radio.n_rx,
                              cfg->geometry.rx_spacing_m};
    uint64_t hash = hash_numbers(RIS_HASH_START, numbers, sizeof numbers / sizeof *numbers);
    for (size_t s = 0; s < 1u << set->states.bits; s++) {
        const double gamma[] = {creal(set->states.gamma[s]), cimag(set->states.gamma[s])};
        hash = hash_numbers(hash, gamma, 2);
    }
    for (size_t m = 0; set->n_broken && m < profile_elements(set); m++) {
        const double mask[] = {creal(set->mask[m]), cimag(set->mask[m])};
        hash = hash_numbers(hash, mask, 2);
    }
    return hash;
}

static bool read_cache(const char *path, struct profile_set *set)
{
    const size_t n = profile_elements(set);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool whole = true;
    for (size_t i = 0; whole && i < set->n; i++) {
        whole = fread(set->state[i], 1, n, f) == n;
        for (size_t m = 0; whole && m < n; m++)
            whole = set->state[i][m] < 1u << set->shape.bits;
    }
    whole = whole && fgetc(f) == EOF;
    fclose(f);
    return whole;
}

static void write_cache(const char *path, const struct profile_set *set)
{
    struct status err = {0};
    const size_t n = profile_elements(set);
    uint8_t *all = malloc(set->n * n);
    for (size_t i = 0; all && i < set->n; i++)
        memcpy(all + i * n, set->state[i], n);
    if (!all || file_replace(path, all, set->n * n, 0600, &err))
        log_warn("profiles not cached: %s", all ? err.text : "out of memory");
    free(all);
}

/* ---- the design ---- */

static int design_base(const struct bs_cfg *cfg, const struct ris_model *model,
                       struct profile_set *set)
{
    struct vec3 antenna[RADIO_CHANNELS_MAX];
    if (cfg->ris.mode != BS_RIS_STATIC)
        return ris_wide_profile(model, &set->states, set->state[PROFILE_BASE]);
    for (size_t a = 0; a < cfg->radio.n_rx; a++)
        antenna[a] = bs_config_antenna(cfg, a);
    return ris_static_profile(model, antenna, cfg->radio.n_rx, static_place(cfg), &set->states,
                              set->state[PROFILE_BASE]);
}

static int design_beams(const struct bs_cfg *cfg, size_t board, struct profile_set *set,
                        struct status *err)
{
    const struct ris_region cells = cells_of(cfg);
    struct ris_model *model = make_model(cfg, board, &cells, set, err);
    if (!model)
        return err->code;
    const size_t n = ris_model_elements(model), beams = ris_model_points(model);
    uint8_t *state = malloc(beams * n);
    int rc = state ? ris_codebook(model, &set->states, state) : ERR_NO_MEMORY;
    for (size_t i = 0; rc == OK && i < beams; i++)
        memcpy(set->state[1 + i], state + i * n, n);
    free(state);
    ris_model_destroy(&model);
    return rc;
}

/* How the profiles light the region, into the log. */
static int judge(const struct bs_cfg *cfg, size_t board, struct ris_model *model,
                 const struct profile_set *set)
{
    static const char *const modes[] = {"wide profile", "static profile", "wide profile"};
    const size_t n = profile_elements(set);
    struct ris_coverage c;
    cplx *gamma = malloc(set->n * n * sizeof *gamma);
    if (!gamma)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < set->n; i++)
        ris_profile_gamma(set->state[i], n, &set->states, gamma + i * n);
    ris_model_coverage(model, gamma, NULL, &c);
    log_info("%s: %s, under focus: median %.1f dB, 5 %% %.1f dB, min %.1f dB",
             cfg->ris.boards[board].name, modes[cfg->ris.mode], c.median_db, c.p5_db, c.min_db);
    if (set->n > 1) {
        ris_model_coverage_best(model, gamma, set->n, NULL, &c);
        log_info("%s: best of %zu beams: median %.1f dB, 5 %% %.1f dB, min %.1f dB",
                 cfg->ris.boards[board].name, set->n - 1, c.median_db, c.p5_db, c.min_db);
    }
    free(gamma);
    return OK;
}

static int design(const struct bs_cfg *cfg, size_t board, struct profile_set *set,
                  struct status *err)
{
    const struct ris_region region = region_of(cfg);
    struct ris_model *model = make_model(cfg, board, &region, set, err);
    if (!model)
        return err->code;
    int rc = design_base(cfg, model, set);
    if (rc == OK && set->n > 1)
        rc = design_beams(cfg, board, set, err);
    if (rc == OK)
        rc = judge(cfg, board, model, set);
    ris_model_destroy(&model);
    if (rc && err->code == OK)
        status_set(err, rc, "%s: the design of its profiles failed (%s)",
                   cfg->ris.boards[board].name, status_name(rc));
    return rc;
}

/* Pixels that an earlier run found broken: a design counts on what they really do. To a tenth, so
 * that the last digit of an estimate does not ask for a new design. */
static void recall_pixels(const struct bs_cfg *cfg, size_t board, const char *serial,
                          struct profile_set *set)
{
    static struct pixel_map map; /* large; setup runs once */
    struct pixel_store_head head = {0}, stored;
    struct status ignored = {0};
    char path[BS_TEXT + 64];
    for (size_t m = 0; m < profile_elements(set); m++)
        set->mask[m] = 1;
    snprintf(head.board, sizeof head.board, "%s", cfg->ris.boards[board].name);
    snprintf(head.serial, sizeof head.serial, "%s", serial);
    pixel_store_path(cfg->run.state_dir, &head, path, sizeof path);
    if (cfg->pixels.train.every == 0 || pixel_store_read(path, &stored, &map, &ignored) ||
        stored.columns != set->shape.columns || stored.rows != set->shape.rows)
        return;
    for (size_t m = 0; m < map.n_element; m++) {
        if (map.state[m] != PIXEL_FAILED)
            continue;
        set->mask[m] =
            CMPLX(rint(10 * crealf(map.mask[m])) / 10, rint(10 * cimagf(map.mask[m])) / 10);
        set->n_broken++;
    }
    if (set->n_broken)
        log_info("%s: profiles account for %zu broken pixels", head.board, set->n_broken);
}

/* What the board is and can hold. */
static int ask_board(const struct bs_cfg *cfg, struct ris_client *client, size_t board,
                     struct profile_set *set, struct status *err)
{
    struct ris_client_board b;
    const struct bs_board *want = &cfg->ris.boards[board];
    struct ris_states measured = ris_states_ideal((unsigned)want->bits);
    if (ris_client_status(client, board, &b, err))
        return err->code;
    if (!ris_shape_equal(b.shape, set->shape))
        return status_set(err, ERR_ARG,
                          "%s has %u x %u elements of %u bits, ris.boards[%zu] says %d x %d of %d: "
                          "make them agree",
                          want->name, b.shape.columns, b.shape.rows, b.shape.bits, board,
                          want->columns, want->rows, want->bits);
    if (b.n_states > 0 && (ris_states_measured(b.states, b.n_states, &measured) ||
                           measured.bits != (unsigned)want->bits))
        return status_set(
            err, ERR_ARG,
            "%s: its table of states in ris.yaml is none of %d bits: amplitudes are 0 "
            "to 1.5, and the states must differ",
            want->name, want->bits);
    set->plays_sequences = b.plays_sequences;
    set->states = ris_states_coded(&measured);
    recall_pixels(cfg, board, b.serial, set);
    if (b.n_slots < 2 * set->n)
        return status_set(err, ERR_ARG,
                          "%s holds %u profiles, ris.mode and ris.beams_side need %zu: lower the "
                          "latter or raise the board's slots",
                          want->name, b.n_slots, 2 * set->n);
    return OK;
}

static void pack(const struct profile_set *set, size_t i, uint8_t pattern[RIS_PATTERN_MAX])
{
    memset(pattern, 0, RIS_PATTERN_MAX);
    for (size_t m = 0; m < profile_elements(set); m++)
        ris_pattern_set(set->shape, pattern, m, set->state[i][m]);
}

int profiles_design(const struct bs_cfg *cfg, struct ris_client *client, size_t board,
                    struct profile_set *out, struct status *err)
{
    const struct bs_board *b = &cfg->ris.boards[board];
    const size_t side = (size_t)cfg->ris.beams_side;
    char path[BS_TEXT + 64];
    uint8_t pattern[RIS_PATTERN_MAX];
    memset(out, 0, sizeof *out);
    out->shape = (struct ris_shape){(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    out->n = cfg->ris.mode == BS_RIS_TRACKED ? 1 + side * side : 1;
    assert(ris_shape_valid(out->shape));
    if (ask_board(cfg, client, board, out, err))
        return err->code;
    snprintf(path, sizeof path, "%s/profiles-%016llx", cfg->run.state_dir,
             (unsigned long long)design_key(cfg, board, out));
    if (!read_cache(path, out)) {
        if (design(cfg, board, out, err))
            return err->code;
        write_cache(path, out);
    }
    for (size_t i = 0; i < out->n; i++) {
        pack(out, i, pattern);
        out->hash[i] = ris_profile_hash(out->shape, pattern);
        ris_pattern_flip(out->shape, pattern, pattern);
        out->hash_flipped[i] = ris_profile_hash(out->shape, pattern);
    }
    return OK;
}

static int load_signs(struct ris_client *client, size_t board, const struct profile_set *set,
                      size_t i, struct status *err)
{
    uint8_t plus[RIS_PATTERN_MAX], minus[RIS_PATTERN_MAX];
    uint64_t hash = 0;
    pack(set, i, plus);
    ris_pattern_flip(set->shape, plus, minus);
    if (ris_client_load(client, board, slot_plus(i), set->shape, plus, &hash, err) ||
        ris_client_load(client, board, slot_minus(i), set->shape, minus, NULL, err))
        return err->code;
    return hash == set->hash[i]
               ? OK
               : status_set(err, ERR_FORMAT,
                            "board %zu holds another profile than was sent: check its link", board);
}

int profile_show(struct ris_client *client, size_t board, size_t i, struct status *err)
{
    return ris_client_apply(client, board, slot_plus(i), RIS_NOW, err);
}

int profiles_load(struct ris_client *client, size_t board, const struct profile_set *set,
                  struct status *err)
{
    if (ris_client_disarm(client, board, err))
        return err->code;
    for (size_t i = 0; i < set->n; i++)
        if (load_signs(client, board, set, i, err))
            return err->code;
    if (profile_show(client, board, PROFILE_BASE, err))
        return err->code;
    return set->plays_sequences ? ris_client_trigger(client, board, RIS_TRIGGER_RISING, err) : OK;
}

struct ris_arm profile_sequence(const struct bs_cfg *cfg, const struct schedule *s, size_t board,
                                size_t i)
{
    struct ris_arm arm = {
        .delay_ns = (uint32_t)llround(cfg->ris.latch_delay_s * 1e9),
        .period_ns = (uint32_t)llround((double)s->slot * 1e9 / (double)s->rate),
        .idle = slot_plus(i),
        .n_edges = 2,
        .n_steps = STREAM_CODE_LEN,
        .reps = {(uint16_t)cfg->waveform.code_reps, 1},
    };
    for (size_t k = 0; k < STREAM_CODE_LEN; k++)
        arm.steps[k] = stream_code(STREAM_RIS1 + board, k) > 0 ? slot_plus(i) : slot_minus(i);
    return arm;
}
