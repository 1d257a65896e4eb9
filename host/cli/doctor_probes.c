/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions to the kernel and to UHD that no file answers. */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <uhd.h>
#include <unistd.h>

#include "host/cli/doctor.h"
#include "host/clock.h"

static bool clock_synchronised(void)
{
    struct timex t = {0};
    return adjtimex(&t) != TIME_ERROR && !(t.status & STA_UNSYNC);
}

static bool ring(const char *interface, unsigned *now, unsigned *most)
{
    struct ethtool_ringparam r = {.cmd = ETHTOOL_GRINGPARAM};
    struct ifreq request = {.ifr_data = (char *)&r};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool got = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0;
    if (fd >= 0)
        close(fd);
    *now = r.rx_pending;
    *most = r.rx_max_pending;
    return got;
}

static double free_bytes(const char *folder)
{
    struct statvfs fs;
    return statvfs(folder, &fs) == 0 ? (double)fs.f_bavail * (double)fs.f_frsize : -1;
}

/* A file without a name: nothing is left, whatever happens. */
static double write_s(const char *folder, size_t n)
{
    enum { CHUNK = 1 << 20 };
    char *bytes = malloc(CHUNK);
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    double began = clock_s(), took = -1;
    bool good = bytes && fd >= 0;
    if (good)
        memset(bytes, 0xA5, CHUNK); /* zeros could be left out by the file system */
    for (size_t done = 0; good && done < n; done += CHUNK)
        good = write(fd, bytes, CHUNK) == CHUNK;
    if (good && fdatasync(fd) == 0)
        took = clock_s() - began;
    if (fd >= 0)
        close(fd);
    free(bytes);
    return took;
}

static int find(const char *args)
{
    uhd_string_vector_handle found;
    size_t n = 0;
    if (uhd_string_vector_make(&found))
        return -1;
    bool good = !uhd_usrp_find(args, &found) && !uhd_string_vector_size(found, &n);
    uhd_string_vector_free(&found);
    return good ? (int)n : -1;
}

static int reference(const struct radio_cfg *cfg, struct status *err)
{
    struct radio *radio = radio_open(cfg, err);
    int rc = radio ? OK : err->code;
    radio_close(&radio);
    return rc;
}

const struct doctor_probes doctor_probes_real = {
    clock_synchronised, ring, free_bytes, write_s, find, reference};
