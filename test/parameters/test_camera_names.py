# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of several cameras: which are valid, and what is said about the others."""

from itertools import combinations
from itertools import product

from ncs_cluster_detector.parameters import camera_names as module
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.parameters.camera_names import check_camera_names
from ncs_cluster_detector.parameters.camera_names import LONGEST_NAME
from ncs_cluster_detector.parameters.camera_names import MOST_CAMERAS
import pytest
import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.validate_full_topic_name import validate_full_topic_name
import yaml

# What may be part of a name, and what may not.
PARTS = ('a', 'B2', 'arm_left', 'x_', '_x', '2', 'a__b', 'a b', 'é', '~', '', 'a-b', '{node}', '.')


def refusal(*names):
    """Return what is said about names, which must be one line."""
    with pytest.raises(ValueError) as caught:
        check_camera_names(names)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize('values', [[], [''], (), ('',)])
def test_without_names_there_is_one_camera_without_a_name(values):
    check_camera_names(values)
    assert camera_names(values) == ('',)


@pytest.mark.parametrize('names', [
    ['front'], ['front', 'rear'], ['arm/wrist', 'arm/elbow', 'arm'], ['camera'], ['a_', 'A_'],
    ['yes', 'no', 'on', 'off', 'null'], ['arm/y', 'y/n', 'yn', 'infinite'],
    ['a' * LONGEST_NAME], [f'camera_{number}' for number in range(MOST_CAMERAS)]])
def test_valid_names_stay_as_they_are(names):
    check_camera_names(names)
    assert camera_names(names) == tuple(names)


@pytest.mark.parametrize(('names', 'better'), [
    (['2nd'], 'camera_2nd'), (['front', '/rear'], 'rear'), (['rear/'], 'rear'),
    (['arm//wrist'], 'arm/wrist'), (['~/front'], 'front'), (['~'], 'camera'),
    (['front left'], 'front_left'), (['front-left'], 'front_left'), (['a__b'], 'a_b'),
    (['y'], 'camera_y'), (['front', 'NaN'], 'camera_NaN'), (['-n'], 'camera_n'),
    (['Infinity'], 'camera_Infinity'), (['_a'], 'a'), (['arm/2'], 'arm/camera_2'),
    ([' '], 'camera'), (['front\n'], 'front')])
def test_a_name_that_ros_does_not_take_is_refused_with_one_that_it_takes(names, better):
    line = refusal(*names)
    assert line.startswith('cameras=[')
    assert line.endswith(f'; use for example {better}')
    check_camera_names([better])


@pytest.mark.parametrize(('names', 'words'), [
    (['front', ''], "cameras=[front, '']: an empty name beside others; give each"),
    (['', ''], 'an empty name'),
    (['a', 'b', 'a'], 'cameras=[a, b, a]: a is there twice; give each camera a name of its own'),
    (['a' * (LONGEST_NAME + 1)], 'a name of 101 characters, at most 100 are possible'),
    ([f'c{number}' for number in range(MOST_CAMERAS + 1)],
     ', ...]: 33 cameras, at most 32 are possible'),
    (['a', 'a/aligned_depth_to_color'],
     'a/aligned_depth_to_color/image_raw would be a topic of both a and a/aligned_depth_to_color; '
     'rename one'),
    (['a/aligned_depth_to_color', 'a'],
     'a/aligned_depth_to_color/image_raw would be a topic of both a/aligned_depth_to_color and a'),
], ids=['one empty', 'all empty', 'double', 'long', 'many', 'clash', 'clash in another order'])
def test_names_that_cannot_be_together_are_refused(names, words):
    assert words in refusal(*names)


def test_a_topic_of_the_detector_itself_is_not_given_to_a_camera(monkeypatch):
    monkeypatch.setattr(module, 'NODE_TOPICS', ('a/markers',))
    assert 'a/markers would be a topic of both the detector itself and a' in refusal('a')


def test_equal_texts_are_doubles_whatever_objects_they_are():
    assert 'twice' in refusal('front', ''.join(['fr', 'ont']))


def test_the_refusal_of_what_no_terminal_shows_can_be_shown():
    line = refusal('\udce9\x1b[31m')
    line.encode()
    assert '\x1b' not in line


@pytest.mark.parametrize('name', [
    *filter(None, PARTS), *('/'.join(pair) for pair in combinations(PARTS, 2))])
def test_no_name_is_taken_that_ros_refuses(name):
    """Also for the node of a camera in the namespace of its name."""
    try:
        check_camera_names([name])
    except ValueError:
        return
    try:
        validate_full_topic_name(expand_topic_name(f'{name}/image_raw', 'detector', '/robot1'))
    except NameValidationException as error:
        pytest.fail(f'{name}: {error}')


def test_every_word_that_is_taken_is_still_a_text_in_a_file_that_a_tool_has_written(tmp_path):
    """Those that YAML or ROS reads as something else, in any case."""
    names = [''.join(letters) for word in (
        'y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'nan', 'inf', 'infinity')
        for letters in product(*({letter, letter.upper()} for letter in word))]
    path = tmp_path / 'params.yaml'
    path.write_text(yaml.dump({'/**': {'ros__parameters': {name: [name] for name in names}}}))
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--params-file', str(path)], context=context)
    node = rclpy.create_node('plain', context=context,
                             automatically_declare_parameters_from_overrides=True)
    try:
        read = {name: node.get_parameter(name).value for name in names}
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
    lost = {name for name in names if read[name] != [name]}
    assert len(lost) == 2 + 2 + 2**3 + 2**3 + 2**8
    for name in names:
        if name in lost:
            assert f'{name} is no text in the parameter files' in refusal(name)
        else:
            check_camera_names([name])


def test_every_pair_that_is_taken_shares_no_topic():
    endings = (*module.TAKEN_TOPICS, *module.PUBLISHED_TOPICS)
    prefixes = ('', *{ending.rpartition('/')[0] for ending in endings if '/' in ending})
    names = ['/'.join(filter(None, ('a', prefix))) for prefix in prefixes]
    assert len(names) >= 3
    for pair in combinations(names, 2):
        topics = {f'{name}/{ending}' for name in pair for ending in endings}
        if len(topics) < 2 * len(endings):
            assert 'would be a topic of both' in refusal(*pair)
        else:
            check_camera_names(pair)
