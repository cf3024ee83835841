# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What may be said in the words for faults: each wrong one is refused with what is expected."""

import math


def choice(what, word, known, *also):
    """
    Return a word that is one of those known.

    :raises ValueError: it is not; ``also`` is named with those expected.
    """
    if word not in known:
        raise ValueError(f"{what} '{word}': unknown; expected one of "
                         f'{", ".join((*known, *also))}')
    return word


def factor(what, word, most):
    """Return a number above 0; raise ValueError if it is none, or more than ``most``."""
    value = number(what, word)
    if not 0 < value <= most:
        raise ValueError(f'{what} {word}: expected more than 0, {most:g} at most')
    return value


def between(what, word, limits, unit):
    """Return a number within limits, the least and the most; raise ValueError if it is none."""
    value = number(what, word)
    low, high = limits
    if not low <= value <= high:
        raise ValueError(f'{what} {word}: expected {low:g} to {high:g} {unit}')
    return value


def number(what, word):
    """Return a finite number; raise ValueError if it is none."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} '{word}': expected a number")
    return value
