/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/music.h"
#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    WORK = 2 * MUSIC_MAX_ANT + MUSIC_MAX_ANT * MUSIC_MAX_ANT,
    RWORK = 1 + 5 * MUSIC_MAX_ANT + 2 * MUSIC_MAX_ANT * MUSIC_MAX_ANT,
    IWORK = 3 + 5 * MUSIC_MAX_ANT
};

/* Upper triangle, by columns as LAPACK wants it. */
static bool covariance(const cplx *snap, size_t n_snap, size_t n, cplx *r)
{
    bool finite = true;
    memset(r, 0, n * n * sizeof *r);
    for (size_t s = 0; s < n_snap; s++)
        for (size_t b = 0; b < n; b++)
            for (size_t a = 0; a <= b; a++)
                r[b * n + a] += snap[s * n + a] * conj(snap[s * n + b]) / (double)n_snap;
    for (size_t i = 0; i < n * n; i++)
        finite = finite && isfinite(creal(r[i])) && isfinite(cimag(r[i]));
    return finite;
}

int music_split(struct music *m, const cplx *snap, size_t n_snap, size_t n_ant, size_t n_source)
{
    cplx r[MUSIC_MAX_ANT * MUSIC_MAX_ANT], work[WORK];
    double rwork[RWORK];
    lapack_int iwork[IWORK], n = (lapack_int)n_ant;
    if (n_ant < 2 || n_ant > MUSIC_MAX_ANT || n_source < 1 || n_source >= n_ant || n_snap < 1 ||
        !covariance(snap, n_snap, n_ant, r))
        return ERR_ARG;
    *m = (struct music){.n_ant = n_ant, .n_source = n_source};
    if (LAPACKE_zheevd_work(LAPACK_COL_MAJOR, 'V', 'U', n, r, n, m->eigenvalue, work, WORK, rwork,
                            RWORK, iwork, IWORK))
        return ERR_ARG;
    for (size_t e = 0; e < n_ant - n_source; e++)
        memcpy(m->noise[e], r + e * n_ant, n_ant * sizeof *r);
    return OK;
}

double music_match(const struct music *m, const cplxf *steer)
{
    double whole = 0, off = 0;
    for (size_t j = 0; j < m->n_ant; j++)
        whole += (double)cplxf_norm(steer[j]);
    for (size_t e = 0; e < m->n_ant - m->n_source; e++) {
        cplx dot = 0;
        for (size_t j = 0; j < m->n_ant; j++)
            dot += conj(m->noise[e][j]) * (cplx)steer[j];
        off += cplx_norm(dot);
    }
    return whole > 0 ? sqrt(fmax(0, 1 - off / whole)) : 0;
}
