/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/link_adapt.h"
#include <math.h>
#include <stdbool.h>

static bool fast_enough(const struct link_adapt *a, int mcs, double snr_db)
{
    const double steady = mcs > a->mcs ? LINK_ADAPT_STEADY_DB : 0;
    return snr_db - a->margin_db >= a->from_db[mcs] + steady;
}

void link_adapt_report(struct link_adapt *a, size_t received, size_t missed, double snr_db)
{
    const double loss = missed > 0 ? LINK_ADAPT_LOSS_DB : 0; /* a wall costs many slots, once */
    const double margin = a->margin_db + loss - (double)received * LINK_ADAPT_SUCCESS_DB;
    a->margin_db = fmin(LINK_ADAPT_MARGIN_DB, fmax(0, margin));
    int mcs = (int)a->n_mcs - 1;
    while (mcs > 0 && !fast_enough(a, mcs, snr_db)) /* not of NaN either */
        mcs--;
    a->mcs = mcs;
}
