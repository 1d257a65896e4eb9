/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The channel's links: hops of the users, and the groups they sum up to. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/channel_priv.h"
#include "sim/draw.h"

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
    rate_rad_s[which] =
        -2 * M_PI / scene_wavelength_m(ch->scene) * group->power_rate / group->power;
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
    return sqrt(4 * M_PI * rcs) / scene_wavelength_m(ch->scene);
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
        const float complex *stuck =
            ch->stuck[ris] ? channel_mirrored_by(ch, ris, STUCK) + at : NULL;
        for (size_t k = 0; stuck && k < ch->n_bin; k++)
            h[CHANNEL_STATIC * ch->n_bin + k] += stuck[k];
        memcpy(h + static_group(ris) * ch->n_bin, channel_mirrored_by(ch, ris, FOLLOWING) + at,
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
