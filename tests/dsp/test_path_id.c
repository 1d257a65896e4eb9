/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of misidentification against an independent Monte Carlo: tests/data/pathid.json. Its model:
 * three paths with one antenna vector each, v = exp(j phi) (a(way) + rho exp(j psi) a(user)) + n,
 * phi, psi uniform, n ~ CN(0, 10^(-snr / 10)) per antenna; rho of the paths by a surface only.
 *   table_u     u = sin of the angle: RIS1 at sqrt(1/2), RIS2 at -sqrt(1/2), the user du beside
 * RIS1 geometry    users uniform in the box; lengths with sigma_L; height exact, taken for 3 cm
 * good reciprocal  the same in the lab's room, angles alone, rho_dB "Greedy": each surface takes
 * its best path, whatever the other takes.
 *
 * Both rates are counts, so sigma is that of their difference: reference and ours drawn from one
 * rate, that of the two together. A right implementation has 0.7 of 268 beyond 3 sigma on average,
 * and none in about half of all seeds; with SEED there is none. So that nobody can choose a seed
 * for a wrong one, chi-square and mean of the deviations over all places are held to 3 sigma
 * besides. The argument, if there is one, is the number of trials of each place; a second one the
 * seed. */
#include "dsp/array.h"
#include "dsp/music.h"
#include "dsp/path_id.h"
#include "dsp/rng.h"
#include "tests/dsp/golden.h"

enum { RECORDED = 20000, PLACES = 75 + 16 + 27 };

struct model {
    struct path_id_array array;
    struct anchors anchors;
    struct room_box box;
    double noise, rho, sigma_m;
};

struct rates {
    double greedy, joint, ranged, directed;
};

/* Deviations in sigma of one kind of rate. Places are drawn apart, rates of one place are not. */
struct deviations {
    size_t n, n_compared, n_beyond_3; /* n: of places where either saw a count */
    double sum, square;
};

static json_t *doc;
static size_t trials = 6000;
static uint64_t seed = 0;
static struct deviations greedy, joint, ranged, directed;

static struct model line_of(size_t n, struct vec3 centre)
{
    struct model m = {.array = {.n = n, .centre = centre, .wavelength_m = 0.0516884}};
    const struct antenna_line line = {centre, {-1, 1, 0}, m.array.wavelength_m / 2, n};
    for (size_t j = 0; j < n; j++)
        m.array.element[j] = antenna_line_element(&line, j);
    return m;
}

/* Far away at this sine of the angle to the broadside of line_of. */
static struct vec3 at_sine(double u)
{
    const double along = 1e5 * u * M_SQRT1_2, ahead = 1e5 * sqrt(1 - u * u) * M_SQRT1_2;
    return (struct vec3){ahead - along, ahead + along, 0};
}

static struct model beside(size_t n, double du)
{
    struct model m = line_of(n, (struct vec3){0});
    const struct vec3 user = at_sine(M_SQRT1_2 - du);
    m.anchors.ris[0] = at_sine(M_SQRT1_2);
    m.anchors.ris[1] = at_sine(-M_SQRT1_2);
    m.box = (struct room_box){user, user};
    return m;
}

static struct model room(const char *name, size_t n)
{
    const bool lab = strcmp(name, "lab") == 0;
    struct model m = line_of(n, lab ? (struct vec3){.5, .5, 2.2} : (struct vec3){0, 0, 10});
    m.anchors = lab ? (struct anchors){m.array.centre, m.array.centre, {{7, 1.5, 1.9}, {1, 6, 1.7}}}
                    : (struct anchors){m.array.centre, m.array.centre, {{50, 0, 6}, {0, 50, 6}}};
    m.box = lab ? (struct room_box){{2, 2, .8}, {6, 6, 1.8}}
                : (struct room_box){{10, 10, 1}, {40, 40, 1.8}};
    return m;
}

static double between(struct rng *rng, double a, double b)
{
    return a + (b - a) * rng_u01(rng);
}

static cplxf turned(struct rng *rng, double amplitude)
{
    return (cplxf)(amplitude * cexp(I * 2 * PI * rng_u01(rng)));
}

static void draw(const struct model *m, struct rng *rng, struct vec3 u, struct path_id_path *path)
{
    const struct vec3 way[] = {u, m->anchors.ris[0], m->anchors.ris[1]};
    cplxf user[TOA_MAX_ANT], a[TOA_MAX_ANT];
    array_steer(m->array.element, m->array.n, m->array.centre, u, m->array.wavelength_m, user);
    for (size_t i = 0; i < PATH_ID_NAMES; i++) {
        const cplxf phase = turned(rng, 1), back = i ? turned(rng, m->rho) : 0;
        double normal[2];
        array_steer(m->array.element, m->array.n, m->array.centre, way[i], m->array.wavelength_m,
                    a);
        memset(&path[i], 0, sizeof path[i]);
        for (size_t j = 0; j < m->array.n; j++)
            path[i].amp[j] = phase * (a[j] + back * user[j]) + (cplxf)(m->noise * rng_cn(rng));
        rng_normal2(rng, normal);
        path[i].length_m = fix_predict(&m->anchors, ROW_L1 + i, u, NULL) + m->sigma_m * normal[0];
    }
}

static bool wrong(const struct path_id_path *path, const struct path_id_range *range)
{
    struct path_id id;
    path_id_assign(path, PATH_ID_NAMES, range, &id);
    return id.path[PATH_ID_RIS1] != PATH_ID_RIS1 || id.path[PATH_ID_RIS2] != PATH_ID_RIS2;
}

static bool greedily_wrong(const struct path_id_path *path)
{
    for (size_t k = 0; k < PATH_ID_RIS; k++)
        for (size_t i = 0; i < PATH_ID_NAMES; i++)
            if (path[i].match[k] > path[1 + k].match[k])
                return true;
    return false;
}

static struct rates run(const struct model *m, uint64_t place)
{
    struct rng rng = rng_seed(1000 * seed + place);
    struct rates r = {0};
    for (size_t t = 0; t < trials; t++) {
        struct path_id_path path[PATH_ID_NAMES];
        const struct vec3 u = {between(&rng, m->box.min.x, m->box.max.x),
                               between(&rng, m->box.min.y, m->box.max.y),
                               between(&rng, m->box.min.z, m->box.max.z)};
        draw(m, &rng, u, path);
        path_id_match(&m->array, &m->anchors, path, PATH_ID_NAMES);
        r.greedy += greedily_wrong(path) / (double)trials;
        r.joint += wrong(path, NULL) / (double)trials;
        struct path_id_range range = {
            .anchors = &m->anchors, .height = {u.z, 0.03, true}, .sigma_m = m->sigma_m};
        r.ranged += (m->sigma_m > 0 && wrong(path, &range)) / (double)trials;
        range.array = &m->array;
        r.directed += (m->sigma_m > 0 && wrong(path, &range)) / (double)trials;
    }
    return r;
}

static void compare(struct deviations *d, const json_t *g, const char *key, double got)
{
    const double recorded = json_object_get(g, "n") ? golden_number(g, "n") : RECORDED;
    const double want = golden_number(g, key), n = (double)trials;
    const double p = (want * recorded + got * n) / (recorded + n);
    const double sigma = sqrt(p * (1 - p) * (1 / recorded + 1 / n));
    const double off = sigma > 0 ? (got - want) / sigma : 0;
    d->n_compared++;
    d->n += sigma > 0;
    d->n_beyond_3 += fabs(off) > 3;
    d->sum += off;
    d->square += off * off;
    if (fabs(off) > 3)
        print_message("%s: %.5f, recorded %.5f: %.2f sigma\n", key, got, want, off);
}

static double noise_of(const json_t *g)
{
    return pow(10, -golden_number(g, "snr") / 20);
}

static void rates_beside_a_surface(void **state)
{
    const json_t *list = json_object_get(doc, "table_u");
    (void)state;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        struct model m = beside((size_t)golden_number(g, "M"), golden_number(g, "du"));
        m.noise = noise_of(g);
        const struct rates r = run(&m, 100 + i);
        compare(&greedy, g, "P_greedy", r.greedy);
        compare(&joint, g, "P_joint", r.joint);
    }
    assert_int_equal(json_array_size(list), 75);
}

static void rates_with_lengths(void **state)
{
    const json_t *list = json_object_get(doc, "geometry");
    (void)state;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        struct model m =
            room(json_string_value(json_object_get(g, "geom")), (size_t)golden_number(g, "M"));
        m.noise = noise_of(g);
        m.sigma_m = golden_number(g, "sigma_L");
        const struct rates r = run(&m, 300 + i);
        compare(&greedy, g, "P_greedy", r.greedy);
        compare(&joint, g, "P_joint_angle", r.joint);
        compare(&ranged, g, "P_joint_range", r.ranged);
        compare(&directed, g, "P_joint_range_ueangle", r.directed);
    }
    assert_int_equal(json_array_size(list), 16);
}

/* As strong as the way it belongs to, at an SNR that would let none be wrong: a floor by antennas
 * alone, which lengths and the user's direction take away. */
static void check_floor(const struct model *m, const struct rates *r)
{
    print_message(
        "%zu antennas: %.2f %% by angles, %.3f %% with lengths, %.3f %% with the echo's angle\n",
        m->array.n, 100 * r->joint, 100 * r->ranged, 100 * r->directed);
    assert_true(r->joint > (m->array.n == 3 ? 0.08 : m->array.n == 4 ? 0.03 : 0.001));
    assert_true(r->directed <= 0.002 && r->ranged <= 0.004);
}

static void floor_of_the_reciprocal_path(void **state)
{
    const json_t *list = json_object_get(doc, "reciprocal");
    (void)state;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        struct model m = room("lab", (size_t)golden_number(g, "M"));
        m.noise = noise_of(g);
        m.rho = pow(10, golden_number(g, "rho_dB") / 20);
        const bool floor = m.rho == 1 && golden_number(g, "snr") >= 20;
        m.sigma_m = floor ? 0.3 : 0; /* changes no draw, nor what angles alone say */
        const struct rates r = run(&m, 500 + i);
        if (floor)
            check_floor(&m, &r);
        compare(&greedy, g, "P_greedy", r.greedy);
        compare(&joint, g, "P_joint", r.joint);
    }
    assert_int_equal(json_array_size(list), 27);
}

static void no_rate_beyond_three_sigma(void **state)
{
    (void)state;
    assert_int_equal(greedy.n_compared + joint.n_compared, 2 * PLACES);
    assert_int_equal(ranged.n_compared + directed.n_compared, 2 * 16);
    assert_int_equal(greedy.n_beyond_3 + joint.n_beyond_3 + ranged.n_beyond_3 + directed.n_beyond_3,
                     0);
}

/* Given how many counts both have together, a squared deviation is 1 on average, however rare. */
static void check_scatter(const char *name, const struct deviations *d)
{
    const double n = (double)d->n, mean = d->sum / sqrt(n), chi2 = (d->square - n) / sqrt(2 * n);
    print_message("%s: mean %+.2f sigma, chi-square %.1f of %zu places: %+.2f sigma\n", name, mean,
                  d->square, d->n, chi2);
    assert_true(d->n > PLACES / 2 && fabs(mean) < 3 && fabs(chi2) < 3);
}

static void deviations_scatter_as_chance_has_them(void **state)
{
    (void)state;
    check_scatter("greedy", &greedy);
    check_scatter("joint", &joint);
}

/* A path is never given to both surfaces, and of the rest the strongest is the direct one. */
static void one_path_one_name(void **state)
{
    struct path_id_path path[4] = {{.match = {.9f, .9f}, .amp = {1}},
                                   {.match = {.8f, .1f}, .amp = {1}},
                                   {.match = {.1f, .2f}, .amp = {3}},
                                   {.match = {.2f, .1f}, .amp = {2}}};
    struct path_id id;
    (void)state;
    path_id_assign(path, 4, NULL, &id);
    assert_int_equal(id.path[PATH_ID_RIS1], 1);
    assert_int_equal(id.path[PATH_ID_RIS2], 0);
    assert_int_equal(id.path[PATH_ID_DIRECT], 2);
    assert_true(fabs(id.score - 1.7) < 1e-6 && fabs(id.margin - 0.6) < 1e-6);
}

/* A tracker that believes in the swap does not keep it, once the antennas say otherwise; where they
 * say nothing it decides. */
static void a_track_decides_ties_and_no_more(void **state)
{
    struct model m = room("lab", 4);
    struct rng rng = rng_seed(9);
    struct path_id_path path[PATH_ID_NAMES];
    const struct vec3 u = {4, 3, 1.2};
    struct path_id_range range = {.anchors = &m.anchors,
                                  .height = {u.z, 0.03, true},
                                  .sigma_m = 0.5,
                                  .hint = {3, 4.2, 1.2},
                                  .hint_sigma_m = 0.1};
    struct path_id id;
    (void)state;
    m.noise = 0.1;
    draw(&m, &rng, u, path);
    path_id_match(&m.array, &m.anchors, path, PATH_ID_NAMES);
    assert_false(wrong(path, &range));
    path[1].match[0] = path[1].match[1] = path[2].match[0] = path[2].match[1] = .5f;
    path[0].match[0] = path[0].match[1] = 0;
    range.hint = u;
    assert_false(wrong(path, &range));
    range.hint_sigma_m = 0;
    path_id_assign(path, PATH_ID_NAMES, &range, &id);
    assert_true(id.margin >= 0);
}

/* One source, one snapshot: MUSIC is the correlation. Two ways of a path that beat from snapshot to
 * snapshot: it finds both, where the correlation sees a mixture. */
static void music_beside_correlation(void **state)
{
    const struct model m = room("lab", 4);
    struct rng rng = rng_seed(11);
    cplxf ris[TOA_MAX_ANT], user[TOA_MAX_ANT], seen[TOA_MAX_ANT];
    cplx snap[20][4];
    struct music split;
    (void)state;
    array_steer(m.array.element, 4, m.array.centre, m.anchors.ris[0], m.array.wavelength_m, ris);
    array_steer(m.array.element, 4, m.array.centre, (struct vec3){4, 4, 1}, m.array.wavelength_m,
                user);
    for (size_t s = 0; s < 20; s++) {
        const cplxf one = turned(&rng, 1), other = turned(&rng, 1);
        for (size_t j = 0; j < 4; j++)
            snap[s][j] = (cplx)(one * ris[j] + other * user[j]) + 0.03 * rng_cn(&rng);
    }
    for (size_t j = 0; j < 4; j++)
        seen[j] = (cplxf)snap[0][j];
    assert_int_equal(music_split(&split, snap[0], 1, 4, 1), OK);
    assert_true(fabs(music_match(&split, ris) - (double)array_match(ris, seen, 4)) < 1e-6);
    assert_true(music_match(&split, ris) < 0.95);
    assert_int_equal(music_split(&split, snap[0], 20, 4, 2), OK);
    assert_true(music_match(&split, ris) > 0.999 && music_match(&split, user) > 0.999);
    assert_int_equal(music_split(&split, snap[0], 20, 4, 4), ERR_ARG);
    snap[3][1] = NAN;
    assert_int_equal(music_split(&split, snap[0], 20, 4, 2), ERR_ARG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_beside_a_surface),
        cmocka_unit_test(rates_with_lengths),
        cmocka_unit_test(floor_of_the_reciprocal_path),
        cmocka_unit_test(no_rate_beyond_three_sigma),
        cmocka_unit_test(deviations_scatter_as_chance_has_them),
        cmocka_unit_test(one_path_one_name),
        cmocka_unit_test(a_track_decides_ties_and_no_more),
        cmocka_unit_test(music_beside_correlation),
    };
    trials = argc > 1 ? strtoul(argv[1], NULL, 10) : trials;
    seed = argc > 2 ? strtoul(argv[2], NULL, 10) : seed;
    doc = golden_load("pathid.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(doc);
    return failed;
}
