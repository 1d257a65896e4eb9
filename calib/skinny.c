/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both kernels keep complex numbers interleaved and multiply by real and imaginary part apart, so
 * that nothing is shuffled inside the loops. */
#include "calib/skinny.h"

#include <assert.h>
#include <cblas.h>
#include <string.h>

#define CHUNK 64 /* rows of a at a time: they stay in the second cache */
#define MAX_T 256

typedef double vd __attribute__((vector_size(64), aligned(8)));
typedef float vf __attribute__((vector_size(64), aligned(4)));

/* sum over m of real and imaginary parts of rows times 8 complex values of a at column t. */
#define ROWS_KERNEL(R)                                                                             \
    static void rows_##R(const double *rows, size_t ld, size_t m, const double *a, size_t t2,      \
                         double *out, size_t ld_out)                                               \
    {                                                                                              \
        vd re[R][2] = {{{0}}}, im[R][2] = {{{0}}};                                                 \
        for (size_t i = 0; i < m; i++) {                                                           \
            vd a0 = *(const vd *)(a + i * t2), a1 = *(const vd *)(a + i * t2 + 8);                 \
            for (int r = 0; r < R; r++) {                                                          \
                double x = rows[(size_t)r * ld + 2 * i], y = rows[(size_t)r * ld + 2 * i + 1];     \
                re[r][0] += x * a0;                                                                \
                re[r][1] += x * a1;                                                                \
                im[r][0] += y * a0;                                                                \
                im[r][1] += y * a1;                                                                \
            }                                                                                      \
        }                                                                                          \
        for (int r = 0; r < R; r++)                                                                \
            for (int k = 0; k < 2; k++)                                                            \
                for (int j = 0; j < 8; j += 2) {                                                   \
                    out[(size_t)r * ld_out + (size_t)(8 * k + j)] +=                               \
                        re[r][k][j] - im[r][k][j + 1];                                             \
                    out[(size_t)r * ld_out + (size_t)(8 * k + j + 1)] +=                           \
                        re[r][k][j + 1] + im[r][k][j];                                             \
                }                                                                                  \
    }

ROWS_KERNEL(1)
ROWS_KERNEL(4)
ROWS_KERNEL(5)

/* Eight columns of a for all rows of one chunk. */
static void columns(const double *rows, size_t n, size_t ld, size_t m, const double *a, size_t t2,
                    double *out, size_t ld_out)
{
    while (n > 0) {
        size_t r = n % 5 == 0 ? 5 : n >= 4 ? 4 : 1;
        if (r == 5)
            rows_5(rows, ld, m, a, t2, out, ld_out);
        else if (r == 4)
            rows_4(rows, ld, m, a, t2, out, ld_out);
        else
            rows_1(rows, ld, m, a, t2, out, ld_out);
        rows += r * ld;
        out += r * ld_out;
        n -= r;
    }
}

/* The kernels take eight columns at a time. */
static void few_columns(const cplx *rows, size_t n, size_t m, const cplx *a, size_t t, cplx *out,
                        size_t stride)
{
    static const double one[2] = {1, 0}, zero[2] = {0, 0};
    cblas_zgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)n, (blasint)t, (blasint)m, one,
                rows, (blasint)m, a, (blasint)t, zero, out, (blasint)stride);
}

void skinny_rows(const cplx *rows, size_t n, size_t m, const cplx *a, size_t t, cplx *out,
                 size_t stride)
{
    if (t < 8) {
        few_columns(rows, n, m, a, t, out, stride);
        return;
    }
    const double *x = (const double *)rows, *y = (const double *)a;
    double tail[16 * 10], *z = (double *)out;
    size_t t2 = 2 * t, whole = t2 / 16 * 16, last = t2 - 16;
    assert(n <= 10);
    for (size_t r = 0; r < n; r++)
        memset(out + r * stride, 0, t * sizeof *out);
    memset(tail, 0, sizeof tail);
    for (size_t i = 0; i < m; i += CHUNK) {
        size_t len = m - i < CHUNK ? m - i : CHUNK;
        for (size_t c = 0; c < whole; c += 16)
            columns(x + 2 * i, n, 2 * m, len, y + i * t2 + c, t2, z + c, 2 * stride);
        if (whole < t2) /* the last 16 overlap the block before them */
            columns(x + 2 * i, n, 2 * m, len, y + i * t2 + last, t2, tail, 16);
    }
    for (size_t r = 0; whole < t2 && r < n; r++)
        memcpy(z + r * 2 * stride + whole, tail + r * 16 + (whole - last),
               (t2 - whole) * sizeof *z);
}

static float sum(const vf *v)
{
    float s[4] = {0};
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 4; j++)
            s[j] += (*v)[i + j];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

void skinny_dots(const cplxf *q, size_t n, size_t t, const cplxf *a, size_t m, cplxf *out)
{
    vf re[MAX_T / 8], im[MAX_T / 8];
    size_t blocks = (t + 7) / 8;
    assert(t <= MAX_T);
    for (size_t r = 0; r < n; r++) {
        float *x = (float *)re, *y = (float *)im;
        memset(re, 0, sizeof re);
        memset(im, 0, sizeof im);
        for (size_t i = 0; i < t; i++) {
            x[2 * i] = crealf(q[r * t + i]);
            x[2 * i + 1] = cimagf(q[r * t + i]);
            y[2 * i] = -cimagf(q[r * t + i]);
            y[2 * i + 1] = crealf(q[r * t + i]);
        }
        for (size_t i = 0; i < m; i++) {
            const vf *v = (const vf *)(a + i * t);
            vf sr = {0}, si = {0};
            for (size_t b = 0; b < blocks; b++) {
                sr += v[b] * re[b];
                si += v[b] * im[b];
            }
            out[r * m + i] = CMPLXF(sum(&sr), sum(&si));
        }
    }
}
