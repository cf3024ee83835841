# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which outputs are of which kind, and what is said of others."""

import pickle
import subprocess
import sys

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from ncs_cluster_detector.networks.outputs.kinds import KINDS
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
from network_outputs import form
import pytest

SSD, TENSORFLOW, LITE, V5, V8, END = (kind.title for kind in KINDS)
BOXES, CLASSES = form(1, 100, 4, name='detection_boxes:0'), form(1, 100, name='detection_classes')
SCORES, COUNT = form(1, 100, name='x/detection_scores:0'), form(1, name='num_detections:0')
LITE_FORMS = [form(1, 10, 4, name='TFLite_Detection_PostProcess'),
              *(form(1, 10, name=f'TFLite_Detection_PostProcess:{port}') for port in (1, 2)),
              form(1, name='TFLite_Detection_PostProcess:3')]
NUMBERED = [form(1, 10, name='StatefulPartitionedCall:1'),
            form(1, 10, 4, name='StatefulPartitionedCall:3'),
            form(1, name='StatefulPartitionedCall:0'),
            form(1, 10, name='StatefulPartitionedCall:2')]
RECOGNISED = [
    ([form(1, 1, 100, 7)], (300, 300), SSD, None),
    ([form(1, 1, 200, 7)], (300, 300), SSD, None),
    ([form(1, 1, 1, 7)], (300, 300), SSD, None),
    ([form(1, 1, None, 7)], (300, 300), SSD, None),
    ([form(None, 1, 100, 7)], (300, 300), SSD, None),
    ([form(50, 7)], (300, 300), SSD, None),
    # What converters of TensorFlow's networks made of the four outputs before 2023.
    ([form(1, 1, 100, 7, name='detection_boxes:0')], (300, 300), SSD, None),
    ([BOXES, CLASSES, SCORES, COUNT], (300, 300), TENSORFLOW, None),
    ([COUNT, SCORES, BOXES, CLASSES], (300, 300), TENSORFLOW, None),
    # TensorFlow 2 has eight.
    ([form(1, 100, name='detection_anchor_indices'), BOXES, CLASSES, SCORES, COUNT,
      form(1, 100, 91, name='detection_multiclass_scores'),
      form(1, 1917, 4, name='raw_detection_boxes'),
      form(1, 1917, 91, name='raw_detection_scores')], (300, 300), TENSORFLOW, None),
    ([form(None, 100, 4, name='detection_boxes'), form(None, 100, name='detection_classes'),
      form(None, 100, name='detection_scores'), form(None, name='num_detections')],
     (300, 300), TENSORFLOW, None),
    ([form(None, None, 4, name='detection_boxes'), form(None, None, name='detection_classes'),
      form(None, None, name='detection_scores'), form(name='num_detections')],
     (300, 300), TENSORFLOW, None),
    ([form(None, 100, 4), form(None, 100), form(None, 100), form(None)], (300, 300),
     TENSORFLOW, None),
    ([form(1), form(1, 100), form(1, 100, 4), form(1, 100)], (300, 300), TENSORFLOW, None),
    (LITE_FORMS, (300, 300), LITE, None),
    (LITE_FORMS[::-1], (300, 300), LITE, None),
    (NUMBERED, (320, 320), LITE, None),
    ([form(1, 25200, 85)], (640, 640), V5, 80),
    ([form(1, 6300, 6)], (320, 320), V5, 1),
    ([form(1, 25200, 7)], (640, 640), V5, 2),
    ([form(1, 102000, 85)], (1280, 1280), V5, 80),   # P6
    ([form(1, 15120, 85)], (640, 384), V5, 80),
    ([form(1, 252, 300)], (64, 64), V5, 295),   # more values than boxes
    ([form(None, 25200, 85)], (640, 640), V5, 80),
    ([form(1, None, 85)], (640, 640), V5, 80),
    # The grids before decoding beside the output, as old exports have.
    ([form(1, 3, 80, 80, 85), form(1, 25200, 85), form(1, 3, 40, 40, 85), form(1, 3, 20, 20, 85)],
     (640, 640), V5, 80),
    ([form(1, 84, 8400)], (640, 640), V8, 80),
    ([form(1, 5, 8400)], (640, 640), V8, 1),
    ([form(1, 6, 8400)], (640, 640), V8, 2),
    ([form(1, 7, 8400)], (640, 640), V8, 3),
    ([form(1, 84, 2100)], (320, 320), V8, 80),
    ([form(1, 19, 3780)], (576, 320), V8, 15),
    ([form(1, 605, 84)], (64, 64), V8, 601),
    ([form(1, 84, 84)], (64, 64), V8, 80),
    ([form(1, 605, 85)], (64, 64), V8, 601),   # P6
    ([form(1, 605, 340)], (64, 64), V8, 601),   # P2
    ([form(1, 60, 90)], (64, 64), V5, 85),   # two grids
    ([form(1, 60, 85)], (64, 64), V8, 56),   # both counts fit, so the longer side decides
    ([form(1, 84, None)], (640, 640), V8, 80),
    ([form(1, 300, 6)], (640, 640), END, None),
    ([form(1, 1, 6)], (640, 640), END, None),
    ([form(1, None, 6)], (640, 640), END, None),
    ([form(None, 300, 6)], (640, 640), END, None),
    # Small networks, which no count of cells fits.
    ([form(1, 100, 7)], (640, 640), V5, 2),
    ([form(1, 20, 8)], (32, 32), V5, 3),
    ([form(1, 8, 20)], (32, 32), V8, 4),
]
REFUSED = [
    ([], 'its 0 outputs are none'),
    ([form(1, 1000, name='prob')], 'its output is prob 1x1000'),
    ([form(1, 7)], 'unnamed 1x7'), ([form(None, 7)], r'unnamed \?x7'), ([form()], 'a number'),
    ([form(1, 8400, 85)], 'unnamed 1x8400x85'),   # YOLOX and YOLOv6, in the same form
    ([form(1, 85, 25200)], 'unnamed 1x85x25200'),
    ([form(1, 20, 20)], '1x20x20'), ([form(1, 20, 5)], '1x20x5'), ([form(1, 4, 20)], '1x4x20'),
    ([form(1, None, None)], r'1x\?x\?'), ([form(1, None, 5)], r'1x\?x5'),
    ([form(1, 4, None)], r'1x4x\?'), ([form(2, 84, 8400)], '2x84x8400'),
    ([form(1, 21, 90, 90)], '1x21x90x90'), ([form(1, 2, 50, 7)], '1x2x50x7'),
    # Masks beside the boxes.
    ([form(1, 116, 8400, name='output0'), form(1, 32, 160, 160, name='output1')],
     'its 2 outputs are output0 1x116x8400, output1 1x32x160x160'),
    ([form(1, 1, 100, 7), form(1, 1, 100, 7)], None),
    ([BOXES, CLASSES, SCORES], None), ([BOXES, BOXES, CLASSES, SCORES, COUNT], None),
    ([BOXES, CLASSES, SCORES, form(1, 100, name='num_detections:0')], None),
    ([form(1, 100, 5, name='detection_boxes'), CLASSES, SCORES, COUNT], None),
    ([form(1, 100, 4), form(1, 90), form(1, 100), form(1)], None),
    ([form(1, 100, 4), form(1, 100), form(1, 100), form(1), form(1)], None),
    (LITE_FORMS[:3], None), (NUMBERED[:3], None),
]


@pytest.mark.parametrize('outputs, size, title, classes', RECOGNISED)
def test_these_outputs_are_recognised(outputs, size, title, classes):
    kind = kind_of(outputs, size)
    assert (kind.title, kind.class_count) == (title, classes)
    # None of the others takes them, so that the order of the table decides nothing.
    assert [other.title for other in KINDS if other.recognise(outputs, size)] == [title]
    copy = pickle.loads(pickle.dumps(kind))
    assert vars(copy) == vars(kind)


@pytest.mark.parametrize('outputs, part', REFUSED)
def test_other_outputs_are_refused_with_what_they_are(outputs, part):
    with pytest.raises(ValueError, match=part or 'which no known detector gives') as caught:
        kind_of(outputs, (640, 640))
    text = str(caught.value)
    assert '\n' not in text
    what = 'output is' if len(outputs) == 1 else f'{len(outputs)} outputs are'
    assert text.startswith(f'for an input of 640x640 its {what} ')
    assert all(kind.form in text and kind.title in text for kind in KINDS)
    assert text.endswith('export the network as a detector with decoded boxes in one of these '
                         'forms')


def test_a_long_list_of_outputs_is_shortened():
    outputs = [form(*[9] * 80, name='n' * 300) for _ in range(50)]
    with pytest.raises(ValueError, match='and 42 more, which no') as caught:
        kind_of(outputs, (640, 640))
    assert len(str(caught.value)) < 2500


def test_of_several_names_the_first_is_shown():
    assert str(TensorForm(frozenset('cab'), (1, None, 7))) == 'a 1x?x7'


def test_every_kind_says_what_its_networks_want():
    wants = {kind.title: (kind.input_format, kind.usual_size, kind.has_background)
             for kind in KINDS}
    yolo = InputFormat(0.0, 1 / 255, 'rgb'), (640, 640), False
    assert wants == {
        SSD: (InputFormat(), (300, 300), True),
        TENSORFLOW: (InputFormat(0.0, 1.0, 'rgb'), (300, 300), True),
        LITE: (InputFormat(0.0, 1.0, 'rgb'), (300, 300), False),
        V5: yolo, V8: yolo, END: yolo}


def test_a_process_that_only_recognises_loads_no_opencv():
    program = ('import sys; from ncs_cluster_detector.networks.outputs import kinds; '
               'print([name for name in ("cv2", "openvino") if name in sys.modules])')
    ended = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                           check=True)
    assert ended.stdout.strip() == '[]'
