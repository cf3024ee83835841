# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads which cameras to launch, and what each of them is given."""

from collections.abc import Sequence
from typing import Any

from launch import LaunchContext
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.parameter_descriptions import ParameterValue
from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.launching.arguments import given
from ncs_cluster_detector.launching.arguments import is_list
from ncs_cluster_detector.launching.arguments import PACKAGE
from ncs_cluster_detector.launching.arguments import texts_of
from ncs_cluster_detector.launching.parameter_arguments import CAMERA_ARGUMENTS
from ncs_cluster_detector.launching.parameter_arguments import CAMERAS
from ncs_cluster_detector.launching.parameter_arguments import DETECTOR_ARGUMENTS
from ncs_cluster_detector.launching.parameter_arguments import NAMES
from ncs_cluster_detector.launching.parameter_arguments import ONE_FOR_EACH
from ncs_cluster_detector.launching.params_file import ParamsFile
from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.parameters.camera_names import check_camera_names
from ncs_cluster_detector.parameters.camera_names import frame_of
from ncs_cluster_detector.parameters.camera_names import NO_NAME
from ncs_cluster_detector.parameters.parameter_spec import USE_FQN
from ncs_cluster_detector.shown_text import shown

THE_ONE = 'camera/camera'   # node of a camera without a name


def names_of_cameras(context: LaunchContext, file: ParamsFile | None = None) -> tuple[str, ...]:
    """
    Return the names of the cameras; of one camera without a name, ``('',)``.

    They come from the argument ``cameras``, or else from what sets the detector's parameter.

    :param file: the parameters from elsewhere, if there may be some.
    :raises RuntimeError: the names are invalid.
    """
    text = LaunchConfiguration(CAMERAS.name).perform(context)
    if not text and file is not None:
        text = str(file.already_set('detector').get(CAMERAS.name, ''))
    names = texts_of(CAMERAS.name, text, NAMES) if text else []
    if not is_list(text) and ',' in text:
        raise RuntimeError(shown(f'{CAMERAS.name}:={text}: must be {NAMES}'))
    try:
        check_camera_names(names)
    except ValueError as error:
        raise RuntimeError(str(error)) from None
    return camera_names(names)


def as_argument(names: Sequence[str]) -> str:
    """Return the value of the argument ``cameras`` that names these."""
    return '' if names == (NO_NAME,) else f'[{",".join(names)}]'


def parameters_of_detector(context: LaunchContext, names: Sequence[str],
                           file: ParamsFile) -> dict[str, Any]:
    """
    Return the parameters that arguments set for the detector.

    :raises RuntimeError: an argument is no value of its parameter.
    """
    found: dict[str, Any] = dict(given(context, DETECTOR_ARGUMENTS, file.already_set('detector')))
    if LaunchConfiguration(CAMERAS.name).perform(context):
        found[CAMERAS.name] = list(names)
    return found


def parameters_of_cameras(context: LaunchContext, names: Sequence[str],
                          file: ParamsFile) -> dict[str, dict[str, Any]]:
    """
    Return the parameters that arguments and names set, by camera node, such as ``front/camera``.

    :raises RuntimeError: an argument is no value for all cameras and no list with one for each, or
        two cameras would open the same device.
    """
    if names == (NO_NAME,):
        return {THE_ONE: dict(given(context, CAMERA_ARGUMENTS, file.already_set(THE_ONE)))}
    found, values = {}, []
    for name, texts in zip(names, _texts_of_each(context, names)):
        node = f'{name}/camera'
        already_set = file.already_set(node)
        found[node] = _parameters(context, name, texts, already_set)
        # What the camera will have, as texts.
        values.append({spec.name: spec.default for spec in camera_parameters.PARAMETERS}
                      | already_set | {key: _text(context, value)
                                       for key, value in found[node].items()})
    _check_hardware(names, values)
    _warn_of_same_names(names, values)
    return found


def _texts_of_each(context, names):
    """Return the values of the arguments that may be lists with one for each, for each camera."""
    columns = {}
    for argument in ONE_FOR_EACH:
        text = LaunchConfiguration(argument).perform(context)
        values = texts_of(argument, text, 'a text, or a list with one for each camera')
        if not is_list(text):
            values *= len(names)
        if len(values) != len(names):
            raise RuntimeError(shown(
                f'{argument}:={text}: a list of {len(values)} for {len(names)} cameras '
                f'({", ".join(names)}); give one for each, or a single one for all', *values))
        columns[argument] = values
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def _parameters(context, name, texts, already_set):
    found: dict[str, ParameterValue | str | bool] = dict(
        given(context, CAMERA_ARGUMENTS, already_set, texts))
    # The statuses of two cameras of the same kind would have the same name.
    for parameter, value in (('frame_id', frame_of(name)), (USE_FQN.name, True)):
        if parameter not in already_set:
            found.setdefault(parameter, value)
    return found


def _text(context, value):
    return str(value.evaluate(context) if isinstance(value, ParameterValue) else value)


def _check_hardware(names, values):
    """Refuse cameras that would open the same device."""
    sources = [SOURCES.get(own['source'], Camera) for own in values]   # the node refuses others
    hardware = [source.hardware(own['device']) for source, own in zip(sources, values)]
    for device, sharing in _sharing(names, hardware):
        what = sources[names.index(sharing[0])].device_description
        raise RuntimeError(
            f'cameras {" and ".join(sharing)}: each would open {device}, which only one can; give '
            f'device a list with one for each ({what})')


def _warn_of_same_names(names, values):
    """Warn if a parameter file gives cameras the same name for their frame or status."""
    for frame, sharing in _sharing(names, [own['frame_id'] for own in values]):
        get_logger(PACKAGE).warning(
            f'cameras {" and ".join(sharing)}: each has the frame_id {frame}, so what they see is '
            'taken for one place; give each its own in a params_file')
    statuses = ['' if str(own[USE_FQN.name]).lower() == 'true' else f'camera: {own["source"]}'
                for own in values]
    for status, sharing in _sharing(names, statuses):
        get_logger(PACKAGE).warning(
            f'cameras {" and ".join(sharing)}: each has the status {status} on /diagnostics; say '
            'diagnostics_with_namespace:=true')


def _sharing(names, values):
    """Return each value that several cameras have, with their names; an empty one is none."""
    found: dict[str, list[str]] = {}
    for name, value in zip(names, values):
        if value:
            found.setdefault(value, []).append(name)
    return [(value, sharing) for value, sharing in found.items() if len(sharing) > 1]
