# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The built vision_msgs are the official ones: same hashes, same fields."""

import json
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
import pytest
import vision_msgs.msg

# RIHS01 hashes of the official vision_msgs 4.1 (Jazzy), by which other nodes know the type.
HASHES = {
    'Detection2D': '0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea',
    'Detection2DArray': '214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
    'Detection3DArray': '793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018',
    'LabelInfo': '3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
    'VisionInfo': '95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284',
}
FIELDS = {
    'Point2D': {'x': 'double', 'y': 'double'},
    'Pose2D': {'position': 'vision_msgs/Point2D', 'theta': 'double'},
    'BoundingBox2D': {
        'center': 'vision_msgs/Pose2D', 'size_x': 'double', 'size_y': 'double'},
    'BoundingBox3D': {'center': 'geometry_msgs/Pose', 'size': 'geometry_msgs/Vector3'},
    'ObjectHypothesis': {'class_id': 'string', 'score': 'double'},
    'ObjectHypothesisWithPose': {
        'hypothesis': 'vision_msgs/ObjectHypothesis',
        'pose': 'geometry_msgs/PoseWithCovariance'},
    'Detection2D': {
        'header': 'std_msgs/Header',
        'results': 'sequence<vision_msgs/ObjectHypothesisWithPose>',
        'bbox': 'vision_msgs/BoundingBox2D', 'id': 'string'},
    'Detection2DArray': {
        'header': 'std_msgs/Header', 'detections': 'sequence<vision_msgs/Detection2D>'},
    'Detection3D': {
        'header': 'std_msgs/Header',
        'results': 'sequence<vision_msgs/ObjectHypothesisWithPose>',
        'bbox': 'vision_msgs/BoundingBox3D', 'id': 'string'},
    'Detection3DArray': {
        'header': 'std_msgs/Header', 'detections': 'sequence<vision_msgs/Detection3D>'},
    'VisionClass': {'class_id': 'uint16', 'class_name': 'string'},
    'VisionInfo': {
        'header': 'std_msgs/Header', 'method': 'string', 'database_location': 'string',
        'database_version': 'int32'},
    'LabelInfo': {
        'header': 'std_msgs/Header', 'class_map': 'sequence<vision_msgs/VisionClass>',
        'threshold': 'float'},
}


@pytest.mark.parametrize('name', HASHES)
def test_hash_is_the_official_one(name):
    """The type description that was built hashes to what other machines expect."""
    path = Path(get_package_share_directory('vision_msgs')) / 'msg' / (name + '.json')
    hashes = {
        entry['type_name']: entry['hash_string']
        for entry in json.loads(path.read_text())['type_hashes']}
    assert hashes['vision_msgs/msg/' + name] == 'RIHS01_' + HASHES[name]


@pytest.mark.parametrize('name', FIELDS)
def test_fields_in_order(name):
    """The Python message has the fields of the definition, in its order."""
    message = getattr(vision_msgs.msg, name)
    assert list(message.get_fields_and_field_types().items()) == list(FIELDS[name].items())
