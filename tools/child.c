/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

int child_pipe(int *reader, int *writer)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) < 0)
        return -1;
    *reader = fd[0];
    *writer = fd[1];
    return 0;
}

void child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int connect_to(posix_spawn_file_actions_t *actions, int fd, int number)
{
    if (fd < 0)
        return posix_spawn_file_actions_addopen(actions, number, "/dev/null",
                                                O_RDWR, 0);
    return posix_spawn_file_actions_adddup2(actions, fd, number);
}

static int add_files(posix_spawn_file_actions_t *actions,
                     const ChildFiles *files)
{
    int ret = connect_to(actions, -1, STDIN_FILENO);

    if (!ret)
        ret = connect_to(actions, files->out, STDOUT_FILENO);
    if (!ret)
        ret = connect_to(actions, files->err, STDERR_FILENO);
    /* To its own number, which has it stay open in the child. */
    for (int i = 0; i < CHILD_INHERIT && !ret; i++)
        if (files->inherit[i] >= 0)
            ret = connect_to(actions, files->inherit[i], files->inherit[i]);
    return ret;
}

/* A process group of its own, and none of the signals that a terminal or a
 * service sends to all its processes: one may come before the group is there.
 */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t for_group;
    int ret;

    sigemptyset(&for_group);
    sigaddset(&for_group, SIGINT);
    sigaddset(&for_group, SIGHUP);
    sigaddset(&for_group, SIGTERM);
    ret = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP |
                                               POSIX_SPAWN_SETSIGMASK);
    if (!ret)
        ret = posix_spawnattr_setpgroup(attributes, 0);
    return ret ? ret : posix_spawnattr_setsigmask(attributes, &for_group);
}

int child_start(Child *child, const char *path, char *const *words,
                const ChildFiles *files)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int ret = posix_spawn_file_actions_init(&actions);

    if (ret)
        return ret;
    ret = posix_spawnattr_init(&attributes);
    if (!ret) {
        ret = add_files(&actions, files);
        if (!ret)
            ret = set_attributes(&attributes);
        if (!ret)
            ret = posix_spawn(&child->pid, path, &actions, &attributes, words,
                              environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return ret;
}

void child_wait(Child *child)
{
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
        ;
}

int child_is_content(const Child *child)
{
    return WIFEXITED(child->status) && !WEXITSTATUS(child->status);
}

void child_describe_end(const Child *child, char *text, size_t size)
{
    if (WIFSIGNALED(child->status))
        snprintf(text, size, "%s", strsignal(WTERMSIG(child->status)));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(child->status));
}

void feed_open(Feed *feed, int fd)
{
    feed->fd   = fd;
    feed->used = feed->next = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int feed_fill(Feed *feed)
{
    ssize_t got;

    if (feed->fd < 0)
        return 0;
    feed->used -= feed->next;
    memmove(feed->text, feed->text + feed->next, feed->used);
    feed->next = 0;
    if (feed->used == CHILD_LINE - 1) /* a line too long to be of use */
        feed->used = 0;
    got = read(feed->fd, feed->text + feed->used, CHILD_LINE - 1 - feed->used);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (got <= 0) {
        feed_close(feed);
        return 0;
    }
    feed->used += (size_t)got;
    return 1;
}

char *feed_next(Feed *feed)
{
    char *line = feed->text + feed->next;
    const size_t left = feed->used - feed->next;
    char *end = memchr(line, '\n', left);

    if (!end && (feed->fd >= 0 || !left))
        return NULL;
    if (!end)
        end = line + left;
    *end = '\0';
    feed->next += (size_t)(end - line);
    if (feed->next < feed->used)
        feed->next++;
    return line;
}

void feed_close(Feed *feed)
{
    child_close(&feed->fd);
}
