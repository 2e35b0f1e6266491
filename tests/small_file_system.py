# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system of a few pages for a test, in name spaces of its own."""

import os
import subprocess
import sys

ENTERED = "SHMIMAGE_TEST_MAY_MOUNT"
PAGE = 4096


def enter_name_spaces():
    """Start this program anew where it may mount, or end it as skipped."""
    if os.environ.get(ENTERED):
        return
    unshare = ["unshare", "--mount"]
    if os.geteuid():
        unshare.append("--map-root-user")
    try:
        tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none",
                                "/mnt"], capture_output=True, text=True)
        reason = tried.stderr if tried.returncode else None
    except OSError as error:
        reason = str(error)
    if reason:
        print("skipped: a small file system is needed and can't be mounted:",
              reason.strip())
        sys.exit(77)
    os.environ[ENTERED] = "1"
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


class SmallFileSystem:
    """Mounted until the test ends."""

    def __init__(self, test, folder, size):
        self.folder = folder
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none",
                        folder], check=True)
        test.addCleanup(subprocess.run, ["umount", "--lazy", folder],
                        check=True)

    def resize(self, size):
        # With a source, it does not repeat options that it had before, of
        # which a user's name space has some that it may not set.
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"remount,size={size}",
                        "none", self.folder], check=True)

    def file(self, name):
        return os.path.join(self.folder, name)

    def make_sparse(self, name, size=20_000_000):
        """A file of which nothing is there but its size."""
        with open(self.file(name), "wb") as sparse:
            sparse.truncate(size)
        return self.file(name)

    def fill(self, bytes_left=0):
        """Use up the space, in a file beside the others."""
        page = bytes(PAGE)
        size = 0
        with open(self.file("filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    size += filler.write(page)
            except OSError:
                pass
            filler.truncate(size - bytes_left)

    def names(self):
        return sorted(os.listdir(self.folder))
