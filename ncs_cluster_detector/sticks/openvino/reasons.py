# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The reason in an exception of OpenVINO, whose texts have many lines."""

import re

from ncs_cluster_detector.shown_text import brief
from ncs_cluster_detector.shown_text import shown

# Where in its sources something was found; of use to its developers only.
_PLACE = re.compile(r"Exception from \S+:\d+:|Check '.*?' failed at \S+:\d+:|\[ [A-Z_]+ \]")


def reason_of(error: BaseException) -> str:
    """Return what an exception says, in one line that may be shown."""
    lines = [shown(line) for line in _PLACE.sub(' ', str(error)).splitlines()]
    # The last line says most, such as which operation is not known.
    return brief(next(filter(None, reversed(lines)), type(error).__name__))
