# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""OpenVINO is loaded in silence, of whatever year it is, and what is wrong with it is one line."""

import importlib.util
import sys

from ncs_cluster_detector.sticks.openvino import runtime
from ncs_cluster_detector.sticks.stick import SdkMissingError
import pytest
from watched_python import has_namespaces
from watched_python import watched

# As openvino-telemetry does: it writes to the home, and an event is sent by another thread.
TELEMETRY = """
import pathlib, socket, threading
def send_event():
    pathlib.Path.home().joinpath('intel').mkdir()
    def send():
        try:
            socket.create_connection(('192.0.2.1', 443), 1.0)
        except OSError as error:
            pass
    threading.Thread(target=send).start()
"""
CONVERTER = """
try:
    import openvino_telemetry as telemetry
    telemetry.send_event()
except ImportError:
    pass
"""
WITH_CONVERTER = """
Core = 'Core of openvino'
try:
    from openvino.tools import ovc
except ImportError:
    pass
"""
LAYOUTS = {
    '2023 and later': {'openvino/__init__.py': WITH_CONVERTER, 'openvino/tools/__init__.py': '',
                       'openvino/tools/ovc.py': CONVERTER, 'openvino_telemetry.py': TELEMETRY},
    'a converter that is loaded with the runtime': {
        'openvino/__init__.py': "Core = 'Core of openvino'\n" + CONVERTER,
        'openvino_telemetry.py': TELEMETRY},
    '2022': {'openvino/__init__.py': '',
             'openvino/runtime.py': "Core = 'Core of openvino.runtime'\n" + CONVERTER,
             'openvino_telemetry.py': TELEMETRY},
}
IMPORT = ('from ncs_cluster_detector.sticks.openvino.runtime import import_openvino\n'
          'openvino = import_openvino()\nprint(openvino.Core)\n')
INFER = """
import numpy
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
openvino = import_openvino()
from importlib import import_module
try:
    opset = import_module('openvino.opset8')   # of 2025 and later
except ImportError:
    opset = import_module('openvino.runtime.opset8')
given = opset.parameter([1, 3], numpy.float32)
model = openvino.Model([opset.result(opset.relu(given))], [given], 'tiny')
core = openvino.Core()
request = core.compile_model(model, 'CPU').create_infer_request()
request.infer([numpy.array([[-1, 0, 2]], numpy.float32)])
print(request.get_output_tensor(0).data.tolist())
for name in ('openvino.tools.ovc', 'openvino_telemetry'):
    try:
        import_module(name)
    except ImportError:
        continue
    print(name, 'can still be imported')
"""
needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec('openvino') is None, reason='OpenVINO is not installed')
needs_namespace = pytest.mark.skipif(
    not has_namespaces(), reason='this user may not have a network namespace')


def write(folder, files):
    """Write invented modules and return their folder."""
    folder = folder / 'modules'
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_runtime_of_each_year_is_found_and_silent(layout, tmp_path):
    expected = 'Core of openvino.runtime' if layout == '2022' else 'Core of openvino'
    assert watched(tmp_path, IMPORT, [write(tmp_path, LAYOUTS[layout])]) == (
        f'{expected}\n', '', 0, [])


@pytest.mark.parametrize('layout', LAYOUTS)
def test_these_are_not_silent_by_themselves(layout, tmp_path):
    """Else the test above would show nothing."""
    name = 'openvino.runtime' if layout == '2022' else 'openvino'
    found = watched(tmp_path, f'import {name}\n', [write(tmp_path, LAYOUTS[layout])])
    assert '192.0.2.1' in found.asked
    assert found.files == ['intel']


@needs_openvino
def test_the_real_one_works_and_asks_nothing_of_the_network(tmp_path):
    """Neither when it is loaded nor when it computes; and it leaves nothing at home."""
    assert watched(tmp_path, INFER) == ('[[0.0, 0.0, 2.0]]\n', '', 0, [])


@needs_openvino
@needs_namespace
def test_not_even_its_native_libraries_send_a_packet(tmp_path):
    """The kernel counts, below Python and whatever process of it."""
    assert watched(tmp_path, INFER, in_namespace=True) == ('[[0.0, 0.0, 2.0]]\n', '', 0, [])


@needs_namespace
def test_the_kernel_counts_what_it_is_asked_to_send(tmp_path):
    found = watched(
        tmp_path, 'import socket\n'
        'print(socket.socket(type=socket.SOCK_DGRAM).connect_ex(("192.0.2.1", 53)) > 0)\n',
        in_namespace=True)
    assert (found.printed, found.asked) == ('True\n', '')
    assert found.packets > 0


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Return a function that tries to load invented modules and returns the error's text."""
    kept = {name for name in sys.modules if name.partition('.')[0].startswith('openvino')}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)

    def load(files):
        monkeypatch.syspath_prepend(write(tmp_path, files))
        with pytest.raises(SdkMissingError) as info:
            runtime.import_openvino()
        assert info.value.permanent
        return str(info.value)

    yield load
    for name in [name for name in sys.modules if name.partition('.')[0].startswith('openvino')]:
        del sys.modules[name]


@pytest.mark.parametrize('text, parts', [
    ("raise ImportError('libopenvino.so: cannot open\\n  shared object file')", (
        'module openvino: ImportError: libopenvino.so: cannot open shared object file; ',)),
    ("raise AttributeError('_ARRAY_API not found')", ('AttributeError: _ARRAY_API not found',)),
    ('import no_such_module_of_numpy', ("No module named 'no_such_module_of_numpy'",)),
    ('raise SystemError', ('SystemError: no reason given',)),
    ('', ('there is no Python module openvino.runtime; ',)),
])
def test_what_cannot_be_loaded_is_told_in_one_line(broken, text, parts):
    line = broken({'openvino/__init__.py': text})
    assert '\n' not in line and line.endswith(runtime.INSTALL)
    for part in parts:
        assert part in line


def test_an_old_one_is_told(broken):
    """Up to 2021 the API was another one, openvino.inference_engine."""
    line = broken({'openvino/__init__.py': '', 'openvino/runtime.py': ''})
    assert 'have no Core; expected OpenVINO 2022.1 or later' in line


def test_a_missing_one_is_told(broken, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    assert broken({'unused.py': ''}) == (
        f'loading OpenVINO: there is no Python module openvino; {runtime.INSTALL}')
