# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Names of other hosts: what can be one, and what can never be heard."""

from ncs_cluster_detector.parameters.host_names import check_host_names
import pytest


@pytest.mark.parametrize('name', ['', '*', 'pi1', 'pi-1.local', '/pi1', '/rack/pi1/stick_server'])
def test_names(name):
    check_host_names([name, 'pi2'])


@pytest.mark.parametrize('name', ['pi 1', '/nope/', '/', 'rack/pi1', '-pi', '**', '/2nd', 'pi1\n'])
def test_what_can_never_be_heard_is_refused(name):
    with pytest.raises(ValueError, match='is no name of a host') as refusal:
        check_host_names(['pi2', name])
    assert str(refusal.value).startswith('remote_hosts=[') and '\n' not in str(refusal.value)
