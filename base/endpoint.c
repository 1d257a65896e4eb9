/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool endpoint_is_tcp(const char *endpoint)
{
    return starts_with(endpoint, "tcp://");
}

bool endpoint_is_local(const char *endpoint)
{
    char host[64];
    struct in_addr address;
    if (starts_with(endpoint, "ipc://") || starts_with(endpoint, "inproc://"))
        return true;
    if (!endpoint_is_tcp(endpoint))
        return false;
    const char *start = endpoint + 6, *colon = strrchr(start, ':');
    if (!colon || (size_t)(colon - start) >= sizeof host)
        return false;
    memcpy(host, start, (size_t)(colon - start));
    host[colon - start] = 0;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool endpoint_is_served(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = endpoint + 6;
    if (!starts_with(endpoint, "ipc://") || *path == '@' || *path == '*' || /* no path */
        strlen(path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return served;
}

static bool port_is_valid(const char *endpoint)
{
    const char *colon = strrchr(endpoint + 6, ':');
    if (!colon)
        return false;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    return strcmp(colon, ":*") == 0 || (end != colon + 1 && !*end && port > 0 && port < 65536);
}

int endpoint_check(const char *endpoint, struct status *err)
{
    if (!starts_with(endpoint, "ipc://") && !endpoint_is_tcp(endpoint) &&
        !starts_with(endpoint, "inproc://"))
        return status_set(err, ERR_ARG, "endpoint '%s': expected ipc:///PATH or tcp://HOST:PORT",
                          endpoint);
    if (endpoint_is_tcp(endpoint) && !port_is_valid(endpoint)) /* libzmq takes it modulo 2^16 */
        return status_set(err, ERR_ARG, "endpoint '%s': expected tcp://HOST:PORT, port 1..65535",
                          endpoint);
    return 0;
}
