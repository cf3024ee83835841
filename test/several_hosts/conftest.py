# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures: hosts of their own for each test, skipped by name where they cannot be had."""

from contextlib import ExitStack

from loopback_hosts import LoopbackHosts
from loopback_hosts import some_hosts
from network_hosts import NetworkHosts
from network_hosts import UnavailableError
import pytest


@pytest.fixture
def network_hosts():
    """
    Return a function that starts NetworkHosts, and skips the test where that is impossible.

    It takes what NetworkHosts takes, and ``mbit`` and ``loss`` of all links.
    """
    with ExitStack() as stack:
        def start(count, mbit=0, loss=0.0, **more):
            try:
                hosts = stack.enter_context(NetworkHosts(count, **more))
                if mbit:
                    hosts.set_rate(mbit)
                if loss:
                    hosts.set_loss(loss)
            except UnavailableError as error:
                pytest.skip(str(error))
            return hosts

        yield start


@pytest.fixture
def loopback_hosts():
    """Return a function that starts LoopbackHosts."""
    with ExitStack() as stack:
        yield lambda count: stack.enter_context(LoopbackHosts(count))


@pytest.fixture
def any_hosts():
    """Return a function that starts NetworkHosts, or LoopbackHosts where they cannot be had."""
    with ExitStack() as stack:
        yield lambda count: stack.enter_context(some_hosts(count))
