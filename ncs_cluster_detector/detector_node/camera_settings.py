# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads the parameters that have a value for each camera or for each label."""

from collections.abc import Collection

from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.networks.region import parse_region
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.ros.parameters import Values

# The parameters with a value for each camera.
PER_CAMERA = ('camera_weights', 'camera_max_fps', 'camera_regions')


def regions_of(values: Values) -> tuple[Region, ...]:
    """Return the Region of each camera, or none; raise ValueError if a text is none."""
    regions = []
    for text in values['camera_regions']:
        try:
            regions.append(parse_region(text))
        except ValueError as rule:
            raise ValueError(f"camera_regions={values['camera_regions']}: '{text}' {rule}"
                             ) from None
    return tuple(regions)


def class_thresholds_of(values: Values) -> tuple[tuple[str, float], ...]:
    """Return each label with its threshold; raise ValueError if a text is not such a pair."""
    thresholds: dict[str, float] = {}
    given = f"class_thresholds={values['class_thresholds']}"
    for text in filter(None, values['class_thresholds']):
        label, colon, number = text.rpartition(':')
        try:
            score = float(number)
        except ValueError:
            score = -1.0
        if not (colon and label and 0.0 <= score <= 1.0):
            raise ValueError(f"{given}: '{text}' must be a label, a colon and a score of 0 to 1; "
                             "use for example 'person:0.7'")
        if label in thresholds:
            raise ValueError(f"{given}: '{label}' stands there twice; keep one")
        thresholds[label] = score
    return tuple(thresholds.items())


def check_camera_settings(values: Values, labels: Collection[str]) -> None:
    """
    Check the values for each camera and for each label.

    :param labels: all labels that the graphs can give.
    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
    names = camera_names(values['cameras'])
    for parameter in PER_CAMERA:
        number = len(values[parameter])
        if number not in (0, len(names)):
            raise ValueError(
                f'{parameter}={values[parameter]}: must have one value per camera '
                f"(cameras={values['cameras']}); give {len(names)}, or none for the default")
    regions_of(values)
    check_labels('class_thresholds', values, [
        label for label, _ in class_thresholds_of(values)], labels)


def check_labels(parameter: str, values: Values, wanted: Collection[str],
                 labels: Collection[str]) -> None:
    """Raise ValueError, as above, if a parameter names a label that no graph can give."""
    for label in wanted:
        if label not in labels:
            close = closest(label, labels)
            hint = f"did you mean '{close}'?" if close else 'use labels of the graphs'
            raise ValueError(f"{parameter}={values[parameter]}: unknown label '{label}' "
                             f'(known: {", ".join(labels)}); {hint}')
