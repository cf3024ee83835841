# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The package ``mvnc`` of programs written for the vendor's SDK, with real sticks."""

from importlib.util import find_spec
from pathlib import Path
import sys

_found = find_spec('ncs_cluster_detector')
# A folder of that name beside the program, such as a checkout, has no origin.
if _found is None or _found.origin is None:
    # Used from a checkout that is not installed; last, so that the program's own modules win.
    sys.path.append(str(Path(__file__).resolve().parents[4]))
