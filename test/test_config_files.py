# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameter files hold every parameter of their node at its default."""

from parameter_files import FOLDER
from parameter_files import in_file
from parameter_files import TABLES
from parameter_files import text_of
import pytest
import rclpy
import yaml

# Of the node of another package; test_status_names.py knows it.
FOREIGN = {'diagnostics_aggregator.yaml'}
EVERY_NODE = pytest.mark.parametrize('node', TABLES)


def test_every_file_belongs_to_a_node():
    assert {path.name for path in FOLDER.glob('*.yaml')} == {
        f'{node}.yaml' for node in TABLES} | FOREIGN


@EVERY_NODE
def test_is_what_the_table_says(node):
    assert (FOLDER / f'{node}.yaml').read_text() == text_of(node), (
        'not as in the table; run test/helpers/parameter_files.py, which writes the files')


@EVERY_NODE
def test_serves_any_node_name_and_namespace(node):
    content = yaml.safe_load((FOLDER / f'{node}.yaml').read_text())
    assert list(content) == ['/**']
    assert list(content['/**']) == ['ros__parameters']


@EVERY_NODE
@pytest.mark.parametrize('namespace', ['', '/robot1/front'])
def test_is_read_by_ros_as_the_defaults(node, namespace):
    context = rclpy.Context()
    rclpy.init(context=context, args=[
        '--ros-args', '--params-file', str(FOLDER / f'{node}.yaml')])
    any_node = rclpy.create_node('any', namespace=namespace, context=context,
                                 automatically_declare_parameters_from_overrides=True)
    try:
        read = {name: any_node.get_parameter(name) for name in any_node._parameter_overrides}
        expected = {spec.name: spec for spec in TABLES[node]}
        assert list(read) == list(expected), 'missing, surplus, or in another order'
        for name, spec in expected.items():
            # The texts of values tell a whole number from a float.
            assert repr(read[name].value) == repr(in_file(spec.default)), name
            assert spec.accept(read[name].value) == spec.accept(spec.default), name
    finally:
        any_node.destroy_node()
        rclpy.shutdown(context=context)
