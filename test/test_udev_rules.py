# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The udev rule for sticks: it is for all that the package opens, and udev takes it as it is."""

from pathlib import Path
import re

from ncs_cluster_detector.sticks.usb_bus import BOOTED_PRODUCT
from ncs_cluster_detector.sticks.usb_bus import ROM_KINDS
from ncs_cluster_detector.sticks.usb_bus import VENDOR_ID
import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / 'config' / '60-neural-compute-sticks.rules'


@pytest.fixture(scope='module')
def rule():
    """Return the values of the only rule by their keys with their operators."""
    line, = (line for line in FILE.read_text().splitlines() if line and line[0] != '#')
    parts = [re.fullmatch(r'([A-Z]+(?:\{\w+\})?)(==|=)"([^"]*)"', part)
             for part in line.split(', ')]
    return {part[1] + part[2]: part[3] for part in parts}


def test_it_is_for_every_stick_in_its_rom_and_booted(rule):
    assert rule['SUBSYSTEM=='] == 'usb'
    assert rule['ATTR{idVendor}=='] == f'{VENDOR_ID:04x}'
    products = [int(product, 16) for product in rule['ATTR{idProduct}=='].split('|')]
    assert sorted(products) == sorted([*ROM_KINDS, BOOTED_PRODUCT])


def test_every_user_may_open_them(rule):
    assert rule['MODE='] == '0666'


def test_it_comes_behind_the_rule_for_all_usb_devices():
    assert '50-udev-default.rules' < FILE.name < '73-seat-late.rules'   # those of systemd


@pytest.mark.parametrize('page', ['docs/real-sticks.md', 'SECURITY.md'])
def test_the_documents_name_it(page):
    assert f'config/{FILE.name}' in (ROOT / page).read_text()
