# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the vendor's library says to a stick is what is kept: the kept files are true."""

from conversations.conversation_runs import CONVERSATIONS
from conversations.conversation_runs import vendor_run
from conversations.kept_conversations import differences
from conversations.kept_conversations import kept
from conversations.kept_conversations import kept_file
from conversations.normal_form import normal_form
import pytest


@pytest.mark.parametrize('name', CONVERSATIONS)
def test_a_fresh_recording_agrees_with_the_kept_one(name, library_folder, tmp_path):
    lines, told = vendor_run(CONVERSATIONS[name], library_folder, tmp_path)
    kept_form, kept_told = kept(kept_file(name))
    assert differences(kept_form, normal_form(lines)) == []
    assert told == kept_told
