/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Broken pixels: coarse search and beams, one thread, beside what the machine gives (steering,
 * zgemm) and what these should therefore cost. Searches start near the truth. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "bench.h"
#include "calib/jlfd_beam.h"
#include "calib/near_field.h"
#include "tests/calib/jlfd_case.h"

struct stage {
    struct jlfd_case c;
    struct pixel_model *model;
    struct codebook_scratch *scratch;
    struct jlfd_beam *beam;
    struct pixel_estimate est;
    double start[3];
    cplx *rows;
};

static void build_book(void *ctx)
{
    struct stage *s = ctx;
    struct codebook *book = codebook_create(s->model);
    codebook_destroy(&book);
}

static void search_coarse(void *ctx)
{
    struct stage *s = ctx;
    struct codebook_hit hits[8];
    codebook_search(s->model->codebook, s->scratch, s->c.y, hits, 8);
}

static void run_beam(void *ctx)
{
    struct stage *s = ctx;
    struct jlfd_data data = {s->c.y, s->c.problem.noise_var, NULL};
    if (jlfd_beam_run_from(s->beam, &data, s->start, &s->est))
        abort();
}

static void run_whole(void *ctx)
{
    struct stage *s = ctx;
    struct jlfd_data data = {s->c.y, s->c.problem.noise_var, NULL};
    if (jlfd_beam_run(s->beam, &data, &s->est))
        abort();
}

static void steer(void *ctx)
{
    struct stage *s = ctx;
    for (int i = 0; i < 10; i++)
        steer_derivatives(&s->model->plane, s->start, s->rows);
}

static void sincos_only(void *ctx)
{
    struct stage *s = ctx;
    static double turns[4096];
    for (int i = 0; i < 4096; i++)
        turns[i] = 0.37 * i;
    near_field_phasors(turns, s->rows, 4096);
}

#define GEMM 192

static void gemm(void *ctx)
{
    static cplx a[GEMM * GEMM], b[GEMM * GEMM], c[GEMM * GEMM];
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    (void)ctx;
    cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM, GEMM, GEMM, one, a, GEMM, b, GEMM,
                zero, c, GEMM);
}

static void open_stage(struct stage *s, size_t side, size_t n_pilots, size_t n_failures)
{
    struct status err;
    jlfd_case_init(&s->c, &(struct jlfd_scene){side, side, n_pilots, 1});
    jlfd_case_mask(&s->c, n_failures, 1003);
    jlfd_case_noise(&s->c, 30, 500003);
    s->model = pixel_model_create(&s->c.problem, &err);
    if (!s->model)
        abort();
    s->scratch = codebook_scratch_create(s->model->codebook);
    s->rows = aligned_alloc(64, 64 + 10 * 4096 * sizeof *s->rows);
    s->beam = NULL;
    struct vec3 x = near_field_uvq(s->c.user_m);
    s->start[0] = x.x + 3e-4;
    s->start[1] = x.y - 3e-4;
    s->start[2] = x.z + 5e-3;
}

static void close_stage(struct stage *s)
{
    jlfd_beam_destroy(&s->beam);
    codebook_scratch_destroy(&s->scratch);
    pixel_model_destroy(&s->model);
    jlfd_case_free(&s->c);
    free(s->rows);
}

/* The median time of a beam of one width, and whether it found everything. */
static int beam_of(struct stage *s, const char *name, size_t width, double budget_ms)
{
    jlfd_beam_destroy(&s->beam);
    s->beam = jlfd_beam_create(s->model, &(struct jlfd_beam_cfg){width, width});
    int over = bench_report(name, 1e3 * bench_median_cpu_s(run_beam, s, 51), "ms", budget_ms);
    printf("  (%zu of %zu failures, explained: %s, %d evaluations)\n", s->est.n_failures,
           s->c.n_failures, s->est.explained ? "yes" : "no", s->est.iterations);
    return over;
}

struct machine {
    double element_s; /* one element of a, da/du, da/dv, da/dq */
    double flop_s;    /* of zgemm */
};

/* What a beam must cost: one expansion (10 rows) and about 5 exact evaluations (4 rows) by steering
 * and zgemm, and 3 + 2 width directions per declared pixel by correlation with all pixels. */
static void print_model(const struct stage *s, const struct machine *m, size_t width)
{
    double el = (double)s->model->n_elements, t = (double)s->model->n_pilots;
    double rows = 10 + 5 * 4, k = (double)s->c.n_failures + 1;
    double steering = 6.5 * el * m->element_s, products = 8 * rows * el * t * m->flop_s;
    double sweeps = 8 * (6 + 2 * (double)width * k) * el * t * 0.5 * m->flop_s;
    printf("  (cost model: steering %.3f + gemm %.3f + sweeps %.3f = %.3f ms)\n", 1e3 * steering,
           1e3 * products, 1e3 * sweeps, 1e3 * (steering + products + sweeps));
}

static int small_surface(const struct machine *m)
{
    struct stage s;
    int over = 0;
    open_stage(&s, 20, 20, 4);
    printf("20 x 20, T = 20, K = 4, codebook of %zu points\n", codebook_points(s.model->codebook));
    over += bench_report("codebook 20x20", 1e3 * bench_median_cpu_s(build_book, &s, 11), "ms", 20);
    over +=
        bench_report("coarse 20x20", 1e3 * bench_median_cpu_s(search_coarse, &s, 51), "ms", 0.5);
    over += beam_of(&s, "beam 1 20x20", 1, 0.4);
    print_model(&s, m, 1);
    over += beam_of(&s, "beam 5 20x20", 5, 3);
    print_model(&s, m, 5);
    over += bench_report("beam 5, no start", 1e3 * bench_median_cpu_s(run_whole, &s, 51), "ms", 5);
    close_stage(&s);
    return over;
}

static int large_surface(const struct machine *m)
{
    struct stage s;
    int over = 0;
    open_stage(&s, 64, 64, 8);
    printf("64 x 64, T = 64, K = 8, %zu points\n", codebook_points(s.model->codebook));
    over +=
        bench_report("coarse 64x64", 1e3 * bench_median_cpu_s(search_coarse, &s, 21), "ms", 100);
    over += beam_of(&s, "beam 1 64x64", 1, 6);
    print_model(&s, m, 1);
    over += beam_of(&s, "beam 5 64x64", 5, 30);
    print_model(&s, m, 5);
    close_stage(&s);
    return over;
}

int main(void)
{
    struct machine m;
    struct stage s;
    openblas_set_num_threads(1);
    open_stage(&s, 20, 20, 4);
    for (double start = bench_now_s(); bench_now_s() - start < 0.2;)
        gemm(NULL); /* until the clock has risen */
    m.element_s = bench_median_cpu_s(steer, &s, 101) / (10 * 400);
    m.flop_s = bench_median_cpu_s(gemm, NULL, 21) / (8.0 * GEMM * GEMM * GEMM);
    int over =
        bench_report("sincos pair", 1e9 * bench_median_cpu_s(sincos_only, &s, 101) / 4096, "ns", 6);
    over += bench_report("steering, 4 rows", 1e9 * m.element_s, "ns", 60);
    printf("%-28s %10.3f GFLOP/s\n", "zgemm", 1e-9 / m.flop_s);
    close_stage(&s);
    over += small_surface(&m);
    over += large_surface(&m);
    return over > 0;
}
