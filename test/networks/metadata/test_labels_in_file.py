# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels in the files of networks: of ONNX, of OpenVINO's IR, of TensorFlow Lite and beside."""

import io
import json
import random
import zipfile

from ncs_cluster_detector.networks.formats import protobuf
from ncs_cluster_detector.networks.metadata import label_texts
from ncs_cluster_detector.networks.metadata.labels_in_file import labels_in_file
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
import onnx_networks
from openvino_bench import skip_without_openvino
import pytest

LABELS = 'person', "driver's seat", 'traffic light', 'say "hi"', 'Straße \U0001f6a6'
NAMES = dict(enumerate(LABELS))
IR = ('<?xml version="1.0"?><net name="x" version="11"><layers><layer id="0"><rt_info>'
      '<attribute name="labels" value="wrong"/></rt_info></layer></layers>'
      '<rt_info>{}</rt_info></net>')


def onnx_file(**metadata):
    """Return an ONNX file with metadata."""
    onnx = pytest.importorskip('onnx')
    node = onnx.helper.make_node('Relu', ['in'], ['out'])
    model = onnx.load_from_string(onnx_networks.model([node], [1, 3, 8, 8], [1, 3, 8, 8], {}))
    onnx.helper.set_model_props(model, metadata)
    return model.SerializeToString()


def tflite_file(**texts):
    """Return the bytes of some file with an archive behind them; ``__`` in a name is a point."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as writer:
        for name, text in texts.items():
            writer.writestr(name.replace('__', '.'), text)
    return b'\x1c\0\0\0TFL3' + bytes(5_000_000) + archive.getvalue()


@pytest.mark.parametrize('content, expected', [
    (lambda: onnx_file(stride='32', names=str(NAMES)), LABELS),
    (lambda: onnx_file(names=str(list(LABELS))), LABELS),
    (lambda: onnx_file(**{'model_info labels': 'a b_c'}), ('a', 'b_c')),
    (lambda: onnx_file(), None), (lambda: onnx_file(names='person'), None),
    (lambda: onnx_file(names='{}'), None), (lambda: onnx_file(names="{1: 'a'}"), None),
    (lambda: onnx_file(names="{0: 'a', 2: 'b'}"), None),
    (lambda: onnx_file(names="{0: 'a', 1: 2}"), None),
    (lambda: onnx_file(names="{0: 'a', 1: ''}"), None),
    (lambda: onnx_file(names="{0: 'a', 1: ['b']}"), None),
    (lambda: onnx_file(names="__import__('os').getcwd()"), None),
    (lambda: onnx_file(names="{0: 'a' + 'b'}"), None),
    (lambda: onnx_file(names="{00: 'a'}"), ('a',)),
    (lambda: onnx_file(names="{0: 'a', 01: 'b'}"), None),
    (lambda: onnx_file(names="['\0']"), None),
    (lambda: onnx_file(names="{0: 'a', 1: f'{1}'}"), None),
    (lambda: onnx_file(names='[' * 100_000), None),
    (lambda: onnx_file(names="['a'" + ' ' * 400_000 + 'x'), None),
    (lambda: onnx_file(names="['" + 'a' * 201 + "']"), None),
    (lambda: onnx_file(names=str(['a'] * 200_000)), None),
    (lambda: onnx_file(names=str(['a\n b\x1b[31m'])), ('a b\\x1b[31m',)),
    (lambda: onnx_file(names="['\\ud800']"), ('\\ud800',)),
    (lambda: b'', None), (lambda: b'\x08\x01' * 20_000, None), (lambda: b'\xff' * 100, None)])
def test_labels_in_onnx_files(content, expected):
    assert labels_in_file('models/Yolo.ONNX', content()) == expected


def test_the_labels_of_a_dictionary_are_those_that_python_wrote():
    labels = [''.join(map(chr, range(start, start + 20))) for start in range(33, 500, 20)]
    assert label_texts.labels_of_literal(str(labels)) == label_texts.checked_labels(labels)
    assert label_texts.labels_of_literal(f' {NAMES}\n') == LABELS
    assert label_texts.labels_of_literal(str(dict(reversed(NAMES.items())))) == LABELS


@pytest.mark.parametrize('info, expected', [
    ('<model_info><labels value="person traffic_light"/></model_info>',
     ('person', 'traffic_light')),
    ('<framework><names value="{0: \'a b\', 1: &quot;c\'s&quot;}"/></framework>', ('a b', "c's")),
    ('<model_info><labels value="x"/></model_info><framework><names value="[\'y\']"/></framework>',
     ('x',)),
    ('<model_info><labels value=""/></model_info>', None),
    ('<model_info><labels/></model_info>', None),
    ('<other><model_info><labels value="a b"/></model_info></other>', None), ('', None),
    ('<model_info><labels value="' + 'a ' * 300_000 + '"/></model_info>', None)])
def test_labels_in_ir_files(info, expected):
    assert labels_in_file('model.xml', IR.format(info).encode()) == expected


@pytest.mark.parametrize('content', [
    b'', b'<net', b'<net/>', IR.format('</x>').encode(), b'\xff\xfe', b'<a>' * 200_000,
    b'<?xml version="1.0" encoding="nobody knows"?><net/>',
    b'<?xml version="1.0" encoding="mbcs"?><net/>',
    b'<?xml version="1.0" encoding="shift_jis"?><net/>',
    b'<!DOCTYPE net [<!ENTITY a "b b">]><net><rt_info><model_info><labels value="&a;"/>'
    b'</model_info></rt_info></net>'])
def test_what_is_no_ir_file_has_no_labels(content):
    assert labels_in_file('model.xml', content) is None


def test_openvino_writes_what_is_read(tmp_path):
    skip_without_openvino()
    openvino = import_openvino()
    path = tmp_path / 'model.onnx'
    path.write_bytes(onnx_file(names=str(NAMES)))
    model = openvino.Core().read_model(str(path))
    openvino.serialize(model, str(tmp_path / 'model.xml'))
    assert labels_in_file('model.xml', (tmp_path / 'model.xml').read_bytes()) == LABELS
    model.set_rt_info(['a_b', 'c'], ['model_info', 'labels'])
    openvino.serialize(model, str(tmp_path / 'other.xml'))
    assert labels_in_file('model.xml', (tmp_path / 'other.xml').read_bytes()) == ('a_b', 'c')


@pytest.mark.parametrize('texts, expected', [
    ({'labelmap__txt': '???\nperson\n\ncar\n'}, None),
    ({'labelmap__txt': '???\nperson\r\ncar\n\n'}, ('???', 'person', 'car')),
    ({'x/labels__txt': 'a\nb'}, ('a', 'b')),
    ({'metadata__json': json.dumps({'stride': 32, 'names': NAMES})}, LABELS),
    ({'metadata__json': json.dumps({'names': list(LABELS)})}, LABELS),
    ({'temp_meta__txt': str({'stride': 32, 'names': NAMES, 'args': {'batch': 1}})}, LABELS),
    ({'metadata__json': '[1]'}, None), ({'metadata__json': '{"names": 3}'}, None),
    ({'metadata__json': '{"names": {"0": "a", "00": "b"}}'}, None),
    ({'metadata__json': '[' * 100_000}, None), ({'meta__txt': "{'names': ['a', "}, None),
    ({'meta__txt': "'names': " * 50_000}, None), ({'meta__txt': "'names': ['a'," * 30_000}, None),
    ({'metadata__json': '{"names": ' + '9' * 10_000 + '}'}, None),
    ({'labels__txt': b'\xff\xfe\xfd'}, None), ({'labels__txt': 'a\n' * 2**20}, None),
    ({'other__bin': 'a\nb'}, None), ({}, None)])
def test_labels_in_tensorflow_lite_files(texts, expected):
    assert labels_in_file('model.tflite', tflite_file(**texts)) == expected


def test_a_lite_file_without_an_archive_has_no_labels():
    assert labels_in_file('model.tflite', b'\x1c\0\0\0TFL3' + bytes(1000)) is None
    assert labels_in_file('model.tflite', b'') is None


@pytest.mark.parametrize('text, expected', [
    ("task: detect\nimgsz:\n- 640\nnames:\n  0: person\n  1: 'driver''s'\n"
     '  2: "say \\"hi\\""\nargs:\n  batch: 1\n', ('person', "driver's", 'say "hi"')),
    ('names:\n- a\n- b c\n', ('a', 'b c')), ("names: ['a', 'b']\n", ('a', 'b')),
    ('names: {0: "a"}', ('a',)), ('names:\n  1: a\n', None), ('names:\n  0: a\n  0: b\n', ('b',)),
    ('names:\n', None), ('names: *alias\n', None), ('other: 1\n', None), ('', None),
    ('names:\n-' + ' ' * 400_000 + '\n', None), ('names:\n' + '- a\n' * 200_000, None)])
def test_labels_in_the_file_that_lies_beside(text, expected):
    assert labels_in_file('yolo/metadata.yaml', text.encode()) == expected


def test_other_files_have_none():
    assert labels_in_file('model.bin', b"names: ['a']") is None
    assert labels_in_file('onnx', onnx_file(names=str(NAMES))) is None


def contents():
    """Return a good file of each format by its name."""
    return {'a.onnx': onnx_file(names=str(NAMES)),
            'a.xml': IR.format('<model_info><labels value="a b"/></model_info>').encode(),
            'a.tflite': tflite_file(labelmap__txt='a\nb\n')[-400:],
            'a.yaml': b'names:\n  0: a\n  1: "b"\n'}


@pytest.mark.parametrize('name', ['a.onnx', 'a.xml', 'a.tflite', 'a.yaml'])
def test_damaged_files_have_labels_or_none(name):
    good = contents()[name]
    assert labels_in_file(name, good)
    rng = random.Random(name)
    for _ in range(1500):
        content = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if rng.random() < 0.3:
            del content[rng.randrange(len(content)):]
        labels = labels_in_file(name, bytes(content))
        assert labels is None or all(isinstance(label, str) and label for label in labels)


def test_a_negative_size_does_not_make_reading_go_back():
    # The size -12 leads back to the field itself: the key and the ten bytes of the size.
    content = b'\x0a' + bytes([0xf5, *[0xff] * 8, 0x01])
    with pytest.raises(ValueError, match='ends in the middle'):
        protobuf.every(content, 1)


def test_a_message_of_many_fields_is_not_read_to_its_end():
    assert len(protobuf.every(b'\x08\x01' * 10, 1, most_fields=10)) == 10
    with pytest.raises(ValueError, match='more than 9 fields'):
        protobuf.every(b'\x08\x01' * 10, 1, most_fields=9)
