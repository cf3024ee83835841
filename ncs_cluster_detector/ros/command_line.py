# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Initialises ROS from a node's command line; reports what is wrong with it in one line."""

from collections.abc import Sequence
import os
import re
import sys

from ncs_cluster_detector.parameters.given_parameters import words_after
from ncs_cluster_detector.parameters.parameter_spec import IN_QUOTES
from ncs_cluster_detector.ros.environment import fault_of_log_folder
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.shown_text import printable
import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.logging import LoggingSeverity
from rclpy.signals import SignalHandlerOptions
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name
from rclpy.validate_topic_name import validate_topic_name

_NAMING = re.compile(r'(?:[^:=]*:)?(__ns|__node|__name):=(.*)', re.DOTALL)
# What may stand before the name: the node that the rule is for, or topics or services only.
_BEFORE_NAME = re.compile(r'^(\w+:(?!//))?((rostopic|rosservice)://)?')
# The places in ROS's sources that an error names, for its developers.
_SOURCE_LINE = re.compile(r',? at /?[\w./+-]+\.[ch]\w*:\d+')


def init_ros(name: str, args: Sequence[str] | None = None) -> None:
    """
    Initialise ROS; if the log folder cannot be written, warn and write no log file.

    :param name: name under which a warning is logged.
    :param args: command line, None for that of the process.
    :raises StartupError: an argument or a variable is wrong.
    """
    words = list(sys.argv if args is None else args)
    for word in words:
        _check_utf8(word)
    rules = words_after(words, ('-r', '--remap'))
    for rule in rules:
        _check_naming(rule)
    fault = fault_of_log_folder()
    try:
        # The exception says the same as what rcl logs before it fails.
        rclpy.logging.set_logger_level('rcl', LoggingSeverity.FATAL)
        rclpy.init(args=[*words, *(WITHOUT_LOG_FILE if fault else ())],
                   signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        for rule in rules:
            _check_remapping(rule, in_one_line(error))
        fault = in_one_line(error)
        raise StartupError(f'--ros-args: {fault}; {_remedy(fault)}') from None
    rclpy.logging.set_logger_level('rcl', LoggingSeverity.UNSET)
    if fault:
        rclpy.logging.get_logger(name).warning(fault)


def in_one_line(error: Exception) -> str:
    """Return ROS's text of an error in one line."""
    text = _SOURCE_LINE.sub('', ' '.join(str(error).split()))
    return text.removeprefix('failed to initialize rcl: ').rstrip('., ')


def _check_utf8(word):
    try:
        word.encode()
    except UnicodeEncodeError:
        raise StartupError(
            f'--ros-args: {printable(word)} is not valid UTF-8, which ROS needs; rename the '
            'file, name a link to it, or write %E9 and the like in camera_info_url') from None


def _check_naming(rule):
    """Refuse an invalid name or namespace of the node; ROS refuses some too late."""
    found = _NAMING.fullmatch(rule)
    if found is None:
        return
    kind, name = found.groups()
    try:
        if kind == '__ns':
            better = better_namespace(name)
            check_namespace(name)
        else:
            better = '_'.join(_legal_parts(name)) or 'detector'
            validate_node_name(name)
    except NameValidationException as error:
        raise StartupError(
            f'-r {rule}: {reason_of(error)}; use for example {kind}:={better}') from None


def check_namespace(name: str) -> None:
    """
    Check an absolute namespace by the rules of ROS, which checks some of them too late.

    :raises NameValidationException: it breaks one.
    """
    validate_namespace(name)
    if '__' in name:
        raise NameValidationException(
            'namespace', name, 'must not have two underscores in a row', 0)


def better_namespace(name: str) -> str:
    """Return a valid absolute namespace that is close to an invalid one."""
    return '/' + '/'.join(_legal_parts(name))


def _legal_parts(name):
    return [re.sub('_+', '_', re.sub('[^A-Za-z0-9_]|^(?=[0-9])', '_', part))
            for part in name.split('/') if part]


def _check_remapping(rule, refusal):
    """Raise what is wrong with a rule, if this is the one that ROS has refused."""
    remedy = ('give from:=to, two names of letters, digits and single underscores with single / '
              'between them, such as image_raw:=/front/image_raw')
    for name in rule.split(':=')[:2]:
        try:
            validate_topic_name(_BEFORE_NAME.sub('', name))
        except NameValidationException as error:
            raise StartupError(f'-r {rule}: {reason_of(error)}; {remedy}') from None
    if f"'-r {rule}'" in refusal or f"'--remap {rule}'" in refusal:
        raise StartupError(f'-r {rule}: ROS cannot read it as a remapping; {remedy}')


def reason_of(error: Exception) -> str:
    """Return in one line which name is invalid, and the rule that it breaks."""
    return str(error).split(':\n')[0].replace('Invalid ', 'invalid ', 1)


def _remedy(fault):
    if 'Sequence should be of same type' in fault:
        return f'if it is a list of texts, put {IN_QUOTES}'
    if os.environ.get('ROS_SECURITY_ENABLE') == 'true':
        return ('set ROS_SECURITY_KEYSTORE to the folder that holds the keys of this enclave, or '
                'ROS_SECURITY_ENABLE=false')
    return 'correct the arguments, the parameter file or the variable that is named'
