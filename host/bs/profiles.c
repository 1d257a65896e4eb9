/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs/profiles.h"
#include "base/log.h"
#include "base/state_dir.h"
#include "dsp/ris_design.h"
#include "dsp/stream.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESIGN_VERSION                                                                             \
    1 /* raise it when the designer changes, so that cached profiles are redone */

static struct ris_model *make_model(const struct bs_cfg *cfg, size_t board, struct status *err)
{
    const struct anchors anchors = bs_config_anchors(cfg);
    struct ris_model_cfg model = {
        .bs = vec3_scale(vec3_add(anchors.tx, anchors.rx), 0.5),
        .carrier_hz = cfg->radio.carrier_hz,
        .region = {.x_m = {cfg->ris.region_x_m[0], cfg->ris.region_x_m[1]},
                   .y_m = {cfg->ris.region_y_m[0], cfg->ris.region_y_m[1]},
                   .z_m = {cfg->ris.region_z_m[0], cfg->ris.region_z_m[1]},
                   .n_x = (size_t)cfg->ris.region_grid,
                   .n_y = (size_t)cfg->ris.region_grid,
                   .n_z = cfg->ris.region_z_m[0] < cfg->ris.region_z_m[1] ? 3 : 1},
    };
    if (bs_config_panel(cfg, board, &model.panel)) {
        status_set(err, ERR_GEOMETRY, "ris.boards[%zu]: no such pose", board);
        return NULL;
    }
    return ris_model_create(&model, err);
}

/* Everything that a design depends on, as text, so that padding never gets into the hash. */
static uint64_t design_key(const struct bs_cfg *cfg, size_t board)
{
    struct panel panel;
    char text[512];
    const struct anchors a = bs_config_anchors(cfg);
    const struct bs_board *b = &cfg->ris.boards[board];
    if (bs_config_panel(cfg, board, &panel))
        return 0;
    int n =
        snprintf(text, sizeof text,
                 "%d %a %a %a %a %a %a %a %a %a %a %a %a %d %d %d %a %a %a %a %a %a %a %a %d",
                 DESIGN_VERSION, a.tx.x, a.tx.y, a.tx.z, a.rx.x, a.rx.y, a.rx.z, panel.position.x,
                 panel.position.y, panel.position.z, panel.z.x, panel.z.y, panel.z.z, b->columns,
                 b->rows, b->bits, b->spacing_m, cfg->radio.carrier_hz, cfg->ris.region_x_m[0],
                 cfg->ris.region_x_m[1], cfg->ris.region_y_m[0], cfg->ris.region_y_m[1],
                 cfg->ris.region_z_m[0], cfg->ris.region_z_m[1], cfg->ris.region_grid);
    return ris_hash_update(RIS_HASH_START, text, (size_t)n);
}

static bool read_cache(const char *path, size_t n, unsigned bits, uint8_t *state)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool whole = fread(state, 1, n, f) == n && fgetc(f) == EOF;
    fclose(f);
    for (size_t i = 0; whole && i < n; i++)
        whole = state[i] < 1u << bits;
    return whole;
}

static int design(const struct bs_cfg *cfg, size_t board, uint8_t *state, struct status *err)
{
    struct ris_model *model = make_model(cfg, board, err);
    if (!model)
        return err->code;
    const unsigned bits = (unsigned)cfg->ris.boards[board].bits;
    const size_t n = ris_model_elements(model);
    cplx *gamma = calloc(n, sizeof *gamma);
    int rc = gamma ? ris_wide_profile(model, bits, state) : ERR_NO_MEMORY;
    if (rc == OK) {
        struct ris_coverage cover;
        ris_profile_gamma(state, n, bits, gamma);
        ris_model_coverage(model, gamma, NULL, &cover);
        log_info("%s: wide profile, under focus: median %.1f dB, 5 %% %.1f dB, min %.1f dB",
                 cfg->ris.boards[board].name, cover.median_db, cover.p5_db, cover.min_db);
    }
    free(gamma);
    ris_model_destroy(&model);
    return rc ? status_set(err, rc, "%s: the design of its profile failed (%s)",
                           cfg->ris.boards[board].name, status_name(rc))
              : OK;
}

int profile_design(const struct bs_cfg *cfg, size_t board, struct profile *out, struct status *err)
{
    const struct bs_board *b = &cfg->ris.boards[board];
    const size_t n = (size_t)(b->columns * b->rows);
    char path[BS_TEXT + 64];
    struct status ignored = {0};
    uint8_t pattern[RIS_PATTERN_MAX] = {0};
    snprintf(path, sizeof path, "%s/profile-%016llx", cfg->run.state_dir,
             (unsigned long long)design_key(cfg, board));
    out->shape = (struct ris_shape){(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    if (!ris_shape_valid(out->shape))
        return status_set(err, ERR_ARG, "ris.boards[%zu]: %d x %d elements of %d bits are too many",
                          board, b->columns, b->rows, b->bits);
    if (!read_cache(path, n, out->shape.bits, out->state)) {
        if (design(cfg, board, out->state, err))
            return err->code;
        if (file_replace(path, out->state, n, 0600, &ignored))
            log_warn("profile not cached: %s", ignored.text);
    }
    for (size_t m = 0; m < n; m++)
        ris_pattern_set(out->shape, pattern, m, out->state[m]);
    out->hash = ris_profile_hash(out->shape, pattern);
    return OK;
}

int profile_load(struct ris_client *client, size_t board, const struct profile *profile,
                 struct status *err)
{
    uint8_t plus[RIS_PATTERN_MAX] = {0}, minus[RIS_PATTERN_MAX] = {0};
    const size_t n = (size_t)profile->shape.columns * profile->shape.rows;
    for (size_t m = 0; m < n; m++)
        ris_pattern_set(profile->shape, plus, m, profile->state[m]);
    ris_pattern_flip(profile->shape, plus, minus);
    uint64_t hash = 0;
    if (ris_client_disarm(client, board, err) ||
        ris_client_load(client, board, PROFILE_SLOT_PLUS, profile->shape, plus, &hash, err) ||
        ris_client_load(client, board, PROFILE_SLOT_MINUS, profile->shape, minus, NULL, err) ||
        ris_client_apply(client, board, PROFILE_SLOT_PLUS, RIS_NOW, err) ||
        ris_client_trigger(client, board, RIS_TRIGGER_RISING, err))
        return err->code;
    if (hash != profile->hash)
        return status_set(err, ERR_FORMAT,
                          "board %zu holds another profile than was sent: check its link", board);
    return OK;
}

struct ris_arm profile_sequence(const struct bs_cfg *cfg, const struct schedule *s, size_t board)
{
    struct ris_arm arm = {
        .delay_ns = (uint32_t)llround(cfg->ris.latch_delay_s * 1e9),
        .period_ns = (uint32_t)llround((double)s->slot * 1e9 / (double)s->rate),
        .idle = PROFILE_SLOT_PLUS,
        .n_edges = 2,
        .n_steps = STREAM_CODE_LEN,
        .reps = {(uint16_t)cfg->waveform.code_reps, 1},
    };
    for (size_t k = 0; k < STREAM_CODE_LEN; k++)
        arm.steps[k] =
            stream_code(STREAM_RIS1 + board, k) > 0 ? PROFILE_SLOT_PLUS : PROFILE_SLOT_MINUS;
    return arm;
}
