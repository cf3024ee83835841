# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The module on real sticks has the same names as the double, and the same objects behind them."""

from ncs_cluster_detector.mvnc.xlink import mvncapi
from ncs_cluster_detector.simulation.api import mvncapi as double
import pytest


def test_the_names_are_those_of_the_double_but_for_its_own():
    assert set(mvncapi.__all__) == set(double.__all__) - {'BusSpec', 'plug_in'}


@pytest.mark.parametrize('name', sorted(mvncapi.__all__))
def test_only_listing_is_of_one_kind_of_sticks(name):
    is_same = getattr(mvncapi, name) is getattr(double, name)
    assert is_same is (name != 'enumerate_devices')
