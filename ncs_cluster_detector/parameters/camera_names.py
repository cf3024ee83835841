# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Checks the names of several cameras, which their topics begin with; no ROS."""

from collections.abc import Sequence
import re

from ncs_cluster_detector.shown_text import brief
from ncs_cluster_detector.shown_text import printable

# The topics of one camera, relative to its name: what a camera node publishes, which the detector
# may take, and what the detector publishes.
TAKEN_TOPICS = (
    'image_raw', 'image_raw/compressed', 'camera_info', 'aligned_depth_to_color/image_raw',
    'aligned_depth_to_color/camera_info')
PUBLISHED_TOPICS = (
    'detections', 'annotated_image', 'annotated_image/compressed', 'detections_3d', 'markers',
    'foreground_image')
# The relative topics of the detector that belong to no camera. Those in its private namespace
# need no entry: none of them ends like a topic of a camera.
NODE_TOPICS = ('label_info', 'vision_info')

MOST_CAMERAS = 32
LONGEST_NAME = 100   # characters; a topic must have fewer than 256, with namespace and ending
NO_NAME = ''   # of the one camera, if none is named

# A name of ROS without a leading slash; rcl refuses two underscores in a row in a topic.
_NAME = re.compile(r'[A-Za-z](?:_?[A-Za-z0-9])*_?(?:/[A-Za-z](?:_?[A-Za-z0-9])*_?)*')

# What PyYAML writes without quotes and rcl_yaml_param_parser (get_value in parse.c) reads as truth
# values and numbers. Words such as yes and on, which both know, get quotes.
_NO_TEXT = re.compile('[YyNn]|(?i:nan|inf|infinity)')


def camera_names(values: Sequence[str]) -> tuple[str, ...]:
    """
    Return the names of the cameras; of one camera without a name, ``('',)``.

    :param values: value of the parameter ``cameras``, checked.
    """
    return tuple(values) or (NO_NAME,)


def frame_of(name: str) -> str:
    """Return the optical frame of a named camera that nobody gives another one."""
    return f'{name.replace("/", "_")}_color_optical_frame'


def check_camera_names(names: Sequence[str]) -> None:
    """
    Check the value of the parameter ``cameras``; an empty one, and ``['']``, are valid.

    :raises ValueError: a name is invalid, or its topics are those of another one; the text is one
        line that says what to do.
    """
    if camera_names(names) == (NO_NAME,):
        return
    fault = _fault(names)
    if fault:
        listed = ', '.join(printable(brief(name)) or "''" for name in names[:MOST_CAMERAS])
        more = ', ...' if len(names) > MOST_CAMERAS else ''
        raise ValueError(' '.join(f'cameras=[{listed}{more}]: {fault}'.split()))


def _fault(names):
    """Return what is wrong and what to do, or an empty text."""
    if len(names) > MOST_CAMERAS:
        return (f'{len(names)} cameras, at most {MOST_CAMERAS} are possible; start a second '
                'detector for the others')
    for name in names:
        if not name:
            return ('an empty name beside others; give each camera a name, or leave cameras out '
                    'for one camera without a name')
        if len(name) > LONGEST_NAME:
            return (f'a name of {len(name)} characters, at most {LONGEST_NAME} are possible; '
                    'use a shorter one')
        if not _NAME.fullmatch(name):
            return (f'{printable(name)} cannot begin the names of topics: it must be letters, '
                    'digits and single underscores, with single / between parts that begin with '
                    f'a letter; use for example {_better(name)}')
        if _NO_TEXT.fullmatch(name):
            return (f'{name} is no text in the parameter files that launch and ros2 param dump '
                    f'write, which have no quotes around it; use for example {_better(name)}')
    return _clash(names)


def _clash(names):
    """Return which name or topic two cameras would share, or an empty text."""
    owners = dict.fromkeys(NODE_TOPICS, 'the detector itself')
    for number, name in enumerate(names):
        if name in names[:number]:
            return f'{name} is there twice; give each camera a name of its own'
        for ending in (*TAKEN_TOPICS, *PUBLISHED_TOPICS):
            topic = f'{name}/{ending}'
            if topic in owners:
                return f'{topic} would be a topic of both {owners[topic]} and {name}; rename one'
            owners[topic] = name
    return ''


def _better(name):
    """Return a valid name that is close to an invalid one."""
    parts = [re.sub('_+', '_', re.sub('[^A-Za-z0-9]', '_', part)).strip('_')
             for part in name.split('/')]
    better = '/'.join(part if part[0].isalpha() else f'camera_{part}'
                      for part in parts if part) or 'camera'
    return f'camera_{better}' if _NO_TEXT.fullmatch(better) else better
