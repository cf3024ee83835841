# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of the double against those in the vendor's own module, read without importing it."""

import ast
import ctypes
import enum
import inspect
import os
from pathlib import Path

from ncs_cluster_detector.simulation.api import mvncapi
import pytest


@pytest.fixture(scope='module')
def vendor():
    """Return the vendor's module as a syntax tree; skip where it is not named."""
    path = os.environ.get('NCSDK_MVNCAPI')
    if not path:
        pytest.skip("needs the vendor's mvncapi.py; set NCSDK_MVNCAPI to its path")
    return ast.parse(Path(path).read_text())


def classes(tree):
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def functions(node):
    return [child for child in node.body if isinstance(child, ast.FunctionDef)]


def constants(node):
    """Return the values of plain assignments in the body of a module or a class, by name."""
    return {child.targets[0].id: child.value for child in node.body
            if isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name)}


def signature_of(function):
    """Return the parameters in a function's tree, with defaults, as :mod:`inspect` has them."""
    arguments = ast.unparse(function.args)
    return inspect.signature(eval(f'lambda {arguments}: None', vars(mvncapi)))


def untyped(function):
    """Return the signature of a function of ours without its types, which the vendor's lack."""
    bare = inspect.Signature.empty
    signature = inspect.signature(function)
    return signature.replace(return_annotation=bare, parameters=[
        parameter.replace(annotation=bare) for parameter in signature.parameters.values()])


def test_module_constants(vendor):
    found = constants(vendor)
    assert len(found) >= 8
    for name, value in found.items():
        assert getattr(mvncapi, name) == ast.literal_eval(value), name


def test_functions_and_methods_have_the_same_parameters_and_defaults(vendor):
    for function in functions(vendor):
        assert untyped(getattr(mvncapi, function.name)) == signature_of(function)
    for vendors in classes(vendor):
        ours = getattr(mvncapi, vendors.name)
        for method in functions(vendors):
            assert untyped(getattr(ours, method.name)) == signature_of(method)


def test_enumerations_have_the_same_members_values_and_aliases(vendor):
    count = 0
    for vendors in classes(vendor):
        if [base.id for base in vendors.bases if isinstance(base, ast.Name)] != ['Enum']:
            continue
        count += 1
        expected = {}
        for name, value in constants(vendors).items():
            expected[name] = eval(ast.unparse(value), {}, dict(expected))
        ours = getattr(mvncapi, vendors.name)
        assert issubclass(ours, enum.Enum) and not issubclass(ours, int)
        assert {name: member.value for name, member in ours.__members__.items()} == expected
    assert count == 12


def test_the_tensor_descriptor_has_the_same_fields(vendor):
    (vendors,) = [node for node in classes(vendor) if node.name == 'TensorDescriptor']
    fields = eval(ast.unparse(constants(vendors)['_fields_']), {'c_uint': ctypes.c_uint})
    assert mvncapi.TensorDescriptor._fields_ == fields


def test_objects_have_the_same_attributes(vendor):
    made = {'Device': mvncapi.Device(ctypes.c_void_p(1)), 'Graph': mvncapi.Graph('graph'),
            'Fifo': mvncapi.Fifo('fifo', mvncapi.FifoType.HOST_RO),
            'EnumDeprecationHelper': mvncapi.EnumDeprecationHelper(mvncapi.Status, {})}
    for vendors in classes(vendor):
        names = {node.attr for node in ast.walk(vendors)
                 if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
                 and isinstance(node.value, ast.Name) and node.value.id == 'self'}
        assert all(hasattr(made[vendors.name], name) for name in names), vendors.name
        assert not names or vendors.name in made


def test_the_double_adds_two_names_only(vendor):
    names = {node.name for node in [*classes(vendor), *functions(vendor)]}
    assert set(mvncapi.__all__) - names - set(constants(vendor)) == {'BusSpec', 'plug_in'}
