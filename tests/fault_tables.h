/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the functions of the library are said to return, and what can fail
 * below them.
 */
#ifndef SHMIMAGE_TESTS_FAULT_TABLES_H
#define SHMIMAGE_TESTS_FAULT_TABLES_H

#include "fault_driver.h"

typedef struct DocumentedCall {
    const char *name;
    unsigned statuses;  /**< a set, of STATUS_BIT() */
} DocumentedCall;

#define STATUS_BIT(status) (1u << ((status) - SHMIMAGE_ERROR_NOT_A_STREAM))

typedef struct Failure {
    Fault which;
    int error;
    int opening;    /**< the status of calls that open a file, or OK if it is
                         not to be noticed */
    int creating;   /**< likewise, of the one that makes a file */
} Failure;

/** By Call. */
extern const DocumentedCall documented_calls[];
extern const Failure failures[];
extern const int nb_failures;

#endif /* SHMIMAGE_TESTS_FAULT_TABLES_H */
