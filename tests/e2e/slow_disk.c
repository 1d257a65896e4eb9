/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LD_PRELOAD library that stands in for a slow disk: while the file $SLOW_DISK exists, every write
 * of samples by a thread named "recorder" takes 0.2 s longer. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { SAMPLES_LOOK_LIKE = 4096, LONGER_US = 200000 };

static int slow(void)
{
    const char *file = getenv("SLOW_DISK");
    char thread[16] = "";
    return file && prctl(PR_GET_NAME, thread) == 0 && strcmp(thread, "recorder") == 0 &&
           access(file, F_OK) == 0;
}

ssize_t write(int fd, const void *bytes, size_t n);
ssize_t write(int fd, const void *bytes, size_t n)
{
    if (n >= SAMPLES_LOOK_LIKE && slow())
        usleep(LONGER_US);
    return syscall(SYS_write, fd, bytes, n);
}
