/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Disk against what a recording needs, and the files that hold keys. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/state_dir.h"
#include "frames/secure.h"
#include "host/cli/doctor.h"

enum { SAMPLE_BYTES = 32 << 20 };
#define LONG_S     600.0 /* a recording that should fit */
#define SHORT_S    10.0  /* one that must */
#define SPEED_MORE 1.5   /* a disk that is barely fast enough is not, once it fills */

static void tell_missing(struct doctor *d, const char *folder)
{
    struct doctor_finding f = {
        .check = "disk-space",
        .verdict = DOCTOR_PROBLEM,
        .why = "miradord cannot keep its cycle counter and its audit log, and does not start",
    };
    snprintf(f.what, sizeof f.what, "%.250s: %s", folder, strerror(errno));
    snprintf(f.cure, sizeof f.cure,
             "sudo install -d -o $USER -m 0700 %.200s, or run.state_dir elsewhere", folder);
    doctor_tell(d, &f);
}

static void look_at_space(struct doctor *d, const char *folder, double bytes, double rate)
{
    struct doctor_finding f = {
        .check = "disk-space",
        .verdict = bytes < SHORT_S * rate ? DOCTOR_PROBLEM : DOCTOR_WARNING,
        .why = "a recording ends when the disk is full",
        .cure =
            "make room, or record to a larger disk; try one: mirador doctor --record-dir FOLDER",
    };
    snprintf(f.what, sizeof f.what, "%.200s: %.3g GB free, %.3g min of recording at %.3g MB/s",
             folder, bytes / 1e9, bytes / rate / 60, rate / 1e6);
    if (bytes >= LONG_S * rate)
        doctor_fine(d, "disk-space", "%s", f.what);
    else
        doctor_tell(d, &f);
}

static void look_at_write_speed(struct doctor *d, const char *folder, double rate)
{
    struct doctor_finding f = {
        .check = "disk-speed",
        .verdict = DOCTOR_WARNING,
        .why = "a recording falls behind and stops; fixes go on",
        .cure = "record to an NVMe disk or to memory, or without record.stream",
    };
    double seconds = d->probes.write_s(folder, SAMPLE_BYTES);
    if (seconds < 0) {
        snprintf(f.what, sizeof f.what, "cannot write to %.250s", folder);
        snprintf(f.cure, sizeof f.cure,
                 "sudo chown $USER %.200s, or run doctor as the service: sudo "
                 "-u mirador mirador doctor",
                 folder);
        doctor_tell(d, &f);
        return;
    }
    double speed = SAMPLE_BYTES / seconds;
    snprintf(f.what, sizeof f.what, "%.200s takes %.3g MB/s, a recording needs %.3g", folder,
             speed / 1e6, rate / 1e6);
    if (speed >= SPEED_MORE * rate)
        doctor_fine(d, "disk-speed", "%s", f.what);
    else
        doctor_tell(d, &f);
}

/* miradord makes the folder for the first recording: until then the one above it tells. */
static double find_record_folder(const struct doctor *d, const char *wanted, char folder[BS_TEXT])
{
    double bytes;
    snprintf(folder, BS_TEXT, "%s", wanted);
    while ((bytes = d->probes.free_bytes(folder)) < 0 && strrchr(folder, '/') > folder)
        *strrchr(folder, '/') = '\0';
    if (bytes >= 0)
        return bytes;
    snprintf(folder, BS_TEXT, "%s", wanted[0] == '/' ? "/" : ".");
    return d->probes.free_bytes(folder);
}

void doctor_disk(struct doctor *d, const struct bs_cfg *cfg)
{
    char folder[BS_TEXT];
    const char *own = cfg->record.folder[0] ? cfg->record.folder : cfg->run.state_dir;
    const char *wanted = d->record_dir ? d->record_dir : own;
    const double rate = doctor_record_rate(cfg);
    if (d->probes.free_bytes(cfg->run.state_dir) < 0) {
        tell_missing(d, cfg->run.state_dir);
        return;
    }
    const double bytes = find_record_folder(d, wanted, folder);
    look_at_space(d, folder, bytes, rate);
    look_at_write_speed(d, folder, rate);
}

static void look_at_key(struct doctor *d, const char *check, const char *path, const char *make)
{
    struct doctor_finding f = {
        .check = check, .verdict = DOCTOR_PROBLEM, .why = "miradord refuses to start with it"};
    uint8_t key[SECURE_MASTER_BYTES];
    struct status err = {0};
    int rc = key_file_read(path, key, sizeof key, &err);
    secure_wipe(key, sizeof key);
    if (rc == 0) {
        doctor_fine(d, check, "%.250s is private and whole", path);
        return;
    }
    snprintf(f.what, sizeof f.what, "%s", err.text);
    if (rc == ERR_AUTH)
        snprintf(f.cure, sizeof f.cure, "chmod 600 %.250s", path);
    else
        snprintf(f.cure, sizeof f.cure, "mirador keys %s --out %.250s", make, path);
    doctor_tell(d, &f);
}

void doctor_keys(struct doctor *d, const struct bs_cfg *cfg)
{
    for (size_t i = 0; i < cfg->n_users; i++) {
        char make[40];
        snprintf(make, sizeof make, "user add %d", cfg->users[i].id);
        look_at_key(d, "user-key", cfg->users[i].key_file, make);
    }
    if (cfg->secret_key_file[0])
        look_at_key(d, "socket-key", cfg->secret_key_file, "socket");
}
