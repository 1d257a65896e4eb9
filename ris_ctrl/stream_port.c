/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ris_ctrl/stream_port.h"
#include "base/log.h"
#include "base/options.h"
#include "ris_ctrl/clock.h"
#include <asm/termbits.h> /* termios2 knows every baud rate; it excludes <termios.h> */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STOP_LOOK_MS 100 /* a silent board must not hold up the end of the program */
#define DRAIN_MS     1000

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool stream_port_valid(const char *port)
{
    if (starts_with(port, "tcp:")) {
        const char *colon = strrchr(port + 4, ':');
        return colon != NULL && colon > port + 4 && colon[1] != '\0';
    }
    return starts_with(port, "/") || starts_with(port, "unix:/");
}

/* ---- tty ---- */

static int tty_raw(int fd, unsigned baud)
{
    struct termios2 t;
    if (ioctl(fd, TCGETS2, &t) != 0)
        return -1;
    t.c_iflag = 0;
    t.c_oflag = 0;
    t.c_lflag = 0;
    t.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | (BOTHER << IBSHIFT);
    t.c_ispeed = t.c_ospeed = baud;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (ioctl(fd, TCSETS2, &t) != 0 || ioctl(fd, TCGETS2, &t) != 0)
        return -1;
    unsigned off = t.c_ospeed > baud ? t.c_ospeed - baud : baud - t.c_ospeed;
    if (off > baud / 50) { /* an UART tolerates 2 % */
        errno = EINVAL;
        return -1;
    }
    return ioctl(fd, TCFLSH, TCIOFLUSH);
}

static int open_tty(const char *path, unsigned baud, const char *board, struct status *err)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return status_set(err, errno == EACCES || errno == EISDIR ? ERR_ARG : ERR_NOT_FOUND,
                          "board %s: cannot open %s: %s; %s", board, path, strerror(errno),
                          errno == EACCES   ? "join the group dialout"
                          : errno == EISDIR ? "give the port's path"
                                            : "check that it is plugged and the path");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return status_set(err, ERR_BUSY, "board %s: %s is in use; stop the other program", board,
                          path);
    }
    if (tty_raw(fd, baud) != 0) {
        int rc = status_set(err, errno == EIO ? ERR_IO : ERR_ARG,
                            "board %s: %s cannot be set to %u baud: %s; choose another baud or "
                            "path",
                            board, path, baud, strerror(errno));
        stream_port_close(fd);
        return rc;
    }
    return fd;
}

bool stream_port_writable(int fd, unsigned timeout_ms)
{
    int64_t end_us = clock_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int64_t left_ms = (end_us - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return false;
        if (poll(&p, 1, left_ms < STOP_LOOK_MS ? (int)left_ms : STOP_LOOK_MS) == 1)
            return true;
        if (stop_requested())
            return false;
    }
}

/* ---- sockets ---- */

static int await_connect(int fd, unsigned timeout_ms)
{
    int fault = ETIMEDOUT;
    socklen_t size = sizeof fault;
    if (stream_port_writable(fd, timeout_ms))
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    errno = fault;
    return fault == 0 ? 0 : -1;
}

static int connect_to(int family, const struct sockaddr *address, socklen_t size,
                      unsigned timeout_ms)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, address, size) != 0 &&
        (errno != EINPROGRESS || await_connect(fd, timeout_ms) != 0)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int open_unix(const char *path, unsigned timeout_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof address, timeout_ms);
}

static int open_tcp(const char *place, unsigned timeout_ms)
{
    char host[256];
    const char *colon = strrchr(place, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if (colon == NULL || (size_t)(colon - place) >= sizeof host) {
        errno = EINVAL;
        return -1;
    }
    memcpy(host, place, (size_t)(colon - place));
    host[colon - place] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = -1, on = 1;
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen, timeout_ms);
    int saved = errno;
    freeaddrinfo(list);
    errno = saved;
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int stream_port_open(const char *port, unsigned baud, unsigned timeout_ms, const char *board,
                     struct status *err)
{
    int fd;
    if (starts_with(port, "/"))
        return open_tty(port, baud, board, err);
    if (starts_with(port, "unix:"))
        fd = open_unix(port + 5, timeout_ms);
    else
        fd = open_tcp(port + 4, timeout_ms);
    if (fd < 0)
        return status_set(err, errno == ENAMETOOLONG ? ERR_ARG : ERR_NOT_FOUND,
                          "board %s: cannot connect to %s: %s; check that it runs and the address",
                          board, port, strerror(errno));
    return fd;
}

void stream_port_close(int fd)
{
    (void)flock(fd, LOCK_UN); /* a socket has no lock: refused, and nothing to do */
    close(fd);
}

/* ---- bytes ---- */

int stream_port_write(int fd, const void *bytes, size_t n, unsigned timeout_ms)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done > 0) {
            at += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            if (!stream_port_writable(fd, timeout_ms))
                return ERR_TIMEOUT;
        } else if (errno != EINTR) {
            return ERR_IO;
        }
    }
    return OK;
}

int stream_port_read(int fd, void *bytes, size_t cap, unsigned timeout_ms)
{
    int64_t end_us = clock_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        ssize_t n = read(fd, bytes, cap);
        if (n > 0)
            return (int)n;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return ERR_IO;
        int64_t left_ms = (end_us - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return 0;
        if (stop_requested())
            return ERR_INTERRUPTED;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, left_ms < STOP_LOOK_MS ? (int)left_ms : STOP_LOOK_MS);
    }
}

void stream_port_drain(int fd, unsigned quiet_ms)
{
    char dropped[256];
    int64_t end_us = clock_us() + DRAIN_MS * 1000;
    while (clock_us() < end_us && stream_port_read(fd, dropped, sizeof dropped, quiet_ms) > 0)
        ;
}
