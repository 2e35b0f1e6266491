/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Target: the program that "shmimage exec" looks at before it starts it. The
 * input is the program's file.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    const int descriptor = lowest_descriptor();
    const char *reason, *again;
    char path[64];

    require(fd >= 0 && (!size || write(fd, data, size) == (ssize_t)size),
            "no file can be had");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    reason = program_ignores_preload(path);
    require(!reason || *reason, "a reason without a text");
    /* It says so only of an ELF file that it has read to the end. */
    require(!reason || (size >= 4 && !memcmp(data, "\177ELF", 4)),
            "no ELF file, and yet: %s", reason);
    again = program_ignores_preload(path);
    require(reason == again, "the second time it says something else");
    require(lowest_descriptor() == descriptor, "a descriptor has leaked");
    close(fd);
    return 0;
}
