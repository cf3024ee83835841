# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures the detector node beside a bare node and the script of 2018; see docs/benchmarks.md.

``.venv/bin/python bench`` runs everything; ``make bench`` is the same.
"""

import os
from pathlib import Path
import signal
import sys

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
# What is measured is this checkout, whatever else is installed.
sys.path[:0] = [str(BENCH), str(ROOT), str(ROOT / 'standalone')]
os.environ['PYTHONPATH'] = os.pathsep.join(
    filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))

from ncs_cluster_detector.checking import environment  # noqa: E402, I100
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory  # noqa: E402


def main() -> int:
    """Run the bench in a ROS domain of its own, on this machine only; return its exit code."""
    environment.use(environment.loopback_environment(
        os.environ, environment.claim_domain(os.getpid())))
    with clean_shared_memory():
        from comparison.main import main   # after the environment of ROS is settled
        try:
            return main()
        except KeyboardInterrupt:   # the nodes are stopped
            print('bench: stopped by SIGINT', file=sys.stderr)
            return 128 + signal.SIGINT


if __name__ == '__main__':
    sys.exit(main())
