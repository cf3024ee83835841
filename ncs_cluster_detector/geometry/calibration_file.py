# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Reads the calibration files of ROS, YAML and INI.

It gives the same values as camera_calibration_parsers of ROS (parse_yml.cpp, parse_ini.cpp), for
files written by camera_calibration, by OpenCV's FileStorage and by the tools before them.
"""

from collections.abc import Callable
from dataclasses import replace
import math
import os
import re

from ncs_cluster_detector.geometry.calibration import Calibration
from ncs_cluster_detector.geometry.calibration import Region
import yaml

# A calibration has 1 to 3 kB.
LARGEST_BYTES = 100_000
LONGEST_REASON = 300   # characters; an error may quote what the file holds
LARGEST_WHOLE = 2**32 - 1   # in sensor_msgs/CameraInfo
# Number of values in each matrix, row by row.
MATRICES = {'camera_matrix': 9, 'rectification_matrix': 9, 'projection_matrix': 12}
REGION = ('x_offset', 'y_offset', 'height', 'width')
# What ROS assumes for a file without a model, as those that are older than the models.
ASSUMED_MODEL = 'plumb_bob'
# An INI file does not name its model; the number of coefficients shows it.
INI_MODELS = {5: 'plumb_bob', 8: 'rational_polynomial'}
# The heads of an INI file that describe no camera, and the rows and columns of its matrices.
INI_OTHERS = ('[image]', '[externals]')
INI_MATRICES = {'camera matrix': (3, 3), 'rectification': (3, 3), 'projection': (3, 4)}
YAML_INFINITY_OR_NAN = re.compile(r'[+-]?\.(inf|nan)', re.IGNORECASE)


def read_calibration(path: str, warn: Callable[[str], object] = lambda text: None) -> Calibration:
    """
    Read a calibration file.

    :param path: a file that ends in ``.ini``, or a YAML file with ``image_width``,
        ``image_height``, ``distortion_coefficients``, ``camera_matrix``,
        ``rectification_matrix``, ``projection_matrix``, and maybe ``distortion_model``.
    :param warn: is called with one line if it names no distortion model.
    :raises ValueError: the file cannot be read or lacks something; the text is one line.
    """
    path = os.path.expanduser(path)
    text = _text_of(path)
    read = _read_ini if path.lower().endswith('.ini') else _read_yaml
    try:
        calibration = read(text)
    except (yaml.YAMLError, RecursionError) as error:
        reason = ' '.join(str(error).split())[:LONGEST_REASON]
        raise ValueError(f'{path} is no YAML file ({reason}); give the file that '
                         'camera_calibration wrote') from None
    except (KeyError, ValueError, OverflowError) as error:
        what = f'it has no {error}' if isinstance(error, KeyError) else str(error)
        what = ' '.join(what.split())[:LONGEST_REASON]
        raise ValueError(f'{path} is no calibration of a camera: {what}; give the file that '
                         'camera_calibration wrote') from None
    if calibration.distortion_model is None:
        warn(f'{path} names no distortion_model: {ASSUMED_MODEL} is assumed, as ROS does; add '
             'distortion_model: and its name to the file')
        return replace(calibration, distortion_model=ASSUMED_MODEL)
    return calibration


def _text_of(path):
    try:
        # Anything but a file, such as a pipe, could keep the reader waiting for ever.
        if os.path.exists(path) and not os.path.isfile(path):
            raise ValueError(f'reading {path} failed: it is no file; name a calibration file')
        with open(path, 'rb') as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(f'reading {path} failed: {error.strerror}; name a calibration file that '
                         'can be read') from None
    if len(content) > LARGEST_BYTES:
        raise ValueError(f'{path} is no calibration of a camera: it has more than '
                         f'{LARGEST_BYTES} bytes; give the file that camera_calibration wrote')
    # Only names and comments can be in another encoding, and they are not used.
    return content.decode('utf-8', 'replace').removeprefix('\ufeff')


def _read_yaml(text):
    # OpenCV begins with "%YAML:1.0", which is not a directive of YAML.
    text = re.sub(r'\A(?:\s*%.*\n)+', '', text)
    # The nodes themselves, not the objects that their tags, such as !!opencv-matrix, stand for:
    # all values are texts, nothing is executed, and aliases cannot multiply. Like ROS, it takes
    # only the first document, and the first of two values with the same name.
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_node() if loader.check_node() else None
    finally:
        loader.dispose()
    if not isinstance(root, yaml.MappingNode):
        raise ValueError('it holds no names and values')
    k, r, p = (_yaml_matrix(root, name, size) for name, size in MATRICES.items())
    model, roi = _entry(root, 'distortion_model'), _entry(root, 'roi')
    return _calibration(
        _word(root, 'image_width'), _word(root, 'image_height'),
        _word(root, 'distortion_model') if model is not None else None,
        _yaml_matrix(root, 'distortion_coefficients'), k, r, p,
        binning_x=_whole(root, 'binning_x'), binning_y=_whole(root, 'binning_y'),
        roi=Region() if roi is None else Region(
            *(_whole(roi, name) for name in REGION),
            do_rectify=_entry(roi, 'do_rectify') is not None
            and _word(roi, 'do_rectify').lower() in ('true', 'yes', 'y', 'on')))


def _entry(node, name):
    """Return the node with a name in a mapping; None if it is missing or empty."""
    if not isinstance(node, yaml.MappingNode):
        raise ValueError(f'{name} is looked for where no names and values are')
    for key, value in node.value:
        if key.value == name:
            return None if value.tag == 'tag:yaml.org,2002:null' else value
    return None


def _word(node, name):
    entry = _entry(node, name)
    if entry is None:
        raise KeyError(name)
    if not isinstance(entry, yaml.ScalarNode):
        raise ValueError(f'{name} is no single value')
    return entry.value


def _whole(node, name):
    number = 0 if _entry(node, name) is None else int(_word(node, name))
    if not 0 <= number <= LARGEST_WHOLE:
        raise ValueError(f'{name} is {number}, expected 0 to {LARGEST_WHOLE}')
    return number


def _yaml_matrix(root, name, size=None):
    entry = _entry(root, name)
    if entry is None:
        raise KeyError(name)
    data = _entry(entry, 'data') if isinstance(entry, yaml.MappingNode) else None
    if data is None:
        raise ValueError(f'{name} has no data')
    items = data.value if isinstance(data, yaml.SequenceNode) else [data]
    if not all(isinstance(item, yaml.ScalarNode) for item in items):
        raise ValueError(f'the data of {name} is no list of numbers')
    # Without commas between them, several numbers are one text in YAML.
    words = [word for item in items for word in item.value.split()]
    if None not in (_entry(entry, 'rows'), _entry(entry, 'cols')):
        told = _whole(entry, 'rows') * _whole(entry, 'cols')
        if told != size and (size is not None or not 0 <= told <= len(words)):
            raise ValueError(f'{name} has {told} values by its rows and cols, expected '
                             f'{len(words) if size is None else size}')
        if size is None:
            words = words[:told]   # as many coefficients as ROS reads
    return _numbers(name, words, size)


def _read_ini(text):
    sections = [[]]
    for line in map(str.strip, text.split('\n')):
        if line and line[0] not in '#;':
            if '[' in line and ']' in line:
                sections.append([])
            sections[-1].append(line)
    images = [section for section in sections if section and section[0] == '[image]']
    cameras = [section for section in sections if section and section[0] not in INI_OTHERS]
    if not images or not cameras:
        raise ValueError(f'it has no section {"of a camera" if images else "[image]"}')
    camera = cameras[-1]   # as in ROS, where a later camera replaces an earlier one
    k, r, p = (
        [number for row in range(rows) for number in _numbers(
            name, _line_below(camera, name, row).replace(',', ' ').split(), columns)]
        for name, (rows, columns) in INI_MATRICES.items())
    d = _numbers('distortion', _line_below(camera, 'distortion').replace(',', ' ').split())
    if len(d) not in INI_MODELS:
        raise ValueError(f'distortion has {len(d)} values, expected 5 or 8')
    width, height = (_line_below(images[-1], name) for name in ('width', 'height'))
    return _calibration(width, height, INI_MODELS[len(d)], d, *map(tuple, (k, r, p)))


def _line_below(section, name, row=0):
    if name not in section:
        raise KeyError(name)
    place = section.index(name) + 1 + row
    if place >= len(section):
        raise ValueError(f'{name} ends after {row} lines')
    return section[place]


def _calibration(width, height, *matrices, **others):
    width, height = int(float(width)), int(float(height))
    if not (1 <= width <= LARGEST_WHOLE and 1 <= height <= LARGEST_WHOLE):
        raise ValueError(f'the image size is {width}x{height}, expected at least 1x1')
    return Calibration(width, height, *matrices, **others)


def _numbers(name, words, size=None):
    numbers = tuple(map(_number, words))
    if size is not None and len(numbers) != size:
        raise ValueError(f'{name} has {len(numbers)} values, expected {size}')
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f'{name} holds a value that is not finite')
    return numbers


def _number(word):
    return float(word.replace('.', '', 1) if YAML_INFINITY_OR_NAN.fullmatch(word) else word)
