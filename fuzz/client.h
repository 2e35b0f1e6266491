/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A client on the stage, by shmimage.h or by the interface that Ansys
 * publishes: what comes must be what the model expects.
 */
#ifndef SHMIMAGE_FUZZ_CLIENT_H
#define SHMIMAGE_FUZZ_CLIENT_H

#include <stdbool.h>

#include "model.h"

typedef struct Client Client;

/**
 * Open the file; what the model and the library say must agree.
 *
 * @param published use the published interface
 * @return NULL when the file was refused, as it had to be
 */
Client *client_open(Model *model, bool published);

/** Take an image, if there is one. */
void client_acquire(Client *client);

/** Give back the image that was taken first, if there is one. */
void client_release(Client *client);

/** Compare the counts. */
void client_check_counts(Client *client);

/** Close it, and after that give back all images. */
void client_close(Client *client);

#endif /* SHMIMAGE_FUZZ_CLIENT_H */
