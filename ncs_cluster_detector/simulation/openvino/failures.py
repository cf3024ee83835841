# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The texts of the exceptions with which the plugin for NCS 2 fails."""

from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.simulation.stick.compute_unit import StickStopped

# OpenVINO 2022.3, myriad_executor.cpp, MyriadExecutor::ncStatusToStr.
_NAMED = {'BUSY', 'ERROR', 'OUT_OF_MEMORY', 'DEVICE_NOT_FOUND', 'INVALID_PARAMETERS', 'TIMEOUT',
          'MVCMD_NOT_FOUND', 'NOT_ALLOCATED', 'UNAUTHORIZED', 'UNSUPPORTED_FEATURE',
          'UNSUPPORTED_GRAPH_FILE', 'UNSUPPORTED_CONFIGURATION_FILE', 'MYRIAD_ERROR'}

# What the calls of the library say before the status (myriad_executor.cpp).
ALLOCATE = 'Failed to allocate graph'
QUEUE = 'Failed to queue inference'
READ = 'Failed to read output from FIFO'
THERMAL = 'Failed to get thermal stats'
NOT_OPENED = f'{ALLOCATE}: MYRIAD device is not opened.'


class OpeningFailed(Exception):
    """The library could not open a stick; the plugin says so when it sends the network."""


def failure(what: str, error: Exception) -> RuntimeError:
    """
    Return the exception that Python gets when a call of the library fails.

    :param what: one of the texts above.
    :param error: an ``Exception(Status.X)`` of a simulated stick, or that it was lost or closed.
    """
    reason: object = Status.ERROR if isinstance(error, StickStopped) else (*error.args, None)[0]
    if isinstance(reason, Status):
        reason = f'NC_{reason.name}' if reason.name in _NAMED else 'UNKNOWN MVNC STATUS'
    failed = RuntimeError(f'{what}: {reason}')
    failed.__cause__ = error
    return failed
