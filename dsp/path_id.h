/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which of the paths found in one stream came by which surface, told from the antennas: the only
 * way there is with a surface that cannot change inside a burst. Each path's antenna vector is
 * compared with the steering vectors of the two surfaces, [S1] (35), and the paths are assigned
 * jointly ([S1] (36) takes the best path for each surface by itself):
 *
 *   (i, j) = argmax over i != j of  m_1(v_i) + m_2(v_j) + m_0(v_d) - w min(chi2, cap),
 *   m_k(v) = |a_k^H v| / (|a_k| |v|),
 *
 * d: the strongest path that no surface takes, which is the direct one; chi2: what is left when the
 * three lengths, so named, and the reported height are made one position; m_0: the direct path
 * against the steering vector of that position. The last two only with a range. RT-safe, no state.
 * docs/signal-model.md, section "Path identity by steering". */
#pragma once
#include "dsp/fix.h"
#include "dsp/toa.h"

enum { PATH_ID_RIS = 2, PATH_ID_MAX = 8 };

enum path_id_name { PATH_ID_DIRECT, PATH_ID_RIS1, PATH_ID_RIS2, PATH_ID_NAMES };

struct path_id_array {
    size_t n; /* antennas, 2..TOA_MAX_ANT */
    struct vec3 element[TOA_MAX_ANT], centre;
    double wavelength_m;
};

struct path_id_path {
    double length_m;
    cplxf amp[TOA_MAX_ANT];
    float match[PATH_ID_RIS]; /* m_1, m_2: by path_id_match, or another likeness (dsp/music.h) */
};

/* What the penalty stands on. */
struct path_id_range {
    const struct path_id_array *array; /* NULL: without m_0 */
    const struct anchors *anchors;
    struct observation height;
    double sigma_m; /* of a length, its bound and the site's error together, > 0 */
    /* Where the tracker expects the user, and the deviation of that; <= 0: nowhere. It counts for
     * less than the angles can tell, so that a track cannot hold on to a swap. */
    struct vec3 hint;
    double hint_sigma_m;
};

struct path_id {
    size_t path[PATH_ID_NAMES]; /* index of the path that got the name */
    double score;               /* of the assignment */
    double margin;              /* over the next best one; 0: a toss of a coin */
    double chi2;                /* one degree of freedom; 0 without a range */
};

/* Fills match of each path. */
void path_id_match(const struct path_id_array *array, const struct anchors *anchors,
                   struct path_id_path *path, size_t n_path);

/* n_path: 3..PATH_ID_MAX. range: NULL for the angles alone. */
void path_id_assign(const struct path_id_path *path, size_t n_path,
                    const struct path_id_range *range, struct path_id *out);
