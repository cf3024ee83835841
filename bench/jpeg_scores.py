# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures what a network finds in pictures that have travelled as JPEG, against the raw ones.

``.venv/bin/python bench/jpeg_scores.py GRAPH FILE...`` takes a graph as ``graph_paths`` of
simulated sticks does, or a frozen TensorFlow network (``.pb``) if the package openvino is
installed, and pictures and videos. Each picture is brought to the size of the network, as for the
sticks of other hosts. The first row of the table is a yardstick: raw pictures with the noise of a
camera.
"""

import argparse
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from pathlib import Path
import statistics
import sys
import time
from typing import Any
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402, I100
from ncs_cluster_detector.networks import ssd  # noqa: E402
from ncs_cluster_detector.networks.detection import Detection  # noqa: E402
from ncs_cluster_detector.pictures.decoding import decode_message  # noqa: E402
from ncs_cluster_detector.pictures.decoding import read_picture  # noqa: E402
from ncs_cluster_detector.pictures.encoding import shrunk  # noqa: E402
from ncs_cluster_detector.simulation.networks.graphs import read_graph  # noqa: E402
from ncs_cluster_detector.simulation.networks.loading import load_network  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

Picture: TypeAlias = npt.NDArray[np.uint8]
QUALITIES = (50, 75, 85, 90, 95)
COLOURS = {'4:4:4': 0x111111, '4:2:0': 0x221111}   # full, and halved in both directions
THRESHOLD = 0.6          # the default of score_threshold
LEAST_SCORE = 0.1        # of a box that may be the same object as one above the threshold
LEAST_OVERLAP = 0.5      # of both boxes, intersection over union
NOISE = 2.0              # standard deviation of 0 to 255, as of a usual camera in a lit room
LABELS = tuple(map(str, range(1000)))   # more classes than any of the networks has
PICTURE_ENDINGS = ('.jpg', '.jpeg', '.png')
HEADS = ('sent as', 'KB', 'encode ms', 'decode ms', 'mean change', 'largest', 'boxes', 'lost',
         'gained')


@dataclass
class Tally:
    """What differs from the raw pictures, and what that costs."""

    changes: list[float] = field(default_factory=list)
    raw_boxes: int = 0
    lost: int = 0
    gained: int = 0
    sizes: list[int] = field(default_factory=list)
    encode_sec: list[float] = field(default_factory=list)
    decode_sec: list[float] = field(default_factory=list)

    def note(self, raw: Sequence[Detection], sent: Sequence[Detection]) -> None:
        """Compare what was found in a raw picture with what was found in the one that was sent."""
        pairs = matches(raw, sent)
        self.raw_boxes += sum(box.score >= THRESHOLD for box in raw)
        for before, after in pairs:
            was, now = (0.0 if box is None else box.score for box in (before, after))
            self.lost += was >= THRESHOLD > now
            self.gained += now >= THRESHOLD > was
            if before is not None and after is not None and max(was, now) >= THRESHOLD:
                self.changes.append(abs(now - was))

    def row(self, name: str) -> tuple[str, ...]:
        """Return the texts of a row of the table."""
        def median(values: Sequence[float], factor: float, digits: int) -> str:
            return f'{statistics.median(values) * factor:.{digits}f}' if values else ''

        return (name, median(self.sizes, 1e-3, 1), median(self.encode_sec, 1e3, 2),
                median(self.decode_sec, 1e3, 2), f'{statistics.fmean(self.changes or [0.0]):.4f}',
                f'{max(self.changes, default=0.0):.3f}', str(self.raw_boxes), str(self.lost),
                str(self.gained))


def matches(one: Sequence[Detection], other: Sequence[Detection],
            ) -> Iterator[tuple[Detection | None, Detection | None]]:
    """Yield pairs of boxes of the same object, the best overlaps first; then the boxes alone."""
    overlaps = sorted(((overlap(a, b), i, j) for i, a in enumerate(one)
                       for j, b in enumerate(other) if a.label == b.label), reverse=True)
    left, right = dict(enumerate(one)), dict(enumerate(other))
    for share, i, j in overlaps:
        if share >= LEAST_OVERLAP and i in left and j in right:
            yield left.pop(i), right.pop(j)
    yield from ((box, None) for box in left.values())
    yield from ((None, box) for box in right.values())


def overlap(a: Detection, b: Detection) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x_max, b.x_max) - max(a.x_min, b.x_min)
    height = min(a.y_max, b.y_max) - max(a.y_min, b.y_min)
    common = max(width, 0.0) * max(height, 0.0)
    areas = [(box.x_max - box.x_min) * (box.y_max - box.y_min) for box in (a, b)]
    return common / (sum(areas) - common)


def pictures(paths: Sequence[Path], every: int) -> Iterator[Picture]:
    """Yield all pictures, and every so many frames of the videos."""
    for path in paths:
        if path.suffix.lower() in PICTURE_ENDINGS:
            yield read_picture(str(path))
            continue
        video, number = cv2.VideoCapture(str(path)), 0
        while (frame := video.read()[1]) is not None:
            if number % every == 0:
                yield np.asarray(frame, np.uint8)
            number += 1
        if not number:
            sys.exit(f'jpeg_scores: {path} has no pictures; expected a picture or a video')


def network(graph: str, mean: Sequence[float], scale: float,
            ) -> tuple[tuple[int, int], Callable[[Picture], list[Detection]]]:
    """Return the (width, height) of a network's input, and what finds boxes in such a picture."""
    if graph.endswith('.pb'):
        return tensorflow_network(graph)
    loaded = load_network(read_graph(graph))
    loaded.check_detector()
    height, width, _ = loaded.input_shape

    def find(image: Picture) -> list[Detection]:
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        # In half precision, as on a stick.
        tensor = ((resized - np.array(mean)) * scale).astype(np.float16)
        return ssd.decode(loaded.run(tensor), LABELS)[0]

    return (width, height), find


def tensorflow_network(path: str, size: tuple[int, int] = (300, 300),
                       ) -> tuple[tuple[int, int], Callable[[Picture], list[Detection]]]:
    """Do the same for a network of TensorFlow's object detection, which has its own mean."""
    import openvino
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([1, size[1], size[0], 3])
    compiled: Any = core.compile_model(model, 'CPU')

    def find(image: Picture) -> list[Detection]:
        resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        found = compiled(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)[np.newaxis])
        boxes, scores, classes = (found[f'detection_{name}:0'][0]
                                  for name in ('boxes', 'scores', 'classes'))
        # The boxes are y, x, y, x; all come again as the rows of an SSD to be checked as those.
        rows = [(int(kind), float(score), float(x1), float(y1), float(x2), float(y2))
                for kind, score, (y1, x1, y2, x2) in zip(classes, scores, boxes)]
        return ssd.decode(ssd.encode(rows), LABELS)[0]

    return size, find


def with_noise(image: Picture, random: np.random.Generator, _: Tally) -> Picture:
    """Return a picture with the noise of a camera."""
    return np.clip(np.rint(image + random.normal(0.0, NOISE, image.shape)), 0, 255).astype(
        np.uint8)


def as_jpeg(image: Picture, quality: int, colours: int, tally: Tally) -> Picture:
    """Return a picture after its way as JPEG."""
    began = time.perf_counter()
    data = np.asarray(cv2.imencode('.jpg', image, [
        cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, colours])[1])
    encoded = time.perf_counter()
    decoded = decode_message(data)
    tally.decode_sec.append(time.perf_counter() - encoded)
    tally.encode_sec.append(encoded - began)
    tally.sizes.append(data.size)
    return decoded


def measure(graph: str, files: Sequence[Path], every: int, mean: Sequence[float],
            scale: float) -> list[tuple[str, ...]]:
    """Return the rows of the table, without its head."""
    size, find = network(graph, mean, scale)
    random = np.random.default_rng(1)
    ways: dict[str, Callable[..., Picture]] = {
        f'raw, noise {NOISE:g}': lambda image, tally: with_noise(image, random, tally)}
    for colours, factor in COLOURS.items():
        for quality in QUALITIES:
            ways[f'{quality}, {colours}'] = partial(as_jpeg, quality=quality, colours=factor)
    tallies = {name: Tally() for name in ways}

    def boxes(image: Picture) -> list[Detection]:
        return [box for box in find(image) if box.score >= LEAST_SCORE]

    for picture in pictures(files, every):
        image = shrunk(picture, size)
        raw = boxes(image)
        for name, way in ways.items():
            tallies[name].note(raw, boxes(way(image, tally=tallies[name])))
    return [tally.row(name) for name, tally in tallies.items()]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('graph', help='as in graph_paths, or a .pb file')
    parser.add_argument('files', nargs='+', type=Path, help='pictures and videos')
    parser.add_argument('--every', type=int, default=4, help='take every so many frames of videos')
    parser.add_argument('--mean', type=float, nargs='+', default=[127.5], help='one or three')
    parser.add_argument('--scale', type=float, default=0.007843)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)   # one core of a small computer
    rows = [HEADS, *measure(arguments.graph, arguments.files, arguments.every, arguments.mean,
                            arguments.scale)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for texts in rows:
        print('  '.join(text.rjust(width) for text, width in zip(texts, widths)))


if __name__ == '__main__':
    main()
