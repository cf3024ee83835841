# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The documents: their links and files, the way to each page, and their tables of parameters."""

import importlib.util
from pathlib import Path
import re

from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.detector_node import explanations
from ncs_cluster_detector.sticks.xlink import booting
from ncs_cluster_detector.sticks.xlink import device
from ncs_cluster_detector.sticks.xlink import link
from ncs_cluster_detector.sticks.xlink import monitors
from ncs_cluster_detector.sticks.xlink import opening
from ncs_cluster_detector.sticks.xlink import transfers
import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / 'docs'
README, CONTRIBUTING = ROOT / 'README.md', ROOT / 'CONTRIBUTING.md'
PAGES = [*sorted(ROOT.glob('*.md')), *sorted(DOCS.glob('*.md'))]
PACKAGE = 'ncs_cluster_detector'
LONGEST_README = 160   # lines: what a newcomer reads before the first try
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')
HEADING = re.compile(r'^#{1,6} +(.+?) *$', re.MULTILINE)
BLOCK = re.compile(r'^ *(```|~~~).*?^ *\1', re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r'`([^`\n]+)`')
MODULE = re.compile(r'-m ((?:\w+\.)*\w+)')
# Files of the project that a text names, with their folder.
OURS = re.compile(r'(?<![\w./~-])((?:bench|config|docs|launch|standalone|test|'
                  + PACKAGE + r')/[\w./-]*)')
# Declared by itself, from the table of parameters, or from a dictionary of defaults.
ARGUMENT = re.compile(
    r"(?:DeclareLaunchArgument|parameter_argument)\(\s*'(\w+)'|OWN_DEFAULTS = {'(\w+)'")
EVERY_PAGE = pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)

_spec = importlib.util.spec_from_file_location(
    'parameter_tables', DOCS / 'parameter_tables.py')
parameter_tables = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(parameter_tables)


def text_of(page):
    """Return the text of a page without its blocks of code, whose brackets are no links."""
    return BLOCK.sub('', page.read_text(encoding='utf-8'))


def links_of(page):
    """Return where the links and pictures of a page lead to, other sites aside."""
    return [target for target in LINK.findall(text_of(page)) if '://' not in target]


def anchors_of(page):
    """Return the anchors that GitHub makes of the headings of a page."""
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
            for heading in HEADING.findall(text_of(page))}


def target_of(page, link):
    """Return the file and the anchor that a link of a page leads to."""
    path, _, anchor = link.partition('#')
    return ((page.parent / path).resolve() if path else page), anchor


def problem_of(page, link):
    """Return what is wrong with a link, or an empty text."""
    target, anchor = target_of(page, link)
    if not target.exists():
        return f'{link}: no such file'
    if anchor and anchor not in anchors_of(target):
        return f'{link}: no such heading'
    return ''


@EVERY_PAGE
def test_every_link_leads_somewhere(page):
    assert list(filter(None, (problem_of(page, link) for link in links_of(page)))) == []


def test_the_readme_is_short():
    assert len(README.read_text(encoding='utf-8').splitlines()) < LONGEST_README


@pytest.mark.parametrize('start', [README, DOCS / 'index.md'], ids=lambda page: page.name)
def test_every_page_is_one_click_away(start):
    reached = {target_of(start, link)[0] for link in links_of(start)}
    # The index is the first page of the built documents, as the README is that of the checkout.
    missing = {page for page in PAGES if start.parent in page.parents} - reached - {
        README, DOCS / 'index.md'}
    assert missing == set()


def test_every_picture_is_shown():
    shown = {target_of(page, link)[0] for page in PAGES for link in links_of(page)}
    pictures = set((DOCS / 'images').iterdir())
    assert pictures
    assert pictures <= shown


@EVERY_PAGE
def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding='utf-8')
    words = [*QUOTED.findall(text), *(match.group() for match in BLOCK.finditer(text))]
    named = {path.rstrip('.') for word in words for path in OURS.findall(word)}
    modules = {name.replace('.', '/') for name in MODULE.findall(text)
               if name.partition('.')[0] == PACKAGE}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert [path for path in sorted(modules) if not (
        (ROOT / f'{path}.py').is_file() or (ROOT / path / '__main__.py').is_file())] == []


def test_the_map_names_every_folder_of_the_package():
    section = CONTRIBUTING.read_text(encoding='utf-8').partition(
        '\n## Map of the folders\n')[2].partition('\nBeside it:\n')[0]
    rooms = re.findall(r'^\| `(\w+)/`', section, re.MULTILINE)
    folders = [path.parent.name for path in (ROOT / PACKAGE).glob('*/__init__.py')]
    assert sorted(rooms) == sorted(folders)


def test_the_tables_of_parameters_are_those_of_the_nodes():
    page = parameter_tables.PAGE.read_text(encoding='utf-8')
    assert parameter_tables.with_tables(page) == page, (
        'docs/reference.md is not up to date; run .venv/bin/python docs/parameter_tables.py')


def rows_below(page, heading):
    """Return what stands in backquotes in the first column of a section's table."""
    section = page.read_text(encoding='utf-8').partition(f'\n## {heading}\n')[2]
    _, *rows = re.findall(r'^\| `([^`]+)` \|', section.partition('\n## ')[0], re.MULTILINE)
    return rows


@pytest.mark.parametrize('page', [README, DOCS / 'rotation.md'], ids=lambda page: page.name)
def test_every_reason_of_a_resting_stick_is_explained(page):
    shown = {short.format(resume='60.0') for _, short, _ in explanations._REASONS.values()}
    assert sorted(rows_below(page, 'Why a stick rests')) == sorted(shown)


def test_every_source_of_the_camera_node_is_explained():
    assert rows_below(DOCS / 'cameras.md', 'Sources of the camera node') == list(SOURCES), (
        'give each source of cameras/registry.py a row in docs/cameras.md')


@pytest.mark.parametrize('node', parameter_tables.TABLES)
def test_every_parameter_has_a_row_with_what_it_takes(node):
    page = parameter_tables.PAGE.read_text(encoding='utf-8')
    section = page.partition(f'\n## Parameters of the {node} node\n')[2].partition('\n## ')[0]
    rows = {cells[0]: cells[1:] for cells in (
        line.strip('| ').split(' | ') for line in section.split('\n') if line.startswith('| `'))}
    parameters = parameter_tables.TABLES[node]
    assert list(rows) == [f'`{parameter.name}`' for parameter in parameters]
    for parameter in parameters:
        kind, default, limits, live, meaning = rows[f'`{parameter.name}`']
        assert (kind, live) == (parameter.type_name,
                                'yes' if parameter.live else 'no'), parameter.name
        assert default == 'empty' or default.strip('`').lower() == str(parameter.default).lower()
        for value in (parameter.low, parameter.high, *parameter.choices):
            assert value is None or str(value) in re.split('[` ,]+', limits), parameter.name
        assert meaning.strip(), parameter.name


@pytest.mark.parametrize('file', ['cluster_detector', 'simulated', 'rviz', 'stick_server'])
def test_every_launch_argument_is_in_the_reference(file):
    text = (ROOT / 'launch' / f'{file}.launch.py').read_text()
    arguments = {declared or first for declared, first in ARGUMENT.findall(text)}
    assert arguments
    section = parameter_tables.PAGE.read_text(encoding='utf-8').partition(
        '\n## Launch arguments\n')[2]
    assert arguments <= set(QUOTED.findall(section))


@pytest.mark.parametrize(('link', 'problem'), [
    ('README.md#here', ''), ('#here', ''), ('#more-than-one-word', ''), ('docs/', ''),
    ('nowhere.md', 'nowhere.md: no such file'), ('#nowhere', '#nowhere: no such heading'),
    ('#in-code', '#in-code: no such heading'),
])
def test_what_is_wrong_with_a_link(link, problem, tmp_path):
    (tmp_path / 'docs').mkdir()
    page = tmp_path / 'README.md'
    page.write_text('# Here\n\n## More than *one* word?\n\n```\n# In code\n```\n')
    assert problem_of(page, link) == problem


def test_a_page_without_its_marks_is_no_silent_success():
    with pytest.raises(ValueError, match='parameters of the camera node'):
        parameter_tables.with_tables('# Reference\n')


@pytest.mark.parametrize('seconds, text', [
    (booting.ROM_WRITE_SEC, 'takes the firmware in whole packets, each within {} s'),
    (booting.BOOT_SEC, 'A stick is back within {} s of its boot'),
    (opening._PING_SEC, 'it answers a ping within {} s'),
    (opening._PATIENT_PING_SEC, 'booted again, and gets {} s'),
    (device._OWN_STREAMS_SEC, 'opens its two streams within {} s of the ping'),
    (device._SETTLE_SEC, '{} s later we open ours'),
    (link.ANSWER_SEC, 'answers each request within {} s'),
    (transfers.WRITE_SEC, 'takes 1 MB within {} s'),
    (monitors._OPTION_SEC, 'tells temperatures and the like within {} s'),
    (device._LOAD_SEC, 'loads a network within {} s'),
    (device.INFERENCE_SEC, 'has the result within {} s'),
    (booting.ROM_SEC, 'it is back in its ROM within {} s')])
def test_what_is_expected_of_real_sticks_is_what_the_code_waits_for(seconds, text):
    page = (DOCS / 'real-sticks.md').read_text(encoding='utf-8')
    section = page.partition('\n## What xlink takes for granted\n')[2].partition('\n## ')[0]
    assert text.format(f'{seconds:g}') in section
