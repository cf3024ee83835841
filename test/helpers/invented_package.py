# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A copy of the package with an invented driver and camera, each one module and one entry."""

import os
from pathlib import Path
import re
import shutil

import invented_camera
import invented_driver
import ncs_cluster_detector


def add(package, module, table, class_name):
    """Add a module to a folder of the package, and its class to the table there."""
    folder = package / table
    shutil.copy(module.__file__, folder / 'invented.py')
    registry = folder / 'registry.py'
    text, count = re.subn(
        r'(?m)^(?=# By the value)(.*\n\w+: [Dd]ict.* = \{\n)',
        f'from ncs_cluster_detector.{table}.invented import {class_name}\n\n'
        rf"\1    'invented': {class_name},\n", registry.read_text())
    assert count == 1
    registry.write_text(text)


def make_copy(folder):
    """Make the copy in a folder; return the module path that leads to it."""
    package = folder / 'ncs_cluster_detector'
    shutil.copytree(Path(ncs_cluster_detector.__file__).parent, package,
                    ignore=shutil.ignore_patterns('__pycache__'))
    add(package, invented_driver, 'drivers', 'InventedDriver')
    add(package, invented_camera, 'cameras', 'InventedCamera')
    return os.pathsep.join(filter(None, [str(folder), os.environ.get('PYTHONPATH', '')]))
