/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transport's protocol: a server, a client and two buffers. Either process
 * may die between any two steps, any number of times, and is started again.
 * There is never more than one of a kind.
 *
 * A statement named shmi_* is the function of that name in core/. One statement
 * (one d_step, one atomic) touches the file at most once; whatever else it does
 * is the process's own business or a witness, a variable that only the
 * properties read.
 *
 * README.md says what is proved, and how to run it.
 *
 * Defines choose what is modelled:
 *
 *   SERVER_DIES, CLIENT_DIES  which of them may die
 *   WAITING                   both sleep, and are woken, as well as poll
 *   SESSIONS                  the client tells the server's starts apart
 *   PROGRESS                  nobody is stuck, by the formulas at the end
 *   FAULT_...                 something is wrong, and must be found
 */

/* What the images hold matters to neither of these. */
#if !defined(PROGRESS) && !defined(SESSIONS)
#define CONTENTS
#endif

/* Images are numbered modulo this, which is enough to tell neighbours from each
 * other and the first of them from the second. */
#define NUMBERS 3
#define NEXT(n) (((n) + 1) % NUMBERS)

#define OTHER(b) (1 - (b))

/* The values of the state byte. */
#define SERVER        0
#define SERVER_LOCKED 1
#define CLIENT        2
#define CLIENT_LOCKED 3
#define INIT          4

/* Of the header, the field that orders images, and one that describes them and
 * is 0 when cleared; of the payload, two pixels. */
typedef Buffer {
    unsigned state : 3;
    unsigned number : 2;
    unsigned width : 2;
    unsigned pixel0 : 2;
    unsigned pixel1 : 2
};
Buffer file[2];
#define WIDTH_OF(n) ((n) + 1)

/* Witnesses. */
unsigned image : 2;  /* number of the next image */
bool unaccounted;    /* that image was put, and is in no count yet */
bool drawing;        /* the server has found a buffer for it */
bool unread[2];      /* holds an image that was published and not locked */
bit oldest;          /* of two such images, the one that was first */
bool unanswered[2];  /* initialised, and no client has answered */
bool in_use[2];      /* a living client reads it */

/* The same about servers. The newest image is what the client got last. */
#ifdef SESSIONS
bool of_living[2];     /* the server that drew the image is alive */
bool of_newest[2];     /* the server that drew it drew the newest one, too */
bool newest_of_living; /* the server that drew the newest one is alive */
#endif

#include "state.pml"
#include "wait.pml"
#include "writer.pml"
#include "reader.pml"

#if defined(SERVER_DIES) || defined(CLIENT_DIES)
bool calm; /* from now on nobody dies */

active proctype fate()
{
    do
#ifdef SERVER_DIES
    :: kill_server!0
#endif
#ifdef CLIENT_DIES
    :: kill_client!0
#endif
#ifdef PROGRESS
    :: calm = true -> break
#endif
    od
}
#else
#define calm true
#endif

#ifdef PROGRESS
ltl room { <> calm -> [] <> drawing }
ltl read_0 { <> calm -> [] (unread[0] -> <> !unread[0]) }
ltl read_1 { <> calm -> [] (unread[1] -> <> !unread[1]) }
#endif
