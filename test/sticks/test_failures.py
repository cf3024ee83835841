# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The errors made of failed calls: their kinds, and texts of one line with the remedy."""

import enum

from ncs_cluster_detector.sticks import failures
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import PortNotUniqueError
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
import pytest


class Status(enum.Enum):
    """Some of the API's."""

    ERROR = -2
    OUT_OF_MEMORY = -3
    INVALID_DATA_LENGTH = -14


ERROR = Exception(Status.ERROR)


class Facts:
    """A system about which everything is known."""

    def __init__(self, folder='/usr/local/lib', firmware=None, nodes=('/dev/null',), usable=True):
        """Take what the methods return."""
        self._facts = folder, firmware, nodes, usable

    def sdk_folder(self):
        """Return the SDK's folder."""
        return self._facts[0]

    def missing_firmware(self, chip):
        """Return the missing file."""
        assert chip == 'ma2450'
        return self._facts[1]

    def nodes(self, port):
        """Return the device files."""
        assert port == '1.2'
        return self._facts[2] if self._facts[2] is None else list(self._facts[2])

    def is_usable(self, node):
        """Tell whether a device file may be used."""
        return self._facts[3]


@pytest.mark.parametrize('facts, kind, text', [
    (Facts(folder=None, nodes=()), StickOpenError, 'replug'),
    (Facts(firmware='/lib/mvnc/X.mvcmd'), FirmwareMissingError, '/lib/mvnc/X.mvcmd is missing'),
    (Facts(nodes=()), StickLostError, 'left the USB bus.*hub with its own power supply'),
    (Facts(nodes=('/nowhere/001/002',)), NoPermissionError, '/nowhere/001/002 does not exist'),
    (Facts(usable=False), NoPermissionError, '/dev/null: install the udev rules.*f63b'),
    (Facts(), StickOpenError, 'another program.*hub with its own power supply'),
    (Facts(nodes=None), StickOpenError, 'another program.*hub with its own power supply')])
def test_a_failed_opening_has_the_reason_that_the_system_knows(facts, kind, text):
    error = failures.open_failure('1.2-ma2450', ERROR, facts)
    assert type(error) is kind
    assert not error.permanent
    assert str(error).startswith('opening stick 1.2-ma2450: ERROR, expected OK; ')
    with pytest.raises(kind, match=text):
        raise error


@pytest.mark.parametrize('names, kind, text', [
    ([], StickNotFoundError, 'found no stick, expected one at port 1.2; plug it in'),
    (['1.1-ma2450', '1.2.1-ma2450'], StickNotFoundError, 'found 1.1-ma2450, 1.2.1-ma2450'),
    (['1.1-ma2450', '1.2-'], StickInUseError, 'listed as 1.2-, in use by another program'),
    (['1.2-', '1.2-ma2450'], PortNotUniqueError, '2 sticks.*different USB buses')])
def test_a_stick_that_cannot_be_opened_is_not_tried(names, kind, text):
    error = failures.reason_not_to_open('1.2-ma2450', names)
    assert type(error) is kind
    with pytest.raises(kind, match=f'opening stick 1.2-ma2450: .*{text}'):
        raise error


@pytest.mark.parametrize('wanted', ['1.2-ma2450', '1.2-', '1.2-ma2480'])
def test_a_free_stick_at_the_port_may_be_opened(wanted):
    assert failures.reason_not_to_open(wanted, ['1.1-', '1.2-ma2450']) is None


def test_what_is_no_status_keeps_its_text_in_one_line():
    assert failures.status_name(Exception(Status.OUT_OF_MEMORY)) == 'OUT_OF_MEMORY'
    assert failures.status_name(ValueError('two\nlines')) == 'ValueError: two lines'
    assert failures.status_name(KeyError()) == 'KeyError:'


def test_a_wrong_length_is_a_matter_of_the_graph_all_else_of_the_stick():
    error = failures.call_failure('starting', '1.2-ma2450', Exception(Status.INVALID_DATA_LENGTH))
    assert type(error) is GraphRejectedError
    assert 'a wrong size of its input: compile it' in str(error)
    assert type(failures.call_failure('starting', '1.2-ma2450', ERROR)) is StickLostError
    assert str(failures.call_failure('listing', None, ERROR)).startswith('listing: ERROR')


def test_only_what_a_person_must_mend_at_the_files_is_permanent():
    def family(kind):
        return {kind}.union(*map(family, kind.__subclasses__()))

    assert {kind for kind in family(StickError) if kind.permanent} == {
        SdkMissingError, GraphRejectedError}
