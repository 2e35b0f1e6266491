/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "abi.h"
#include "error.h"
#include "shmimage.h"

static const struct {
    int status;
    const char *text;
} texts[] = {
    { SHMIMAGE_DISCONNECTED,
      "the server is gone" },
    { SHMIMAGE_UNCONNECTED,
      "no client has connected to the stream yet" },
    { SHMIMAGE_RECONNECTING,
      "connected to a file that has carried a stream before" },
    { SHMIMAGE_NO_FRAME,
      "no image is ready to be read" },
    { SHMIMAGE_NO_BUFFER,
      "no buffer is free, the client has not read the earlier images" },
    { SHMIMAGE_OK,
      "no error" },
    { SHMIMAGE_ERROR_ARGUMENT,
      "an argument is missing or not valid" },
    { SHMIMAGE_ERROR_NOT_LOCKED,
      "there is no locked image to release" },
    { SHMIMAGE_ERROR_FILE_SIZE,
      "the file does not exist or is smaller than 10,000,000 bytes" },
    { SHMIMAGE_ERROR_OPEN,
      "the file can't be opened for reading and writing" },
    { SHMIMAGE_ERROR_MAP,
      "the file can't be mapped into memory" },
    { SHMIMAGE_ERROR_MEMORY,
      "out of memory" },
    { SHMIMAGE_ERROR_THREAD,
      "the system refused a mutex or a thread" },
    { SHMIMAGE_ERROR_IS_SERVER,
      "the call is for clients, and the stream is a server's" },
    { SHMIMAGE_ERROR_IS_NOT_SERVER,
      "the call is for servers, and the stream is a client's" },
    { SHMIMAGE_ERROR_TOO_LARGE,
      "the image is too large for the file" },
    { SHMIMAGE_ERROR_LOCKED,
      "release the locked image first" },
    { SHMIMAGE_ERROR_NOT_FOUND,
      "there is no such file" },
    { SHMIMAGE_ERROR_NOT_REGULAR,
      "not a regular file" },
    { SHMIMAGE_ERROR_PERMISSION,
      "no permission to read and write the file" },
    { SHMIMAGE_ERROR_BUSY,
      "another process has the same role on the file" },
    { SHMIMAGE_ERROR_EXISTS,
      "the file exists already" },
    { SHMIMAGE_ERROR_NO_SPACE,
      "no space is left for the file" },
    { SHMIMAGE_ERROR_NOT_A_STREAM,
      "the file is not a stream" },
    { SHMIMAGE_ERROR_TRUNCATED,
      "the file was shortened while it was in use" },
};

/* Room for the longest path, and for what to do, which comes after it. */
static _Thread_local char last_message[4096 + 1024];

int shmi_error(int status, const char *format, ...)
{
    va_list args;

    if (!format) {
        snprintf(last_message, sizeof(last_message), "%s",
                 shmimage_error_string(status));
        return status;
    }
    va_start(args, format);
    vsnprintf(last_message, sizeof(last_message), format, args);
    va_end(args);
    return status;
}

int shmi_error_of(int status, const char *path)
{
    return shmi_error(status, "%s: %s", path, shmimage_error_string(status));
}

SHMI_EXPORT const char *shmimage_error_message(void)
{
    return last_message;
}

SHMI_EXPORT const char *shmimage_error_string(int status)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "unknown status";
}

SHMI_EXPORT const char *shmimage_state_name(int state)
{
    switch (state) {
    case SHMIMAGE_STATE_SERVER:        return "server";
    case SHMIMAGE_STATE_SERVER_LOCKED: return "server-locked";
    case SHMIMAGE_STATE_CLIENT:        return "client";
    case SHMIMAGE_STATE_CLIENT_LOCKED: return "client-locked";
    case SHMIMAGE_STATE_INIT:          return "init";
    default:                           return "unknown";
    }
}

SHMI_EXPORT const char *shmimage_version(void)
{
    return PACKAGE_VERSION;
}
