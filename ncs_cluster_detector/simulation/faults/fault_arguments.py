# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Check the arguments of faults, and refuse each wrong one with what is expected."""

from collections.abc import Sequence
import math


def choice(what: str, word: str, known: Sequence[str], *also: str) -> str:
    """
    Return a word if it is known.

    :raises ValueError: it is not; the text lists ``known`` and ``also``.
    """
    if word not in known:
        raise ValueError(f"{what} '{word}': unknown; expected one of "
                         f'{", ".join((*known, *also))}')
    return word


def factor(what: str, word: str, most: float) -> float:
    """Return a number above 0 and up to ``most``; raise ValueError for any other word."""
    value = number(what, word)
    if not 0 < value <= most:
        raise ValueError(f'{what} {word}: expected more than 0, {most:g} at most')
    return value


def between(what: str, word: str, limits: tuple[float, float], unit: str) -> float:
    """Return a number within limits (least, most); raise ValueError for any other word."""
    value = number(what, word)
    low, high = limits
    if not low <= value <= high:
        raise ValueError(f'{what} {word}: expected {low:g} to {high:g} {unit}')
    return value


def number(what: str, word: str) -> float:
    """Return a finite number; raise ValueError for any other word."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} '{word}': expected a number")
    return value
