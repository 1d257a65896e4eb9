/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The doctor in a machine made up of files: a healthy one gives no finding, and each of the planted
 * faults exactly its own, with its cure. Sockets and the RIS controller are real. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/log.h"
#include "base/sockets.h"
#include "base/state_dir.h"
#include "host/cli/doctor.h"

static char folder[128], root[160];
static struct status err;
static struct bs_cfg cfg;

/* --- a machine -------------------------------------------------------------------------------- */

static struct {
    bool clock;
    unsigned ring;
    double free_bytes, write_s;
    int devices, reference, opened;
    char written[400];
} machine;
static atomic_bool board_present = true; /* the controller has a thread of its own */
static atomic_bool stop_controller;

static bool clock_probe(void)
{
    return machine.clock;
}

static bool ring_probe(const char *interface, unsigned *now, unsigned *most)
{
    assert_string_equal(interface, "sfp0");
    *now = machine.ring;
    *most = 4096;
    return true;
}

static double free_probe(const char *of)
{
    errno = ENOENT;
    return strcmp(of, folder) == 0 ? machine.free_bytes : -1;
}

static double write_probe(const char *to, size_t n)
{
    (void)n;
    snprintf(machine.written, sizeof machine.written, "%s", to);
    return machine.write_s;
}

static int find_probe(const char *args)
{
    (void)args;
    return machine.devices;
}

static int reference_probe(const struct radio_cfg *radio, struct status *why)
{
    assert_int_equal(radio->n_tx, 0);
    machine.opened++;
    return machine.reference ? status_set(why, ERR_STATE, "no lock") : OK;
}

static void __attribute__((format(printf, 2, 3))) plant(const char *path, const char *format, ...)
{
    char full[400];
    va_list args;
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(full, 0755);
        *p = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
}

static void plant_limits(const char *priority, const char *memory)
{
    plant("/proc/self/limits",
          "Limit                     Soft Limit           Hard Limit           Units\n"
          "Max locked memory         %-20s %-20s bytes\n"
          "Max realtime priority     %-20s %-20s\n",
          memory, memory, priority, priority);
}

static unsigned long inode_of(const char *path)
{
    char full[400];
    struct stat st;
    snprintf(full, sizeof full, "%s%s", root, path);
    assert_int_equal(stat(full, &st), 0);
    return (unsigned long)st.st_ino;
}

static void take_away(const char *path)
{
    char full[400];
    snprintf(full, sizeof full, "%s%s", root, path);
    unlink(full);
}

static void make_healthy(void)
{
    machine.clock = true;
    machine.ring = 4096;
    machine.free_bytes = 2e12;
    machine.write_s = 0.01;
    cfg.radio.capture = RADIO_GATED;
    machine.devices = 1;
    machine.reference = 0;
    atomic_store(&board_present, true);
    plant_limits("99", "unlimited");
    plant("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
    plant("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    plant("/proc/net/route", "Iface\tDestination\tGateway\n"
                             "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                             "sfp0\t0028A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
    plant("/sys/class/net/sfp0/mtu", "9000\n");
    plant("/sys/class/net/sfp0/speed", "10000\n");
    plant("/sys/class/net/eth0/mtu", "1500\n");
    plant("/proc/sys/net/core/rmem_max", "33554432\n");
    plant("/proc/sys/net/core/wmem_max", "33554432\n");
    plant("/sys/bus/usb/devices/2-1/idVendor", "2500\n");
    plant("/sys/bus/usb/devices/2-1/idProduct", "0020\n");
    plant("/sys/bus/usb/devices/2-1/speed", "5000\n");
    plant("/dev/shm/mirador-lab", "x");
    plant("/proc/4711/maps",
          "7f00-7f01 rw-s 00000000 00:1a %lu  /dev/shm/mirador-lab.making.4711 (deleted)\n",
          inode_of("/dev/shm/mirador-lab"));
    take_away("/dev/shm/mirador-dead");
    snprintf(cfg.radio.args, sizeof cfg.radio.args, "type=x300,addr=192.168.40.2");
    snprintf(cfg.radio.clock_source, sizeof cfg.radio.clock_source, "external");
    snprintf(cfg.telemetry_endpoint, sizeof cfg.telemetry_endpoint, "ipc://%s/t.sock", folder);
    snprintf(cfg.control_endpoint, sizeof cfg.control_endpoint, "tcp://127.0.0.1:*");
    chmod(cfg.users[0].key_file, 0600);
}

/* --- a RIS controller ------------------------------------------------------------------------- */

static void *serve(void *router)
{
    static struct socket_message m;
    char answer[400];
    while (!atomic_load(&stop_controller)) {
        if (socket_recv(router, &m, 20) != OK)
            continue;
        const char *seq = strstr(m.frames[1].bytes, "\"seq\":");
        snprintf(answer, sizeof answer,
                 "{\"ok\":true,\"seq\":%d,\"boards\":[{\"board\":\"ris1\",\"present\":true},"
                 "{\"board\":\"ris2\",\"present\":%s}]}",
                 atoi(seq + 6), atomic_load(&board_present) ? "true" : "false");
        const struct socket_frame reply[] = {m.frames[0], {answer, strlen(answer)}};
        assert_int_equal(socket_send(router, reply, 2), OK);
    }
    socket_message_clear(&m);
    return NULL;
}

/* --- examining -------------------------------------------------------------------------------- */

static struct {
    size_t n;
    struct doctor_finding f[8];
    char checks[2000];
} found;

static void note(void *context, const struct doctor_finding *f)
{
    (void)context;
    assert_true(f->what[0] != 0);
    if (f->verdict == DOCTOR_OK)
        return;
    assert_true(f->why && f->cure[0] != 0);
    assert_true(found.n < 8);
    found.f[found.n++] = *f;
    snprintf(found.checks + strlen(found.checks), sizeof found.checks - strlen(found.checks),
             "%s: %.200s\n", f->check, f->what);
}

static bool examine(void)
{
    struct doctor doctor = {
        .sysroot = root,
        .probes = {clock_probe, ring_probe, free_probe, write_probe, find_probe, reference_probe},
        .tell = note,
    };
    memset(&found, 0, sizeof found);
    return doctor_examine(&doctor, &cfg);
}

/* Exactly this finding, whose cure names this. */
static void expect(const char *check, enum doctor_verdict verdict, const char *cure)
{
    bool good = examine();
    if (found.n != 1 || strcmp(found.f[0].check, check) != 0)
        fail_msg("wanted %s alone, got: %s", check, found.checks);
    assert_int_equal(found.f[0].verdict, verdict);
    assert_int_equal(good, verdict != DOCTOR_PROBLEM);
    if (!strstr(found.f[0].cure, cure))
        fail_msg("%s: the cure is '%s', without '%s'", check, found.f[0].cure, cure);
    make_healthy();
}

static void a_healthy_machine_gives_no_finding(void **state)
{
    (void)state;
    bool good = examine();
    if (!good || found.n > 0)
        fail_msg("findings: %s", found.checks);
}

static void the_kernel_s_refusals_are_found(void **state)
{
    (void)state;
    plant_limits("0", "unlimited");
    expect("rt-priority", DOCTOR_PROBLEM, "rtprio 99");
    plant_limits("99", "8388608");
    expect("memlock", DOCTOR_PROBLEM, "memlock unlimited");
    plant_limits("0", "65536"); /* capabilities stand in for both */
    plant("/proc/self/status", "CapEff:\t0000000000804000\n");
    a_healthy_machine_gives_no_finding(NULL);
    make_healthy();
}

static void the_machine_s_faults_are_found(void **state)
{
    (void)state;
    plant("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    expect("governor", DOCTOR_WARNING, "cpupower frequency-set -g performance");
    machine.clock = false;
    expect("clock", DOCTOR_WARNING, "chrony");
    plant("/dev/shm/mirador-dead", "x");
    expect("shared-memory", DOCTOR_WARNING, "mirador-dead'");
    plant("/dev/shm/mirador-x; echo 'y'", "x"); /* a name that no shell may read */
    expect("shared-memory", DOCTOR_WARNING, "/mirador-x; echo '\\''y'\\'''");
    take_away("/dev/shm/mirador-x; echo 'y'");
    assert_null(strstr(found.f[0].cure, "mirador-lab"));
}

static void the_way_to_the_radio_is_looked_at(void **state)
{
    (void)state;
    plant("/sys/class/net/sfp0/mtu", "1500\n");
    expect("mtu", DOCTOR_PROBLEM, "ip link set sfp0 mtu 9000");
    machine.ring = 512;
    expect("ring", DOCTOR_WARNING, "ethtool -G sfp0 rx 4096");
    plant("/proc/sys/net/core/rmem_max", "212992\n");
    expect("rmem_max", DOCTOR_PROBLEM, "sysctl -w net.core.rmem_max=33554432");
    plant("/sys/class/net/sfp0/speed", "1000\n");
    cfg.radio.capture = RADIO_CONTINUOUS;
    expect("link", DOCTOR_PROBLEM, "10 Gb/s");
    plant("/proc/net/route", "Iface\tDestination\n");
    expect("route", DOCTOR_PROBLEM, "ip addr add");
    snprintf(cfg.radio.args, sizeof cfg.radio.args, "type=b200");
    plant("/sys/bus/usb/devices/2-1/speed", "480\n");
    expect("usb", DOCTOR_PROBLEM, "USB 3");
}

static void the_radio_is_looked_at(void **state)
{
    (void)state;
    machine.devices = 0;
    expect("device", DOCTOR_PROBLEM, "uhd_find_devices");
    machine.reference = 1;
    expect("reference", DOCTOR_PROBLEM, "10 MHz");
    snprintf(cfg.radio.args, sizeof cfg.radio.args, "type=room,room=lab");
    unsetenv("UHD_MODULE_PATH");
    expect("uhd-module", DOCTOR_PROBLEM, "UHD_MODULE_PATH");
}

static int listen_on(int family, struct sockaddr *at, socklen_t n)
{
    int fd = socket(family, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, at, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Process 815 holds the socket that listens on this port. */
static void plant_listener(unsigned port)
{
    char full[400];
    plant("/proc/net/tcp",
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
          "   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000  4242 "
          "       0 77123 1 0000 100 0 0 10 0\n",
          port);
    plant("/proc/815/fd/6", "x");
    snprintf(full, sizeof full, "%s/proc/815/fd/7", root);
    assert_int_equal(symlink("socket:[77123]", full), 0);
}

static void a_device_in_use_is_left_alone(void **state)
{
    (void)state;
    machine.devices = 0; /* claimed: nobody else finds it */
    machine.reference = 1;
    machine.opened = 0;
    plant("/proc/815/comm", "miradord\n");
    a_healthy_machine_gives_no_finding(NULL);
    assert_int_equal(machine.opened, 0);
    take_away("/proc/815/comm");
    machine.devices = 1;
    expect("reference", DOCTOR_PROBLEM, "10 MHz");
    assert_int_equal(machine.opened, 1);
}

static void an_endpoint_that_is_taken_is_found(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%.80s/t.sock", folder);
    int fd = listen_on(AF_UNIX, (struct sockaddr *)&local, sizeof local);
    plant("/proc/self/x", "x");
    char comm[40];
    snprintf(comm, sizeof comm, "/proc/%d/comm", (int)getpid());
    plant(comm, "squatter\n");
    expect("telemetry", DOCTOR_PROBLEM, "telemetry.endpoint");
    assert_non_null(strstr(found.f[0].what, "squatter (pid"));
    plant(comm, "miradord\n"); /* it runs: that is how it should be */
    a_healthy_machine_gives_no_finding(NULL);
    close(fd);
    a_healthy_machine_gives_no_finding(NULL); /* a socket file that nobody serves is taken over */

    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof tcp;
    fd = listen_on(AF_INET, (struct sockaddr *)&tcp, sizeof tcp);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&tcp, &n), 0);
    snprintf(cfg.control_endpoint, sizeof cfg.control_endpoint, "tcp://127.0.0.1:%d",
             ntohs(tcp.sin_port));
    expect("control", DOCTOR_PROBLEM, "ss -ltnp");
    const unsigned port = ntohs(tcp.sin_port);
    plant("/proc/814/comm", "miradord\n"); /* one of two, and not the first, has it */
    plant("/proc/814/fd/6", "x");
    plant("/proc/815/comm", "miradord\n");
    plant_listener(port);
    snprintf(cfg.control_endpoint, sizeof cfg.control_endpoint, "tcp://127.0.0.1:%u", port);
    a_healthy_machine_gives_no_finding(NULL); /* it is the base station that listens there */
    take_away("/proc/815/fd/7");
    expect("control", DOCTOR_PROBLEM, "ss -ltnp"); /* it runs, but another has its port */
    take_away("/proc/815/comm");
    take_away("/proc/814/comm");
    take_away(comm);
    close(fd);
    snprintf(cfg.control_endpoint, sizeof cfg.control_endpoint, "ipc:///nowhere/at/all.sock");
    expect("control", DOCTOR_PROBLEM, "install -d");
}

static void surfaces_that_do_not_answer_are_found(void **state)
{
    (void)state;
    atomic_store(&board_present, false);
    expect("ris-board", DOCTOR_PROBLEM, "mirador ris list");
    char endpoint[BS_TEXT];
    memcpy(endpoint, cfg.ris.endpoint, sizeof endpoint);
    snprintf(cfg.ris.endpoint, sizeof cfg.ris.endpoint, "ipc:///nowhere/ris.sock");
    expect("ris", DOCTOR_PROBLEM, "start mirador-ris");
    memcpy(cfg.ris.endpoint, endpoint, sizeof endpoint);
}

static void disk_and_keys_are_looked_at(void **state)
{
    (void)state;
    machine.free_bytes = 1e9;
    expect("disk-space", DOCTOR_WARNING, "--record-dir");
    machine.free_bytes = 1e8;
    expect("disk-space", DOCTOR_PROBLEM, "make room");
    machine.free_bytes = -1;
    expect("disk-space", DOCTOR_PROBLEM, "install -d");
    machine.write_s = 10;
    expect("disk-speed", DOCTOR_WARNING, "NVMe");
    machine.write_s = -1;
    expect("disk-speed", DOCTOR_WARNING, "chown");
    snprintf(cfg.record.folder, sizeof cfg.record.folder, "%s/not/yet", folder);
    a_healthy_machine_gives_no_finding(NULL);
    assert_string_equal(machine.written, folder); /* it will be made in there */
    cfg.record.folder[0] = '\0';
    chmod(cfg.users[0].key_file, 0644);
    expect("user-key", DOCTOR_PROBLEM, "chmod 600");
    memcpy(cfg.secret_key_file, cfg.users[0].key_file, sizeof cfg.secret_key_file);
    a_healthy_machine_gives_no_finding(NULL);
    snprintf(cfg.secret_key_file, sizeof cfg.secret_key_file, "%s/socket.key", folder);
    expect("socket-key", DOCTOR_PROBLEM, "keys socket --out");
    const uint8_t half[16] = {1};
    assert_int_equal(key_file_write(cfg.secret_key_file, half, sizeof half, &err), 0);
    expect("socket-key", DOCTOR_PROBLEM, "keys socket --out");
    cfg.secret_key_file[0] = '\0';
    unlink(cfg.users[0].key_file);
    expect("user-key", DOCTOR_PROBLEM, "keys user add");
}

/* 4 channels, 4 bytes, the windows of lab. */
static void a_recording_s_rate_is_that_of_its_windows(void **state)
{
    (void)state;
    double gated = doctor_record_rate(&cfg);
    assert_true(gated > 50e6 && gated < 100e6);
    cfg.record.stream = true;
    assert_true(doctor_record_rate(&cfg) == 1.6e9 + gated);
    cfg.record.stream = false;
}

static void device_args_are_read_whole(void **state)
{
    (void)state;
    char value[16];
    assert_true(doctor_device_arg("type=x300, addr=1.2.3.4,x=1", "addr", value, sizeof value));
    assert_string_equal(value, "1.2.3.4");
    assert_false(doctor_device_arg("myaddr=1.2.3.4", "addr", value, sizeof value));
    assert_false(doctor_device_arg("", "addr", value, sizeof value));
}

static struct sockets *controller;
static void *router;
static pthread_t thread;

static int setup(void **state)
{
    (void)state;
    const uint8_t key[32] = {1};
    if (state_dir_create("mirador-doctor", folder, sizeof folder, &err))
        return -1;
    snprintf(root, sizeof root, "%s/root", folder);
    mkdir(root, 0755);
    setenv("MIRADOR_DATA", MIRADOR_SOURCE_DIR "/config", 1);
    if (config_load(&bs_config_table, "lab", NULL, &cfg, &err))
        return -1;
    snprintf(cfg.run.state_dir, sizeof cfg.run.state_dir, "%s", folder);
    snprintf(cfg.ris.endpoint, sizeof cfg.ris.endpoint, "ipc://%s/ris.sock", folder);
    snprintf(cfg.users[0].key_file, sizeof cfg.users[0].key_file, "%s/user.key", folder);
    controller = sockets_create(NULL, &err);
    router = sockets_bind(controller, ZMQ_ROUTER, cfg.ris.endpoint, &err);
    make_healthy();
    return key_file_write(cfg.users[0].key_file, key, sizeof key, &err) ||
           pthread_create(&thread, NULL, serve, router);
}

static int teardown(void **state)
{
    (void)state;
    atomic_store(&stop_controller, true);
    pthread_join(thread, NULL);
    socket_close(&router);
    sockets_destroy(&controller);
    return state_dir_remove(folder, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_machine_gives_no_finding),
        cmocka_unit_test(the_kernel_s_refusals_are_found),
        cmocka_unit_test(the_machine_s_faults_are_found),
        cmocka_unit_test(the_way_to_the_radio_is_looked_at),
        cmocka_unit_test(the_radio_is_looked_at),
        cmocka_unit_test(a_device_in_use_is_left_alone),
        cmocka_unit_test(an_endpoint_that_is_taken_is_found),
        cmocka_unit_test(surfaces_that_do_not_answer_are_found),
        cmocka_unit_test(a_recording_s_rate_is_that_of_its_windows),
        cmocka_unit_test(device_args_are_read_whole),
        cmocka_unit_test(disk_and_keys_are_looked_at),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
