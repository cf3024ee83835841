# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Requests to a running node: an untouched dump, the value that it has, deleting, mixtures."""

from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS as CAMERA
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS as DETECTOR
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.ros.parameter_requests import accepted
from ncs_cluster_detector.ros.parameters import descriptor_of
from ncs_cluster_detector.ros.parameters import NodeParameters
from node_harness import NodeProcess
from node_harness import Probe
import pytest
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically
import rclpy
from rclpy.parameter import Parameter
from rclpy.parameter import parameter_dict_from_yaml_file
from rclpy.parameter import parameter_value_to_python
import yaml

GIVEN = {
    'detector': {'driver': 'simulated', 'simulated.sticks': '2', 'use_sim_time': 'true',
                 'label_files': "['']", 'graph_paths': "['shapes', 'people']"},
    'camera': {'source': 'test_pattern', 'width': '64', 'height': '48', 'device': "'0'",
               'frame_id': "'1.50'"}}


@pytest.fixture(scope='module', params=GIVEN)
def asked(request):
    """Return a probe, the name of a node, and the node, for both nodes."""
    name = request.param
    node = NodeProcess(f'{name}_node', GIVEN[name])
    with Probe() as probe:
        yield probe, name, node
    node.end()


@pytest.fixture(scope='module')
def detector():
    """Return a probe and a function that sends a detector a request; it returns the answer."""
    # Not called like that of the other fixture, which may still be there.
    node = NodeProcess('detector_node', {'driver': 'simulated', 'simulated.sticks': '2'},
                       remappings={'__ns': '/fixed'})
    with Probe() as probe:
        def request(*parameters, service=SetParametersAtomically):
            name = {SetParametersAtomically: 'set_parameters_atomically',
                    SetParameters: 'set_parameters'}[service]
            answer = probe.call(service, f'fixed/detector/{name}', service.Request(parameters=[
                Parameter(name, type_, value).to_parameter_msg()
                for name, type_, value in parameters]))
            return answer.result if service is SetParametersAtomically else answer.results[0]
        yield probe, request
    node.end()


def value_of(probe, name):
    """Return a parameter of the detector."""
    (value,) = probe.call(GetParameters, 'fixed/detector/get_parameters',
                          GetParameters.Request(names=[name])).values
    return parameter_value_to_python(value)


def dump(probe, node, path):
    """Write what ``ros2 param dump`` writes of a node, and return the names in it."""
    names = probe.call(ListParameters, f'{node}/list_parameters',
                       ListParameters.Request()).result.names
    values = probe.call(GetParameters, f'{node}/get_parameters',
                        GetParameters.Request(names=names)).values
    tree = {}
    for name, value in zip(names, values):
        *folders, last = name.split('.')
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        plain = parameter_value_to_python(value)
        place[last] = list(plain) if isinstance(plain, (list, tuple)) else plain
    path.write_text(yaml.dump({f'/{node}': {'ros__parameters': tree}}))
    return names


def test_an_untouched_dump_is_loaded_without_a_refusal(asked, tmp_path):
    probe, name, node = asked
    path = tmp_path / 'dump.yaml'
    names = dump(probe, name, path)
    assert {'use_sim_time', 'start_type_description_service', 'diagnostic_updater.use_fqn'} <= set(
        names)
    loaded = parameter_dict_from_yaml_file(str(path), target_nodes=[f'/{name}'])
    assert sorted(loaded) == sorted(names)
    answer = probe.call(SetParameters, f'{name}/set_parameters', SetParameters.Request(
        parameters=list(loaded.values())))
    assert {parameter: result.reason for parameter, result in zip(loaded, answer.results)
            if not result.successful} == {}
    assert 'refused' not in node.output
    again = tmp_path / 'again.yaml'
    dump(probe, name, again)
    assert again.read_text() == path.read_text()


def test_a_node_that_starts_with_its_dump_has_nothing_to_complain_of(asked, tmp_path):
    probe, name, _ = asked
    path = tmp_path / 'dump.yaml'
    dump(probe, name, path)
    node = NodeProcess(f'{name}_node', {}, more_arguments=('--params-file', str(path)))
    try:
        node.wait_for_line({'camera': 'is open', 'detector': 'is ready'}[name])
    finally:
        node.end()
    assert '[WARN]' not in node.output
    assert 'not used here' not in node.output


@pytest.mark.parametrize('name, value', [
    ('driver', 'simulated'), ('simulated.sticks', 2), ('simulated.inference_ms', 65.0),
    ('simulated.inference_ms', 65), ('graph_paths', ['']), ('graph_paths', []),
    ('use_depth', False), ('label_files', []), ('start_type_description_service', True),
    ('use_sim_time', False)])
def test_the_value_that_it_has_is_accepted(detector, name, value):
    probe, request = detector
    before = value_of(probe, name)
    for service in (SetParameters, SetParametersAtomically):
        result = request((name, None, value), service=service)
        assert (result.successful, result.reason) == (True, '')
    assert value_of(probe, name) == before


@pytest.mark.parametrize('name, value, now', [
    ('driver', 'mvnc', 'simulated'), ('simulated.sticks', 3, 2),
    ('simulated.inference_ms', 66, 65.0), ('graph_paths', ['shapes'], "['']"),
    ('image_transport', 'compressed', 'raw'), ('cameras', ['front', 'rear'], "['']"),
    ('start_type_description_service', False, True)])
def test_another_value_of_a_fixed_parameter_is_refused(detector, name, value, now):
    _, request = detector
    result = request((name, None, value))
    assert not result.successful
    assert result.reason == (f'{name}={value}: cannot change while the node runs (now {now}); '
                             f'start the node again with -p {name}:={value}')


@pytest.mark.parametrize('name, value, now, rule', [
    ('image_transport', 'theora', 'raw', 'one of raw, compressed'),
    ('simulated.sticks', True, 2, 'a whole number, 0 to 64'),
    ('simulated.sticks', 2.0, 2, 'a whole number, 0 to 64'),
    ('simulated.sticks', 65, 2, 'a whole number, 0 to 64'),
    ('use_depth', 0, False, 'true or false'),
    ('driver', ['simulated'], 'simulated', 'one of mvnc, xlink, openvino, simulated'),
    ('graph_paths', 'shapes', "['']", "a list of texts, such as ['a', 'b']")])
def test_what_a_restart_would_refuse_too_is_refused_as_invalid(detector, name, value, now, rule):
    _, request = detector
    result = request((name, None, value))
    assert not result.successful
    assert result.reason == (f'{name}={value}: must be {rule} (now {now}); nothing was changed, '
                             f'start the node again with such a value for {name}')


@pytest.mark.parametrize('name, value, answer', [
    ('cameras', ['front', 'front'], 'cameras=[front, front]: front is there twice; give each '
     'camera a name of its own'),
    ('label_files', ['a', 'b'], "label_files=['a', 'b']: must be one per graph (graph_paths="
     "['people']); name 1 files, or none for the default labels"),
    ('graph_paths', ['a.prototxt', 'a.caffemodel'], "graph_paths=['a.prototxt', 'a.caffemodel']: "
     'a.prototxt and a.caffemodel are the two files of one Caffe network; name one of them, the '
     'other is found beside it'),
    ('input_scale', 1e6, 'input_scale=1e+06: the pixel values 0 to 255 become -1.275e+08 to '
     '1.275e+08, more than the 65504 of half precision (input_mean=127.5); use what the network '
     'was trained with')])
def test_so_is_what_breaks_a_rule_of_several_parameters(detector, name, value, answer):
    _, request = detector
    result = request((name, None, value))
    assert (result.successful, result.reason) == (False, answer)


@pytest.mark.parametrize('table', [CAMERA, DETECTOR])
def test_it_is_so_for_every_parameter_that_is_fixed(table):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('plain', context=context)
    try:
        NodeParameters(node, table, 'plain', []).accept_changes(
            lambda values: None, lambda before, after: None)
        fixed = [spec for spec in table if not spec.live]
        assert len(fixed) > 5
        for spec in fixed:
            wrong = 5 if isinstance(spec.default, list) else ['five']
            (result,) = node.set_parameters([Parameter(spec.name, value=wrong)])
            assert not result.successful
            assert result.reason.startswith(f'{spec.name}={wrong}: must be {spec.rule} (now ')
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.mark.parametrize('name, answer', [
    ('cluster_size', 'deleting cluster_size: a parameter cannot be deleted (now 0); for its '
     'default: ros2 param set /fixed/detector cluster_size 0'),
    ('class_filter', 'deleting class_filter: a parameter cannot be deleted (now []); for its '
     'default: ros2 param set /fixed/detector class_filter "[]"'),
    ('driver', 'deleting driver: a parameter cannot be deleted (now simulated); for its default, '
     'mvnc, start the node again without it'),
    ('use_sim_time', 'deleting use_sim_time: a parameter cannot be deleted (now False); set it to '
     'the value you want'),
    ('clustersize', 'deleting clustersize: no such parameter; did you mean cluster_size?')])
def test_deleting_is_refused_in_words(detector, name, answer):
    probe, request = detector
    for service in (SetParameters, SetParametersAtomically):
        result = request((name, Parameter.Type.NOT_SET, None), service=service)
        assert (result.successful, result.reason) == (False, answer)
    assert name == 'clustersize' or value_of(probe, name) is not None


def test_a_mixture_is_taken_as_a_whole_or_refused_as_a_whole(detector):
    probe, request = detector
    same, live = ('simulated.sticks', None, 2), ('min_dwell_ms', None, 1234)
    for wrong in (('driver', None, 'mvnc'), ('class_filter', Parameter.Type.NOT_SET, None),
                  ('zzz', None, 1)):
        assert not request(live, same, wrong).successful
        assert value_of(probe, 'min_dwell_ms') != 1234
    assert request(same, live, same).successful
    assert value_of(probe, 'min_dwell_ms') == 1234
    assert request().successful


class TextNode:
    """A node with one fixed text."""

    def __init__(self, value):
        """Remember it."""
        self.has_parameter = lambda name: name == 'text'
        self.get_parameter = lambda name: Parameter(name, value=value)
        self.describe_parameter = lambda name: descriptor_of(self.spec)
        self.spec = ParameterSpec('text', '', 'A text.')

    def takes(self, value):
        """Tell whether a value is what it has."""
        try:
            return accepted(Parameter('text', value=value), self, {'text': self.spec}) is None
        except ValueError:
            return False


@pytest.mark.parametrize('now, loaded', [('12', 12), ('true', True), ('1.50', 1.5), ('', '')])
def test_a_text_that_ros2_param_load_reads_as_something_else_is_the_same(now, loaded):
    assert TextNode(now).takes(loaded)
    assert TextNode(now).takes(now)


@pytest.mark.parametrize('now, other', [('12', 13), ('1', True), ('true', 1), ('a: [', 1),
                                        ('', False), ('', 0), ('a', 'b')])
def test_a_text_that_it_does_not_read_so_is_another(now, other):
    assert not TextNode(now).takes(other)
