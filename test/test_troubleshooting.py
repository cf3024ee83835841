# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Every message in docs/troubleshooting.md is one that the code prints.

A row's text may be a part of a message, and ``<a placeholder>`` stands for what the code puts
there. Where the code puts something in, a row may also show one value without spaces.
"""

import ast
import functools
from pathlib import Path
import re

import pytest
import rclpy.event_handler

ROOT = Path(__file__).resolve().parent.parent
FEWEST_ROWS = 10
# What the code puts in, and what a row has in its place.
HOLE = '\0'
PLACEHOLDER = re.compile(r'<[a-z][a-z0-9_ ]*>')
FIELD = re.compile(r'\{[^{}]*\}')
QUOTED = re.compile(r'(?<!`)(`+)(?!`) ?(.+?) ?(?<!`)\1(?!`)')
# Least share and number of the characters of a row, placeholders aside, that stand in the code.
LITERAL_SHARE = 0.6
LEAST_LITERAL = 12


def sources():
    """Return the files whose texts a user may see; of rclpy the one that speaks of QoS."""
    return [*(ROOT / 'ncs_cluster_detector').rglob('*.py'), *(ROOT / 'launch').glob('*.py'),
            *(ROOT / 'standalone').rglob('*.py'), Path(rclpy.event_handler.__file__)]


def templates_in(source):
    """Return all texts in Python code, docstrings aside, with HOLE for what is put in."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = {text_of(node) for node in ast.walk(tree)
             if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp))
             and id(node) not in docstrings}
    return {re.sub(f'{HOLE}+', HOLE, text) for text in found if text.strip(HOLE)}


def text_of(node):
    """Return the text of an expression; what is no text is a HOLE."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return FIELD.sub(HOLE, node.value)   # str.format() has its own way to put things in
    if isinstance(node, ast.JoinedStr):
        return ''.join(map(text_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return HOLE


def literal_characters(row, template):
    """Return how many characters of a row stand in a template that it is a part of, or None."""
    @functools.lru_cache(maxsize=None)
    def rest(at, place):
        if at == len(row):
            return 0
        if place == len(template):
            return None
        if template[place] != HOLE:
            if row[at] != template[place]:
                return None
            after = rest(at + 1, place + 1)
            return None if after is None else after + 1
        value = len(row[at:].split(' ')[0])   # one placeholder, or one value
        return best(rest(at + length, place + 1) for length in range(1, value + 1))

    return best(rest(0, place) for place in range(len(template))
                if place == 0 or may_begin(row, template, place))


def may_begin(row, template, place):
    """Tell whether a row may begin inside a template: with a whole word, or a placeholder."""
    if HOLE in (row[0], template[place]):
        return row[0] == template[place]
    return not (template[place - 1].isalnum() and template[place].isalnum())


def best(counts):
    return max((count for count in counts if count is not None), default=None)


def is_printed(text, templates):
    """Tell whether a text of a row is (part of) one of the templates."""
    row = PLACEHOLDER.sub(HOLE, text)
    needed = max(LITERAL_SHARE * len(row.replace(HOLE, '')), LEAST_LITERAL)
    words = set(re.findall(r'\w{3,}', row))
    for template in templates:
        there = set(re.findall(r'\w{3,}', template))
        if len(words & there) * 2 >= len(words) and (
                literal_characters(row, template) or 0) >= needed:
            return True
    return False


def texts_in_tables(document):
    """Return the texts in the first column of each table of the page, by row."""
    tables = re.findall(r'(?:^\|.*\n)+', document, re.MULTILINE)
    cells = [re.split(r'(?<!\\)\|', line)[1] for table in tables
             for line in table.splitlines()[2:]]   # behind head and rule
    return [[quoted for _, quoted in QUOTED.findall(cell)] for cell in cells]


@pytest.fixture(scope='module')
def templates():
    """Return the templates of all sources."""
    return set().union(*(templates_in(path.read_text(encoding='utf-8')) for path in sources()))


def test_every_text_of_the_table_is_one_that_the_code_prints(templates):
    rows = texts_in_tables(
        (ROOT / 'docs' / 'troubleshooting.md').read_text(encoding='utf-8'))
    assert len(rows) >= FEWEST_ROWS
    assert all(rows), 'a row without a text in backticks'
    assert [text for row in rows for text in row if not is_printed(text, templates)] == []


CODE = '''
"""Say that the docstring is no message at all."""
first = f'no image for {age:.0f} s on {topic}: {why}'
second = ("driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not installed; install "
          'NCSDK 2, or try -p driver:=simulated')
third = 'vision_msgs cannot be built, there is no {}: install {}'.format(a, b)
fourth = f'the folder {path} holds no pictures; put some into it (' + ', '.join(kinds) + ')'
fifth = f'{error}; trying again until it is back'
sixth = f'cluster_size={size}: more than there can ever be'
'''


@pytest.mark.parametrize('text', [
    'no image for <n> s on <topic>: <why>',
    'no image for <n> s',
    'no image for 7 s on /image_raw:',
    "driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not installed",
    "the Python module 'mvnc' of NCSDK 2 is not installed; install NCSDK 2, or try",
    'vision_msgs cannot be built, there is no <program>: install <package>',
    'vision_msgs cannot be built, there is no g++: install g++',
    'the folder <path> holds no pictures; put some into it (<kinds>)',
    '<error>; trying again until it is back',
])
def test_a_right_row(text):
    assert is_printed(text, templates_in(CODE))


@pytest.mark.parametrize('text', [
    'no picture for <n> s on <topic>: <why>',
    'no image since <n> s on <topic>: <why>',
    'on_topic: <why>; trying again until it is back',
    'picture_size=<n>: more than there can ever be',
    'no image for <n> s at <topic>: <why>',
    "driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not there",
    "driver=mvnc: the Python package 'mvnc' of NCSDK 2 is not installed",
    'vision_msgs cannot be made, there is no <program>: install <package>',
    'the folder <path> holds no images; put some into it (<kinds>)',
    'reading the camera failed; trying again until it is back',
    '<error>; trying once more until it is back',
])
def test_a_row_with_another_word(text):
    assert not is_printed(text, templates_in(CODE))


@pytest.mark.parametrize('text', [
    'no image <anything> on <topic>: <why>',
    "driver=mvnc: the Python module 'mvnc' <anything> is not installed",
    'the folder <path> holds <anything>; put some into it (<kinds>)',
    'driver=mvnc: <anything> -p driver:=simulated',
    '<anything>',
    'no image',
    '<error>: <error>',
])
def test_a_row_with_a_placeholder_over_what_the_code_says_or_with_next_to_nothing_else(text):
    assert not is_printed(text, templates_in(CODE))


def test_a_docstring_is_no_message():
    assert not is_printed('the docstring is no message at all', templates_in(CODE))


def test_what_is_taken_for_a_table():
    head = '| message | meaning |\n| --- | --- |\n'
    first = f'{head}| `one <n>` or `two` | `not this` |\n| ``say `make` `` | a \\| b |\n'
    document = f'# Name\n\n`no`\n\n{first}\n## Next\n\n{head}| bare | |\n\nText.\n'
    assert texts_in_tables(document) == [['one <n>', 'two'], ['say `make`'], []]
    assert texts_in_tables('# Name\n') == []
