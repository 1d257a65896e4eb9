/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/control_calib.h"
#include "base/log.h"
#include "host/control_text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CYCLES_BACKGROUND = 10, CYCLES_RADIO = 20 };

static int take_name(const json_t *args, const char *key, int n, const char *(*name)(unsigned),
                     int missing, struct status *err)
{
    const json_t *value = json_object_get(args, key);
    const char *text = json_string_value(value);
    if (!value)
        return missing;
    for (int i = 0; text && i < n; i++)
        if (strcmp(text, name((unsigned)i)) == 0)
            return i;
    return status_set(err, ERR_ARG, "\"%s\": no such one as '%.40s'", key, text ? text : "");
}

static const char *kind_name(unsigned i)
{
    return calib_kind_name((enum calib_kind)i);
}

static const char *source_name(unsigned i)
{
    return site_source_name((enum site_source)i);
}

static int take_position(const json_t *args, struct vec3 *out, struct status *err)
{
    const json_t *list = json_object_get(args, "position_m");
    double *const to[] = {&out->x, &out->y, &out->z};
    bool ok = json_array_size(list) == 3;
    for (size_t i = 0; ok && i < 3; i++) {
        ok = json_is_number(json_array_get(list, i));
        *to[i] = json_number_value(json_array_get(list, i));
    }
    return ok ? OK : status_set(err, ERR_ARG, "\"position_m\" must be three numbers");
}

int control_calib_request(const json_t *args, struct site_request *out, struct status *err)
{
    const json_t *cycles = json_object_get(args, "cycles"), *user = json_object_get(args, "user"),
                 *cable = json_object_get(args, "cable_m");
    int kind = take_name(args, "kind", CALIB_TRANSMIT, kind_name, ERR_ARG, err);
    int from = take_name(args, "from", SITE_SOURCES, source_name, SITE_LEAK, err);
    if (kind < 0 || from < 0)
        return err->code ? err->code : status_set(err, ERR_ARG, "\"kind\" is missing");
    int id = -1;
    if (user && control_user(user, &id, err))
        return err->code;
    if (cable && !json_is_number(cable))
        return status_set(err, ERR_ARG, "\"cable_m\" must be a number");
    json_int_t n = cycles                     ? json_integer_value(cycles)
                   : kind == CALIB_BACKGROUND ? CYCLES_BACKGROUND
                                              : CYCLES_RADIO;
    *out = (struct site_request){.kind = (enum calib_kind)kind,
                                 .from = (enum site_source)from,
                                 .cycles = n > 0 && n < 100000 ? (unsigned)n : 0,
                                 .cable_m = json_number_value(cable),
                                 .user = id};
    return out->from == SITE_USER ? take_position(args, &out->position, err) : OK;
}

static json_t *record_to_json(const struct site_state *s)
{
    const struct calib_record *r = &s->record;
    json_t *o = json_pack("{s:f, s:i}", "time_unix_s", r->time_unix_s, "cycles", (int)r->cycles);
    if (r->kind == CALIB_DELAY) {
        json_object_set_new(o, "latency_s", json_real(r->zero.latency_s));
        json_object_set_new(o, "spread_m", json_real(r->spread_m));
        if (s->request.from == SITE_ANTENNAS)
            json_object_set_new(o, "antennas_m", json_real(s->antennas_m));
    }
    if (r->kind == CALIB_CHANNELS) {
        json_t *list = json_array();
        for (size_t i = 0; i < r->n_ant; i++)
            json_array_append_new(list, json_pack("{s:f, s:f}", "gain_db",
                                                  20 * log10((double)cabsf(r->correction[i])),
                                                  "phase_rad", (double)cargf(r->correction[i])));
        json_object_set_new(o, "correction", list);
        json_object_set_new(o, "sigma_rad", json_real(r->sigma_rad));
        json_object_set_new(o, "match", json_real(r->match));
    }
    return o;
}

int control_calib_state(const struct site_state *s, char *out, size_t size)
{
    json_t *o = json_pack("{s:s, s:i, s:i}", "phase", site_phase_name(s->phase), "done",
                          (int)s->done, "cycles", (int)s->request.cycles);
    if (s->phase != SITE_IDLE) {
        json_object_set_new(o, "kind", json_string(calib_kind_name(s->request.kind)));
        json_object_set_new(o, "from", json_string(site_source_name(s->request.from)));
    }
    if (s->phase == SITE_FAILED)
        json_object_set_new(o, "why", json_string(s->err.text));
    if (s->phase == SITE_DONE)
        json_object_set_new(o, "result", record_to_json(s));
    return control_text(o, 12, out, size) > 0 ? OK : ERR_NO_SPACE;
}
