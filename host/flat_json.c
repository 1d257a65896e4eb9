/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/flat_json.h"
#include <stdlib.h>
#include <string.h>

/* Start of the value behind "key":, or NULL. */
static const char *find(struct flat_json j, const char *key)
{
    size_t n_key = strlen(key);
    const char *end = j.text + j.n;
    for (const char *p = j.text; (size_t)(end - p) > n_key + 3; p++)
        if (p[0] == '"' && memcmp(p + 1, key, n_key) == 0 && p[n_key + 1] == '"' &&
            p[n_key + 2] == ':' && (p == j.text || p[-1] != '\\'))
            return p + n_key + 3;
    return NULL;
}

static size_t left(struct flat_json j, const char *at)
{
    return (size_t)(j.text + j.n - at);
}

bool flat_json_bool(struct flat_json j, const char *key, bool *out)
{
    const char *v = find(j, key);
    if (v == NULL || left(j, v) < 4)
        return false;
    bool yes = memcmp(v, "true", 4) == 0;
    if (!yes && (left(j, v) < 5 || memcmp(v, "false", 5) != 0))
        return false;
    *out = yes;
    return true;
}

bool flat_json_number(struct flat_json j, const char *key, int64_t *out)
{
    const char *v = find(j, key);
    uint64_t value = 0;
    size_t n = 0;
    if (v == NULL)
        return false;
    bool minus = left(j, v) > 0 && *v == '-';
    v += minus;
    for (; n < left(j, v) && v[n] >= '0' && v[n] <= '9'; n++) {
        if (value > (uint64_t)INT64_MAX / 10 - 1)
            return false;
        value = value * 10 + (uint64_t)(v[n] - '0');
    }
    if (n == 0)
        return false;
    *out = minus ? -(int64_t)value : (int64_t)value;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool flat_json_hex(struct flat_json j, const char *key, uint64_t *out)
{
    const char *v = find(j, key);
    uint64_t value = 0;
    if (v == NULL || left(j, v) < 18 || v[0] != '"' || v[17] != '"')
        return false;
    for (size_t i = 1; i <= 16; i++) {
        int digit = hex_digit(v[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}

/* One number, which ends at a comma or at the end of the list. */
static size_t read_number(struct flat_json j, const char *at, double *out)
{
    char text[40], *end;
    size_t n = 0;
    while (n < left(j, at) && at[n] != ',' && at[n] != ']' && n + 1 < sizeof text) {
        text[n] = at[n];
        n++;
    }
    text[n] = '\0';
    *out = strtod(text, &end);
    return n > 0 && *end == '\0' && n < left(j, at) && (at[n] == ',' || at[n] == ']') ? n : 0;
}

size_t flat_json_numbers(struct flat_json j, const char *key, double *out, size_t max)
{
    const char *v = find(j, key);
    size_t count = 0, n;
    if (v == NULL || left(j, v) == 0 || *v != '[')
        return 0;
    do {
        double x;
        n = read_number(j, ++v, &x);
        if (n == 0 || count == max)
            return 0;
        out[count++] = x;
        v += n;
    } while (*v == ',');
    return count;
}

bool flat_json_string(struct flat_json j, const char *key, char *out, size_t size)
{
    const char *v = find(j, key);
    size_t n = 0;
    if (v == NULL || size == 0 || left(j, v) == 0 || *v != '"')
        return false;
    for (v++; left(j, v) > 0 && *v != '"'; v++) {
        char c = *v;
        if (c == '\\' && left(j, v) > 1) {
            c = *++v;
            if (c == 'u') {
                c = '?';
                v += left(j, v) > 4 ? 4 : 0;
            } else if (c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f') {
                c = ' ';
            }
        }
        if (n + 1 < size)
            out[n++] = c;
    }
    out[n] = '\0';
    return true;
}
