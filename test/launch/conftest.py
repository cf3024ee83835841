# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What launch logs; and it alone may leave event loops and pipes to the garbage collector."""

import logging
import sys

import pytest


def pytest_collection_modifyitems(config):
    """Relax the warnings filter, once a test of this folder has imported launch."""
    if 'launch.actions' in sys.modules:
        # Nobody closes the loops of launch's threads, nor the two sockets of each, nor the pipes
        # of a process that is started again. They would be errors of whatever test runs when
        # the garbage collector comes.
        for message in ('unclosed event loop', r'unclosed .socket\.socket fd=\S+ family=1,',
                        'unclosed transport <_Unix(Subprocess|ReadPipe|WritePipe)Transport'):
            config.addinivalue_line('filterwarnings', f'ignore:{message}:ResourceWarning')


class _Records(logging.Handler):

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def said(monkeypatch):
    """Return a function that gives what loggers, by default those of our files, have said."""
    # Loggers of launch hand nothing on to others, and newer pytest adds its own handler to such
    # loggers, older does not.
    import launch.logging
    heard = _Records()
    for name in ('launch', 'launch.user', 'ncs_cluster_detector'):
        logger = launch.logging.get_logger(name)
        monkeypatch.setattr(logger, 'handlers', [*logger.handlers, heard])
    return lambda *names: [
        record.getMessage() for record in heard.records
        if record.name in (names or ('launch.user', 'ncs_cluster_detector'))]
