/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server that draws with OpenGL off screen, with or without a GPU, and has
 * each image written straight into the shared buffer. See README.md. */
#define GL_GLEXT_PROTOTYPES
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/glcorearb.h>
#include <shmimage.h>
#include <stdio.h>

enum { WIDTH = 640, HEIGHT = 360, VERTICES = 66 * 512 };

/* A knotted tube. OpenGL gives the bottom row first: hence the minus at y. */
static const char *const vertex_shader = "#version 330\n"
    "uniform float time; out vec3 p, n; out float hue;\n"
    "vec3 knot(float t) { return vec3(cos(2 * t) * (2 + cos(3 * t)),\n"
    "    sin(2 * t) * (2 + cos(3 * t)), 1.4 * sin(3 * t)) * .5; }\n"
    "void main() {\n"
    "    int v = gl_VertexID % 66, row = gl_VertexID / 66 + v % 2;\n"
    "    float t = radians(360) * row / 512, a = radians(360) * (v / 2) / 32;\n"
    "    vec3 along = normalize(knot(t + .01) - knot(t));\n"
    "    vec3 x = normalize(cross(along, knot(t) + vec3(0, 0, 9)));\n"
    "    float s = sin(time), c = cos(time), k = .8, l = .6;\n"
    "    mat3 turn = mat3(c, l * s, -k * s, 0, k, l, s, -l * c, k * c);\n"
    "    hue = .5 + .5 * sin(9 * t + 2 * a - 6 * time);\n"
    "    n = turn * (x * cos(a) + cross(along, x) * sin(a));\n"
    "    p = turn * knot(t) + (.3 + .03 * hue) * n;\n"
    "    gl_Position = vec4(p.x * 1.35, -p.y * 2.4, -p.z, 5 - p.z); }";
static const char *const fragment_shader = "#version 330\n"
    "in vec3 p, n; in float hue; out vec4 colour;\n"
    "const vec3 light = vec3(-.43, .68, .6); void main() {\n"
    "    vec3 N = normalize(n), eye = normalize(vec3(0, 0, 5) - p);\n"
    "    vec3 base = .5 + .5 * cos(4. * hue + vec3(2.9, 4.2, 5.4));\n"
    "    float shine = pow(max(dot(reflect(-light, N), eye), 0), 40);\n"
    "    colour = vec4(base * (.3 + max(dot(N, light), 0)) + .6 * shine, 1); }";

static GLuint start_opengl(void)
{
    const EGLint wanted[] = {
        EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT,
        EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8,
        EGL_DEPTH_SIZE, 24, EGL_SAMPLES, 4, EGL_NONE };
    const EGLint size[] = { EGL_WIDTH, WIDTH, EGL_HEIGHT, HEIGHT, EGL_NONE };
    EGLDisplay display = eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA,
                                               EGL_DEFAULT_DISPLAY, NULL);
    EGLConfig config = NULL;
    EGLSurface surface;

    eglInitialize(display, NULL, NULL);
    eglBindAPI(EGL_OPENGL_API);
    eglChooseConfig(display, wanted, &config, 1, &(EGLint){ 0 });
    surface = eglCreatePbufferSurface(display, config, size);
    if (!eglMakeCurrent(display, surface, surface,
                        eglCreateContext(display, config, NULL, NULL)))
        return 0;
    return glCreateProgram();
}

static void add_shader(GLuint program, GLenum kind, const char *source)
{
    GLuint shader = glCreateShader(kind);

    glShaderSource(shader, 1, &source, NULL);
    glCompileShader(shader);
    glAttachShader(program, shader);
}

int main(int argc, char **argv)
{
    ShmImageWriter *writer;
    int ret = shmimage_writer_open(argc > 1 ? argv[1] : "live.shm", 0, &writer);
    const GLuint program = start_opengl();
    uint8_t *pixels;

    if (!program) {
        fprintf(stderr, "can't draw: EGL's error is %#x\n", eglGetError());
        return 1;
    }
    add_shader(program, GL_VERTEX_SHADER, vertex_shader);
    add_shader(program, GL_FRAGMENT_SHADER, fragment_shader);
    glLinkProgram(program);
    glUseProgram(program);
    glEnable(GL_DEPTH_TEST);
    glClearColor(.05f, .06f, .1f, 1);
    glPixelStorei(GL_PACK_ALIGNMENT, 1); /* no gaps between rows */
    for (uint32_t n = 0; ret >= 0; n++) {
        glClear(GL_COLOR_BUFFER_BIT | GL_DEPTH_BUFFER_BIT);
        glUniform1f(glGetUniformLocation(program, "time"), (float)n / 60);
        glDrawArrays(GL_TRIANGLE_STRIP, 0, VERTICES);
        shmimage_writer_wait(writer, SHMIMAGE_FOREVER); /* or drop images */
        ret = shmimage_writer_begin(writer, n, WIDTH, HEIGHT, &pixels);
        if (ret != SHMIMAGE_OK)
            continue;
        glReadPixels(0, 0, WIDTH, HEIGHT, GL_RGB, GL_UNSIGNED_BYTE, pixels);
        ret = shmimage_writer_commit(writer);
    }
    fprintf(stderr, "%s\n", shmimage_error_message());
    return 1;
}
