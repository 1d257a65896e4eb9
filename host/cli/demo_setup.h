/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Brings up everything that `mirador demo` needs in a private folder: keys, room, surfaces, base
 * station, users, in this order, each ready before the next starts. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/sockets.h"
#include "host/cli/children.h"
#include "host/cli/demo_scene.h"

enum {
    DEMO_SETS = 64,
    DEMO_DATA_USERS = 32 /* from the base station's first UDP port to the users' */
};

/* Standard deviation of the height that a user reports about the true one. */
#define DEMO_HEIGHT_ERROR_M 0.03

struct demo_cfg {
    double seconds;                    /* of room time; 0 = until interrupted */
    const char *preset;                /* of base station and terminals */
    const char *scene;                 /* NULL = the preset's, of a preset of the room; else lab */
    const char *path;                  /* NULL = the scene's own */
    const char *faults, *fault_report; /* for the room; NULL = none */
    const char *record;                /* prefix of a recording of the whole run; NULL = none */
    const char *boards;                /* driver of the surfaces; NULL = native */
    const char *ris;                   /* what they show, see ris.mode of miradord; NULL = wide */
    uint64_t seed;
    double speed;        /* room seconds per second at most; 0 = no limit */
    int port;            /* of the live page; 0 = any, -1 = 8088 or any */
    unsigned users;      /* in the room; 0 = as many as the scene lists */
    unsigned bystanders; /* in the room beside them, who carry no terminal */
    unsigned pixels;     /* a train of pilots every so many cycles; 0 = none */
    bool permit, realtime, json, keep, headless;
    bool link;                   /* slots of data each way, by all TX channels */
    bool no_token;               /* of the live page */
    const char *sets[DEMO_SETS]; /* "bs.KEY=VALUE", also room, ris, ue */
    size_t n_sets;
};

struct demo {
    const struct demo_cfg *cfg;
    char state[128]; /* private folder; "" = none yet */
    int udp_port;    /* the base station's of user data, with cfg->link; a pair for each user */
    char page[128];  /* address of the live page with its token; "" = none */
    struct children children;
    struct demo_preset preset;
    const char *scene_name;
    struct demo_scene scene;
    struct sockets *sockets;
    void *truth, *telemetry; /* SUB */
    void *terminal;          /* likewise, of the first user; only with cfg->link */
};

/* Starts all. On failure children may be running: demo_stop. */
int demo_start(struct demo *demo, struct status *err) MUST_CHECK;

/* Ends all that run and closes the sockets; removes the folder unless cfg->keep. Accepts what was
 * never started. */
void demo_stop(struct demo *demo);
