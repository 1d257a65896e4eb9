/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Positions from the map: of what the plain position believes alone, and only where that could be
 * too. */
#include "tests/host/pipeline_rig.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TRUSTED = 10 }; /* answers that agree before echoes place whom their own signal does not */
enum { ECHO = 1, BY_RIS1 = 2, BY_RIS2 = 4 };

/* What is made to happen to the parts of the pipeline. */
static struct {
    unsigned disbelieved;    /* rows that the plain position leaves out */
    bool no_peak, nameless;  /* the posterior has none; no names of paths hold */
    const struct vec3 *move; /* to where the map's position is moved */
    struct vec3 astray;      /* how far off the map is told to begin */
} make;
/* What came by. */
static unsigned handed; /* streams */
static struct fix plain;

int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __real_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out);
int __wrap_fix_solve(const struct fix_cfg *cfg, const struct observation obs[ROW_COUNT],
                     const struct vec3 *hint, struct fix *out)
{
    const int rc = __real_fix_solve(cfg, obs, hint, out);
    out->used &= ~make.disbelieved;
    return rc;
}

int __wrap_map_fix_refine(struct map_fix *map, const struct map_fix_stream in[MAP_FIX_STREAMS],
                          const struct observation *height, struct fix *fix);
int __real_map_fix_refine(struct map_fix *map, const struct map_fix_stream in[MAP_FIX_STREAMS],
                          const struct observation *height, struct fix *fix);
int __wrap_map_fix_refine(struct map_fix *map, const struct map_fix_stream in[MAP_FIX_STREAMS],
                          const struct observation *height, struct fix *fix)
{
    handed = 0;
    for (size_t s = 0; s < MAP_FIX_STREAMS; s++)
        handed |= in[s].h ? 1u << s : 0;
    plain = *fix;
    if (make.no_peak)
        return ERR_NO_PEAK;
    fix->position = vec3_add(fix->position, make.astray);
    if (make.astray.x != 0)
        fix->cov[0][0] = fix->cov[1][1] = 1, fix->cov[0][1] = fix->cov[1][0] = 0;
    const int rc = __real_map_fix_refine(map, in, height, fix);
    if (rc == OK && make.move)
        fix->position = *make.move;
    return rc;
}

int __wrap_map_fix_solve(struct map_fix *map, const struct map_fix_still *in, struct vec3 start,
                         const struct ris_view view[2], struct fix *out);
int __real_map_fix_solve(struct map_fix *map, const struct map_fix_still *in, struct vec3 start,
                         const struct ris_view view[2], struct fix *out);
int __wrap_map_fix_solve(struct map_fix *map, const struct map_fix_still *in, struct vec3 start,
                         const struct ris_view view[2], struct fix *out)
{
    const int rc = __real_map_fix_solve(map, in, vec3_add(start, make.astray), view, out);
    if (rc == OK && make.move)
        out->position = *make.move;
    return rc;
}

bool __wrap_pipeline_steering_agrees(const struct pipeline *p, const struct cycle_report *r);
bool __real_pipeline_steering_agrees(const struct pipeline *p, const struct cycle_report *r);
bool __wrap_pipeline_steering_agrees(const struct pipeline *p, const struct cycle_report *r)
{
    return !make.nameless && __real_pipeline_steering_agrees(p, r);
}

/* Both surfaces light the user. */
static void focus(struct bench *b)
{
    const struct vec3 bs = anchors_bs(&b->pipeline->fix.anchors);
    for (size_t k = 0; k < BS_RIS; k++) {
        const struct panel *panel = ris_model_panel(b->pipeline->model[k]);
        const double wavelength_m = ris_model_wavelength_m(b->pipeline->model[k]);
        for (size_t m = 0; m < panel_elements(panel); m++) {
            const struct vec3 e = panel_element(panel, m);
            const double way_m = vec3_dist(bs, e) + vec3_dist(e, user);
            b->pipeline->gamma[k][m] = cexp(2 * PI * I * (way_m / wavelength_m));
        }
    }
}

static int begin(void **state)
{
    memset(&make, 0, sizeof make);
    if (set_up_mapped(state))
        return -1;
    focus(*state);
    return 0;
}

static int begin_still(void **state)
{
    if (begin(state))
        return -1;
    ((struct bench *)*state)->still = true;
    make.nameless = true;
    return 0;
}

static void locate(struct bench *b, struct cycle_report *r)
{
    cycle(b, true, answer(b, &b->keys, true), r);
    assert_int_equal(r->response, RESPONSE_PERMITTED);
}

static void assert_plain(const struct cycle_report *r, enum fix_map why)
{
    assert_int_equal(r->outcome, FIX_DONE);
    assert_int_equal(r->fix.map, why);
    assert_memory_equal(&r->fix.position, &plain.position, sizeof plain.position);
    assert_memory_equal(&r->fix.cov, &plain.cov, sizeof plain.cov);
}

static void the_map_places_the_user(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i < 3; i++) {
        locate(b, &r);
        assert_int_equal(r.outcome, FIX_DONE);
        assert_int_equal(r.fix.map, FIX_MAP_USED);
        assert_int_equal(handed, ECHO | BY_RIS1 | BY_RIS2);
        const double dx = r.fix.position.x - user.x, dy = r.fix.position.y - user.y;
        print_message("off %.3f m, ellipse %.3f m\n", hypot(dx, dy), r.ellipse.major_m);
        assert_true(hypot(dx, dy) < 0.05 && fix_inside95(&r.fix, dx, dy));
        assert_true(r.ellipse.major_m < 0.2);
    }
}

static void what_the_plain_position_left_out_takes_no_part(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    make.disbelieved = ROW_BIT(ROW_L1);
    locate(b, &r);
    assert_int_equal(handed, BY_RIS1 | BY_RIS2);
    assert_int_equal(r.fix.map, FIX_MAP_USED);
    make.disbelieved = ROW_BIT(ROW_L1) | ROW_BIT(ROW_L3);
    locate(b, &r);
    assert_int_equal(handed, BY_RIS1);
    assert_plain(&r, FIX_MAP_FEW);
}

static void without_a_peak_the_plain_position_stands(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    make.no_peak = true;
    locate(b, &r);
    assert_plain(&r, FIX_MAP_NO_PEAK);
}

static void outside_the_room_the_plain_position_stands(void **state)
{
    static const struct vec3 outside = {-0.6, 4, 1.3};
    struct bench *b = *state;
    struct cycle_report r;
    make.move = &outside;
    locate(b, &r);
    assert_plain(&r, FIX_MAP_ROOM);
    assert_true(is_at_user(&r, 0.1));
}

/* With one surface out of sight the direction of the user's own signal decides. */
static void in_another_direction_the_plain_position_stands(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    b->dark = true;
    for (int i = 0; i < TRUSTED; i++)
        locate(b, &r);
    assert_int_equal(r.outcome, FIX_DONE);
    assert_int_equal(r.fix.map, FIX_MAP_USED);
    assert_int_equal(handed, ECHO | BY_RIS2);
    make.move = &stranger;
    locate(b, &r);
    assert_plain(&r, FIX_MAP_DIRECTION);
    assert_true(is_at_user(&r, 0.1));
}

/* The user is a quarter of a metre outside the first square, behind each of its corners, so that
 * the best places are on its rim. */
static void the_map_follows_the_rim(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int corner = 0; corner < 4; corner++) {
        make.astray = (struct vec3){corner & 1 ? -1.15 : 1.15, corner & 2 ? -1.15 : 1.15, 0};
        locate(b, &r);
        assert_int_equal(r.outcome, FIX_DONE);
        assert_int_equal(r.fix.map, FIX_MAP_USED);
        const double dx = r.fix.position.x - user.x, dy = r.fix.position.y - user.y;
        print_message("off %.3f m, ellipse %.3f m\n", hypot(dx, dy), r.ellipse.major_m);
        assert_true(hypot(dx, dy) < 0.05 && fix_inside95(&r.fix, dx, dy));
    }
}

static void without_names_the_map_places_the_user(void **state)
{
    struct bench *b = *state;
    struct cycle_report r;
    for (int i = 0; i < 3; i++) {
        locate(b, &r);
        assert_int_equal(r.outcome, FIX_DONE);
        assert_true(r.steering && r.fix.map == FIX_MAP_USED && !r.path[PATH_L2].found);
        const double dx = r.fix.position.x - user.x, dy = r.fix.position.y - user.y;
        print_message("off %.3f m, ellipse %.3f m\n", hypot(dx, dy), r.ellipse.major_m);
        assert_true(hypot(dx, dy) < 0.15 && fix_inside95(&r.fix, dx, dy));
    }
}

static void without_names_a_place_outside_the_room_is_refused(void **state)
{
    static const struct vec3 outside = {3.7, 8.6, 1.3};
    struct bench *b = *state;
    struct cycle_report r;
    make.move = &outside;
    locate(b, &r);
    assert_int_equal(r.outcome, FIX_REFUSED);
    assert_int_equal(r.fix.verdict, FIX_ROOM);
}

int main(void)
{
#define CODED(test) cmocka_unit_test_setup_teardown(test, begin, tear_down)
#define STILL(test) cmocka_unit_test_setup_teardown(test, begin_still, tear_down)
    const struct CMUnitTest tests[] = {
        CODED(the_map_places_the_user),
        CODED(what_the_plain_position_left_out_takes_no_part),
        CODED(without_a_peak_the_plain_position_stands),
        CODED(outside_the_room_the_plain_position_stands),
        CODED(in_another_direction_the_plain_position_stands),
        CODED(the_map_follows_the_rim),
        STILL(the_map_follows_the_rim),
        STILL(without_names_the_map_places_the_user),
        STILL(without_names_a_place_outside_the_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
