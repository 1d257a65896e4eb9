/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes as an experiment of mirador sweep: no text may crash the plan, a refusal says why, and what
 * is accepted can be asked for every column, point and figure. */
#include "fuzz.h"

#include "host/cli/sweep_plan.h"

static void check_plan(const struct sweep_plan *plan)
{
    size_t index[SWEEP_MAX_AXES], column;
    enum experiment_statistic statistic;
    FUZZ_CHECK(plan->n_points >= 1 && plan->n_points <= SWEEP_MAX_POINTS);
    FUZZ_CHECK(plan->width == plan->n_rows * plan->n_columns && plan->width >= 1);
    sweep_plan_place(plan, plan->n_points - 1, index);
    for (size_t a = 0; a < plan->file.n_axes; a++)
        FUZZ_CHECK(index[a] == plan->file.axes[a].n_values - 1);
    for (size_t f = 0; f < plan->file.n_figures; f++)
        for (size_t c = 0; c < plan->file.figures[f].n_curves; c++) {
            char name[96];
            const char *curve = plan->file.figures[f].curves[c];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(curve, " "), curve);
            FUZZ_CHECK(sweep_plan_column(plan, name, &column, &statistic));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct status err = {0};
    struct sweep_plan *plan = sweep_plan_parse("fuzz.yaml", (const char *)bytes, n, NULL, &err);
    if (plan)
        check_plan(plan);
    else
        FUZZ_CHECK(err.code != OK && err.text[0] != 0);
    sweep_plan_destroy(&plan);
    return 0;
}
