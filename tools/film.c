/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "film.h"
#include "film_kind.h"
#include "moviefile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One fragment per image, written at once: after a kill, or on a full disk, the
 * file can be played up to there. */
#define FRAGMENTED "-movflags empty_moov+default_base_moof+frag_every_frame " \
                   "-flush_packets 1"
#define CLUSTERED  "-cluster_time_limit 100 -flush_packets 1"
#define H264       { "libx264", "libopenh264", "mpeg4" }

static const FilmKind kinds[] = {
    { ".mp4",  "mp4",      FRAGMENTED, FINISH_INDEX, H264, 0 },
    { ".m4v",  "mp4",      FRAGMENTED, FINISH_INDEX, H264, 0 },
    { ".mov",  "mov",      FRAGMENTED, FINISH_INDEX, H264, 0 },
    { ".mkv",  "matroska", CLUSTERED,  FINISH_NONE,  H264, 0 },
    { ".webm", "webm",     CLUSTERED,  FINISH_NONE,
      { "libvpx-vp9", "libvpx" }, 0 },
    { ".gif",  "matroska", CLUSTERED,  FINISH_GIF,   { "ffv1" }, 0 },
    { ".png",  "image2",   "",         FINISH_NONE,  { "png" }, 1 },
    { ".jpg",  "image2",   "",         FINISH_NONE,  { "mjpeg" }, 1 },
    { ".jpeg", "image2",   "",         FINISH_NONE,  { "mjpeg" }, 1 },
};

static const FilmKind lossless = {
    ".mkv", "matroska", CLUSTERED, FINISH_NONE, { "ffv1" }, 0,
};

/* None buffers images: if ffmpeg is killed, the file has all but the last one,
 * however long the next one takes to arrive. */
static const FilmEncoder encoders[] = {
    { "libx264", "yuv420p", COLOURS_VIDEO, "-crf", "20", "-preset", "veryfast",
      "-tune zerolatency", NULL },
    { "libopenh264", "yuv420p", COLOURS_VIDEO, NULL, NULL, NULL, NULL,
      "-b:v 10M", "has a fixed bit rate" },
    { "mpeg4", "yuv420p", COLOURS_VIDEO, NULL, NULL, NULL, NULL, "-q:v 3",
      "is larger, and browsers do not play it" },
    { "libvpx-vp9", "yuv420p", COLOURS_VIDEO, "-crf", "31", NULL, NULL,
      "-cpu-used 8 -b:v 0 -deadline realtime -row-mt 1 -lag-in-frames 0",
      NULL },
    { "libvpx", "yuv420p", COLOURS_VIDEO, "-crf", "10", NULL, NULL,
      "-cpu-used 8 -b:v 10M -deadline realtime -lag-in-frames 0",
      "is larger" },
    { "ffv1", "bgr0", COLOURS_RGB, NULL, NULL, NULL, NULL, "-level 3 -g 1",
      NULL },
    { "png", "rgb24", COLOURS_RGB, NULL, NULL, NULL, NULL, "", NULL },
    { "mjpeg", "yuvj444p", COLOURS_JFIF, NULL, NULL, NULL, NULL, "-q:v 2",
      NULL },
};

static const char *const presets[] = {
    "placebo", "veryslow", "slower", "slow", "medium", "fast", "faster",
    "veryfast", "superfast", "ultrafast",
};

static const char *ending_of(const char *name)
{
    const char *file = strrchr(name, '/');
    const char *ending = strrchr(file ? file : name, '.');

    return ending ? ending : "";
}

static const FilmKind *find_kind(const char *name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (!strcasecmp(ending_of(name), kinds[i].ending))
            return &kinds[i];
    return NULL;
}

int film_is_name(const char *name)
{
    return find_kind(name) != NULL;
}

static const FilmEncoder *known_encoder(const char *name)
{
    for (size_t i = 0; i < COUNT(encoders); i++)
        if (!strcmp(name, encoders[i].name))
            return &encoders[i];
    return NULL;
}

/* The colours of an ending, unless an encoder has others. */
static Colours usual_colours(const FilmKind *kind)
{
    return known_encoder(kind->encoders[0])->colours;
}

static const FilmEncoder *find_encoder(Film *film, const char *name)
{
    const FilmEncoder *known = known_encoder(name);
    const Colours colours = usual_colours(film->kind);

    film->unknown = (FilmEncoder){
        name, colours == COLOURS_RGB ? "rgb24" : "yuv420p", colours, "-crf",
        NULL, "-preset", NULL, "", NULL,
    };
    return known ? known : &film->unknown;
}

static int choose_kind(Film *film, const Command *command)
{
    const FilmOptions *o = film->options;

    film->kind = find_kind(o->movie);
    if (!film->kind)
        return command_misused(command, "'%s': unknown kind of film; use "
                               ".mp4, .mov, .mkv, .webm, .gif, .png or .jpg",
                               o->movie);
    film->sequence = film->kind->still && strchr(o->movie, '%');
    if (film->sequence && !moviefile_is_sequence(o->movie))
        return command_misused(command, "'%s': the '%%' of an image's number "
                               "is written like frame_%%05d%s, and no other "
                               "one can be there", o->movie,
                               film->kind->ending);
    if (!o->lossless || (film->kind->finish == FINISH_NONE &&
                         usual_colours(film->kind) == COLOURS_RGB))
        return COMMAND_OK;
    if (strcmp(film->kind->ending, lossless.ending))
        return command_misused(command, "--lossless: a %s can't hold RGB "
                               "without loss; use .mkv or .png",
                               film->kind->ending);
    film->kind = &lossless;
    return COMMAND_OK;
}

/* The first one that ffmpeg has; says so if it is not the best one. */
static int choose_encoder(Film *film, Ffmpeg *ffmpeg, const Command *command)
{
    const char *const *names = film->kind->encoders;
    int i;

    for (i = 0; ffmpeg && i < MAX_ENCODERS && names[i]; i++)
        if (ffmpeg_has(ffmpeg, "encoder", names[i]))
            break;
    if (i == MAX_ENCODERS || !names[i])
        return command_failed(command, "%s: it has no encoder for %s, such as "
                              "%s; install another FFmpeg", ffmpeg->path,
                              film->kind->ending, names[0]);
    film->encoder = find_encoder(film, names[i]);
    if (i)
        fprintf(stderr, "%s has no encoder %s; using %s, so the film %s\n",
                ffmpeg->path, names[0], names[i], film->encoder->remark);
    return COMMAND_OK;
}

static int check_parts(const Film *film, Ffmpeg *ffmpeg,
                       const Command *command)
{
    static const char *const parts[][2] = {
        { "filter", "palettegen" }, { "filter", "paletteuse" },
        { "filter", "metadata" },
        { "encoder", "gif" }, { "encoder", "png" }, { "muxer", "gif" },
    };

    for (size_t i = 0; film->kind->finish == FINISH_GIF && i < COUNT(parts);
         i++)
        if (!ffmpeg_has(ffmpeg, parts[i][0], parts[i][1]))
            return command_failed(command, "%s: it has no %s %s, which a GIF "
                                  "needs; install another FFmpeg, or make a "
                                  ".mp4", ffmpeg->path, parts[i][0],
                                  parts[i][1]);
    return COMMAND_OK;
}

static int check_lossless(const FilmOptions *o, const Command *command)
{
    if (o->lossless && o->encoder)
        return command_misused(command, "--lossless chooses the encoder; "
                               "leave --encoder out");
    if (o->lossless && o->crf)
        return command_misused(command, "--lossless keeps every pixel, so "
                               "there is no quality to choose; leave --crf "
                               "out, or --lossless for a smaller film");
    return COMMAND_OK;
}

static int check_values(const Film *film, const Command *command)
{
    const FilmOptions *o = film->options;
    const FilmEncoder *e = film->encoder;

    if (o->crf && !e->quality)
        return command_misused(command, "--crf: %s has no such option; give "
                               "its own ones after --", e->name);
    if (o->preset && !e->speed)
        return command_misused(command, "--preset: %s has no such option; "
                               "give its own ones after --", e->name);
    return COMMAND_OK;
}

int film_choose(Film *film, const FilmOptions *options, Ffmpeg *ffmpeg,
                const Command *command)
{
    int ret;

    *film = (Film){ .options = options,
                    .program = ffmpeg ? ffmpeg->path : "ffmpeg" };
    ret = check_lossless(options, command);
    if (ret == COMMAND_OK)
        ret = choose_kind(film, command);
    if (ret != COMMAND_OK)
        return ret;
    if (options->encoder) {
        film->encoder = find_encoder(film, options->encoder);
        if (ffmpeg && !ffmpeg_has(ffmpeg, "encoder", options->encoder))
            return command_failed(command, "%s: it has no encoder %s",
                                  ffmpeg->path, options->encoder);
    } else {
        ret = choose_encoder(film, ffmpeg, command);
    }
    if (ret == COMMAND_OK && ffmpeg)
        ret = check_parts(film, ffmpeg, command);
    if (ffmpeg)
        film->old_ffmpeg = ffmpeg->libavformat && ffmpeg->libavformat < 61;
    return ret == COMMAND_OK ? check_values(film, command) : ret;
}

int film_is_still(const Film *film)
{
    return film->kind->still && !film->sequence;
}

uint64_t film_most_images(const Film *film)
{
    const FilmOptions *o = film->options;
    double most;

    if (film_is_still(film))
        return 1;
    if (o->frames || !o->rate || !o->duration)
        return o->frames;
    most = (double)o->duration / 1e9 * o->rate_value.num / o->rate_value.den;
    return (uint64_t)most + (most > (double)(uint64_t)most);
}

const char *film_faster(const Film *film)
{
    const char *preset = film->options->preset;

    if (strcmp(film->encoder->name, "libx264"))
        return NULL;
    if (!preset)
        preset = film->encoder->preset;
    for (size_t i = 0; i + 1 < COUNT(presets); i++)
        if (!strcmp(preset, presets[i]))
            return presets[i + 1 < COUNT(presets) - 2 ? i + 1
                                                      : COUNT(presets) - 1];
    return NULL;
}
