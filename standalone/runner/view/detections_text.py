# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What was seen last, in words."""

from collections.abc import Iterable

from rich.text import Text
from runner.tally import DetectionTally
from runner.tally import PixelDetection
from runner.view.stick_table import for_terminal


def detections_text(detections: Iterable[PixelDetection]) -> str:
    """Return detections as a text, such as ``person 87 %, person 64 %``."""
    return for_terminal(', '.join(
        f'{found.label} {found.score * 100:.0f} %' for found in detections))


def seen_text(tally: DetectionTally, width: int) -> Text:
    """Return the newest detections in one line: the best, and how many more there are."""
    newest = tally.newest
    for hidden in range(len(newest)):
        words = detections_text(newest[:len(newest) - hidden])
        text = Text(words + f' and {hidden} more' * (hidden > 0), 'cyan')
        if text.cell_len <= width:
            return text
    if newest:
        return Text(f'{len(newest)} objects', 'cyan')
    return Text('no detections yet' if tally.first_at is None else 'nothing', 'dim')
