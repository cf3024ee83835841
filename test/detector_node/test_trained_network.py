# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A trained network through the whole node: its boxes are those of OpenVINO's own run."""

import cv2
from fetched_networks import network_file
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
from node_harness import complaints
import numpy as np
from openvino_bench import skip_without_openvino
import pytest

skip_without_openvino()
LEAST_SCORE = 0.4
PICTURES = ['two_people.jpg', 'living_room.jpg', 'car_bicycle.jpg', 'street_people.mp4']


@pytest.fixture(scope='module')
def ssdlite():
    """Return the path of the SSDLite that finds people."""
    return network_file('ssdlite')


@pytest.fixture(scope='module')
def found_by_openvino(ssdlite):
    """Return a function that gives the people which OpenVINO alone finds in a picture."""
    core = import_openvino().Core()
    model = core.read_model(str(ssdlite))
    model.reshape([1, 300, 300, 3])
    compiled = core.compile_model(model, 'CPU')

    def found_in(image):
        """Return left, top, right, bottom in pixels of each, the best first."""
        rgb = cv2.cvtColor(cv2.resize(image, (300, 300)), cv2.COLOR_BGR2RGB)
        values = compiled([rgb[np.newaxis]])
        boxes, scores = (values[compiled.output(f'detection_{name}:0')][0]
                         for name in ('boxes', 'scores'))
        height, width = image.shape[:2]
        return [(left * width, top * height, right * width, bottom * height)
                for (top, left, bottom, right), score in zip(boxes, scores)
                if score >= LEAST_SCORE]
    return found_in


def pictures_in(path):
    """Return the picture in a file, or some of a film."""
    if path.suffix != '.mp4':
        return [cv2.imread(str(path))]
    film, pictures = cv2.VideoCapture(str(path)), []
    for number in (60, 119, 180, 240, 300):
        film.set(cv2.CAP_PROP_POS_FRAMES, number)
        pictures.append(film.read()[1])
    return pictures


@pytest.mark.parametrize('driver', ['openvino', 'simulated'])
def test_people_are_found_where_openvino_finds_them(
        probe, start_detector, ssdlite, found_by_openvino, media, driver):
    pictures = [picture for name in PICTURES for picture in pictures_in(media / name)]
    node = start_detector(driver=driver, graph_paths=f"['{ssdlite}']", score_threshold=LEAST_SCORE,
                          max_sticks=1, inference_timeout_ms=20000)
    probe.wait_for_running(1)
    people = 0
    for image in pictures:
        _, answer = probe.detect(image)
        expected = found_by_openvino(image)
        people += len(expected)
        assert {found.results[0].hypothesis.class_id for found in answer.detections} <= {'person'}
        boxes = [(box.center.position.x - box.size_x / 2, box.center.position.y - box.size_y / 2,
                  box.center.position.x + box.size_x / 2, box.center.position.y + box.size_y / 2)
                 for box in (found.bbox for found in answer.detections)]
        assert len(boxes) == len(expected)
        for box, other in zip(sorted(boxes), sorted(expected)):
            assert box == pytest.approx(other, abs=1.0)
    assert people >= 10
    assert not complaints(node.output)
