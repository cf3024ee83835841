# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""What a graph file is for a simulated stick, and the networks that it can run."""

import cv2
from ncs_cluster_detector.detection import ssd
from ncs_cluster_detector.detection.preprocessing import image_of_network_input
from ncs_cluster_detector.detection.preprocessing import NETWORK_SIZE
from ncs_cluster_detector.simulation.host_detectors import HOST_DETECTORS
from ncs_cluster_detector.simulation.host_detectors import LABEL_COUNTS
import numpy as np

_KEY = 'detector:'
# With this byte an ONNX file begins: its first field, the version of the format.
_ONNX_BEGIN = b'\x08'
_IMAGE_NUMBER = 0
_SCORE = 2


def read_graph(name_or_path):
    """
    Return the bytes of a graph: of a built-in one by its name, of others from a file.

    A graph file holds either lines of text, of which one is ``detector: NAME`` with the name of a
    built-in graph and those that start with ``#`` are comments, or an ONNX network.

    :raises FileNotFoundError: neither a built-in name nor a file, or the detector's own files are
        not installed.
    :raises ValueError: the file cannot be read or run.
    """
    if name_or_path in HOST_DETECTORS:
        data = (f'# Graph of a simulated Neural Compute Stick: runs a detector on the host.\n'
                f'{_KEY} {name_or_path}\n').encode()
    else:
        data = _read_file(name_or_path)
    try:
        load_network(data)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'cannot load graph {name_or_path}: {error}') from error
    except ValueError as error:
        raise ValueError(f'cannot load graph {name_or_path}: {error}') from error
    return data


def load_network(graph_bytes):
    """
    Return the network in the bytes of a graph file.

    :return: object with ``input_shape`` (height, width, channels), ``output_length`` and
        ``run(tensor)``, which takes a float array of the input's size and returns a flat
        float32 array of ``output_length`` values.
    :raises FileNotFoundError: the detector's own files are not installed.
    :raises ValueError: the bytes are neither of the two kinds of :func:`read_graph`.
    """
    if not graph_bytes:
        raise ValueError('it is empty; expected an ONNX network or a text with a line '
                         f'"{_KEY} NAME"')
    if is_compiled(graph_bytes):
        raise ValueError("it is neither text nor ONNX, so perhaps compiled for the stick's chip, "
                         'which a host has not; expected an ONNX network or a text with a line '
                         f'"{_KEY} NAME"')
    text = _text_in(graph_bytes)
    return OnnxNetwork(graph_bytes) if text is None else DetectorNetwork(_detector_name(text))


def label_counts(graph_bytes):
    """
    Return the range of the numbers of labels that fit a graph, or None when nobody knows.

    :param graph_bytes: as :func:`read_graph` returns them.
    """
    text = _text_in(graph_bytes)
    return None if text is None else LABEL_COUNTS[_detector_name(text)]


def is_compiled(graph_bytes):
    """Tell whether the bytes of a graph file are neither text nor ONNX: only a chip runs them."""
    return not graph_bytes.startswith(_ONNX_BEGIN) and _text_in(graph_bytes) is None


class DetectorNetwork:
    """A detector on the host, with the input and output of an SSD network."""

    input_shape = (NETWORK_SIZE, NETWORK_SIZE, 3)
    output_length = (ssd.MOST_BOXES + 1) * ssd.VALUES_PER_BOX

    def __init__(self, name):
        """Load the detector with this built-in name."""
        self._detect = HOST_DETECTORS[name]()

    def run(self, tensor):
        """Return the output vector for an input tensor."""
        return ssd.encode(self._detect(image_of_network_input(tensor)))


class OnnxNetwork:
    """An ONNX network that OpenCV runs on the host."""

    input_shape = (NETWORK_SIZE, NETWORK_SIZE, 3)

    def __init__(self, data):
        """
        Load the network and compute once, which tells the size of its output.

        :raises ValueError: it is no ONNX network, OpenCV cannot run it on an input of
            1 x 3 x 300 x 300, or it has several outputs.
        """
        blank = np.zeros(self.input_shape, dtype=np.float32)
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(data, dtype=np.uint8))
            outputs = self._network.getUnconnectedOutLayersNames()
            if len(outputs) != 1:
                raise ValueError(f'it has {len(outputs)} outputs ({", ".join(outputs)}); expected '
                                 'one; export the network with the detections alone')
            output = self._forward(blank)
        except cv2.error as error:
            reason = ' '.join(str(error).split())
            raise ValueError(
                f'OpenCV {cv2.__version__} cannot run it ({reason}); expected the text of a '
                'built-in graph or an ONNX network for one input of 1x3x300x300 floats'
            ) from error
        rows = output.size // ssd.VALUES_PER_BOX
        self._room = max(rows, ssd.MOST_BOXES) if _has_boxes(output) else None
        self.output_length = (
            output.size if self._room is None else (self._room + 1) * ssd.VALUES_PER_BOX)

    def run(self, tensor):
        """Return the output vector for an input tensor, as the vendor's compiler arranges it."""
        output = self._forward(tensor)
        return output.reshape(-1) if self._room is None else _with_header(output, self._room)

    def _forward(self, tensor):
        picture = np.asarray(tensor, dtype=np.float32).reshape(self.input_shape)
        self._network.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis]))
        return self._network.forward()


def _has_boxes(output):
    return output.ndim > 1 and output.shape[-1] == ssd.VALUES_PER_BOX


def _with_header(output, room):
    """
    Return rows of boxes as the vendor's graph compiler arranges them.

    The number of rows comes first, in a row of its own. An image number of -1 or a score of 0
    ends the rows, as in the output of the SSD layer of other frameworks.
    """
    rows = output.reshape(-1, ssd.VALUES_PER_BOX)[:room]
    ends = (rows[:, _IMAGE_NUMBER] == -1) | (rows[:, _SCORE] == 0)
    count = int(np.argmax(ends)) if ends.any() else len(rows)
    vector = np.zeros((room + 1, ssd.VALUES_PER_BOX), dtype=np.float32)
    vector[0, 0] = count
    vector[1:count + 1] = rows[:count]
    return vector.reshape(-1)


def _text_in(graph_bytes):
    """Return the text, or None when the bytes are none."""
    try:
        text = graph_bytes.decode('utf-8')
    except UnicodeDecodeError:
        return None
    return None if '\0' in text else text


def _read_file(path):
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'cannot load graph {path}: no such file, and not one of the built-in graphs '
            f'{", ".join(HOST_DETECTORS)}; name one of these or an existing file') from error
    except OSError as error:
        raise ValueError(f'cannot load graph {path}: {error.strerror}; expected a readable '
                         f'file or one of the built-in graphs {", ".join(HOST_DETECTORS)}'
                         ) from error


def _detector_name(text):
    lines = [line.strip() for line in text.splitlines()]
    names = [line[len(_KEY):].strip() for line in lines if line.startswith(_KEY)]
    if len(names) != 1:
        raise ValueError(f'it is a text with {len(names)} lines "{_KEY} NAME"; expected one, with '
                         f'one of the names {", ".join(HOST_DETECTORS)}')
    if names[0] not in HOST_DETECTORS:
        raise ValueError(f'it names the detector {names[0]!r}; expected one of '
                         f'{", ".join(HOST_DETECTORS)}')
    return names[0]
