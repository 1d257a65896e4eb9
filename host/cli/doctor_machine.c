/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Privileges, CPU governor, clock, shared memory of dead rooms. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/doctor.h"

enum { CAP_IPC_LOCK_BIT = 14, CAP_SYS_NICE_BIT = 23 };

/* Soft limit of a line of /proc/self/limits; "unlimited" is the greatest number. */
static unsigned long long read_limit(const struct doctor *d, const char *name)
{
    char path[512], line[256];
    unsigned long long value = 0;
    doctor_path(d, "/proc/self/limits", path, sizeof path);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *at = line + strlen(name) + strspn(line + strlen(name), " ");
        value = strncmp(at, "unlimited", 9) == 0 ? ~0ull : strtoull(at, NULL, 10);
    }
    if (f)
        fclose(f);
    return value;
}

static bool has_capability(const struct doctor *d, int bit)
{
    char path[512], line[256];
    unsigned long long effective = 0;
    doctor_path(d, "/proc/self/status", path, sizeof path);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "CapEff:", 7) == 0)
            effective = strtoull(line + 7, NULL, 16);
    if (f)
        fclose(f);
    return effective >> bit & 1;
}

void doctor_privileges(struct doctor *d, const struct bs_cfg *cfg)
{
    const bool wanted = cfg->run.realtime && !cfg->run.gated;
    unsigned long long priority = read_limit(d, "Max realtime priority");
    unsigned long long locked = read_limit(d, "Max locked memory");
    if (has_capability(d, CAP_SYS_NICE_BIT) || priority >= 70)
        doctor_fine(d, "rt-priority", "SCHED_FIFO is permitted");
    else
        doctor_tell(d, &(struct doctor_finding){
                           "rt-priority", wanted ? DOCTOR_PROBLEM : DOCTOR_WARNING,
                           "SCHED_FIFO is not permitted: RLIMIT_RTPRIO is below 70 and there is no "
                           "CAP_SYS_NICE",
                           "a busy machine makes bursts and captures late",
                           "echo '@usrp - rtprio 99' | sudo tee -a "
                           "/etc/security/limits.d/mirador.conf, and log in anew; the systemd unit "
                           "has it"});
    if (has_capability(d, CAP_IPC_LOCK_BIT) || locked >= 1ull << 30)
        doctor_fine(d, "memlock", "memory may be locked");
    else
        doctor_tell(d,
                    &(struct doctor_finding){
                        "memlock", wanted && cfg->run.lock_memory ? DOCTOR_PROBLEM : DOCTOR_WARNING,
                        "memory may not be locked: RLIMIT_MEMLOCK is below 1 GiB and there is "
                        "no CAP_IPC_LOCK",
                        "a machine that swaps stops the radio threads",
                        "echo '@usrp - memlock unlimited' | sudo tee -a "
                        "/etc/security/limits.d/mirador.conf, and log in anew; the systemd unit "
                        "has it"});
}

static void look_at_governor(struct doctor *d)
{
    struct doctor_finding f = {
        .check = "governor",
        .verdict = DOCTOR_WARNING,
        .why = "a CPU that slept takes milliseconds to reach its speed: late bursts while idle",
        .cure = "sudo cpupower frequency-set -g performance",
    };
    char path[512], file[512], text[64];
    unsigned n = 0, slow = 0;
    doctor_path(d, "/sys/devices/system/cpu", path, sizeof path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strncmp(e->d_name, "cpu", 3) != 0 || !isdigit((unsigned char)e->d_name[3]))
            continue;
        snprintf(file, sizeof file, "/sys/devices/system/cpu/%.16s/cpufreq/scaling_governor",
                 e->d_name);
        if (!doctor_read_line(d, file, text, sizeof text))
            continue;
        n++;
        if (strcmp(text, "performance") == 0)
            continue;
        slow++;
        snprintf(f.what, sizeof f.what, "%u CPU%s run by the governor '%s'", slow,
                 slow > 1 ? "s are" : " is", text);
    }
    if (dir)
        closedir(dir);
    if (slow > 0)
        doctor_tell(d, &f);
    else
        doctor_fine(d, "governor",
                    n ? "every CPU runs at its performance" : "no frequency scaling to be seen");
}

static void look_at_clock(struct doctor *d)
{
    if (d->probes.clock_synchronised())
        doctor_fine(d, "clock", "the kernel's clock is synchronised");
    else
        doctor_tell(d, &(struct doctor_finding){
                           "clock", DOCTOR_WARNING, "nothing keeps the machine's clock right",
                           "recordings, audit log and other machines' data carry wrong times",
                           "sudo apt install chrony, or sudo timedatectl set-ntp true"});
}

/* Whose processes we may look at: others' segments may well be in use. */
static bool find_ours(const char *folder, const char *segment, unsigned long *inode)
{
    char path[800];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, segment);
    if (stat(path, &st) != 0 || (geteuid() != 0 && st.st_uid != geteuid()))
        return false;
    *inode = (unsigned long)st.st_ino;
    return true;
}

/* True if the process maps that file of /dev/shm, by whatever name it had then. */
static bool maps_inode(const struct doctor *d, const char *pid, unsigned long inode)
{
    char path[600], line[1024];
    bool found = false;
    doctor_path(d, "/proc", path, sizeof path - 64);
    snprintf(path + strlen(path), 64, "/%.20s/maps", pid);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        unsigned long its = 0;
        found = strstr(line, "/dev/shm/") && sscanf(line, "%*s %*s %*s %*s %lu", &its) == 1 &&
                its == inode;
    }
    if (f)
        fclose(f);
    return found;
}

static bool anyone_maps(const struct doctor *d, unsigned long inode)
{
    char path[512];
    bool found = false;
    doctor_path(d, "/proc", path, sizeof path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = isdigit((unsigned char)e->d_name[0]) && maps_inode(d, e->d_name, inode);
    if (dir)
        closedir(dir);
    return found;
}

/* Looks a second time whether it is there: its room may end while we look. */
static bool is_stale(const struct doctor *d, const char *folder, const char *segment)
{
    unsigned long inode;
    return strncmp(segment, "mirador-", 8) == 0 && find_ours(folder, segment, &inode) &&
           !anyone_maps(d, inode) && find_ours(folder, segment, &inode);
}

/* The next room takes such segments away by itself, but until then they eat memory. */
static void look_at_shared_memory(struct doctor *d)
{
    struct doctor_finding f = {
        .check = "shared-memory",
        .verdict = DOCTOR_WARNING,
        .why = "the memory stays taken, and the next room may not fit",
        .cure = "rm --",
    };
    char path[512], first[200] = "";
    unsigned stale = 0;
    doctor_path(d, "/dev/shm", path, sizeof path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!is_stale(d, path, e->d_name))
            continue;
        if (stale++ == 0)
            snprintf(first, sizeof first, "%.190s", e->d_name);
        char full[800], word[sizeof f.cure];
        const size_t used = strlen(f.cure);
        snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        if (doctor_quote(full, word, sizeof word) && used + strlen(word) + 2 < sizeof f.cure)
            snprintf(f.cure + used, sizeof f.cure - used, " %s", word);
    }
    if (dir)
        closedir(dir);
    snprintf(f.what, sizeof f.what, "%u segment%s of rooms that nobody uses, '%s'", stale,
             stale > 1 ? "s" : "", first);
    if (stale > 0)
        doctor_tell(d, &f);
    else
        doctor_fine(d, "shared-memory", "no dead room left shared memory behind");
}

void doctor_machine(struct doctor *d)
{
    look_at_governor(d);
    look_at_clock(d);
    look_at_shared_memory(d);
}
