# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The script of 2018 that this package goes back to, unchanged, on real sticks without the SDK."""

from article_script import RunningScript
import pytest

PORTS = ('1.1', '1.2', '1.3', '1.4', '1.5')


@pytest.mark.parametrize('arguments', [
    ('-mod', '1'), ('-mod', '1', '-snc', '2', '-csc', '1000')])
def test_the_script_of_the_article_runs_on_five_sticks(start_bench, tmp_path, arguments):
    bench = start_bench('--ports', ','.join(PORTS))
    running = RunningScript(
        tmp_path, ('ncs_cluster_detector.mvnc', '--firmware', str(bench.firmware)), arguments,
        bench.environment)
    try:
        running.wait_until(lambda: 'window USB Camera' in running.notes())
        running.wait_until(lambda: all(
            bench.bus.sticks()[port].inferences > 2 for port in PORTS))
        running.wait_until(lambda: any(
            note.startswith('picture') for note in running.notes()))
        running.end()
    finally:
        running.kill()
