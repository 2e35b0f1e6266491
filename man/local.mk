# SPDX-License-Identifier: LGPL-2.1-or-later
man3_pages = man/SharedMemoryImageStream.3 \
             man/shmimage.3 \
             man/shmimage_file.3 \
             man/shmimage_reader.3 \
             man/shmimage_writer.3
dist_man_MANS = man/shmimage.1 $(man3_pages) \
                man/shmimage.7 man/shmimage-device.7

# For each function that shares its page with others, a page that refers there.
nodist_man_MANS = \
    man/links/SharedMemoryImageStream_create.3 \
    man/links/SharedMemoryImageStream_destroy.3 \
    man/links/SharedMemoryImageStream_errorstring.3 \
    man/links/SharedMemoryImageStream_lock.3 \
    man/links/SharedMemoryImageStream_putframe.3 \
    man/links/SharedMemoryImageStream_unlock.3 \
    man/links/shmimage_error_message.3 \
    man/links/shmimage_error_string.3 \
    man/links/shmimage_file_check_owner.3 \
    man/links/shmimage_file_create.3 \
    man/links/shmimage_file_info.3 \
    man/links/shmimage_file_reset.3 \
    man/links/shmimage_file_size.3 \
    man/links/shmimage_file_wait.3 \
    man/links/shmimage_frame_check.3 \
    man/links/shmimage_frame_copy.3 \
    man/links/shmimage_reader_acquire.3 \
    man/links/shmimage_reader_close.3 \
    man/links/shmimage_reader_open.3 \
    man/links/shmimage_reader_release.3 \
    man/links/shmimage_reader_stats.3 \
    man/links/shmimage_state_name.3 \
    man/links/shmimage_version.3 \
    man/links/shmimage_writer_abort.3 \
    man/links/shmimage_writer_begin.3 \
    man/links/shmimage_writer_close.3 \
    man/links/shmimage_writer_commit.3 \
    man/links/shmimage_writer_open.3 \
    man/links/shmimage_writer_put.3 \
    man/links/shmimage_writer_stats.3 \
    man/links/shmimage_writer_wait.3
$(nodist_man_MANS): $(man3_pages)
	$(AM_V_GEN)$(MKDIR_P) man/links && \
	    page=`cd $(srcdir)/man && grep -lE \
	        "^\.Nm $$(basename $@ .3)( ,)?$$" *.3` && \
	    echo ".so man3/$$page" > $@.tmp && mv $@.tmp $@
CLEANFILES += $(nodist_man_MANS)

EXTRA_DIST += tests/mdoc.py \
    tests/test_manual.py tests/test_manual_api.py tests/test_manual_device.py
TESTS += tests/test_manual.py tests/test_manual_api.py
# A module with a sanitizer can't be preloaded into a program without one.
if WITH_FFMPEG
if !SANITIZED
TESTS += tests/test_manual_device.py
endif
endif
