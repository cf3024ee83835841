# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The arguments of the runner, checked before anything is started."""

import argparse
import contextlib
import math
import os
from pathlib import Path
import sys
from typing import NamedTuple
from typing import Optional

from ncs_cluster_detector.shown_text import shown

DEFAULT_SOURCE_FPS = 30.0
DESCRIPTION = """
Run a camera node and a detector node on simulated sticks, show what they do, and stop them on
Ctrl-C. They see only this machine, and the parameter files are the robot's, config/camera.yaml
and config/detector.yaml, but for a few values: simulated sticks, two at a time, a short switch
cycle, and heat that comes and goes faster than in a real stick.
"""


class Options(NamedTuple):
    """
    What to run.

    Seconds (None = until stopped), video file, its rate, folder of the report, whether Fast DDS
    gets the profile with which whole images arrive, and the graphs of the sticks (None = the
    detector's default).
    """

    seconds: Optional[float]
    video: Optional[Path]
    source_fps: float
    out: Optional[Path]
    with_profile: bool = True
    graphs: Optional[list] = None


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line, without the usage above them."""

    def error(self, message):
        """End the program with status 2 and one line on stderr."""
        # The parser of a command calls itself by the names of the program and of the command.
        refuse(f'{message}; --help shows what there is', self.prog.split()[0])


def refuse(message, program='run'):
    """End the program with status 2 and one line on stderr, which may quote its arguments."""
    print(f'{program}: {shown(message, *sys.argv)}', file=sys.stderr)
    sys.exit(2)


def parse(arguments):
    """
    Return the Options in a list of command line arguments; OUT exists afterwards.

    A wrong argument ends the program with status 2 and one line on stderr.
    """
    parser = OneLineParser(prog='run', description=DESCRIPTION)
    parser.add_argument(
        '--seconds', metavar='N', help='stop by itself after N seconds, counted from the moment '
        'when both nodes are up: the camera has reported and at least one stick is RUNNING '
        '(without it: run until Ctrl-C)')
    parser.add_argument(
        '--video', metavar='FILE', help='a video that the camera node plays, again and again '
        '(without it: a synthetic street scene)')
    parser.add_argument(
        '--out', metavar='DIR', help='write report.json, report.png, annotated.mp4, '
        'annotated.png and run.log there (the folder is made; older ones are replaced)')
    parser.add_argument(
        '--fastdds-profile', metavar='none', help='leave out the transport settings of Fast DDS '
        'with which whole images arrive, standalone/fastdds_loopback.xml: most of them are lost '
        'then, as they are in ROS 2 by default')
    parser.add_argument(
        '--graphs', metavar='NAMES', help='the networks that every stick runs for every frame, '
        'with commas between them: people, faces, shapes, ONNX files, or Caffe networks '
        '(.caffemodel, its .prototxt beside it; without it: people)')
    given = parser.parse_args(arguments)
    try:
        seconds = None if given.seconds is None else _seconds(given.seconds)
        video, fps = (None, DEFAULT_SOURCE_FPS) if given.video is None else _video(given.video)
        with_profile = _with_profile(given.fastdds_profile)
        graphs = None if given.graphs is None else _graphs(given.graphs)
        out = None if given.out is None else _folder(given.out)
    except ValueError as error:
        refuse(str(error))
    return Options(seconds, video, fps, out, with_profile, graphs)


def _with_profile(text):
    if text not in (None, 'none'):
        # A profile of one's own could lead the traffic off this machine.
        raise ValueError(f'FASTDDS_PROFILE={text}: must be none, which leaves the profile out; '
                         'without it standalone/fastdds_loopback.xml is used')
    return text is None


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f'SECONDS={text}: must be a positive number of seconds; use for example '
                         'SECONDS=20, or leave it out to run until Ctrl-C')
    return seconds


def _video(text):
    path = _path('VIDEO', text)
    remedy = 'give the path of a readable video file, such as an .mp4 or .avi'
    if not path.is_file():
        found = 'it is a folder' if path.is_dir() else 'there is no such file'
        raise ValueError(f'VIDEO={text}: {found}; {remedy}')
    if not os.access(path, os.R_OK):
        raise ValueError(f'VIDEO={text}: this user may not read it; {remedy}')
    fps = _frame_rate(path)
    if fps is None:
        raise ValueError(f'VIDEO={text}: it is not a video that OpenCV can decode; {remedy}')
    return path, fps


def _graphs(text):
    """Return the names in a text, each of which the detector can read as a graph."""
    _check_utf8('GRAPHS', text)
    names = [name.strip() for name in text.split(',')]
    if not all(names):
        raise ValueError(f'GRAPHS={text}: a name is empty; use for example GRAPHS=people,faces')
    _silence_opencv()
    from ncs_cluster_detector.simulation.graphs import read_graph   # late, as OpenCV is
    for name in names:
        try:
            read_graph(name)
        except (OSError, ValueError) as error:
            raise ValueError(f'GRAPHS={text}: {" ".join(str(error).split())}') from None
    return names


def _check_utf8(name, text):
    try:
        text.encode()
    except UnicodeEncodeError:   # ROS parameters and JSON are UTF-8
        raise ValueError(f'{name}={text!a}: the name is not valid UTF-8; rename it') from None


def _path(name, text):
    _check_utf8(name, text)
    if not text:
        raise ValueError(f'{name}=: the name is empty; give a path')
    return Path(text).expanduser().absolute()


def _frame_rate(path):
    """Return the frames a second of a video, or None if it cannot be decoded."""
    cv2 = _silence_opencv()
    capture = cv2.VideoCapture(str(path))
    try:
        if not (capture.isOpened() and capture.grab()):
            return None
        told = capture.get(cv2.CAP_PROP_FPS)
    finally:
        capture.release()
    return told if 0.1 <= told <= 240.0 else DEFAULT_SOURCE_FPS


def _silence_opencv():
    """Return OpenCV, which is to leave it to this module to say what is wrong, in one line."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    import cv2   # late, because without a video or graphs nothing here needs it
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def _folder(text):
    path = _path('OUT', text)
    probe = path / '.run_probe'
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise ValueError(f'OUT={text}: making the folder or a file in it failed '
                         f'({error.strerror}); name a folder that can be written') from None
    finally:
        with contextlib.suppress(OSError):   # there is none if it could not be made
            probe.unlink()
    return path
