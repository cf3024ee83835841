# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads the values of launch arguments, and warns about unknown or unused ones."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set
from pathlib import Path
import re
import socket
import sys
from typing import Any
from typing import List

from launch import LaunchContext
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch.substitutions import TextSubstitution
from launch_ros.parameter_descriptions import ParameterValue
from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.unused_parameters import other_node_with
from ncs_cluster_detector.ros import command_line
from ncs_cluster_detector.shown_text import shown
from rclpy.exceptions import NameValidationException

PACKAGE = 'ncs_cluster_detector'

# The launch configuration with the names of the arguments that have a launch file's own default.
OWN_DEFAULTS = PACKAGE + '.own_defaults'
# Configurations of launch and launch_ros; their others begin with ros_.
OF_LAUNCH = ('launch-prefix', 'launch-prefix-filter', 'emulate_tty', 'global_params', OWN_DEFAULTS)
# A text in a list: in quotes, or up to the next comma.
ENTRY = r"""\s*(?:'[^']*'|"[^"]*"|[^\s'",][^,]*|)\s*"""
# From this likeness on a name that may be another launch file's argument is taken for misspelt.
LIKE = 0.85


def note_own_defaults(context: LaunchContext, names: Iterable[str]) -> None:
    """
    Remember which arguments were not given; call this before they are declared.

    Their defaults are the launch file's own, and a parameters file overrides them.
    """
    context.launch_configurations[OWN_DEFAULTS] = ' '.join(
        name for name in names if name not in context.launch_configurations)


def own_defaults(context: LaunchContext) -> list[str]:
    """Return the names of the arguments that have a launch file's own default."""
    return context.launch_configurations.get(OWN_DEFAULTS, '').split()


def kind_of(spec: ParameterSpec) -> str:
    """Return what the argument for a parameter must be."""
    if isinstance(spec.default, list):
        # Quoted, so that a shell leaves the quotes around each text.
        return """a text, or a list of texts such as "['a.graph','b.graph']\""""
    return spec.kind


def is_list(text: str) -> bool:
    """Return whether an argument is written as a list."""
    return text.lstrip().startswith('[')


def texts_of(name: str, text: str, rule: str) -> list[str]:
    """
    Return the texts of a list, with or without quotes, or the one text that is no list.

    It is no YAML, in which an address with a question mark, for example, needs quotes.

    :param name: the argument, for the error.
    :param rule: what it must be, for the error.
    :raises RuntimeError: it begins like a list and does not end like one.
    """
    if not is_list(text):
        return [text]
    inside = text.strip()[1:-1].strip()
    if not text.rstrip().endswith(']') or not re.fullmatch(f'{ENTRY}(?:,{ENTRY})*', inside):
        raise RuntimeError(shown(f'{name}:={text}: must be {rule}', text))
    entries = map(str.strip, re.findall(f'({ENTRY}),', f'{inside},')) if inside else ()
    return [entry[1:-1] if entry[:1] in tuple('\'"') else entry for entry in entries]


def given(context: LaunchContext, arguments: dict[str, ParameterSpec],
          already_set: dict[str, Any],
          texts: Mapping[str, str] | None = None) -> dict[str, ParameterValue]:
    """
    Return the parameters that the arguments set, by name.

    :param arguments: the parameter of each argument.
    :param already_set: values from elsewhere, by parameter; they override own defaults.
    :param texts: values of arguments, by argument, in place of those in the context.
    :raises RuntimeError: a value does not have the type of its parameter, or is no choice of it.
    """
    found = {}
    for name, spec in arguments.items():
        text = (texts or {}).get(name, LaunchConfiguration(name).perform(context))
        if spec.name in already_set and name in own_defaults(context):
            value = str(already_set[spec.name])
            if value != text:
                get_logger(PACKAGE).info(f'{name} is {value}, as params_file or the launch file '
                                         f'around this one sets it, not {text}')
            continue
        if not text:
            continue
        if spec.choices and text not in spec.choices:
            raise RuntimeError(f'{name}:={text}: must be {spec.rule}')
        takes_list = isinstance(spec.default, list)
        one_text = takes_list and not is_list(text)
        value = ParameterValue([text] if one_text else TextSubstitution(text=text),
                               value_type=List[str] if takes_list else type(spec.default))
        try:
            value.evaluate(context)
        except ValueError:
            raise RuntimeError(f'{name}:={text}: must be {kind_of(spec)}') from None
        found[spec.name] = value
    return found


def machine_namespace() -> str:
    """Return the name of this machine as a namespace, such as ``pi_2`` for pi-2.local."""
    return command_line.better_namespace(socket.gethostname().partition('.')[0])[1:]


def check_namespace(context: LaunchContext) -> None:
    """
    Check the argument ``namespace`` before launch_ros does, whose text names no remedy.

    :raises RuntimeError: it is invalid.
    """
    text = LaunchConfiguration('namespace').perform(context)
    try:
        command_line.check_namespace('/' + text.strip('/'))
    except NameValidationException as error:
        raise RuntimeError(f'namespace:={text}: {command_line.reason_of(error)}; use for example '
                           f'{command_line.better_namespace(text)}') from None


def warn_of_unknown(context: LaunchContext, known: Collection[str],
                    files: Iterable[str | Path], of_others: Collection[str] = ()) -> None:
    """
    Warn about each argument that no launch file here has; launch itself ignores it silently.

    In a launch file that another one includes, warn only about likely misspelt arguments: the
    others may belong to the other file.

    :param files: the launch files that take the ``known`` arguments.
    :param of_others: arguments of the launch files that may include these.
    """
    is_top_level = _is_top_level(files)
    names = dict.fromkeys(context.launch_configurations)
    if is_top_level:
        typed = [word.partition(':=')[::2] for word in context.argv]
        names |= dict.fromkeys(name for name, _ in typed)
        _warn_of_repeated(typed)
    for name in names:
        if name in known or name in OF_LAUNCH or name.startswith('ros_'):
            continue
        if is_top_level:
            hint = _hint(name, known)
        elif name not in of_others and (likely := closest(name, known, LIKE)):
            hint = f'did you mean {likely}?'
        else:
            continue
        get_logger(PACKAGE).warning(f'launch argument {name}: unknown and ignored; {hint}')


def _hint(name, known):
    if node := other_node_with(name, known):
        return f'it is a parameter of the {node} node, which a params_file can set'
    likely = closest(name, known)
    return f'did you mean {likely}?' if likely else '--show-args lists those there are'


def _warn_of_repeated(typed):
    """Warn about each argument with several values in a command line; launch takes the last."""
    for name in dict.fromkeys(name for name, _ in typed):
        values = [value for other, value in typed if other == name]
        if len(set(values)) > 1:
            used = shown(values[-1], *values)   # an address may hold a password
            get_logger(PACKAGE).warning(f'launch argument {name}: given {len(values)} times, and '
                                        f'the last one is used ({used}); keep one')


def warn_of_unused(context: LaunchContext, names: Set[str], reason: str) -> None:
    """Warn about each of these arguments that was given and has no effect."""
    for name in sorted(names - set(own_defaults(context))):
        if LaunchConfiguration(name).perform(context):
            get_logger(PACKAGE).warning(
                f'launch argument {name}: ignored, because {reason}; leave it out')


def _is_top_level(files):
    """Return whether ``ros2 launch`` was given one of these launch files itself."""
    paths = {Path(file).resolve() for file in files}
    names = {path.name for path in paths}
    return any(before == PACKAGE and Path(word).name in names or Path(word).resolve() in paths
               for before, word in zip(sys.argv, sys.argv[1:]))
