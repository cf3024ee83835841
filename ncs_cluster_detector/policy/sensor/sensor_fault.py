# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Why a reading is not believed, and how much is known about what to expect."""

from enum import Enum


class SensorFault(Enum):
    """Why a reading is not believed."""

    NONE_TOLD = 'none told'       # there is no number, or none that is a temperature
    STANDS_STILL = 'stands still'   # it does not change, though the stick's work does
    FELL_AT_WORK = 'fell at work'   # it fell faster than a stick that computes can cool
    TOO_COLD = 'too cold'         # it is lower than the work that was done permits


class Known(Enum):
    """
    Where the ThermalModel that a stick is expected to have comes from.

    The value is how many times less than the model says a healthy stick may warm: the learned
    model of a die in a case, say, is a compromise. From an unknown stick next to nothing is
    expected.
    """

    OWN = 2.5
    OTHERS = 3.0
    TYPICAL = 15.0
