/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/codebook.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_RANGES  4
#define UV_MAX    0.995
#define TILE      8
#define BATCH     64
#define MAX_BUILD 4294967296.0 /* flops */

struct codebook {
    const struct pixel_model *model;
    size_t n_u, n_v; /* grid of directions, step 2 / (n - 1) .. around 0 */
    double step_u, step_v;
    size_t n_points;
    bool tiled;
    uint32_t *at; /* [points] cell = (range * n_v + iv) * n_u + iu */
    cplxf *g;     /* [points x T] conjugated, unit norm; not tiled */
    cplxf *dft_u; /* [TILE x columns] exp(-j k x du); tiled */
    cplxf *dft_v; /* [TILE x rows] */
};

struct codebook_scratch {
    float *score; /* [ranges x n_v x n_u], 0 where there is no point */
    cplxf *corr;  /* [points], or z = conj(A^H y) [M] */
    cplxf *user;  /* [M] */
    cplxf *fold;  /* [TILE x columns] */
    cplx *exact;  /* [M] */
};

static double direction(double step, size_t n, size_t i)
{
    return step * ((double)i - 0.5 * (double)(n - 1));
}

static double inverse_range(const struct pixel_model *mod, size_t i)
{
    return mod->q_min + (mod->q_max - mod->q_min) * ((double)i + 0.5) / N_RANGES;
}

static void cell_uvq(const struct codebook *book, size_t cell, double uvq[3])
{
    size_t iu = cell % book->n_u, iv = cell / book->n_u % book->n_v;
    uvq[0] = direction(book->step_u, book->n_u, iu);
    uvq[1] = direction(book->step_v, book->n_v, iv);
    uvq[2] = inverse_range(book->model, cell / book->n_u / book->n_v);
}

static bool list_points(struct codebook *book)
{
    size_t cells = N_RANGES * book->n_u * book->n_v;
    book->at = malloc(cells * sizeof *book->at);
    for (size_t c = 0; book->at && c < cells; c++) {
        double x[3];
        cell_uvq(book, c, x);
        if (hypot(x[0], x[1]) <= UV_MAX)
            book->at[book->n_points++] = (uint32_t)c;
    }
    return book->at != NULL;
}

/* g of the points in batches: steering in float, one GEMM a batch, unit norm. */
static bool fill(struct codebook *book)
{
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    const struct pixel_model *mod = book->model;
    size_t m = mod->n_elements, t = mod->n_pilots;
    cplxf *a = malloc(BATCH * m * sizeof *a);
    book->g = malloc(book->n_points * t * sizeof *book->g);
    for (size_t p = 0; a && book->g && p < book->n_points; p += BATCH) {
        size_t n = book->n_points - p < BATCH ? book->n_points - p : BATCH;
        for (size_t i = 0; i < n; i++) {
            double x[3];
            cell_uvq(book, book->at[p + i], x);
            steer_user_f(&mod->plane, x, a + i * m);
        }
        cblas_cgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)t, (int)m, one, a,
                    (int)m, mod->af, (int)t, zero, book->g + p * t, (int)t);
    }
    for (size_t p = 0; a && book->g && p < book->n_points; p++) {
        cplxf *g = book->g + p * t;
        float sum = 0;
        for (size_t i = 0; i < t; i++)
            sum += cplxf_norm(g[i]);
        for (size_t i = 0; i < t; i++)
            g[i] = sum > 0 ? conjf(g[i]) / sqrtf(sum) : 0;
    }
    free(a);
    return a && book->g;
}

/* Rows of a separable DFT over one tile: elements along x and y, directions off the centre. */
static bool make_dft(struct codebook *book)
{
    const struct pixel_model *mod = book->model;
    book->dft_u = malloc(TILE * mod->columns * sizeof *book->dft_u);
    book->dft_v = malloc(TILE * mod->rows * sizeof *book->dft_v);
    if (!book->dft_u || !book->dft_v)
        return false;
    for (size_t i = 0; i < TILE; i++) {
        double off = (double)i - 0.5 * (TILE - 1);
        for (size_t c = 0; c < mod->columns; c++) {
            double ph = mod->plane.k * mod->plane.x[c] * off * book->step_u;
            book->dft_u[i * mod->columns + c] = CMPLXF(cos(ph), sin(ph));
        }
        for (size_t r = 0; r < mod->rows; r++) {
            double ph = mod->plane.k * mod->plane.y[r * mod->columns] * off * book->step_v;
            book->dft_v[i * mod->rows + r] = CMPLXF(cos(ph), sin(ph));
        }
    }
    return true;
}

static size_t grid_size(size_t n, bool tiled)
{
    size_t points = 2 * n + 1;
    return tiled ? (points + TILE - 1) / TILE * TILE : points;
}

struct codebook *codebook_create(const struct pixel_model *model)
{
    struct codebook *book = calloc(1, sizeof *book);
    if (!book)
        return NULL;
    double m = (double)model->n_elements, t = (double)model->n_pilots;
    book->model = model;
    book->tiled = 8 * (4 * m * 3.14) * m * t > MAX_BUILD;
    book->n_u = grid_size(model->columns, book->tiled);
    book->n_v = grid_size(model->rows, book->tiled);
    book->step_u = 1 / (double)model->columns;
    book->step_v = 1 / (double)model->rows;
    if (!list_points(book) || !(book->tiled ? make_dft(book) : fill(book)))
        codebook_destroy(&book);
    return book;
}

void codebook_destroy(struct codebook **book)
{
    if (*book) {
        free((*book)->at);
        free((*book)->g);
        free((*book)->dft_u);
        free((*book)->dft_v);
    }
    free(*book);
    *book = NULL;
}

size_t codebook_points(const struct codebook *book)
{
    return book->n_points;
}

struct codebook_scratch *codebook_scratch_create(const struct codebook *book)
{
    struct codebook_scratch *s = calloc(1, sizeof *s);
    size_t m = book->model->n_elements, n = book->n_points > m ? book->n_points : m;
    if (!s)
        return NULL;
    s->score = calloc(N_RANGES * book->n_u * book->n_v, sizeof *s->score);
    s->corr = calloc(n, sizeof *s->corr);
    s->user = calloc(m, sizeof *s->user);
    s->fold = calloc(TILE * book->model->columns, sizeof *s->fold);
    s->exact = calloc(m, sizeof *s->exact);
    if (!s->score || !s->corr || !s->user || !s->fold || !s->exact)
        codebook_scratch_destroy(&s);
    return s;
}

void codebook_scratch_destroy(struct codebook_scratch **scratch)
{
    if (*scratch) {
        free((*scratch)->score);
        free((*scratch)->corr);
        free((*scratch)->user);
        free((*scratch)->fold);
        free((*scratch)->exact);
    }
    free(*scratch);
    *scratch = NULL;
}

static void score_book(const struct codebook *book, struct codebook_scratch *s, const cplx *y)
{
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    cplxf yf[PIXEL_MAX_PILOTS];
    int t = (int)book->model->n_pilots;
    for (int i = 0; i < t; i++)
        yf[i] = (cplxf)y[i];
    cblas_cgemv(CblasRowMajor, CblasNoTrans, (int)book->n_points, t, one, book->g, t, yf, 1, zero,
                s->corr, 1);
    for (size_t p = 0; p < book->n_points; p++)
        s->score[book->at[p]] = cplxf_norm(s->corr[p]);
}

/* One tile: the curvature of its centre taken off z, then DFT along y and x. corr holds z. */
static void score_tile(const struct codebook *book, struct codebook_scratch *s, size_t cell)
{
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    const struct pixel_model *mod = book->model;
    size_t m = mod->n_elements;
    int nx = (int)mod->columns, ny = (int)mod->rows;
    double x[3];
    cplxf out[TILE][TILE];
    cell_uvq(book, cell, x);
    x[0] += 0.5 * (TILE - 1) * book->step_u;
    x[1] += 0.5 * (TILE - 1) * book->step_v;
    if (hypot(x[0], x[1]) > UV_MAX + 0.71 * TILE * fmax(book->step_u, book->step_v))
        return;
    steer_user_f(&mod->plane, x, s->user);
    for (size_t i = 0; i < m; i++) {
        float ar = crealf(s->user[i]), ai = cimagf(s->user[i]);
        float zr = crealf(s->corr[i]), zi = cimagf(s->corr[i]);
        s->user[i] = CMPLXF(ar * zr - ai * zi, ar * zi + ai * zr);
    }
    cblas_cgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, TILE, nx, ny, one, book->dft_v, ny,
                s->user, nx, zero, s->fold, nx);
    cblas_cgemm(CblasRowMajor, CblasNoTrans, CblasTrans, TILE, TILE, nx, one, s->fold, nx,
                book->dft_u, nx, zero, out, TILE);
    for (size_t i = 0; i < TILE; i++)
        for (size_t j = 0; j < TILE; j++)
            s->score[cell + i * book->n_u + j] = cplxf_norm(out[i][j]);
}

/* Backprojection conj(A^H y), then tile by tile. Norms of g are taken as equal here. */
static void score_tiles(const struct codebook *book, struct codebook_scratch *s, const cplx *y)
{
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    const struct pixel_model *mod = book->model;
    cplxf yf[PIXEL_MAX_PILOTS];
    int t = (int)mod->n_pilots;
    for (int i = 0; i < t; i++)
        yf[i] = conjf((cplxf)y[i]);
    cblas_cgemv(CblasRowMajor, CblasNoTrans, (int)mod->n_elements, t, one, mod->af, t, yf, 1, zero,
                s->corr, 1);
    for (size_t r = 0; r < N_RANGES; r++)
        for (size_t iv = 0; iv < book->n_v; iv += TILE)
            for (size_t iu = 0; iu < book->n_u; iu += TILE)
                score_tile(book, s, (r * book->n_v + iv) * book->n_u + iu);
}

static bool is_peak(const struct codebook *book, const float *score, size_t cell)
{
    size_t iu = cell % book->n_u, iv = cell / book->n_u % book->n_v;
    if (score[cell] <= 0)
        return false;
    for (int dv = -1; dv <= 1; dv++)
        for (int du = -1; du <= 1; du++) {
            size_t u = iu + (size_t)du, v = iv + (size_t)dv; /* wraps below 0: fails the test */
            if ((du || dv) && u < book->n_u && v < book->n_v &&
                score[cell + v * book->n_u + u - iv * book->n_u - iu] > score[cell])
                return false;
        }
    return true;
}

/* Insertion into a list sorted by falling gain; the last one drops out when it is full. */
static void keep(struct codebook_hit *hits, size_t *n, size_t max, const struct codebook_hit *hit)
{
    size_t i = *n < max ? (*n)++ : max - 1;
    for (; i > 0 && hits[i - 1].gain < hit->gain; i--)
        hits[i] = hits[i - 1];
    hits[i] = *hit;
}

/* The true gain of a hit, for tiles. */
static void rescore(const struct codebook *book, struct codebook_scratch *s, const cplx *y,
                    struct codebook_hit *hit)
{
    size_t t = book->model->n_pilots;
    cplx g[PIXEL_MAX_PILOTS], c = 0;
    double sum = 0;
    pixel_model_mean(book->model, hit->uvq, NULL, s->exact, g);
    for (size_t i = 0; i < t; i++) {
        c += conj(g[i]) * y[i];
        sum += cplx_norm(g[i]);
    }
    hit->gain = sum > 0 ? cplx_norm(c) / sum : 0;
}

static int by_gain(const void *a, const void *b)
{
    double x = ((const struct codebook_hit *)a)->gain, y = ((const struct codebook_hit *)b)->gain;
    return (x < y) - (x > y);
}

size_t codebook_search(const struct codebook *book, struct codebook_scratch *s, const cplx *y,
                       struct codebook_hit *hits, size_t max)
{
    size_t n = 0;
    assert(max >= 1);
    if (book->tiled)
        score_tiles(book, s, y);
    else
        score_book(book, s, y);
    for (size_t p = 0; p < book->n_points; p++)
        if (is_peak(book, s->score, book->at[p])) {
            struct codebook_hit hit = {.gain = s->score[book->at[p]]};
            if (n == max && hit.gain <= hits[n - 1].gain)
                continue;
            cell_uvq(book, book->at[p], hit.uvq);
            keep(hits, &n, max, &hit);
        }
    for (size_t i = 0; book->tiled && i < n; i++)
        rescore(book, s, y, hits + i);
    qsort(hits, n, sizeof *hits, by_gain);
    if (n == 0) { /* y = 0: anywhere is as good */
        cell_uvq(book, book->at[0], hits[0].uvq);
        hits[0].gain = 0;
        n = 1;
    }
    return n;
}
