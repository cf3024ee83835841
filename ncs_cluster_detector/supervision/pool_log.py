# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the pool of sticks logs about them."""

from ncs_cluster_detector.policy.reliability.restart import RestartPlan
from ncs_cluster_detector.supervision.records.device_list import title_of
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.wire.messages import Result


class PoolLog:
    """Logs what happens to sticks, in one line each."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._held_back: list[str] = []   # failures to log later

    def ready(self, record: StickRecord) -> None:
        """Log that a stick is ready, after the failures before."""
        self.held_back()
        self._logger.info(f'{title_of(record.number, record.device_name)} is ready, worker '
                          f'process {record.worker.pid}')

    def unusable_boxes(self, record: StickRecord, result: Result) -> None:
        """Log the first boxes of a stick that are dropped."""
        if not result.unusable_boxes or record.figures.unusable_boxes:
            return
        highest = result.unlabelled_class
        self._logger.warning(
            f'{title_of(record.number, record.device_name)}: {result.unusable_boxes} boxes of a '
            'result dropped, which are not finite, empty, outside the image or of a class '
            f'without a label{f" (such as class {highest})" if highest else ""}; do label_files '
            'fit graph_paths? Further ones are only counted')

    def failed(self, record: StickRecord, text: str, plan: RestartPlan) -> None:
        """Hold the line about a failure back; see :meth:`held_back`."""
        self._held_back.append(
            f'{title_of(record.number, record.device_name)}: {text}; '
            f'{"given up for" if plan.fatal else "starting again in"} {plan.delay_sec:g} s')

    def held_back(self) -> None:
        """Log the failures that were held back."""
        for line in self._held_back:
            self._logger.error(line)
        self._held_back.clear()
