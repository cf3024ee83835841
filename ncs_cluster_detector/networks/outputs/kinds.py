# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of kinds of outputs."""

from collections.abc import Sequence

from ncs_cluster_detector.networks.outputs.output_kind import OutputKind
from ncs_cluster_detector.networks.outputs.ssd_output import SsdOutput
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
from ncs_cluster_detector.networks.outputs.tensorflow_output import TensorFlowLiteOutput
from ncs_cluster_detector.networks.outputs.tensorflow_output import TensorFlowOutput
from ncs_cluster_detector.networks.outputs.yolo.end_to_end import YoloEndToEnd
from ncs_cluster_detector.networks.outputs.yolo.v5 import YoloV5
from ncs_cluster_detector.networks.outputs.yolo.v8 import YoloV8

# No outputs are of two kinds, so the order is that of the error text only.
KINDS: tuple[type[OutputKind], ...] = (
    SsdOutput, TensorFlowOutput, TensorFlowLiteOutput, YoloV5, YoloV8, YoloEndToEnd)
_MOST_SHOWN = 8   # outputs; the eight of TensorFlow 2's detection API are all shown


def kind_of(outputs: Sequence[TensorForm], input_size: tuple[int, int]) -> OutputKind:
    """
    Return what turns a network's outputs into boxes.

    :param outputs: in the order in which the values will come.
    :param input_size: (width, height) of the input in pixels.
    :raises ValueError: they are of no kind in the table; the text says what was found and what is
        expected.
    """
    for kind in KINDS:
        found = kind.recognise(outputs, input_size)
        if found is not None:
            return found
    shown = ', '.join(map(str, outputs[:_MOST_SHOWN]))
    more = f' and {len(outputs) - _MOST_SHOWN} more' if len(outputs) > _MOST_SHOWN else ''
    expected = '; '.join(f'{kind.form} of {kind.title}' for kind in KINDS)
    what = 'output is' if len(outputs) == 1 else f'{len(outputs)} outputs are'
    raise ValueError(
        f'for an input of {input_size[0]}x{input_size[1]} its {what} {shown or "none"}{more}, '
        f'which no known detector gives; expected {expected}; export the network as a detector '
        'with decoded boxes in one of these forms')
