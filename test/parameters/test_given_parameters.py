# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What stands in a command line and its files, as rcl itself understands it."""

from ncs_cluster_detector.parameters.given_parameters import read_files
from ncs_cluster_detector.parameters.given_parameters import rules_in
from node_harness import overrides
import pytest

KEYS = ('/**', '/*', '**', '*', '/**/detector', '/*/detector', '*/detector', 'detector',
        '/detector', 'front/detector', '/front/detector', '/front/*', 'front/**', '/x/detector',
        'camera', 'detector_node', '/**/*', '/*/*', '/**/front/detector', 'DETECTOR', 'front',
        '/front/**/detector', '/a/**')


@pytest.mark.parametrize('namespace', ['/', '/front', '/a/b'])
def test_a_block_reaches_the_nodes_that_rcl_gives_it(tmp_path, namespace):
    fqn = f'{namespace.rstrip("/")}/detector'
    reached = []
    for key in KEYS:
        path = tmp_path / 'given.yaml'
        path.write_text(f'"{key}":\n  ros__parameters:\n    there: 1\n')
        words = ['--ros-args', '--params-file', str(path)]
        (file,) = read_files(words)
        (block,) = file.blocks
        assert block.reaches(fqn) == (overrides(words, namespace) == {'there': 1}), key
        reached.append(block.reaches(fqn))
    assert set(reached) == {True, False}


def test_names_have_dots_and_keys_slashes_however_they_are_nested(tmp_path):
    path = tmp_path / 'given.yaml'
    path.write_text('front:\n  /detector:\n    ros__parameters:\n      a: {b: {c: 1}, d: 2}\n'
                    '      e.f: [x, y]\n---\nmore: 1\n')
    (file,) = read_files(['--ros-args', '--params-file', str(path)])
    assert file.goes_on
    (block,) = file.blocks
    assert block.key == '/front/detector'
    assert [(entry.name, entry.value, entry.line) for entry in block.entries] == [
        ('a.b.c', '1', 4), ('a.d', '2', 4), ('e.f', '[x, y]', 5)]


@pytest.mark.parametrize('text', ['', '# nothing\n', 'text\n', 'detector: {}\n'])
def test_a_file_may_hold_nothing(tmp_path, text):
    path = tmp_path / 'given.yaml'
    path.write_text(text)
    words = ['--ros-args', '--params-file', str(path)]
    assert overrides(words, '/') == {}
    (file,) = read_files(words)
    assert file.blocks == ()


def test_only_words_to_ros_count(tmp_path):
    path = str(tmp_path / 'given.yaml')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('detector: {ros__parameters: {a: 1}}\n')
    words = ['node', '--params-file', 'none', '--ros-args', '-p', 'a:=1:=2', '--param',
             'camera:b.c:=x y', '--', '-p', 'd:=1', '--ros-args', '--params-file', path]
    assert rules_in(words) == [(None, 'a', '1:=2'), ('camera', 'b.c', 'x y')]
    assert [file.path for file in read_files(words)] == [path]


def test_what_cannot_be_read_again_is_left_out(tmp_path):
    assert read_files(['--ros-args', '--params-file', str(tmp_path / 'gone.yaml')]) == []
    assert read_files(['--ros-args', '--params-file', '/dev/null']) == []
