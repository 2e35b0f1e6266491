/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The accounts of a soak test: what became of every image that was put.
 *
 * They lie in memory that server, client and supervisor share, so that they
 * outlive whoever is killed. A server has a page, on which it notes each image
 * before and after the call that publishes it; a client notes on the same
 * record that it has read it. The supervisor notes, when somebody has ended,
 * which images may be lost by that, and in the end balances the page: each
 * image was read exactly once, or there is a note that allows its loss.
 *
 * Images that found no buffer or no client have no record, but are counted.
 */
#ifndef SHMIMAGE_TESTS_SOAK_LEDGER_H
#define SHMIMAGE_TESTS_SOAK_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shmimage.h"

#define SOAK_PAGES   4
#define SOAK_RECORDS 131072

/** The two sides. */
enum {
    SOAK_SERVER,
    SOAK_CLIENT,
};

/** What a server has noted of an image. */
enum {
    SOAK_NOTHING,
    SOAK_STARTED,       /**< the call that publishes it has not returned */
    SOAK_PUBLISHED,     /**< it has, and said yes */
};

/** Why an image need not have been read. */
enum {
    SOAK_NO_REASON,
    SOAK_TAKEN_BACK,    /**< its server counted it as dropped later on */
    SOAK_LEFT,          /**< it was in a buffer when its server had ended */
};

typedef struct SoakRecord {
    atomic_uint number;         /**< in the image's header */
    atomic_uint reader;         /**< the client that has read it */
    atomic_uchar state;
    atomic_uchar reads;
    atomic_uchar reason;
} SoakRecord;

/** A server's page. */
typedef struct SoakServer {
    atomic_ullong id;           /**< 1, 2, 3 … */
    atomic_bool opened;
    atomic_bool in_call;        /**< what it did last may lack its note */
    atomic_uint count;          /**< records in use */
    atomic_ullong dropped;      /**< images that found no free buffer */
    atomic_ullong unconnected;  /**< images that found no client */
    atomic_ullong given_up;     /**< images begun and aborted */
    atomic_ullong published;
    atomic_ullong taken_back;
    bool client_ended;          /**< meanwhile; the supervisor's */
    bool replaced;              /**< another one has opened; the supervisor's */
    unsigned last_client;       /**< who was there then */
    unsigned long long last_call;
    SoakRecord record[SOAK_RECORDS];
} SoakServer;

/** What the client notes of itself; some of it stays for the next client. */
typedef struct SoakClient {
    atomic_uint id;             /**< 1, 2, 3 … */
    atomic_bool in_call;        /**< it may hold an image without a note */
    atomic_ullong calls;        /**< that have returned, and are noted */
    atomic_ullong read;         /**< images */
    atomic_ullong server;       /**< of the image read last */
    atomic_uint next;           /**< behind that image's place on the page */
    atomic_uint session;        /**< of the image read last */
    atomic_bool read_any;       /**< this client has read an image */
} SoakClient;

/** What must not happen; each is told on standard error, too. */
typedef struct SoakFaults {
    atomic_ullong torn;         /**< a byte is not as it was put */
    atomic_ullong twice;        /**< read before */
    atomic_ullong order;        /**< read after a later one */
    atomic_ullong size;         /**< the header is not that of the pixels */
    atomic_ullong session;      /**< the same for images of two servers */
    atomic_ullong miscounted;   /**< a server's counts don't add up */
    atomic_ullong unaccounted;  /**< put, never read, and nobody knows why */
    atomic_ullong failed;       /**< calls that answered with an error */
} SoakFaults;

/** The balance of all pages that are closed. */
typedef struct SoakBalance {
    uint64_t put;               /**< the call said yes, or the image was read */
    uint64_t read;
    uint64_t taken_back;
    uint64_t left;
    uint64_t in_hand;           /**< with a client that was killed */
    uint64_t unfinished;        /**< not in put: its server was killed */
    uint64_t dropped;
    uint64_t unconnected;
    uint64_t given_up;
} SoakBalance;

/** A client that was killed in a call. It may have had one image in hand. */
typedef struct SoakVictim {
    unsigned client;
    uint64_t server;            /**< which was there when it was killed */
    bool used;
} SoakVictim;

#define SOAK_VICTIMS 64

typedef struct SoakLedger {
    SoakServer page[SOAK_PAGES];
    SoakClient client;
    SoakFaults faults;
    atomic_bool stop[2];        /**< SOAK_SERVER or _CLIENT shall end */
    /* The supervisor's. */
    uint64_t newest;            /**< the server that was added last, 0: none */
    uint64_t oldest;            /**< whose page is not closed */
    bool client_runs;
    SoakBalance balance;
    SoakVictim victim[SOAK_VICTIMS];
    unsigned victims;           /**< ever; the oldest are overwritten */
} SoakLedger;

/** An empty ledger, in memory that is shared with forked processes. */
SoakLedger *soak_ledger_new(void);

/** The page of a server; what it says is nothing unless that is open. */
SoakServer *soak_ledger_page(SoakLedger *ledger, uint64_t server);

/* A server's notes. */

/** Whether it is time for another server. */
bool soak_page_is_full(const SoakServer *server);

/** Put a new image on record, on a page that is not full. */
void soak_note_start(SoakServer *server, uint32_t number);

/** Note what came of it: what put or commit returned, or abort's success. */
void soak_note_result(SoakServer *server, int result, bool given_up);

/**
 * Compare the library's counts with the page, and note which images are said
 * to have been left unread.
 *
 * @param places how many images were on record before the last call
 */
void soak_note_counts(SoakLedger *ledger, SoakServer *server,
                      const ShmImageWriterStats *stats, unsigned places);

/* A client's notes. */

/** Note that an image came; tell of what is wrong with it. */
void soak_note_read(SoakLedger *ledger, const ShmImageFrame *frame);

/** Tell of an image if a byte of it is not as it was put. */
void soak_check_pixels(SoakLedger *ledger, const ShmImageFrame *frame);

/* The supervisor's notes. */

/** Close what pages can be closed. Returns whether there is a free one. */
bool soak_ledger_settle(SoakLedger *ledger);

/** Open the page of the next server. There must be a free one. */
SoakServer *soak_ledger_add_server(SoakLedger *ledger);

/** Note that the newest server has ended, before the next one begins. */
void soak_note_server_end(SoakLedger *ledger, const ShmImageFileInfo *info);

void soak_ledger_add_client(SoakLedger *ledger);
void soak_note_client_end(SoakLedger *ledger, bool killed);

/** All have ended: close all pages. */
void soak_ledger_close(SoakLedger *ledger);

/** How many things happened that must not. */
uint64_t soak_ledger_faults(const SoakLedger *ledger);

#endif /* SHMIMAGE_TESTS_SOAK_LEDGER_H */
