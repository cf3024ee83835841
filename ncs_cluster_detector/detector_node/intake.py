# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What reaches the node from a camera, and what is said when nothing does."""

from dataclasses import dataclass

from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.publication_gaps import Loss

NO_IMAGE_WARN_SEC = 5.0


@dataclass(frozen=True)
class Intake:
    """
    What reaches the node from one camera.

    ``topic`` is where images are expected, after remapping; ``publisher_types`` holds the message
    type of each publisher on it, such as ``sensor_msgs/msg/Image``, and ``expected_type`` what it
    must be. ``bad_images`` and ``bad_depth_images`` count the messages that could not be used,
    ``missing_images`` those that were published and never taken. ``base`` is the name to remap,
    ``camera`` that of the camera, or empty. ``loss`` is set while many images are lost on the way.
    """

    topic: str
    publisher_types: tuple[str, ...] = ()
    bad_images: int = 0
    bad_depth_images: int = 0
    missing_images: int = 0
    expected_type: str = 'sensor_msgs/msg/Image'
    base: str = 'image_raw'
    camera: str = ''
    loss: Loss | None = None


def why_no_image(silent_sec: float, intake: Intake) -> str:
    """Return for how long and where no usable image came, and the likely reason."""
    return f'no image for {silent_sec:.0f} s on {intake.topic}: {_who_publishes(intake)}'


def why_few_images(intake: Intake) -> str:
    """Return how many images are lost on the way, and where the remedies are; '' if few are."""
    loss = intake.loss
    return '' if loss is None else (
        f'{100 * loss.share:.0f} % of the images of {intake.topic} are lost on the way '
        f'({loss.arrived_per_sec:.1f} of {loss.published_per_sec:.1f} a second arrive): see '
        'docs/transport.md')


def unusable_dropped(intake: Intake) -> str:
    """Return how many messages could not be used, as the end of a text; empty if none."""
    return ''.join(f'; {count} unusable {what} dropped' for count, what in (
        (intake.bad_images, 'images'), (intake.bad_depth_images, 'depth images')) if count)


def _who_publishes(intake):
    publishers = intake.publisher_types.count(intake.expected_type)
    if publishers:
        return (f'{counted(publishers, "publisher")}, but nothing usable arrives; does '
                'ros2 topic hz show it?')
    if intake.publisher_types:
        return f'{intake.publisher_types[0]} is published there, expected {intake.expected_type}'
    return f'nobody publishes there; start the camera, or remap {intake.base} to its topic'
