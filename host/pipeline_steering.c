/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mode steering: the surfaces stand still in a burst, so that all paths lie in one stream, and
 * where they come from says which is which. [S1] (35), (36). */
#include "dsp/array.h"
#include "dsp/music.h"
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>

#define LATER_M     0.3  /* no way over a surface is as short as the direct one */
#define REST_DB     10.0 /* a path over a surface stands this far out of what no path explains */
#define AGREES      0.08 /* sine of the user's angle: 5 degrees, 0.4 m at 5 m */
#define MAX_SIGMA_M 1.0  /* a length known worse than this, */
#define MAX_SIGMA   0.01 /* and worse than this share of a chip c / (K spacing), was not found */

enum { USER, RIS1, RIS2 }; /* sources, and paths */

static void lay_array(struct pipeline *p)
{
    struct path_id_array *array = &p->steering.array;
    array->n = p->cfg.radio.n_rx;
    array->centre = p->fix.anchors.rx;
    array->wavelength_m = SPEED_OF_LIGHT / p->cfg.radio.carrier_hz;
    for (size_t j = 0; j < array->n; j++)
        array->element[j] = bs_config_antenna(&p->cfg, j);
}

bool pipeline_steering_create(struct pipeline *p, struct status *err)
{
    struct delay_angle_cfg cfg = {
        .n_ant = p->cfg.radio.n_rx,
        .n_carrier = p->wave.k,
        .spacing_hz = waveform_spacing_hz(&p->wave),
        .wavelength_m = SPEED_OF_LIGHT / p->cfg.radio.carrier_hz,
    };
    if (cfg.n_ant < 2) /* and never asked for: bs_config_identity */
        return true;
    lay_array(p);
    pipeline_antennas(p, cfg.element_m);
    p->steering.fit = delay_angle_create(&cfg, err);
    return p->steering.fit != NULL;
}

/* Each path from its surface, and from the user by the way round. */
static struct delay_angle_model model_of(const struct pipeline *p, double direct_m)
{
    struct delay_angle_model m = {.n_source = 3, .n_path = 3};
    m.source[USER] = (struct delay_angle_source){.range_m = fmax(direct_m / 2, 0.5)};
    m.path[USER] = (struct delay_angle_path){p->gate[USER], 1, {USER}};
    for (size_t k = 0; k < BS_RIS; k++) {
        const struct vec3 to = vec3_sub(p->fix.anchors.ris[k], p->fix.anchors.rx);
        m.source[RIS1 + k] =
            (struct delay_angle_source){vec3_sine(to, pipeline_axis(p), NULL), vec3_norm(to), true};
        m.path[RIS1 + k] = (struct delay_angle_path){p->gate[RIS1 + k], 2, {RIS1 + k, USER}};
        m.path[RIS1 + k].gate.min_m = fmax(p->gate[RIS1 + k].min_m, direct_m + LATER_M);
    }
    return m;
}

/* --- one stream ------------------------------------------------------------------------------ */

static enum background_kind empty_streams(struct pipeline *p, size_t n)
{
    const size_t stride = p->cfg.radio.n_rx * p->wave.k;
    enum background_kind worst = BACKGROUND_EMPTY_ROOM;
    for (size_t i = 0; i < n; i++) {
        const enum stream_name h = STREAM_STATIC + i;
        cplxf *w = p->w + h * stride;
        enum background_kind kind =
            background_subtract(p->background, h, pipeline_stream_config(p, h), w, w);
        worst = kind > worst ? kind : worst;
    }
    return worst;
}

/* What the streams of coded bursts know of the empty room makes up the room of a still burst. */
static bool subtract_coded(struct pipeline *p)
{
    const size_t len = p->cfg.radio.n_rx * p->wave.k;
    for (size_t i = 0; i < N_STREAM; i++)
        if (!background_valid(p->background, STREAM_STATIC + i,
                              pipeline_coded_config(p, STREAM_STATIC + i)))
            return false;
    for (size_t i = 0; i < N_STREAM; i++) {
        background_export(p->background, STREAM_STATIC + i,
                          pipeline_coded_config(p, STREAM_STATIC + i), p->v);
        for (size_t k = 0; k < len; k++)
            p->w[k] -= p->v[k];
    }
    return true;
}

/* p->w[STREAM_STATIC] becomes what all surfaces and the user send, without the empty room. */
static enum background_kind one_stream(struct pipeline *p)
{
    const size_t len = p->cfg.radio.n_rx * p->wave.k;
    if (p->pending.plan.still) {
        bool own = background_valid(p->background, STREAM_STATIC,
                                    pipeline_stream_config(p, STREAM_STATIC));
        return !own && subtract_coded(p) ? BACKGROUND_EMPTY_ROOM : empty_streams(p, 1);
    }
    enum background_kind kind = empty_streams(p, N_STREAM);
    for (size_t h = STREAM_RIS1; h < STREAM_COUNT; h++)
        for (size_t k = 0; k < len; k++)
            p->w[k] += p->w[h * len + k];
    return kind;
}

/* --- its paths ------------------------------------------------------------------------------- */

static double path_snr_db(const struct pipeline *p, const struct delay_angle_fit *fit, size_t i)
{
    const double n = (double)(p->cfg.radio.n_rx * p->wave.k);
    const double power = cplx_norm(fit->amp[i][0]) + (i ? cplx_norm(fit->amp[i][1]) : 0);
    return 10 * log10(fmax(power * n / fmax(fit->noise_var, 1e-30), 1e-30));
}

static double worst_sigma_m(const struct pipeline *p)
{
    const double chip_m = SPEED_OF_LIGHT / ((double)p->wave.k * waveform_spacing_hz(&p->wave));
    return fmax(MAX_SIGMA_M, MAX_SIGMA * chip_m);
}

static void report_path(const struct pipeline *p, size_t i, struct report_path *path)
{
    const struct delay_angle_fit *fit = &p->steering.paths;
    const struct toa_gate *gate = &p->steering.model.path[i].gate;
    path->length_m = fit->length_m[i];
    path->sigma_m = fit->sigma_m[i];
    path->snr_db = path_snr_db(p, fit, i);
    path->peak_db = 10 * log10(fmax(cplx_norm(fit->amp[i][0]) / fmax(fit->rest[i], 1e-30), 1e-30));
    path->found = path->snr_db >= p->cfg.estimate.min_peak_db && path->sigma_m > 0 &&
                  (i == USER || path->peak_db >= REST_DB) && path->sigma_m < worst_sigma_m(p) &&
                  path->length_m >= gate->min_m && path->length_m <= gate->max_m;
}

/* Where no surface's path stands out, the echo is the only one, and its arrival is known better
 * than the joint fit, which shares a chip among three, can say. */
static void report_echo_alone(const struct pipeline *p, const struct toa *echo,
                              struct cycle_report *r)
{
    struct report_path *path = &r->path[PATH_L1];
    if (r->path[PATH_L2].found || r->path[PATH_L3].found)
        return;
    pipeline_note_path(path, echo);
    path->found = path->sigma_m < worst_sigma_m(p);
}

/* Snapshots of one path over the carriers, the others taken off: its antenna vector's subspace. */
static void match_by_music(struct pipeline *p, struct path_id_path *path)
{
    const size_t n = p->steering.array.n, K = p->wave.k;
    const struct delay_angle_fit *fit = &p->steering.paths;
    for (size_t i = 0; i < PATH_ID_NAMES; i++) {
        struct music music;
        delay_angle_isolate(p->steering.fit, &p->steering.model, p->w, fit, i, p->steering.snap);
        if (music_split(&music, p->steering.snap, K, n, 1))
            continue;
        for (size_t k = 0; k < PATH_ID_RIS; k++) {
            cplxf a[TOA_MAX_ANT];
            array_steer(p->steering.array.element, n, p->steering.array.centre,
                        p->fix.anchors.ris[k], p->steering.array.wavelength_m, a);
            path[i].match[k] = (float)music_match(&music, a);
        }
    }
}

static void look_at_antennas(struct pipeline *p)
{
    struct steering *s = &p->steering;
    cplxf vector[DELAY_ANGLE_PATHS][TOA_MAX_ANT];
    delay_angle_vectors(s->fit, &s->model, p->w, &s->paths, vector);
    for (size_t i = 0; i < PATH_ID_NAMES; i++) {
        s->path[i] = (struct path_id_path){.length_m = s->paths.length_m[i]};
        memcpy(s->path[i].amp, vector[i], s->array.n * sizeof vector[i][0]);
    }
    path_id_match(&s->array, &p->fix.anchors, s->path, PATH_ID_NAMES);
    if (p->cfg.identity.by == BS_BY_MUSIC)
        match_by_music(p, s->path);
}

void pipeline_steer(struct pipeline *p, struct cycle_report *r)
{
    struct steering *s = &p->steering;
    struct toa *echo = &p->toa_of[USER];
    const enum background_kind kind = one_stream(p);
    const size_t tries = p->cfg.radio.n_rx > 3 ? 1 : 3;
    s->found = false;
    r->steering = true;
    for (size_t i = 0; i < N_STREAM; i++)
        r->path[PATH_L1 + i].adaptive = kind != BACKGROUND_EMPTY_ROOM;
    r->background_valid = kind == BACKGROUND_EMPTY_ROOM;
    if (kind == BACKGROUND_SETTLING)
        return;
    int rc = toa_estimate(p->toa, p->w, &p->gate[USER], 0, echo);
    memcpy(r->profile[USER], toa_profile(p->toa), sizeof r->profile[USER]);
    r->path[PATH_L1].snr_db = echo->snr_db;
    if (rc)
        return;
    s->array.wavelength_m = SPEED_OF_LIGHT / p->cfg.radio.carrier_hz;
    delay_angle_tune(s->fit, s->array.wavelength_m);
    s->model = model_of(p, echo->length_m);
    if (delay_angle_estimate(s->fit, &s->model, p->w, tries, &s->paths))
        return;
    s->found = true;
    for (size_t i = 0; i < N_STREAM; i++)
        report_path(p, i, &r->path[PATH_L1 + i]);
    report_echo_alone(p, echo, r);
    if (p->cfg.identity.by != BS_BY_FIT)
        look_at_antennas(p);
}

/* --- their names ------------------------------------------------------------------------------ */

void pipeline_steering_name(struct pipeline *p, struct cycle_report *r, const struct vec3 *hint)
{
    struct steering *s = &p->steering;
    struct report_path seen[PATH_ID_NAMES];
    struct path_id id;
    if (!s->found || p->cfg.identity.by == BS_BY_FIT || r->height_sigma_m <= 0)
        return;
    struct path_id_range range = {
        .array = &s->array,
        .anchors = &p->fix.anchors,
        .height = {r->height_m, r->height_sigma_m, true},
        .sigma_m = hypot(p->cfg.estimate.sigma_direct_m, p->cfg.estimate.sigma_ris_m),
    };
    if (hint) {
        range.hint = *hint;
        range.hint_sigma_m = 0.5;
    }
    path_id_assign(s->path, PATH_ID_NAMES, &range, &id);
    memcpy(seen, &r->path[PATH_L1], sizeof seen);
    for (size_t i = 0; i < PATH_ID_NAMES; i++)
        r->path[PATH_L1 + i] = seen[id.path[i]];
}

/* What was taken for paths over the surfaces was something else. */
static void withdraw_names(struct cycle_report *r)
{
    for (size_t k = 0; k < BS_RIS; k++)
        r->path[PATH_L2 + k].found = false;
}

int pipeline_steering_map(struct pipeline *p, struct cycle_report *r)
{
    if (!p->map || !p->steering.found || !r->path[PATH_L1].found || r->path[PATH_L1].adaptive ||
        r->height_sigma_m <= 0)
        return ERR_ARG;
    const int rc = pipeline_map_still(p, p->steering.paths.sine[USER], r);
    if (rc == OK)
        withdraw_names(r);
    return rc;
}

/* The echo is the one path that cannot be taken for another, and its angle is known well: a
 * position that leaves it out, or lies in another direction, was made of wrong paths. */
bool pipeline_steering_agrees(const struct pipeline *p, const struct cycle_report *r)
{
    const struct vec3 to = vec3_sub(r->fix.position, p->fix.anchors.rx);
    const double off = p->steering.paths.sine[USER] - vec3_sine(to, pipeline_axis(p), NULL);
    return (r->fix.used & ROW_BIT(ROW_L1)) != 0 &&
           fabs(off) < AGREES + 3 * p->steering.paths.sigma_sine[USER];
}

void pipeline_identify(struct pipeline *p, enum bs_identity identity)
{
    atomic_store(&p->identity, identity);
}

enum bs_identity pipeline_identity(const struct pipeline *p)
{
    return (enum bs_identity)atomic_load(&p->identity);
}
