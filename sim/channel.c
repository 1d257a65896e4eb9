/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/channel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/aperture.h"
#include "sim/draw.h"
#include "sim/trajectory.h"
#include "sim/vec3.h"

#define PI 3.14159265358979323846

/* A spectrum with its mean rate of length and its mean power over the grid. */
struct path {
    bool ready;
    struct spectrum h;
    double rate_mps, power;
};

/* Between one user and one antenna of the base station. */
struct user_antenna {
    struct path direct; /* and by what is stuck */
    struct path through[SCENE_MAX_RIS];
};

/* Elements of one RIS, as far as they follow their profile and as far as they are stuck. */
enum part { FOLLOWING, STUCK, N_PART };

struct user_state {
    struct trajectory_point at;
    struct aperture_hop *reflected[SCENE_MAX_RIS][N_PART]; /* user to the elements, times Gamma */
    bool reflected_ready[SCENE_MAX_RIS][N_PART];
    struct user_antenna *antennas; /* [n_antennas] */
};

/* Antennas of the base station count on from the transmit to the receive ones. */
struct antenna {
    struct hop_end end;
    struct aperture_hop *hops[SCENE_MAX_RIS]; /* to the elements */
};

struct channel {
    const struct scene *scene;
    struct grid *grid;
    size_t n_bin, n_antennas;
    struct aperture *apertures[SCENE_MAX_RIS];
    struct aperture_hop *scratch_hop[SCENE_MAX_RIS];
    double complex *gamma[SCENE_MAX_RIS][N_PART];
    uint8_t *states[SCENE_MAX_RIS];
    struct pixel *pixels[SCENE_MAX_RIS];
    bool stuck[SCENE_MAX_RIS]; /* any element is */
    struct antenna *antennas;
    struct user_state users[SCENE_MAX_USERS];
    uint64_t fading_block;
    float complex *clutter;                         /* [n_tx x n_rx x n_bin] */
    float complex *mirrored[SCENE_MAX_RIS][N_PART]; /* static paths by each RIS, same shape; */
    bool mirrored_ready[SCENE_MAX_RIS][N_PART];     /* made when the base station sends */
    struct spectrum sum;
};

static size_t n_links(const struct scene *scene)
{
    return scene->bs_tx.n * scene->bs_rx.n;
}

/* --- setup -------------------------------------------------------------------------------- */

static double longest_path_m(const struct scene *scene)
{
    double size[3];
    vec3_sub(scene->room_max_m, scene->room_min_m, size);
    return 4 * 2 * vec3_norm(size); /* four hops of the cross path, images at most twice as far */
}

static int alloc_surface(struct channel *ch, size_t ris, struct status *err)
{
    ch->apertures[ris] = aperture_create(ch->scene, ris, ch->grid, err);
    if (!ch->apertures[ris])
        return err->code ? err->code : ERR_NO_MEMORY;
    const size_t n = aperture_n_elements(ch->apertures[ris]);
    ch->scratch_hop[ris] = aperture_hop_create(ch->apertures[ris]);
    ch->states[ris] = calloc(n, sizeof *ch->states[ris]);
    ch->pixels[ris] = calloc(n, sizeof *ch->pixels[ris]);
    bool ok = ch->scratch_hop[ris] && ch->states[ris] && ch->pixels[ris];
    for (size_t m = 0; ok && m < n; m++)
        ch->pixels[ris][m] = (struct pixel){1, -1};
    for (size_t part = 0; part < N_PART; part++) {
        ch->gamma[ris][part] = calloc(n, sizeof *ch->gamma[ris][part]);
        ch->mirrored[ris][part] =
            calloc(n_links(ch->scene) * ch->n_bin, sizeof *ch->mirrored[ris][part]);
        ok = ok && ch->gamma[ris][part] && ch->mirrored[ris][part];
    }
    for (size_t a = 0; a < ch->n_antennas; a++) {
        struct antenna *antenna = &ch->antennas[a];
        antenna->hops[ris] = aperture_hop_create(ch->apertures[ris]);
        ok = ok && antenna->hops[ris];
        if (ok)
            aperture_hop_set(ch->apertures[ris], &antenna->end, NULL, antenna->hops[ris]);
    }
    for (size_t u = 0; u < ch->scene->n_users; u++)
        for (size_t part = 0; part < N_PART; part++) {
            ch->users[u].reflected[ris][part] = aperture_hop_create(ch->apertures[ris]);
            ok = ok && ch->users[u].reflected[ris][part];
        }
    return ok ? 0 : ERR_NO_MEMORY;
}

static int alloc_channel(struct channel *ch, struct status *err)
{
    const struct scene *scene = ch->scene;
    ch->grid =
        grid_create(scene->carrier_hz, scene->rate_hz, ch->n_bin, longest_path_m(scene), err);
    if (!ch->grid)
        return err->code ? err->code : ERR_NO_MEMORY;
    ch->antennas = calloc(ch->n_antennas, sizeof *ch->antennas);
    ch->clutter = calloc(n_links(scene) * ch->n_bin, sizeof *ch->clutter);
    if (!ch->antennas || !ch->clutter)
        return ERR_NO_MEMORY;
    for (size_t a = 0; a < ch->n_antennas; a++)
        ch->antennas[a].end =
            a < scene->bs_tx.n
                ? hop_end_transmitter(scene, scene->bs_tx.positions_m[a])
                : hop_end_antenna(scene, scene->bs_rx.positions_m[a - scene->bs_tx.n]);
    for (size_t u = 0; u < scene->n_users; u++) {
        ch->users[u].antennas = calloc(ch->n_antennas, sizeof *ch->users[u].antennas);
        if (!ch->users[u].antennas)
            return ERR_NO_MEMORY;
    }
    for (size_t ris = 0; ris < scene->n_ris; ris++) {
        int rc = alloc_surface(ch, ris, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Leak with its own delay, wall images of the same hop, and every scatterer. */
static int fill_clutter(struct channel *ch)
{
    const struct scene *scene = ch->scene;
    struct spectrum *one = malloc(3 * sizeof *one);
    if (!one)
        return ERR_NO_MEMORY;
    struct spectrum *other = one + 1, *leak = one + 2;
    for (size_t link = 0; link < n_links(scene); link++) {
        const struct hop_end *tx = &ch->antennas[link / scene->bs_rx.n].end;
        const struct hop_end *rx = &ch->antennas[scene->bs_tx.n + link % scene->bs_rx.n].end;
        struct hop hop;
        hop_between(scene, tx, rx, &hop);
        hop.amplitude[0] = pow(10, -scene->bs_isolation_db / 20);
        spectrum_hop(ch->grid, &hop, leak);
        for (size_t i = 0; i < scene->n_scatterers; i++) {
            struct hop_end point = hop_end_point(scene->scatterers[i].position_m);
            double rcs = pow(10, scene->scatterers[i].rcs_dbsm / 10);
            hop_between(scene, tx, &point, &hop);
            spectrum_hop(ch->grid, &hop, one);
            hop_between(scene, rx, &point, &hop);
            spectrum_hop(ch->grid, &hop, other);
            spectrum_multiply_add(ch->grid, sqrt(4 * PI * rcs) / scene_wavelength_m(scene), one,
                                  other, leak);
        }
        spectrum_expand(ch->grid, leak, ch->clutter + link * ch->n_bin);
    }
    free(one);
    return 0;
}

struct channel *channel_create(const struct scene *scene, size_t n_bin, struct status *err)
{
    struct channel *ch = calloc(1, sizeof *ch);
    if (!ch) {
        status_set(err, ERR_NO_MEMORY, "no memory for the channel");
        return NULL;
    }
    ch->scene = scene;
    ch->n_bin = n_bin;
    ch->n_antennas = scene->bs_tx.n + scene->bs_rx.n;
    ch->fading_block = UINT64_MAX;
    err->code = 0;
    int rc = alloc_channel(ch, err);
    rc = rc ? rc : fill_clutter(ch);
    if (rc) {
        if (!err->code)
            status_set(err, rc, "no memory for the channel");
        channel_destroy(&ch);
        return NULL;
    }
    static const uint8_t zero[SCENE_MAX_ELEMENTS];
    for (size_t ris = 0; ris < scene->n_ris; ris++)
        channel_set_profile(ch, ris, zero);
    return ch;
}

void channel_destroy(struct channel **channel)
{
    struct channel *ch = channel ? *channel : NULL;
    if (!ch)
        return;
    for (size_t ris = 0; ris < SCENE_MAX_RIS; ris++) {
        for (size_t a = 0; ch->antennas && a < ch->n_antennas; a++)
            aperture_hop_destroy(&ch->antennas[a].hops[ris]);
        for (size_t part = 0; part < N_PART; part++) {
            for (size_t u = 0; u < SCENE_MAX_USERS; u++)
                aperture_hop_destroy(&ch->users[u].reflected[ris][part]);
            free(ch->gamma[ris][part]);
            free(ch->mirrored[ris][part]);
        }
        aperture_hop_destroy(&ch->scratch_hop[ris]);
        aperture_destroy(&ch->apertures[ris]);
        free(ch->states[ris]);
        free(ch->pixels[ris]);
    }
    for (size_t u = 0; u < SCENE_MAX_USERS; u++)
        free(ch->users[u].antennas);
    free(ch->antennas);
    free(ch->clutter);
    grid_destroy(&ch->grid);
    free(ch);
    *channel = NULL;
}

/* Coefficient of state on this surface; exact at half turns, so that a complement is exactly the
 * negative. */
static double complex coefficient(const struct scene_ris *surface, int state)
{
    double turn = (double)state / (double)(1 << surface->bits), re, im;
    double amplitude = pow(10, -surface->loss_db / 20);
    if (surface->n_states > 0) {
        amplitude *= surface->states[2 * state];
        turn = surface->states[2 * state + 1] / (2 * M_PI);
    }
    turns(&turn, &re, &im, 1);
    return amplitude * (re + I * im);
}

static void fill_gamma(struct channel *ch, size_t ris)
{
    const struct scene_ris *surface = &ch->scene->ris[ris];
    ch->stuck[ris] = false;
    for (size_t n = 0; n < aperture_n_elements(ch->apertures[ris]); n++) {
        const struct pixel *pixel = &ch->pixels[ris][n];
        const bool stuck = pixel->stuck >= 0;
        double complex g =
            pixel->factor * coefficient(surface, stuck ? pixel->stuck : ch->states[ris][n]);
        ch->gamma[ris][FOLLOWING][n] = stuck ? 0 : g;
        ch->gamma[ris][STUCK][n] = stuck ? g : 0;
        ch->stuck[ris] |= stuck;
    }
}

/* Static paths from transmit to receive antennas by a part of a surface, [n_tx x n_rx x n_bin]. */
static const float complex *mirrored_by(struct channel *ch, size_t ris, enum part part)
{
    const struct scene *scene = ch->scene;
    if (ch->mirrored_ready[ris][part])
        return ch->mirrored[ris][part];
    for (size_t i = 0; i < scene->bs_tx.n; i++) {
        aperture_hop_reflect(ch->apertures[ris], ch->antennas[i].hops[ris], ch->gamma[ris][part],
                             ch->scratch_hop[ris]);
        for (size_t j = 0; j < scene->bs_rx.n; j++) {
            const struct aperture_hop *rx = ch->antennas[scene->bs_tx.n + j].hops[ris];
            aperture_through(ch->apertures[ris], ch->scratch_hop[ris], rx, &ch->sum, NULL);
            spectrum_expand(ch->grid, &ch->sum,
                            ch->mirrored[ris][part] + (i * scene->bs_rx.n + j) * ch->n_bin);
        }
    }
    ch->mirrored_ready[ris][part] = true;
    return ch->mirrored[ris][part];
}

static void forget_part(struct channel *ch, size_t ris, enum part part)
{
    ch->mirrored_ready[ris][part] = false;
    for (size_t u = 0; u < ch->scene->n_users; u++) {
        ch->users[u].reflected_ready[ris][part] = false;
        for (size_t a = 0; a < ch->n_antennas; a++) {
            struct user_antenna *antenna = &ch->users[u].antennas[a];
            *(part == STUCK ? &antenna->direct.ready : &antenna->through[ris].ready) = false;
        }
    }
}

void channel_set_profile(struct channel *ch, size_t ris, const uint8_t *states)
{
    for (size_t n = 0; n < aperture_n_elements(ch->apertures[ris]); n++)
        assert(states[n] < 1 << ch->scene->ris[ris].bits);
    memcpy(ch->states[ris], states, aperture_n_elements(ch->apertures[ris]));
    fill_gamma(ch, ris);
    forget_part(ch, ris, FOLLOWING);
}

void channel_set_pixels(struct channel *ch, size_t ris, const struct pixel *pixels)
{
    memcpy(ch->pixels[ris], pixels,
           aperture_n_elements(ch->apertures[ris]) * sizeof *ch->pixels[ris]);
    fill_gamma(ch, ris);
    for (size_t part = 0; part < N_PART; part++)
        forget_part(ch, ris, part);
}

void channel_move(struct channel *ch, double time_s)
{
    const struct scene *scene = ch->scene;
    ch->fading_block = (uint64_t)(fmax(time_s, 0) / scene->fading_coherence_s);
    for (size_t u = 0; u < scene->n_users; u++) {
        struct user_state *user = &ch->users[u];
        trajectory_at(&scene->users[u], time_s, &user->at);
        memset(user->reflected_ready, 0, sizeof user->reflected_ready);
        for (size_t a = 0; a < ch->n_antennas; a++) {
            user->antennas[a].direct.ready = false;
            for (size_t ris = 0; ris < scene->n_ris; ris++)
                user->antennas[a].through[ris].ready = false;
        }
    }
}

/* --- hops of a user ----------------------------------------------------------------------- */

/* [S1] (3): sqrt(K/(K+1)) + sqrt(1/(K+1)) CN(0,1), constant for one coherence time. where: the far
 * end of the hop, distinct for every antenna and element. */
static double complex fading(const struct channel *ch, size_t u, uint64_t where)
{
    double k = ch->scene->rice_k, normal[2];
    if (k <= 0)
        return 1;
    uint64_t index = (ch->fading_block * SCENE_MAX_USERS + u) << 20 | where;
    draw_normal_pair(ch->scene->seed, DRAW_FADING, index, normal);
    return sqrt(k / (k + 1)) + sqrt(0.5 / (k + 1)) * (normal[0] + I * normal[1]);
}

static struct hop_end user_end(const struct channel *ch, size_t u)
{
    return hop_end_point(ch->users[u].at.position_m);
}

static double weighted_rate(const struct channel *ch, size_t u, const struct hop_end *end,
                            const double *power)
{
    struct hop_end user = user_end(ch, u);
    double rates[HOP_MAX_IMAGES], sum = 0, total = 0;
    hop_rates(ch->scene, end, &user, ch->users[u].at.velocity_mps, rates);
    for (size_t i = 0; i < hop_n_images(ch->scene); i++) {
        sum += power[i] * rates[i];
        total += power[i];
    }
    return total > 0 ? sum / total : 0;
}

static const struct aperture_hop *reflected_hop(struct channel *ch, size_t u, size_t ris,
                                                enum part part)
{
    struct user_state *user = &ch->users[u];
    if (user->reflected_ready[ris][part])
        return user->reflected[ris][part];
    double complex factor[SCENE_MAX_ELEMENTS];
    for (size_t n = 0; n < aperture_n_elements(ch->apertures[ris]); n++)
        factor[n] = ch->gamma[ris][part][n] * fading(ch, u, (ris + 1) << 16 | n);
    struct hop_end end = user_end(ch, u);
    aperture_hop_set(ch->apertures[ris], &end, factor, user->reflected[ris][part]);
    user->reflected_ready[ris][part] = true;
    return user->reflected[ris][part];
}

/* Between user and antenna by a part of a surface; leaves path->ready to the caller. */
static void by_surface(struct channel *ch, size_t u, size_t ris, size_t a, enum part part,
                       struct path *path)
{
    struct hop_end centre = hop_end_point(ch->scene->ris[ris].position_m);
    double power[HOP_MAX_IMAGES] = {0};
    aperture_through(ch->apertures[ris], reflected_hop(ch, u, ris, part), ch->antennas[a].hops[ris],
                     &path->h, power);
    path->power = 0;
    for (size_t i = 0; i < HOP_MAX_IMAGES; i++)
        path->power += power[i];
    path->rate_mps = weighted_rate(ch, u, &centre, power);
}

static void add_path(struct channel *ch, const struct path *more, struct path *path)
{
    double power = path->power + more->power;
    for (size_t k = 0; k < grid_n_coarse(ch->grid); k++) {
        path->h.re[k] += more->h.re[k];
        path->h.im[k] += more->h.im[k];
    }
    if (power > 0)
        path->rate_mps = (path->power * path->rate_mps + more->power * more->rate_mps) / power;
    path->power = power;
}

static const struct path *direct_path(struct channel *ch, size_t u, size_t a)
{
    struct path *path = &ch->users[u].antennas[a].direct;
    if (path->ready)
        return path;
    const struct hop_end *end = &ch->antennas[a].end;
    struct hop_end user = user_end(ch, u);
    struct hop hop;
    double power[HOP_MAX_IMAGES];
    double complex fade = fading(ch, u, a);
    hop_between(ch->scene, end, &user, &hop);
    spectrum_hop(ch->grid, &hop, &path->h);
    spectrum_scale(ch->grid, fade, &path->h);
    path->power = 0;
    for (size_t i = 0; i < hop.n; i++) {
        power[i] = hop.amplitude[i] * hop.amplitude[i];
        path->power += power[i];
    }
    path->rate_mps = weighted_rate(ch, u, end, power);
    for (size_t ris = 0; ris < ch->scene->n_ris; ris++) {
        struct path stuck;
        if (!ch->stuck[ris])
            continue;
        by_surface(ch, u, ris, a, STUCK, &stuck);
        add_path(ch, &stuck, path);
    }
    path->ready = true;
    return path;
}

static const struct path *through_path(struct channel *ch, size_t u, size_t ris, size_t a)
{
    struct path *path = &ch->users[u].antennas[a].through[ris];
    if (!path->ready)
        by_surface(ch, u, ris, a, FOLLOWING, path);
    path->ready = true;
    return path;
}

/* --- groups ------------------------------------------------------------------------------- */

/* A group being summed: its spectrum is in channel->sum. */
struct group_sum {
    double power, power_rate;
};

static void add_product(struct channel *ch, double factor, const struct path *a,
                        const struct path *b, struct group_sum *group)
{
    double power = factor * factor * a->power * b->power;
    spectrum_multiply_add(ch->grid, factor, &a->h, &b->h, &ch->sum);
    group->power += power;
    group->power_rate += power * (a->rate_mps + b->rate_mps);
}

/* Expands the sum if anything is in it; returns the group's bit or 0. */
static unsigned finish_group(struct channel *ch, const struct group_sum *group,
                             enum channel_group which, float complex *h, double *rate_rad_s)
{
    if (group->power <= 0)
        return 0;
    spectrum_expand(ch->grid, &ch->sum, h + which * ch->n_bin);
    rate_rad_s[which] = -2 * PI / scene_wavelength_m(ch->scene) * group->power_rate / group->power;
    return 1u << which;
}

static unsigned single_path(struct channel *ch, const struct path *path, enum channel_group which,
                            float complex *h, double *rate_rad_s)
{
    struct group_sum group = {path->power, path->power * path->rate_mps};
    ch->sum = path->h;
    return finish_group(ch, &group, which, h, rate_rad_s);
}

static enum channel_group moving_group(size_t ris)
{
    return ris == 0 ? CHANNEL_RIS1_MOVING : CHANNEL_RIS2_MOVING;
}

static enum channel_group static_group(size_t ris)
{
    return ris == 0 ? CHANNEL_RIS1_STATIC : CHANNEL_RIS2_STATIC;
}

static unsigned user_link(struct channel *ch, size_t u, size_t antenna, float complex *h,
                          double *rate_rad_s)
{
    if (!ch->users[u].at.present)
        return 0;
    unsigned groups = single_path(ch, direct_path(ch, u, antenna), CHANNEL_MOVING, h, rate_rad_s);
    for (size_t ris = 0; ris < ch->scene->n_ris; ris++)
        groups |=
            single_path(ch, through_path(ch, u, ris, antenna), moving_group(ris), h, rate_rad_s);
    return groups;
}

/* Amplitude factor of a user as a scatterer. */
static double echo_factor(const struct channel *ch, size_t u)
{
    double rcs = pow(10, ch->scene->users[u].rcs_dbsm / 10);
    return sqrt(4 * PI * rcs) / scene_wavelength_m(ch->scene);
}

static void add_echo(struct channel *ch, size_t u, size_t tx, size_t rx, enum channel_group which,
                     struct group_sum *group)
{
    double factor = echo_factor(ch, u);
    if (which == CHANNEL_MOVING) {
        add_product(ch, factor, direct_path(ch, u, tx), direct_path(ch, u, rx), group);
    } else if (which == CHANNEL_CROSS) {
        add_product(ch, factor, through_path(ch, u, 0, tx), through_path(ch, u, 1, rx), group);
        add_product(ch, factor, through_path(ch, u, 1, tx), through_path(ch, u, 0, rx), group);
    } else {
        size_t ris = which == CHANNEL_RIS1_MOVING ? 0 : 1;
        add_product(ch, factor, direct_path(ch, u, tx), through_path(ch, u, ris, rx), group);
        add_product(ch, factor, through_path(ch, u, ris, tx), direct_path(ch, u, rx), group);
    }
}

static unsigned echo_group(struct channel *ch, size_t tx, size_t rx, enum channel_group which,
                           float complex *h, double *rate_rad_s)
{
    struct group_sum group = {0, 0};
    memset(&ch->sum, 0, sizeof ch->sum);
    for (size_t u = 0; u < ch->scene->n_users; u++)
        if (ch->users[u].at.present)
            add_echo(ch, u, tx, rx, which, &group);
    return finish_group(ch, &group, which, h, rate_rad_s);
}

static unsigned bs_link(struct channel *ch, size_t i, size_t j, float complex *h,
                        double *rate_rad_s)
{
    const struct scene *scene = ch->scene;
    size_t tx = i, rx = scene->bs_tx.n + j, at = (i * scene->bs_rx.n + j) * ch->n_bin;
    unsigned groups = 1u << CHANNEL_STATIC;
    memcpy(h, ch->clutter + at, ch->n_bin * sizeof *h);
    groups |= echo_group(ch, tx, rx, CHANNEL_MOVING, h, rate_rad_s);
    for (size_t ris = 0; ris < scene->n_ris; ris++) {
        const float complex *stuck = ch->stuck[ris] ? mirrored_by(ch, ris, STUCK) + at : NULL;
        for (size_t k = 0; stuck && k < ch->n_bin; k++)
            h[CHANNEL_STATIC * ch->n_bin + k] += stuck[k];
        memcpy(h + static_group(ris) * ch->n_bin, mirrored_by(ch, ris, FOLLOWING) + at,
               ch->n_bin * sizeof *h);
        groups |= 1u << static_group(ris);
        groups |= echo_group(ch, tx, rx, moving_group(ris), h, rate_rad_s);
    }
    if (scene->n_ris == 2)
        groups |= echo_group(ch, tx, rx, CHANNEL_CROSS, h, rate_rad_s);
    return groups;
}

/* Between users: a user's own leak, or the direct hop to another one. */
static unsigned users_link(struct channel *ch, size_t from, size_t to, float complex *h,
                           double *rate_rad_s)
{
    const struct scene_user *user = &ch->scene->users[from];
    struct hop_end a = user_end(ch, from), b = user_end(ch, to);
    struct hop hop = {.n = 1, .length_m = {user->leak_m}};
    struct group_sum group = {1, 0};
    hop.amplitude[0] = pow(10, -user->isolation_db / 20);
    if (from != to) {
        double there[HOP_MAX_IMAGES], back[HOP_MAX_IMAGES];
        if (!ch->users[from].at.present || !ch->users[to].at.present)
            return 0;
        hop_between(ch->scene, &a, &b, &hop);
        hop_rates(ch->scene, &a, &b, ch->users[to].at.velocity_mps, there);
        hop_rates(ch->scene, &b, &a, ch->users[from].at.velocity_mps, back);
        group.power_rate = there[0] + back[0];
    }
    spectrum_hop(ch->grid, &hop, &ch->sum);
    return finish_group(ch, &group, from == to ? CHANNEL_STATIC : CHANNEL_MOVING, h, rate_rad_s);
}

unsigned channel_link(struct channel *ch, unsigned tx_radio, unsigned tx_port, unsigned rx_radio,
                      unsigned rx_port, float complex *h, double *rate_rad_s)
{
    const struct scene *scene = ch->scene;
    assert(tx_radio <= scene->n_users && rx_radio <= scene->n_users);
    assert(tx_port < (tx_radio ? 1 : scene->bs_tx.n) && rx_port < (rx_radio ? 1 : scene->bs_rx.n));
    memset(rate_rad_s, 0, CHANNEL_N_GROUP * sizeof *rate_rad_s);
    if (!tx_radio && !rx_radio)
        return bs_link(ch, tx_port, rx_port, h, rate_rad_s);
    if (!tx_radio)
        return user_link(ch, rx_radio - 1, tx_port, h, rate_rad_s);
    if (!rx_radio)
        return user_link(ch, tx_radio - 1, scene->bs_tx.n + rx_port, h, rate_rad_s);
    return users_link(ch, tx_radio - 1, rx_radio - 1, h, rate_rad_s);
}
