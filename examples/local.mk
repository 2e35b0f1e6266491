# SPDX-License-Identifier: LGPL-2.1-or-later
examplesdir = $(docdir)/examples
dist_examples_SCRIPTS = examples/ensight-record
dist_examples_DATA = examples/ensight.proto \
                     examples/ensight_images.py \
                     examples/ensight_stream.py
