/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames/ris_report.h"
#include "frames/byte_cursor.h"

#define MAGIC        0x5352u /* "RS" */
#define VERSION      1
#define REPLY_LOWEST (-255)

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Length of a valid board name, 0 for any other. */
static size_t name_length(const char *name)
{
    size_t n = 0;
    while (n <= RIS_NAME_MAX && name[n] != '\0') {
        if (!name_char(name[n]))
            return 0;
        n++;
    }
    return n <= RIS_NAME_MAX ? n : 0;
}

static bool counts_valid(const struct ris_report *r)
{
    switch (r->kind) {
    case RIS_REPORT_ARM:
        if (r->n_edges < 1 || r->n_edges > RIS_EDGES_MAX || r->n_steps < 1 ||
            r->n_steps > RIS_STEPS_MAX || r->period_ns == 0)
            return false;
        break;
    case RIS_REPORT_APPLY_AT_EDGE:
        if (r->n_edges != 1 || r->n_steps != 1)
            return false;
        break;
    case RIS_REPORT_APPLY:
    case RIS_REPORT_DISARM:
        return r->n_edges == 0 && r->n_steps == 0;
    default:
        return false;
    }
    for (size_t e = 0; e < r->n_edges; e++)
        if (r->reps[e] == 0)
            return false;
    return true;
}

static bool patterns_valid(const struct ris_report *r)
{
    size_t n = ris_pattern_bytes(r->shape);
    for (size_t k = 0; k < r->n_steps; k++)
        if (!ris_pattern_valid(r->shape, r->patterns + k * n))
            return false;
    return ris_pattern_valid(r->shape, r->idle);
}

int ris_report_encode(const struct ris_report *r, uint8_t *out, size_t cap)
{
    struct byte_writer w = {.bytes = out, .cap = cap};
    size_t n_name = name_length(r->board);
    if (n_name == 0 || !counts_valid(r) || r->trigger > RIS_TRIGGER_FALLING ||
        !ris_shape_valid(r->shape) || !patterns_valid(r))
        return ERR_ARG;
    byte_put(&w, MAGIC, 2);
    byte_put(&w, VERSION, 1);
    byte_put(&w, r->kind, 1);
    byte_put(&w, r->trigger, 1);
    byte_put(&w, r->shape.columns, 1);
    byte_put(&w, r->shape.rows, 1);
    byte_put(&w, r->shape.bits, 1);
    byte_put(&w, r->n_edges, 1);
    byte_put(&w, r->n_steps, 1);
    byte_put(&w, r->tag, 4);
    byte_put(&w, r->delay_ns, 4);
    byte_put(&w, r->period_ns, 4);
    for (size_t e = 0; e < r->n_edges; e++)
        byte_put(&w, r->reps[e], 2);
    byte_put(&w, n_name, 1);
    byte_put_many(&w, (const uint8_t *)r->board, n_name);
    if (r->n_steps > 0)
        byte_put_many(&w, r->patterns, r->n_steps * ris_pattern_bytes(r->shape));
    byte_put_many(&w, r->idle, ris_pattern_bytes(r->shape));
    return w.overflow ? ERR_NO_SPACE : (int)w.at;
}

static bool head_get(struct byte_reader *r, struct ris_report *out)
{
    bool ours = byte_get(r, 2) == MAGIC && byte_get(r, 1) == VERSION;
    out->kind = (uint8_t)byte_get(r, 1);
    out->trigger = (uint8_t)byte_get(r, 1);
    out->shape.columns = (uint8_t)byte_get(r, 1);
    out->shape.rows = (uint8_t)byte_get(r, 1);
    out->shape.bits = (uint8_t)byte_get(r, 1);
    out->n_edges = (uint8_t)byte_get(r, 1);
    out->n_steps = (uint8_t)byte_get(r, 1);
    out->tag = (uint32_t)byte_get(r, 4);
    out->delay_ns = (uint32_t)byte_get(r, 4);
    out->period_ns = (uint32_t)byte_get(r, 4);
    for (size_t e = 0; e < out->n_edges && e < RIS_EDGES_MAX; e++)
        out->reps[e] = (uint16_t)byte_get(r, 2);
    return ours && !r->underflow && out->trigger <= RIS_TRIGGER_FALLING &&
           ris_shape_valid(out->shape) && counts_valid(out);
}

static bool name_get(struct byte_reader *r, char *name)
{
    size_t n = (size_t)byte_get(r, 1);
    const uint8_t *bytes = n <= RIS_NAME_MAX ? byte_get_many(r, n) : NULL;
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        name[i] = (char)bytes[i];
    name[n] = '\0';
    return n > 0 && name_length(name) == n;
}

int ris_report_decode(const uint8_t *msg, size_t n, struct ris_report *out)
{
    struct byte_reader r = {.bytes = msg, .n = n};
    *out = (struct ris_report){.kind = 0};
    if (!head_get(&r, out) || !name_get(&r, out->board))
        return ERR_FORMAT;
    size_t n_pattern = ris_pattern_bytes(out->shape);
    out->patterns = byte_get_many(&r, out->n_steps * n_pattern);
    out->idle = byte_get_many(&r, n_pattern);
    if (r.underflow || byte_reader_left(&r) != 0 || !patterns_valid(out))
        return ERR_FORMAT;
    return OK;
}

const uint8_t *ris_report_step(const struct ris_report *r, uint32_t k)
{
    return r->patterns + k % r->n_steps * ris_pattern_bytes(r->shape);
}

void ris_reply_encode(int code, uint8_t out[RIS_REPLY_BYTES])
{
    struct byte_writer w = {.bytes = out, .cap = RIS_REPLY_BYTES};
    byte_put(&w, (uint32_t)code, RIS_REPLY_BYTES);
}

int ris_reply_decode(const uint8_t *msg, size_t n)
{
    struct byte_reader r = {.bytes = msg, .n = n};
    if (n != RIS_REPLY_BYTES)
        return ERR_FORMAT;
    int64_t value = (int64_t)byte_get(&r, RIS_REPLY_BYTES);
    if (value >= INT64_C(1) << 31)
        value -= INT64_C(1) << 32;
    return value > 0 || value < REPLY_LOWEST ? ERR_FORMAT : (int)value;
}
