/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/background.h"
#include "dsp/fft.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    enum stream_name stream;
    uint64_t config;
    bool valid;       /* empty holds a captured background */
    size_t captured;  /* cycles in the running capture */
    size_t followed;  /* cycles the high-pass has seen */
    size_t since;     /* cycles since the background was captured or imported */
    cplxf *empty;     /* [n_ant x K] */
    cplxf *capturing; /* [n_ant x K] mean of the running capture */
    cplxf *slow;      /* [n_ant x K] what the high-pass takes for the room */
    cplx *tap_mean;   /* [n_ant x n_tap] delay taps watched for motion: the room's, then as many */
    double *tap_m2;   /* at delays that no path has; mean and sum of squared deviations */
};

struct background {
    struct background_cfg cfg;
    size_t len;    /* n_ant K */
    size_t n_room; /* delay taps of the room, and of the empty delays that they are compared to */
    size_t n_fft, n_entries;
    bool capturing;
    struct entry *entries;
    struct fft *to_delay;
    cplxf *padded, *delay; /* [n_fft] */
    float *window;         /* [K] */
    double *tap_power;     /* [n_ant x 2 n_room] of the drift */
};

static const char *complaint(const struct background_cfg *c)
{
    if (c->n_ant < 1 || c->n_ant > STREAM_MAX_ANT || c->n_carrier < 3 || c->n_carrier > 8191)
        return "background: n_ant must be 1 to 8, n_carrier 3 to 8191";
    if (!(c->spacing_hz > 0) || !(c->room_m > 0) ||
        !(c->room_m < SPEED_OF_LIGHT / c->spacing_hz / 4))
        return "background: room_m must be positive and below a quarter of the period of delay";
    if (c->max_entries < 1 || c->max_entries > 1024)
        return "background: max_entries must be 1 to 1024";
    if (c->min_cycles < 4)
        return "background: min_cycles must be at least 4";
    if (!(c->motion_ratio > 1) || !(c->forget > 0 && c->forget < 1))
        return "background: motion_ratio must be above 1, forget between 0 and 1";
    return NULL;
}

static bool allocate_entry(struct entry *e, size_t len, size_t taps)
{
    e->empty = fft_alloc(len * sizeof(cplxf));
    e->capturing = fft_alloc(len * sizeof(cplxf));
    e->slow = fft_alloc(len * sizeof(cplxf));
    e->tap_mean = fft_alloc(taps * sizeof(cplx));
    e->tap_m2 = fft_alloc(taps * sizeof(double));
    return e->empty && e->capturing && e->slow && e->tap_mean && e->tap_m2;
}

static bool allocate(struct background *bg)
{
    const struct background_cfg *c = &bg->cfg;
    bg->len = c->n_ant * c->n_carrier;
    bg->n_fft = fft_size(c->n_carrier < 8 ? 8 : c->n_carrier);
    double tap_m = SPEED_OF_LIGHT / (c->spacing_hz * (double)bg->n_fft);
    bg->n_room = (size_t)(c->room_m / tap_m) + 1;
    bg->to_delay = fft_create(bg->n_fft, 1, FFT_BACKWARD);
    bg->padded = fft_alloc(bg->n_fft * sizeof(cplxf));
    bg->delay = fft_alloc(bg->n_fft * sizeof(cplxf));
    bg->window = fft_alloc(c->n_carrier * sizeof(float));
    bg->tap_power = fft_alloc(2 * c->n_ant * bg->n_room * sizeof(double));
    bg->entries = fft_alloc(c->max_entries * sizeof(struct entry));
    bool ok = bg->to_delay && bg->padded && bg->delay && bg->window && bg->tap_power && bg->entries;
    for (size_t i = 0; ok && i < c->max_entries; i++)
        ok = allocate_entry(&bg->entries[i], bg->len, 2 * c->n_ant * bg->n_room);
    return ok;
}

struct background *background_create(const struct background_cfg *cfg, struct status *err)
{
    const char *text = complaint(cfg);
    struct background *bg = text ? NULL : calloc(1, sizeof *bg);
    if (bg) {
        bg->cfg = *cfg;
        if (!allocate(bg))
            background_destroy(&bg);
    }
    if (!bg) {
        if (err) {
            err->code = text ? ERR_ARG : ERR_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "%s", text ? text : "background: out of memory");
        }
        return NULL;
    }
    for (size_t k = 0; k < cfg->n_carrier; k++) {
        double x = 2 * PI * (double)k / (double)(cfg->n_carrier - 1);
        bg->window[k] = (float)(0.54 - 0.46 * cos(x));
    }
    return bg;
}

void background_destroy(struct background **bg)
{
    struct background *b = *bg;
    if (!b)
        return;
    for (size_t i = 0; b->entries && i < b->cfg.max_entries; i++) {
        fft_free(b->entries[i].empty);
        fft_free(b->entries[i].capturing);
        fft_free(b->entries[i].slow);
        fft_free(b->entries[i].tap_mean);
        fft_free(b->entries[i].tap_m2);
    }
    fft_destroy(&b->to_delay);
    fft_free(b->padded);
    fft_free(b->delay);
    fft_free(b->window);
    fft_free(b->tap_power);
    fft_free(b->entries);
    free(b);
    *bg = NULL;
}

static struct entry *find(const struct background *bg, enum stream_name h, uint64_t config)
{
    for (size_t i = 0; i < bg->n_entries; i++)
        if (bg->entries[i].stream == h && bg->entries[i].config == config)
            return &bg->entries[i];
    return NULL;
}

static struct entry *find_or_add(struct background *bg, enum stream_name h, uint64_t config)
{
    struct entry *e = find(bg, h, config);
    if (e || bg->n_entries == bg->cfg.max_entries)
        return e;
    e = &bg->entries[bg->n_entries++];
    e->stream = h;
    e->config = config;
    return e;
}

void background_begin(struct background *bg)
{
    bg->capturing = true;
    for (size_t i = 0; i < bg->n_entries; i++)
        bg->entries[i].captured = 0;
}

/* Delay profile of one antenna's row (minus another, if there is one) into bg->delay. */
static void to_delay(struct background *bg, const cplxf *row, const cplxf *minus)
{
    for (size_t k = 0; k < bg->cfg.n_carrier; k++)
        bg->padded[k] = (minus ? row[k] - minus[k] : row[k]) * bg->window[k];
    fft_run(bg->to_delay, bg->padded, bg->delay);
}

/* Value i of the watched taps: first the room's, then as many where nothing can be. */
static cplx watched_tap(const struct background *bg, size_t i)
{
    size_t tap = i < bg->n_room ? i : i + bg->n_room; /* a gap for what wraps around */
    return bg->delay[tap % bg->n_fft];
}

/* Welford's mean and squared deviation of every watched delay tap. */
static void watch_motion(struct background *bg, struct entry *e, const cplxf *w)
{
    size_t n_watched = 2 * bg->n_room;
    for (size_t a = 0; a < bg->cfg.n_ant; a++) {
        to_delay(bg, w + a * bg->cfg.n_carrier, NULL);
        for (size_t i = 0; i < n_watched; i++) {
            cplx *mean = &e->tap_mean[a * n_watched + i];
            cplx v = watched_tap(bg, i), before = v - *mean;
            *mean += before / (double)e->captured;
            e->tap_m2[a * n_watched + i] += creal(before * conj(v - *mean));
        }
    }
}

int background_add(struct background *bg, enum stream_name h, uint64_t config, const cplxf *w)
{
    if (!bg->capturing)
        return ERR_STATE;
    struct entry *e = find_or_add(bg, h, config);
    if (!e)
        return ERR_NO_SPACE;
    if (e->captured++ == 0) {
        memset(e->capturing, 0, bg->len * sizeof(cplxf));
        memset(e->tap_mean, 0, 2 * bg->cfg.n_ant * bg->n_room * sizeof(cplx));
        memset(e->tap_m2, 0, 2 * bg->cfg.n_ant * bg->n_room * sizeof(double));
    }
    float weight = 1.0f / (float)e->captured;
    for (size_t i = 0; i < bg->len; i++)
        e->capturing[i] += (w[i] - e->capturing[i]) * weight;
    watch_motion(bg, e, w);
    return OK;
}

/* Largest power of a room tap over the mean power where no path can be. power: [n_ant x 2 n_room]
 */
static double room_ratio(const struct background *bg, const double *power)
{
    double largest = 0, empty = 0;
    for (size_t i = 0; i < 2 * bg->n_room; i++) {
        double sum = 0;
        for (size_t a = 0; a < bg->cfg.n_ant; a++)
            sum += power[a * 2 * bg->n_room + i];
        if (i < bg->n_room)
            largest = fmax(largest, sum);
        else
            empty += sum / (double)bg->n_room;
    }
    if (empty > 0)
        return largest / empty;
    return largest > 0 ? INFINITY : 0; /* no noise at all: any change is motion */
}

static int refuse(const struct background *bg, const struct entry *e, struct status *err)
{
    double ratio = room_ratio(bg, e->tap_m2);
    int code = e->captured < bg->cfg.min_cycles   ? ERR_STATE
               : !(ratio <= bg->cfg.motion_ratio) ? ERR_BUSY
                                                  : OK;
    if (!err || code == OK)
        return code;
    err->code = code;
    if (code == ERR_STATE)
        snprintf(err->text, sizeof err->text,
                 "background: %zu cycles captured of stream %d, at least %zu are needed",
                 e->captured, (int)e->stream, bg->cfg.min_cycles);
    else
        snprintf(err->text, sizeof err->text,
                 "background: something moved in the room (stream %d, variance %.1f times that of"
                 " the noise): capture again when it is empty",
                 (int)e->stream, ratio);
    return code;
}

int background_finish(struct background *bg, struct status *err)
{
    size_t n_captured = 0;
    if (!bg->capturing)
        return ERR_STATE;
    bg->capturing = false;
    for (size_t i = 0; i < bg->n_entries; i++) {
        if (bg->entries[i].captured == 0)
            continue;
        int rc = refuse(bg, &bg->entries[i], err);
        if (rc)
            return rc;
        n_captured++;
    }
    for (size_t i = 0; i < bg->n_entries; i++) {
        struct entry *e = &bg->entries[i];
        if (e->captured == 0)
            continue;
        cplxf *t = e->empty;
        e->empty = e->capturing;
        e->capturing = t;
        e->valid = true;
        e->since = 0;
    }
    if (n_captured == 0 && err)
        *err = (struct status){ERR_STATE, "background: the capture saw no cycle"};
    return n_captured ? OK : ERR_STATE;
}

void background_abort(struct background *bg)
{
    bg->capturing = false;
}

void background_clear(struct background *bg)
{
    bg->capturing = false;
    bg->n_entries = 0;
    for (size_t i = 0; i < bg->cfg.max_entries; i++) {
        bg->entries[i].valid = false;
        bg->entries[i].captured = bg->entries[i].followed = 0;
    }
}

bool background_valid(const struct background *bg, enum stream_name h, uint64_t config)
{
    const struct entry *e = find(bg, h, config);
    return e && e->valid;
}

bool background_export(const struct background *bg, enum stream_name h, uint64_t config, cplxf *w)
{
    const struct entry *e = find(bg, h, config);
    if (!e || !e->valid)
        return false;
    memcpy(w, e->empty, bg->len * sizeof *w);
    return true;
}

int background_import(struct background *bg, enum stream_name h, uint64_t config, const cplxf *w)
{
    struct entry *e = find_or_add(bg, h, config);
    if (!e)
        return ERR_NO_SPACE;
    memcpy(e->empty, w, bg->len * sizeof *w);
    e->valid = true;
    e->since = 0;
    return OK;
}

double background_drift(struct background *bg, enum stream_name h, uint64_t config)
{
    const struct entry *e = find(bg, h, config);
    size_t n_watched = 2 * bg->n_room, n_carrier = bg->cfg.n_carrier;
    if (!e || !e->valid || e->since < bg->cfg.settle_cycles)
        return 0;
    for (size_t a = 0; a < bg->cfg.n_ant; a++) {
        to_delay(bg, e->slow + a * n_carrier, e->empty + a * n_carrier);
        for (size_t i = 0; i < n_watched; i++)
            bg->tap_power[a * n_watched + i] = cplx_norm(watched_tap(bg, i));
    }
    return room_ratio(bg, bg->tap_power);
}

enum background_kind background_subtract(struct background *bg, enum stream_name h, uint64_t config,
                                         const cplxf *w, cplxf *out)
{
    struct entry *e = find_or_add(bg, h, config);
    if (!e) {
        memmove(out, w, bg->len * sizeof *out);
        return BACKGROUND_SETTLING;
    }
    if (e->followed == 0)
        memset(e->slow, 0, bg->len * sizeof(cplxf));
    enum background_kind kind = e->valid                               ? BACKGROUND_EMPTY_ROOM
                                : e->followed >= bg->cfg.settle_cycles ? BACKGROUND_ADAPTIVE
                                                                       : BACKGROUND_SETTLING;
    const cplxf *room = e->valid ? e->empty : e->slow;
    /* The newest cycle joins the high-pass with its share of the mean, later with `forget`. */
    float weight = fmaxf(1.0f / (float)(e->followed + 1), (float)bg->cfg.forget);
    for (size_t i = 0; i < bg->len; i++) {
        cplxf now = w[i];
        out[i] = now - room[i];
        e->slow[i] += (now - e->slow[i]) * weight;
    }
    e->followed++;
    e->since++;
    return kind;
}

static void entry_state(const struct background *bg, struct entry *e, struct state_io *io)
{
    const size_t taps = 2 * bg->cfg.n_ant * bg->n_room;
    e->stream = state_choice(io, e->stream, STREAM_COUNT);
    state_u64(io, &e->config);
    state_flag(io, &e->valid);
    state_count(io, &e->captured, SIZE_MAX);
    state_count(io, &e->followed, SIZE_MAX);
    state_count(io, &e->since, SIZE_MAX);
    if (e->valid)
        state_cplxf(io, e->empty, bg->len);
    if (e->followed > 0)
        state_cplxf(io, e->slow, bg->len);
    if (bg->capturing && e->captured > 0) {
        state_cplxf(io, e->capturing, bg->len);
        state_bytes(io, e->tap_mean, taps * sizeof *e->tap_mean);
        state_bytes(io, e->tap_m2, taps * sizeof *e->tap_m2);
    }
}

void background_state(struct background *bg, struct state_io *io)
{
    if (io->mode == STATE_LOAD)
        background_clear(bg);
    state_flag(io, &bg->capturing);
    state_count(io, &bg->n_entries, bg->cfg.max_entries);
    for (size_t i = 0; i < bg->n_entries && io->rc == OK; i++)
        entry_state(bg, &bg->entries[i], io);
}

size_t background_state_max(const struct background *bg)
{
    const size_t arrays = 3 * bg->len * sizeof(cplxf),
                 taps = 2 * bg->cfg.n_ant * bg->n_room * (sizeof(cplx) + sizeof(double));
    return 16 + bg->cfg.max_entries * (6 * 8 + arrays + taps);
}
