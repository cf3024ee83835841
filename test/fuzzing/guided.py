# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Run one door with atheris, which looks for examples that reach further code; it is no dependency.

``python test/fuzzing/guided.py MODULE TEST [options of libFuzzer]``, in an environment with
atheris (``pip install atheris``) and what the tests need. Examples that reached new code are kept
in ``.hypothesis/fuzz``.
"""

from importlib import import_module
from pathlib import Path
import sys

ROOT = Path(__file__).resolve().parents[2]


def main():
    """Run the door until it finds a fault, or for ``-max_total_time=SECONDS``."""
    import atheris
    module, name, *options = sys.argv[1:]
    sys.path[:0] = [str(ROOT), str(ROOT / 'test' / 'helpers'), str(ROOT / 'test' / 'fuzzing')]
    with atheris.instrument_imports(include=['ncs_cluster_detector']):
        test = getattr(import_module(module), name)
    corpus = ROOT / '.hypothesis' / 'fuzz' / f'{name}.corpus'
    corpus.mkdir(parents=True, exist_ok=True)
    one_input = test.guided()
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == '__main__':
    main()
