# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the two files of a small Caffe network for the tests: an SSD that sees red cells."""

import struct

import numpy as np

RED_CLASS = 8   # cat, of the Pascal VOC labels
CLASSES = 21
CELL = 20   # pixels a side

_TAIL = """
layer { name: "loc" type: "Convolution" bottom: "data" top: "loc"
  convolution_param { num_output: 4 kernel_size: %(cell)d stride: %(cell)d } }
layer { name: "loc_rows" type: "Permute" bottom: "loc" top: "loc_rows"
  permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "loc_flat" type: "Flatten" bottom: "loc_rows" top: "loc_flat" }
layer { name: "conf" type: "Convolution" bottom: "data" top: "conf"
  convolution_param { num_output: %(classes)d kernel_size: %(cell)d stride: %(cell)d } }
layer { name: "conf_rows" type: "Permute" bottom: "conf" top: "conf_rows"
  permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "conf_cells" type: "Reshape" bottom: "conf_rows" top: "conf_cells"
  reshape_param { shape { dim: 0 dim: -1 dim: %(classes)d } } }
layer { name: "conf_softmax" type: "Softmax" bottom: "conf_cells" top: "conf_softmax"
  softmax_param { axis: 2 } }
layer { name: "conf_flat" type: "Flatten" bottom: "conf_softmax" top: "conf_flat" }
layer { name: "priors" type: "PriorBox" bottom: "conf" bottom: "data" top: "priors"
  prior_box_param { min_size: %(cell)d step: %(cell)d clip: false offset: 0.5
    variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
layer { name: "detections" type: "DetectionOutput"
  bottom: "loc_flat" bottom: "conf_flat" bottom: "priors" top: "detections"
  include { phase: TEST }
  detection_output_param { num_classes: %(classes)d share_location: true background_label_id: 0
    nms_param { nms_threshold: 0.45 top_k: 100 } code_type: CENTER_SIZE keep_top_k: 100
    confidence_threshold: 0.25 } }
""" % {'cell': CELL, 'classes': CLASSES}


def prototxt(size):
    """
    Return the definition of a network that sees each cell of pure red as an object.

    :param size: (width, height) of its input in pixels, multiples of CELL.
    """
    return (f'name: "red cells"  # for the default mean and scale, blue-green-red\n'
            f'input: "data"\ninput_shape {{ dim: 1 dim: 3 dim: {size[1]} dim: {size[0]} }}\n'
            f'{_TAIL}')


def caffemodel():
    """Return the weights of such networks of any size."""
    # Redness is red minus green minus blue: 3 of a pixel of pure red, at most 1 of other ones.
    redness = np.zeros((CLASSES, 3, CELL, CELL), np.float32)
    redness[RED_CLASS] = np.array([-1, -1, 1]).reshape(3, 1, 1) * 20.0 / CELL ** 2
    bias = np.full(CLASSES, -20.0, np.float32)
    bias[0], bias[RED_CLASS] = 10.0, -40.0
    return b''.join([
        layer('loc', 'Convolution', np.zeros((4, 3, CELL, CELL)), np.zeros(4)),
        layer('conf', 'Convolution', redness, bias)])


def layer(name, kind, *arrays):
    """Return a layer of a caffemodel with its arrays of weights."""
    return _field(100, _field(1, name.encode()) + _field(2, kind.encode())
                  + b''.join(_field(7, _blob(array)) for array in arrays))


def write(folder, size, definition_name='red.prototxt'):
    """Write both files into a folder and return the path of the weights."""
    (folder / definition_name).write_text(prototxt(size))
    path = folder / 'red.caffemodel'
    path.write_bytes(caffemodel())
    return path


def _blob(array):
    shape = b''.join(map(_varint, array.shape))
    values = np.asarray(array, np.float32).reshape(-1)
    return _field(7, _field(1, shape)) + _field(5, struct.pack(f'<{values.size}f', *values))


def _field(number, content):
    """Return a field of bytes, in the format of protocol buffers."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value):
    digits = []
    while value > 0x7f:
        digits.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes([*digits, value])
