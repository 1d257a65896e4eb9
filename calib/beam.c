/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calib/beam.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calib/skinny.h"

#define CHUNK     32 /* hypotheses per GEMM */
#define FEW       10 /* rows below which packing the matrix costs more than the product */
#define N_TANGENT 5

struct node {
    uint32_t parent, pixel;
    uint64_t key; /* of the set, whatever the order */
    double cost;  /* |residual|^2 */
    double rank;  /* the same had every coefficient been held on the disc when it was declared */
};

struct child {
    float cost;
    uint32_t parent, pixel;
    uint64_t key;
};

struct beam {
    const struct pixel_model *model;
    size_t width, depth;
    size_t stride;     /* floats of one array of a hypothesis, M padded */
    struct node *node; /* [depth + 1][width] */
    cplx *q;           /* [depth + 1][width][2][T] directions that a pixel added */
    cplx *res[2];      /* [width][T] residuals of two generations */
    float *state[2];   /* [width][5][stride]: E00 E01 E11 c0 c1 */
    cplx root[N_TANGENT][PIXEL_MAX_PILOTS];
    cplxf *qf, *z;       /* [2 CHUNK x T], [2 CHUNK x M] */
    float *gain;         /* [stride] */
    float *hr, *hi;      /* [stride] beta a_i: what a healthy pixel contributes */
    struct child *child; /* [cap] */
    size_t n_child, cap;
    float worst;    /* cost that a child must beat */
    uint64_t *seen; /* open table of keys, [table] */
    size_t table;
    uint64_t *key; /* [M] random */
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static void *block(size_t bytes)
{
    return aligned_alloc(64, round_up(bytes + 64, 64));
}

/* [width][5][stride] of one generation. The padding stands at zero for good; the rest is written
 * before it is read, and pages that no search ever reaches stay untouched. */
static float *states(const struct beam *b)
{
    const size_t rows = b->width * 5, pad = b->stride - b->model->n_elements;
    float *state = block(rows * b->stride * sizeof *state);
    for (size_t r = 1; state && pad > 0 && r <= rows; r++)
        memset(state + r * b->stride - pad, 0, pad * sizeof *state);
    return state;
}

static bool allocate(struct beam *b)
{
    size_t m = b->model->n_elements, t = b->model->n_pilots, w = b->width, d = b->depth + 1;
    b->stride = round_up(m, 16);
    b->cap = 2 * w + 64;
    for (b->table = 256; b->table < 3 * b->cap; b->table *= 2)
        continue;
    b->node = block(d * w * sizeof *b->node);
    b->q = block(d * w * 2 * t * sizeof *b->q);
    b->child = block(b->cap * sizeof *b->child);
    b->qf = block(2 * CHUNK * t * sizeof *b->qf);
    b->z = block(2 * CHUNK * m * sizeof *b->z);
    b->gain = block(b->stride * sizeof *b->gain);
    b->hr = block(2 * b->stride * sizeof *b->hr);
    b->seen = block(b->table * sizeof *b->seen);
    b->key = block(m * sizeof *b->key);
    bool ok = b->node && b->q && b->child && b->qf && b->z && b->gain && b->seen && b->key && b->hr;
    if (b->hr)
        memset(b->hr, 0, 2 * b->stride * sizeof *b->hr);
    b->hi = b->hr ? b->hr + b->stride : NULL;
    for (int i = 0; i < 2; i++) {
        b->res[i] = block(w * t * sizeof *b->res[i]);
        b->state[i] = states(b);
        ok = ok && b->res[i] && b->state[i];
    }
    return ok;
}

struct beam *beam_create(const struct pixel_model *model, const struct beam_cfg *cfg)
{
    struct beam *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    assert(cfg->width >= 1 && cfg->depth <= PIXEL_MAX_FAILURES);
    b->model = model;
    b->width = cfg->width;
    b->depth = cfg->depth;
    if (!allocate(b)) {
        beam_destroy(&b);
        return NULL;
    }
    uint64_t x = 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < model->n_elements; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        b->key[i] = x * 0xBF58476D1CE4E5B9u;
    }
    return b;
}

void beam_destroy(struct beam **beam)
{
    struct beam *b = *beam;
    if (!b)
        return;
    free(b->node);
    free(b->q);
    free(b->child);
    free(b->qf);
    free(b->z);
    free(b->gain);
    free(b->hr);
    free(b->seen);
    free(b->key);
    for (int i = 0; i < 2; i++) {
        free(b->res[i]);
        free(b->state[i]);
    }
    free(b);
    *beam = NULL;
}

static inline struct node *node_at(struct beam *b, size_t depth, size_t i)
{
    return b->node + depth * b->width + i;
}

static inline cplx *q_at(struct beam *b, size_t depth, size_t i, int which)
{
    return b->q + ((depth * b->width + i) * 2 + (size_t)which) * b->model->n_pilots;
}

static inline float *state_of(struct beam *b, size_t depth, size_t i)
{
    return b->state[depth & 1] + i * 5 * b->stride;
}

static inline cplx *res_of(struct beam *b, size_t depth, size_t i)
{
    return b->res[depth & 1] + i * b->model->n_pilots;
}

/* Product in R^(2T). */
static double rdot(const cplx *a, const cplx *b, size_t n)
{
    const double *x = (const double *)a, *y = (const double *)b;
    double sum = 0;
    for (size_t i = 0; i < 2 * n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void raxpy(cplx *v, double s, const cplx *q, size_t n)
{
    double *x = (double *)v;
    const double *y = (const double *)q;
    for (size_t i = 0; i < 2 * n; i++)
        x[i] -= s * y[i];
}

/* v to unit length; false if nothing is left of it. */
static bool normalise(cplx *v, size_t n, double floor2)
{
    double len2 = rdot(v, v, n);
    double *x = (double *)v, s = len2 > floor2 ? 1 / sqrt(len2) : 0;
    for (size_t i = 0; i < 2 * n; i++)
        x[i] *= s;
    return s > 0;
}

/* Takes out of v what the root and the ancestors of node i at this depth span. */
static void project(struct beam *b, size_t depth, size_t i, cplx *v)
{
    size_t t = b->model->n_pilots;
    for (int k = 0; k < N_TANGENT; k++)
        raxpy(v, rdot(b->root[k], v, t), b->root[k], t);
    for (; depth > 0; depth--) {
        for (int k = 0; k < 2; k++)
            raxpy(v, rdot(q_at(b, depth, i, k), v, t), q_at(b, depth, i, k), t);
        i = node_at(b, depth, i)->parent;
    }
}

/* The products of one direction come off E. */
static void update(float *e, const cplxf *zc, size_t m, size_t stride)
{
    const float *z = (const float *)zc;
    for (size_t i = 0; i < m; i++) {
        float s0 = z[2 * i], s1 = -z[2 * i + 1];
        e[i] -= s0 * s0;
        e[stride + i] -= s0 * s1;
        e[2 * stride + i] -= s1 * s1;
    }
}

/* State of a child: its parent's less two directions with products z, w and residual parts along.
 */
static void update_child(const float *restrict from, float *restrict to, const cplxf *restrict zc,
                         const cplxf *restrict wc, const float along[2], size_t m, size_t stride)
{
    const float *z = (const float *)zc, *w = (const float *)wc;
    float za = along[0], wa = along[1];
    for (size_t i = 0; i < m; i++) {
        float s0 = z[2 * i], s1 = -z[2 * i + 1], t0 = w[2 * i], t1 = -w[2 * i + 1];
        to[i] = from[i] - s0 * s0 - t0 * t0;
        to[stride + i] = from[stride + i] - s0 * s1 - t0 * t1;
        to[2 * stride + i] = from[2 * stride + i] - s1 * s1 - t1 * t1;
        to[3 * stride + i] = from[3 * stride + i] - s0 * za - t0 * wa;
        to[4 * stride + i] = from[4 * stride + i] - s1 * za - t1 * wa;
    }
}

/* z[n x M] = conj(q[n x T]) A^T. */
static void products(struct beam *b, size_t n)
{
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    int m = (int)b->model->n_elements, t = (int)b->model->n_pilots;
    if (n <= FEW) {
        skinny_dots(b->qf, n, b->model->n_pilots, b->model->af, b->model->n_elements, b->z);
        return;
    }
    for (size_t i = 0; i < n * (size_t)t; i++)
        b->qf[i] = conjf(b->qf[i]);
    cblas_cgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, m, t, one, b->qf, t, b->model->af,
                t, zero, b->z, m);
}

static void to_float(cplxf *out, const cplx *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (cplxf)in[i];
}

/* Hypothesis 0 at depth 0: nothing failed, five tangent columns projected out. */
static void plant(struct beam *b, const struct beam_task *task, const cplx *tangent, size_t stride)
{
    size_t t = b->model->n_pilots, m = b->model->n_elements;
    cplx *res = res_of(b, 0, 0);
    float *state = state_of(b, 0, 0);
    memcpy(res, task->y, t * sizeof *res);
    for (int k = 0; k < N_TANGENT; k++) {
        cplx *v = b->root[k];
        cplx factor = k == 0 ? 1 : k == 1 ? CMPLX(0, 1) : task->beta;
        for (size_t i = 0; i < t; i++)
            v[i] = factor * tangent[(k < 2 ? 0 : (size_t)k - 1) * stride + i];
        double floor2 = 1e-20 * rdot(v, v, t);
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < k; j++)
                raxpy(v, rdot(b->root[j], v, t), b->root[j], t);
        normalise(v, t, floor2);
        raxpy(res, rdot(v, res, t), v, t);
        to_float(b->qf + (size_t)k * t, v, t);
    }
    to_float(b->qf + N_TANGENT * t, res, t);
    products(b, N_TANGENT + 1);
    steer_user_f(&b->model->plane, task->uvq, b->z + (N_TANGENT + 1) * m);
    for (size_t i = 0; i < m; i++) {
        cplxf h = (cplxf)task->beta * b->z[(N_TANGENT + 1) * m + i];
        b->hr[i] = crealf(h);
        b->hi[i] = cimagf(h);
    }
    const float *c = (const float *)(b->z + N_TANGENT * m);
    for (size_t i = 0; i < m; i++) {
        state[i] = state[2 * b->stride + i] = (float)b->model->norm[i];
        state[b->stride + i] = 0;
        state[3 * b->stride + i] = c[2 * i];
        state[4 * b->stride + i] = -c[2 * i + 1];
    }
    for (size_t k = 0; k < N_TANGENT; k++)
        update(state, b->z + k * m, m, b->stride);
    *node_at(b, 0, 0) = (struct node){.cost = rdot(res, res, t), .rank = rdot(res, res, t)};
}

/* One instruction; fmaxf, which must think of NaN, is a call. */
static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

/* What declaring pixel i saves, its f held within the unit disc: gamma = E^-1 c, f = 1 + gamma / h
 * drawn radially onto the disc, gain = 2 c' gamma - gamma' E gamma. 0 where nothing is left of a
 * pixel. h = beta a_i: what a healthy pixel contributes. */
static void gains(const float *restrict s, const float *restrict hr, const float *restrict hi,
                  size_t stride, float floor, float *restrict gain)
{
    const float *restrict e00 = s, *restrict e01 = s + stride, *restrict e11 = s + 2 * stride;
    const float *restrict c0 = s + 3 * stride, *restrict c1 = s + 4 * stride;
    float power = hr[0] * hr[0] + hi[0] * hi[0];
    for (size_t i = 0; i < stride; i++) {
        float det = e00[i] * e11[i] - e01[i] * e01[i], inv = 1 / larger(det, floor);
        float fr = hr[i] + inv * (e11[i] * c0[i] - e01[i] * c1[i]);
        float fi = hi[i] + inv * (e00[i] * c1[i] - e01[i] * c0[i]);
        float scale = sqrtf(power / larger(fr * fr + fi * fi, power));
        float g0 = scale * fr - hr[i], g1 = scale * fi - hi[i];
        float bend = e00[i] * g0 * g0 + 2 * e01[i] * g0 * g1 + e11[i] * g1 * g1;
        float save = 2 * (c0[i] * g0 + c1[i] * g1) - bend;
        gain[i] = det > floor ? save : 0;
    }
}

/* The largest of 16. */
static float largest(const float *gain)
{
    float best = gain[0];
    for (size_t i = 1; i < 16; i++)
        best = larger(best, gain[i]);
    return best;
}

static bool first_seen(struct beam *b, uint64_t key)
{
    key |= 1;
    for (size_t i = key >> 20;; i++) {
        uint64_t *slot = b->seen + (i & (b->table - 1));
        if (*slot == key)
            return false;
        if (!*slot) {
            *slot = key;
            return true;
        }
    }
}

/* Quickselect: the k least costs come first, in any order; ties fall by position, the same way on
 * every run. */
static void select_least(struct child *c, size_t n, size_t k)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        struct child pivot = c[low + (high - low) / 2];
        size_t i = low, j = low, end = high;
        while (j < end) { /* three parts: less, equal, greater */
            struct child x = c[j];
            if (x.cost < pivot.cost) {
                c[j++] = c[i];
                c[i++] = x;
            } else if (x.cost > pivot.cost) {
                c[j] = c[--end];
                c[end] = x;
            } else {
                j++;
            }
        }
        if (k < i)
            high = i;
        else if (k >= end)
            low = end;
        else
            return;
    }
}

/* Keeps the `width` best of the children collected; they are different sets. */
static void prune(struct beam *b, size_t width)
{
    if (b->n_child <= width)
        return;
    select_least(b->child, b->n_child, width);
    b->n_child = width;
    b->worst = -INFINITY;
    memset(b->seen, 0, b->table * sizeof *b->seen);
    for (size_t i = 0; i < width; i++) {
        b->worst = larger(b->worst, b->child[i].cost);
        first_seen(b, b->child[i].key);
    }
}

/* Enters a hypothesis' children into the collection, 16 pixels at a time: few blocks hold one that
 * is good enough. */
static void enter(struct beam *b, size_t width, const struct node *nd, uint32_t parent)
{
    for (size_t first = 0; first < b->stride; first += 16) {
        if (!((float)nd->rank - largest(b->gain + first) < b->worst))
            continue;
        size_t end = first + 16 < b->model->n_elements ? first + 16 : b->model->n_elements;
        for (size_t i = first; i < end; i++) {
            float cost = (float)nd->rank - b->gain[i];
            uint64_t key = nd->key + b->key[i];
            if (!(cost < b->worst) || !(b->gain[i] > 0) || !first_seen(b, key))
                continue;
            b->child[b->n_child++] = (struct child){cost, parent, (uint32_t)i, key};
            if (b->n_child == b->cap)
                prune(b, width);
        }
    }
}

static void collect(struct beam *b, const struct beam_task *task, size_t depth, size_t n)
{
    float norm = (float)b->model->typical_norm, floor = 1e-3f * norm * norm;
    b->n_child = 0;
    b->worst = INFINITY;
    memset(b->seen, 0, b->table * sizeof *b->seen);
    for (size_t h = 0; h < n; h++) {
        gains(state_of(b, depth, h), b->hr, b->hi, b->stride, floor, b->gain);
        enter(b, task->width, node_at(b, depth, h), (uint32_t)h);
    }
    prune(b, task->width);
}

/* Directions and residual of child i of the next depth. */
static void grow(struct beam *b, size_t depth, size_t i, float along[2])
{
    const struct child *c = b->child + i;
    size_t t = b->model->n_pilots;
    struct node *nd = node_at(b, depth + 1, i);
    const cplx *a = b->model->a + c->pixel * t;
    cplx *res = res_of(b, depth + 1, i);
    double floor2 = 1e-6 * b->model->norm[c->pixel];
    *nd = (struct node){c->parent, c->pixel, c->key, 0, c->cost};
    memcpy(res, res_of(b, depth, c->parent), t * sizeof *res);
    for (int k = 0; k < 2; k++) {
        cplx *q = q_at(b, depth + 1, i, k);
        for (size_t j = 0; j < t; j++)
            q[j] = k ? CMPLX(-cimag(a[j]), creal(a[j])) : a[j];
        for (int pass = 0; pass < 2; pass++) {
            project(b, depth, c->parent, q);
            if (k)
                raxpy(q, rdot(q - t, q, t), q - t, t);
        }
        normalise(q, t, floor2);
        double s = rdot(q, res, t);
        along[k] = (float)s;
        raxpy(res, s, q, t);
        to_float(b->qf + (2 * (i % CHUNK) + (size_t)k) * t, q, t);
    }
    nd->cost = rdot(res, res, t);
}

static void breed(struct beam *b, size_t depth, bool last)
{
    size_t m = b->model->n_elements;
    float along[CHUNK][2];
    for (size_t i = 0; i < b->n_child; i += CHUNK) {
        size_t n = b->n_child - i < CHUNK ? b->n_child - i : CHUNK;
        for (size_t j = 0; j < n; j++)
            grow(b, depth, i + j, along[j]);
        if (last)
            continue;
        products(b, 2 * n);
        for (size_t j = 0; j < n; j++)
            update_child(state_of(b, depth, b->child[i + j].parent), state_of(b, depth + 1, i + j),
                         b->z + 2 * j * m, b->z + (2 * j + 1) * m, along[j], m, b->stride);
    }
}

/* Enters the hypotheses of a depth into the list of the best. */
static size_t harvest(struct beam *b, const struct beam_task *task, size_t depth, size_t n,
                      struct beam_leaf *leaves, size_t n_leaves, size_t max)
{
    for (size_t h = 0; h < n; h++) {
        double cost = node_at(b, depth, h)->cost;
        double score = cost / task->noise_var + (double)depth * task->cost_per_pixel;
        if (n_leaves == max && score >= leaves[max - 1].score)
            continue;
        size_t i = n_leaves < max ? n_leaves++ : max - 1;
        for (; i > 0 && leaves[i - 1].score > score; i--)
            leaves[i] = leaves[i - 1];
        leaves[i].cost = cost;
        leaves[i].score = score;
        leaves[i].n = depth;
        for (size_t d = depth, k = h; d > 0; d--) {
            leaves[i].support[d - 1] = node_at(b, d, k)->pixel;
            k = node_at(b, d, k)->parent;
        }
    }
    return n_leaves;
}

size_t beam_search(struct beam *b, const struct beam_task *task, const cplx *tangent, size_t stride,
                   struct beam_leaf *leaves, size_t max)
{
    size_t n = 1, n_leaves = 0;
    assert(task->width >= 1 && task->width <= b->width && task->depth <= b->depth && max >= 1);
    plant(b, task, tangent, stride);
    for (size_t depth = 0;; depth++) {
        n_leaves = harvest(b, task, depth, n, leaves, n_leaves, max);
        if (depth == task->depth || leaves[0].score <= (double)(depth + 1) * task->cost_per_pixel)
            return n_leaves;
        collect(b, task, depth, n);
        n = b->n_child;
        if (n == 0)
            return n_leaves;
        breed(b, depth, depth + 1 == task->depth);
    }
}
