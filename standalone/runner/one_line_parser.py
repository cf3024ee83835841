# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A parser of command lines whose errors are one line."""

import argparse
from collections.abc import Iterable
import sys
from typing import Any
from typing import NoReturn

from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.shown_text import shown


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, and that accepts no shortened options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def parse_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Return the arguments; for an unknown one name a similar one."""
        given, unknown = self.parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].partition('=')[0]
            close = closest(option, self._option_string_actions)
            hint = f'did you mean {close}? ' if close else ''
            self.error(f'unrecognized arguments: {" ".join(unknown)}; {hint}'.rstrip('; '))
        return given

    def error(self, message: str) -> NoReturn:
        """End the program with status 2 and one line on stderr."""
        # The parser of a command is called by the names of the program and of the command.
        refuse(f'{message}; --help lists the options', self.prog.split()[0])


def refuse(message: str, program: str = 'run') -> NoReturn:
    """End the program with status 2 and one line on stderr, which may quote its arguments."""
    print(f'{program}: {shown(message, *sys.argv)}', file=sys.stderr)
    sys.exit(2)
