/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server and a client at full speed, which are killed, stopped, and started
 * again at random, while the accounts of every single image are kept.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "soak_supervisor.h"

static const char help[] =
    "Usage: soak [OPTION...]\n"
    "\n"
    "Runs a server and a client at full speed, kills them at random, and\n"
    "keeps account of every image. Ends with a line of counts. Exit status:\n"
    "0 if no image was torn, read twice, mistaken for another or lost without\n"
    "a reason, and the stream went on after each kill; 1 if not; 2 for wrong\n"
    "usage.\n"
    "\n"
    "  --seconds N  go on for so long (0)\n"
    "  --kills N    and until there were so many kills (60)\n"
    "  --seed N     of all decisions (the time)\n"
    "  --odd        a file whose length is odd, in which nobody can be woken\n"
    "  --threads    threads of one process, which end in good order\n"
    "  -h, --help   show this text\n";

static void print_each(const char *what, const uint64_t count[2])
{
    printf("%" PRIu64 " %s (server %" PRIu64 ", client %" PRIu64 "), ",
           count[0] + count[1], what, count[0], count[1]);
}

static void print_summary(Soak *soak)
{
    const SoakBalance *balance = &soak->ledger->balance;
    SoakFaults *faults = &soak->ledger->faults;

    printf("soak: seed %" PRIu64 ": ", soak->seed);
    print_each("kills", soak->kills);
    print_each("ends", soak->ends);
    print_each("stops", soak->stops);
    print_each("take-overs", soak->take_overs);
    printf("went on %" PRIu64 " times, within %.0f ms; "
           "%" PRIu64 " images put: %" PRIu64 " read, %" PRIu64
           " left unread by a client, %" PRIu64
           " left by a server that ended, %"
           PRIu64 " in hand of a client that was killed, %llu unaccounted; ",
           soak->resumed, soak->slowest * 1000, balance->put, balance->read,
           balance->taken_back, balance->left, balance->in_hand,
           (unsigned long long)faults->unaccounted);
    printf("not put: %" PRIu64 " dropped, %" PRIu64 " unconnected, %" PRIu64
           " aborted, %" PRIu64 " unfinished; ", balance->dropped,
           balance->unconnected, balance->given_up, balance->unfinished);
    printf("torn %llu, twice %llu, out of order %llu, wrong header %llu, "
           "wrong session %llu, wrong count %llu, errors %llu%s\n",
           (unsigned long long)faults->torn, (unsigned long long)faults->twice,
           (unsigned long long)faults->order, (unsigned long long)faults->size,
           (unsigned long long)faults->session,
           (unsigned long long)faults->miscounted,
           (unsigned long long)faults->failed, soak->stuck ? ", stuck" : "");
}

static uint64_t number_argument(const char *text)
{
    char *rest;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &rest, 10);
    if (errno || *rest || rest == text || *text == '-') {
        fprintf(stderr, "soak: '%s' is not a number; try --help\n", text);
        exit(2);
    }
    return value;
}

static char folder[40];
static char path[48];

static void make_file(bool odd)
{
    snprintf(folder, sizeof(folder), "%s/shmimage-soak-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
    snprintf(path, sizeof(path), "%s/live", folder);
    if (shmimage_file_create(path, 20000000 + odd, 0) < 0) {
        fprintf(stderr, "soak: %s\n", shmimage_error_message());
        rmdir(folder);
        exit(EXIT_FAILURE);
    }
}

static void remove_file(void)
{
    unlink(path);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seconds", required_argument, NULL, 's' },
        { "kills",   required_argument, NULL, 'k' },
        { "seed",    required_argument, NULL, 'r' },
        { "odd",     no_argument,       NULL, 'o' },
        { "threads", no_argument,       NULL, 't' },
        { "help",    no_argument,       NULL, 'h' },
        { 0 },
    };
    static Soak soak;
    uint64_t seconds = 0, kills = 60;
    bool odd = false;
    int option;

    soak.seed = (uint64_t)time(NULL);
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 's': seconds      = number_argument(optarg); break;
        case 'k': kills        = number_argument(optarg); break;
        case 'r': soak.seed    = number_argument(optarg); break;
        case 'o': odd          = true;                    break;
        case 't': soak.threads = true;                    break;
        case 'h': fputs(help, stdout);                    return 0;
        default:  fputs(help, stderr);                    return 2;
        }
    }
    soak.ledger = soak_ledger_new();
    make_file(odd);
    soak.path = path;
    printf("soak: seed %" PRIu64 "\n", soak.seed);
    soak_run(&soak, (double)seconds, kills);
    remove_file();
    print_summary(&soak);
    return soak_is_good(&soak) ? EXIT_SUCCESS : EXIT_FAILURE;
}
