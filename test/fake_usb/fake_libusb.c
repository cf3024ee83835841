/* Copyright 2026 ncs_cluster_detector contributors
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 *
 * A libusb-1.0 without USB: it forwards each transfer to a server process, which plays the sticks.
 *
 * FAKEUSB_SOCKET names the server's socket. It has the calls that the vendor's libmvnc.so makes,
 * and those that pyusb needs. A handle has two connections, one for control and OUT, one for IN,
 * so that both directions block independently; a reset has one of its own, as it must not wait
 * for a transfer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- what libusb-1.0 promises to its callers: names, numbers and layouts */

enum {
    SUCCESS = 0, ERROR_IO = -1, ERROR_INVALID_PARAM = -2, ERROR_ACCESS = -3,
    ERROR_NO_DEVICE = -4, ERROR_NOT_FOUND = -5, ERROR_BUSY = -6, ERROR_TIMEOUT = -7,
    ERROR_OVERFLOW = -8, ERROR_PIPE = -9, ERROR_INTERRUPTED = -10, ERROR_NO_MEM = -11,
    ERROR_NOT_SUPPORTED = -12, ERROR_OTHER = -99
};
enum { TYPE_DEVICE = 1, TYPE_CONFIG, TYPE_STRING, TYPE_INTERFACE, TYPE_ENDPOINT };
enum { BULK = 2, SPEED_HIGH = 3, ENDPOINT_IN = 0x80, VENDOR_CLASS = 0xff };

struct libusb_device_descriptor {
    uint8_t bLength, bDescriptorType;
    uint16_t bcdUSB;
    uint8_t bDeviceClass, bDeviceSubClass, bDeviceProtocol, bMaxPacketSize0;
    uint16_t idVendor, idProduct, bcdDevice;
    uint8_t iManufacturer, iProduct, iSerialNumber, bNumConfigurations;
};
struct libusb_endpoint_descriptor {
    uint8_t bLength, bDescriptorType, bEndpointAddress, bmAttributes;
    uint16_t wMaxPacketSize;
    uint8_t bInterval, bRefresh, bSynchAddress;
    const unsigned char *extra;
    int extra_length;
};
struct libusb_interface_descriptor {
    uint8_t bLength, bDescriptorType, bInterfaceNumber, bAlternateSetting, bNumEndpoints;
    uint8_t bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol, iInterface;
    const struct libusb_endpoint_descriptor *endpoint;
    const unsigned char *extra;
    int extra_length;
};
struct libusb_interface {
    const struct libusb_interface_descriptor *altsetting;
    int num_altsetting;
};
struct libusb_config_descriptor {
    uint8_t bLength, bDescriptorType;
    uint16_t wTotalLength;
    uint8_t bNumInterfaces, bConfigurationValue, iConfiguration, bmAttributes, MaxPower;
    const struct libusb_interface *interface;
    const unsigned char *extra;
    int extra_length;
};
struct libusb_version {
    uint16_t major, minor, micro, nano;
    const char *rc, *describe;
};

/* ---- what the server understands: see protocol.py */

enum {
    OP_LIST = 1, OP_OPEN, OP_ATTACH, OP_CLAIM, OP_RELEASE, OP_SET_CONFIGURATION, OP_OUT, OP_IN,
    OP_RESET, OP_GET_CONFIGURATION, OP_CLEAR_HALT
};
struct request { uint32_t op, a, b, length; int32_t timeout; };
struct reply { int32_t status; uint32_t actual, length; };
struct entry {
    uint32_t session;
    uint16_t vendor, product;
    uint8_t bus, address, port_count, ports[7];
    uint16_t max_packet;
} __attribute__((packed));

/* ---- our objects */

struct libusb_context { int unused; };
struct libusb_device { atomic_int references; struct entry entry; };
struct libusb_device_handle {
    struct libusb_device *device;
    uint32_t number;               /* by which the server knows the handle */
    int out, in;                   /* connections */
    pthread_mutex_t out_mutex, in_mutex;
};
typedef struct libusb_context Context;
typedef struct libusb_device Device;
typedef struct libusb_device_handle Handle;

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static int list_connection = -1;
static pid_t list_owner;           /* a forked child must not share the connection */

static int connect_to_server(void)
{
    const char *path = getenv("FAKEUSB_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path ? path : "bus.sock", sizeof address.sun_path - 1);
    if (connection >= 0 && connect(connection, (struct sockaddr *) &address, sizeof address)) {
        close(connection);
        return -1;
    }
    return connection;
}

static int send_all(int connection, const void *data, size_t length)
{
    while (length) {
        ssize_t sent = send(connection, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return -1;
        data = (const char *) data + sent;
        length -= sent;
    }
    return 0;
}

static int receive_all(int connection, void *data, size_t length)
{
    while (length) {
        ssize_t received = recv(connection, data, length, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received <= 0) return -1;
        data = (char *) data + received;
        length -= received;
    }
    return 0;
}

static int ask(int connection, struct request request, const void *data, struct reply *reply)
{
    if (send_all(connection, &request, sizeof request)
        || (data && send_all(connection, data, request.length))
        || receive_all(connection, reply, sizeof *reply))
        return ERROR_NO_DEVICE;
    return reply->status;
}

static int ask_on_handle(Handle *handle, uint32_t op, uint32_t argument, struct reply *reply)
{
    int status;

    pthread_mutex_lock(&handle->out_mutex);
    status = ask(handle->out, (struct request) { .op = op, .a = argument }, NULL, reply);
    pthread_mutex_unlock(&handle->out_mutex);
    return status;
}

/* ---- contexts */

int libusb_init(Context **context)
{
    if (context) *context = calloc(1, sizeof **context);
    return context && !*context ? ERROR_NO_MEM : SUCCESS;
}
int libusb_init_context(Context **context, const void *options, int count)
{
    (void) options; (void) count;
    return libusb_init(context);
}
void libusb_exit(Context *context) { free(context); }
void libusb_set_debug(Context *context, int level) { (void) context; (void) level; }
int libusb_set_option(Context *context, int option, ...)
{
    (void) context; (void) option;
    return SUCCESS;
}
int libusb_has_capability(uint32_t capability) { return capability == 0; }
const struct libusb_version *libusb_get_version(void)
{
    static const struct libusb_version version = { 1, 0, 27, 0, "", "fake" };
    return &version;
}
const char *libusb_error_name(int code)
{
    static const struct { int code; const char *name; } names[] = {
        { SUCCESS, "LIBUSB_SUCCESS" }, { ERROR_IO, "LIBUSB_ERROR_IO" },
        { ERROR_INVALID_PARAM, "LIBUSB_ERROR_INVALID_PARAM" },
        { ERROR_ACCESS, "LIBUSB_ERROR_ACCESS" }, { ERROR_NO_DEVICE, "LIBUSB_ERROR_NO_DEVICE" },
        { ERROR_NOT_FOUND, "LIBUSB_ERROR_NOT_FOUND" }, { ERROR_BUSY, "LIBUSB_ERROR_BUSY" },
        { ERROR_TIMEOUT, "LIBUSB_ERROR_TIMEOUT" }, { ERROR_OVERFLOW, "LIBUSB_ERROR_OVERFLOW" },
        { ERROR_PIPE, "LIBUSB_ERROR_PIPE" }, { ERROR_INTERRUPTED, "LIBUSB_ERROR_INTERRUPTED" },
        { ERROR_NO_MEM, "LIBUSB_ERROR_NO_MEM" },
        { ERROR_NOT_SUPPORTED, "LIBUSB_ERROR_NOT_SUPPORTED" },
        { ERROR_OTHER, "LIBUSB_ERROR_OTHER" } };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code) return names[i].name;
    return "**UNKNOWN**";
}
const char *libusb_strerror(int code) { return libusb_error_name(code); }

/* ---- devices */

static ssize_t read_list(Device ***list)
{
    struct reply reply;
    Device **devices;
    size_t count;

    if (ask(list_connection, (struct request) { .op = OP_LIST }, NULL, &reply)) return ERROR_IO;
    count = reply.length / sizeof(struct entry);
    devices = calloc(count + 1, sizeof *devices);
    for (size_t i = 0; i < count; i++) {
        devices[i] = calloc(1, sizeof **devices);
        devices[i]->references = 1;
        receive_all(list_connection, &devices[i]->entry, sizeof devices[i]->entry);
    }
    *list = devices;
    return count;
}
ssize_t libusb_get_device_list(Context *context, Device ***list)
{
    ssize_t count = ERROR_IO;

    (void) context;
    pthread_mutex_lock(&list_mutex);
    if (list_connection >= 0 && list_owner != getpid()) {
        close(list_connection);
        list_connection = -1;
    }
    if (list_connection < 0) {
        list_connection = connect_to_server();
        list_owner = getpid();
    }
    if (list_connection >= 0) {
        count = read_list(list);
        if (count < 0) {
            close(list_connection);
            list_connection = -1;
        }
    }
    pthread_mutex_unlock(&list_mutex);
    return count;
}
Device *libusb_ref_device(Device *device)
{
    atomic_fetch_add(&device->references, 1);
    return device;
}
void libusb_unref_device(Device *device)
{
    if (device && atomic_fetch_sub(&device->references, 1) == 1) free(device);
}
void libusb_free_device_list(Device **list, int unref)
{
    for (size_t i = 0; list && unref && list[i]; i++) libusb_unref_device(list[i]);
    free(list);
}
uint8_t libusb_get_bus_number(Device *device) { return device->entry.bus; }
uint8_t libusb_get_device_address(Device *device) { return device->entry.address; }
int libusb_get_device_speed(Device *device) { (void) device; return SPEED_HIGH; }
Device *libusb_get_parent(Device *device) { (void) device; return NULL; }
uint8_t libusb_get_port_number(Device *device)
{
    return device->entry.port_count ? device->entry.ports[device->entry.port_count - 1] : 0;
}
int libusb_get_port_numbers(Device *device, uint8_t *ports, int length)
{
    if (length <= 0) return ERROR_INVALID_PARAM;
    if (device->entry.port_count > length) return ERROR_OVERFLOW;
    memcpy(ports, device->entry.ports, device->entry.port_count);
    return device->entry.port_count;
}
int libusb_get_port_path(Context *context, Device *device, uint8_t *ports, uint8_t length)
{
    (void) context;
    return libusb_get_port_numbers(device, ports, length);
}
int libusb_get_max_packet_size(Device *device, unsigned char endpoint)
{
    (void) endpoint;
    return device->entry.max_packet;
}
int libusb_get_max_iso_packet_size(Device *device, unsigned char endpoint)
{
    return libusb_get_max_packet_size(device, endpoint);
}

/* ---- descriptors: one configuration, one interface, bulk 0x81 and 0x01 */

int libusb_get_device_descriptor(Device *device, struct libusb_device_descriptor *descriptor)
{
    *descriptor = (struct libusb_device_descriptor) {
        .bLength = 18, .bDescriptorType = TYPE_DEVICE, .bcdUSB = 0x200,
        .bDeviceClass = VENDOR_CLASS, .bMaxPacketSize0 = 64, .idVendor = device->entry.vendor,
        .idProduct = device->entry.product, .bcdDevice = 1, .bNumConfigurations = 1 };
    return SUCCESS;
}
struct configuration {             /* all that a caller can reach, in one piece of memory */
    struct libusb_config_descriptor descriptor;
    struct libusb_interface interface;
    struct libusb_interface_descriptor setting;
    struct libusb_endpoint_descriptor endpoints[2];
};
int libusb_get_config_descriptor(Device *device, uint8_t index,
                                 struct libusb_config_descriptor **descriptor)
{
    struct configuration *all = index ? NULL : calloc(1, sizeof *all);

    if (!all) return index ? ERROR_NOT_FOUND : ERROR_NO_MEM;
    for (int i = 0; i < 2; i++)
        all->endpoints[i] = (struct libusb_endpoint_descriptor) {
            .bLength = 7, .bDescriptorType = TYPE_ENDPOINT, .bmAttributes = BULK,
            .bEndpointAddress = i ? 0x01 : 0x81, .wMaxPacketSize = device->entry.max_packet };
    all->setting = (struct libusb_interface_descriptor) {
        .bLength = 9, .bDescriptorType = TYPE_INTERFACE, .bNumEndpoints = 2,
        .bInterfaceClass = VENDOR_CLASS, .endpoint = all->endpoints };
    all->interface = (struct libusb_interface) { &all->setting, 1 };
    all->descriptor = (struct libusb_config_descriptor) {
        .bLength = 9, .bDescriptorType = TYPE_CONFIG, .wTotalLength = 32, .bNumInterfaces = 1,
        .bConfigurationValue = 1, .bmAttributes = 0x80, .MaxPower = 250,
        .interface = &all->interface };
    *descriptor = &all->descriptor;
    return SUCCESS;
}
int libusb_get_active_config_descriptor(Device *device,
                                        struct libusb_config_descriptor **descriptor)
{
    return libusb_get_config_descriptor(device, 0, descriptor);
}
int libusb_get_config_descriptor_by_value(Device *device, uint8_t value,
                                          struct libusb_config_descriptor **descriptor)
{
    return libusb_get_config_descriptor(device, value == 1 ? 0 : 1, descriptor);
}
void libusb_free_config_descriptor(struct libusb_config_descriptor *descriptor)
{
    free(descriptor);              /* the first member of struct configuration */
}

/* ---- handles */

int libusb_open(Device *device, Handle **opened)
{
    struct reply reply;
    Handle *handle = calloc(1, sizeof *handle);
    int status = ERROR_NO_DEVICE;

    handle->out = connect_to_server();
    handle->in = connect_to_server();
    if (handle->out >= 0 && handle->in >= 0)
        status = ask(handle->out, (struct request) {
            .op = OP_OPEN, .a = device->entry.session, .b = getpid() }, NULL, &reply);
    if (!status) {
        handle->number = reply.actual;
        status = ask(handle->in, (struct request) { .op = OP_ATTACH, .a = handle->number }, NULL,
                     &reply);
    }
    if (status) {
        if (handle->out >= 0) close(handle->out);
        if (handle->in >= 0) close(handle->in);
        free(handle);
        return status;
    }
    pthread_mutex_init(&handle->out_mutex, NULL);
    pthread_mutex_init(&handle->in_mutex, NULL);
    handle->device = libusb_ref_device(device);
    *opened = handle;
    return SUCCESS;
}
Handle *libusb_open_device_with_vid_pid(Context *context, uint16_t vendor, uint16_t product)
{
    Device **list;
    Handle *handle = NULL;

    if (libusb_get_device_list(context, &list) < 0) return NULL;
    for (size_t i = 0; list[i] && !handle; i++)
        if (list[i]->entry.vendor == vendor && list[i]->entry.product == product)
            if (libusb_open(list[i], &handle)) handle = NULL;
    libusb_free_device_list(list, 1);
    return handle;
}
void libusb_close(Handle *handle)
{
    if (!handle) return;
    /* As with the real one, the handle's memory is freed even while another thread reads. */
    shutdown(handle->in, SHUT_RDWR);
    shutdown(handle->out, SHUT_RDWR);
    close(handle->in);
    close(handle->out);
    libusb_unref_device(handle->device);
    free(handle);
}
Device *libusb_get_device(Handle *handle) { return handle->device; }

int libusb_set_configuration(Handle *handle, int value)
{
    struct reply reply;
    return ask_on_handle(handle, OP_SET_CONFIGURATION, value, &reply);
}
int libusb_get_configuration(Handle *handle, int *value)
{
    struct reply reply;
    int status = ask_on_handle(handle, OP_GET_CONFIGURATION, 0, &reply);

    if (!status) *value = 1;
    return status;
}
int libusb_claim_interface(Handle *handle, int number)
{
    struct reply reply;
    return number ? ERROR_NOT_FOUND : ask_on_handle(handle, OP_CLAIM, number, &reply);
}
int libusb_release_interface(Handle *handle, int number)
{
    struct reply reply;
    return number ? ERROR_NOT_FOUND : ask_on_handle(handle, OP_RELEASE, number, &reply);
}
int libusb_set_interface_alt_setting(Handle *handle, int number, int setting)
{
    int value;
    return number || setting ? ERROR_NOT_FOUND : libusb_get_configuration(handle, &value);
}
int libusb_clear_halt(Handle *handle, unsigned char endpoint)
{
    struct reply reply;
    return ask_on_handle(handle, OP_CLEAR_HALT, endpoint, &reply);
}
int libusb_reset_device(Handle *handle)
{
    struct reply reply;
    int status, connection = connect_to_server();

    if (connection < 0) return ERROR_NOT_FOUND;
    status = ask(connection, (struct request) { .op = OP_RESET, .a = handle->number }, NULL,
                 &reply);
    close(connection);
    return status;
}
int libusb_kernel_driver_active(Handle *handle, int number)
{
    (void) handle;
    return number ? ERROR_NOT_FOUND : 0;
}
int libusb_detach_kernel_driver(Handle *handle, int number)
{
    (void) handle; (void) number;
    return ERROR_NOT_FOUND;        /* no kernel driver is attached to a stick */
}
int libusb_attach_kernel_driver(Handle *handle, int number)
{
    (void) handle; (void) number;
    return ERROR_NOT_FOUND;
}
int libusb_set_auto_detach_kernel_driver(Handle *handle, int enable)
{
    (void) handle; (void) enable;
    return SUCCESS;
}

/* ---- transfers */

int libusb_bulk_transfer(Handle *handle, unsigned char endpoint, unsigned char *data, int length,
                         int *transferred, unsigned int timeout)
{
    struct reply reply = { 0 };
    int is_in = endpoint & ENDPOINT_IN, connection = is_in ? handle->in : handle->out, status;
    pthread_mutex_t *mutex = is_in ? &handle->in_mutex : &handle->out_mutex;
    struct request request = {
        .op = is_in ? OP_IN : OP_OUT, .a = endpoint, .length = length, .timeout = timeout };

    if (transferred) *transferred = 0;
    pthread_mutex_lock(mutex);
    status = ask(connection, request, is_in ? NULL : data, &reply);
    if (reply.length && receive_all(connection, data, reply.length)) {
        status = ERROR_NO_DEVICE;
        reply.actual = 0;
    }
    pthread_mutex_unlock(mutex);
    if (transferred) *transferred = reply.actual;
    return status;
}
int libusb_interrupt_transfer(Handle *handle, unsigned char endpoint, unsigned char *data,
                              int length, int *transferred, unsigned int timeout)
{
    (void) handle; (void) endpoint; (void) data; (void) length; (void) timeout;
    if (transferred) *transferred = 0;
    return ERROR_NOT_SUPPORTED;
}
int libusb_control_transfer(Handle *handle, uint8_t type, uint8_t request, uint16_t value,
                            uint16_t index, unsigned char *data, uint16_t length,
                            unsigned int timeout)
{
    (void) handle; (void) type; (void) request; (void) value; (void) index; (void) data;
    (void) length; (void) timeout;
    return ERROR_NOT_SUPPORTED;
}
int libusb_get_string_descriptor_ascii(Handle *handle, uint8_t index, unsigned char *data,
                                       int length)
{
    (void) handle; (void) index; (void) data; (void) length;
    return ERROR_NOT_SUPPORTED;
}
void *libusb_alloc_transfer(int packets) { (void) packets; return NULL; }
void libusb_free_transfer(void *transfer) { (void) transfer; }
int libusb_submit_transfer(void *transfer) { (void) transfer; return ERROR_NOT_SUPPORTED; }
int libusb_cancel_transfer(void *transfer) { (void) transfer; return ERROR_NOT_FOUND; }
int libusb_handle_events(Context *context) { (void) context; return SUCCESS; }
