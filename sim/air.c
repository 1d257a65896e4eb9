/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Creating, finding and removing the shared segment. */
#include "sim/air.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sim/air_layout.h"
#include "sim/noise.h"
#include "sim/process.h"

static struct air *fail(struct status *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static struct air *fail(struct status *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    err->code = code;
    return NULL;
}

void air_cfg_default(struct air_cfg *cfg)
{
    *cfg = (struct air_cfg){.rate_hz = 100e6,
                            .carrier_hz = 5.8e9,
                            .speed = 1.0,
                            .gated = true,
                            .seed = 1,
                            .n_radios = 2,
                            .n_sets = 32,
                            .flat_gain_db = -30.0,
                            .tx_ring_samps = 1u << 22};
    struct air_radio_cfg radio = {.name = "bs",
                                  .n_tx = 4,
                                  .n_rx = 4,
                                  .ppm = NAN,
                                  .max_ppm = 2.5,
                                  .noise_figure_db = 8.0,
                                  .phase_noise_dbc_hz = -88.0,
                                  .phase_noise_hz = 100e3,
                                  .adc_bits = 11.3,
                                  .gain_spread_db = 0.5,
                                  .random_phase = true,
                                  .tx_latency_samps = 164};
    cfg->radios[0] = radio;
    snprintf(radio.name, sizeof radio.name, "ue");
    radio.n_tx = radio.n_rx = 1;
    cfg->radios[1] = radio;
}

static bool radio_ok(const struct air_radio_cfg *r)
{
    return r->name[0] && memchr(r->name, 0, sizeof r->name) && r->n_tx >= 1 && r->n_rx >= 1 &&
           r->n_tx <= AIR_MAX_PORTS && r->n_rx <= AIR_MAX_PORTS &&
           (isnan(r->ppm) ? fabs(r->max_ppm) < 1000 : fabs(r->ppm) < 1000) &&
           r->tx_latency_samps >= AIR_MAX_PRE && r->phase_noise_hz >= 0;
}

static const char *cfg_fault(const struct air_cfg *cfg)
{
    if (!memchr(cfg->name, 0, sizeof cfg->name) || strchr(cfg->name, '/'))
        return "room name must be shorter than 48 characters, without '/'";
    if (!(cfg->rate_hz > 0) || !(cfg->speed >= 0) || (!cfg->gated && cfg->speed <= 0))
        return "rate must be positive, speed positive (0 only when gated)";
    if (cfg->n_radios < 1 || cfg->n_radios > AIR_MAX_RADIOS || cfg->gate_mask >> cfg->n_radios)
        return "1 to 8 radios, and a gate made of them";
    if (cfg->tx_ring_samps < 1u << 16)
        return "tx_ring_samps must be at least 65536";
    for (unsigned r = 0; r < cfg->n_radios; r++)
        if (!radio_ok(&cfg->radios[r]))
            return "a radio's figures are out of range (ports 1..32, latency >= 160 samples)";
    return NULL;
}

static uint64_t page_up(uint64_t n)
{
    return (n + 4095) & ~4095ull;
}

/* Offsets and sizes of all areas; returns the total. */
static uint64_t lay_out(struct air_seg *s, const struct air_cfg *cfg)
{
    s->cfg = *cfg;
    for (unsigned r = 0; r < cfg->n_radios; r++) {
        s->tx_base[r] = s->n_tx_total;
        s->rx_base[r] = s->n_rx_total;
        s->n_tx_total += cfg->radios[r].n_tx;
        s->n_rx_total += cfg->radios[r].n_rx;
    }
    s->set_stride =
        page_up((uint64_t)s->n_tx_total * s->n_rx_total * sizeof(struct air_link) + 4096);
    s->tx_stride = page_up((uint64_t)cfg->tx_ring_samps * 2 * sizeof(int16_t));
    s->sets_off = page_up(sizeof *s);
    s->tx_off = s->sets_off + s->set_stride * cfg->n_sets;
    return s->tx_off + s->tx_stride * s->n_tx_total;
}

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void init_seg(struct air_seg *s, const struct air_cfg *cfg, uint64_t total)
{
    lay_out(s, cfg);
    for (unsigned r = 0; r < cfg->n_radios; r++) {
        struct air_radio_cfg *radio = &s->cfg.radios[r];
        if (isnan(radio->ppm))
            radio->ppm = radio->max_ppm * (2.0 * hash_unit(cfg->seed, 0x70706d, r) - 1.0);
        for (unsigned p = 0; p < AIR_MAX_PORTS; p++)
            s->ports[r][p].hold_k = AIR_NEVER;
    }
    init_lock(&s->lock);
    s->wall0_ns = s->pace_wall_ns = wall_ns();
    s->owner_pid = getpid();
    s->owner_start = process_start(getpid());
    s->version = AIR_VERSION;
    s->header_size = sizeof *s;
    s->total_size = total;
    s->magic = AIR_MAGIC;
}

/* Maps only the head of a segment file: who owns it? Returns 1 live, 0 dead or broken, -1 no such
 * file. */
static int segment_state(const char *path)
{
    int fd = shm_open(path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT ? -1 : 1; /* somebody else's: leave it alone */
    struct {
        uint64_t magic;
        uint32_t version, header_size;
        uint64_t total_size;
        int owner_pid;
        uint64_t owner_start;
    } head;
    ssize_t n = pread(fd, &head, sizeof head, 0);
    close(fd);
    return n == (ssize_t)sizeof head && head.magic == AIR_MAGIC &&
           process_alive(head.owner_pid, head.owner_start);
}

/* Rooms that were killed left their segments behind. Temporary ones carry their maker's pid. */
static void remove_stale(void)
{
    DIR *dir = opendir("/dev/shm");
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[300];
        if (strncmp(e->d_name, &AIR_PREFIX[1], strlen(AIR_PREFIX) - 1) != 0)
            continue;
        snprintf(path, sizeof path, "/%s", e->d_name);
        const char *making = strstr(e->d_name, ".making.");
        int pid = making ? atoi(making + 8) : 0;
        if (making ? !process_alive(pid, 0) : segment_state(path) == 0)
            shm_unlink(path);
    }
    closedir(dir);
}

static struct air_seg *map(int fd, uint64_t size)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_NORESERVE;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The segment is sparse: rings and unused links cost nothing, but what is written must fit, or
 * writing kills the process. A scene fills about a third. Containers often give /dev/shm only 64
 * MB. */
static bool fits(const struct air *air, struct status *err)
{
    struct statvfs fs;
    if (statvfs("/dev/shm", &fs) != 0)
        return true; /* shm_open will say what is wrong */
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize, need = air->size / 3;
    if (free_bytes >= need)
        return true;
    fail(err, ERR_NO_SPACE,
         "the room needs %llu MB of shared memory, /dev/shm has %llu MB free: mount -o "
         "remount,size=512M /dev/shm, or docker run --shm-size=512m",
         (unsigned long long)(need >> 20), (unsigned long long)(free_bytes >> 20));
    return false;
}

/* The segment appears under its name only when complete: built under a temporary one, then linked.
 */
static struct air_seg *publish(struct air *air, const struct air_cfg *cfg, struct status *err)
{
    char tmp[120], from[160], to[160];
    if (!fits(air, err))
        return NULL;
    snprintf(tmp, sizeof tmp, "%s.making.%d", air->path, (int)getpid());
    shm_unlink(tmp);
    air->fd = shm_open(tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
    struct air_seg *seg = NULL;
    if (air->fd >= 0 && ftruncate(air->fd, (off_t)air->size) == 0)
        seg = map(air->fd, air->size);
    if (!seg) {
        fail(err, ERR_IO, "cannot create shared memory for the room: %s; is /dev/shm mounted?",
             strerror(errno));
    } else {
        init_seg(seg, cfg, air->size);
        snprintf(from, sizeof from, "/dev/shm%s", tmp);
        snprintf(to, sizeof to, "/dev/shm%s", air->path);
        if (link(from, to) != 0) {
            if (errno == EEXIST)
                fail(err, ERR_BUSY,
                     "a room named %s is already running; stop it or choose another name",
                     cfg->name);
            else
                fail(err, ERR_IO, "cannot publish the room as %s: %s", to, strerror(errno));
            munmap(seg, air->size);
            seg = NULL;
        }
    }
    shm_unlink(tmp);
    return seg;
}

struct air *air_create(const struct air_cfg *cfg, struct status *err)
{
    *err = (struct status){0};
    const char *fault = cfg_fault(cfg);
    if (fault)
        return fail(err, ERR_ARG, "%s", fault);
    struct air *air = calloc(1, sizeof *air);
    struct air_seg *probe = calloc(1, sizeof *probe);
    if (!air || !probe) {
        free(air);
        free(probe);
        return fail(err, ERR_NO_MEMORY, "%s", "out of memory");
    }
    air->size = lay_out(probe, cfg);
    free(probe);
    air->fd = -1;
    air->creator = true;
    if (cfg->name[0]) {
        remove_stale();
        snprintf(air->path, sizeof air->path, AIR_PREFIX "%s", cfg->name);
        air->seg = publish(air, cfg, err);
    } else if ((air->seg = map(-1, air->size))) {
        init_seg(air->seg, cfg, air->size);
    } else {
        fail(err, ERR_NO_MEMORY, "%s", "cannot map a private room");
    }
    if (!air->seg) {
        if (air->fd >= 0)
            close(air->fd);
        free(air);
        return NULL;
    }
    return air;
}

static const char *head_fault(const struct air_seg *s, uint64_t file_size)
{
    if (s->magic != AIR_MAGIC)
        return "its shared memory is not a room of ours";
    if (s->version != AIR_VERSION || s->header_size != sizeof *s || s->total_size != file_size)
        return "it was made by another version of Mirador; restart the room with this one";
    return NULL;
}

struct air *air_attach(const char *name, struct status *err)
{
    *err = (struct status){0};
    struct air *air = calloc(1, sizeof *air);
    if (!air)
        return fail(err, ERR_NO_MEMORY, "%s", "out of memory");
    snprintf(air->path, sizeof air->path, AIR_PREFIX "%.60s", name);
    air->fd = shm_open(air->path, O_RDWR, 0);
    struct stat st = {0};
    if (air->fd < 0 || segment_state(air->path) <= 0 || fstat(air->fd, &st) != 0) {
        fail(err, ERR_NOT_FOUND, "no room named '%s' is running; start mirador-room first", name);
    } else if ((size_t)st.st_size < sizeof(struct air_seg) ||
               !(air->seg = map(air->fd, (uint64_t)st.st_size))) {
        fail(err, ERR_FORMAT, "room '%s': its shared memory is too short", name);
    } else {
        air->size = (size_t)st.st_size;
        const char *fault = head_fault(air->seg, air->size);
        if (!fault)
            return air;
        err->code = ERR_FORMAT;
        snprintf(err->text, sizeof err->text, "room '%.60s': %s", name, fault);
        munmap(air->seg, air->size);
    }
    if (air->fd >= 0)
        close(air->fd);
    free(air);
    return NULL;
}

void air_destroy(struct air **air)
{
    struct air *a = *air;
    if (!a)
        return;
    if (a->creator) {
        a->seg->owner_gone = 1;
        air_notify(a);
        if (a->path[0])
            shm_unlink(a->path);
    }
    munmap(a->seg, a->size);
    if (a->fd >= 0)
        close(a->fd);
    free(a);
    *air = NULL;
}

const struct air_cfg *air_config(const struct air *air)
{
    return &air->seg->cfg;
}

int air_radio_index(const struct air *air, const char *name)
{
    for (unsigned r = 0; r < air->seg->cfg.n_radios; r++)
        if (strcmp(air->seg->cfg.radios[r].name, name) == 0)
            return (int)r;
    return ERR_NOT_FOUND;
}
