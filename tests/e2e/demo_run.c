/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/e2e/demo_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PROGRAM MIRADOR_BIN_DIR "/mirador"

/* Every process of a test carries this in its environment, so that strays can be told from others'
 * runs. */
static const char *mark(void)
{
    static char text[64];
    if (!text[0]) {
        snprintf(text, sizeof text, "MIRADOR_TEST_MARK=%ld", (long)getpid());
        putenv(text);
    }
    return text;
}

static void append(char **text, const char *line)
{
    size_t old = *text ? strlen(*text) : 0;
    *text = realloc(*text, old + strlen(line) + 1);
    assert_non_null(*text);
    strcpy(*text + old, line);
}

static void read_vector(json_t *object, const char *key, double out[3])
{
    json_t *array = json_object_get(object, key);
    assert_int_equal(json_array_size(array), 3);
    for (size_t i = 0; i < 3; i++)
        out[i] = json_number_value(json_array_get(array, i));
}

static double read_number(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("line without the number '%s'", key);
    return json_number_value(value);
}

static void add_fix(struct demo_run *run, json_t *line)
{
    run->fix = realloc(run->fix, (run->n_fix + 1) * sizeof *run->fix);
    assert_non_null(run->fix);
    struct demo_fix *fix = &run->fix[run->n_fix++];
    read_vector(line, "position_m", fix->position_m);
    read_vector(line, "track_m", fix->track_m);
    read_vector(line, "truth_m", fix->truth_m);
    json_t *rows = json_object_get(line, "covariance_m2");
    assert_int_equal(json_array_size(rows), 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            fix->covariance_m2[i][j] =
                json_number_value(json_array_get(json_array_get(rows, i), j));
    fix->error_m = read_number(line, "error_m");
    fix->latency_ms = read_number(line, "latency_ms");
    fix->time_s = read_number(line, "time_s");
    json_t *chi2 = json_object_get(line, "chi2"); /* null when there is no degree of freedom */
    fix->chi2 = json_is_number(chi2) ? json_number_value(chi2) : NAN;
    fix->cycle = (long long)json_integer_value(json_object_get(line, "cycle"));
    fix->user = (int)json_integer_value(json_object_get(line, "user"));
    for (size_t i = 0; i < 2; i++)
        fix->profile[i] =
            (int)json_integer_value(json_array_get(json_object_get(line, "profile"), i));

    json_object_del(line, "latency_ms");
    json_object_del(line, "run"); /* another one at each start */
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    append(&run->fix_text, text);
    append(&run->fix_text, "\n");
    free(text);
}

static void take_line(struct demo_run *run, const char *text)
{
    json_error_t error;
    json_t *line = json_loads(text, 0, &error);
    if (!line)
        fail_msg("not JSON: %s (%s)", text, error.text);
    const char *type = json_string_value(json_object_get(line, "type"));
    if (type && !strcmp(type, "fix"))
        add_fix(run, line);
    if (type && !strcmp(type, "cycle"))
        json_array_append(run->cycles, line);
    if (type && !strcmp(type, "summary"))
        run->summary = json_incref(line);
    json_decref(line);
}

static int exit_code(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

void demo_run(struct demo_run *run, const char *args)
{
    char command[2048], errors[] = "/tmp/mirador-e2e-XXXXXX";
    int fd = mkstemp(errors);
    assert_true(fd >= 0);
    mark();
    memset(run, 0, sizeof *run);
    run->cycles = json_array();
    snprintf(command, sizeof command, "%s demo --json --headless %s 2>%s", PROGRAM, args, errors);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, pipe) > 0)
        take_line(run, line);
    free(line);
    run->exit_code = exit_code(pclose(pipe));

    char chunk[1024];
    ssize_t n;
    append(&run->stderr_text, "");
    while ((n = read(fd, chunk, sizeof chunk - 1)) > 0) {
        chunk[n] = 0;
        append(&run->stderr_text, chunk);
    }
    close(fd);
    unlink(errors);
    if (!run->fix_text)
        append(&run->fix_text, "");
}

void demo_run_read(struct demo_run *run, const char *file)
{
    char *line = NULL;
    size_t size = 0;
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    memset(run, 0, sizeof *run);
    run->cycles = json_array();
    while (getline(&line, &size, f) > 0)
        take_line(run, line);
    free(line);
    fclose(f);
    append(&run->fix_text, "");
    append(&run->stderr_text, "");
}

void demo_run_free(struct demo_run *run)
{
    free(run->fix);
    free(run->fix_text);
    free(run->stderr_text);
    json_decref(run->cycles);
    json_decref(run->summary);
    memset(run, 0, sizeof *run);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double demo_error_percentile(const struct demo_run *run, double p)
{
    assert_true(run->n_fix > 0);
    double *error = calloc(run->n_fix, sizeof *error);
    assert_non_null(error);
    for (size_t i = 0; i < run->n_fix; i++)
        error[i] = hypot(run->fix[i].position_m[0] - run->fix[i].truth_m[0],
                         run->fix[i].position_m[1] - run->fix[i].truth_m[1]);
    qsort(error, run->n_fix, sizeof *error, ascending);
    double value = error[(size_t)(p / 100 * (double)(run->n_fix - 1) + 0.5)];
    free(error);
    return value;
}

double demo_inside_ellipse(const struct demo_run *run)
{
    size_t inside = 0;
    for (size_t i = 0; i < run->n_fix; i++) {
        const struct demo_fix *f = &run->fix[i];
        double a = f->covariance_m2[0][0], b = f->covariance_m2[0][1], d = f->covariance_m2[1][1];
        double x = f->position_m[0] - f->truth_m[0], y = f->position_m[1] - f->truth_m[1];
        double mahalanobis2 = (d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b);
        inside += mahalanobis2 <= 5.991464547107979; /* chi-square, 2 degrees of freedom, 95 % */
    }
    return (double)inside / (double)run->n_fix;
}

double demo_summary(const struct demo_run *run, const char *key)
{
    json_t *object = run->summary;
    char part[64];
    assert_non_null(object);
    for (const char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(dot - key), key);
        object = json_object_get(object, part);
    }
    return read_number(object, key);
}

pid_t demo_start_logged(const char *args, const char *file)
{
    char command[2048];
    mark();
    snprintf(command, sizeof command, "exec %s demo --json --headless %s >/dev/null 2>%s", PROGRAM,
             args, file);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid;
}

pid_t demo_start(const char *args)
{
    return demo_start_logged(args, "/dev/null");
}

static bool has_mark(const char *pid)
{
    char path[300], text[65536];
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    return n > 0 && memmem(text, (size_t)n, mark(), strlen(mark()) + 1); /* 12 is not 123 */
}

/* Sends the signal (0: none) to every process of this test; returns how many there are. */
static size_t signal_all(int signal_number)
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && pid != getpid() && has_mark(e->d_name)) {
            count++;
            (void)kill(pid, signal_number);
        }
    }
    closedir(proc);
    return count;
}

size_t demo_processes_alive(void)
{
    return signal_all(0);
}

static bool is_named(const char *pid, const char *program)
{
    char path[300], text[512] = "";
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    const char *slash = n > 0 ? strrchr(text, '/') : NULL;
    return slash && strcmp(slash + 1, program) == 0;
}

pid_t demo_process(const char *program)
{
    pid_t oldest = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && has_mark(e->d_name) && is_named(e->d_name, program))
            oldest = oldest == 0 || pid < oldest ? pid : oldest;
    }
    closedir(proc);
    return oldest;
}

static char place[] = "/tmp/mirador-e2e-XXXXXX";

int demo_place_make(void **state)
{
    (void)state;
    if (!mkdtemp(place))
        return -1;
    unsetenv("XDG_RUNTIME_DIR");
    return setenv("TMPDIR", place, 1);
}

int demo_place_remove(void **state)
{
    (void)state;
    size_t left = signal_all(SIGTERM); /* of a test that failed: they would load all that follow */
    for (int i = 0; left > 0 && i < 100 && signal_all(0) > 0; i++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    if (left > 0)
        (void)signal_all(SIGKILL);
    return rmdir(place) || left > 0 ? -1 : 0;
}

const char *demo_place(void)
{
    return place;
}

const char *demo_folder(void)
{
    static char name[256];
    DIR *dir = opendir(place);
    assert_non_null(dir);
    name[0] = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "mirador-", 8) == 0)
            snprintf(name, sizeof name, "%s", e->d_name);
    closedir(dir);
    return name;
}

bool demo_has_segment(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    return access(path, F_OK) == 0;
}
