/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What will bite a base station on this machine, and the cure: one finding per thing looked at.
 * docs/doctor.md lists the checks. One thread; nothing here changes the machine but for a test file
 * that is removed at once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "host/bs_config.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

struct doctor_finding {
    const char *check; /* "rt-priority": never changes, for scripts */
    enum doctor_verdict verdict;
    char what[320];
    const char *why; /* what happens otherwise; NULL when all is well */
    char cure[320];  /* a command or a key of the configuration; "" when all is well */
};

/* What only a system call or a device can tell; tests put their own in its place. */
struct doctor_probes {
    bool (*clock_synchronised)(void);
    /* Receive ring of a network interface, entries now and at most; false: it does not say. */
    bool (*ring)(const char *interface, unsigned *now, unsigned *most);
    /* Bytes free where this folder is; negative, with errno: there is no such folder. */
    double (*free_bytes)(const char *folder);
    /* Seconds that n bytes take to reach the disk of this folder; negative: cannot be written. */
    double (*write_s)(const char *folder, size_t n);
    /* Devices that answer to these UHD args; negative: UHD failed. */
    int (*find)(const char *args);
    /* Opens the device with its clock and time source; 0, or the reason in *err. */
    int (*reference)(const struct radio_cfg *cfg, struct status *err);
};
extern const struct doctor_probes doctor_probes_real;

struct doctor {
    const char *sysroot; /* in front of /proc, /sys, /dev/shm; "" = this machine */
    struct doctor_probes probes;
    const char *record_dir; /* where recordings go; NULL = run.state_dir */
    void (*tell)(void *context, const struct doctor_finding *finding);
    void *context;
    size_t n[DOCTOR_PROBLEM + 1]; /* findings told, by verdict */
};

/* Every check in turn. False if anything was a problem. */
bool doctor_examine(struct doctor *doctor, const struct bs_cfg *cfg);

/* The checks by what they look at; each tells at least one finding. */
void doctor_privileges(struct doctor *doctor, const struct bs_cfg *cfg); /* RT, memory */
void doctor_machine(struct doctor *doctor);                              /* governor, clock, shm */
void doctor_network(struct doctor *doctor, const struct bs_cfg *cfg);
void doctor_usb(struct doctor *doctor, const struct bs_cfg *cfg);
void doctor_radio(struct doctor *doctor, const struct bs_cfg *cfg); /* UHD, device, reference */
void doctor_endpoints(struct doctor *doctor, const struct bs_cfg *cfg);
void doctor_surfaces(struct doctor *doctor, const struct bs_cfg *cfg);
void doctor_disk(struct doctor *doctor, const struct bs_cfg *cfg);
void doctor_keys(struct doctor *doctor, const struct bs_cfg *cfg);

/* For the checks. */
void doctor_fine(struct doctor *doctor, const char *check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_tell(struct doctor *doctor, const struct doctor_finding *finding);

/* A name as one word of a shell, in quotes, into word; false if it does not fit: word is "". */
bool doctor_quote(const char *name, char *word, size_t size);

/* The process of that name with the lowest number above `after`, or 0; /proc tells every account.
 */
int doctor_process(const struct doctor *doctor, const char *name, int after);

/* path below the sysroot; text is cut at the first newline and terminated. False: unreadable. */
bool doctor_read_line(const struct doctor *doctor, const char *path, char *text, size_t size);
void doctor_path(const struct doctor *doctor, const char *path, char *full, size_t size);
/* A file's whole number, or otherwise. */
long doctor_read_number(const struct doctor *doctor, const char *path, long otherwise);

/* "addr" of "type=x300,addr=192.168.40.2"; false if it is not there. */
bool doctor_device_arg(const char *args, const char *key, char *value, size_t size);
/* Bytes per second that a recording of this configuration writes; sc16. */
double doctor_record_rate(const struct bs_cfg *cfg);
