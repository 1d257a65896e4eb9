/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cli/demo_link.h"
#include "dsp/precode.h"
#include "host/cli/demo_stats.h"
#include <math.h>
#include <string.h>

static bool text_is(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && strcmp(value, text) == 0;
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void keep(json_t **place, json_t *header)
{
    json_decref(*place);
    *place = header;
}

void demo_link_slot(struct demo_link *l, json_t *header)
{
    if (is_true(header, "up_found") && json_is_number(json_object_get(header, "up_snr_db"))) {
        l->up_snr_sum_db += json_number_at(header, "up_snr_db");
        l->n_up++;
    }
    if (text_is(header, "slot", "data") && !text_is(header, "aim", "none") &&
        l->n_waiting < DEMO_LINK_WAITING)
        l->waiting[l->n_waiting++] = json_incref(header);
    keep(&l->last, header);
}

void demo_link_terminal(struct demo_link *l, json_t *header)
{
    if (!is_true(header, "link_found")) {
        json_decref(header);
        return;
    }
    l->down_snr_sum_db += json_number_at(header, "link_snr_db");
    l->n_down++;
    keep(&l->terminal, header);
}

static struct vec3 place_of(const json_t *array)
{
    return (struct vec3){json_number_value(json_array_get(array, 0)),
                         json_number_value(json_array_get(array, 1)),
                         json_number_value(json_array_get(array, 2))};
}

static struct precode_cfg antennas(const struct demo_scene *s)
{
    struct precode_cfg c = {
        .n_tx = s->n_tx, .carrier_hz = s->carrier_hz, .spacing_hz = 1, .n_carrier = 1};
    for (size_t i = 0; i < s->n_tx; i++)
        c.antenna[i] = (struct vec3){s->tx_m[i][0], s->tx_m[i][1], s->tx_m[i][2]};
    return c;
}

static void add(struct demo_link *l, const json_t *header, const double truth[3])
{
    const struct precode_cfg c = antennas(l->scene);
    const json_t *aim_m = json_object_get(header, "aim_m"),
                 *expected = json_object_get(header, "pointing_loss_db"),
                 *speed = json_object_get(header, "speed_mps");
    const struct vec3 aim = place_of(aim_m), user = {truth[0], truth[1], truth[2]};
    const bool by_position = !text_is(header, "aim", "reciprocal");
    const double loss = by_position ? (double)precode_pointing_loss_db(&c, aim, user) : 0;
    l->loss_sum_db += loss;
    l->loss_max_db = fmax(l->loss_max_db, loss);
    l->aim_sum_m += aim_m ? vec3_dist(aim, user) : 0;
    l->n_aimed += aim_m != NULL;
    l->gain_sum_db += json_number_at(header, "beam_gain_db");
    l->expected_sum_db += json_number_value(expected);
    l->n_expected += json_is_number(expected);
    l->speed_max_mps = fmax(l->speed_max_mps, json_number_value(speed));
    l->n_speed += json_is_number(speed);
    l->n_beam++;
}

void demo_link_match(struct demo_link *l, const struct match *match)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n_waiting; i++) {
        json_t *header = l->waiting[i];
        double truth[3];
        const int user = (int)json_number_at(header, "user");
        const int rc = match_truth(match, user, json_number_at(header, "time_s"), truth);
        if (rc == 0)
            add(l, header, truth);
        if (rc == 1)
            l->waiting[kept++] = header;
        else
            json_decref(header);
    }
    l->n_waiting = kept;
}

static json_t *way(const json_t *header, const char *totals, double sent, double snr_sum, size_t n)
{
    const json_t *t = json_object_get(header, totals);
    const double bits = json_number_at(t, "raw_bits"), known = json_number_at(t, "known_bits");
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "sent", sent, "expected",
                     json_number_at(t, "expected"), "found", json_number_at(t, "found"), "ok",
                     json_number_at(t, "ok"), "raw_ber",
                     bits > 0 ? json_number_at(t, "raw_errors") / bits : 0, "ber",
                     known > 0 ? json_number_at(t, "known_errors") / known : 0, "known_bits", known,
                     "snr_db", n > 0 ? snr_sum / (double)n : 0);
}

/* Null: of none. */
static json_t *mean(double sum, size_t n)
{
    return n > 0 ? json_real(sum / (double)n) : json_null();
}

void demo_link_summary(const struct demo_link *l, json_t *summary)
{
    const double n = l->n_beam ? (double)l->n_beam : 1;
    json_t *beam =
        json_pack("{s:i, s:f, s:o, s:f, s:f, s:o, s:o}", "slots", (int)l->n_beam, "gain_db",
                  l->gain_sum_db / n, "expected_loss_db", mean(l->expected_sum_db, l->n_expected),
                  "loss_db", l->loss_sum_db / n, "loss_max_db", l->loss_max_db, "aim_error_m",
                  mean(l->aim_sum_m, l->n_aimed), "speed_max_mps",
                  l->n_speed ? json_real(l->speed_max_mps) : json_null());
    json_t *link = json_pack("{s:o, s:o, s:o}", "down",
                             way(l->terminal, "link_total", json_number_at(l->last, "total.sent"),
                                 l->down_snr_sum_db, l->n_down),
                             "up",
                             way(l->last, "total", json_number_at(l->terminal, "link_total.sent"),
                                 l->up_snr_sum_db, l->n_up),
                             "beam", beam);
    json_object_set(link, "base", json_object_get(l->last, "traffic"));
    json_object_set(link, "terminal", json_object_get(l->terminal, "traffic"));
    json_object_set(link, "figures", json_object_get(l->last, "figures"));
    json_object_set(link, "terminal_figures", json_object_get(l->terminal, "figures"));
    json_object_set_new(summary, "link", link);
}

void demo_link_clear(struct demo_link *l)
{
    for (size_t i = 0; i < l->n_waiting; i++)
        json_decref(l->waiting[i]);
    json_decref(l->last);
    json_decref(l->terminal);
    *l = (struct demo_link){0};
}
