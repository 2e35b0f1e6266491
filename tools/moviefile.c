/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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

/* What follows the number in the pattern of a sequence; NULL if the pattern has
 * none, or more than that. */
static const char *after_number(const char *pattern)
{
    const char *number = strchr(pattern, '%') + 1;
    const size_t digits = strspn(number, "0123456789");
    const char *rest = number + digits + 1;

    return digits < 3 && number[digits] == 'd' && !strpbrk(rest, "%/") ? rest
                                                                       : NULL;
}

int moviefile_is_sequence(const char *name)
{
    return after_number(name) != NULL;
}

/* Whether a name is that of an image of the sequence. */
static int is_image(const char *name, const char *pattern)
{
    const size_t before = strcspn(pattern, "%");
    size_t digits;

    if (strncmp(name, pattern, before))
        return 0;
    digits = strspn(name + before, "0123456789");
    return digits && !strcmp(name + before + digits, after_number(pattern));
}

/* Says why a file can't be made. */
static int can_not_write(const char *path, const Command *command)
{
    const char *slash = strrchr(path, '/');

    if (slash && (errno == ENOENT || errno == ENOTDIR))
        return command_failed(command, "%s: can't write it: the directory "
                              "%.*s does not exist; make it, or use another "
                              "one", path, (int)(slash - path), path);
    return command_failed(command, "%s: can't write it: %s", path,
                          strerror(errno));
}

/* Whether the sequence can't be written, or one of its images is there; says
 * so. */
static int is_sequence_refused(const MovieFile *m, const Command *command)
{
    const char *slash = strrchr(m->movie, '/');
    const char *pattern = slash ? slash + 1 : m->movie;
    char *path = strdup(m->movie);
    struct dirent *entry = NULL;
    DIR *directory;

    if (!path)
        return 0;
    strcpy(path + (pattern - m->movie), ".");
    directory = opendir(path);
    if (!directory)
        can_not_write(m->movie, command);
    while (directory && !m->force && (entry = readdir(directory)))
        if (is_image(entry->d_name, pattern))
            break;
    if (entry)
        command_failed(command, "%.*s%s: it exists already; replace the images "
                       "with --force, or give another name",
                       (int)(pattern - m->movie), m->movie, entry->d_name);
    if (directory)
        closedir(directory);
    free(path);
    return !directory || entry;
}

/* Whether MOVIE can't get its name at the end; says why. */
static int is_movie_there(const MovieFile *m, const Command *command)
{
    struct stat st;

    if (lstat(m->movie, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            command_failed(command, "%s: it is a directory", m->movie);
        else if (!m->force)
            command_failed(command, "%s: it exists already; replace it with "
                           "--force, or give another name", m->movie);
        return S_ISDIR(st.st_mode) || !m->force;
    }
    /* The longest name that is needed. */
    if (lstat(m->palette, &st) == 0 || errno == ENOENT)
        return 0;
    can_not_write(m->palette, command);
    return 1;
}

static int claim_part(MovieFile *m, const Command *command)
{
    int fd = open(m->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd >= 0) {
        close(fd);
        return COMMAND_OK;
    }
    if (errno != EEXIST)
        return can_not_write(m->part, command);
    m->left = 1;
    return command_failed(command, "%s: it exists already: another recording "
                          "is running, or an earlier one was not completed; "
                          "complete, move or remove it", m->part);
}

int moviefile_claim(MovieFile *m, const Command *command)
{
    m->part    = with_ending(m->movie, ".part");
    m->copy    = with_ending(m->movie, ".part.copy");
    m->palette = with_ending(m->movie, ".part.palette");
    if (!m->part || !m->copy || !m->palette)
        return command_failed(command, "out of memory");
    if (m->sequence)
        return is_sequence_refused(m, command) ? COMMAND_FAILED : COMMAND_OK;
    return is_movie_there(m, command) ? COMMAND_FAILED
                                      : claim_part(m, command);
}

uint64_t moviefile_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

uint64_t moviefile_room(const char *path)
{
    struct statvfs fs;

    return statvfs(path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize
                                   : UINT64_MAX;
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

/* So that a crash of the system finds one file or the other complete. */
static int save(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

    if (fd < 0)
        return -1;
    ret = fsync(fd);
    close(fd);
    return ret;
}

int moviefile_publish(MovieFile *m, const char *path, const Command *command)
{
    int ret = save(path);

    if (ret < 0)
        return command_failed(command, "%s: can't save it: %s", path,
                              strerror(errno));
    ret = m->force ? rename(path, m->movie) : rename_to_nothing(path, m->movie);
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
