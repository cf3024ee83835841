# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The trained networks of the standalone environment, for tests that need a real one."""

from pathlib import Path
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'standalone'))

from setup import networks  # noqa: E402, I100
from setup.steps import Environment  # noqa: E402, I100


def network_file(name: str) -> Path:
    """Return the graph file of a network of `make run`; skip the test where it is not fetched."""
    environment, network = Environment(ROOT), networks.NETWORKS[name]
    if not networks.is_fetched(environment, network):
        pytest.skip(f'needs the network {name}, which `make test` fetches')
    return networks.graph_file(environment, network)
