# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The interface of a kind of outputs; :mod:`kinds` lists them."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any
from typing import ClassVar

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import is_background
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
import numpy as np
import numpy.typing as npt


class OutputKind(ABC):
    """
    Turns what a network gives into the vector of :mod:`ssd`.

    An object is made by :meth:`recognise` and holds plain values, so it can be pickled.
    """

    title: ClassVar[str]
    # What such outputs look like, for error texts; N are boxes, C classes.
    form: ClassVar[str]
    # Whether class 0 of the network is a background; if not, class k becomes k + 1 in the vector.
    has_background: ClassVar[bool]
    # What networks of this kind usually want.
    input_format: ClassVar[InputFormat]
    # (width, height) of the input in pixels, where the file leaves it open.
    usual_size: ClassVar[tuple[int, int]]
    # Classes without a background; None: the outputs do not tell.
    class_count: int | None = None

    @classmethod
    @abstractmethod
    def recognise(cls, outputs: Sequence[TensorForm],
                  input_size: tuple[int, int]) -> 'OutputKind | None':
        """
        Return an object for a network with these outputs, or None if they are of another kind.

        :param outputs: in the order in which :meth:`vector` gets their values.
        :param input_size: (width, height) of the input in pixels.
        """

    @abstractmethod
    def vector(self, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """
        Return the vector of :mod:`ssd` for one picture: a float32 array of 707 values.

        The best boxes come first, as fractions of the picture, class 0 being the background.
        Boxes that :func:`ssd.decode` counts as invalid come after all others. Values of any kind
        are taken: NaN, infinite, too large and negative ones are invalid boxes or none.

        :param outputs: the values of the outputs that were recognised, of their shapes.
        """

    @abstractmethod
    def default_labels(self, graph_name: str) -> tuple[str, ...]:
        """
        Return the labels where neither the user nor the file gave any; the background is first.

        :param graph_name: path or built-in name of the graph.
        """

    def complete_labels(self, labels: Sequence[str]) -> tuple[str, ...]:
        """
        Return labels that came with the network with the background in front, as all of ours.

        :param labels: of the network's classes from 0 on, as its file names them. Some files name
            a background, or have a mark in its place such as ``???``, and some do not.
        """
        named = len(labels) != self.class_count and bool(labels) and is_background(labels[0])
        return ('background', *labels[named:])
