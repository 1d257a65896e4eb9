/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fix, a tracker update and a look at a profile run once or a few times a cycle, of whose 20 ms
 * they may take next to nothing; a profile design may take 2 s. */
#include "bench.h"
#include "dsp/ris_design.h"
#include "dsp/rng.h"
#include "dsp/track.h"

enum { N_ELEMENT = 256, N_USER = 1000, BEAMS = 5 };

struct bench {
    struct fix_cfg fix;
    struct track_cfg track;
    struct vec3 user[N_USER];
    struct observation obs[N_USER][ROW_COUNT];
    struct fix result[N_USER];
    struct ris_model *fine, *wide, *beams;
    unsigned bits;
    struct ris_states table;
    double theta[N_ELEMENT];
    uint8_t states[BEAMS * BEAMS * N_ELEMENT];
    cplx gamma[N_ELEMENT];
    double sum;
};

static const struct anchors lab = {
    .tx = {0.5, 0.5, 2.5}, .rx = {0.5, 0.5, 2.2}, .ris = {{7, 1.5, 1.9}, {1, 6, 1.7}}};

static void check(int rc)
{
    if (rc < 0)
        abort();
}

static struct ris_model *lab_model(size_t grid)
{
    const double wavelength = SPEED_OF_LIGHT / 5.8e9;
    struct panel_cfg panel = {.position = lab.ris[0],
                              .normal =
                                  panel_bisector(lab.ris[0], lab.rx, (struct vec3){4, 4, 1.2}),
                              .up = {0, 0, 1},
                              .columns = 16,
                              .rows = 16,
                              .spacing_m = wavelength / 2};
    struct ris_model_cfg cfg = {
        .bs = lab.rx, .carrier_hz = 5.8e9, .region = {{2, 6}, {2, 6}, {1.2, 1.2}, grid, grid, 1}};
    struct status err;
    check(panel_init(&cfg.panel, &panel));
    struct ris_model *model = ris_model_create(&cfg, &err);
    check(err.code);
    return model;
}

/* Seven rows for users all over the lab, 0.25 m of noise. */
static void setup(struct bench *b)
{
    struct rng rng = rng_seed(1);
    b->fix = (struct fix_cfg){.anchors = lab, .room = {{0, 0, 0}, {8, 8, 3}}};
    b->track = (struct track_cfg){.anchors = lab};
    fix_cfg_defaults(&b->fix);
    track_cfg_defaults(&b->track);
    for (size_t t = 0; t < N_USER; t++) {
        double x = rng_u01(&rng), y = rng_u01(&rng), z = rng_u01(&rng);
        b->user[t] = (struct vec3){2 + 4 * x, 2 + 4 * y, 0.8 + z};
        for (int i = 0; i < ROW_COUNT; i++) {
            double n[2], sigma = i == ROW_H ? 0.03 : 0.25;
            double exact = fix_predict(&lab, (enum fix_row)i, b->user[t], NULL);
            rng_normal2(&rng, n);
            b->obs[t][i] = (struct observation){exact + sigma * n[0], sigma, true};
        }
    }
    b->table = ris_states_ideal(1);
    b->fine = lab_model(41);
    b->wide = lab_model(RIS_WIDE_GRID);
    b->beams = lab_model(BEAMS);
}

static void fixes(void *ctx)
{
    struct bench *b = ctx;
    for (size_t t = 0; t < N_USER; t++)
        b->sum += fix_solve(&b->fix, b->obs[t], &b->user[t], &b->result[t]);
}

static void updates(void *ctx)
{
    struct bench *b = ctx;
    struct track track;
    track_reset(&track);
    for (size_t t = 0; t < N_USER; t++)
        check(track_update(&b->track, &track, 0.2 * (double)t, b->obs[t], ROW_ALL, &b->result[t]));
    b->sum += track.x[0];
}

static void views(void *ctx)
{
    struct bench *b = ctx;
    for (size_t t = 0; t < N_USER; t++) {
        struct ris_view view;
        ris_model_view(b->fine, b->gamma, b->user[t], &view);
        b->sum += view.bias_m;
    }
}

static void focus(void *ctx)
{
    struct bench *b = ctx;
    check(ris_focus_profile(b->fine, ris_model_points(b->fine) / 2, &b->table, b->states));
}

static void codebook(void *ctx)
{
    struct bench *b = ctx;
    check(ris_codebook(b->beams, &b->table, b->states));
}

static void wide(void *ctx)
{
    struct bench *b = ctx;
    if (b->bits > 0)
        b->table = ris_states_ideal(b->bits);
    check(b->bits ? ris_wide_profile(b->wide, &b->table, b->states) : ris_wide(b->wide, b->theta));
}

/* Designs take long enough to be preempted for sure: their own CPU time counts. */
static double cpu_ms(void (*design)(void *), void *ctx)
{
    clock_t start = clock();
    design(ctx);
    return 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
}

static int bench_designs(struct bench *b)
{
    static const char *const names[] = {"wide profile, continuous", "wide profile, 1 bit",
                                        "wide profile, 2 bit", "wide profile, 3 bit"};
    int over = bench_report("focus, 1 bit", cpu_ms(focus, b), "ms", 2000);
    over |= bench_report("codebook of 25", cpu_ms(codebook, b), "ms", 2000);
    for (b->bits = 0; b->bits <= 3; b->bits++)
        over |= bench_report(names[b->bits], cpu_ms(wide, b), "ms", 2000);
    return over;
}

int main(void)
{
    static struct bench b;
    setup(&b);
    int over = bench_report("fix", bench_median_s(fixes, &b, 21) / N_USER * 1e6, "us", 50);
    over |=
        bench_report("tracker update", bench_median_s(updates, &b, 21) / N_USER * 1e6, "us", 50);
    ris_profile_gamma(b.states, N_ELEMENT, &b.table, b.gamma);
    over |=
        bench_report("view of a profile", bench_median_s(views, &b, 5) / N_USER * 1e6, "us", 200);
    over |= bench_designs(&b);
    ris_model_destroy(&b.fine);
    ris_model_destroy(&b.wide);
    ris_model_destroy(&b.beams);
    return over ? 1 : 0;
}
