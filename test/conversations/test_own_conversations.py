# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program for NCSDK 2 says to a stick what the vendor's library says, and sees the same."""

import importlib.util

from conversations.conversation_runs import CONVERSATIONS
from conversations.conversation_runs import own_run
from conversations.kept_conversations import differences
from conversations.kept_conversations import first_difference
from conversations.kept_conversations import kept
from conversations.kept_conversations import kept_file
from conversations.normal_form import Conversation
from fake_usb.client import compiler
import pytest

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec('ncs_cluster_detector.mvnc') is None,
                       reason='needs ncs_cluster_detector.mvnc'),
    pytest.mark.skipif(compiler() is None, reason='needs a C compiler')]


@pytest.mark.parametrize('name', CONVERSATIONS)
def test_our_conversation_is_the_vendors(name, tmp_path):
    lines, told = own_run(CONVERSATIONS[name], tmp_path)
    kept_form, kept_told = kept(kept_file(name))
    conversation = Conversation(lines)
    assert differences(kept_form, conversation.normal_form()) == []
    assert list(first_difference('told', kept_told, told)) == []
    assert conversation.leftovers == []   # what is free is 0, and nothing of our memory
