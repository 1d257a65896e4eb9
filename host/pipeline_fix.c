/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From path lengths and the reported height to a position: gates from the geometry, the phase
 * centre of the RIS profiles, the solver, the tracker. */
#include "dsp/chi2.h"
#include "host/pipeline_priv.h"
#include <math.h>
#include <string.h>

#define GRID_STEP_M   0.25
#define GATE_MARGIN_M 0.3
#define DOUBT_ANSWERS 25  /* of any user: five seconds of cycles */
#define TRUST_ANSWERS 10  /* of this user: two seconds, in which who walks moves on */
#define COOP_DIRECT_M 3.0 /* the direct way is the strongest arrival, or this near to it */

/* An image of a hop is in two rows or more, and the solver takes their errors for independent: they
 * weigh half. */
static const double shared = M_SQRT2;

static const enum fix_row row_of_path[PATH_COUNT] = {ROW_L1, ROW_L2, ROW_L3,
                                                     ROW_A1, ROW_A2, ROW_A3};

static void widen(struct toa_gate *gate, double length)
{
    gate->min_m = fmin(gate->min_m, length);
    gate->max_m = fmax(gate->max_m, length);
}

static void gates_at(struct pipeline *p, struct vec3 u)
{
    const struct anchors *a = &p->fix.anchors;
    double direct = fix_predict(a, ROW_A1, u, NULL);
    for (size_t i = 0; i < N_STREAM; i++) {
        widen(&p->gate[i], fix_predict(a, row_of_path[PATH_L1 + i], u, NULL));
        if (i > 0)
            widen(&p->coop_gate[i], fix_predict(a, row_of_path[PATH_A1 + i], u, NULL) - direct);
    }
}

/* Shortest and longest way of each path over all places a user can be. */
void pipeline_gates(struct pipeline *p)
{
    const struct room_box *room = &p->fix.room;
    const double *z = p->cfg.room.user_z_m;
    for (size_t i = 0; i < N_STREAM; i++)
        p->gate[i] = p->coop_gate[i] = (struct toa_gate){INFINITY, -INFINITY};
    for (double x = room->min.x; x <= room->max.x; x += GRID_STEP_M)
        for (double y = room->min.y; y <= room->max.y; y += GRID_STEP_M)
            for (int top = 0; top < 2; top++)
                gates_at(p, (struct vec3){x, y, z[top]});
    p->coop_gate[0] = (struct toa_gate){-COOP_DIRECT_M, COOP_DIRECT_M};
    for (size_t i = 0; i < N_STREAM; i++) {
        p->gate[i].min_m -= GATE_MARGIN_M;
        p->gate[i].max_m += GATE_MARGIN_M;
        if (i > 0) {
            p->coop_gate[i].min_m -= COOP_DIRECT_M;
            p->coop_gate[i].max_m += COOP_DIRECT_M;
        }
    }
}

static void observe(const struct pipeline *p, const struct cycle_report *r,
                    struct observation obs[ROW_COUNT])
{
    for (size_t i = 0; i < PATH_COUNT; i++) {
        const struct report_path *path = &r->path[i];
        const struct wall_shift *shift = &p->shift[row_of_path[i]];
        double site = i == PATH_L1 || i == PATH_A1 ? p->cfg.estimate.sigma_direct_m
                                                   : p->cfg.estimate.sigma_ris_m;
        obs[row_of_path[i]] = (struct observation){
            .length_m = path->length_m - path->bias_m - shift->mean_m,
            .sigma_m = hypot(path->sigma_m, fmax(site, shared * shift->sigma_m)),
            .valid = path->found,
        };
    }
    if (!r->echoes)
        obs[ROW_L1].valid = obs[ROW_L2].valid = obs[ROW_L3].valid = false;
    if (r->path[PATH_L1].adaptive) /* a high-pass leaves too little of a slow walker's echo */
        obs[ROW_L1].valid = false;
    obs[ROW_H] = (struct observation){r->height_m, r->height_sigma_m, r->height_sigma_m > 0};
}

/* Where this fix puts the user. */
static void expect_walls(struct pipeline *p, const struct fix *fix)
{
    memset(p->shift, 0, sizeof p->shift);
    if (!p->walls)
        return;
    const struct wall_shift_view view = {
        p->walls, {p->light[0], p->light[1]}, {pipeline_gamma(p, 0), pipeline_gamma(p, 1)}};
    wall_shift_expect(&view, fix, p->shift);
}

/* What the lengths look like from a place: takes the bias of the two profiles off, and what the
 * walls add in the mean; trusts them as the walls let, whose images a profile may light more than
 * the user. */
static void look_from(struct pipeline *p, const struct fix *fix, struct cycle_report *r)
{
    const struct vec3 u = fix->position;
    for (size_t i = 0; i < BS_RIS; i++) {
        struct ris_view view;
        ris_model_view(p->model[i], pipeline_gamma(p, i), u, &view);
        struct report_path *sensing = &r->path[PATH_L2 + i], *coop = &r->path[PATH_A2 + i];
        sensing->bias_m = coop->bias_m = view.bias_m;
        sensing->weak = coop->weak = view.level_db < RIS_LEVEL_WEAK_DB;
    }
    expect_walls(p, fix);
}

/* As before anyone was found: what is decided here leaves no trace in the fix. The spread alone is
 * that of where the user may be. */
static void look_from_nowhere(struct pipeline *p, const struct vec3 *hint, struct cycle_report *r)
{
    const struct vec3 middle = vec3_scale(vec3_add(p->fix.area.min, p->fix.area.max), 0.5);
    memset(p->shift, 0, sizeof p->shift);
    for (size_t i = 0; i < PATH_COUNT; i++) {
        struct wall_shift *shift = &p->shift[row_of_path[i]];
        if (p->walls)
            (void)wall_error_at(p->walls, row_of_path[i], hint ? *hint : middle, 1, shift);
        r->path[i].bias_m = shift->mean_m = 0;
        r->path[i].weak = false;
    }
}

static unsigned valid_rows(const struct observation obs[ROW_COUNT])
{
    unsigned rows = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        rows |= obs[i].valid ? ROW_BIT(i) : 0;
    return rows;
}

/* How far from this place the user's own signal comes, chi-square of one; infinite if it has no
 * direction. */
static double direction_chi2(const struct pipeline *p, const struct fix *fix)
{
    struct site_direction d;
    if (!pipeline_site_direction(p, fix->position, &d))
        return INFINITY;
    return d.off * d.off / (d.sigma * d.sigma + fix_variance_along(fix, d.gradient));
}

/* 1: as far off as chance takes a chi-square of one; 0: hardly; -1: farther. */
static int agrees(const struct pipeline *p, double chi2)
{
    if (chi2 <= chi2_quantile(1, p->fix.false_alarm))
        return 1;
    return chi2 <= chi2_quantile(1, p->fix.false_alarm / 10) ? 0 : -1;
}

/* With one surface out of sight the user's own signal gives one difference of arrivals and a
 * direction. Both have to be those of the place where the echoes are, those by the surface that it
 * shows; contradictions count as in echoes_agree. */
static int echoes_explain(struct pipeline *p, const struct vec3 *hint, struct cycle_report *r)
{
    struct observation obs[ROW_COUNT];
    struct fix_cfg cfg = p->fix;
    struct fix fix;
    r->echoes = p->explained = true;
    observe(p, r, obs);
    obs[ROW_L2].valid = obs[ROW_L2].valid && obs[ROW_A2].valid;
    obs[ROW_L3].valid = obs[ROW_L3].valid && obs[ROW_A3].valid;
    const unsigned rows = valid_rows(obs);
    if (r->plan.others || obs[ROW_A2].valid == obs[ROW_A3].valid || !obs[ROW_A1].valid ||
        !obs[ROW_L1].valid || p->cfg.radio.n_rx < 2) /* one antenna has no direction */
        return 0;
    bool all = fix_solve(&cfg, obs, hint, &fix) == OK && fix.used == rows;
    const bool lengths_agree = all;
    if (!all && fix.verdict != FIX_OK && fix.verdict != FIX_CHI2)
        return 0; /* two places, say: nothing contradicts anything */
    cfg.false_alarm /= 10;
    all = all || (fix_solve(&cfg, obs, hint, &fix) == OK && fix.used == rows);
    if (!all)
        return -1;
    const int direction = agrees(p, direction_chi2(p, &fix));
    if (direction < 0)
        return -1;
    for (size_t k = 0; k < BS_RIS; k++) /* an echo by what the answer does not show is none */
        r->path[PATH_L2 + k].found &= obs[ROW_A2 + k].valid;
    return lengths_agree && direction > 0 && fix.dof > 0;
}

/* Of the place that echoes and the user's own signal make together: how far from it that signal
 * comes; 0 where one antenna has no direction, or there is no such place, which is no
 * contradiction. */
static double place_chi2(const struct pipeline *p, const struct observation obs[ROW_COUNT],
                         const struct fix *own)
{
    struct fix fix;
    if (p->cfg.radio.n_rx < 2 || fix_solve(&p->fix, obs, &own->position, &fix))
        return 0;
    return direction_chi2(p, &fix);
}

/* 1: every echo lies where the user's own signal puts it; 0: not all, or that signal gives no
 * place; -1: one lies so far off that it must be another's. */
static int echoes_agree(struct pipeline *p, const struct vec3 *hint, struct cycle_report *r)
{
    struct observation obs[ROW_COUNT];
    struct fix own;
    r->echoes = p->explained = false;
    observe(p, r, obs);
    if (fix_solve(&p->fix, obs, hint, &own))
        return echoes_explain(p, hint, r);
    look_from(p, &own, r);
    r->echoes = true;
    observe(p, r, obs);
    look_from_nowhere(p, hint, r);
    unsigned found = 0;
    for (size_t i = ROW_L1; i <= ROW_L3; i++)
        found |= obs[i].valid ? ROW_BIT(i) : 0;
    if (found == 0)
        return 0;
    const int direction = agrees(p, place_chi2(p, obs, &own));
    if (direction > 0 && fix_agreeing(&p->fix, &own, obs, found, p->fix.false_alarm) == found)
        return 1;
    const double hardly = p->fix.false_alarm / 10;
    return direction >= 0 && fix_agreeing(&p->fix, &own, obs, found, hardly) == found ? 0 : -1;
}

/* How often echoes have been where this user's own signal allows them, since one was elsewhere. */
static void note_agreement(struct pipeline *p, int agree, const struct cycle_report *r)
{
    struct pipeline_user *user = &p->user[r->plan.user];
    if (agree < 0 || r->time_s - user->agreed_s > p->track.max_gap_s)
        user->agreed = 0;
    if (agree <= 0)
        return;
    user->agreed += user->agreed < TRUST_ANSWERS;
    user->agreed_s = r->time_s;
}

/* An echo says that somebody is there, not who. One that is not where the user's own signal puts it
 * is another's; then others may be too that happen to fit, so for a while none counts. Nor at
 * first, where others are served, or where that signal alone gives no place. */
static bool echoes_are_ours(struct pipeline *p, int agree, const struct cycle_report *r)
{
    if (agree < 0 || (r->plan.others && !p->others))
        p->doubt = DOUBT_ANSWERS;
    else if (agree > 0 && p->doubt > 0)
        p->doubt--;
    p->others = r->plan.others;
    note_agreement(p, agree, r);
    const bool lasting = !p->explained || p->user[r->plan.user].agreed == TRUST_ANSWERS;
    return agree > 0 && p->doubt == 0 && lasting;
}

/* By steering the user's own signal gives a direction, from the first answer on, and how its way
 * out and back has changed since. 1: both are those of the place that the echoes make; 0: hardly,
 * or one of the two is not known; -1: one lies so far off that the place must be another's. */
static int place_agrees(const struct pipeline *p, bool placed, const struct cycle_report *r)
{
    if (!placed || !r->path[PATH_A1].found)
        return 0;
    return agrees(p, fmax(direction_chi2(p, &r->fix), pipeline_round_chi2(p, r)));
}

static bool own_signal_decides(const struct pipeline *p)
{
    return p->cfg.estimate.echoes == BS_ECHOES_AUTO && p->cfg.estimate.cooperative;
}

static bool place_is_ours(struct pipeline *p, bool placed, struct cycle_report *r)
{
    const int agree = place_agrees(p, placed, r);
    pipeline_round_learn(p, agree, r);
    return echoes_are_ours(p, agree, r);
}

static bool echoes_count(struct pipeline *p, const struct vec3 *hint, struct cycle_report *r)
{
    p->explained = false;
    if (p->cfg.estimate.echoes != BS_ECHOES_AUTO)
        return p->cfg.estimate.echoes == BS_ECHOES_YES;
    if (r->steering || !own_signal_decides(p)) /* until there is a place; there is nothing to ask */
        return !r->plan.others;
    return echoes_are_ours(p, echoes_agree(p, hint, r), r);
}

static bool settled(const struct cycle_report *r)
{
    for (size_t i = 0; i < N_STREAM; i++)
        if (r->path[PATH_L1 + i].snr_db != 0)
            return true;
    return false;
}

static enum fix_outcome blocked(const struct cycle_report *r)
{
    if (r->outcome != FIX_NOT_ASKED) /* the sensing half failed already */
        return r->outcome;
    if (r->background_running)
        return FIX_CAPTURE;
    return settled(r) ? FIX_DONE : FIX_SETTLING;
}

/* No length was weighed. */
static void weigh_nothing(struct cycle_report *r)
{
    for (size_t i = 0; i < PATH_COUNT; i++)
        r->path[i].walls_m = r->path[i].sigma_used_m = NAN;
}

static void note_weights(const struct pipeline *p, const struct observation obs[ROW_COUNT],
                         struct cycle_report *r)
{
    for (size_t i = 0; i < PATH_COUNT; i++) {
        r->path[i].walls_m = p->walls ? p->shift[row_of_path[i]].mean_m : NAN;
        r->path[i].sigma_used_m = obs[row_of_path[i]].sigma_m;
    }
}

/* Neither a position nor the track has them. */
static void leave_echoes(const struct pipeline *p, struct observation obs[ROW_COUNT],
                         struct cycle_report *r)
{
    r->echoes = false;
    observe(p, r, obs);
}

static int give_up_echoes(const struct pipeline *p, int rc, struct observation obs[ROW_COUNT],
                          struct cycle_report *r)
{
    if (rc == OK)
        r->fix.verdict = FIX_CHI2;
    leave_echoes(p, obs, r);
    return ERR_GEOMETRY;
}

/* The user's own signal comes from elsewhere than where the echoes and the map place them. */
static bool comes_from_elsewhere(const struct pipeline *p, double false_alarm,
                                 const struct cycle_report *r)
{
    return r->echoes && own_signal_decides(p) && p->cfg.radio.n_rx > 1 &&
           !(direction_chi2(p, &r->fix) <= chi2_quantile(1, false_alarm));
}

/* The map's position, if it passes the gates that a plain one must: the room's, and the direction's
 * where echoes count. */
static void refine(struct pipeline *p, const struct observation *height, struct cycle_report *r)
{
    const struct fix plain = r->fix;
    enum fix_map gate = FIX_MAP_USED;
    pipeline_map_refine(p, height, r);
    if (r->fix.map != FIX_MAP_USED)
        return;
    if (!room_contains(&p->fix.room, r->fix.position, p->fix.room_margin_m))
        gate = FIX_MAP_ROOM;
    else if (comes_from_elsewhere(p, p->explained ? p->fix.false_alarm : p->fix.false_alarm / 10,
                                  r))
        gate = FIX_MAP_DIRECTION;
    if (gate != FIX_MAP_USED)
        r->fix = plain;
    r->fix.map = gate;
}

/* Echoes that fitted, since walls may move lengths, but are another's: the user's own signal alone
 * counts, now and for a while. */
static int solve_without_echoes(struct pipeline *p, const struct vec3 *hint,
                                struct observation obs[ROW_COUNT], struct cycle_report *r)
{
    (void)echoes_are_ours(p, -1, r);
    leave_echoes(p, obs, r);
    note_weights(p, obs, r);
    const int rc = fix_solve(&p->fix, obs, hint, &r->fix);
    r->fix.map = FIX_MAP_DIRECTION;
    return rc;
}

void pipeline_locate(struct pipeline *p, struct cycle_report *r)
{
    struct pipeline_user *user = &p->user[r->plan.user];
    struct observation obs[ROW_COUNT];
    struct vec3 hint;
    weigh_nothing(r);
    r->outcome = blocked(r);
    if (r->outcome != FIX_DONE)
        return;
    bool tracked = track_predict(&user->track, r->time_s, &hint);
    look_from_nowhere(p, tracked ? &hint : NULL, r);
    if (r->steering)
        pipeline_steering_name(p, r, tracked ? &hint : NULL);
    r->echoes = echoes_count(p, tracked ? &hint : NULL, r);
    observe(p, r, obs);
    int rc = fix_solve(&p->fix, obs, tracked ? &hint : NULL, &r->fix);
    if (rc == OK || tracked) { /* once more, with the profiles seen from there */
        const struct fix there = {.position = hint};
        look_from(p, rc == OK ? &r->fix : &there, r);
        observe(p, r, obs);
        rc = fix_solve(&p->fix, obs, tracked ? &hint : NULL, &r->fix);
    }
    if (rc == OK && r->echoes && p->explained && r->fix.used != valid_rows(obs))
        rc = give_up_echoes(p, rc, obs, r); /* of the echoes alone, or without one of them */
    if (rc == OK && r->steering && !r->path[PATH_L1].adaptive && !pipeline_steering_agrees(p, r)) {
        r->fix.verdict = FIX_CHI2;
        rc = ERR_GEOMETRY;
    }
    note_weights(p, obs, r);
    if (rc != OK && r->steering && r->echoes) { /* no names hold: all ways of the map at once */
        rc = pipeline_steering_map(p, r);
        if (rc == OK)
            weigh_nothing(r);
    }
    if (r->steering && own_signal_decides(p) && !place_is_ours(p, rc == OK, r))
        rc = give_up_echoes(p, rc, obs, r);
    if (rc == OK)
        refine(p, &obs[ROW_H], r);
    if (rc == OK && r->fix.map == FIX_MAP_DIRECTION && !p->explained)
        rc = solve_without_echoes(p, tracked ? &hint : NULL, obs, r);
    r->outcome = rc == OK ? FIX_DONE : FIX_REFUSED;
    if (rc == OK) {
        fix_ellipse95(&r->fix, &r->ellipse);
        pipeline_site_match(p, r);
    }
    for (size_t i = 0; i < PATH_COUNT; i++)
        r->path[i].used = rc == OK && (r->fix.used & ROW_BIT(row_of_path[i]));
    int event = track_update(&p->track, &user->track, r->time_s, obs,
                             rc == OK ? r->fix.used : ROW_ALL, rc == OK ? &r->fix : NULL);
    r->track_event = event < 0 ? TRACK_NONE : (enum track_event)event;
    r->track = user->track;
}
