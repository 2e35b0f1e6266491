/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A system that fails on demand, and an account of what was taken from it.
 *
 * A test program that is linked with WITH_FAULTS calls the functions in
 * faults.c in place of the system's. Until it is told otherwise they pass
 * everything on.
 */
#ifndef SHMIMAGE_TESTS_FAULTS_H
#define SHMIMAGE_TESTS_FAULTS_H

#include <stdbool.h>

typedef enum Fault {
    FAULT_MALLOC,   /**< also strdup() */
    FAULT_CALLOC,
    FAULT_MUTEX,    /**< pthread_mutex_init() */
    FAULT_MMAP,
    FAULT_OPEN,
} Fault;

/**
 * Make a call fail.
 *
 * @param which which function
 * @param nth   1 for the next call, 2 for the one after it
 * @param error what it leaves in errno, or returns
 */
void fault_plan(Fault which, int nth, int error);

/** End the plan. Returns whether the call came, and so failed. */
bool fault_came(void);

/** What is in use now. */
typedef struct Account {
    long blocks;        /**< of memory */
    long mutexes;
    long mappings;
    long descriptors;
} Account;

Account account_now(void);
/** Fail the test unless all that was taken since has been given back. */
void assert_account(const Account *before);

#endif /* SHMIMAGE_TESTS_FAULTS_H */
