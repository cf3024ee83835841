# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The settings' own questions."""

from ncs_cluster_detector.policy.settings import Settings


def test_limits_include_their_value():
    settings = Settings(switch_temperature=65.0, resume_margin=5.0, critical_margin=10.0)
    assert not settings.is_hot(64.99)
    assert settings.is_hot(65.0)
    assert not settings.is_critical(74.99)
    assert settings.is_critical(75.0)
    assert settings.resume_temperature == 60.0


def test_an_unknown_temperature_is_neither_hot_nor_critical():
    assert not Settings().is_hot(None)
    assert not Settings().is_critical(None)


def test_detections_pass_by_score_and_label():
    assert Settings(score_threshold=0.6).wants('person', 0.6)
    assert not Settings(score_threshold=0.61).wants('person', 0.6)
    assert Settings(class_filter=('car', 'person')).wants('person', 0.6)
    assert not Settings(class_filter=('car',)).wants('person', 0.6)
