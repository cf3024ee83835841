# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The real OpenVINO below the double, of whatever version is installed."""

import importlib
from types import ModuleType


def vendor_module() -> ModuleType:
    """
    Return the module of the real OpenVINO with ``Core``: ``openvino``, before 2023 its runtime.

    :raises ModuleNotFoundError: OpenVINO is not installed.
    """
    module = importlib.import_module('openvino')
    return module if hasattr(module, 'Core') else importlib.import_module('openvino.runtime')
