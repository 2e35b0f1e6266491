/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A client's side of one mapped file: answering servers, and taking buffers.
 *
 * A reader has one connection at a time. It gets another one when its file is
 * replaced, and the old one stays for the frames that are held from it.
 * Nothing here locks: the reader does.
 */
#ifndef SHMIMAGE_CONNECTION_H
#define SHMIMAGE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "mapping.h"

/** What is known of the server, from the lock that it holds. */
typedef enum ShmiServer {
    SHMI_SERVER_UNKNOWN,    /**< has not been seen to hold it */
    SHMI_SERVER_SEEN,       /**< has held it */
    SHMI_SERVER_REPORTED,   /**< is gone, and the caller was told */
} ShmiServer;

typedef struct ShmiConnection {
    ShmiMapping mapping;
    bool held[SHMI_BUFFERS];         /**< locked, and in the caller's hands */
    uint32_t session;                /**< of the newest image */
    int newest;                      /**< the buffer it came in, or -1 */
    uint32_t answered[SHMI_BUFFERS]; /**< times, since then */
    ShmiServer server;
} ShmiConnection;

/**
 * Answer for the first time, and take back what a client before this one had
 * locked; not if that one lives, for then the buffers are still its own.
 *
 * @param session the number of the session before this connection
 * @return whether a server waited
 */
bool shmi_connection_begin(ShmiConnection *connection, uint32_t session);

/**
 * Answer a server that has initialised the buffers. One that the caller still
 * holds is left alone, so that the server can't draw in it yet.
 *
 * @return whether there was one
 */
bool shmi_connection_answer(ShmiConnection *connection);

/**
 * Take back what a client has left locked from which this one took over, as
 * soon as that one is gone.
 */
void shmi_connection_inherit(ShmiConnection *connection);

/** The ready buffer to read first, or -1. */
int shmi_connection_next(const ShmiConnection *connection);

/**
 * Lock a buffer, copy its header, and note the session of its image.
 *
 * @param[out] header not checked yet
 * @return whether it is locked; if not, it was lost to a new server
 */
bool shmi_connection_lock(ShmiConnection *connection, int buffer,
                          ShmiHeader *header);

/** Give a locked buffer back to the server, or to the one that came since. */
void shmi_connection_release(ShmiConnection *connection, int buffer);

/** The number of the session that the next image will have. */
uint32_t shmi_connection_session(const ShmiConnection *connection);

/** Whether any server has left a trace in the file. */
bool shmi_connection_has_trace(const ShmiConnection *connection);

/** Whether any server has left a trace in the file, or is there. */
bool shmi_connection_initialised(const ShmiConnection *connection);

/**
 * Whether the server has been seen to hold its lock and holds it no more; false
 * as well once that is marked as reported.
 */
bool shmi_connection_server_is_gone(ShmiConnection *connection);

#endif /* SHMIMAGE_CONNECTION_H */
