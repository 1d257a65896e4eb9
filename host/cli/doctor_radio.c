/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UHD, its modules, the device and what it is synchronised to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uhd.h>
#include <unistd.h>

#include "host/cli/doctor.h"

#define MODULE "mirador_room_uhd.so"

static void look_at_version(struct doctor *d)
{
    struct doctor_finding f = {
        .check = "uhd",
        .verdict = DOCTOR_WARNING,
        .why = "device modules of another version are not loaded, and images may not fit",
        .cure = "sudo apt install libuhd4.3.0 uhd-host, or build anew: ./run build",
    };
    char built[16], abi[64] = "", version[64] = "";
    snprintf(built, sizeof built, "%d.%d.", UHD_VERSION / 1000000, UHD_VERSION / 10000 % 100);
    uhd_get_version_string(version, sizeof version);
    uhd_get_abi_string(abi, sizeof abi);
    if (strncmp(version, built, strlen(built)) == 0) {
        doctor_fine(d, "uhd", "UHD %s, ABI %s", version, abi);
        return;
    }
    snprintf(f.what, sizeof f.what, "UHD %s is loaded, we were built for %sx", version, built);
    doctor_tell(d, &f);
}

static bool module_in(const char *folder, int n, char *found, size_t size)
{
    snprintf(found, size, "%.*s/" MODULE, n, folder);
    return n > 0 && access(found, R_OK) == 0;
}

/* Where UHD looks: the environment's folders, then its own. */
static bool find_module(const struct doctor *d, char *found, size_t size)
{
    for (const char *p = getenv("UHD_MODULE_PATH"); p && *p;) {
        int n = (int)strcspn(p, ":");
        if (module_in(p, n, found, size))
            return true;
        p += n + (p[n] == ':');
    }
    char own[600];
    doctor_path(d, MIRADOR_UHD_MODULES, own, sizeof own);
    return module_in(own, (int)strlen(own), found, size);
}

static void look_at_module(struct doctor *d)
{
    struct doctor_finding f = {
        .check = "uhd-module",
        .verdict = DOCTOR_PROBLEM,
        .what = "UHD does not see the module of the simulated room",
        .why = "UHD knows no device type=room",
    };
    char found[800];
    if (find_module(d, found, sizeof found)) {
        doctor_fine(d, "uhd-module", "%.280s", found);
        return;
    }
    snprintf(f.cure, sizeof f.cure,
             "export UHD_MODULE_PATH=FOLDER, the one that holds " MODULE
             "; after a build: build/modules");
    doctor_tell(d, &f);
}

static bool look_at_device(struct doctor *d, const struct bs_cfg *cfg)
{
    const bool room = radio_args_is_room(cfg->radio.args);
    struct doctor_finding f = {
        .check = "device",
        .verdict = DOCTOR_PROBLEM,
        .why = "there is nothing to send and receive with",
    };
    int n = d->probes.find(cfg->radio.args);
    if (n > 0) {
        doctor_fine(d, "device", "%d device%s answer%s to '%.200s'", n, n > 1 ? "s" : "",
                    n > 1 ? "" : "s", cfg->radio.args);
        return true;
    }
    snprintf(f.what, sizeof f.what, "no device answers to '%.240s'", cfg->radio.args);
    snprintf(f.cure, sizeof f.cure, "%s",
             room ? "start mirador-room with this room's name, or all of it: mirador demo"
                  : "check power and cable, then: uhd_find_devices");
    doctor_tell(d, &f);
    return false;
}

static bool is_external(const char *source)
{
    return source[0] && strcmp(source, "internal") != 0;
}

static void look_at_reference(struct doctor *d, const struct bs_cfg *cfg)
{
    struct doctor_finding f = {
        .check = "reference",
        .verdict = DOCTOR_PROBLEM,
        .why = "miradord refuses to start without the reference and PPS it is told to use",
        .cure = "connect 10 MHz and PPS, or radio.clock_source: internal and radio.time_source: ''",
    };
    struct radio_cfg radio = bs_config_radio(cfg);
    struct status err = {0};
    radio.n_tx = 0; /* only looks */
    radio.trigger.enable = false;
    radio.force_unlocked = false;
    if (d->probes.reference(&radio, &err) == 0)
        doctor_fine(d, "reference", "reference and PPS are there");
    else {
        snprintf(f.what, sizeof f.what, "%s", err.text);
        doctor_tell(d, &f);
    }
}

/* A base station that runs has the device: others do not find it, and must not open it. */
static bool is_in_use(struct doctor *d, const struct bs_cfg *cfg)
{
    int pid = doctor_process(d, "miradord", 0);
    if (pid == 0 || radio_args_is_room(cfg->radio.args))
        return false;
    doctor_fine(d, "device", "left alone: miradord (pid %d) runs; see 'radio' of mirador status",
                pid);
    doctor_fine(d, "reference", "left alone; see 'unsynchronised' of mirador status");
    return true;
}

void doctor_radio(struct doctor *d, const struct bs_cfg *cfg)
{
    look_at_version(d);
    if (radio_args_is_room(cfg->radio.args))
        look_at_module(d);
    if (is_in_use(d, cfg))
        return;
    bool there = look_at_device(d, cfg);
    if (!is_external(cfg->radio.clock_source) && !is_external(cfg->radio.time_source))
        doctor_fine(d, "reference", "none is configured");
    else if (there)
        look_at_reference(d, cfg);
}
