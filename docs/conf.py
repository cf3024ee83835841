# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sphinx's settings for these pages, also where rosdoc2 builds them."""

from pathlib import Path
import re
from typing import Any
from xml.etree import ElementTree

from pygments.lexers.special import TextLexer

try:
    # rosdoc2 runs these lines in a file of its own elsewhere, and gives Sphinx name and version.
    package = ElementTree.parse(Path(__file__).resolve().parents[1] / 'package.xml')
except FileNotFoundError:
    pass
else:
    project = package.findtext('name')
    author = package.findtext('author')
    release = version = package.findtext('version')

extensions = ['myst_parser']
myst_heading_anchors = 4
exclude_patterns = ['_build']

MENU = '\n```{toctree}\n:hidden:\n\n%s\n```\n'


def prepare_page(app: Any, docname: str, source: list[str]) -> None:
    """Give the front page a menu; let no page link to a file that is not among the pages."""
    if docname == 'index' == app.config.root_doc:
        source[0] += MENU % '\n'.join(re.findall(r'\]\(([\w-]+)\.md\)', source[0]))
    source[0] = re.sub(r'\[([^\]]+)\]\(\.\./[^)]+\)', r'\1', source[0])


def setup(app: Any) -> None:
    """Connect the above to Sphinx."""
    # Drawings are text that GitHub draws; here they stay text, for rosdoc2 has no mermaid.
    app.add_lexer('mermaid', TextLexer)
    app.connect('source-read', prepare_page)
