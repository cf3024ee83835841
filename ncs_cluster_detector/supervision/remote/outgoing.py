# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sends a frame to a stick of another host, as small as it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.remote.remote_host import RemoteHost
from ncs_cluster_detector.supervision.remote.remote_stick import RemoteStick
from ncs_cluster_detector.wire.host_messages import Ticket

if TYPE_CHECKING:
    from ncs_cluster_detector.pictures.encoding import JpegEncoder


class FrameSender:
    """
    Sends frames to sticks whose hosts serve this detector.

    A picture that came encoded travels on as it came. Another one is brought to the size of the
    networks, unless it is smaller, and encoded.
    """

    def __init__(self, session: str, jpeg_quality: int) -> None:
        """Take the session of this detector, and a quality of 1 to 100, or 0 for raw pixels."""
        self._session = session
        self._jpeg_quality = jpeg_quality
        self._encoders: dict[int, JpegEncoder] = {}   # by camera
        self._is_prepared = False

    def send(self, host: RemoteHost, stick: RemoteStick, frame: Frame) -> None:
        """Send a frame to a stick."""
        assert host.link is not None and host.report is not None
        about = host.report.server, self._session, stick.report.number, frame.sequence
        if isinstance(frame, EncodedFrame):
            host.link.send_frame(Ticket(*about, frame.region), frame.data, frame.header)
            return
        # Late, because OpenCV takes 8 MB and most nodes send no frame to other hosts.
        from ncs_cluster_detector.pictures import encoding
        if not self._is_prepared:
            encoding.use_one_thread()
            self._is_prepared = True
        image = frame.region.cut(frame.image)
        if host.report.input_size is not None:
            image = encoding.shrunk(image, host.report.input_size)
        if self._jpeg_quality:
            encoder = self._encoders.get(frame.camera)
            if encoder is None:
                encoder = encoding.JpegEncoder(self._jpeg_quality)
                self._encoders[frame.camera] = encoder
            host.link.send_frame(Ticket(*about), encoder.encode(image), frame.header)
        else:
            height, width = image.shape[:2]
            host.link.send_frame(Ticket(*about, size=(height, width)), image, frame.header)
