# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Loads OpenVINO, and keeps it from telling its vendor about it.

With openvino-telemetry installed, which pip brings along, ``import openvino`` loads the model
converter ``openvino.tools.ovc``, and the ``__init__`` of that sends an event to Google Analytics:
without a word, unless ``~/intel/openvino_telemetry`` holds a 0 or ``CI`` is true. It also writes a
client's number and a count of uses to ``~/intel``. Seen in 2024.6.0 and 2026.4.1 with
openvino-telemetry 2025.2.0 (``main.py``, ``utils/opt_in_checker.py``), not in 2023.3.0. ``Core``
and what it makes send nothing.
"""

import importlib
import sys
from types import ModuleType

from ncs_cluster_detector.sticks.stick import SdkMissingError

INSTALL = 'install it (pip install openvino; for NCS 2 the archive of OpenVINO 2022.3)'
# Python refuses to import a module that is None in its table, and OpenVINO does without either.
# The converter is of no use to a worker; without it a worker takes 9 MB less.
_KEPT_OUT = ('openvino_telemetry', 'openvino.tools.ovc')
_MODULES = ('openvino', 'openvino.runtime')   # of 2023 and later, of 2022


def import_openvino() -> ModuleType:
    """
    Return the module that has OpenVINO's ``Core``, ``Tensor``, ``PartialShape`` and so on.

    This process sends and writes nothing of OpenVINO's telemetry from here on: neither that nor
    the model converter can be imported any more. A file of the user's choice about telemetry is
    neither read nor made.

    :raises SdkMissingError: it is not installed, or cannot be loaded.
    """
    for name in _KEPT_OUT:
        sys.modules[name] = None   # type: ignore[assignment]
    for name in _MODULES:
        module = _load(name)
        if hasattr(module, 'Core'):
            return module
    raise SdkMissingError(
        f"loading OpenVINO: the Python modules {' and '.join(_MODULES)} have no Core; expected "
        f'OpenVINO 2022.1 or later; {INSTALL}')


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in ('openvino', name):
            raise SdkMissingError(
                f'loading OpenVINO: there is no Python module {error.name}; {INSTALL}') from None
        reason: Exception = error
    except Exception as error:   # modules of a vendor that do not fit numpy raise many
        reason = error
    text = ' '.join(str(reason).split()) or 'no reason given'
    raise SdkMissingError(f'loading the Python module {name}: {type(reason).__name__}: {text}; '
                          + INSTALL) from reason
