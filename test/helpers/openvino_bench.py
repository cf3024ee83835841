# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Simulated NCS 2 behind the double of OpenVINO, with tiny networks made here."""

from importlib import import_module
from importlib.metadata import distribution
from importlib.metadata import PackageNotFoundError

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.openvino import runtime
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
import numpy as np
import pytest

FIRST, SECOND = 'MYRIAD.1.1-ma2480', 'MYRIAD.1.2-ma2480'
SHAPE = (1, 3, 2, 2)


def skip_without_openvino():
    """Skip a test module where the real OpenVINO is not installed; do not load it yet."""
    # Not by pytest.importorskip: a folder of tests that is named openvino can be imported, too,
    # and a plain import of OpenVINO is one with its telemetry.
    try:
        distribution('openvino')
    except PackageNotFoundError:
        pytest.skip('needs OpenVINO, which is not installed (pip install openvino)',
                    allow_module_level=True)


def ops():
    """Return the operations of the real OpenVINO, which moved after 2022."""
    return import_module(f'{import_openvino().__name__}.opset8')


def twice(dtype=np.uint8, weights=1):
    """Return a network that doubles its input of :data:`SHAPE`, named x."""
    op = ops()
    picture = op.parameter(list(SHAPE), dtype, name='x')
    picture.output(0).get_tensor().set_names({'x'})
    factor = op.constant(np.full((1,) * 4 if weights == 1 else (weights, 1, 1, 1), 2, np.float32))
    result = op.multiply(op.convert(picture, 'f32'), factor)
    return import_openvino().Model([result], [picture], 'twice')


def picture(value, dtype=np.uint8):
    """Return an input full of a value."""
    return np.full(SHAPE, value, dtype)


def computed(request, inputs):
    """Return the first output of an inference."""
    request.infer(inputs)
    # The results of 2022 have no numbers for keys.
    return request.get_output_tensor(0).data


def value_of(request, value):
    """Return the first number of the output for an input full of a value."""
    return float(computed(request, picture(value)).flat[0])


class OpenvinoBench:
    """A bus with sticks of the second generation, and the cores that see them."""

    def __init__(self):
        """Begin without a bus."""
        self.bus = None
        self._cores = []

    def __enter__(self):
        """Return the bench itself."""
        return self

    def __exit__(self, *_):
        """Close all sticks, and unplug them."""
        for core in self._cores:
            core._myriad._end()
        runtime.plug_in(runtime.BusSpec(sticks=0))

    def plug_in(self, **properties):
        """Make a bus, ``self.bus``, and return a core; one stick, all times 0 if not given."""
        quick = {'sticks': 1, 'inference_ms': 0.0, 'transfer_ms': 0.0, 'boot_ms': 0.0,
                 'chip': 'ma2480', 'watchdog_sec': 600.0}
        self.bus = SimulatedBus(runtime.BusSpec(**{**quick, **properties}))
        runtime.plug_in(self.bus)
        return self.core()

    def core(self):
        """Return another core on the present bus."""
        self._cores.append(runtime.Core())
        return self._cores[-1]

    def compiled(self, **properties):
        """Return :func:`twice` on the only stick of a new bus."""
        return self.plug_in(**properties).compile_model(twice(), 'MYRIAD')


# For other processes, which evaluate lines of text.

class There:
    """What another process has: a core, and what it has compiled, by the name of the device."""

    def __init__(self):
        """Make a core on the bus of this process."""
        self.core = runtime.Core()
        self.requests = {}

    def load(self, device=FIRST, **config):
        """Bring :func:`twice` to a stick."""
        self.requests[device] = self.core.compile_model(
            twice(), device, config).create_infer_request()

    def infer(self, value, device=FIRST):
        """Return the first value of a result."""
        return value_of(self.requests[device], value)
