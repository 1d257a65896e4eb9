/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/bs_config.h"
#include "host/profile_set.h"
#include <math.h>

#define CFG     struct bs_cfg
#define QUEUE_S 0.005 /* a burst is with the radio so long before it goes out */
#define ACK_S   0.022 /* a board at 115200 baud is read back, takes a profile, is read back */

static const struct config_key board_keys[] = {
    {"name", CONFIG_STRING(struct bs_board, name), .help = "as in ris.yaml"},
    {"position_m", CONFIG_VEC3(struct bs_board, position_m), .unit = "m", .min = -1e3, .max = 1e3,
     .help = "centre of the panel"},
    {"faces_m", CONFIG_VEC3(struct bs_board, faces_m), .unit = "m", .def = "[4, 4, 1.2]",
     .min = -1e3, .max = 1e3,
     .help = "the panel looks along the horizontal bisector of the base station and this point"},
    {"normal", CONFIG_VEC3(struct bs_board, normal), .def = CONFIG_UNSET, .min = -1e3, .max = 1e3,
     .help = "normal of the panel, instead of faces_m"},
    {"columns", CONFIG_INT(struct bs_board, columns), .min = 1, .max = 64, .def = "16",
     .help = "elements along the panel's local x"},
    {"rows", CONFIG_INT(struct bs_board, rows), .min = 1, .max = 64, .def = "16",
     .help = "elements upwards"},
    {"bits", CONFIG_INT(struct bs_board, bits), .min = 1, .max = 3, .def = "1",
     .help = "phase bits of an element"},
    {"spacing_m", CONFIG_DOUBLE(struct bs_board, spacing_m), .unit = "m", .min = 1e-4, .max = 1,
     .def = "0.025844", .help = "distance of elements; lambda/2"},
    {"switch_s", CONFIG_DOUBLE(struct bs_board, switch_s), .unit = "s", .min = 0, .max = 10,
     .def = "0",
     .help = "until another profile shows: 6e-3 over 115200 baud, 0.4e-3 for a chain of 64 x 64 "
             "elements of 2 bits; identity.mode coded needs it within a slot"},
};
static const struct config_table board_table = CONFIG_TABLE(struct bs_board, board_keys);

static const struct config_key user_keys[] = {
    {"id", CONFIG_INT(struct bs_user, id), .min = 0, .max = 1048575, .help = "20-bit user ID"},
    {"key_file", CONFIG_STRING(struct bs_user, key_file),
     .help = "master key, made by 'mirador keys user add ID'"},
    {"rate_hz", CONFIG_DOUBLE(struct bs_user, rate_hz), .unit = "1/s", .min = 0, .max = 100,
     .def = "0", .help = "cycles that ask this user; 0: shares what the others leave"},
    {"priority", CONFIG_INT(struct bs_user, priority), .min = 0, .max = 7, .def = "0",
     .help = "of the users with a rate the higher comes first, when not all can have theirs"},
};
static const struct config_table user_table = CONFIG_TABLE(struct bs_user, user_keys);

static const struct config_key keys[] = {
    {"radio.trigger", CONFIG_BOOL(CFG, trigger.enable), .def = "yes",
     .help = "drive the RIS trigger line"},
    {"radio.trigger_bank", CONFIG_STRING(CFG, trigger.bank), .def = "FP0",
     .help = "GPIO bank of the line"},
    {"radio.trigger_pin", CONFIG_INT(CFG, trigger.pin), .min = 0, .max = 11, .def = "0",
     .help = "pin of the line"},
    {"radio.trigger_source", CONFIG_STRING(CFG, trigger.source), .def = "",
     .help = "CONNECTOR:SOURCE that drives the pin, where there is a choice (X410, N310)"},

    {"schedule.first_cycle_s", CONFIG_DOUBLE(CFG, schedule.first_cycle_s), .unit = "s", .min = 0,
     .max = 60, .def = "0.5", .help = "from the device time at start to the first cycle"},

    {"link.beam", CONFIG_CHOICE(CFG, beam, "position|reciprocity"), .def = "position",
     .help =
         "what data are aimed by: where the user is, or the channel that was heard of the user's "
         "answer, where each transmit channel shares its antenna with the receive channel of "
         "the same place in its list"},

    {"geometry.tx_m", CONFIG_VEC3S(CFG, geometry.tx_m, geometry.n_tx), .unit = "m", .min = -1e3,
     .max = 1e3, .min_items = 1, .def = "[[0.5, 0.5, 2.5]]",
     .help = "transmit antennas; the first one senses, all carry data"},
    {"geometry.rx_centre_m", CONFIG_VEC3(CFG, geometry.rx_centre_m), .unit = "m", .min = -1e3,
     .max = 1e3, .def = "[0.5, 0.5, 2.2]", .help = "centre of the receive array"},
    {"geometry.rx_axis", CONFIG_VEC3(CFG, geometry.rx_axis), .min = -1e3, .max = 1e3,
     .def = "[-1, 1, 0]", .help = "direction from the first to the last antenna"},
    {"geometry.rx_spacing_m", CONFIG_DOUBLE(CFG, geometry.rx_spacing_m), .unit = "m", .min = 1e-3,
     .max = 10, .def = "0.025844", .help = "distance of neighbouring antennas"},

    {"geometry.boresight", CONFIG_VEC3(CFG, geometry.boresight), .min = -1e3, .max = 1e3,
     .def = "[1, 1, -0.15]", .help = "where the base station's antennas look; null: everywhere"},

    {"room.min_m", CONFIG_VEC3(CFG, room.min_m), .unit = "m", .min = -1e3, .max = 1e3,
     .def = "[0, 0, 0]", .help = "corner of the room"},
    {"room.max_m", CONFIG_VEC3(CFG, room.max_m), .unit = "m", .min = -1e3, .max = 1e3,
     .def = "[8, 8, 3]", .help = "opposite corner"},
    {"room.user_z_m", CONFIG_DOUBLES(CFG, room.user_z_m, room.n_user_z), .unit = "m", .min = -1e3,
     .max = 1e3, .min_items = 2, .def = "[0.5, 2.2]", .help = "lowest and highest user antenna"},

    {"room.wall_factor", CONFIG_DOUBLES(CFG, room.wall_factor, room.n_wall_factor), .min = 0,
     .max = 0.999, .min_items = 1, .def = "[0.3]",
     .help = "amplitude of a reflection by face x-, x+, y-, y+, z- (floor), z+; one number: all"},

    {"ris.endpoint", CONFIG_STRING(CFG, ris.endpoint), .def = "ipc:///run/mirador/ris.sock",
     .help = "where mirador-ris serves"},
    {"ris.timeout_ms", CONFIG_INT(CFG, ris.timeout_ms), .unit = "ms", .min = 1, .max = 60000,
     .def = "2000", .help = "of commands at start"},
    {"ris.ack_ms", CONFIG_INT(CFG, ris.ack_ms), .unit = "ms", .min = 1, .max = 1000, .def = "60",
     .help = "a board has so long to acknowledge a cycle's sequence; not in gated time"},
    {"ris.latch_delay_s", CONFIG_DOUBLE(CFG, ris.latch_delay_s), .unit = "s", .min = 0, .max = 0.1,
     .def = "4e-6", .help = "trigger edge to the first pattern; inside the cyclic prefix"},
    {"ris.boards", CONFIG_LIST(CFG, ris.boards, ris.n_boards, &board_table), .min_items = 2,
     .help = "RIS1 and RIS2"},
    {"ris.region_x_m", CONFIG_DOUBLES(CFG, ris.region_x_m, ris.n_region_x), .unit = "m",
     .min = -1e3, .max = 1e3, .min_items = 2, .def = "[2, 6]", .help = "covered by wide profiles"},
    {"ris.region_y_m", CONFIG_DOUBLES(CFG, ris.region_y_m, ris.n_region_y), .unit = "m",
     .min = -1e3, .max = 1e3, .min_items = 2, .def = "[2, 6]", .help = "covered by wide profiles"},
    {"ris.region_z_m", CONFIG_DOUBLES(CFG, ris.region_z_m, ris.n_region_z), .unit = "m",
     .min = -1e3, .max = 1e3, .min_items = 2, .def = "[0.9, 1.7]", .help = "lowest and highest"},
    {"ris.region_grid", CONFIG_INT(CFG, ris.region_grid), .min = 1, .max = 64, .def = "13",
     .help = "grid points a side when profiles are designed"},

    {"ris.mode", CONFIG_CHOICE(CFG, ris.mode, "wide|static|tracked"), .def = "wide",
     .help = "one profile for the region, one for ris.static_m, or a beam that follows the user"},
    {"ris.static_m", CONFIG_VEC3(CFG, ris.static_m), .unit = "m", .def = CONFIG_UNSET,
     .help = "static: place of the user; unset: the middle of the region"},
    {"ris.beams_side", CONFIG_INT(CFG, ris.beams_side), .min = 2, .max = PROFILE_BEAMS_SIDE,
     .def = "4", .help = "tracked: N x N beams; each takes two slots of the board"},
    {"ris.hysteresis_db", CONFIG_DOUBLE(CFG, ris.hysteresis_db), .unit = "dB", .min = 0, .max = 30,
     .def = "3", .help = "tracked: another beam must be so much better to be taken"},

    {"identity.mode", CONFIG_CHOICE(CFG, identity.mode, "coded|steering"), .def = "coded",
     .help = "paths are told apart by the codes that the surfaces step through, or by where they "
             "come from while the surfaces stand still"},
    {"identity.by", CONFIG_CHOICE(CFG, identity.by, "fit|correlation|music"), .def = "fit",
     .help = "steering: the joint fit of delays and angles, or each path's antennas against the "
             "surfaces' directions"},

    {"background.auto", CONFIG_BOOL(CFG, background.automatic), .def = "yes",
     .help = "capture the empty room in the first cycles"},
    {"background.cycles", CONFIG_INT(CFG, background.cycles), .min = 4, .max = 10000, .def = "10",
     .help = "cycles of a capture, for each profile in use"},
    {"background.max_age_s", CONFIG_DOUBLE(CFG, background.max_age_s), .unit = "s", .min = 1,
     .max = 1e9, .def = "86400", .help = "older ones are not used"},
    {"background.refresh_s", CONFIG_DOUBLE(CFG, background.refresh_s), .unit = "s", .min = 1,
     .max = 1e9, .def = "3600",
     .help = "with auto: taken anew after this time, when nobody is there"},

    {"calib.max_age_s", CONFIG_DOUBLE(CFG, calib.max_age_s), .unit = "s", .min = 1, .max = 1e9,
     .def = "604800", .help = "of delay and channels, before an alarm"},
    {"calib.max_temperature_step_c", CONFIG_DOUBLE(CFG, calib.max_temperature_step_c), .unit = "K",
     .min = 0.1, .max = 200, .def = "15", .help = "of the radio since then, before an alarm"},
    {"calib.max_delay_drift_m", CONFIG_DOUBLE(CFG, calib.max_delay_drift_m), .unit = "m",
     .min = 0.001, .max = 10, .def = "0.03",
     .help = "of the leak: a stored delay further off is not used, a drift gives an alarm"},

    {"estimate.sigma_direct_m", CONFIG_DOUBLE(CFG, estimate.sigma_direct_m), .unit = "m", .min = 0,
     .max = 100, .def = "0.25", .help = "site's multipath error of the direct path"},
    {"estimate.sigma_ris_m", CONFIG_DOUBLE(CFG, estimate.sigma_ris_m), .unit = "m", .min = 0,
     .max = 100, .def = "0.25", .help = "site's multipath error of the paths over a RIS"},
    {"estimate.height_sigma_m", CONFIG_DOUBLE(CFG, estimate.height_sigma_m), .unit = "m", .min = 0,
     .max = 10, .def = "0.03", .help = "floor of the reported height's deviation"},
    {"estimate.false_alarm", CONFIG_DOUBLE(CFG, estimate.false_alarm), .min = 1e-9, .max = 0.5,
     .def = "0.01", .help = "of the chi-square gate"},
    {"estimate.min_peak_db", CONFIG_DOUBLE(CFG, estimate.min_peak_db), .unit = "dB", .min = 3,
     .max = 60, .def = "12", .help = "a path stands this far over the median"},
    {"estimate.cooperative", CONFIG_BOOL(CFG, estimate.cooperative), .def = "yes",
     .help = "use the arrival times of the user's own signal"},

    {"estimate.echoes", CONFIG_CHOICE(CFG, estimate.echoes, "auto|yes|no"), .def = "auto",
     .help = "whether echoes count; auto: while they lie where the user's own signal puts them"},
    {"estimate.map", CONFIG_BOOL(CFG, estimate.map), .def = "yes",
     .help = "let the known walls explain multipath"},
    {"estimate.map_evidence", CONFIG_DOUBLE(CFG, estimate.map_evidence), .min = 0.01, .max = 4,
     .def = "1", .help = "weight of what the echoes say of it; less at narrow bandwidths"},

    {"pixels.ris", CONFIG_CHOICE(CFG, pixels.train.which, "alternate|ris1|ris2"),
     .def = "alternate", .help = "surface that steps through the pilots' profiles"},
    {"pixels.forget_s", CONFIG_DOUBLE(CFG, pixels.forget_s), .unit = "s", .min = 1, .max = 1e6,
     .def = "12", .help = "time constant of the evidence; healing shows in about as long"},
    {"pixels.model_error", CONFIG_DOUBLE(CFG, pixels.model_error), .min = 0.01, .max = 1,
     .def = "0.12", .help = "rms per pixel that multipath through a surface leaves"},
    {"pixels.alarm", CONFIG_DOUBLE(CFG, pixels.alarm), .min = 0.1, .max = 1, .def = "0.4",
     .help = "a pixel is broken when its coefficient is this far from 1"},
    {"pixels.p_fail", CONFIG_DOUBLE(CFG, pixels.p_fail), .min = 1e-6, .max = 0.5, .def = "0.02",
     .help = "prior probability that a pixel is broken"},
    {"pixels.lag", CONFIG_INT(CFG, pixels.lag), .unit = "cycles", .min = 1, .max = 100, .def = "10",
     .help = "what pilots taught is used this much later, at the latest"},
    {"record.folder", CONFIG_STRING(CFG, record.folder), .def = "",
     .help = "where recordings begun by command go; empty: recordings/ in the state folder"},
    {"record.file", CONFIG_STRING(CFG, record.file), .def = "",
     .help = "prefix of a recording that starts with the first cycle; empty: none"},
    {"record.queue_cycles", CONFIG_INT(CFG, record.queue_cycles), .unit = "cycles", .min = 4,
     .max = 10000, .def = "16", .help = "held in memory while the disk is busy"},
    {"record.pretrigger_s", CONFIG_DOUBLE(CFG, record.pretrigger_s), .unit = "s", .min = 0,
     .max = 3600, .def = "0", .help = "the last seconds are always held in memory"},
    {"record.checkpoint_s", CONFIG_DOUBLE(CFG, record.checkpoint_s), .unit = "s", .min = 0.1,
     .max = 3600, .def = "10", .help = "a replay can start every so often"},
    {"record.stream", CONFIG_BOOL(CFG, record.stream), .def = "no",
     .help = "with radio.capture: continuous, recordings hold the whole stream beside the windows"},
    {"record.stream_s", CONFIG_DOUBLE(CFG, record.stream_s), .unit = "s", .min = 0.01, .max = 60,
     .def = "0.5", .help = "of the stream held in memory while the disk is busy"},
    {"record.wait", CONFIG_BOOL(CFG, record.wait), .def = "yes",
     .help = "in gated time the room waits for the disk; no: a slow one ends the recording, as it "
             "does in real time"},
    {"users", CONFIG_LIST(CFG, users, n_users, &user_table), .min_items = 1,
     .help = "who may be located, served in turn"},
    {"cycle.first", CONFIG_U64(CFG, cycle.first), .def = "1",
     .help = "where the cycle counter starts when the state folder has none"},
    {"run.gated", CONFIG_BOOL(CFG, run.gated), .def = "no",
     .help = "discrete-event room: queues block and nothing is dropped"},
    {"run.lock_memory", CONFIG_BOOL(CFG, run.lock_memory), .def = "yes",
     .help = "mlockall, with run.realtime"},
    {"run.realtime", CONFIG_BOOL(CFG, run.realtime), .def = "yes",
     .help = "SCHED_FIFO for the radio threads, where permitted; not in gated time"},
    {"run.cpus", CONFIG_INTS(CFG, run.cpus, run.n_cpu), .min = 0, .max = 1023, .def = "[]",
     .help = "CPUs the radio threads stay on, with run.realtime; empty: any"},
    {"run.latency_budget_s", CONFIG_DOUBLE(CFG, run.latency_budget_s), .unit = "s", .min = 1e-4,
     .max = 10, .def = "0.01",
     .help = "from the answer's samples to the published position; what takes longer is counted"},
    {"run.state_dir", CONFIG_STRING(CFG, run.state_dir), .def = "/var/lib/mirador",
     .help = "cycle counter, cached profiles, audit log"},
    {"run.debug_truth_m", CONFIG_VEC3(CFG, run.debug_truth_m), .unit = "m", .def = CONFIG_UNSET,
     .help = "a user known to stand here: path errors go to the debug log"},
    {"run.stop_after_cycles", CONFIG_INT(CFG, run.stop_after), .min = 0, .max = 1000000000,
     .def = "0", .help = "end by itself; 0 = never"},
    {"telemetry.endpoint", CONFIG_STRING(CFG, telemetry_endpoint),
     .def = "ipc:///run/mirador/telemetry.sock", .help = "PUB"},
    {"control.endpoint", CONFIG_STRING(CFG, control_endpoint),
     .def = "ipc:///run/mirador/control.sock", .help = "ROUTER"},
    {"telemetry.remote_endpoint", CONFIG_STRING(CFG, telemetry_remote), .def = "",
     .help = "the same for other machines, with CURVE: tcp://*:5555"},
    {"control.remote_endpoint", CONFIG_STRING(CFG, control_remote), .def = "",
     .help = "likewise: tcp://*:5556"},
    {"audit.file", CONFIG_STRING(CFG, audit_file), .def = "",
     .help = "empty: audit.log in the state folder"},
    {"curve.secret_key_file", CONFIG_STRING(CFG, secret_key_file), .def = "",
     .help = "our CURVE key; needed for endpoints beyond this machine"},
    {"curve.client_keys", CONFIG_STRINGS(CFG, client_keys, n_client_keys), .def = "[]",
     .help = "who may connect: public key (hex), or NAME KEY for the audit log"},
};
static const struct config_default radio_defaults[] = {{"radio.args", "type=room,role=bs"}};
static const struct config_part parts[] = {
    {CONFIG_PART(CFG, radio, &link_radio_table), CONFIG_PART_DEFAULTS(radio_defaults)},
    {CONFIG_PART(CFG, waveform, &link_waveform_table)},
    {CONFIG_PART(CFG, schedule.air, &link_timing_table)},
    {CONFIG_PART(CFG, pixels.train, &link_pilots_table)},
    {CONFIG_PART(CFG, data, &link_data_table)},
    {CONFIG_PART(CFG, port, &link_port_table)},
};
const struct config_table bs_config_table = {CONFIG_KEYS(CFG, keys), CONFIG_PARTS(parts),
                                             .presets = "bs-"};

const char *bs_identity_name(enum bs_identity identity)
{
    return identity == BS_IDENTITY_STEERING ? "steering" : "coded";
}

struct radio_cfg bs_config_radio(const struct bs_cfg *cfg)
{
    /* What several channels send together has the power of one (dsp/precode.h). */
    struct radio_cfg radio =
        link_radio_cfg(&cfg->radio, cfg->waveform.rms / sqrt((double)cfg->radio.n_tx));
    radio.paced = !cfg->run.gated;
    radio.trigger = (struct radio_trigger_cfg){
        .enable = cfg->trigger.enable,
        .bank = cfg->trigger.bank,
        .pin = (unsigned)cfg->trigger.pin,
        .source = cfg->trigger.source,
    };
    return radio;
}

struct waveform_cfg bs_config_waveform(const struct bs_cfg *cfg)
{
    return link_waveform_cfg(&cfg->waveform, cfg->radio.rate_hz);
}

struct anchors bs_config_anchors(const struct bs_cfg *cfg)
{
    struct anchors a = {.tx = vec3_of(cfg->geometry.tx_m[0]),
                        .rx = vec3_of(cfg->geometry.rx_centre_m)};
    for (size_t i = 0; i < BS_RIS; i++)
        a.ris[i] = vec3_of(cfg->ris.boards[i].position_m);
    return a;
}

struct room_box bs_config_room(const struct bs_cfg *cfg)
{
    return (struct room_box){vec3_of(cfg->room.min_m), vec3_of(cfg->room.max_m)};
}

struct wall_map bs_config_walls(const struct bs_cfg *cfg)
{
    struct wall_map walls = {.anchors = bs_config_anchors(cfg),
                             .room = bs_config_room(cfg),
                             .boresight = vec3_of(cfg->geometry.boresight)};
    for (size_t face = 0; face < 6; face++)
        walls.factor[face] = cfg->room.wall_factor[cfg->room.n_wall_factor == 1 ? 0 : face];
    for (size_t k = 0; k < BS_RIS; k++) {
        struct panel panel;
        if (bs_config_panel(cfg, k, &panel) == OK)
            walls.face[k] = panel.z;
    }
    return walls;
}

struct vec3 bs_config_antenna(const struct bs_cfg *cfg, size_t rx)
{
    const struct antenna_line line = {
        .centre = vec3_of(cfg->geometry.rx_centre_m),
        .axis = vec3_of(cfg->geometry.rx_axis),
        .spacing_m = cfg->geometry.rx_spacing_m,
        .n_element = cfg->radio.n_rx,
    };
    return antenna_line_element(&line, rx);
}

int bs_config_panel(const struct bs_cfg *cfg, size_t board, struct panel *panel)
{
    const struct bs_board *b = &cfg->ris.boards[board];
    const struct anchors anchors = bs_config_anchors(cfg);
    struct panel_cfg pose = {
        .position = vec3_of(b->position_m),
        .normal = vec3_of(b->normal),
        .up = {0, 0, 1},
        .columns = (size_t)b->columns,
        .rows = (size_t)b->rows,
        .spacing_m = b->spacing_m,
    };
    if (isnan(b->normal[0]))
        pose.normal = panel_bisector(pose.position, anchors_bs(&anchors), vec3_of(b->faces_m));
    return panel_init(panel, &pose);
}

static double slowest_surface_s(const struct bs_cfg *cfg)
{
    double slowest_s = 0;
    for (size_t i = 0; i < BS_RIS; i++)
        slowest_s = fmax(slowest_s, cfg->ris.boards[i].switch_s);
    return slowest_s;
}

/* Somewhere between two bursts, or may be told to. */
static bool surfaces_step(const struct bs_cfg *cfg)
{
    struct status why_not;
    return cfg->pixels.train.every > 0 || cfg->ris.mode == BS_RIS_TRACKED ||
           bs_config_identity(cfg, BS_IDENTITY_CODED, NULL, &why_not) == OK;
}

int bs_config_schedule(const struct bs_cfg *cfg, struct schedule *s, struct status *err)
{
    const struct waveform_cfg wave = bs_config_waveform(cfg);
    struct schedule_cfg sc =
        link_schedule_cfg(&wave, &cfg->schedule.air, &cfg->pixels.train, &cfg->data);
    sc.prepare_s = cfg->run.latency_budget_s + QUEUE_S;
    if (surfaces_step(cfg))
        sc.surface_s = slowest_surface_s(cfg);
    if (cfg->ris.mode == BS_RIS_TRACKED && sc.surface_s > 0) {
        sc.follow_s = sc.surface_s + QUEUE_S;
        sc.arm_s = fmin(ACK_S, 1e-3 * cfg->ris.ack_ms);
    }
    return schedule_init(s, &sc, err);
}
