/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/channel_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/vec3.h"

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
            spectrum_multiply_add(ch->grid, sqrt(4 * M_PI * rcs) / scene_wavelength_m(scene), one,
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

const float complex *channel_mirrored_by(struct channel *ch, size_t ris, enum part part)
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
