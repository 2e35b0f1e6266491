/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The commands of the program, and how all of them end.
 */
#ifndef SHMIMAGE_TOOLS_COMMAND_H
#define SHMIMAGE_TOOLS_COMMAND_H

/** The exit codes. */
enum {
    COMMAND_OK     = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE  = 2,
};

typedef struct Command {
    const char *name;
    const char *synopsis; /**< what follows the name */
    const char *summary;  /**< one line, for the list of commands */
    const char *help;     /**< all the rest of --help */
    const char *others;   /**< whose options may follow after --, or NULL */
    /** Gets its own name as argv[0]; returns an exit code. */
    int (*run)(int argc, char **argv);
} Command;

extern const Command create_command;
extern const Command info_command;
extern const Command send_command;
extern const Command reset_command;
extern const Command exec_command;
extern const Command record_command;
extern const Command view_command;

/** Print the version; returns COMMAND_OK. */
int command_version(void);

/** Say what failed, on standard error; returns COMMAND_FAILED. */
int command_failed(const Command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Say what is wrong with the command line; returns COMMAND_USAGE. */
int command_misused(const Command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* SHMIMAGE_TOOLS_COMMAND_H */
