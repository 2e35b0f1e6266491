/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "soak_actor.h"

double soak_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + now.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void work(const SoakActor *actor)
{
    if (actor->role == SOAK_SERVER)
        soak_serve(&actor->task);
    else
        soak_take(&actor->task);
}

static void *thread_main(void *arg)
{
    SoakActor *actor = arg;

    work(actor);
    actor->returned = true;
    return NULL;
}

static _Noreturn void process_main(const SoakActor *actor, pid_t supervisor)
{
#ifdef __linux__
    /* Nobody shall stay behind, were the supervisor itself killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(EXIT_FAILURE);
#else
    (void)supervisor;
#endif
    signal(SIGINT, SIG_IGN);
    work(actor);
    /* Not _exit(): what looks for leaks does so at the end. */
    exit(actor->task.ledger->faults.failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

void soak_actor_start(SoakActor *actor)
{
    pid_t supervisor = getpid();

    actor->runs     = true;
    actor->returned = false;
    if (actor->is_thread) {
        if (pthread_create(&actor->thread, NULL, thread_main, actor))
            give_up("soak: no thread");
        return;
    }
    fflush(NULL);
    actor->pid = fork();
    if (actor->pid < 0)
        give_up("soak: no process");
    if (actor->pid == 0)
        process_main(actor, supervisor);
}

static bool reap(SoakActor *actor, int flags, int *status)
{
    pid_t pid = waitpid(actor->pid, status, flags);

    if (pid < 0)
        give_up("soak: waitpid");
    return pid > 0;
}

bool soak_actor_is_gone(SoakActor *actor)
{
    int status;

    if (actor->is_thread)
        return actor->returned;
    if (!actor->runs || !reap(actor, WNOHANG, &status))
        return false;
    actor->runs = false;
    fprintf(stderr, "soak: the %s ended with status 0x%x\n",
            actor->role == SOAK_SERVER ? "server" : "client", status);
    return true;
}

bool soak_actor_join(SoakActor *actor, double seconds)
{
    double deadline = soak_now() + seconds;
    int status = 0;

    while (actor->is_thread ? !actor->returned
                            : !reap(actor, WNOHANG, &status)) {
        if (soak_now() > deadline)
            return false;
        soak_pause(200);
    }
    if (actor->is_thread)
        pthread_join(actor->thread, NULL);
    actor->runs = false;
    return status == 0;
}

void soak_actor_kill(SoakActor *actor)
{
    int status;

    kill(actor->pid, SIGKILL);
    reap(actor, 0, &status);
    actor->runs = false;
}

void soak_actor_freeze(SoakActor *actor)
{
    int status;

    kill(actor->pid, SIGSTOP);
    reap(actor, WUNTRACED, &status);
}

void soak_actor_thaw(SoakActor *actor)
{
    kill(actor->pid, SIGCONT);
}
