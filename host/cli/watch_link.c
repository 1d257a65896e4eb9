/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/watch_link.h"

#include <math.h>

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void put_rate(double bps, FILE *out)
{
    if (bps < 1e6)
        fprintf(out, "%.1f kbit/s", bps / 1e3);
    else
        fprintf(out, "%.2f Mbit/s", bps / 1e6);
}

/* What is not known is left out. */
static void put_figure(const char *name, double x, const char *unit, FILE *out)
{
    if (isfinite(x))
        fprintf(out, ", %s %.3g%s", name, x, unit);
}

static void put_way(const json_t *f, FILE *out)
{
    const double bps = number(f, "throughput_bps");
    if (isfinite(bps))
        put_rate(bps, out);
    else
        fputs("throughput not known", out);
    put_figure("FER", number(f, "fer"), "", out);
    put_figure("SNR", number(f, "snr_db"), " dB", out);
    put_figure("EVM", number(f, "evm_db"), " dB", out);
    put_figure("BER", number(f, "ber"), "", out);
    put_figure("before correction", number(f, "raw_ber"), "", out);
}

/* A number between words, "-" where it is not known. */
static void put_known(const char *words, const json_t *user, const char *key, int digits, FILE *out)
{
    const double x = number(user, key);
    fputs(words, out);
    if (isfinite(x))
        fprintf(out, "%.*f", digits, x);
    else
        fputc('-', out);
}

static void put_beam(const json_t *user, const char *end, FILE *out)
{
    put_known("           beam ", user, "beam_gain_db", 1, out);
    put_known(" dB, less ", user, "pointing_loss_db", 2, out);
    put_known(" dB for an aim good to ", user, "aim_sigma_m", 2, out);
    put_known(" m at ", user, "speed_mps", 1, out);
    fprintf(out, " m/s%s", end);
}

static void put_user(const json_t *user, const char *end, FILE *out)
{
    const json_t *f = json_object_get(user, "figures");
    const double queued = number(user, "queued");
    fprintf(out, "link %-5.0f down ", number(user, "id"));
    put_way(json_object_get(f, "down"), out);
    fprintf(out, "%s           up   ", end);
    put_way(json_object_get(f, "up"), out);
    fputs(end, out);
    if (json_object_get(user, "beam_gain_db"))
        put_beam(user, end, out);
    if (isfinite(queued))
        fprintf(out, "           %.0f of %.0f packets wait, %.0f dropped (%.0f by a full queue)%s",
                queued, number(user, "queue"), number(user, "dropped"),
                number(user, "dropped_queue"), end);
}

static const json_t *users_of(const json_t *health)
{
    return json_object_get(json_object_get(health, "link"), "users");
}

void watch_link_screen(const json_t *health, const char *end, FILE *out)
{
    size_t i;
    json_t *user;
    json_array_foreach(users_of(health), i, user) if (json_is_object(user))
        put_user(user, end, out);
}

void watch_link_words(const json_t *health, int id, FILE *out)
{
    size_t i;
    json_t *user;
    json_array_foreach(users_of(health), i, user) if (number(user, "id") == id)
    {
        const json_t *f = json_object_get(user, "figures");
        fputs("; down ", out);
        put_way(json_object_get(f, "down"), out);
        fputs("; up ", out);
        put_way(json_object_get(f, "up"), out);
    }
}
