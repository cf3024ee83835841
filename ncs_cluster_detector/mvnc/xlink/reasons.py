# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Say why a call fails: the API's exceptions carry a status only."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys
from typing import NoReturn

from ncs_cluster_detector.mvnc.api.enums import GlobalOption
from ncs_cluster_detector.mvnc.api.enums import LogLevel
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.surface import global_get_option
from ncs_cluster_detector.sticks.stick import StickError


def report(reason: object) -> None:
    """Print a line on stderr, unless the program has set the log level to FATAL."""
    if global_get_option(GlobalOption.RW_LOG_LEVEL) != LogLevel.FATAL.value:
        # In one piece: other threads may print too.
        sys.stderr.write(f'mvnc: {" ".join(str(reason).split())}\n')
        sys.stderr.flush()


def fail(reason: object, cause: Exception | None = None) -> NoReturn:
    """Report a reason, and raise ``Exception(Status.ERROR)``."""
    report(reason)
    raise Exception(Status.ERROR) from cause


@contextmanager
def stick_errors_as_status() -> Iterator[None]:
    """Report a StickError, and raise ``Exception(Status.ERROR)`` in its place."""
    try:
        yield
    except StickError as error:
        fail(error, error)
