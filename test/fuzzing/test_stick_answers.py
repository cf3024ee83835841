# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a stick or its library may answer: results, thermal values, names, forms of tensors."""

import math
from types import SimpleNamespace

from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.sticks import failures
from ncs_cluster_detector.sticks.input_layout import InputLayout
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.system_facts import SystemFacts
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.wire.messages import DeadStick
import numpy as np
from supervisor_bench import Log

VALUES = st.floats(width=32) | st.sampled_from(
    [0.0, 1.0, 7.0, 100.0, 1e30, -1.0, math.nan, math.inf, -math.inf, 0.5])


@door(200, values=st.lists(VALUES, max_size=60), kind=st.sampled_from(
    [np.float16, np.float32]), more=st.integers(0, 3000), labels=st.sampled_from(
        [PASCAL_VOC, ('background', 'face'), ()]))
def test_any_result_gives_detections_or_is_counted(values, kind, more, labels):
    with np.errstate(over='ignore'):
        output = np.concatenate([np.array(values, kind), np.zeros(more, kind)])
    detections, dropped = ssd.decode(output, labels)
    assert dropped >= 0 and 0 <= ssd.class_without_label(output, labels)
    for found in detections:
        assert found.label in labels[1:] and 0.0 <= found.score <= 1.0
        assert 0.0 <= found.x_min < found.x_max <= 1.0
        assert 0.0 <= found.y_min < found.y_max <= 1.0
        assert Settings().wants(found.label, found.score) in (True, False)


# A library returns numbers of ctypes, arrays of numpy, or nothing.
ANSWERS = st.one_of(
    st.none(), ANY_FLOAT, ANY_INT, ANY_TEXT, st.lists(ANY_FLOAT, max_size=4),
    st.lists(st.floats(width=32), max_size=30).map(lambda values: np.array(values, np.float32)),
    st.builds(Exception, st.sampled_from(list(Status)) | ANY_TEXT), st.builds(OSError, ANY_TEXT))


class Library:
    """An SDK whose calls give one made-up answer after the other."""

    __name__ = 'made_up'

    def __init__(self, answers):
        self._answers = iter(answers)
        self.GlobalOption = self.DeviceOption = self.LogLevel = SimpleNamespace(
            RW_LOG_LEVEL=0, FATAL=0, RO_DEVICE_NAME=1, RO_THERMAL_STATS=2,
            RO_THERMAL_THROTTLING_LEVEL=3)

    def answer(self, *_):
        found = next(self._answers, None)
        if isinstance(found, Exception):
            raise found
        return found

    def enumerate_devices(self):
        return self.answer()

    def global_set_option(self, *_):
        pass

    def Device(self, _):  # noqa: N802
        return SimpleNamespace(get_option=self.answer, destroy=lambda: None, open=self.answer)


@door(300, also=[{'answers': []}, {'answers': ['']}, {'answers': ['0', None]},
                 {'answers': [[1.0], math.nan]}, {'answers': [10**400]}],
      answers=st.lists(ANSWERS, max_size=8))
def test_any_answer_of_the_library_is_a_value_or_an_error_of_the_stick(answers):
    stick = NcsdkStick(Library(answers), [b'graph'])
    names = taken_or_refused(stick.device_names, StickError)
    assert names is None or all(isinstance(name, str) and len(name) <= 100 for name in names)
    stick = NcsdkStick(Library(answers), [b'graph'])
    stick._device = stick._api.Device(0)
    state = taken_or_refused(stick.thermal_state, StickError)
    if state is not None:
        assert state.celsius is None or -55.0 <= state.celsius <= 150.0
        assert state.throttle_level in (0, 1, 2)


UINT32 = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2, 3, 6, 300, 600, 1800, 540000])


@door(200, also=[{'numbers': [1, 3, 0, 0, 6, 2, 2, 0], 'is_picture': True},
                 {'numbers': [1, 3, 9, 9, 2**31, 6, 2, 0], 'is_picture': True}],
      numbers=st.lists(UINT32, min_size=8, max_size=8), is_picture=st.booleans())
def test_the_form_of_an_input_is_usable_or_refused(numbers, is_picture):
    names = ('n', 'c', 'h', 'w', 'hStride', 'wStride', 'cStride', 'totalSize')
    descriptor = SimpleNamespace(**dict(zip(names, numbers)))
    if is_picture:
        descriptor.n, descriptor.c = 1, 3
    layout = taken_or_refused(lambda: InputLayout(descriptor), ValueError)
    if layout is not None and descriptor.h * descriptor.w < 10**6:
        tensor = np.ones((descriptor.h, descriptor.w, 3), np.float16)
        layout.describe_host(descriptor)
        assert (layout.arranged(tensor) != 0).sum() == tensor.size
    ssd.may_be_output(descriptor.h, descriptor.w, descriptor.c)


NAMES = st.sampled_from(
    ['1.1-ma2450', '1.2-', '1.2-ma2480', '', '-', '1.1-', '1.10-ma2450', '٣-x', '²-x', '1..-x',
     '9' * 90 + '-ma2450', 'a' * 100]) | ANY_TEXT


@door(150, lists=st.lists(st.tuples(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=2),
                                    st.booleans()), max_size=6),
      max_sticks=st.integers(0, 3), error=st.builds(Exception, ANY_TEXT))
def test_any_list_of_names_leaves_the_register_whole(lists, max_sticks, error):
    log = Log()
    register = StickRegister(max_sticks, log)
    for now, (names, dead, is_first) in enumerate(lists):
        ports = {name.partition('-')[0]: DeadStick(name, float(now)) for name in dead}
        register.listed(names, float(now), ports, is_first)
        numbers = [record.number for record in register.records]
        assert numbers == list(range(len(numbers)))
        assert len({record.port for record in register.records}) == len(numbers)
        for name in names:
            reason = failures.reason_not_to_open(name, names)
            assert reason is None or str(reason)
            assert_one_line(str(failures.open_failure(
                name, error, SystemFacts('/dev/null', '/nowhere', '/nowhere'))))
    for _, line in log.lines:
        assert_one_line(line)
