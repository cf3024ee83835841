# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The networks of a run: what the nodes get for the names in GRAPHS, each of which can be read."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.simulation.networks.graphs import read_graph
from runner.names import SIMULATED
from setup.networks import fetch
from setup.networks import graph_file
from setup.networks import label_file
from setup.networks import NETWORKS
from setup.steps import Environment
from setup.steps import SetupError

ENVIRONMENT = Environment(Path(__file__).resolve().parents[2])
# What runs with a driver if nothing is named; a driver that is not here has a network of its own.
DEFAULT_GRAPHS = {'openvino': ('ssdlite',)}


class Networks(NamedTuple):
    """
    Values of the detector's parameters, None for what is left to its parameter file.

    ``graph_paths``; ``label_files``, one for each, empty for the labels that fit best;
    ``input_scale``.
    """

    graph_paths: list[str] | None = None
    label_files: list[str] | None = None
    input_scale: float | None = None


def networks_of(names: Sequence[str], driver: str) -> Networks:
    """
    Return what the nodes get; networks of the set-up's table are fetched.

    :param names: of networks in that table, of those built into the driver, and paths; none are
        the default of a run with the driver.
    :raises ValueError: one cannot be fetched or run; one line, ``GRAPHS=...: why; what to do``.
    """
    names = list(names or DEFAULT_GRAPHS.get(driver, ()))
    if not names:
        return Networks()
    try:
        return _networks_of(names, driver)
    except (OSError, SetupError, ValueError) as error:
        raise ValueError(f'GRAPHS={",".join(names)}: {" ".join(str(error).split())}') from None


def _networks_of(names, driver):
    for name in names:   # all of them, before anything is fetched
        _check_fits(name, driver)
    known = [NETWORKS.get(name) for name in names]
    scales = {network.input_scale if network else None for network in known}
    if len(scales) > 1:
        odd = next(network for network in known if network and network.input_scale is not None)
        raise ValueError(f'{odd.name} needs input_scale {odd.input_scale:g}, which counts for all '
                         'networks of a run; name it alone')
    paths, label_files = [], []
    for name, network in zip(names, known):
        if network is not None:
            fetch(ENVIRONMENT, network)
        paths.append(str(graph_file(ENVIRONMENT, network)) if network else name)
        label_files.append(str(label_file(ENVIRONMENT, network)) if network else '')
    read = _reader(driver)
    for path in paths:
        read(path)
    return Networks(paths, label_files if any(label_files) else None, *scales)


def _check_fits(name, driver):
    """Check that a driver can run a network that is known by its name."""
    others = ', '.join(network.name for network in NETWORKS.values() if driver in network.drivers)
    remedy = f'with DRIVER={driver} use {others}, or the path of a file'
    if name in NETWORKS and driver not in NETWORKS[name].drivers:
        raise ValueError(f'{name} runs with DRIVER={" or ".join(NETWORKS[name].drivers)} only; '
                         + remedy)
    built_in = DRIVERS[driver].built_in_graphs
    if driver != SIMULATED and name not in built_in and (
            name in DRIVERS[SIMULATED].built_in_graphs):
        raise ValueError(f'{name} is built into simulated sticks; {remedy}')


def _reader(driver):
    """Return what reads and checks a graph as the node with this driver does."""
    if driver == SIMULATED:
        return read_graph   # without a bus of simulated sticks, which an object would make
    return DRIVERS[driver].from_parameters(
        {parameter.name: parameter.default for parameter in PARAMETERS}).read_graph
