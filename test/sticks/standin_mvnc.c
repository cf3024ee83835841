// Copyright 2026 ncs_cluster_detector contributors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// Stands in for the vendor's libmvnc.so (NCSDK 2.10) below the vendor's Python binding: sticks
// without hardware, in so much of its behaviour as the driver meets. Build it with
//
//     gcc -O2 -shared -fPIC -o libmvnc.so standin_mvnc.c -ldl -lm -lpthread
//
// and put a file mvnc/MvNCAPI-ma2450.mvcmd of any content beside it.
//
// Environment, read when the library is loaded:
//   STANDIN_STICKS       number of sticks (2), called 1.1-ma2450, 1.2-ma2450 ...
//   STANDIN_DIR          folder for the locks and the fault files (/tmp/standin_sticks)
//   STANDIN_BOOT_MS (20), STANDIN_TRANSFER_MS (0), STANDIN_COMPUTE_MS (5), STANDIN_CLOSE_MS (0)
//   STANDIN_AMBIENT (30), STANDIN_RISE (45), STANDIN_TAU_SEC (60): warms under load, in Celsius
//
// Files in STANDIN_DIR that act while they exist; 1.1 is the port of the stick:
//   1.1.unplugged        the stick is gone; a link that saw this stays dead until it is closed
//   1.1.CALL             the call fails: the file holds a status number, or "hang". CALL is open,
//                        allocate, write, trigger, compute (hang only), read, thermal, destroy
//                        or close
//   1.1.celsius, 1.1.level   what the thermal statistics tell instead
//
// A graph file is the text "standin-graph WIDTHxHEIGHT WORDS"; the network finds solid rectangles
// of one pure colour: blue is class 7, green 15, red 8. Words:
//   rgb                  it takes red first
//   planes, padded       how its input lies in the stick's memory, instead of pixel by pixel without
//                        gaps; both may be given
//   channels=N           of its input, instead of 3
//   output=CxHxW         dimensions of its output, instead of 1x101x7
//   gaps                 each row of the output is followed by nine values that are none of it

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, ERROR = -2, INVALID_PARAMETERS = -5, NOT_ALLOCATED = -8, UNAUTHORIZED = -9,
       UNSUPPORTED_GRAPH_FILE = -10, UNSUPPORTED_FEATURE = -12, INVALID_DATA_LENGTH = -14,
       INVALID_HANDLE = -15, NOT_FOUND = -4 };
enum { HOST_RO = 0, HOST_WO = 1, FP16 = 0, FP32 = 1 };
enum { NAME_SIZE = 28, THERMAL_VALUES = 25, MOST_JOBS = 64, MOST_BOXES = 100 };

typedef struct { unsigned n, c, w, h, total, c_stride, w_stride, h_stride, type; } descriptor;

typedef struct fifo {
    struct device *device;
    int type, data_type, capacity;
    descriptor graph, host;        // how an element lies on the stick, always halves, and here
    uint8_t *slots;                // what the stick holds
    void **params;
    int head, held, triggered;
} fifo;

typedef struct graph {
    struct device *device;
    char name[NAME_SIZE];
    unsigned width, height;
    descriptor input, output;
    int red_is_first;
    float taken_ms;
} graph;

typedef struct { graph *network; fifo *in, *out; } job;

typedef struct device {
    char port[NAME_SIZE], name[NAME_SIZE];
    int state, lock, graphs, fifos;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    int is_down, down_was_told, ends;
    job jobs[MOST_JOBS];
    int first_job, job_count, is_busy;
    double celsius, as_of;
    float packet[1 + THERMAL_VALUES];
} device;

static int sticks;
static char folder[200];
static double boot_ms, transfer_ms, compute_ms, close_ms, ambient, rise, tau_sec;
static int log_level = 2, open_has_failed;
static int handles_alive, misuses, calls_after_failed_open, waiting, overruns, conversions;

// For the tests: device handles not destroyed, calls in a wrong order, calls that the real library
// might never return from, calls that wait for room or a result, results longer than the array for
// them, inputs that had to be converted.
int standin_handles(void) { return __atomic_load_n(&handles_alive, __ATOMIC_SEQ_CST); }
int standin_misuses(void) { return misuses; }
int standin_calls_after_failed_open(void) { return calls_after_failed_open; }
int standin_overruns(void) { return overruns; }
int standin_conversions(void) { return conversions; }
int standin_waiting(void) { return __atomic_load_n(&waiting, __ATOMIC_SEQ_CST); }

static double setting(const char *name, double otherwise)
{
    const char *text = getenv(name);
    return text && *text ? atof(text) : otherwise;
}

__attribute__((constructor)) static void load(void)
{
    const char *text = getenv("STANDIN_DIR");
    snprintf(folder, sizeof folder, "%s", text && *text ? text : "/tmp/standin_sticks");
    mkdir(folder, 0777);
    sticks = (int)setting("STANDIN_STICKS", 2);
    boot_ms = setting("STANDIN_BOOT_MS", 20);
    transfer_ms = setting("STANDIN_TRANSFER_MS", 0);
    compute_ms = setting("STANDIN_COMPUTE_MS", 5);
    close_ms = setting("STANDIN_CLOSE_MS", 0);
    ambient = setting("STANDIN_AMBIENT", 30);
    rise = setting("STANDIN_RISE", 45);
    tau_sec = setting("STANDIN_TAU_SEC", 60);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void pass(double ms)
{
    if (ms > 0)
        usleep((useconds_t)(ms * 1000));
}

static void count_call(void)
{
    if (open_has_failed)
        __atomic_add_fetch(&calls_after_failed_open, 1, __ATOMIC_SEQ_CST);
}

// ---------------------------------------------------------------- faults

static int read_fault(const char *port, const char *what, char *text, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s.%s", folder, port, what);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(text, 1, size - 1, file);
    text[length] = 0;
    fclose(file);
    return 1;
}

static int is_unplugged(const char *port)
{
    char text[8];
    return read_fault(port, "unplugged", text, sizeof text);
}

// Returns the status that a fault file asks for; waits as long as one says "hang".
static int fault(const char *port, const char *call)
{
    char text[32];
    while (read_fault(port, call, text, sizeof text)) {
        if (strncmp(text, "hang", 4))
            return atoi(text);
        usleep(5000);
    }
    return OK;
}

// ---------------------------------------------------------------- halves

static float from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                : exponent == 0 ? ldexpf(mantissa, -24)
                : ldexpf(mantissa + 1024, exponent - 25);
    return bits & 0x8000 ? -value : value;
}

static uint16_t to_half(float value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    value = fabsf(value);
    if (isnan(value))
        return sign | 0x7e00;
    if (value >= 65520)
        return sign | 0x7c00;
    int exponent = -14;   // what zero has
    if (value > 0)
        frexpf(value, &exponent);
    exponent = exponent - 1 < -14 ? -14 : exponent - 1;
    return sign | (uint16_t)(((exponent + 14) << 10) + lrintf(ldexpf(value, 10 - exponent)));
}

// ---------------------------------------------------------------- the network

static int is_full(uint16_t bits) { return bits >= 0x3bf8 && bits <= 0x3c02; }    // pixel 255
static int is_empty(uint16_t bits) { return bits >= 0xbbf8 && bits <= 0xbc02; }   // pixel 0

static int colour_of(const uint16_t *pixel)
{
    for (int i = 0; i < 3; i++)
        if (is_full(pixel[i]) && is_empty(pixel[(i + 1) % 3]) && is_empty(pixel[(i + 2) % 3]))
            return i;
    return -1;
}

// Returns where a value of a tensor lies.
static uint8_t *at(const descriptor *shape, const void *data, int y, int x, int c)
{
    return (uint8_t *)data + y * shape->h_stride + x * shape->w_stride + c * shape->c_stride;
}

// Output: a header and rows of seven. All places of it that are no values are not numbers.
static void find_rectangles(const graph *g, const uint8_t *input, uint8_t *output)
{
    static const int class_of[] = {7, 15, 8};
    int width = g->width, height = g->height, boxes = 0;
    signed char *colours = malloc(width * height);
    float rows[MOST_BOXES + 1][7] = {{0}};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint16_t pixel[3];
            for (int c = 0; c < 3; c++)
                pixel[g->red_is_first ? 2 - c : c] = *(uint16_t *)at(&g->input, input, y, x, c);
            colours[y * width + x] = colour_of(pixel);
        }
    for (int top = 0; top < height; top++)
        for (int left = 0; left < width; left++) {
            int colour = colours[top * width + left], right = left, bottom = top, whole = 1;
            if (colour < 0)
                continue;
            while (right < width && colours[top * width + right] == colour)
                right++;
            for (; bottom < height && whole; bottom += whole)
                for (int x = left; x < right; x++)
                    whole &= colours[bottom * width + x] == colour;
            for (int y = top; y < bottom; y++)
                memset(colours + y * width + left, -1, right - left);
            if (right - left < 3 || bottom - top < 3 || boxes == MOST_BOXES)
                continue;
            float row[] = {0, class_of[colour], 0.9f, (float)left / width, (float)top / height,
                           (float)right / width, (float)bottom / height};
            memcpy(rows[++boxes], row, sizeof row);
        }
    rows[0][0] = boxes;
    memset(output, 0xff, g->output.total);
    const float *value = rows[0], *end = rows[MOST_BOXES] + 7;
    for (unsigned y = 0; y < g->output.h; y++)
        for (unsigned x = 0; x < g->output.w; x++)
            for (unsigned c = 0; c < g->output.c; c++)
                *(uint16_t *)at(&g->output, output, y, x, c) =
                    to_half(value < end ? *value++ : 0);
    free(colours);
}

// ---------------------------------------------------------------- the inside of a stick

static void update_heat(device *d)
{
    double time = now(), target = d->is_busy ? ambient + rise : ambient;
    d->celsius += (target - d->celsius) * -expm1(-(time - d->as_of) / tau_sec);
    d->as_of = time;
}

static void set_busy(device *d, int is_busy)
{
    update_heat(d);
    d->is_busy = is_busy;
}

// Waits, with the mutex held, while a FIFO is full or empty. Of the calls that wait when the stick
// is unplugged only one is told, the others wait for ever; later calls fail at once.
static int wait_for(device *d, fifo *f, int until_room)
{
    if (d->is_down)
        return ERROR;
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    while (d->is_down ? d->down_was_told : until_room ? f->held == f->capacity : f->held == 0)
        pthread_cond_wait(&d->changed, &d->mutex);
    __atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    d->down_was_told = d->is_down;
    return d->is_down ? ERROR : OK;
}

static uint8_t *slot(fifo *f, int place)
{
    return f->slots + (size_t)((f->head + place) % f->capacity) * f->graph.total;
}

static void run_job(device *d, job *next)
{
    double started = now();
    set_busy(d, 1);
    pthread_mutex_unlock(&d->mutex);
    fault(d->port, "compute");
    pass(compute_ms);
    uint8_t *output = malloc(next->out->graph.total);
    find_rectangles(next->network, slot(next->in, 0), output);
    pthread_mutex_lock(&d->mutex);
    set_busy(d, 0);
    while (next->out->held == next->out->capacity && !d->ends && !d->is_down)
        pthread_cond_wait(&d->changed, &d->mutex);
    if (!d->ends && !d->is_down) {
        memcpy(slot(next->out, next->out->held), output, next->out->graph.total);
        next->out->params[(next->out->head + next->out->held) % next->out->capacity] =
            next->in->params[next->in->head];
        next->out->held++;
        next->in->head = (next->in->head + 1) % next->in->capacity;
        next->in->held--;
        next->in->triggered--;
        next->network->taken_ms = (float)((now() - started) * 1e3);
    }
    free(output);
}

static void *live(void *argument)
{
    device *d = argument;
    pthread_mutex_lock(&d->mutex);
    while (!d->ends) {
        if (!d->is_down && is_unplugged(d->port))
            d->is_down = 1;
        if (d->job_count && !d->is_down) {
            job next = d->jobs[d->first_job];
            d->first_job = (d->first_job + 1) % MOST_JOBS;
            d->job_count--;
            run_job(d, &next);
        } else {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += 10000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&d->changed, &d->mutex, &until);
            if (!d->is_down)
                continue;
        }
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

// ---------------------------------------------------------------- devices

static int open_lock(const char *port)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s.lock", folder, port);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
}

// Returns 0 for a free stick, 1 for one that a process has opened, 2 while it boots.
static int use_of(const char *port)
{
    char mark = 0;
    int use = 0, lock = open_lock(port);
    if (flock(lock, LOCK_SH | LOCK_NB))
        use = pread(lock, &mark, 1, 0) == 1 && mark == 'b' ? 2 : 1;
    close(lock);
    return use;
}

int ncDeviceCreate(int index, device **handle)
{
    count_call();
    for (int i = 1; i <= sticks; i++) {
        char port[NAME_SIZE];
        snprintf(port, sizeof port, "1.%d", i);
        int use = use_of(port);
        if (use == 2 || is_unplugged(port) || index--)
            continue;
        device *d = calloc(1, sizeof *d);
        strcpy(d->port, port);
        snprintf(d->name, sizeof d->name, "%.16s-%s", port, use ? "" : "ma2450");
        d->lock = -1;
        __atomic_add_fetch(&handles_alive, 1, __ATOMIC_SEQ_CST);
        *handle = d;
        return OK;
    }
    return NOT_FOUND;
}

static int firmware_is_there(device *d)
{
    Dl_info info;
    char path[400];
    dladdr(ncDeviceCreate, &info);
    const char *slash = strrchr(info.dli_fname, '/');
    snprintf(path, sizeof path, "%.*smvnc/MvNCAPI%s.mvcmd",
             slash ? (int)(slash + 1 - info.dli_fname) : 0, info.dli_fname, strchr(d->name, '-'));
    return access(path, R_OK) == 0;
}

static int boot(device *d)
{
    int status = fault(d->port, "open");
    if (status != OK)
        return status;
    if (!firmware_is_there(d) || is_unplugged(d->port))
        return ERROR;
    d->lock = open_lock(d->port);
    int is_taken = 1;   // a listing elsewhere may hold the lock for a moment
    for (int i = 0; i < 40 && is_taken; i++) {
        is_taken = flock(d->lock, LOCK_EX | LOCK_NB);
        if (is_taken)
            pass(5);
    }
    if (is_taken || pwrite(d->lock, "b", 1, 0) != 1)
        return ERROR;
    pass(boot_ms);
    return pwrite(d->lock, "s", 1, 0) == 1 ? OK : ERROR;
}

int ncDeviceOpen(device *d)
{
    count_call();
    int status = boot(d);
    if (status != OK) {
        if (d->lock >= 0)
            close(d->lock);
        d->lock = -1;
        open_has_failed = 1;
        return status;
    }
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->celsius = ambient;
    d->as_of = now();
    d->state = 1;
    pthread_create(&d->thread, NULL, live, d);
    return OK;
}

int ncDeviceClose(device *d)
{
    count_call();
    if (!d || d->state != 1)
        return INVALID_HANDLE;
    int status = fault(d->port, "close");
    if (status != OK)
        return status;
    misuses += d->graphs + d->fifos;
    pthread_mutex_lock(&d->mutex);
    d->ends = 1;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->thread, NULL);
    pass(close_ms);
    close(d->lock);
    d->lock = -1;
    d->state = 2;
    return OK;
}

int ncDeviceDestroy(device **handle)
{
    count_call();
    if (!*handle)
        return OK;
    if ((*handle)->state == 1)
        ncDeviceClose(*handle);
    free(*handle);
    *handle = NULL;
    __atomic_sub_fetch(&handles_alive, 1, __ATOMIC_SEQ_CST);
    return OK;
}

static void read_thermal(device *d)
{
    char text[32];
    update_heat(d);
    memmove(d->packet + 2, d->packet + 1, (THERMAL_VALUES - 1) * sizeof *d->packet);
    d->packet[0] = read_fault(d->port, "level", text, sizeof text) ? (float)atof(text) : 0;
    d->packet[1] = read_fault(d->port, "celsius", text, sizeof text) ? (float)atof(text)
                                                                    : (float)d->celsius;
}

int ncDeviceGetOption(device *d, int option, void *data, unsigned *length)
{
    count_call();
    if (!d)
        return INVALID_HANDLE;
    if (option == 2013) {
        strcpy(data, d->name);
        *length = strlen(d->name) + 1;
        return OK;
    }
    if (option == 2002) {
        *(int *)data = d->state;
        return OK;
    }
    if (d->state != 1)
        return UNAUTHORIZED;
    if (option == 2000 || option == 2001) {
        int status = fault(d->port, "thermal");
        pthread_mutex_lock(&d->mutex);
        if (d->is_down)
            status = ERROR;
        if (status == OK) {
            read_thermal(d);
            if (option == 2000)
                memcpy(data, d->packet + 1, THERMAL_VALUES * sizeof *d->packet);
            else
                *(int *)data = (int)d->packet[0];
            *length = option == 2000 ? THERMAL_VALUES * sizeof *d->packet : sizeof(int);
        }
        pthread_mutex_unlock(&d->mutex);
        return status;
    }
    return INVALID_PARAMETERS;
}

int ncDeviceSetOption(device *d, int option, const void *data, unsigned length)
{
    (void)d, (void)option, (void)data, (void)length;
    return UNAUTHORIZED;
}

int ncGlobalSetOption(int option, const void *data, unsigned length)
{
    int value = *(const int *)data;
    if (option != 0 || length < sizeof(int) || value < 0 || value > 4)
        return INVALID_PARAMETERS;
    log_level = value;
    return OK;
}

int ncGlobalGetOption(int option, void *data, unsigned *length)
{
    static const unsigned version[] = {2, 10, 1, 1};
    if (option == 0)
        memcpy(data, &log_level, *length = sizeof log_level);
    else if (option == 1)
        memcpy(data, version, *length = sizeof version);
    else
        return INVALID_PARAMETERS;
    return OK;
}

// ---------------------------------------------------------------- FIFOs

static descriptor dense(unsigned c, unsigned w, unsigned h, int type)
{
    unsigned size = type == FP32 ? 4 : 2;
    return (descriptor){1, c, w, h, size * c * w * h, size, size * c, size * c * w, type};
}

// The widest step times its count (mvnc_api.c:2314).
static unsigned total_of(const descriptor *d)
{
    unsigned strides[] = {d->c_stride, d->w_stride, d->h_stride}, counts[] = {d->c, d->w, d->h};
    unsigned widest = 0, most = 0;
    for (int i = 0; i < 3; i++)
        widest = strides[i] > widest ? strides[i] : widest;
    for (int i = 0; i < 3; i++)
        most = strides[i] == widest && counts[i] > most ? counts[i] : most;
    return d->n * widest * most;
}

// Which dimension is the widest, and which comes next (mvnc_api.c:143).
static int layout_of(const descriptor *d)
{
    unsigned h = d->h_stride, w = d->w_stride, c = d->c_stride;
    unsigned widest = h > w && h > c ? h : w > c && w > h ? w : c;
    if (widest == h)
        return w >= c ? 'h' << 8 | 'w' : 'h' << 8 | 'c';
    if (widest == c)
        return h >= w ? 'c' << 8 | 'h' : 'c' << 8 | 'w';
    return h >= c ? 'w' << 8 | 'h' : 'w' << 8 | 'c';
}

static void convert(const void *from, const descriptor *source, void *to,
                    const descriptor *target)
{
    for (unsigned y = 0; y < source->h; y++)
        for (unsigned x = 0; x < source->w; x++)
            for (unsigned c = 0; c < source->c; c++) {
                void *in = at(source, from, y, x, c), *out = at(target, to, y, x, c);
                float value = source->type == FP32 ? *(float *)in : from_half(*(uint16_t *)in);
                if (target->type == FP32)
                    *(float *)out = value;
                else
                    *(uint16_t *)out = source->type == FP32 ? to_half(value) : *(uint16_t *)in;
            }
}

// As they are go halves in the same order, whatever gaps there are on either side.
static int goes_as_it_is(const fifo *f)
{
    return f->host.type == FP16 && layout_of(&f->graph) == layout_of(&f->host);
}

int ncFifoCreate(const char *name, int type, fifo **handle)
{
    (void)name;
    if (type != HOST_RO && type != HOST_WO)
        return INVALID_PARAMETERS;
    *handle = calloc(1, sizeof **handle);
    (*handle)->type = type;
    (*handle)->data_type = FP32;
    return OK;
}

int ncFifoAllocate(fifo *f, device *d, const descriptor *shape, unsigned capacity)
{
    if (!d || d->state != 1 || !capacity || !shape->total)
        return INVALID_PARAMETERS;
    if (f->device)
        return UNAUTHORIZED;
    f->device = d;
    f->capacity = (int)capacity;
    f->graph = *shape;
    f->host = dense(shape->c, shape->w, shape->h, f->data_type);
    f->slots = malloc((size_t)capacity * f->graph.total);
    f->params = calloc(capacity, sizeof *f->params);
    d->fifos++;
    return OK;
}

int ncFifoDestroy(fifo **handle)
{
    fifo *f = *handle;
    count_call();
    if (!f)
        return INVALID_HANDLE;
    if (f->device) {
        int status = fault(f->device->port, "destroy");
        // The real library reads freed memory when the device is closed already.
        misuses += f->device->state != 1 || f->held;
        if (f->device->is_down)
            return ERROR;
        if (status != OK)
            return status;
        f->device->fifos--;
    }
    free(f->slots);
    free(f->params);
    free(f);
    *handle = NULL;
    return OK;
}

int ncFifoSetOption(fifo *f, int option, const void *data, unsigned length)
{
    (void)length;
    if (option == 11 && f->device) {
        const descriptor *host = data;
        if (host->total != total_of(host) || host->n != f->graph.n || host->c != f->graph.c
            || host->w != f->graph.w || host->h != f->graph.h)
            return INVALID_PARAMETERS;
        f->host = *host;
        return OK;
    }
    if (f->device)
        return UNAUTHORIZED;
    if (option == 0)
        f->type = *(const int *)data;
    else if (option == 2)
        f->data_type = *(const int *)data;
    else
        return option == 3 ? UNSUPPORTED_FEATURE : UNAUTHORIZED;
    return OK;
}

int ncFifoGetOption(fifo *f, int option, void *data, unsigned *length)
{
    if (!f)
        return INVALID_HANDLE;
    if (!f->device)
        return NOT_ALLOCATED;
    int *value = data;
    *length = sizeof *value;
    switch (option) {
    case 0: *value = f->type; return OK;
    case 2: *value = (int)f->host.type; return OK;
    case 4: *value = f->capacity; return OK;
    case 5: *value = f->held; return f->type == HOST_RO ? OK : UNAUTHORIZED;
    case 6: *value = f->held; return f->type == HOST_WO ? OK : UNAUTHORIZED;
    case 7: *(descriptor *)data = f->graph; return OK;
    case 8: *value = 1; return OK;
    case 10: *value = (int)f->host.total; return OK;
    case 11: *(descriptor *)data = f->host; return OK;
    default: return INVALID_PARAMETERS;
    }
}

int ncFifoWriteElem(fifo *f, const void *tensor, unsigned *length, void *param)
{
    count_call();
    if (!f)
        return INVALID_HANDLE;
    if (!f->device)
        return NOT_ALLOCATED;
    if (f->type != HOST_WO)
        return UNAUTHORIZED;
    if (*length != f->host.total) {
        *length = f->host.total;
        return INVALID_DATA_LENGTH;
    }
    device *d = f->device;
    int status = fault(d->port, "write");
    if (status != OK)
        return status;
    pass(transfer_ms);
    pthread_mutex_lock(&d->mutex);
    status = wait_for(d, f, 1);
    if (status == OK) {
        uint8_t *element = slot(f, f->held);
        if (goes_as_it_is(f)) {
            memcpy(element, tensor, *length < f->graph.total ? *length : f->graph.total);
        } else {
            conversions++;
            convert(tensor, &f->host, element, &f->graph);
        }
        f->params[(f->head + f->held) % f->capacity] = param;
        f->held++;
    }
    pthread_mutex_unlock(&d->mutex);
    return status;
}

int ncFifoReadElem(fifo *f, void *data, unsigned *length, void **param)
{
    count_call();
    if (!f)
        return INVALID_HANDLE;
    if (!f->device)
        return NOT_ALLOCATED;
    if (f->type != HOST_RO)
        return UNAUTHORIZED;
    device *d = f->device;
    int status = fault(d->port, "read");
    if (status != OK)
        return status;
    pthread_mutex_lock(&d->mutex);
    status = wait_for(d, f, 0);
    if (status == OK) {
        uint8_t *element = slot(f, 0);
        *length = f->host.total;
        if (goes_as_it_is(f)) {
            // The real library writes beyond the end.
            overruns += f->graph.total > *length;
            memcpy(data, element, f->graph.total < *length ? f->graph.total : *length);
        } else {
            convert(element, &f->graph, data, &f->host);
        }
        *param = f->params[f->head];
        f->head = (f->head + 1) % f->capacity;
        f->held--;
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->mutex);
    return status;
}

int ncFifoRemoveElem(fifo *f)
{
    (void)f;
    return UNSUPPORTED_FEATURE;
}

// ---------------------------------------------------------------- graphs

int ncGraphCreate(const char *name, graph **handle)
{
    *handle = calloc(1, sizeof **handle);
    snprintf((*handle)->name, NAME_SIZE, "%s", name);
    return OK;
}

static void read_words(graph *g, const char *text)
{
    const char *word = strstr(text, "channels=");
    unsigned channels = word ? (unsigned)atoi(word + 9) : 3;
    unsigned c = 1, h = MOST_BOXES + 1, w = 7, gap = strstr(text, "padded") ? 10 : 0;
    g->red_is_first = strstr(text, "rgb") != NULL;
    g->input = dense(channels, g->width, g->height, FP16);
    if (strstr(text, "planes")) {
        g->input.w_stride = 2;
        g->input.h_stride = 2 * g->width + gap;
        g->input.c_stride = g->input.h_stride * g->height;
    } else {
        g->input.h_stride += gap;
    }
    g->input.total = total_of(&g->input);
    word = strstr(text, "output=");
    if (word)
        sscanf(word, "output=%ux%ux%u", &c, &h, &w);
    g->output = dense(c, w, h, FP16);
    if (strstr(text, "gaps"))
        g->output.h_stride += 18;
    g->output.total = total_of(&g->output);
}

int ncGraphAllocate(device *d, graph *g, const void *buffer, unsigned length)
{
    char text[128] = "";
    count_call();
    if (!d || d->state != 1)
        return INVALID_PARAMETERS;
    int status = fault(d->port, "allocate");
    if (status != OK)
        return status;
    if (!length || d->is_down)
        return ERROR;
    memcpy(text, buffer, length < sizeof text ? length : sizeof text - 1);
    if (sscanf(text, "standin-graph %ux%u", &g->width, &g->height) != 2)
        return UNSUPPORTED_GRAPH_FILE;
    read_words(g, text);
    g->device = d;
    d->graphs++;
    return OK;
}

int ncGraphAllocateWithFifosEx(device *d, graph *g, const void *buffer, unsigned length,
                               fifo **in, int in_type, unsigned in_capacity, int in_data,
                               fifo **out, int out_type, unsigned out_capacity, int out_data)
{
    if (!in_capacity || !out_capacity)
        return INVALID_PARAMETERS;
    int status = ncGraphAllocate(d, g, buffer, length);
    if (status != OK)
        return status;
    if (in_type != HOST_WO || out_type != HOST_RO)
        return INVALID_PARAMETERS;
    ncFifoCreate("fifoIn0", in_type, in);
    ncFifoCreate("fifoOut0", out_type, out);
    ncFifoSetOption(*in, 2, &in_data, sizeof in_data);
    ncFifoSetOption(*out, 2, &out_data, sizeof out_data);
    ncFifoAllocate(*in, d, &g->input, in_capacity);
    return ncFifoAllocate(*out, d, &g->output, out_capacity);
}

int ncGraphQueueInference(graph *g, fifo **in, unsigned in_count, fifo **out, unsigned out_count)
{
    count_call();
    if (in_count != 1 || out_count != 1)
        return INVALID_PARAMETERS;
    if (!g || !g->device)
        return NOT_ALLOCATED;
    device *d = g->device;
    int status = fault(d->port, "trigger");
    pthread_mutex_lock(&d->mutex);
    if (d->is_down)
        status = ERROR;
    if (status == OK && (*in)->triggered >= (*in)->held)
        status = UNAUTHORIZED;
    if (status == OK && d->job_count == MOST_JOBS)
        status = ERROR;
    if (status == OK) {
        (*in)->triggered++;
        d->jobs[(d->first_job + d->job_count++) % MOST_JOBS] = (job){g, *in, *out};
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->mutex);
    return status;
}

int ncGraphQueueInferenceWithFifoElem(graph *g, fifo *in, fifo *out, const void *tensor,
                                      unsigned *length, void *param)
{
    int status = ncFifoWriteElem(in, tensor, length, param);
    return status == OK ? ncGraphQueueInference(g, &in, 1, &out, 1) : status;
}

int ncGraphGetOption(graph *g, int option, void *data, unsigned *length)
{
    count_call();
    if (option == 1007) {
        strcpy(data, g->name);
        return OK;
    }
    if (!g->device)
        return NOT_ALLOCATED;
    switch (option) {
    // In the real library this makes all later inferences fail.
    case 1000: misuses++; *(int *)data = 1; return OK;
    case 1001: *(float *)data = g->taken_ms; *length = sizeof(float); return OK;
    case 1002: case 1003: *(int *)data = 1; return OK;
    case 1004: *(descriptor *)data = g->input; return OK;
    case 1005: *(descriptor *)data = g->output; return OK;
    case 1011: *(int *)data = sizeof(float); return OK;
    default: return INVALID_PARAMETERS;
    }
}

int ncGraphSetOption(graph *g, int option, const void *data, unsigned length)
{
    (void)g, (void)option, (void)data, (void)length;
    return UNAUTHORIZED;
}

int ncGraphDestroy(graph **handle)
{
    graph *g = *handle;
    count_call();
    if (!g)
        return OK;
    if (g->device) {
        misuses += g->device->state != 1;
        if (g->device->is_down)
            return ERROR;
        int status = fault(g->device->port, "destroy");
        if (status != OK)
            return status;
        g->device->graphs--;
    }
    free(g);
    *handle = NULL;
    return OK;
}
