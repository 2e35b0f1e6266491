/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A system that fails on demand, and an account of what was taken from it.
 *
 * A test program that is linked with WITH_FAULTS calls the functions in
 * faults.c and faults_system.c in place of the system's. Until it is told
 * otherwise they pass everything on.
 */
#ifndef SHMIMAGE_TESTS_FAULTS_H
#define SHMIMAGE_TESTS_FAULTS_H

#include <stdbool.h>

typedef enum Fault {
    FAULT_MALLOC,    /**< also strdup() */
    FAULT_CALLOC,
    FAULT_MUTEX,     /**< pthread_mutex_init() */
    FAULT_MMAP,
    FAULT_MUNMAP,    /**< unmaps all the same */
    FAULT_OPEN,
    FAULT_LINK,      /**< link() and linkat() */
    FAULT_CLOSE,     /**< closes all the same, as Linux does */
    FAULT_FSTAT,
    FAULT_STAT,
    FAULT_LSTAT,
    FAULT_READ,      /**< pread() */
    FAULT_END,       /**< pread() that reads less, as the file ends there */
    FAULT_CHMOD,     /**< fchmod() */
    FAULT_RESERVE,   /**< posix_fallocate() */
    FAULT_SIGNAL,    /**< posix_fallocate() where a signal can end it */
    FAULT_RENAME,
    FAULT_LOCK,      /**< fcntl() that sets or looks at a lock */
    FAULT_SIGACTION,
    FAULT_FUTEX,     /**< syscall() */
    FAULT_LIBAV,     /**< libavutil's calls for memory, see the test */
    FAULTS,
} Fault;

/** Whether the system is like one that can't open a file without a name. */
extern bool no_unnamed_files;

/**
 * Make a call fail.
 *
 * @param which which function
 * @param nth   1 for the next call, 2 for the one after it
 * @param error what it leaves in errno, or returns
 */
void fault_plan(Fault which, int nth, int error);

/** Make every call fail, in all threads, until fault_came(). */
void fault_plan_all(Fault which, int error);

/** Let the test itself call what is to fail: nothing fails, or is counted. */
void fault_pause(void);
void fault_resume(void);

/** Whether the call has come, and so failed. The plan stays. */
bool fault_has_come(void);

/** End the plan. Returns whether the call came, and so failed. */
bool fault_came(void);

/** For faults_system.c: whether a call of what is tested may fail now. */
bool fault_is_planned(void);

/** For faults_system.c: whether to fail now; then errno is set. */
bool fault_strikes(Fault which);

/** What is in use now. */
typedef struct Account {
    long blocks;        /**< of memory */
    long mutexes;
    long mappings;      /**< by the calls for them */
    long mapped_files;  /**< of tests, as the system sees it */
    long descriptors;
} Account;

Account account_now(void);
/** Whether nothing more, and nothing less, is in use than before. */
bool account_is(const Account *before);
/** Fail the test unless all that was taken since has been given back. */
void assert_account(const Account *before);

/** For faults_system.c: note what a call has taken or given back. */
void account_mappings(int change);

#endif /* SHMIMAGE_TESTS_FAULTS_H */
