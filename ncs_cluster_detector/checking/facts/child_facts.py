# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Ask a child process for facts about a library, which may crash or hang it."""

from collections.abc import Mapping
import json
import os
import subprocess
from typing import Any

from ncs_cluster_detector.processes.module_path import python_command

PATIENCE_SEC = 15.0


def facts_from_child(
        program: str, what: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """
    Return the JSON object that a Python program prints as its last line, or what went wrong.

    :param what: what it loads, for the text under ``error``.
    :param environment: additional variables.
    """
    try:
        # A library may print as well: only the last line is the answer.
        answer = subprocess.run(
            python_command(program), env={**os.environ, **(environment or {})},
            capture_output=True, text=True, timeout=PATIENCE_SEC, stdin=subprocess.DEVNULL,
            errors='replace')
        return json.loads(answer.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {'error': f'loading {what} took more than {PATIENCE_SEC:g} s'}
    except (IndexError, ValueError):
        return {'error': f'loading {what} ended the process with exit code {answer.returncode}'}
