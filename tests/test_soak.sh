#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Servers and clients that are killed, stopped and started again at random lose
# nothing without an account. "make soak" does it for longer.

: "${SHMIMAGE_BUILDDIR:=.}"
soak=$SHMIMAGE_BUILDDIR/tests/soak
"$soak" --kills 60 && "$soak" --kills 20 --odd &&
    "$soak" --kills 60 --threads
