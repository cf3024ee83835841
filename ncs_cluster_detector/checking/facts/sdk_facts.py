# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Find out which NCSDK the node will load, in a child process: a library may crash or hang."""

from collections.abc import Mapping
import importlib.util
import os
from pathlib import Path
from typing import Any

from ncs_cluster_detector.checking.facts.child_facts import facts_from_child

MODULE = 'mvnc'   # of NCSDK 2
# Where NCSDK 2 installs the package; a virtual environment does not look there.
_FOLDERS = ('usr/lib/python3/dist-packages', 'usr/local/lib/python3*/dist-packages')
_ASK = """
import ctypes, json, os
facts = {}
try:
    from mvnc import mvncapi
    facts['package'] = os.path.dirname(mvncapi.__file__)
    version = mvncapi.global_get_option(mvncapi.GlobalOption.RO_API_VERSION)
    facts['api_version'] = '.'.join(str(int(part)) for part in version)
except BaseException as error:
    facts['error'] = f'{type(error).__name__}: {error}'
for line in open('/proc/self/maps', errors='surrogateescape'):
    path = line.rstrip().split(maxsplit=5)[5:]
    for name in ('libmvnc', 'libusb-1.0'):
        if path and os.path.basename(path[0]).startswith(name + '.so'):
            facts[name] = os.path.realpath(path[0])
try:
    class Version(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint16) for name in ('major', 'minor', 'micro', 'nano')]
    usb = ctypes.CDLL('libusb-1.0.so.0')
    usb.libusb_get_version.restype = ctypes.POINTER(Version)
    found = usb.libusb_get_version().contents
    facts['libusb_version'] = f'{found.major}.{found.minor}.{found.micro}.{found.nano}'
except (AttributeError, OSError) as error:
    facts['libusb_version'] = None
    facts['libusb_error'] = str(error)
print(json.dumps(facts))
"""


def sdk_environment(
        folder: Path | None, link_folder: Path | str, root: Path = Path('/')) -> dict[str, str]:
    """
    Return the variables with which this Python finds the package ``mvnc``; usually none.

    Only this package is made visible, by a link: the system's other packages in its folder are not
    for a virtual environment.

    :param folder: folder that contains it, or None to look where NCSDK 2 installs it.
    :param link_folder: an empty folder that exists as long as the check runs.
    """
    if folder is None:
        known = importlib.util.find_spec(MODULE)
        # A mere folder of this name has no origin; for Python it is a package, too.
        if known is not None and known.origin is not None:
            return {}
        found = [path for pattern in _FOLDERS for path in sorted(root.glob(pattern))
                 if (path / MODULE).is_dir()]
        if not found:
            return {}
        folder = found[0]
    (Path(link_folder) / MODULE).symlink_to((Path(folder) / MODULE).resolve())
    paths = [str(link_folder), os.environ.get('PYTHONPATH', '')]
    return {'PYTHONPATH': os.pathsep.join(filter(None, paths))}


def sdk_facts(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return facts for the report, in an environment that sdk_environment() has returned."""
    facts = facts_from_child(_ASK, MODULE, environment)
    library = facts.get('libmvnc')
    if library is not None:
        folder = Path(library).parent / 'mvnc'
        facts['firmware'] = sorted(path.name for path in folder.glob('*.mvcmd'))
    return facts
