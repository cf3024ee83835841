# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the markers that rviz shows from detections with positions."""

from ncs_cluster_detector.drawing.colours import label_colour
from std_msgs.msg import ColorRGBA
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

# The box must hide neither its text nor what is behind it.
BOX_OPACITY = 0.35
# Text that grows with the distance keeps its size on the screen, seen from near the camera.
TEXT_SHARE = 0.05
LEAST_TEXT_METRES = 0.08


def marker_array_of(positions: Detection3DArray) -> MarkerArray:
    """
    Return the MarkerArray that shows the objects of a message and removes all earlier ones.

    Namespace ``box`` has a translucent cube for each object of known size; namespace ``label`` a
    text above each (label, percent, and metres along the optical axis). Ids count from 0 in each.

    :param positions: vision_msgs/Detection3DArray in an optical frame (y down), in metres; every
        detection has one result.
    """
    header = positions.header
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for number, detection in enumerate(positions.detections):
        if detection.bbox.size.x > 0:
            markers.append(_box(header, number, detection))
        markers.append(_label(header, number, detection))
    return MarkerArray(markers=markers)


def _box(header, number, detection):
    return Marker(
        header=header, ns='box', id=number, type=Marker.CUBE, action=Marker.ADD,
        pose=detection.bbox.center, scale=detection.bbox.size,
        color=_colour(detection, BOX_OPACITY))


def _label(header, number, detection):
    hypothesis, box = detection.results[0].hypothesis, detection.bbox
    place = box.center.position
    marker = Marker(
        header=header, ns='label', id=number, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD,
        color=_colour(detection, 1.0),
        text=f'{hypothesis.class_id} {hypothesis.score * 100:.0f}% {place.z:.2f} m')
    marker.scale.z = max(TEXT_SHARE * place.z, LEAST_TEXT_METRES)   # height of a letter
    position = marker.pose.position
    position.x, position.z = place.x, place.z
    position.y = place.y - box.size.y / 2 - marker.scale.z   # y is down
    return marker


def _colour(detection, opacity):
    blue, green, red = label_colour(detection.results[0].hypothesis.class_id)
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=opacity)
