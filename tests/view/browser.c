/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/view/browser.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int browser_connect(int port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

bool browser_send(int fd, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

int browser_request(int fd, const char *request, char *answer, size_t size)
{
    size_t used = 0;
    ssize_t n = 1;
    if (!browser_send(fd, request, strlen(request)))
        return 0;
    answer[0] = '\0';
    while (n > 0 && used + 1 < size && !strstr(answer, "\r\n\r\n")) {
        n = recv(fd, answer + used, 1, 0); /* what follows the head stays for others */
        used += n > 0 ? (size_t)n : 0;
        answer[used] = '\0';
    }
    return strncmp(answer, "HTTP/1.", 7) == 0 ? atoi(answer + 9) : 0;
}

int browser_open(int fd, const char *host, const char *origin)
{
    char request[600], answer[2000], line[200] = "";
    if (origin)
        snprintf(line, sizeof line, "Origin: %s\r\n", origin);
    snprintf(request, sizeof request,
             "GET / HTTP/1.1\r\nHost: %s\r\n%sUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: mirador.1\r\n\r\n",
             host, line);
    return browser_request(fd, request, answer, sizeof answer);
}

bool browser_frame(int fd, int opcode, bool last, const void *bytes, size_t n)
{
    uint8_t head[14] = {(uint8_t)((last ? 0x80 : 0) | opcode)};
    size_t at = 2;
    if (n < 126) {
        head[1] = (uint8_t)(0x80 | n);
    } else {
        size_t width = n < 65536 ? 2 : 8;
        head[1] = 0x80 | (width == 2 ? 126 : 127);
        for (size_t i = 0; i < width; i++)
            head[at++] = (uint8_t)((uint64_t)n >> 8 * (width - 1 - i));
    }
    at += 4; /* a mask of zeros */
    return browser_send(fd, head, at) && browser_send(fd, bytes, n);
}

bool browser_say(int fd, const char *text)
{
    return browser_frame(fd, 1, true, text, strlen(text));
}

static int take(int fd, uint8_t *out, size_t n)
{
    for (size_t used = 0; used < n;) {
        ssize_t got = recv(fd, out + used, n - used, 0);
        if (got <= 0)
            return got == 0 ? 0 : -1;
        used += (size_t)got;
    }
    return 1;
}

static int take_head(int fd, int *opcode, size_t *n)
{
    uint8_t head[10];
    int rc = take(fd, head, 2);
    size_t more = (head[1] & 127) == 126 ? 2 : (head[1] & 127) == 127 ? 8 : 0;
    if (rc == 1 && more)
        rc = take(fd, head + 2, more);
    *opcode = head[0] & 15;
    *n = head[1] & 127;
    for (size_t i = 0; i < more; i++)
        *n = (i ? *n << 8 : 0) | head[2 + i];
    return rc;
}

int browser_next(int fd, int *opcode, const uint8_t **bytes, size_t *n)
{
    static uint8_t body[1 << 20];
    int rc = take_head(fd, opcode, n);
    *bytes = body;
    if (rc != 1)
        return rc;
    return *n <= sizeof body ? take(fd, body, *n) : -1;
}

int browser_hear(int fd, char *text, size_t size, size_t *binary, int *code)
{
    const uint8_t *body;
    int opcode, rc;
    size_t n;
    *code = 0;
    while ((rc = browser_next(fd, &opcode, &body, &n)) == 1) {
        if (opcode == 8) {
            *code = n >= 2 ? body[0] << 8 | body[1] : 0;
            return 0;
        }
        if (opcode == 1) {
            snprintf(text, size, "%.*s", (int)n, (const char *)body);
            return 1;
        }
        *binary += opcode == 2;
    }
    return rc;
}

bool browser_ends(int fd, double seconds)
{
    static char drop[65536];
    for (time_t end = time(NULL) + (time_t)seconds + 1; time(NULL) < end;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 200) > 0 && recv(fd, drop, sizeof drop, 0) <= 0)
            return true;
    }
    return false;
}
