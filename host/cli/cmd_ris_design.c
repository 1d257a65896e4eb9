/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mirador ris design: profiles from geometry, and how well they light the room. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/options.h"
#include "dsp/ris_design.h"
#include "host/cli/cmd_ris.h"
#include "host/cli/ris_file.h"
#include "host/cli/ris_place.h"
#include "host/cli/ris_plot.h"

enum kind { KIND_FOCUS, KIND_WIDE, KIND_CODEBOOK, KIND_STATIC, KINDS };
static const char *const kind_names[KINDS] = {"focus", "wide", "codebook", "static"};

#define CELLS_MAX   16
#define HEIGHTS_MAX 9

struct design_job {
    const char *scene, *ris, *out;
    int kind; /* enum kind */
    double bits, cells, columns, rows;
    double states[2 * RIS_STATES_MAX];                  /* amplitude and phase of each */
    size_t n_states;                                    /* numbers of these, 0 = ideal ones */
    double point_m[3], x_m[2], y_m[2], z_m[2], heights; /* NaN = not given */
    bool no_plot;
};

static const struct option_spec specs[] = {
    {"scene", 0, "NAME|FILE", "scene that the surface hangs in (lab)"},
    {"ris", 'r', "NAME", "surface of the scene, e.g. RIS1"},
    {"kind", 'k', "KIND", "focus, wide (default), codebook, or static: by [S1] (14) for one place"},
    {"bits", 'b', "N", "1, 2 or 3 bits an element (the board's)"},
    {"states", 0, "A,P,A,P,…", "amplitude and phase [rad] of each state, as measured (ideal)"},
    {"point", 0, "X,Y,Z", "focus, static: the user's place [m] (middle of the region)"},
    {"cells", 0, "N", "codebook: N x N focused beams (4)"},
    {"region-x", 0, "MIN,MAX", "region to light [m] (inner half of the room)"},
    {"region-y", 0, "MIN,MAX", "the same in y"},
    {"region-z", 0, "MIN,MAX", "heights [m] (1.2)"},
    {"heights", 0, "N", "levels of the region between the two heights (1, or 5 if they differ)"},
    {"columns", 0, "N", "elements of another board than the scene's"},
    {"rows", 0, "N", "the same"},
    {"out", 'o', "PREFIX", "write PREFIX.json, .csv, .png, .svg (RIS-KIND-Nbit)"},
    {"no-plot", 0, NULL, "no figure, only PREFIX.json and PREFIX.csv"},
};

static int numbers(const char *name, const char *text, double *out, int n, struct status *err)
{
    const char *at = text;
    for (int i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(at, &end);
        if (end == at || *end != (i + 1 < n ? ',' : 0) || !isfinite(out[i]))
            return status_set(err, ERR_ARG, "--%s takes %d numbers with commas, not '%.40s'", name,
                              n, text);
        at = end + 1;
    }
    return OK;
}

static int apply_kind(const char *value, struct design_job *job, struct status *err)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(value, kind_names[i]) == 0) {
            job->kind = i;
            return OK;
        }
    return status_set(err, ERR_ARG, "--kind: focus, wide, codebook or static, not '%.40s'", value);
}

static int apply_states(const char *text, struct design_job *job, struct status *err)
{
    size_t n = 1;
    for (const char *c = text; *c; c++)
        n += *c == ',';
    job->n_states = n;
    if (n != 4 && n != 8 && n != 16)
        return status_set(err, ERR_ARG,
                          "--states takes amplitude and phase of 2, 4 or 8 states, not %zu numbers",
                          n);
    return numbers("states", text, job->states, (int)n, err);
}

static int whole(const char *name, const char *value, double max, double *out, struct status *err)
{
    int rc = option_double(name, value, 1, max, out, err);
    if (rc == OK && *out != floor(*out))
        rc = status_set(err, ERR_ARG, "--%s takes a whole number, not '%.40s'", name, value);
    return rc;
}

static int apply(void *context, const char *name, const char *value, struct status *err)
{
    struct design_job *job = context;
    const struct {
        const char *name;
        double *to;
        double max; /* 0 = text */
        const char **text;
        int n;
    } table[] = {
        {"scene", NULL, 0, &job->scene, 0},
        {"ris", NULL, 0, &job->ris, 0},
        {"out", NULL, 0, &job->out, 0},
        {"bits", &job->bits, RIS_BITS_MAX, NULL, 0},
        {"cells", &job->cells, CELLS_MAX, NULL, 0},
        {"heights", &job->heights, HEIGHTS_MAX, NULL, 0},
        {"columns", &job->columns, RIS_SIDE_MAX, NULL, 0},
        {"rows", &job->rows, RIS_SIDE_MAX, NULL, 0},
        {"point", job->point_m, 0, NULL, 3},
        {"region-x", job->x_m, 0, NULL, 2},
        {"region-y", job->y_m, 0, NULL, 2},
        {"region-z", job->z_m, 0, NULL, 2},
    };
    if (strcmp(name, "kind") == 0)
        return apply_kind(value, job, err);
    if (strcmp(name, "states") == 0)
        return apply_states(value, job, err);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].n > 0)
            return numbers(name, value, table[i].to, table[i].n, err);
        if (table[i].to != NULL)
            return whole(name, value, table[i].max, table[i].to, err);
        *table[i].text = value;
        return OK;
    }
    job->no_plot = true;
    return OK;
}

static int set_range(const char *what, const double from[2], double to[2], struct status *err)
{
    if (isnan(from[0]))
        return OK;
    if (from[0] > from[1])
        return status_set(err, ERR_ARG, "--region-%s: the first number is the smaller one", what);
    memcpy(to, from, 2 * sizeof *to);
    return OK;
}

/* Ideal states take the place of the scene's where other bits are asked for. */
static int set_states(const struct design_job *job, struct ris_place *place, struct status *err)
{
    if (!isnan(job->bits) && (unsigned)job->bits != place->bits) {
        place->bits = (unsigned)job->bits;
        place->table = ris_states_ideal(place->bits);
    }
    if (job->n_states == 0)
        return OK;
    if (ris_states_measured(job->states, job->n_states, &place->table) != OK)
        return status_set(err, ERR_ARG,
                          "--states: amplitudes are 0 to 1.5, and the states must differ");
    if (!isnan(job->bits) && place->table.bits != place->bits)
        return status_set(err, ERR_ARG, "--states: these are for %u bits, not %u",
                          place->table.bits, place->bits);
    place->bits = place->table.bits;
    return OK;
}

/* What the command line says over what the scene says. */
static int adjust(const struct design_job *job, struct ris_place *place, struct status *err)
{
    struct ris_region *r = &place->region;
    if (set_range("x", job->x_m, r->x_m, err) || set_range("y", job->y_m, r->y_m, err) ||
        set_range("z", job->z_m, r->z_m, err))
        return err->code;
    if (set_states(job, place, err))
        return err->code;
    if (!isnan(job->columns))
        place->panel.columns = (size_t)job->columns;
    if (!isnan(job->rows))
        place->panel.rows = (size_t)job->rows;
    r->n_z = r->z_m[0] < r->z_m[1] ? 5 : 1;
    if (!isnan(job->heights) && r->z_m[0] < r->z_m[1])
        r->n_z = (size_t)job->heights;
    struct ris_shape shape = {(uint8_t)place->panel.columns, (uint8_t)place->panel.rows,
                              (uint8_t)place->bits};
    if (!ris_shape_valid(shape))
        return status_set(err, ERR_ARG, "%zu x %zu elements of %u bits are too many for a board",
                          place->panel.columns, place->panel.rows, place->bits);
    return OK;
}

/* ---- the kinds; states: [profiles x elements] ---- */

static struct vec3 place_of_user(const struct design_job *job, const struct ris_region *r)
{
    if (!isnan(job->point_m[0]))
        return (struct vec3){job->point_m[0], job->point_m[1], job->point_m[2]};
    return (struct vec3){(r->x_m[0] + r->x_m[1]) / 2, (r->y_m[0] + r->y_m[1]) / 2,
                         (r->z_m[0] + r->z_m[1]) / 2};
}

/* The grid's point nearest to the one asked for: a focus serves its neighbourhood. */
static size_t focus_index(struct vec3 at, const struct ris_model *model)
{
    size_t best = 0;
    for (size_t i = 1; i < ris_model_points(model); i++)
        if (vec3_dist(ris_model_point(model, i), at) <
            vec3_dist(ris_model_point(model, best), at) - 1e-9)
            best = i;
    return best;
}

static int design_wide(const struct ris_place *place, uint8_t *states, struct status *err)
{
    struct ris_place coarse = *place;
    if (coarse.region.n_z > 1)
        coarse.region.n_z = 3;
    struct ris_model *model = ris_place_model(&coarse, RIS_WIDE_GRID, err);
    int rc = model != NULL ? ris_wide_profile(model, &place->table, states) : err->code;
    ris_model_destroy(&model);
    return rc;
}

static int design_codebook(const struct ris_place *place, size_t q, uint8_t *states,
                           struct status *err)
{
    struct ris_place cells = *place;
    cells.region.z_m[0] = cells.region.z_m[1] = (place->region.z_m[0] + place->region.z_m[1]) / 2;
    cells.region.n_z = 1;
    cells.region = ris_region_cells(&cells.region, q);
    struct ris_model *model = ris_place_model(&cells, q, err);
    int rc = model != NULL ? ris_codebook(model, &place->table, states) : err->code;
    ris_model_destroy(&model);
    return rc;
}

struct design {
    struct ris_place place;
    size_t n; /* profiles */
    size_t elements;
    uint8_t *states;  /* [n x elements] */
    double *level_db; /* [points] best of the profiles */
    struct ris_coverage cover;
    double seconds;
};

static int design_states(const struct design_job *job, struct design *d, struct ris_model *model,
                         struct status *err)
{
    const struct vec3 user = place_of_user(job, &d->place.region);
    int rc;
    switch (job->kind) {
    case KIND_FOCUS:
        rc = ris_focus_profile(model, focus_index(user, model), &d->place.table, d->states);
        break;
    case KIND_STATIC:
        rc = ris_static_profile(model, d->place.antenna, d->place.n_antenna, user, &d->place.table,
                                d->states);
        break;
    case KIND_WIDE:
        rc = design_wide(&d->place, d->states, err);
        break;
    default:
        rc = design_codebook(&d->place, (size_t)job->cells, d->states, err);
    }
    if (rc != OK && err->code == OK)
        status_set(err, rc, "%s: the design failed (%s); is the region in front of the surface?",
                   d->place.ris, status_name(rc));
    return rc;
}

static int design_run(const struct design_job *job, struct design *d, struct status *err)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct ris_model *model = ris_place_model(&d->place, RIS_PLACE_GRID, err);
    if (model == NULL)
        return err->code;
    d->n = job->kind == KIND_CODEBOOK ? (size_t)(job->cells * job->cells) : 1;
    d->elements = ris_model_elements(model);
    d->states = malloc(d->n * d->elements);
    d->level_db = malloc(ris_model_points(model) * sizeof *d->level_db);
    cplx *gamma = malloc(d->n * d->elements * sizeof *gamma);
    int rc = ERR_NO_MEMORY;
    if (d->states != NULL && d->level_db != NULL && gamma != NULL)
        rc = design_states(job, d, model, err);
    else
        status_set(err, rc, "no memory for %zu profiles of %zu elements", d->n, d->elements);
    if (rc == OK) {
        ris_profile_gamma(d->states, d->n * d->elements, &d->place.table, gamma);
        ris_model_coverage_best(model, gamma, d->n, d->level_db, &d->cover);
    }
    free(gamma);
    ris_model_destroy(&model);
    clock_gettime(CLOCK_MONOTONIC, &to);
    d->seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    return rc;
}

/* ---- what comes out ---- */

static int write_profiles(const struct design_job *job, const struct design *d, const char *prefix,
                          char *path, size_t size, struct status *err)
{
    static struct ris_file file;
    memset(&file, 0, sizeof file);
    snprintf(file.ris, sizeof file.ris, "%s", d->place.ris);
    snprintf(file.board, sizeof file.board, "%s", d->place.board);
    file.shape = (struct ris_shape){(uint8_t)d->place.panel.columns, (uint8_t)d->place.panel.rows,
                                    (uint8_t)d->place.bits};
    file.n = d->n;
    for (size_t i = 0; i < d->n; i++) {
        struct ris_file_profile *p = &file.profiles[i];
        if (job->kind == KIND_CODEBOOK)
            snprintf(p->name, sizeof p->name, "codebook-%zu", i);
        else
            snprintf(p->name, sizeof p->name, "%s", kind_names[job->kind]);
        for (size_t m = 0; m < d->elements; m++)
            ris_pattern_set(file.shape, p->pattern, m, d->states[i * d->elements + m]);
    }
    snprintf(path, size, "%s.json", prefix);
    return ris_file_write(path, &file, err);
}

static double rounded(double db)
{
    return round(db * 1e4) / 1e4;
}

static void print_json(const struct design_job *job, const struct design *d, const char *profile,
                       const char *prefix, bool figure)
{
    char csv[512], png[512];
    snprintf(csv, sizeof csv, "%s.csv", prefix);
    snprintf(png, sizeof png, "%s.png", prefix);
    json_t *root = json_pack(
        "{ssss sssi sI sIsI sf sf sf sf sf ssss}", "scene", job->scene, "ris", d->place.ris, "kind",
        kind_names[job->kind], "bits", (int)d->place.bits, "profiles", (json_int_t)d->n, "columns",
        (json_int_t)d->place.panel.columns, "rows", (json_int_t)d->place.panel.rows, "median_db",
        rounded(d->cover.median_db), "p5_db", rounded(d->cover.p5_db), "min_db",
        rounded(d->cover.min_db), "max_db", rounded(d->cover.max_db), "seconds",
        round(d->seconds * 1e3) / 1e3, "profile", profile, "csv", csv);
    json_object_set_new(root, "figure", figure ? json_string(png) : json_null());
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

static void print_text(const struct design_job *job, const struct design *d, const char *profile,
                       bool figure, const char *prefix)
{
    const struct ris_region *r = &d->place.region;
    printf("%s %s, %zu x %zu elements of %u bit%s%s: %.2f s\n", d->place.ris, kind_names[job->kind],
           d->place.panel.columns, d->place.panel.rows, d->place.bits, d->place.bits > 1 ? "s" : "",
           d->n > 1 ? ", best of the beams" : "", d->seconds);
    printf("x %g..%g, y %g..%g, z %g..%g m, %zu x %zu x %zu points, under focus:\n", r->x_m[0],
           r->x_m[1], r->y_m[0], r->y_m[1], r->z_m[0], r->z_m[1], r->n_x, r->n_y, r->n_z);
    printf("  median_db %8.2f\n  p5_db     %8.2f\n  min_db    %8.2f\n", d->cover.median_db,
           d->cover.p5_db, d->cover.min_db);
    printf("profile %s, heat map %s.csv%s%s%s\n", profile, prefix, figure ? ", " : "",
           figure ? prefix : "", figure ? ".png, .svg" : "");
}

static int deliver(const struct design_job *job, const struct design *d, bool json,
                   struct status *err)
{
    char prefix[400], profile[420], title[160];
    if (job->out != NULL)
        snprintf(prefix, sizeof prefix, "%s", job->out);
    else
        snprintf(prefix, sizeof prefix, "%s-%s-%ubit", d->place.ris, kind_names[job->kind],
                 d->place.bits);
    int rc = write_profiles(job, d, prefix, profile, sizeof profile, err);
    if (rc)
        return rc;
    snprintf(title, sizeof title, "%s %s, %u bit: median %.1f dB, 5 %% %.1f dB", d->place.ris,
             kind_names[job->kind], d->place.bits, d->cover.median_db, d->cover.p5_db);
    rc = ris_plot_levels(prefix, job->no_plot ? NULL : title, &d->place.region, d->level_db, err);
    if (rc == ERR_NOT_FOUND) /* the job is done; the figure is an extra */
        fprintf(stderr, "mirador ris design: %s\n", err->text);
    else if (rc)
        return rc;
    bool figure = rc == OK && !job->no_plot;
    if (json)
        print_json(job, d, profile, prefix, figure);
    else
        print_text(job, d, profile, figure, prefix);
    return OK;
}

int cmd_ris_design(int argc, char **argv)
{
    static struct design d;
    struct design_job job = {.scene = "lab",
                             .kind = KIND_WIDE,
                             .bits = NAN,
                             .cells = 4,
                             .columns = NAN,
                             .rows = NAN,
                             .heights = NAN,
                             .point_m = {NAN, NAN, NAN},
                             .x_m = {NAN, NAN},
                             .y_m = {NAN, NAN},
                             .z_m = {NAN, NAN}};
    struct options opt;
    struct status err = {0};
    const struct options_cfg cfg = {
        .program = "mirador ris design",
        .synopsis = "Computes profiles for a surface of a scene and how well they light the room.",
        .specs = specs,
        .n_specs = sizeof specs / sizeof *specs,
        .json = true,
        .apply = apply,
        .context = &job,
    };
    int code = options_parse(&cfg, argc, argv, &opt);
    if (code >= 0)
        return code;
    int rc = job.ris != NULL ? ris_place_find(job.scene, job.ris, &d.place, &err)
                             : status_set(&err, ERR_ARG, "which surface? give --ris NAME");
    if (rc == OK)
        rc = adjust(&job, &d.place, &err);
    if (rc == OK)
        rc = design_run(&job, &d, &err);
    if (rc == OK)
        rc = deliver(&job, &d, opt.json, &err);
    free(d.states);
    free(d.level_db);
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "mirador ris design: %s\n", err.text);
    return rc == ERR_ARG || rc == ERR_NOT_FOUND || rc == ERR_GEOMETRY ? EXIT_USAGE : EXIT_FAILED;
}
