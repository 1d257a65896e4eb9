/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LD_PRELOAD library that counts allocations of the daemon's sample-path threads (their names begin
 * with "bs-") by the object that asked for them. The C and C++ runtimes only pass requests on, so
 * the first frame beyond them is the one that counts. At exit of `miradord` it writes to
 * $ALLOC_SPY_OUT one line per object, "NAME COUNT", and the call chains of the program's own. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { OBJECTS = 64, DEPTH = 24, CHAINS = 16 };

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static struct {
    pthread_mutex_t lock;
    struct {
        char name[128];
        unsigned long count;
    } object[OBJECTS];
    size_t n_object;
    void *chain[CHAINS][DEPTH];
    int depth[CHAINS];
    size_t n_chain;
    bool on;
} spy = {.lock = PTHREAD_MUTEX_INITIALIZER};

static __thread bool inside __attribute__((tls_model("initial-exec")));

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool passes_on(const char *name)
{
    static const char *const runtimes[] = {"libc.so",   "libstdc++.so",  "libgcc_s.so", "ld-linux",
                                           "alloc_spy", "libpthread.so", "libasan",     "libtsan"};
    for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++)
        if (strncmp(name, runtimes[i], strlen(runtimes[i])) == 0)
            return true;
    return strstr(name, "alloc_spy") != NULL;
}

static void count(const char *name, void **frames, int depth)
{
    size_t i = 0;
    while (i < spy.n_object && strcmp(spy.object[i].name, name) != 0)
        i++;
    if (i == OBJECTS)
        return;
    if (i == spy.n_object)
        snprintf(spy.object[spy.n_object++].name, sizeof spy.object[0].name, "%s", name);
    spy.object[i].count++;
    if (strcmp(name, program_invocation_short_name) == 0 && spy.n_chain < CHAINS) {
        memcpy(spy.chain[spy.n_chain], frames, (size_t)depth * sizeof *frames);
        spy.depth[spy.n_chain++] = depth;
    }
}

static void look(void)
{
    char thread[16] = "";
    void *frames[DEPTH];
    Dl_info info;
    if (!spy.on || inside)
        return;
    inside = true;
    if (prctl(PR_GET_NAME, thread) == 0 && strncmp(thread, "bs-", 3) == 0) {
        int depth = backtrace(frames, DEPTH);
        const char *name = "unknown";
        for (int i = 0; i < depth; i++) {
            if (!dladdr(frames[i], &info) || !info.dli_fname)
                continue;
            name = base_name(info.dli_fname);
            if (!passes_on(name))
                break;
        }
        pthread_mutex_lock(&spy.lock);
        count(name, frames, depth);
        pthread_mutex_unlock(&spy.lock);
    }
    inside = false;
}

__attribute__((constructor)) static void begin(void)
{
    void *frames[2];
    inside = true;
    (void)backtrace(frames, 2); /* loads the unwinder now, not inside a malloc */
    inside = false;
    spy.on = strcmp(program_invocation_short_name, "miradord") == 0 && getenv("ALLOC_SPY_OUT");
}

__attribute__((destructor)) static void report(void)
{
    if (!spy.on)
        return;
    spy.on = false;
    FILE *f = fopen(getenv("ALLOC_SPY_OUT"), "w");
    if (!f)
        return;
    fprintf(f, "complete 1\n");
    for (size_t i = 0; i < spy.n_object; i++)
        fprintf(f, "%s %lu\n", spy.object[i].name, spy.object[i].count);
    fflush(f);
    for (size_t c = 0; c < spy.n_chain; c++) {
        fprintf(f, "# call chain\n");
        fflush(f);
        backtrace_symbols_fd(spy.chain[c], spy.depth[c], fileno(f));
    }
    fclose(f);
}

void *malloc(size_t n)
{
    look();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    look();
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    look();
    return __libc_realloc(p, n);
}

void *memalign(size_t alignment, size_t n)
{
    look();
    return __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    look();
    return __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    look();
    *out = __libc_memalign(alignment, n);
    return *out ? 0 : ENOMEM;
}
