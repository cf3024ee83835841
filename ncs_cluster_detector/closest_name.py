# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the known name that a misspelt one was meant to be."""

from collections.abc import Iterable
import difflib


def closest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """
    Return the known name that is most like another, or '' if none is.

    Upper and lower case are the same here, and so are hyphen and underscore.

    :param name: the name that was written.
    :param names: the known names.
    :param cutoff: difflib's ratio, 0 to 1, from which names are alike.
    """
    by_form = {_form(known): known for known in names}
    found = difflib.get_close_matches(_form(name), by_form, n=1, cutoff=cutoff)
    return by_form[found[0]] if found else ''


def _form(name):
    return name.lower().replace('-', '_')
