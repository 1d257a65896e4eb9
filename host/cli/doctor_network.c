/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way to a USRP: network interface, socket buffers, USB. */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/doctor.h"

enum { BUFFER_BYTES = 33554432, JUMBO_MTU = 8000, NAME = 32 };

/* Interface of the longest prefix in /proc/net/route that holds the address. */
static bool find_route(const struct doctor *d, const char *address, char interface[NAME])
{
    struct in_addr ip;
    char path[512], line[256], name[NAME];
    unsigned long best = 0;
    bool found = false;
    doctor_path(d, "/proc/net/route", path, sizeof path);
    FILE *f = inet_pton(AF_INET, address, &ip) == 1 ? fopen(path, "re") : NULL;
    while (f && fgets(line, sizeof line, f)) {
        unsigned long to, mask; /* the kernel prints them in network order */
        if (sscanf(line, "%31s %lx %*x %*x %*d %*d %*d %lx", name, &to, &mask) != 3 ||
            (ip.s_addr & mask) != to || (found && ntohl((uint32_t)mask) < best))
            continue;
        found = true;
        best = ntohl((uint32_t)mask);
        memcpy(interface, name, NAME);
    }
    if (f)
        fclose(f);
    return found;
}

static long interface_number(const struct doctor *d, const char *interface, const char *what)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/class/net/%s/%s", interface, what);
    return doctor_read_number(d, path, -1);
}

static void look_at_mtu(struct doctor *d, const char *interface)
{
    struct doctor_finding f = {
        .check = "mtu",
        .verdict = DOCTOR_PROBLEM,
        .why = "small packets cost the CPU more than it has: overflows at rates the wire could "
               "carry",
    };
    long mtu = interface_number(d, interface, "mtu"),
         mbps = interface_number(d, interface, "speed");
    if (mtu >= JUMBO_MTU || (mbps > 0 && mbps <= 1000)) {
        doctor_fine(d, "mtu", "%s: MTU %ld", interface, mtu);
        return;
    }
    snprintf(f.what, sizeof f.what, "%s: MTU %ld on a link of %ld Mb/s", interface, mtu, mbps);
    snprintf(f.cure, sizeof f.cure, "sudo ip link set %s mtu 9000", interface);
    doctor_tell(d, &f);
}

static void look_at_ring(struct doctor *d, const char *interface)
{
    struct doctor_finding f = {
        .check = "ring",
        .verdict = DOCTOR_WARNING,
        .why = "packets are lost while the CPU looks away: gaps",
    };
    unsigned now, most;
    if (!d->probes.ring(interface, &now, &most)) {
        doctor_fine(d, "ring", "%s does not tell its receive ring", interface);
        return;
    }
    if (now >= most || now >= 4096) {
        doctor_fine(d, "ring", "%s: receive ring of %u", interface, now);
        return;
    }
    snprintf(f.what, sizeof f.what, "%s: receive ring of %u, could be %u", interface, now, most);
    snprintf(f.cure, sizeof f.cure, "sudo ethtool -G %s rx %u", interface, most);
    doctor_tell(d, &f);
}

static void look_at_link(struct doctor *d, const struct bs_cfg *cfg, const char *interface)
{
    struct doctor_finding f = {
        .check = "link",
        .verdict = DOCTOR_PROBLEM,
        .why = "the stream does not fit: overflows all the time",
        .cure = "use the 10 Gb/s port, or radio.capture: gated, fewer radio.rx_channels, a lower "
                "radio.rate_hz",
    };
    long mbps = interface_number(d, interface, "speed");
    double wanted =
        32e-6 * cfg->radio.rate_hz * (double)cfg->radio.n_rx; /* sc16, while it streams */
    if (mbps <= 0 || wanted < 0.95 * (double)mbps || cfg->radio.capture == RADIO_GATED) {
        doctor_fine(d, "link", "%s: %ld Mb/s", interface, mbps);
        return;
    }
    snprintf(f.what, sizeof f.what, "%s carries %ld Mb/s, the stream needs %.0f", interface, mbps,
             wanted);
    doctor_tell(d, &f);
}

static void look_at_buffers(struct doctor *d)
{
    static const char *const names[] = {"rmem_max", "wmem_max"};
    for (int i = 0; i < 2; i++) {
        struct doctor_finding f = {
            .check = names[i],
            .verdict = DOCTOR_PROBLEM,
            .why = "UHD cannot have the socket buffers it asks for: overflows and underflows",
        };
        char path[64];
        snprintf(path, sizeof path, "/proc/sys/net/core/%s", names[i]);
        long bytes = doctor_read_number(d, path, -1);
        snprintf(f.what, sizeof f.what, "net.core.%s is %ld", names[i], bytes);
        snprintf(f.cure, sizeof f.cure, "sudo sysctl -w net.core.%s=%d", names[i], BUFFER_BYTES);
        if (bytes >= BUFFER_BYTES)
            doctor_fine(d, names[i], "%s", f.what);
        else
            doctor_tell(d, &f);
    }
}

void doctor_network(struct doctor *d, const struct bs_cfg *cfg)
{
    struct doctor_finding f = {
        .check = "route",
        .verdict = DOCTOR_PROBLEM,
        .why = "the device cannot be reached",
        .cure = "sudo ip addr add ADDRESS/24 dev INTERFACE, an address beside the device's",
    };
    char address[64], interface[NAME];
    if (!doctor_device_arg(cfg->radio.args, "addr", address, sizeof address) &&
        !doctor_device_arg(cfg->radio.args, "addr0", address, sizeof address)) {
        doctor_fine(d, "network", "radio.args names no address");
        return;
    }
    if (!find_route(d, address, interface)) {
        snprintf(f.what, sizeof f.what, "no route leads to %s", address);
        doctor_tell(d, &f);
        return;
    }
    doctor_fine(d, "route", "%s is reached by %s", address, interface);
    look_at_mtu(d, interface);
    look_at_ring(d, interface);
    look_at_link(d, cfg, interface);
    look_at_buffers(d);
}

/* --- USB -------------------------------------------------------------------------------------- */

static bool is_b200(const struct doctor *d, const char *device)
{
    static const char *const products[] = {"2500:0020", "2500:0021", "2500:0022", "3923:7813",
                                           "3923:7814"};
    char path[400], vendor[16], id[16], both[40];
    snprintf(path, sizeof path, "/sys/bus/usb/devices/%.200s/idVendor", device);
    if (!doctor_read_line(d, path, vendor, sizeof vendor))
        return false;
    snprintf(path, sizeof path, "/sys/bus/usb/devices/%.200s/idProduct", device);
    if (!doctor_read_line(d, path, id, sizeof id))
        return false;
    snprintf(both, sizeof both, "%s:%s", vendor, id);
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (strcmp(both, products[i]) == 0)
            return true;
    return false;
}

static void look_at_speed(struct doctor *d, const char *device)
{
    struct doctor_finding f = {
        .check = "usb",
        .verdict = DOCTOR_PROBLEM,
        .why = "USB 2 carries 8 MS/s of one channel",
        .cure = "plug it into a blue port with a USB 3 cable; see where with: lsusb -t",
    };
    char path[400];
    snprintf(path, sizeof path, "/sys/bus/usb/devices/%.200s/speed", device);
    long mbps = doctor_read_number(d, path, -1);
    snprintf(f.what, sizeof f.what, "USRP at USB port %.200s runs at %ld Mb/s", device, mbps);
    if (mbps >= 5000)
        doctor_fine(d, "usb", "%s", f.what);
    else
        doctor_tell(d, &f);
}

void doctor_usb(struct doctor *d, const struct bs_cfg *cfg)
{
    char path[512], type[32] = "";
    bool any = false;
    if (!doctor_device_arg(cfg->radio.args, "type", type, sizeof type) ||
        strcmp(type, "b200") != 0) {
        doctor_fine(d, "usb", "radio.args asks for no device on USB");
        return;
    }
    doctor_path(d, "/sys/bus/usb/devices", path, sizeof path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.' && is_b200(d, e->d_name)) {
            look_at_speed(d, e->d_name);
            any = true;
        }
    if (dir)
        closedir(dir);
    if (!any)
        doctor_tell(d, &(struct doctor_finding){"usb", DOCTOR_PROBLEM,
                                                "no B200 or B210 on any USB port",
                                                "there is nothing to receive with",
                                                "check cable and power, then: lsusb -d 2500:"});
}
