# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Every public function and method has types, so that a reader knows what to give it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ('ncs_cluster_detector', 'standalone', 'launch', 'bench', 'docs')
SPECIAL = ('__init__', '__call__')


def untyped_in(text):
    """Return the public functions in a source that lack the type of an argument or the result."""
    return [name for name, function, is_method in functions_in(ast.parse(text).body)
            if not is_typed(function, is_method)]


def functions_in(body, inside=''):
    """Yield (name, function, whether a class holds it) of all that are public."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
            yield from functions_in(node.body, f'{node.name}.')
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
                node.name in SPECIAL or not node.name.startswith('_')):
            yield inside + node.name, node, bool(inside)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from functions_in([*node.body, *node.orelse], inside)


def is_typed(function, is_method):
    """Tell whether a function says the type of each argument and of its result."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    if is_method and 'staticmethod' not in map(ast.unparse, function.decorator_list):
        del arguments[0]   # self or cls
    return function.returns is not None and all(
        argument is None or argument.annotation is not None for argument in arguments)


@pytest.mark.parametrize('folder', FOLDERS)
def test_every_public_function_has_types(folder):
    paths = sorted((ROOT / folder).rglob('*.py'))
    assert paths
    assert [f'{path.relative_to(ROOT)}: {name}' for path in paths
            for name in untyped_in(path.read_text())] == []


@pytest.mark.parametrize('source, untyped', [
    ('def f(a: int) -> None: ...', []), ('def f(a) -> None: ...', ['f']),
    ('def f(): ...', ['f']), ('def _f(): ...', []), ('def f(*a, **b: int) -> None: ...', ['f']),
    ('def f(*, a) -> None: ...', ['f']), ('async def f(): ...', ['f']),
    ('class C:\n    def f(self) -> None: ...\n    def __init__(self): ...', ['C.__init__']),
    ('class C:\n    @staticmethod\n    def f(a) -> None: ...', ['C.f']),
    ('class _C:\n    def f(self): ...', []), ('if True:\n    def f(): ...', ['f'])])
def test_what_lacks_a_type_is_found(source, untyped):
    assert untyped_in(source) == untyped
