/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stands in for libFuzzer where it is not built: runs a target over its seed files and over random
 * mutations, so that every build proves the targets still hold. `./run fuzz` looks for real. */
#include "fuzz.h"

#include <dirent.h>

enum { ROUNDS = 20000, LENGTH_MAX = 1024, SEEDS_MAX = 32 };

struct seed_input {
    uint8_t bytes[LENGTH_MAX];
    size_t n;
};

static struct seed_input seeds[SEEDS_MAX];
static size_t n_seed;
static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % below);
}

static void read_seed(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    seeds[n_seed].n = fread(seeds[n_seed].bytes, 1, LENGTH_MAX, f);
    n_seed += seeds[n_seed].n > 0;
    fclose(f);
}

/* readdir's order differs between file systems; only coverage depends on it. */
static void read_seeds(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *e = readdir(dir); e && n_seed < SEEDS_MAX; e = readdir(dir))
        if (e->d_name[0] != '.')
            read_seed(folder, e->d_name);
    closedir(dir);
}

static size_t make_input(uint8_t *bytes)
{
    size_t n = draw(4) ? draw(64) : draw(LENGTH_MAX);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)draw(256);
    if (n_seed == 0 || draw(4) == 0)
        return n;
    const struct seed_input *seed = &seeds[draw((uint32_t)n_seed)];
    memcpy(bytes, seed->bytes, seed->n);
    for (unsigned flips = draw(8); flips > 0; flips--)
        bytes[draw((uint32_t)seed->n)] = (uint8_t)draw(256);
    return seed->n;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
    if (argc > 1)
        read_seeds(argv[1]);
    for (size_t i = 0; i < n_seed; i++)
        (void)LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].n);
    for (int i = 0; i < rounds; i++) {
        /* A heap copy of the exact size, so that a sanitizer sees a read past the end. */
        static uint8_t input[LENGTH_MAX];
        size_t n = make_input(input);
        uint8_t *exact = malloc(n ? n : 1);
        if (!exact)
            return 1;
        memcpy(exact, input, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%d inputs, %zu seeds: clean\n", rounds, n_seed);
    return 0;
}
