/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/calib_record.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARRIERS_MAX = 8191 };

static const char *const kind_names[CALIB_KINDS] = {"delay", "channels", "background", "transmit"};

const char *calib_kind_name(enum calib_kind kind)
{
    return kind < CALIB_KINDS ? kind_names[kind] : "unknown";
}

void calib_record_clear(struct calib_record *record)
{
    for (size_t i = 0; i < CALIB_STREAMS; i++)
        free(record->room[i]);
    memset(record, 0, sizeof *record);
}

/* --- keys --------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 0))) static void set_item(struct calib_key *key, size_t i,
                                                           const char *format, va_list args)
{
    int n = vsnprintf(key->item[i].text, CALIB_KEY_TEXT, format, args);
    assert(n >= 0 && n < CALIB_KEY_TEXT);
}

void calib_key_add(struct calib_key *key, const char *name, const char *format, ...)
{
    va_list args;
    assert(key->n < CALIB_KEY_ITEMS && strlen(name) < CALIB_KEY_NAME);
    va_start(args, format);
    set_item(key, key->n, format, args);
    va_end(args);
    snprintf(key->item[key->n].name, CALIB_KEY_NAME, "%s", name);
    key->n++;
}

void calib_key_set(struct calib_key *key, const char *name, const char *format, ...)
{
    size_t i = 0;
    va_list args;
    while (i < key->n && strcmp(key->item[i].name, name) != 0)
        i++;
    assert(i < key->n);
    va_start(args, format);
    set_item(key, i, format, args);
    va_end(args);
}

static const char *key_text(const struct calib_key *key, const char *name)
{
    for (size_t i = 0; i < key->n; i++)
        if (strcmp(key->item[i].name, name) == 0)
            return key->item[i].text;
    return NULL;
}

static void say(char *text, size_t size, const char *name, const char *now, const char *was)
{
    size_t n = strlen(text);
    snprintf(text + n, size - n, "%s%s is %.60s, was %.60s", n ? "; " : "", name,
             now ? now : "not given", was ? was : "not given");
}

int calib_key_differs(const struct calib_key *now, const struct calib_key *was, char *text,
                      size_t size)
{
    int count = 0;
    text[0] = '\0';
    for (size_t i = 0; i < now->n; i++) {
        const char *then = key_text(was, now->item[i].name);
        if (then && strcmp(then, now->item[i].text) == 0)
            continue;
        say(text, size, now->item[i].name, now->item[i].text, then);
        count++;
    }
    for (size_t i = 0; i < was->n; i++)
        if (!key_text(now, was->item[i].name)) {
            say(text, size, was->item[i].name, NULL, was->item[i].text);
            count++;
        }
    return count;
}

static json_t *key_to_json(const struct calib_key *key)
{
    json_t *o = json_object();
    for (size_t i = 0; i < key->n; i++)
        json_object_set_new(o, key->item[i].name, json_string(key->item[i].text));
    return o;
}

bool calib_key_from_json(const json_t *o, struct calib_key *key)
{
    const char *name;
    json_t *value;
    if (!json_is_object(o) || json_object_size(o) > CALIB_KEY_ITEMS)
        return false;
    key->n = 0;
    json_object_foreach((json_t *)o, name, value)
    {
        const char *text = json_string_value(value);
        if (!text || strlen(text) >= CALIB_KEY_TEXT || strlen(name) >= CALIB_KEY_NAME)
            return false;
        calib_key_add(key, name, "%s", text);
    }
    return true;
}

/* --- members of a record ------------------------------------------------------------------- */

static json_t *complex_to_json(const cplxf *value, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(a, json_real((double)crealf(value[i])));
        json_array_append_new(a, json_real((double)cimagf(value[i])));
    }
    return a;
}

static bool complex_from_json(const json_t *a, size_t n, cplxf *value)
{
    if (!json_is_array(a) || json_array_size(a) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *re = json_array_get(a, 2 * i), *im = json_array_get(a, 2 * i + 1);
        value[i] = CMPLXF(json_number_value(re), json_number_value(im));
        if (!json_is_number(re) || !json_is_number(im) || !isfinite(crealf(value[i])) ||
            !isfinite(cimagf(value[i])))
            return false;
    }
    return true;
}

/* Samples by the thousand: the bytes of float32 pairs, little endian, in base64. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file holds little-endian floats");

static json_t *room_to_json(const cplxf *room, size_t n)
{
    size_t size = sodium_base64_encoded_len(n * sizeof *room, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *o = NULL;
    if (text)
        o = json_string(sodium_bin2base64(text, size, (const unsigned char *)room, n * sizeof *room,
                                          sodium_base64_VARIANT_ORIGINAL));
    free(text);
    return o;
}

static bool room_from_json(const json_t *o, size_t n, cplxf *room)
{
    size_t got = 0, length = json_string_length(o);
    if (!json_is_string(o) ||
        sodium_base642bin((unsigned char *)room, n * sizeof *room, json_string_value(o), length,
                          NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) ||
        got != n * sizeof *room)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(crealf(room[i])) || !isfinite(cimagf(room[i])))
            return false;
    return true;
}

static json_t *streams_to_json(const struct calib_record *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_streams; i++) {
        char config[20];
        snprintf(config, sizeof config, "%016" PRIx64, r->config[i]);
        json_array_append_new(list, json_pack("{s:i, s:s, s:o}", "stream", (int)r->stream[i],
                                              "config", config, "room_f32",
                                              room_to_json(r->room[i], r->n_ant * r->n_carrier)));
    }
    return list;
}

/* JSON has no NaN. */
static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *calib_record_to_json(const struct calib_record *r)
{
    json_t *o = json_pack("{s:s, s:o, s:f, s:o, s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "kind",
                          calib_kind_name(r->kind), "key", key_to_json(&r->key), "time_unix_s",
                          r->time_unix_s, "temperature_c", real_or_null(r->temperature_c), "from",
                          r->from, "cycles", (int)r->cycles, "latency_s", r->zero.latency_s,
                          "seen_s", r->zero.seen_s, "spread_m", r->spread_m, "sigma_rad",
                          r->sigma_rad, "match", r->match);
    if (o && r->kind != CALIB_DELAY)
        json_object_set_new(o, "correction", complex_to_json(r->correction, r->n_ant));
    if (o && r->kind == CALIB_BACKGROUND) {
        json_object_set_new(o, "carriers", json_integer((json_int_t)r->n_carrier));
        json_object_set_new(o, "streams", streams_to_json(r));
    }
    return o;
}

static bool take_real(const json_t *o, const char *name, double *out)
{
    const json_t *value = json_object_get(o, name);
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out);
}

/* Returns the name of the member at fault, NULL if all is well. */
static const char *take_stream(const json_t *entry, struct calib_record *r)
{
    const size_t i = r->n_streams, n = r->n_ant * r->n_carrier;
    const json_t *stream = json_object_get(entry, "stream");
    const char *config = json_string_value(json_object_get(entry, "config"));
    char *end = NULL;
    if (!json_is_integer(stream) || json_integer_value(stream) < 0 ||
        json_integer_value(stream) >= STREAM_COUNT)
        return "stream";
    r->stream[i] = (enum stream_name)json_integer_value(stream);
    r->config[i] = config ? strtoull(config, &end, 16) : 0;
    if (!config || !config[0] || *end)
        return "config";
    r->room[i] = calloc(n, sizeof(cplxf));
    return r->room[i] && room_from_json(json_object_get(entry, "room_f32"), n, r->room[i])
               ? NULL
               : "room_f32";
}

static const char *take_streams(const json_t *o, struct calib_record *r)
{
    const json_t *list = json_object_get(o, "streams");
    json_int_t carriers = json_integer_value(json_object_get(o, "carriers"));
    const char *fault = NULL;
    if (carriers < 1 || carriers > CARRIERS_MAX)
        return "carriers";
    if (json_array_size(list) < 1 || json_array_size(list) > CALIB_STREAMS)
        return "streams";
    r->n_carrier = (size_t)carriers;
    for (r->n_streams = 0; !fault && r->n_streams < json_array_size(list); r->n_streams++)
        fault = take_stream(json_array_get(list, r->n_streams), r);
    return fault;
}

static const char *take_correction(const json_t *o, struct calib_record *r)
{
    const json_t *list = json_object_get(o, "correction");
    r->n_ant = json_array_size(list) / 2;
    if (r->n_ant < 1 || r->n_ant > STREAM_MAX_ANT ||
        !complex_from_json(list, r->n_ant, r->correction))
        return "correction";
    return NULL;
}

static const char *take_header(const json_t *o, struct calib_record *r)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    const char *from = json_string_value(json_object_get(o, "from"));
    const json_t *temperature = json_object_get(o, "temperature_c");
    json_int_t cycles = json_integer_value(json_object_get(o, "cycles"));
    for (r->kind = 0; r->kind < CALIB_KINDS; r->kind++)
        if (kind && strcmp(kind, kind_names[r->kind]) == 0)
            break;
    if (r->kind == CALIB_KINDS)
        return "kind";
    if (!calib_key_from_json(json_object_get(o, "key"), &r->key))
        return "key";
    if (!from || strlen(from) >= sizeof r->from)
        return "from";
    snprintf(r->from, sizeof r->from, "%s", from);
    if (cycles < 0 || cycles > 1000000)
        return "cycles";
    r->cycles = (unsigned)cycles;
    r->temperature_c = json_is_number(temperature) ? json_number_value(temperature) : NAN;
    return json_is_number(temperature) || json_is_null(temperature) ? NULL : "temperature_c";
}

const char *calib_record_from_json(const json_t *o, struct calib_record *r)
{
    const struct {
        const char *name;
        double *value;
    } reals[] = {
        {"time_unix_s", &r->time_unix_s}, {"latency_s", &r->zero.latency_s},
        {"seen_s", &r->zero.seen_s},      {"spread_m", &r->spread_m},
        {"sigma_rad", &r->sigma_rad},     {"match", &r->match},
    };
    memset(r, 0, sizeof *r);
    const char *fault = take_header(o, r);
    for (size_t i = 0; !fault && i < sizeof reals / sizeof reals[0]; i++)
        if (!take_real(o, reals[i].name, reals[i].value))
            fault = reals[i].name;
    if (!fault && r->kind != CALIB_DELAY)
        fault = take_correction(o, r);
    if (!fault && r->kind == CALIB_BACKGROUND)
        fault = take_streams(o, r);
    return fault;
}
