/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "own_time.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "lab.h"

/* A witness: how long this machine stood still for everybody, which is not the controller's fault.
 */
static _Atomic bool done;
static _Atomic int64_t stalled; /* us since it was set to 0 */

static void *witness(void *arg)
{
    (void)arg;
    while (!done) {
        double from = now_s();
        usleep(5000);
        double over = now_s() - from - 0.020;
        if (over > 0)
            stalled += (int64_t)(1e6 * over);
    }
    return NULL;
}

/* How long the threads of a process stood ready to run while others had the processors. */
static double waited_s(pid_t pid)
{
    char path[300];
    unsigned long long waited = 0, sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *t; tasks != NULL && (t = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, t->d_name);
        FILE *f = t->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (f == NULL)
            continue;
        sum += fscanf(f, "%*u %llu", &waited) == 1 ? waited : 0;
        fclose(f);
    }
    if (tasks != NULL)
        closedir(tasks);
    return 1e-9 * (double)sum;
}

static double waited_before;

static double waited_by_now(void)
{
    return waited_s(bench.controller) + waited_s(far[0].pid);
}

void own_time_begins(void)
{
    stalled = 0;
    waited_before = waited_by_now();
}

double stalled_s(void)
{
    double waited = waited_by_now() - waited_before;
    return 1e-6 * (double)stalled + (waited > 0 ? waited : 0); /* one of them may have ended */
}

static pthread_t thread;

int own_time_setup(void **state)
{
    (void)state;
    return pthread_create(&thread, NULL, witness, NULL);
}

int own_time_teardown(void **state)
{
    (void)state;
    done = true;
    return pthread_join(thread, NULL);
}
