/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"

static atomic_bool requested;
static int wake_fd = -1; /* an eventfd that nobody reads, so it stays readable */

void stop_request(void)
{
    const uint64_t one = 1;
    int saved = errno;
    requested = true;
    if (wake_fd >= 0) {
        ssize_t written = write(wake_fd, &one, sizeof one);
        (void)written;
    }
    errno = saved;
}

static void on_signal(int number)
{
    (void)number;
    stop_request();
}

int stop_signals_install(struct status *err)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    if (wake_fd < 0)
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        return status_set(err, ERR_IO, "cannot make an eventfd: %s", strerror(errno));
    sigemptyset(&stop.sa_mask);
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGHUP, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    return 0;
}

bool stop_requested(void)
{
    return requested;
}

int stop_fd(void)
{
    return wake_fd;
}
