/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What makes a configuration impossible, and the message that says where and what to do. */
#include "base/log.h"
#include "calib/pixel_health.h"
#include "dsp/slot.h"
#include "frames/ris_profile.h"
#include "host/bs_config.h"
#include "host/profile_set.h"
#include <string.h>

int bs_config_rates(double rates_hz, size_t n_rest, double period_s, struct status *err)
{
    const double all_hz = 1 / period_s;
    if (n_rest == 0 ? rates_hz <= all_hz * (1 + 1e-9) : rates_hz < all_hz * (1 - 1e-9))
        return OK;
    return status_set(err, ERR_NO_SPACE,
                      "users: the rates come to %.4g cycles per second and there are %.4g%s: lower "
                      "a rate_hz, or schedule.cycle_period_s",
                      rates_hz, all_hz,
                      n_rest ? ", which leaves none for those without a rate" : "");
}

static int check_rates(const struct bs_cfg *cfg, struct status *err)
{
    double rates_hz = 0;
    size_t n_rest = 0;
    for (size_t i = 0; i < cfg->n_users; i++) {
        rates_hz += cfg->users[i].rate_hz;
        n_rest += cfg->users[i].rate_hz == 0;
    }
    if (bs_config_rates(rates_hz, n_rest, cfg->schedule.air.cycle_period_s, err))
        return err->code = ERR_ARG;
    return OK;
}

/* *key: what to look at in the file. */
static int check_lists(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    *key = "geometry.tx_m";
    if (cfg->geometry.n_tx != cfg->radio.n_tx)
        return status_set(err, ERR_ARG,
                          "geometry.tx_m lists %zu antennas but radio.tx_channels %zu: give one "
                          "position per channel",
                          cfg->geometry.n_tx, cfg->radio.n_tx);
    *key = "geometry.rx_axis";
    const double *axis = cfg->geometry.rx_axis;
    if (axis[0] == 0 && axis[1] == 0 && axis[2] == 0)
        return status_set(err, ERR_ARG,
                          "geometry.rx_axis is zero: give the direction in which the receive "
                          "antennas stand in line");
    *key = "room.wall_factor";
    if (cfg->room.n_wall_factor != 1 && cfg->room.n_wall_factor != 6)
        return status_set(err, ERR_ARG,
                          "room.wall_factor lists %zu numbers: give one for all walls, or six for "
                          "x-, x+, y-, y+, floor and ceiling",
                          cfg->room.n_wall_factor);
    *key = "ris.boards[1].name";
    if (strcmp(cfg->ris.boards[0].name, cfg->ris.boards[1].name) == 0)
        return status_set(err, ERR_ARG, "ris.boards: two boards are called '%s'; rename one",
                          cfg->ris.boards[0].name);
    *key = "pixels.pilots";
    if (cfg->pixels.train.n % 2)
        return status_set(err, ERR_ARG,
                          "pixels.pilots: each profile goes with its inverse, so "
                          "their number is even; not %d",
                          cfg->pixels.train.n);
    *key = "users";
    for (size_t a = 0; a < cfg->n_users; a++)
        for (size_t b = 0; b < a; b++)
            if (cfg->users[a].id == cfg->users[b].id)
                return status_set(err, ERR_ARG, "users: ID %d is listed twice; remove one",
                                  cfg->users[a].id);
    return check_rates(cfg, err);
}

static int check_panel(const struct bs_cfg *cfg, size_t i, const char **key, struct status *err)
{
    static const char *const normal[BS_RIS] = {"ris.boards[0].normal", "ris.boards[1].normal"};
    static const char *const board[BS_RIS] = {"ris.boards[0]", "ris.boards[1]"};
    const struct bs_board *b = &cfg->ris.boards[i];
    const struct anchors anchors = bs_config_anchors(cfg);
    struct panel panel;
    *key = normal[i];
    int rc = bs_config_panel(cfg, i, &panel);
    if (rc)
        return status_set(err, rc, "%s: null or vertical; give a horizontal direction", *key);
    if (!(vec3_dot(vec3_sub(anchors_bs(&anchors), panel.position), panel.z) > 0))
        return status_set(err, ERR_GEOMETRY,
                          "%s: the panel turns its back to the base station; turn it", *key);
    *key = board[i];
    const struct ris_shape shape = {(uint8_t)b->columns, (uint8_t)b->rows, (uint8_t)b->bits};
    if (!ris_shape_valid(shape))
        return status_set(err, ERR_ARG,
                          "%s: %d x %d elements of %d bits are more than a profile holds (%d x %d, "
                          "%d bytes)",
                          *key, b->columns, b->rows, b->bits, RIS_SIDE_MAX, RIS_SIDE_MAX,
                          RIS_PATTERN_MAX);
    if (cfg->pixels.train.every > 0 && b->columns * b->rows > PIXEL_ELEMENTS_MAX)
        return status_set(err, ERR_ARG,
                          "%s: broken pixels are looked for on at most %d elements, not on %d x "
                          "%d; set pixels.every: 0",
                          *key, PIXEL_ELEMENTS_MAX, b->columns, b->rows);
    return OK;
}

static int check_panels(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    for (size_t i = 0; i < BS_RIS; i++)
        if (check_panel(cfg, i, key, err))
            return err->code;
    return OK;
}

/* Ranges that profiles, gates and fixes are made for. */
static int check_ranges(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    const struct {
        const char *key;
        const double *range;
    } ranges[] = {{"room.user_z_m", cfg->room.user_z_m},
                  {"ris.region_x_m", cfg->ris.region_x_m},
                  {"ris.region_y_m", cfg->ris.region_y_m},
                  {"ris.region_z_m", cfg->ris.region_z_m}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const double *r = ranges[i].range;
        *key = ranges[i].key;
        if (!(r[0] < r[1]))
            return status_set(err, ERR_ARG, "%s [%g, %g]: the first number must be the lower one",
                              *key, r[0], r[1]);
    }
    return OK;
}

static const char *const slow[BS_RIS] = {"ris.boards[0].switch_s", "ris.boards[1].switch_s"};

int bs_config_identity(const struct bs_cfg *cfg, enum bs_identity identity, const char **key,
                       struct status *err)
{
    const struct waveform_cfg wave = bs_config_waveform(cfg);
    const double slot_s = (double)waveform_slot_samps(&wave) / cfg->radio.rate_hz;
    const char *unused;
    key = key ? key : &unused;
    *key = "waveform.sounding";
    if (identity == BS_IDENTITY_CODED && cfg->waveform.sounding == LINK_SOUNDING_FRAME)
        return status_set(err, ERR_ARG,
                          "waveform.sounding frame: a burst without slots carries no code; use "
                          "identity.mode: steering, or waveform.sounding: coded at both ends");
    for (size_t i = 0; identity == BS_IDENTITY_CODED && i < BS_RIS; i++) {
        *key = slow[i];
        if (cfg->ris.boards[i].switch_s > slot_s)
            return status_set(err, ERR_ARG,
                              "board %s takes %g ms to show another profile, a slot of the burst "
                              "lasts %.3g: it cannot step through a code; use identity.mode: "
                              "steering",
                              cfg->ris.boards[i].name, cfg->ris.boards[i].switch_s * 1e3,
                              slot_s * 1e3);
    }
    *key = "radio.rx_channels";
    if (identity == BS_IDENTITY_STEERING && cfg->radio.n_rx < 2)
        return status_set(err, ERR_ARG,
                          "identity.mode steering tells paths apart by their direction, which one "
                          "receive antenna does not have; use two at least, better four");
    return OK;
}

/* A surface shows each pilot's profile for as long as the pilot lasts. */
static int check_pilots(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    const struct waveform_cfg wave = bs_config_waveform(cfg);
    const struct waveform_cfg pilot = pilot_train_waveform(&cfg->pixels.train, wave);
    const double pilot_s = (double)waveform_slot_samps(&pilot) / cfg->radio.rate_hz;
    for (size_t i = 0; cfg->pixels.train.every > 0 && i < BS_RIS; i++) {
        *key = slow[i];
        if (cfg->ris.boards[i].switch_s > pilot_s)
            return status_set(err, ERR_ARG,
                              "board %s takes %g ms to show another profile, a pilot lasts %.3g: "
                              "it cannot step through pilots; set pixels.every: 0",
                              cfg->ris.boards[i].name, cfg->ris.boards[i].switch_s * 1e3,
                              pilot_s * 1e3);
    }
    return OK;
}

int bs_config_boards(const struct bs_cfg *cfg, enum bs_identity identity,
                     const struct profile_set *sets, struct status *err)
{
    for (size_t i = 0; i < BS_RIS; i++) {
        const char *name = cfg->ris.boards[i].name;
        if (sets[i].plays_sequences)
            continue;
        if (identity == BS_IDENTITY_CODED)
            return status_set(err, ERR_ARG,
                              "board %s has no trigger input: it cannot step through a code; use "
                              "identity.mode: steering",
                              name);
        if (cfg->pixels.train.every > 0)
            return status_set(err, ERR_ARG,
                              "board %s has no trigger input: it cannot step through pilots; set "
                              "pixels.every: 0",
                              name);
    }
    return OK;
}

/* Delays repeat after N samples: the room must fit into a quarter of that. */
static int check_period(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    const double longest_m = SPEED_OF_LIGHT * cfg->waveform.n / cfg->radio.rate_hz / 4;
    *key = "waveform.n";
    if (longest_m > bs_room_path_m)
        return OK;
    return status_set(err, ERR_ARG,
                      "waveform.n %d at %g samples/s: paths are told apart up to %.0f m only, a "
                      "room needs %.0f; raise waveform.n",
                      cfg->waveform.n, cfg->radio.rate_hz, longest_m, bs_room_path_m);
}

static int check_geometry(const struct bs_cfg *cfg, const char *file, struct status *err)
{
    const struct anchors anchors = bs_config_anchors(cfg);
    const struct room_box room = bs_config_room(cfg);
    struct geometry_report report;
    const bool inside = room_contains(&room, anchors.tx, 0) && room_contains(&room, anchors.rx, 0);
    if (geometry_check(&anchors, &room, &report, err))
        return config_blame(&bs_config_table, file, inside ? "ris.boards" : "geometry", err);
    if (!report.mirror_symmetric)
        return OK;
    struct status warning = {0};
    status_set(&warning, OK,
               "the RISs stand mirror-symmetric to the base station: a swap of their paths cannot "
               "be detected; move one of them by half a metre");
    config_blame(&bs_config_table, file, "ris.boards[1].position_m", &warning);
    log_warn("%s", warning.text);
    return OK;
}

static int check_latch(const struct bs_cfg *cfg, struct status *err)
{
    double prefix_s = cfg->waveform.n / cfg->radio.rate_hz;
    if (cfg->ris.latch_delay_s < prefix_s)
        return OK;
    return status_set(err, ERR_ARG,
                      "ris.latch_delay_s %.3g is not inside the cyclic prefix of %.3g s: lower it",
                      cfg->ris.latch_delay_s, prefix_s);
}

static int check_port(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    struct tun_network network;
    uint32_t address;
    if (!cfg->data.enabled || cfg->port.kind != LINK_PORT_TUN)
        return OK;
    if (link_port_check(&cfg->port, true, 0, key, err) ||
        tun_network_parse(cfg->port.network, &network, err))
        return err->code;
    for (size_t i = 0; i < cfg->n_users; i++)
        if (tun_user_address(&network, (uint32_t)cfg->users[i].id, &address, err))
            return err->code;
    return OK;
}

/* The air is the same both ways between the same antennas only. */
static int check_shared(const struct bs_cfg *cfg, const char **key, struct status *err)
{
    const double apart_m = SPEED_OF_LIGHT / cfg->radio.carrier_hz / 50;
    *key = "link.beam";
    if (cfg->beam != BS_BEAM_RECIPROCITY)
        return OK;
    if (cfg->radio.n_tx > cfg->radio.n_rx)
        return status_set(err, ERR_ARG,
                          "link.beam: reciprocity needs a receive channel for each of %zu transmit "
                          "channels, and there are %zu; list fewer, or choose position",
                          cfg->radio.n_tx, cfg->radio.n_rx);
    for (size_t i = 0; i < cfg->radio.n_tx; i++) {
        const double off_m = vec3_dist(bs_config_antenna(cfg, i), vec3_of(cfg->geometry.tx_m[i]));
        if (off_m > apart_m)
            return status_set(
                err, ERR_ARG,
                "link.beam: reciprocity needs shared antennas, and geometry.tx_m[%zu] "
                "is %.3g m from receive antenna %zu; choose position",
                i, off_m, i);
    }
    return OK;
}

static int check_stream(const struct bs_cfg *cfg, struct status *err)
{
    if (!cfg->record.stream || cfg->radio.capture == RADIO_CONTINUOUS)
        return OK;
    return status_set(err, ERR_ARG,
                      "record.stream: there is an endless stream with radio.capture: continuous "
                      "only; change one of the two");
}

int bs_config_check(const void *bs_cfg, const char *file, struct status *err)
{
    const struct bs_cfg *cfg = bs_cfg;
    const struct radio_cfg radio = bs_config_radio(cfg);
    const char *key = NULL;
    struct schedule s;
    if (check_lists(cfg, &key, err) || check_ranges(cfg, &key, err))
        return config_blame(&bs_config_table, file, key, err);
    if (radio_check(&radio, err))
        return config_blame(&bs_config_table, file, "radio", err);
    if (link_waveform_check(&cfg->waveform, cfg->radio.rate_hz, &key, err) ||
        check_period(cfg, &key, err) || check_port(cfg, &key, err) || check_shared(cfg, &key, err))
        return config_blame(&bs_config_table, file, key, err);
    if (bs_config_identity(cfg, (enum bs_identity)cfg->identity.mode, &key, err) ||
        check_pilots(cfg, &key, err))
        return config_blame(&bs_config_table, file, key, err);
    if (check_latch(cfg, err))
        return config_blame(&bs_config_table, file, "ris.latch_delay_s", err);
    if (check_stream(cfg, err))
        return config_blame(&bs_config_table, file, "record.stream", err);
    if (check_geometry(cfg, file, err))
        return err->code;
    if (check_panels(cfg, &key, err))
        return config_blame(&bs_config_table, file, key, err);
    if (bs_config_schedule(cfg, &s, err))
        return config_blame(&bs_config_table, file, "schedule", err);
    return OK;
}
