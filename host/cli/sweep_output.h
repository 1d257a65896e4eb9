/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a sweep leaves behind: PREFIX.csv with every statistic of every point, and for each figure
 * PREFIX-NAME.gp, .png and .svg (gnuplot reads the CSV, so a figure can be drawn again by hand).
 * Setup only. */
#pragma once
#include "host/cli/sweep_store.h"

/* Sums go over trials in their order: the file is the same whoever computed them. */
int sweep_write_csv(const struct sweep_store *store, const char *prefix,
                    struct status *err) MUST_CHECK;

/* Is PREFIX.csv there, with the columns that this plan would write? ERR_IO or ERR_ARG. */
int sweep_check_csv(const struct sweep_plan *plan, const char *prefix,
                    struct status *err) MUST_CHECK;

/* PREFIX-trials.csv: every number of every trial, with all its digits. */
int sweep_write_trials(const struct sweep_store *store, const char *prefix,
                       struct status *err) MUST_CHECK;

/* ERR_NOT_FOUND: gnuplot is absent, the scripts are there. */
int sweep_draw(const struct sweep_plan *plan, const char *prefix, struct status *err) MUST_CHECK;
