/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Strings in JSON.
 */
#ifndef SHMIMAGE_TOOLS_JSON_H
#define SHMIMAGE_TOOLS_JSON_H

/** Print it with quotes; bytes that are no UTF-8 become U+FFFD. */
void json_print_string(const char *text);

#endif /* SHMIMAGE_TOOLS_JSON_H */
