/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Commands to the daemon, in the way of command_port.h.
 *
 *   {"cmd":"status"}                       -> {"ok":true, ...health...}
 *   {"cmd":"background","cycles":10}       -> {"ok":true}      capture the empty room; 0 drops it
 *   {"cmd":"calib","kind":"delay", ...}    -> {"ok":true}      likewise channels, background
 *   {"cmd":"calib","kind":"state"}         -> {"ok":true, "phase":.., "done":.., "result":..}
 *   {"cmd":"calib","kind":"list"}          -> {"ok":true, "records":[..]}; "stop" gives up
 *   {"cmd":"describe"}                     -> {"ok":true, room, surfaces, cycle ..}
 *   {"cmd":"pattern","surface":"ris1","profile":0} -> {"ok":true, "states":..}
 *   {"cmd":"hold","surface":"ris1","profile":0}    -> {"ok":true}   null: as ris.mode says
 *   {"cmd":"permit","user":1,"allow":false}        -> {"ok":true}
 *   {"cmd":"users","do":"add","user":2,"key":"user-2.key"} -> {"ok":true}
 *                                             also "set", "remove", "list"
 *   {"cmd":"record","do":"start", ..}      -> {"ok":true, ..}  stop, mark, status: control_record.h
 *   {"cmd":"pause","seconds":60}           -> {"ok":true}      0 goes on
 *   {"cmd":"gain","tx_db":27,"rx_db":10}   -> {"ok":true}      ordered; see status. control_radio.h
 *   {"cmd":"frequency","carrier_hz":5.81e9}-> {"ok":true}      likewise
 *   {"cmd":"period","period_s":0.4}        -> {"ok":true}      from the next cycle on
 *   {"cmd":"identity","mode":"coded"}      -> {"ok":true}      or "steering", likewise
 *   {"cmd":"shutdown"}                     -> {"ok":true} */
#pragma once
#include "host/command_port.h"
#include "host/control_record.h"
#include "host/control_scene.h"
#include "host/control_users.h"
#include "host/site_calib.h"
#include "host/telemetry.h"

struct control_ops { /* what commands do, supplied by the daemon */
    void (*health)(void *context, struct health *out);
    void (*background)(void *context, unsigned cycles);
    void (*shutdown)(void *context);
    void (*hold)(void *context, size_t surface, int profile); /* both exist; -1: as ris.mode says */
    int (*allow)(void *context, int user, bool allow);        /* ERR_NOT_FOUND: no such user */
    /* Say why not in *err. */
    int (*add_user)(void *context, const struct roster_wish *wish, struct status *err);
    int (*set_user)(void *context, const struct roster_wish *wish, struct status *err);
    int (*remove_user)(void *context, int user, struct status *err);
    void (*pause)(void *context, double seconds);             /* 0: go on */
    void (*orders)(void *context, struct health_orders *out); /* what commands changed so far */
    /* Checked by radio_check_setting. ERR_BUSY: the last one still waits. */
    int (*tune)(void *context, const struct radio_setting *want, struct status *err);
    void (*every)(void *context, unsigned periods); /* of the schedule, from cycle to cycle; >= 1 */
    void (*identify)(void *context, enum bs_identity identity); /* it can be, with these boards */
    void (*audit)(void *context, const char *line);
    struct log_site *refusals; /* that are audited; NULL: all. control_create has its own */
    void *context;
    struct site_calib *site;    /* NULL: commands "calib" are refused */
    struct recorder *recorder;  /* NULL: commands "record" are refused */
    const char *record_folder;  /* of recordings begun by command */
    struct control_scene scene; /* cfg NULL: commands that need it are refused */
};

struct control;

/* Setup only. socket: a bound ROUTER, borrowed. */
struct control *control_create(void *socket, const struct control_ops *ops, struct status *err);
void control_destroy(struct control **control);
/* Answers what waits on the socket, without blocking: at most 64 at once, so that a flood of
 * commands does not hold up what else its thread does. Call again while the socket is readable. */
void control_serve(struct control *control);

/* Parses and carries out one command; writes the answer as text. sender: name of the proven key,
 * NULL: none. For control_serve and tests. */
void control_execute(const struct control_ops *ops, const char *sender, const char *text, size_t n,
                     char *answer, size_t size);
