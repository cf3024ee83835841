# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
The driver for sticks on the ``mvnc.mvncapi`` API of NCSDK 2; its only user.

The module is an argument: the vendor's own on a robot, ``simulation.mvncapi`` without sticks.
"""

import math

from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import ThermalState


class NcsdkStick(Stick):
    """A stick behind a module that speaks the mvnc API."""

    def __init__(self, mvncapi, graph_buffers):
        """
        Prepare a driver; nothing is opened yet.

        :param mvncapi: the API module.
        :param graph_buffers: the graph files' contents (bytes), in the order of the outputs.
        """
        self._api = mvncapi
        self._graph_buffers = graph_buffers
        self._device = None
        self._device_name = None
        self._graphs = []
        self._fifos = []
        # The API prints to stdout by itself; errors reach us as exceptions.
        self._api.global_set_option(self._api.GlobalOption.RW_LOG_LEVEL, self._api.LogLevel.FATAL)

    def device_names(self):
        """Return the names of all sticks; one in use elsewhere has no chip after the dash."""
        names = []
        for handle in self._api.enumerate_devices():
            device = self._api.Device(handle)
            names.append(device.get_option(self._api.DeviceOption.RO_DEVICE_NAME))
            device.destroy()
        return names

    def open_stick(self, wanted):
        """Open the stick called ``wanted`` and load the networks."""
        self._device = self._find(wanted)
        self._device_name = wanted
        try:
            self._device.open()
        except Exception as error:   # the API raises plain Exception(Status.X) only
            raise StickNotFoundError(
                f'opening stick {wanted}: {_status(error)}, expected OK; is it in use by another '
                'program, or is its USB power too weak? Use a powered hub') from error
        for index, graph_buffer in enumerate(self._graph_buffers):
            graph = self._api.Graph(f'graph{index}')
            try:
                fifos = graph.allocate_with_fifos(self._device, graph_buffer)
            except Exception as error:
                raise GraphRejectedError(
                    f'loading graph {index} ({len(graph_buffer)} bytes) on stick {wanted}: '
                    f'{_status(error)}, expected OK; compile it with the mvNCCompile of the '
                    'installed NCSDK 2') from error
            self._graphs.append(graph)
            self._fifos.append(fifos)

    def send(self, tensor):
        """Write the tensor to every network's input and start the inferences."""
        for graph, (fifo_in, fifo_out) in zip(self._graphs, self._fifos):
            self._call('starting an inference', graph.queue_inference_with_fifo_elem,
                       fifo_in, fifo_out, tensor, None)

    def receive(self):
        """Return the oldest outputs, a list of flat float32 arrays, one per network."""
        return [self._call('reading a result', fifo_out.read_elem)[0]
                for _, fifo_out in self._fifos]

    def thermal_state(self):
        """Return the temperature, which is the first value of the thermal statistics."""
        option = self._api.DeviceOption
        celsius = float(self._call('reading the temperature', self._device.get_option,
                                   option.RO_THERMAL_STATS)[0])
        level = self._call('reading the throttling level', self._device.get_option,
                           option.RO_THERMAL_THROTTLING_LEVEL)
        return ThermalState(celsius if math.isfinite(celsius) else None, int(level))

    def close(self):
        """Release in reverse order: a FIFO used after its device is closed crashes the SDK."""
        for fifos in reversed(self._fifos):
            for fifo in fifos:
                fifo.destroy()
        for graph in reversed(self._graphs):
            graph.destroy()
        if self._device is not None:
            self._device.close()
            self._device.destroy()

    def _find(self, wanted):
        names = []
        for handle in self._api.enumerate_devices():
            device = self._api.Device(handle)
            name = device.get_option(self._api.DeviceOption.RO_DEVICE_NAME)
            if name == wanted:
                return device
            device.destroy()
            names.append(name)
        raise StickNotFoundError(f'opening stick {wanted}: not among the sticks found '
                                 f'({", ".join(names) or "none"}); plug it in')

    def _call(self, attempt, function, *arguments):
        try:
            return function(*arguments)
        except Exception as error:
            raise StickLostError(f'{attempt} on stick {self._device_name}: {_status(error)}, '
                                 'expected OK; the worker is started again') from error


def _status(error):
    """Return the name of the API status in an exception, or the exception itself as text."""
    status = error.args[0] if error.args else error
    return getattr(status, 'name', f'{type(error).__name__}: {error}')
