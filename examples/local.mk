# SPDX-License-Identifier: LGPL-2.1-or-later
# Installed as documentation, and run by the tests as it says.
examplesdir = $(docdir)/examples
dist_examples_SCRIPTS = examples/ensight-record \
                        examples/matplotlib-server.py
dist_examples_DATA = examples/README.md \
                     examples/client.c \
                     examples/ensight.proto \
                     examples/ensight_images.py \
                     examples/ensight_stream.py \
                     examples/opengl-server.c
