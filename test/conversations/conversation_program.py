# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A program for NCSDK 2 whose conversations with a stick are compared: ``PROGRAM SCENARIO FILE``.

It marks the beginning of each operation in the record of the fake bus, and appends to a file what
each call returned or raised, a JSON list a line. It uses nothing but ``mvnc.mvncapi``.
"""

from collections import Counter
import json
import os
from pathlib import Path
import signal
import socket
import sys
import threading
import time

from mvnc import mvncapi
import numpy as np

INFERENCES = 100
READINGS = 20
COLOURS = (-1.0, 0.0, 1.0, 2.0)
MOST_LOOKS, LOOK_SEC = 3000, 0.01


class Tensor:
    """A tensor as the vendor's binding takes it with every NumPy: it asks for ``tostring()``."""

    def __init__(self, values):
        """Hold an array."""
        self._values = values

    def tostring(self):
        """Return its bytes."""
        return self._values.tobytes()


def tell(what, told):
    """Write what the program sees; a killed process leaves all of it."""
    with open(sys.argv[2], 'a') as file:
        print(json.dumps([what, told]), file=file)


def mark(operation):
    """Write the beginning of an operation to the record and to the file."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(Path(os.environ['FAKEUSB_DIR']) / 'ctl.sock'))
        peer.sendall(f'record {operation}'.encode())
        assert peer.recv(4096) == b'ok'
    tell('operation', operation)


def plain(value):
    """Return a value of an option as JSON can hold it."""
    if isinstance(value, mvncapi.TensorDescriptor):
        return [int(getattr(value, name)) for name, _ in mvncapi.TensorDescriptor._fields_]
    if isinstance(value, np.ndarray):
        return [float(one) for one in value]
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value if isinstance(value, (str, float)) else int(value)


def say(what, call, *arguments):
    """Tell what a call returned or raised; return it."""
    result = None
    try:
        result = call(*arguments)
    except Exception as error:   # the API raises nothing more special
        tell(what, f'{type(error).__name__} {error}')
    else:
        told = '' if result is None or isinstance(result, tuple) else plain(result)
        tell(what, told)
    return result


def say_options(what, thing, options, leave_out=()):
    """Tell all options of a device, a graph or a FIFO."""
    for option in options:
        if option.name not in leave_out:
            say(f'{what} {option.name}', thing.get_option, option)


def wait_until_released():
    """Wait until the record has the release of each packet: another thread may write the last."""
    record = Path(sys.argv[2]).with_name('record.jsonl')
    for _ in range(MOST_LOOKS):
        lines = map(json.loads, record.read_text().splitlines())
        seen = Counter((line.get('sender'), line.get('kind')) for line in lines)
        if seen['stick', 'WRITE_REQ'] == seen['stick', 'READ_REL_RESP']:
            return
        time.sleep(LOOK_SEC)
    raise TimeoutError('the stick has packets that the host has not released')


class Session:
    """A process with one stick: the operations that the scenarios are made of."""

    def __init__(self):
        """List the sticks and take the first."""
        mark('list')
        handles = mvncapi.enumerate_devices()
        self.device = mvncapi.Device(handles[0])
        say('count', lambda: len(handles))
        self.graphs = []

    def open(self):   # noqa: A003
        """Boot and open."""
        mark('open')
        say('open', self.device.open)

    def device_options(self, state):
        """Ask for every option of a device."""
        mark(f'device options of a stick that is {state}')
        say_options('device', self.device, mvncapi.DeviceOption)

    def allocate(self, head=b'', data_type='FP32', places=2, size=20_000):
        """Allocate a graph with its FIFOs."""
        mark('allocate ' + (head.decode() or 'INPUT 300x300') + f' {data_type}')
        kind = mvncapi.FifoDataType[data_type]
        graph = mvncapi.Graph(f'graph{len(self.graphs)}')
        fifos = say('allocate', lambda: graph.allocate_with_fifos(
            self.device, head.ljust(size, b'\1'), input_fifo_num_elem=places,
            input_fifo_data_type=kind, output_fifo_num_elem=places, output_fifo_data_type=kind))
        self.graphs.append((graph, *(fifos or (None, None)), data_type))

    def graph_options(self, leave_out=('RO_GRAPH_STATE',)):
        """Ask for every option of the first graph and its FIFOs."""
        mark('graph and fifo options')
        graph, fifo_in, fifo_out, _ = self.graphs[0]
        # After an inference the state is asked from the stick, and the graph is of no use then.
        say_options('graph', graph, mvncapi.GraphOption, leave_out)
        say_options('input', fifo_in, mvncapi.FifoOption)
        say_options('output', fifo_out, mvncapi.FifoOption)

    def queue(self, number, colour):
        """Write a tensor of one value and trigger."""
        graph, fifo_in, fifo_out, data_type = self.graphs[number]
        size = fifo_in.get_option(mvncapi.FifoOption.RO_ELEMENT_DATA_SIZE)
        dtype = np.float16 if data_type == 'FP16' else np.float32
        tensor = Tensor(np.full(size // dtype().itemsize, colour, dtype))
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor, colour)

    def result(self, number):
        """Return the fields of a result that tell its tensor, and whose it is said to be."""
        values, colour = self.graphs[number][2].read_elem()
        return [len(values), *(round(float(value), 3) for value in values[7:14]), colour]

    def infer(self, in_flight=1, numbers=(0,), count=INFERENCES):
        """Infer again and again; keep as many inferences waiting as wanted."""
        mark(f'{count} inferences, {in_flight} in flight, on {len(numbers)} graphs')
        self.infer_quietly(in_flight, numbers, count)

    def infer_quietly(self, in_flight, numbers, count):
        """Infer without a mark."""
        waiting = []
        for turn in range(count):
            number = numbers[turn % len(numbers)]
            self.queue(number, COLOURS[turn % len(COLOURS)])
            waiting.append(number)
            if len(waiting) == in_flight:
                say('result', self.result, waiting.pop(0))
        for number in waiting:
            say('result', self.result, number)

    def infer_and_measure(self):
        """Read temperatures in another thread while the stick infers."""
        mark('inferences and temperatures, together')
        readings = []

        def measure():
            for _ in range(READINGS):
                readings.append(plain(self.device.get_option(
                    mvncapi.DeviceOption.RO_THERMAL_STATS)))
        thread = threading.Thread(target=measure)
        thread.start()
        self.infer_quietly(2, (0,), INFERENCES)
        thread.join()
        tell('readings', readings)

    def levels(self):
        """Fill an input FIFO before its inferences are triggered, and look at the levels."""
        mark('fill levels')
        graph, fifo_in, fifo_out, data_type = self.graphs[0]
        size = fifo_in.get_option(mvncapi.FifoOption.RO_ELEMENT_DATA_SIZE)
        dtype = np.float16 if data_type == 'FP16' else np.float32
        for colour in COLOURS[:2]:
            fifo_in.write_elem(Tensor(np.full(size // dtype().itemsize, colour, dtype)), colour)
        say('written', fifo_in.get_option, mvncapi.FifoOption.RO_WRITE_FILL_LEVEL)
        for _ in COLOURS[:2]:
            say('trigger', graph.queue_inference, fifo_in, fifo_out)
        for _ in COLOURS[:2]:
            say('result', self.result, 0)
        say('written', fifo_in.get_option, mvncapi.FifoOption.RO_WRITE_FILL_LEVEL)
        say('waiting', fifo_out.get_option, mvncapi.FifoOption.RO_READ_FILL_LEVEL)

    def state_of_graph(self):
        """Ask the stick what a graph does that has inferred."""
        mark('state of a graph that has inferred')
        say('state', self.graphs[0][0].get_option, mvncapi.GraphOption.RO_GRAPH_STATE)

    def destroy(self):
        """Destroy FIFOs and graphs as the vendor's examples do, the last graph first."""
        mark('destroy')
        for graph, fifo_in, fifo_out, _ in reversed(self.graphs):
            for thing in filter(None, (fifo_in, fifo_out, graph)):
                say('destroy', thing.destroy)
        self.graphs.clear()

    def close(self):
        """Close the stick, which resets it."""
        mark('close')
        say('close', self.device.close)

    def end(self):
        """Close, and forget the stick."""
        self.close()
        say('destroy', self.device.destroy)


def whole_life():
    """Do all that a program does with one graph, twice."""
    session = Session()
    session.device_options('closed')
    session.open()
    session.device_options('open')
    session.allocate()
    session.graph_options(leave_out=())
    session.infer(in_flight=1)
    session.infer(in_flight=2)
    session.levels()
    session.infer_and_measure()
    session.graph_options()
    session.state_of_graph()
    session.destroy()
    session.close()
    mark('list again')
    session.device = mvncapi.Device(mvncapi.enumerate_devices()[0])
    session.open()
    session.allocate(b'INPUT 224x224', 'FP16')
    session.infer(in_flight=2, count=10)
    session.destroy()
    session.end()


def two_graphs():
    """Infer on two graphs in turn; close without destroying anything."""
    session = Session()
    session.open()
    session.allocate(b'', 'FP16')
    session.allocate(b'INPUT 224x224', 'FP32', places=3)
    session.infer(in_flight=2, numbers=(0, 1))
    session.destroy()
    session.allocate(b'INPUT 32x16', 'FP32')
    session.infer(in_flight=2, numbers=(0,), count=4)
    session.end()


def forms():
    """Infer with inputs of other sizes and layouts, one after the other."""
    session = Session()
    session.open()
    for head in (b'INPUT 24x16', b'INPUT 24x16 planes', b'INPUT 24x16 padded',
                 b'INPUT 17x9 planes padded'):
        for data_type in ('FP32', 'FP16'):
            session.allocate(head, data_type)
            session.infer(in_flight=2, count=8)
            session.destroy()
    session.end()


def one_by_one():
    """Make a graph and its FIFOs one by one, with what programs rarely set; misuse them."""
    session = Session()
    session.open()
    graph_option, fifo_option = mvncapi.GraphOption, mvncapi.FifoOption
    mark('before anything is allocated')
    graph = mvncapi.Graph('unusual')
    fifo_in = mvncapi.Fifo('in', mvncapi.FifoType.HOST_WO)
    fifo_out = mvncapi.Fifo('out', mvncapi.FifoType.HOST_RO)
    say_options('graph', graph, graph_option)
    say_options('input', fifo_in, fifo_option)
    say('executors', graph.set_option, graph_option.RW_EXECUTORS_NUM, 2)
    for fifo in (fifo_in, fifo_out):
        say('type', fifo.set_option, fifo_option.RW_DATA_TYPE, mvncapi.FifoDataType.FP16)
    say('trigger', graph.queue_inference, fifo_in, fifo_out)
    mark('allocate a graph')
    say('graph', graph.allocate, session.device, b'INPUT 17x9 planes padded'.ljust(30_001, b'\2'))
    say('again', graph.set_option, graph_option.RW_EXECUTORS_NUM, 1)
    mark('allocate the FIFOs, the output first')
    shape_in = graph.get_option(graph_option.RO_INPUT_TENSOR_DESCRIPTORS)[0]
    shape_out = graph.get_option(graph_option.RO_OUTPUT_TENSOR_DESCRIPTORS)[0]
    say('output', fifo_out.allocate, session.device, shape_out, 5)
    say('input', fifo_in.allocate, session.device, shape_in, 3)
    say('again', fifo_in.allocate, session.device, shape_in, 3)
    session.graphs.append((graph, fifo_in, fifo_out, 'FP16'))
    mark('tensors as the stick has them')
    shape_in.dataType = mvncapi.FifoDataType.FP16.value
    say('layout', fifo_in.set_option, fifo_option.RW_HOST_TENSOR_DESCRIPTOR, shape_in)
    session.infer_quietly(3, (0,), 8)
    mark('misuse')
    say('size', fifo_in.write_elem, Tensor(np.zeros(7, np.float16)), None)
    say('write to an output', fifo_out.write_elem, Tensor(np.zeros(707, np.float16)), None)
    say('read from an input', fifo_in.read_elem)
    say('nothing to infer', graph.queue_inference, fifo_in, fifo_out)
    say('set an option', session.device.set_option, mvncapi.DeviceOption.RO_DEVICE_STATE, 1)
    say('remove', fifo_in.remove_elem)
    mark('two results that nobody reads')
    for colour in COLOURS[:2]:
        session.queue(0, colour)
    while results_in(fifo_out) < len(COLOURS[:2]):
        pass
    session.destroy()
    session.end()


def results_in(fifo):
    """Return how many results wait in a FIFO."""
    return fifo.get_option(mvncapi.FifoOption.RO_READ_FILL_LEVEL)


def refused_graph():
    """Allocate a graph that the stick refuses, then one that it takes."""
    session = Session()
    session.open()
    session.allocate(b'BAD')
    session.allocate(b'INPUT 24x16')
    session.infer(in_flight=1, numbers=(1,), count=1)
    session.destroy()
    session.end()


def killed():
    """Be killed while the stick is open."""
    session = Session()
    session.open()
    session.allocate(b'INPUT 24x16', 'FP16')
    session.infer(in_flight=1, count=4)
    wait_until_released()
    mark('kill')
    os.kill(os.getpid(), signal.SIGKILL)


def left_booted():
    """Find a stick that a killed process has left booted; open and close it."""
    session = Session()
    session.open()
    session.device_options('open')
    session.end()


SCENARIOS = {function.__name__: function for function in (
    whole_life, two_graphs, forms, one_by_one, refused_graph, killed, left_booted)}

if __name__ == '__main__':
    SCENARIOS[sys.argv[1]]()
