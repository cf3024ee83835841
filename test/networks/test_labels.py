# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels: the built-in ones and label files."""

from ncs_cluster_detector.networks import labels
import pytest


def test_voc_has_the_networks_order():
    assert len(labels.PASCAL_VOC) == 21
    assert (labels.PASCAL_VOC[7], labels.PASCAL_VOC[8], labels.PASCAL_VOC[15]) == (
        'car', 'cat', 'person')


@pytest.mark.parametrize('name, expected', [
    ('people', labels.PASCAL_VOC), ('faces', labels.FACE), ('/faces/graph', labels.PASCAL_VOC),
    ('graphs/graph.fullfacedetection', labels.FACE)])
def test_a_face_graph_is_known_by_its_file_name(name, expected):
    assert labels.default_labels(name) == expected


def test_a_label_file_has_one_label_a_line(tmp_path):
    path = tmp_path / 'labels.txt'
    path.write_text('background\ntea cup \nmug\n\n')
    assert labels.read_label_file(path) == ('background', 'tea cup', 'mug')


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / 'labels.txt'
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match='not a text in UTF-8; name a text file'):
        labels.read_label_file(path)


def test_a_label_file_with_one_label_is_refused(tmp_path):
    path = tmp_path / 'labels.txt'
    path.write_text('background\n')
    with pytest.raises(ValueError, match='1 label'):
        labels.read_label_file(path)


def test_a_label_file_of_any_editor_is_read(tmp_path):
    path = tmp_path / 'labels.txt'
    for text in ('\ufeffbackground\r\ntea cup\r\n\r\n \n', 'background\rtea cup',
                 'background\n\ttea cup\n\n\n'):
        path.write_bytes(text.encode())
        assert labels.read_label_file(path) == ('background', 'tea cup')
    path.write_text('\ntea cup\n')
    assert labels.read_label_file(path) == ('', 'tea cup')


def test_an_empty_line_between_labels_is_refused(tmp_path):
    path = tmp_path / 'labels.txt'
    path.write_text('\nmug\n \ncup\n')
    with pytest.raises(ValueError, match=f'line 3 of {path} is empty; expected a label in every'):
        labels.read_label_file(path)


@pytest.mark.parametrize('first', [
    'background', 'Background', '__background__', 'BACKGROUND_CLASS', '???', '', 'none', 'bg',
    '"background"', 'unlabeled', 'N/A'])
def test_the_background_has_many_names(first):
    assert labels.check_background((first, 'aeroplane', 'mug'))


@pytest.mark.parametrize('names, seen, expected', [
    (labels.PASCAL_VOC[1:], "20 labels without the background, line 1 is 'aeroplane'", '21'),
    (('person', 'bicycle', *map(str, range(78))), '80 labels without', '81'),
    (('Face', 'other'), "line 1 is 'Face'", '3')])
def test_a_missing_background_is_refused(names, seen, expected):
    with pytest.raises(ValueError) as error:
        labels.check_background(names)
    assert seen in str(error.value)
    assert f'; expected {expected}, or each would be shifted by one; put background in line 1' in (
        str(error.value))


def test_a_background_elsewhere_is_refused():
    with pytest.raises(ValueError, match="3 labels with '__background__' in line 3; expected it"):
        labels.check_background(('mug', 'cup', '__background__'))


def test_of_other_names_nobody_knows():
    assert not labels.check_background(('mug', 'cup'))
    assert not labels.check_background(('backpack', 'cup'))
