# SPDX-License-Identifier: LGPL-2.1-or-later

# By name, so that what a build of packages leaves in here stays out.
EXTRA_DIST += \
    debian/changelog \
    debian/control \
    debian/copyright \
    debian/libshmimage-dev.examples \
    debian/libshmimage-dev.install \
    debian/libshmimage1.install \
    debian/libshmimage1.symbols \
    debian/not-installed \
    debian/python3-shmimage.examples \
    debian/python3-shmimage.install \
    debian/rules \
    debian/shmimage-tools.docs \
    debian/shmimage-tools.examples \
    debian/shmimage-tools.install \
    debian/source/format \
    debian/source/lintian-overrides \
    debian/tests/control \
    debian/tests/installed \
    debian/tests/readme \
    debian/tests/vendor \
    tests/installed.py \
    tests/installed_readme.py \
    tests/installed_vendor.py
