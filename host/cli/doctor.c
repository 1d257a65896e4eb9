/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/doctor.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void doctor_tell(struct doctor *doctor, const struct doctor_finding *finding)
{
    doctor->n[finding->verdict]++;
    doctor->tell(doctor->context, finding);
}

void doctor_fine(struct doctor *doctor, const char *check, const char *format, ...)
{
    struct doctor_finding f = {.check = check};
    va_list args;
    va_start(args, format);
    vsnprintf(f.what, sizeof f.what, format, args);
    va_end(args);
    doctor_tell(doctor, &f);
}

void doctor_path(const struct doctor *doctor, const char *path, char *full, size_t size)
{
    snprintf(full, size, "%s%s", doctor->sysroot, path);
}

bool doctor_read_line(const struct doctor *doctor, const char *path, char *text, size_t size)
{
    char full[512];
    doctor_path(doctor, path, full, sizeof full);
    FILE *f = fopen(full, "re");
    bool got = f && fgets(text, (int)size, f);
    if (f)
        fclose(f);
    if (got)
        text[strcspn(text, "\n")] = 0;
    return got;
}

long doctor_read_number(const struct doctor *doctor, const char *path, long otherwise)
{
    char text[64], *end;
    if (!doctor_read_line(doctor, path, text, sizeof text))
        return otherwise;
    long value = strtol(text, &end, 10);
    return end == text ? otherwise : value;
}

bool doctor_device_arg(const char *args, const char *key, char *value, size_t size)
{
    const size_t n = strlen(key);
    for (const char *p = args; p && *p;) {
        p += strspn(p, ", ");
        if (strncmp(p, key, n) == 0 && p[n] == '=') {
            snprintf(value, size, "%.*s", (int)strcspn(p + n + 1, ", "), p + n + 1);
            return true;
        }
        p = strchr(p, ',');
    }
    return false;
}

bool doctor_quote(const char *name, char *word, size_t size)
{
    size_t n = 0;
    word[n++] = '\'';
    for (; *name && n + 6 < size; name++) {
        if (*name == '\'')
            n += (size_t)snprintf(word + n, size - n, "'\\''");
        else
            word[n++] = *name;
    }
    word[n++] = '\'';
    word[*name ? 0 : n] = '\0';
    return *name == '\0';
}

int doctor_process(const struct doctor *doctor, const char *name, int after)
{
    char path[600], its[32];
    int lowest = 0;
    doctor_path(doctor, "/proc", path, sizeof path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        const int pid = atoi(e->d_name); /* 0: not a process */
        snprintf(path, sizeof path, "/proc/%.20s/comm", e->d_name);
        if (pid > after && (lowest == 0 || pid < lowest) &&
            doctor_read_line(doctor, path, its, sizeof its) && strcmp(its, name) == 0)
            lowest = pid;
    }
    if (dir)
        closedir(dir);
    return lowest;
}

double doctor_record_rate(const struct bs_cfg *cfg)
{
    struct schedule s;
    struct status err = {0};
    const double bytes_per_sample = 4 * (double)cfg->radio.n_rx;
    const double stream = cfg->record.stream ? cfg->radio.rate_hz * bytes_per_sample : 0;
    if (bs_config_schedule(cfg, &s, &err))
        return stream;
    int64_t samples = s.window[WINDOW_SENSING].n + s.window[WINDOW_RESPONSE].n;
    if (cfg->pixels.train.every > 0)
        samples += s.window[WINDOW_PILOTS].n / cfg->pixels.train.every;
    return stream + (double)samples * bytes_per_sample / cfg->schedule.air.cycle_period_s;
}

bool doctor_examine(struct doctor *doctor, const struct bs_cfg *cfg)
{
    doctor_privileges(doctor, cfg);
    doctor_machine(doctor);
    doctor_network(doctor, cfg);
    doctor_usb(doctor, cfg);
    doctor_radio(doctor, cfg);
    doctor_endpoints(doctor, cfg);
    doctor_surfaces(doctor, cfg);
    doctor_disk(doctor, cfg);
    doctor_keys(doctor, cfg);
    return doctor->n[DOCTOR_PROBLEM] == 0;
}
