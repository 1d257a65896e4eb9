/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dsp/precode.h"
#include "dsp/rng.h"
#include "host/bs_config.h"
#include "host/pilot_extract.h"
#include "host/pipeline.h"
#include "host/site_calib.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char lab[] = "ris:\n"
                          "  boards:\n"
                          "    - {name: ris1, position_m: [7, 1.5, 1.9]}\n"
                          "    - {name: ris2, position_m: [1, 6, 1.7]}\n"
                          "users:\n"
                          "  - {id: 5, key_file: user.key}\n";

static struct bs_cfg cfg;

/* Reads the lab with one override; returns the code of reading or checking. */
static int load(const char *set, struct status *err)
{
    const struct config_sets sets = {.items = &set, .n = set ? 1 : 0};
    err->code = OK;
    err->text[0] = '\0';
    int rc = config_parse(&bs_config_table, "bs.yaml", lab, sizeof lab - 1, &sets, &cfg, err);
    return rc ? rc : bs_config_check(&cfg, "bs.yaml", err);
}

static void defaults_are_profile_lab(void **state)
{
    (void)state;
    struct status err;
    assert_int_equal(load(NULL, &err), OK);
    const struct waveform_cfg wave = bs_config_waveform(&cfg), ref = waveform_lab();
    assert_int_equal(wave.n, ref.n);
    assert_int_equal(wave.k, ref.k);
    assert_int_equal(wave.root, ref.root);
    assert_int_equal(wave.periods, ref.periods);
    assert_int_equal(wave.code_reps, ref.code_reps);
    assert_true(wave.rate_hz == ref.rate_hz && wave.rms == ref.rms);
    const struct radio_cfg radio = bs_config_radio(&cfg);
    assert_int_equal(radio.n_tx, 1);
    assert_int_equal(radio.n_rx, 4);
    double rms_dbm = radio.full_scale_dbm + radio.tx_gain_db + 20 * log10(radio.tx_rms);
    assert_true(fabs(rms_dbm - 15.0) < 0.01);
}

static void array_is_centred_and_half_a_wavelength_wide(void **state)
{
    (void)state;
    struct status err;
    assert_int_equal(load(NULL, &err), OK);
    struct vec3 a = bs_config_antenna(&cfg, 0), d = bs_config_antenna(&cfg, 3);
    double half = SPEED_OF_LIGHT / cfg.radio.carrier_hz / 2;
    assert_true(fabs(vec3_dist(a, d) - 3 * half) < 1e-5);
    assert_true(fabs((a.x + d.x) / 2 - 0.5) < 1e-12 && fabs((a.z + d.z) / 2 - 2.2) < 1e-12);
}

static void panels_face_the_bisector(void **state)
{
    (void)state;
    struct status err;
    struct panel panel;
    assert_int_equal(load(NULL, &err), OK);
    assert_int_equal(bs_config_panel(&cfg, 0, &panel), OK);
    assert_true(fabs(panel.z.z) < 1e-12 && panel.z.x < 0); /* horizontal, back into the room */
    assert_true(fabs(vec3_norm(panel.z) - 1) < 1e-12);
    assert_int_equal(load("ris.boards[0].normal=[-1, 0, 0]", &err), OK);
    assert_int_equal(bs_config_panel(&cfg, 0, &panel), OK);
    assert_true(fabs(panel.z.x + 1) < 1e-12);
}

static void walls_have_a_factor_each_or_one_for_all(void **state)
{
    (void)state;
    struct status err;
    static const double each[6] = {0.1, 0.2, 0, 0.4, 0.5, 0.6};
    assert_int_equal(load("room.wall_factor=[0.1, 0.2, 0, 0.4, 0.5, 0.6]", &err), OK);
    const struct wall_map six = bs_config_walls(&cfg);
    assert_memory_equal(six.factor, each, sizeof each);
    static const char *const one[] = {"room.wall_factor=[0.4]", "room.wall_factor=0.4"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(load(one[i], &err), OK);
        const struct wall_map all = bs_config_walls(&cfg);
        for (size_t face = 0; face < 6; face++)
            assert_true(all.factor[face] == 0.4);
    }
}

static void faults_name_file_and_cure(void **state)
{
    (void)state;
    static const struct {
        const char *set, *says;
    } cases[] = {
        {"radio.gian_db=3", "did you mean"},
        {"radio.rate_hz=fast", "radio.rate_hz"},
        {"waveform.modulation=qam64", "qam16"},
        {"waveform.k=810", "bs.yaml"},
        {"waveform={k: 131, root: 50}", "sync frame does not fit"},
        {"waveform.code_reps=1", "use 2 or more"},
        {"waveform.sounding=frame", "use identity.mode: steering"},
        {"radio.rx_channels=[0, 1, 1, 2]", "lists channel 1 twice"},
        {"ris.boards[1]={name: ris2, position_m: [1, 6, 1.7], columns: 64, rows: 64, bits: 3}",
         "more than a profile holds"},
        {"ris.boards[0].normal=[1, 0, 0]", "turns its back"},
        {"ris.region_x_m=[6, 2]", "ris.region_x_m"},
        {"radio.trigger_source=RF0", "CONNECTOR:SOURCE"},
        {"schedule.response_delay_s=0.005", "raise schedule.response_delay_s"},
        {"ris.boards[1].switch_s=0.4e-3", "identity.mode: steering"},
        {"schedule.cycle_period_s=0.0205", "raise schedule.cycle_period_s"},
        {"ris.latch_delay_s=2e-5", "lower it"},
        {"ris.boards[1].position_m=[3.75, 1.0, 1.7]", "collinear"},
        {"ris.boards[1].name=ris1", "two boards"},
        {"ris.boards[0].normal=[0, 0, 1]", "ris.boards[0].normal"},
        {"room.user_z_m=[2, 1]", "room.user_z_m"},
        {"room.wall_factor=[0.3, 0.4]", "six for x-, x+, y-, y+, floor and ceiling"},
        {"room.wall_factor=[0.3, 0.3, 1, 0.3, 0.3, 0.3]", "room.wall_factor[2]"},
        {"radio.tx_channels=[0, 1]", "geometry.tx_m"},
        {"link.beam=reciprocity", "shared antennas"},
        {"radio.tx_gain_db=40", "lower radio.tx_gain_db by"},
        {"radio.args=type=b200", "tx_enable"},
        {"users[1]={id: 5, key_file: other.key}", "twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct status err;
        assert_int_not_equal(load(cases[i].set, &err), OK);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].set, err.text, cases[i].says);
        assert_null(strchr(err.text, '\n'));
    }
}

/* By steering a surface may be slow, but not slower than what it is asked to step through, nor than
 * the pause in which it takes another profile. */
static void slow_surfaces_are_held_to_the_schedule(void **state)
{
    (void)state;
    static const struct {
        const char *switch_s, *other;
        const char *third; /* NULL: none */
        const char *says;  /* NULL: it can be */
    } cases[] = {
        {"ris.boards[1].switch_s=6e-3", "pixels.every=0", NULL, NULL},
        {"ris.boards[1].switch_s=6e-3", "ris.mode=tracked", NULL, NULL},
        {"ris.boards[1].switch_s=6e-3", "link.enabled=yes", NULL, NULL},
        {"ris.boards[0].switch_s=9", "ris.mode=static", NULL, NULL},
        {"ris.boards[1].switch_s=6e-3", "pixels.every=1", NULL, "it cannot step through pilots"},
        {"ris.boards[0].switch_s=22e-6", "pixels.every=1", NULL, "a pilot lasts 0.0205"},
        {"ris.boards[0].switch_s=20e-6", "pixels.every=1", NULL, NULL},
        {"ris.boards[0].switch_s=9", "ris.mode=tracked", NULL, "surfaces take the next profile"},
        {"ris.boards[1].switch_s=0.17", "ris.mode=tracked", NULL, "raise schedule.cycle_period_s"},
        {"ris.boards[1].switch_s=0.17", "ris.mode=tracked", NULL, "197.000 ms must be free"},
        {"ris.boards[1].switch_s=0.17", "ris.mode=tracked", "ris.ack_ms=4", NULL},
        {"ris.boards[1].switch_s=0.15", "ris.mode=tracked", NULL, NULL},
        {"ris.boards[1].switch_s=0.1", "link.enabled=yes", NULL, NULL},
        {"ris.boards[1].switch_s=0.1", "link.enabled=yes", "ris.mode=static", NULL},
        {"ris.boards[1].switch_s=0.1", "link.enabled=yes", "ris.mode=tracked",
         "raise link.downlink_delay_s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *items[] = {"identity.mode=steering", cases[i].switch_s, cases[i].other,
                               cases[i].third};
        const struct config_sets sets = {items, cases[i].third ? 4 : 3};
        struct status err = {0};
        int rc = config_parse(&bs_config_table, "bs.yaml", lab, sizeof lab - 1, &sets, &cfg, &err);
        rc = rc ? rc : bs_config_check(&cfg, "bs.yaml", &err);
        if (cases[i].says ? rc == OK || !strstr(err.text, cases[i].says) : rc != OK)
            fail_msg("%s %s: '%s' does not say '%s'", cases[i].switch_s, cases[i].other, err.text,
                     cases[i].says ? cases[i].says : "");
    }
}

/* All that a configuration can list: [S1] has 31. */
static void every_antenna_beams_data(void **state)
{
    (void)state;
    struct status err;
    assert_int_equal(load(NULL, &err), OK);
    cfg.radio.n_tx = cfg.geometry.n_tx = PRECODE_MAX_TX;
    cfg.radio.tx_gain_db = -10;
    for (int i = 0; i < PRECODE_MAX_TX; i++) {
        cfg.radio.tx_channels[i] = i;
        memcpy(cfg.geometry.tx_m[i], cfg.geometry.tx_m[0], sizeof cfg.geometry.tx_m[0]);
    }
    cfg.data.enabled = true;
    if (bs_config_check(&cfg, "bs.yaml", &err))
        fail_msg("%s", err.text);
}

static void fault_of_the_geometry_names_its_line(void **state)
{
    (void)state;
    char path[] = "/tmp/mirador-test-XXXXXX";
    struct status err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs("ris:\n  boards:\n    - {name: a, position_m: [7, 7, 1.9]}\n"
          "    - {name: b, position_m: [4, 4, 1.7]}\nusers:\n  - {id: 5, key_file: k}\n",
          f);
    fclose(f);
    assert_int_equal(config_load(&bs_config_table, path, NULL, &cfg, &err), OK);
    assert_int_equal(bs_config_check(&cfg, path, &err), ERR_GEOMETRY);
    remove(path);
    assert_non_null(strstr(err.text, ":2:3: "));
}

static void delays_that_repeat_inside_the_room_are_refused(void **state)
{
    (void)state;
    struct status err;
    assert_int_equal(load(NULL, &err), OK);
    cfg.waveform.n = 256, cfg.waveform.k = 199, cfg.waveform.root = 76;
    cfg.radio.rate_hz = 1e9;
    assert_int_equal(bs_config_check(&cfg, "bs.yaml", &err), ERR_ARG);
    assert_non_null(strstr(err.text, "raise waveform.n"));
}

/* Draws of waveform, radio and surfaces; more than half of what they give is refused. */
static void draw(struct rng *rng)
{
    static const int n[] = {144, 256, 512, 1024};
    static const double rate[] = {5e5, 25e6, 122.88e6, 5e8};
    cfg.waveform.n = n[rng_next(rng) % 4];
    cfg.waveform.k = 31 + 2 * (int)(rng_next(rng) % (unsigned)(cfg.waveform.n / 2));
    cfg.waveform.root = 1 + (int)(rng_next(rng) % (unsigned)(cfg.waveform.k - 1));
    cfg.waveform.periods = 1 + (int)(rng_next(rng) % 8);
    cfg.waveform.code_reps = 1 + (int)(rng_next(rng) % 8);
    cfg.radio.rate_hz = rate[rng_next(rng) % 4];
    cfg.radio.n_rx = 1 + rng_next(rng) % 4;
    cfg.schedule.air.response_delay_s = cfg.radio.rate_hz < 1e6 ? 0.8 : 0.05;
    cfg.schedule.air.cycle_period_s = cfg.radio.rate_hz < 1e6 ? 3 : 0.2;
    cfg.pixels.train.every = (int)(rng_next(rng) % 2);
    cfg.pixels.train.delay_s = cfg.radio.rate_hz < 1e6 ? 1.5 : 0.1;
}

static void make_all(const struct profile_set *set)
{
    struct status err = {0};
    struct schedule s;
    struct secure_keys keys[BS_USERS_MAX] = {0};
    assert_int_equal(bs_config_schedule(&cfg, &s, &err), OK);
    const struct pipeline_cfg pc = {
        .cfg = &cfg, .schedule = &s, .keys = keys, .profiles = {set, set}};
    struct pipeline *pipeline = pipeline_create(&pc, &err);
    struct site_observer *observer = pipeline ? site_observer_create(&cfg, &err) : NULL;
    struct pilot_extract *pilots = observer ? pilot_extract_create(&cfg, &s, &err) : NULL;
    if (!pilots)
        fail_msg("n %d k %d root %d at %g samples/s: accepted, then '%s'", cfg.waveform.n,
                 cfg.waveform.k, cfg.waveform.root, cfg.radio.rate_hz, err.text);
    pilot_extract_destroy(&pilots);
    site_observer_destroy(&observer);
    pipeline_destroy(&pipeline);
}

/* A run must not find out later what --check-config could have said. */
static void what_is_accepted_can_be_made(void **state)
{
    (void)state;
    static struct profile_set set = {.shape = {16, 16, 1}, .n = 1}; /* large */
    struct rng rng = rng_seed(7);
    struct status err;
    unsigned made = 0, refused = 0;
    set.states = ris_states_ideal(1);
    assert_int_equal(load(NULL, &err), OK);
    while (made < 12) {
        draw(&rng);
        if (bs_config_check(&cfg, "bs.yaml", &err)) {
            refused++;
            continue;
        }
        make_all(&set);
        made++;
    }
    assert_true(refused > 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_profile_lab),
        cmocka_unit_test(array_is_centred_and_half_a_wavelength_wide),
        cmocka_unit_test(panels_face_the_bisector),
        cmocka_unit_test(walls_have_a_factor_each_or_one_for_all),
        cmocka_unit_test(faults_name_file_and_cure),
        cmocka_unit_test(fault_of_the_geometry_names_its_line),
        cmocka_unit_test(every_antenna_beams_data),
        cmocka_unit_test(slow_surfaces_are_held_to_the_schedule),
        cmocka_unit_test(delays_that_repeat_inside_the_room_are_refused),
        cmocka_unit_test(what_is_accepted_can_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
