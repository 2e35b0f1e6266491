/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

static int is_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0 || access(path, X_OK) < 0)
        return 0;
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return 0;
    }
    return 1;
}

static char *find_in(const char *folder, size_t length, const char *command)
{
    const size_t size = length + strlen(command) + 3;
    char *path = malloc(size);

    if (!path)
        return NULL;
    /* An empty entry is the current folder. */
    snprintf(path, size, "%.*s%s%s", (int)length, folder,
             length ? "/" : "./", command);
    if (is_program(path))
        return path;
    free(path);
    return NULL;
}

char *program_find(const char *command)
{
    const char *folder = getenv("PATH");
    int error = ENOENT;

    if (!*command) {
        errno = ENOENT;
        return NULL;
    }
    if (strchr(command, '/'))
        return is_program(command) ? strdup(command) : NULL;
    if (!folder)
        folder = "/bin:/usr/bin";
    for (;;) {
        const size_t length = strcspn(folder, ":");
        char *path = find_in(folder, length, command);

        if (path)
            return path;
        if (errno == EACCES || errno == ENOMEM)
            error = errno;
        if (!folder[length])
            break;
        folder += length + 1;
    }
    errno = error;
    return NULL;
}

/* Whether an ELF file names a dynamic linker: 1, 0, or -1 for other files. The
 * fields' places are all that differs between the two classes. */
static int names_linker(int fd)
{
    Elf64_Ehdr e64;
    Elf32_Ehdr e32;
    unsigned char ident[EI_NIDENT];
    uint64_t offset;
    unsigned count, size;

    if (pread(fd, ident, sizeof(ident), 0) != sizeof(ident) ||
        memcmp(ident, ELFMAG, SELFMAG))
        return -1;
    if (ident[EI_CLASS] == ELFCLASS64 &&
        pread(fd, &e64, sizeof(e64), 0) == sizeof(e64)) {
        offset = e64.e_phoff;
        count = e64.e_phnum;
        size = e64.e_phentsize;
    } else if (ident[EI_CLASS] == ELFCLASS32 &&
               pread(fd, &e32, sizeof(e32), 0) == sizeof(e32)) {
        offset = e32.e_phoff;
        count = e32.e_phnum;
        size = e32.e_phentsize;
    } else {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t type; /* first in the entries of both classes */

        if (pread(fd, &type, sizeof(type), (off_t)(offset + i * size)) !=
            sizeof(type))
            return -1;
        if (type == PT_INTERP)
            return 1;
    }
    return 0;
}

const char *program_ignores_preload(const char *path)
{
    struct stat st;
    int fd, dynamic;

    if (stat(path, &st) < 0)
        return NULL;
    if ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
        (st.st_mode & S_ISGID && st.st_gid != getgid()))
        return "it runs with another user's rights (set-uid or set-gid)";
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    dynamic = names_linker(fd);
    close(fd);
    return dynamic == 0 ? "it is linked statically" : NULL;
}
