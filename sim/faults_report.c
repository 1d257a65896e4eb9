/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/faults_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sockets.h"

static void put_radios(struct air *air, FILE *out)
{
    const struct air_cfg *cfg = air_config(air);
    for (unsigned r = 0; r < cfg->n_radios; r++) {
        uint64_t count[AIR_N_COUNT];
        air_counts(air, r, count);
        fprintf(out, "%s{\"name\":\"%s\"", r ? "," : "", cfg->radios[r].name);
        for (int i = 0; i < AIR_N_COUNT; i++)
            fprintf(out, ",\"%s\":%llu", air_count_name(i), (unsigned long long)count[i]);
        fputc('}', out);
    }
}

static void put_fault(struct air *air, size_t i, const struct air_fault *f,
                      const struct air_fault_state *state, FILE *out)
{
    const struct air_cfg *cfg = air_config(air);
    fprintf(out, "{\"index\":%zu,\"what\":\"%s\",\"radio\":\"%s\",\"at_s\":%.9f", i,
            air_fault_name(f->kind), cfg->radios[f->radio].name, (double)f->at_tick / cfg->rate_hz);
    if (f->until_tick != AIR_NEVER)
        fprintf(out, ",\"until_s\":%.9f", (double)f->until_tick / cfg->rate_hz);
    if (f->kind == AIR_FAULT_DEVICE_GONE)
        fprintf(out, ",\"keeps_time\":%s", f->keeps_time ? "true" : "false");
    fprintf(out, ",\"fired\":%u", state->fired);
    if (state->fired)
        fprintf(out, ",\"first_s\":%.9f,\"last_s\":%.9f", (double)state->first_tick / cfg->rate_hz,
                (double)state->last_tick / cfg->rate_hz);
    fputc('}', out);
}

/* told: what was said last of each fault; NULL: tells all. */
static void write_report(struct air *air, uint32_t *told, FILE *out)
{
    bool first = true;
    fprintf(out, "{\"v\":1,\"time_s\":%.9f,\"radios\":[",
            (double)air_now(air) / air_config(air)->rate_hz);
    put_radios(air, out);
    fputs("],\"faults\":[", out);
    for (size_t i = 0; i < air_faults_n(air); i++) {
        struct air_fault fault;
        struct air_fault_state state;
        air_fault_get(air, i, &fault, &state);
        if (told && told[i] == state.fired)
            continue;
        if (told)
            told[i] = state.fired;
        if (!first)
            fputc(',', out);
        first = false;
        put_fault(air, i, &fault, &state, out);
    }
    fputs("]}", out);
}

int faults_report_save(struct air *air, const char *file, struct status *err)
{
    FILE *out = fopen(file, "w");
    if (!out)
        return status_set(err, ERR_IO, "cannot write the fault report %s: %s", file,
                          strerror(errno));
    write_report(air, NULL, out);
    fputc('\n', out);
    bool bad = ferror(out);
    if (fclose(out) || bad)
        return status_set(err, ERR_IO, "cannot write the fault report %s; is the disk full?", file);
    return 0;
}

void faults_report_publish(struct faults_report *report)
{
    uint64_t count[AIR_N_COUNT], moves = air_counts(report->air, 0, count);
    char *text = NULL;
    size_t n = 0;
    if (moves == report->moves || !report->socket)
        return;
    report->moves = moves;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return;
    write_report(report->air, report->told, out);
    if (fclose(out) == 0) {
        struct socket_frame frames[2] = {{"faults", 6}, {text, n}};
        int rc = socket_send(report->socket, frames, 2);
        (void)rc; /* as with the truth: the room waits for no subscriber */
    }
    free(text);
}
