# SPDX-License-Identifier: LGPL-2.1-or-later

# The API reference, in doxygen/html.
DOXYGEN = doxygen
doxygen:
	@command -v $(DOXYGEN) > /dev/null || { \
	    echo 'doxygen is missing. On Debian: apt install doxygen' >&2; \
	    exit 1; }
	$(AM_V_GEN)rm -rf doxygen/html && $(DOXYGEN) doxygen/Doxyfile
clean-doxygen:
	rm -rf doxygen/html
clean-local: clean-doxygen
.PHONY: doxygen clean-doxygen
