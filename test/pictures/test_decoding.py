# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of reading what decoders write to the terminal."""

import os

from ncs_cluster_detector.pictures.decoding import captured_terminal


def test_what_others_write_to_the_terminal_while_a_picture_is_decoded_is_passed_on(capfd):
    with captured_terminal() as heard:
        os.write(2, b'Corrupt JPEG data: bad Huffman code\n[INFO] of another thread\n')
    assert heard == ['Corrupt JPEG data: bad Huffman code\n']
    assert capfd.readouterr() == ('', '[INFO] of another thread\n')


def test_a_picture_is_decoded_although_the_log_cannot_be_written(capfd):
    terminal = os.dup(2)
    with open('/dev/full', 'w') as full:
        os.dup2(full.fileno(), 2)
        try:
            with captured_terminal() as heard:
                os.write(2, b'[INFO] of another thread\nPremature end of JPEG file\n')
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
    assert heard == ['Premature end of JPEG file\n']
