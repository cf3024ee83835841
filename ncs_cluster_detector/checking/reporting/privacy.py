# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Remove from a report what does not belong to strangers: home folders, and so user names.

Passwords in stream addresses and unprintable bytes are removed as well.
"""

import os
from pathlib import Path
import re
from typing import Any

from ncs_cluster_detector.shown_text import printable
from ncs_cluster_detector.shown_text import without_secrets

_HOME = re.compile(r'/home/[^/\s\'":,;)\]]+')


def scrubbed(value: Any, home: Path | str | None = None) -> Any:
    """Return a text, or all texts in a dictionary or list, without home folders and secrets."""
    home = str(Path.home() if home is None else home)
    if isinstance(value, str):
        value = printable(without_secrets(value))
        if home not in ('', os.sep):
            value = re.sub(re.escape(home) + r'(?=[/\s\'":,;)\]]|$)', '~', value)
        return _HOME.sub('~', value)
    if isinstance(value, dict):
        return {key: scrubbed(entry, home) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrubbed(entry, home) for entry in value]
    return value
