# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Parameter files and command lines with any content."""

from pathlib import Path
import tempfile

from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import NUMBER_WORDS
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.parameters.given_parameters import read_file
from ncs_cluster_detector.parameters.given_parameters import rules_in
from ncs_cluster_detector.parameters.unused_parameters import missed
from ncs_cluster_detector.parameters.unused_parameters import UnusedParameters
from ncs_cluster_detector.ros.command_line import _check_naming
from ncs_cluster_detector.ros.command_line import _check_remapping
from ncs_cluster_detector.ros.command_line import _check_utf8
from ncs_cluster_detector.ros.parameters import StartupError

FOLDER = tempfile.TemporaryDirectory()
GOOD = [b"""/**/detector:
  ros__parameters:
    cluster_size: 3
    graph_paths: ['people', 'faces']
    simulated:
      sticks: 5
""", b"""/front/camera/camera:
  ros__parameters: {source: video, device: a.mp4, loop: true}
camera:
  ros__parameters: {width: 640}
---
a: b
"""]
PIECES = st.sampled_from(
    ['/**', '/*', 'detector', '/detector', 'camera_node', 'ros__parameters', ': ', ':\n', '\n',
     '  ', '    ', '{', '}', '[', ']', ', ', '- ', '&a ', '*a', '<<: ', '? ', '!!binary ', '---\n',
     'cluster_size', 'graph_paths', '"', "'", '|\n', '\t', '#', '%YAML 1.1\n', '%TAG ! a\n',
     '{a: ' * 3000, '[' * 3000, 'ros__parameters: ', '\0', '\ufeff', '!<x> ', '"\\UFFFFFFFF"',
     '&a {ros__parameters: *a}', '&a [*a, *a]', '1', 'true'])


def laughs(levels):
    """Return a file of few bytes that becomes huge where aliases are followed."""
    lines = ['a0: &a0 {x: 1}'] + [
        f'a{level}: &a{level} {{' + ', '.join(f'k{i}: *a{level - 1}' for i in range(9)) + '}'
        for level in range(1, levels)]
    return ('/**:\n  ros__parameters:\n    ' + '\n    '.join(lines) + '\n').encode()


def list_of_laughs(levels):
    """Return the same, of lists."""
    lines = ['a0: &a0 [x]'] + [
        f'a{level}: &a{level} [' + ', '.join([f'*a{level - 1}'] * 9) + ']'
        for level in range(1, levels)]
    return ('/**:\n  ros__parameters:\n    ' + '\n    '.join(lines) + '\n').encode()


@door(150, also=[{'data': laughs(20)}, {'data': list_of_laughs(20)},
                 {'data': b'&a {a: {ros__parameters: *a}}'}],
      data=spoilt(GOOD)
      | st.lists(PIECES | ANY_TEXT | NUMBER_WORDS, max_size=30).map(
          lambda parts: ''.join(parts).encode(errors='replace'))
      | st.integers(1, 20).map(laughs) | st.integers(1, 20).map(list_of_laughs))
def test_a_parameter_file_is_read_or_left_out(data):
    path = Path(FOLDER.name, 'parameters.yaml')
    path.write_bytes(data)
    file = read_file(str(path))
    unused = UnusedParameters('/front/detector', 'detector', {'cluster_size'},
                              ['node', '--ros-args', '--params-file', str(path)])
    lines = unused.warnings({'cluster_size': 3, 'x': 1}) + unused.notes({'width': 640})
    for line in lines:
        assert_one_line(line)
    for block in file.blocks if file else ():
        assert block.reaches('/front/detector') in (True, False)
    assert not file or isinstance(missed(file, '/front/detector', 'detector'), list)


WORDS = st.sampled_from(
    ['--ros-args', '--', '-p', '--param', '-r', '--remap', '--params-file', '/dev/zero', '/',
     'detector:cluster_size:=3', 'cluster_size:=3', '__ns:=/a', '__ns:=a//b', '__node:=1', ':=',
     'a:=b', 'rostopic://a:=b', '::=', 'a\nb:=c', '__name:=', 'rtsp://me:secret@host/']) | ANY_TEXT


@door(200, words=st.lists(WORDS, max_size=12), values=st.dictionaries(
    ANY_TEXT, st.integers() | ANY_TEXT | st.lists(ANY_TEXT, max_size=3), max_size=4))
def test_a_command_line_is_read_or_refused(words, values):
    for node, name, value in rules_in(words):
        assert name and value is not None and node != ''
    unused = UnusedParameters('/front/detector', 'detector', {'cluster_size'}, words)
    for line in unused.warnings(values) + unused.notes(values):
        assert_one_line(line)
    for word in words:
        taken_or_refused(lambda word=word: check(word), StartupError)


def check(word):
    """Check a word as init_ros does with that of a rule which ROS has refused."""
    _check_utf8(word)
    _check_naming(word)
    _check_remapping(word, f"'-r {word}'")
