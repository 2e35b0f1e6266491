/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Return values, their texts, and the message of the last failure.
 */
#ifndef SHMIMAGE_ERROR_H
#define SHMIMAGE_ERROR_H

/**
 * Remember a message for shmimage_error_message() on this thread.
 *
 * @param status what the caller is going to return
 * @param format says which file, what is wrong and what to do, or, where there
 *               is nothing to add, NULL for the status' own text
 * @return status
 */
int shmi_error(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * The same for a file of which there is nothing more to say than the status'
 * own text.
 */
int shmi_error_of(int status, const char *path);

#endif /* SHMIMAGE_ERROR_H */
