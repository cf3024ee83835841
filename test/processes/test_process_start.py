# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a process does while it loads its modules."""

import gc

from ncs_cluster_detector.processes.process_start import loading_modules
import pytest


def is_visited(thing):
    """Tell whether garbage collections visit an object."""
    return any(found is thing for found in gc.get_objects())


def test_no_garbage_collection_visits_what_is_loaded():
    with loading_modules():
        assert not gc.isenabled()
        loaded = [[]]
        assert is_visited(loaded)
    assert gc.isenabled()
    assert not is_visited(loaded)
    later = [[]]
    assert is_visited(later)


def test_garbage_is_collected_again_after_a_module_that_cannot_be_loaded():
    with pytest.raises(ImportError), loading_modules():
        raise ImportError('no such module')
    assert gc.isenabled()
