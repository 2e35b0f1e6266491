/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "film.h"
#include "film_kind.h"

static const struct {
    const char *scale; /* options of the filter that converts */
    const char *set;   /* the filter that sets the tags */
} colours[] = {
    /* 7.1 and later ignore the options of the encoder for these tags. */
    [COLOURS_VIDEO] = { ":out_color_matrix=bt709:out_range=tv",
                        ",setparams=colorspace=bt709:color_primaries=bt709:"
                        "color_trc=bt709" },
    [COLOURS_JFIF]  = { ":out_color_matrix=bt601:out_range=pc", "" },
    [COLOURS_RGB]   = { "", "" },
};

/* The value of an option that the user gave for ffmpeg, or NULL. */
static const char *extra_value(const FilmOptions *o, const char *const *names)
{
    const char *value = NULL;

    for (char **word = o->extra; word && *word && word[1]; word++)
        for (size_t i = 0; names[i]; i++)
            if (!strcmp(*word, names[i]))
                value = word[1];
    return value;
}

static const char *extra_filter(const FilmOptions *o)
{
    static const char *const names[] = {
        "-vf", "-filter", "-filter:v", "-filter:v:0", NULL,
    };

    return extra_value(o, names);
}

/* Filters of a kind that can't be joined with ours. */
static int has_graph(const FilmOptions *o)
{
    static const char *const names[] = {
        "-filter_complex", "-lavfi", "-/filter", "-/filter:v",
        "-filter_script", "-filter_script:v", "-filter_complex_script",
        "-/filter_complex", NULL,
    };

    return extra_value(o, names) != NULL;
}

static const char *pixels(const Film *film)
{
    static const char *const names[] = { "-pix_fmt", "-pix_fmt:v", NULL };
    const char *chosen = extra_value(film->options, names);

    return chosen ? chosen : film->encoder->pixels;
}

int film_wants_size(const Film *film)
{
    return !has_graph(film->options) && !extra_filter(film->options);
}

/* Images of another size than the first one's are scaled to that with borders
 * of black; those of the first one's are not touched, but padded for encoders
 * that want even sizes. */
void film_print_filter(const Film *film, uint32_t width, uint32_t height,
                       char *text, size_t size)
{
    const Colours c = film->encoder->colours;
    const int even = c == COLOURS_VIDEO;
    const char *pad = "";

    if (even && (width % 2 || height % 2)) {
        pad = "pad=ceil(iw/2)*2:ceil(ih/2)*2,";
        width += width % 2;
        height += height % 2;
    }
    snprintf(text, size, "%sscale=%u:%u:force_original_aspect_ratio=decrease"
             "%s%s,format=%s%s,pad=%u:%u:-1:-1", pad, width, height,
             even ? ":force_divisible_by=2" : "", colours[c].scale,
             pixels(film), colours[c].set, width, height);
}

/* The part of it that does not depend on the size, after the user's filter. */
static void add_plain_filter(const Film *film, const char *before,
                             Words *words)
{
    static const char pad[] = "pad=ceil(iw/2)*2:ceil(ih/2)*2,";
    const Colours c = film->encoder->colours;

    words_add(words, "-vf");
    words_add(words, "%s%s%s%s%s%sformat=%s%s", before ? before : "",
              before ? "," : "", c == COLOURS_VIDEO ? pad : "",
              c != COLOURS_RGB ? "scale=" : "",
              c != COLOURS_RGB ? colours[c].scale + 1 : "",
              c != COLOURS_RGB ? "," : "", pixels(film), colours[c].set);
}

/* The option has had its name since 7.0. */
static void add_filter(const Film *film, const FilmPipes *pipes, Words *words)
{
    const FilmOptions *o = film->options;

    if (film_wants_size(film)) {
        words_add(words, film->old_ffmpeg ? "-filter_script:v" : "-/filter:v");
        words_add(words, "/dev/fd/%d", pipes->filter);
    } else if (!has_graph(o)) {
        add_plain_filter(film, extra_filter(o), words);
    }
}

static void add_seconds(Words *words, const char *option, int64_t time)
{
    words_add(words, "%s", option);
    words_add(words, "%lld.%06lld", (long long)(time / 1000000000),
              (long long)(time % 1000000000 / 1000));
}

static void add_input(const Film *film, const FilmPipes *pipes, Words *words)
{
    const FilmOptions *o = film->options;

    words_split(words, "-f shmimage");
    if (o->rate) {
        words_split(words, "-timestamps frame -framerate");
        words_add(words, "%s", o->rate);
    } else if (film->kind->still && pipes) {
        /* So that the last image is not repeated at the end. */
        words_split(words, "-timestamps frame");
    } else {
        words_split(words, "-timestamps wallclock");
    }
    if (o->timeout)
        add_seconds(words, "-timeout", o->timeout);
    if (o->wait)
        words_split(words, "-on_disconnect wait");
    /* The file is there when it is the tool that records. */
    if (o->wait_file && !pipes)
        words_split(words, "-wait_file 1");
    if (o->owner >= 0) {
        words_split(words, "-owner");
        words_add(words, "%lld", (long long)o->owner);
    }
}

/* Every image keeps its time, and none is repeated or left out to make a
 * constant rate of them. MPEG-4 knows no finer unit than 1/65535 s. */
static void add_time(const Film *film, const FilmPipes *pipes, Words *words)
{
    const FilmOptions *o = film->options;
    const uint64_t most = film_most_images(film);

    words_split(words, "-fps_mode passthrough");
    if (!film->kind->still)
        words_split(words, "-enc_time_base");
    if (!film->kind->still && o->rate)
        words_add(words, "%u:%u", o->rate_value.den, o->rate_value.num);
    else if (!film->kind->still)
        words_add(words, "1:60000");
    if (film->kind->finish == FINISH_INDEX && !o->rate)
        words_split(words, "-video_track_timescale 60000");
    /* Numbers may be missing. By the clock, the first image may be late. */
    if (o->duration && (o->rate || !pipes))
        add_seconds(words, "-t", o->duration);
    if (most) {
        words_split(words, "-frames:v");
        words_add(words, "%llu", (unsigned long long)most);
    }
}

static void add_encoder(const Film *film, Words *words)
{
    const FilmOptions *o = film->options;
    const FilmEncoder *e = film->encoder;
    const char *crf = o->crf ? o->crf : e->crf;
    const char *preset = o->preset ? o->preset : e->preset;

    words_split(words, "-c:v");
    words_add(words, "%s", e->name);
    if (preset) {
        words_add(words, "%s", e->speed);
        words_add(words, "%s", preset);
    }
    if (crf) {
        words_add(words, "%s", e->quality);
        words_add(words, "%s", crf);
    }
    words_split(words, e->more);
    words_append(words, o->extra);
}

static void add_muxer(const Film *film, Words *words)
{
    const FilmKind *kind = film->kind;

    words_split(words, kind->options);
    if (kind->still)
        words_split(words, film->sequence ? "-atomic_writing 1" : "-update 1");
    words_split(words, "-f");
    words_add(words, "%s", kind->muxer);
}

/* For a user, who has no pipe for the progress, it is the plain command. */
static void add_start(const Film *film, int progress, Words *words)
{
    words_add(words, "%s", film->program);
    if (progress < 0)
        return;
    words_split(words, "-hide_banner -nostdin -nostats "
                "-loglevel repeat+level+info -y -progress");
    words_add(words, "pipe:%d", progress);
}

static void add_file(Words *words, const char *option, const char *path)
{
    if (option)
        words_add(words, "%s", option);
    words_add(words, "%s%s", *path == '-' || strchr(path, ':') ? "file:" : "",
              path);
}

void film_record(const Film *film, const FilmPipes *pipes, const char *part,
                 Words *words)
{
    add_start(film, pipes->progress, words);
    add_input(film, pipes, words);
    words_add(words, "-control");
    words_add(words, "%d", pipes->control);
    words_add(words, "-i");
    words_add(words, "%s", film->options->stream);
    add_time(film, pipes, words);
    add_encoder(film, words);
    add_filter(film, pipes, words);
    add_muxer(film, words);
    add_file(words, NULL, part);
}

/* Browsers slow down what is faster than 50 a second. */
#define GIF_TIME "-fps_mode vfr -enc_time_base 1:50"

static void finish_gif(int step, int progress, const char *part,
                       const char *palette, const char *final, Words *words)
{
    add_file(words, "-i", part);
    if (step == 0) {
        words_split(words, "-vf");
        /* ffmpeg's own progress begins with the palette, which is at the end:
         * have each image write a line. */
        if (progress >= 0)
            words_add(words, "metadata=add:key=n:value=1,metadata=print:"
                      "direct=1:file=/dev/fd/%d,palettegen", progress);
        else
            words_add(words, "palettegen");
        words_split(words, "-update 1 -c:v png -f image2");
        add_file(words, NULL, palette);
        return;
    }
    add_file(words, "-i", palette);
    words_split(words, "-lavfi paletteuse " GIF_TIME " -f gif");
    add_file(words, NULL, final);
}

void film_finish(const Film *film, int step, int progress, const char *part,
                 const char *palette, const char *final, Words *words)
{
    add_start(film, progress, words);
    /* Without it, 5.1 takes what could not be closed for a good file. With
     * it, the rest of one that is cut off can't be saved. */
    if (progress >= 0)
        words_split(words, "-xerror");
    if (film->kind->finish == FINISH_GIF) {
        finish_gif(step, progress, part, palette, final, words);
        return;
    }
    add_file(words, "-i", part);
    words_split(words, "-c copy");
    if (film->kind->finish == FINISH_INDEX)
        words_split(words, "-movflags +faststart");
    words_split(words, "-f");
    words_add(words, "%s", film->kind->muxer);
    add_file(words, NULL, final);
}

int film_steps(const Film *film)
{
    return film->kind->finish == FINISH_GIF ? 2 : 1;
}

int film_needs_finish(const Film *film)
{
    return film->kind->finish != FINISH_NONE;
}

static void print_lacks(const Film *film)
{
    fputs("What it lacks: images whose size changes are stretched. Ctrl-C may "
          "not end it\nwhile no image arrives.", stderr);
    if (!film->kind->still)
        fputs(" The last image does not last until the end.", stderr);
    if (film->kind->finish == FINISH_INDEX)
        fputs("\nAfter a second Ctrl-C, a kill or a full disk, the film can't "
              "be played.", stderr);
    if (film->kind->finish == FINISH_GIF)
        fputs("\nIt keeps all images in memory, and a kill loses them.",
              stderr);
    fputc('\n', stderr);
}

/* The GIF in one step. Its palette is made when the images end, so they have to
 * be limited ahead of it. */
static void add_gif(const Film *film, Words *words)
{
    const FilmOptions *o = film->options;
    const uint64_t most = film_most_images(film);
    const char *filter = extra_filter(o);
    char limit[80] = "";

    if (most)
        snprintf(limit, sizeof(limit), "trim=end_frame=%llu,",
                 (unsigned long long)most);
    else if (o->duration)
        snprintf(limit, sizeof(limit), "trim=duration=%lldus,",
                 (long long)(o->duration / 1000));
    words_split(words, GIF_TIME);
    words_append(words, o->extra);
    if (has_graph(o))
        return;
    words_add(words, "-vf");
    words_add(words, "%s%s%ssplit[a][b];[a]palettegen[p];[b][p]paletteuse",
              limit, filter ? filter : "", filter ? "," : "");
}

void film_print(const Film *film)
{
    const FilmOptions *o = film->options;
    Words words = { 0 };

    words_split(&words, "shmimage exec ffmpeg");
    add_input(film, NULL, &words);
    words_add(&words, "-i");
    words_add(&words, "%s", o->stream);
    if (film->kind->finish == FINISH_GIF) {
        add_gif(film, &words);
    } else {
        add_time(film, NULL, &words);
        add_encoder(film, &words);
        if (!has_graph(o))
            add_plain_filter(film, extra_filter(o), &words);
    }
    if (film->kind->finish == FINISH_INDEX)
        words_split(&words, "-movflags +faststart");
    add_file(&words, NULL, o->movie);
    words_print(&words, stdout);
    putchar('\n');
    words_free(&words);
    print_lacks(film);
}
