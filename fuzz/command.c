/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Target: the command line of the tool, and the raw images that it reads.
 *
 *     uint8    bits 0 to 3: a quarter of the most bytes that one read gives, 0
 *              for no limit; bits 4 to 7: how soon SIGTERM comes
 *     text     the arguments, a line each, without the tool's name
 *     uint8    0xff
 *     bytes    standard input; and what is in the file "raw"
 *
 * The tool runs in a folder of its own, which also holds a stream's file
 * "live" with a client, and what it leaves there is removed. A '/' in an
 * argument is replaced, so that it can't get out of there.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "fuzz.h"
#include "stage.h"
#include "world.h"

enum {
    MAX_ARGUMENTS = 24,
    MAX_TEXT      = 2048,
    LIVE_SIZE     = 10000002,
    LIVE_PAYLOAD  = LIVE_SIZE / 2 - STAGE_HEADER,
};

static char folder[] = "/tmp/shmimage-fuzz-XXXXXX";
static int home = -1, there = -1;

static char text[MAX_TEXT + 1];
static char *arguments[MAX_ARGUMENTS + 2];
static int nb_arguments;

/* The client of "live", and the images that it may be sent. */
static uint8_t *live;
static Input raw;
static size_t next_image;   /* where the next one begins */

static void remove_files(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    require(dir, "%s is gone", folder);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

static void remove_folder(void)
{
    remove_files();
    rmdir(folder);
}

static void make_folder(void)
{
    if (there >= 0)
        return;
    require(mkdtemp(folder), "%s can't be made", folder);
    atexit(remove_folder);
    home  = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    there = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(home >= 0 && there >= 0, "%s can't be opened", folder);
}

static void read_arguments(Input *input)
{
    size_t size = 0;
    char *next = text;

    while (size < input->size && size < MAX_TEXT && input->data[size] != 0xff) {
        text[size] = (char)input->data[size];
        if (text[size] == '/')
            text[size] = '%';
        size++;
    }
    text[size] = '\0';
    input->data += size;
    input->size -= size;
    input_u8(input);
    nb_arguments = 0;
    arguments[nb_arguments++] = (char[]){ "shmimage" };
    while (next && nb_arguments <= MAX_ARGUMENTS) {
        arguments[nb_arguments++] = next;
        next = strchr(next, '\n');
        if (next)
            *next++ = '\0';
    }
    arguments[nb_arguments] = NULL;
}

static void make_file(const char *name, const void *bytes, size_t size)
{
    int fd = openat(there, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    require(fd >= 0 && (!size || write(fd, bytes, size) == (ssize_t)size),
            "%s can't be made", name);
    close(fd);
}

static void make_live(void)
{
    int fd = openat(there, "live", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                    0600);

    require(fd >= 0 && ftruncate(fd, LIVE_SIZE) == 0, "live can't be made");
    live = mmap(NULL, LIVE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    require(live != MAP_FAILED, "live can't be mapped");
    close(fd);
}

static bool is_upside_down(const uint8_t *pixels, const uint8_t *image,
                           size_t row, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++)
        if (memcmp(pixels + y * row, image + (height - 1 - y) * row, row))
            return false;
    return true;
}

/* The image is one of those that come next in the raw input. */
static void check_raw(const Fields *f, const uint8_t *pixels)
{
    const size_t row  = (size_t)f->width * 3;
    const size_t size = row * f->height;

    for (; size <= raw.size && next_image <= raw.size - size;
         next_image += size) {
        const uint8_t *image = raw.data + next_image;

        if (!memcmp(pixels, image, size) ||
            is_upside_down(pixels, image, row, f->height)) {
            next_image += size;
            return;
        }
    }
    fail(__FILE__, __LINE__, "image %u, %ux%u, is none of the input's",
         f->number, f->width, f->height);
}

static bool sends_input(void)
{
    for (int i = 1; i < nb_arguments; i++)
        if (!strncmp(arguments[i], "--i", 3))
            return true;
    return false;
}

static void check_image(const uint8_t *buffer)
{
    Fields f;

    memcpy(&f, buffer, sizeof(f));
    require(f.width && f.height && !f.offset && f.num_scanlines == f.height &&
                (uint64_t)f.width * f.height * 3 <= LIVE_PAYLOAD,
            "an image of %ux%u, %u rows from row %u", f.width, f.height,
            f.num_scanlines, f.offset);
    if (sends_input())
        check_raw(&f, buffer + STAGE_HEADER);
}

/* The client: it answers the server, and takes images one by one. */
static void serve(void)
{
    static int turn;

    for (int i = 0; i < 2; i++) {
        uint8_t *buffer = live + (size_t)(turn ^ i) * (LIVE_SIZE / 2);

        if (buffer[STAGE_STATE] == 4) {
            buffer[STAGE_STATE] = 0;
            turn = 0;
        } else if (buffer[STAGE_STATE] == 2) {
            check_image(buffer);
            buffer[STAGE_STATE] = 0;
            turn ^= i ^ 1;
            return;
        }
    }
}

static int open_input(void)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    require(fd >= 0 &&
                (!raw.size ||
                 write(fd, raw.data, raw.size) == (ssize_t)raw.size) &&
                lseek(fd, 0, SEEK_SET) == 0,
            "no input can be had");
    return fd;
}

static void check_result(const Captured *c)
{
    require(c->code >= 0 && c->code <= 2, "exit code %d", c->code);
    require(c->code == 0 || c->err_size, "exit code %d without a word",
            c->code);
    require(c->code != 2 || strstr(c->err, "\nTry 'shmimage"),
            "wrong usage without advice: %s", c->err);
    require(!c->err_size || c->err[c->err_size - 1] == '\n',
            "no end of line: %s", c->err);
    require(strlen(c->err) == c->err_size && strlen(c->out) == c->out_size,
            "a 0 was printed");
}

static void run(uint8_t flags)
{
    const int old_input = dup(STDIN_FILENO);
    const int input = open_input();
    const int descriptor = lowest_descriptor();
    Captured captured;

    require(dup2(input, STDIN_FILENO) == STDIN_FILENO && fchdir(there) == 0,
            "the input can't be replaced");
    world_begin((flags >> 4) * 4, (flags & 15u) * 4, serve);
    capture_tool(&captured, nb_arguments, arguments);
    world_end();
    require(fchdir(home) == 0, "no way back");
    check_result(&captured);
    captured_free(&captured);
    require(lowest_descriptor() == descriptor, "a descriptor has leaked");
    if (old_input >= 0)
        dup2(old_input, STDIN_FILENO);
    close(old_input);
    close(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = { data, size };
    const uint8_t flags = input_u8(&input);

    make_folder();
    read_arguments(&input);
    raw = input;
    next_image = 0;
    make_file("raw", raw.data, raw.size);
    make_live();
    run(flags);
    munmap(live, LIVE_SIZE);
    remove_files();
    return 0;
}
