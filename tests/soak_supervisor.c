/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "layout.h"
#include "soak_supervisor.h"

/* No wait for the other side takes as long, unless something is stuck. */
#define PATIENCE 60.

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static const char *role_name(int role)
{
    return role == SOAK_SERVER ? "server" : "client";
}

static ShmImageFileInfo look_at_file(const Soak *soak)
{
    ShmImageFileInfo info;

    if (shmimage_file_info(soak->path, &info, sizeof(info)) == SHMIMAGE_OK)
        return info;
    fprintf(stderr, "soak: %s\n", shmimage_error_message());
    exit(EXIT_FAILURE);
}

bool soak_is_good(const Soak *soak)
{
    return !soak->stuck && !soak_ledger_faults(soak->ledger);
}

static void say_stuck(Soak *soak, const char *what)
{
    ShmImageFileInfo info = look_at_file(soak);

    soak->stuck = true;
    fprintf(stderr, "soak: after %g seconds, %s; server %" PRIu64
            ", client %u, the buffers are %s and %s\n", PATIENCE, what,
            soak->ledger->newest, soak->ledger->client.id,
            shmimage_state_name(info.buffer[0].state),
            shmimage_state_name(info.buffer[1].state));
}

/* Wait until look() says yes; while both run that should. */
static bool wait_until(Soak *soak, bool (*look)(Soak *soak, uint64_t value),
                       uint64_t value, const char *what)
{
    double deadline = soak_now() + PATIENCE;

    while (!look(soak, value)) {
        for (int role = 0; role < 2; role++)
            if (soak->actor[role].runs &&
                soak_actor_is_gone(&soak->actor[role]))
                soak->stuck = true;
        if (!soak_is_good(soak))
            return false;
        if (soak_now() > deadline) {
            say_stuck(soak, what);
            return false;
        }
        soak_pause(100);
    }
    return true;
}

static bool has_free_page(Soak *soak, uint64_t unused)
{
    (void)unused;
    return soak_ledger_settle(soak->ledger);
}

static void start(Soak *soak, int role, unsigned flags)
{
    SoakActor *actor = &soak->actor[role];
    SoakRandom seeds = soak_random_for(soak->seed, ++soak->births);

    if (role == SOAK_CLIENT)
        soak_ledger_add_client(soak->ledger);
    else if (wait_until(soak, has_free_page, 0, "the client is in a call"))
        soak_ledger_add_server(soak->ledger);
    if (!soak_is_good(soak))
        return;
    soak->ledger->stop[role] = false;
    actor->role      = role;
    actor->is_thread = soak->threads;
    actor->task      = (SoakTask){ soak->ledger, soak->path,
                                   soak_random(&seeds), flags,
                                   &soak->ledger->stop[role] };
    soak_actor_start(actor);
}

static void note_end(Soak *soak, int role, bool killed)
{
    ShmImageFileInfo info = look_at_file(soak);

    if (role == SOAK_SERVER)
        soak_note_server_end(soak->ledger, &info);
    else
        soak_note_client_end(soak->ledger, killed);
}

static void kill_role(Soak *soak, int role)
{
    soak_actor_kill(&soak->actor[role]);
    soak->kills[role]++;
    note_end(soak, role, true);
}

static void end_in_good_order(Soak *soak, int role)
{
    SoakActor *actor = &soak->actor[role];

    soak->ledger->stop[role] = true;
    if (!soak_actor_join(actor, PATIENCE)) {
        fprintf(stderr, "soak: the %s does not end as it should\n",
                role_name(role));
        soak->stuck = true;
        return;
    }
    soak->ends[role]++;
    note_end(soak, role, false);
}

static void end(Soak *soak, int role)
{
    bool gently = soak_random_once_in(&soak->random, 5);

    if (soak->threads || gently)
        end_in_good_order(soak, role);
    else
        kill_role(soak, role);
}

static void pause_at_random(Soak *soak, uint32_t most)
{
    soak_pause(soak_random_below(&soak->random, most));
}

static void restart(Soak *soak, int role)
{
    bool at_once = soak_random_once_in(&soak->random, 2);
    uint32_t pause = soak_random_below(&soak->random, 20000);

    end(soak, role);
    if (!at_once)
        soak_pause(pause);
    start(soak, role, 0);
}

static void restart_both(Soak *soak)
{
    int first = (int)soak_random_below(&soak->random, 2);
    int back  = (int)soak_random_below(&soak->random, 2);

    end(soak, first);
    end(soak, !first);
    start(soak, back, 0);
    pause_at_random(soak, 2000);
    start(soak, !back, 0);
}

/* A process that is stopped keeps what it holds, and goes on, or dies so. */
static void stop_for_a_while(Soak *soak, int role)
{
    bool dies = soak_random_once_in(&soak->random, 4);

    soak_actor_freeze(&soak->actor[role]);
    soak->stops[role]++;
    pause_at_random(soak, 30000);
    if (dies) {
        kill_role(soak, role);
        start(soak, role, 0);
    } else {
        soak_actor_thaw(&soak->actor[role]);
    }
}

/* A process hangs, so another one takes its place; then the first is killed
 * without having gone on. */
static void take_over(Soak *soak, int role)
{
    soak_actor_freeze(&soak->actor[role]);
    note_end(soak, role, true);
    soak->hung.pid = soak->actor[role].pid;
    start(soak, role, SHMIMAGE_TAKE_OVER);
    soak->take_overs[role]++;
    pause_at_random(soak, 10000);
    soak_actor_kill(&soak->hung);
    soak->kills[role]++;
}

static void disturb(Soak *soak)
{
    uint32_t what = soak_random_below(&soak->random, 16);
    int role      = (int)soak_random_below(&soak->random, 2);

    if (what < 10)
        restart(soak, role);
    else if (what < 12)
        restart_both(soak);
    else if (!soak->threads && what < 14)
        stop_for_a_while(soak, role);
    else if (!soak->threads)
        take_over(soak, role);
    else
        restart_both(soak);
}

/* Whether the client has read so many images, and one of this server. */
static bool has_read(Soak *soak, uint64_t images)
{
    SoakClient *client = &soak->ledger->client;

    return client->read >= images && client->read_any &&
           client->server == soak->ledger->newest;
}

static void see_it_go_on(Soak *soak, uint32_t images)
{
    static const char stuck[] = "the stream does not go on";
    uint64_t before = soak->ledger->client.read;
    double began = soak_now(), took;

    if (!wait_until(soak, has_read, before + 1, stuck))
        return;
    took = soak_now() - began;
    soak->resumed++;
    if (took > soak->slowest)
        soak->slowest = took;
    wait_until(soak, has_read, before + images, stuck);
}

/* Half of the time the next blow comes before anybody has recovered. */
static void step(Soak *soak)
{
    uint32_t images = soak_random_once_in(&soak->random, 2)
                          ? 1 : 1 + soak_random_below(&soak->random, 200);
    uint32_t pause  = soak_random_below(&soak->random, 3000);

    disturb(soak);
    if (soak_random_once_in(&soak->random, 2))
        see_it_go_on(soak, images);
    else
        soak_pause(pause);
    soak_ledger_settle(soak->ledger);
    if (soak_page_is_full(soak_ledger_page(soak->ledger,
                                           soak->ledger->newest))) {
        end_in_good_order(soak, SOAK_SERVER);
        start(soak, SOAK_SERVER, 0);
    }
}

static bool nothing_is_left(Soak *soak, uint64_t unused)
{
    ShmImageFileInfo info = look_at_file(soak);

    (void)unused;
    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (info.buffer[i].state == SHMIMAGE_STATE_CLIENT ||
            info.buffer[i].state == SHMIMAGE_STATE_CLIENT_LOCKED)
            return false;
    return true;
}

/* What a server that ends well has published, its client reads to the end. */
static void finish(Soak *soak)
{
    see_it_go_on(soak, 1);
    if (soak_is_good(soak)) {
        soak->ledger->stop[SOAK_SERVER] = true;
        soak->stuck |= !soak_actor_join(&soak->actor[SOAK_SERVER], PATIENCE);
        wait_until(soak, nothing_is_left, 0, "images are left unread");
    }
    if (soak_is_good(soak)) {
        end_in_good_order(soak, SOAK_CLIENT);
        soak_ledger_close(soak->ledger);
    }
}

static void kill_leftovers(Soak *soak)
{
    for (int role = 0; role < 2 && !soak->threads; role++)
        if (soak->actor[role].runs)
            soak_actor_kill(&soak->actor[role]);
}

void soak_run(Soak *soak, double seconds, uint64_t kills)
{
    double stop_at = soak_now() + seconds;
    const uint64_t *count = soak->threads ? soak->ends : soak->kills;

    soak->random = soak_random_for(soak->seed, 0);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    start(soak, SOAK_SERVER, 0);
    start(soak, SOAK_CLIENT, 0);
    see_it_go_on(soak, 1);
    while (soak_is_good(soak) && !interrupted &&
           (soak_now() < stop_at || count[0] + count[1] < kills))
        step(soak);
    if (soak_is_good(soak))
        finish(soak);
    kill_leftovers(soak);
}
