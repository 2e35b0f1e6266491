/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Runs a target on files and folders of inputs, without libFuzzer; by default
 * on the target's corpus. A finding ends it, after its file's name.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

/* Seconds, after which an input hangs. Far more than any needs, even under
 * valgrind. */
#define PATIENCE 300

static int replayed;

static void run(const uint8_t *data, size_t size)
{
    /* A block of its own, so that reading past its end is noticed. */
    uint8_t *copy = malloc(size ? size : 1);

    require(copy, "out of memory");
    if (size)
        memcpy(copy, data, size);
    alarm(PATIENCE);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

static int run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        perror(path);
        return -1;
    }
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    printf("%s: %zu bytes\n", path, size);
    fflush(stdout);
    run(data, size);
    replayed++;
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run_folder(const char *path)
{
    struct dirent **entries;
    char name[4096];
    int n = scandir(path, &entries, is_visible, alphasort);
    int ret = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        ret |= run_file(name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return ret;
}

static int run_path(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        perror(path);
        return -1;
    }
    return S_ISDIR(st.st_mode) ? run_folder(path) : run_file(path);
}

static int run_corpus(void)
{
    const char *top = getenv("SHMIMAGE_SRCDIR");
    char path[4096];

    snprintf(path, sizeof(path), "%s/fuzz/corpus/%s", top ? top : ".",
             FUZZ_TARGET);
    return run_path(path);
}

int main(int argc, char **argv)
{
    int ret = argc > 1 ? 0 : run_corpus();

    run(NULL, 0);
    for (int i = 1; i < argc; i++)
        ret |= run_path(argv[i]);
    printf("%d inputs of the target %s, and the empty one\n", replayed,
           FUZZ_TARGET);
    return ret || !replayed ? EXIT_FAILURE : EXIT_SUCCESS;
}
