/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moviefile.h"

static char *with_ending(const char *name, const char *ending)
{
    const size_t size = strlen(name) + strlen(ending) + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s", name, ending);
    return path;
}

/* The name of an image of a sequence; that of the others is as it stands. */
static char *first_name(const MovieFile *m)
{
    const char *percent = strchr(m->movie, '%');
    const size_t size = strlen(m->movie) + 128;
    char *name = malloc(size);

    if (!name || !m->sequence)
        return name ? strcpy(name, m->movie) : NULL;
    snprintf(name, size, "%.*s%0*d%s", (int)(percent - m->movie), m->movie,
             atoi(percent + 1), 1, strchr(percent, 'd') + 1);
    return name;
}

static int claim_part(MovieFile *m, const Command *command)
{
    int fd = open(m->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd >= 0) {
        close(fd);
        return COMMAND_OK;
    }
    if (errno != EEXIST)
        return command_failed(command, "%s: can't write it: %s", m->part,
                              strerror(errno));
    return command_failed(command, "%s: it is there already, of a recording "
                          "that runs or has not been completed; look at it, "
                          "and move or remove it", m->part);
}

int moviefile_claim(MovieFile *m, const Command *command)
{
    char *first = first_name(m);
    int there;

    m->part    = with_ending(m->movie, ".part");
    m->copy    = with_ending(m->movie, ".part.copy");
    m->palette = with_ending(m->movie, ".part.palette");
    if (!first || !m->part || !m->copy || !m->palette) {
        free(first);
        return command_failed(command, "out of memory");
    }
    there = !m->force && access(first, F_OK) == 0;
    if (there)
        command_failed(command, "%s: it is there already; replace it with "
                       "--force, or give another name", first);
    free(first);
    if (there)
        return COMMAND_FAILED;
    return m->sequence ? COMMAND_OK : claim_part(m, command);
}

uint64_t moviefile_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* Not in the place of a file that has come meanwhile. */
static int rename_to_nothing(const char *path, const char *name)
{
    if (link(path, name) == 0)
        return unlink(path);
    if (errno == EEXIST)
        return -1;
    /* No links on this file system. */
    if (access(name, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(path, name);
}

int moviefile_publish(MovieFile *m, const char *path, const Command *command)
{
    const int ret = m->force ? rename(path, m->movie)
                             : rename_to_nothing(path, m->movie);

    if (ret < 0)
        return command_failed(command, "%s: can't rename %s to it: %s",
                              m->movie, path, strerror(errno));
    if (path != m->part)
        unlink(m->part);
    return COMMAND_OK;
}

void moviefile_discard(MovieFile *m)
{
    if (!m->sequence)
        unlink(m->part);
}

void moviefile_clean(MovieFile *m)
{
    unlink(m->copy);
    unlink(m->palette);
}

void moviefile_free(MovieFile *m)
{
    free(m->part);
    free(m->copy);
    free(m->palette);
}
