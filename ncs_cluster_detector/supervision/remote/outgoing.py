# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sends a frame to a stick of another host, as small as it may be."""

from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.remote.remote_host import RemoteHost
from ncs_cluster_detector.supervision.remote.remote_stick import RemoteStick
from ncs_cluster_detector.wire.host_messages import Ticket


def send(host: RemoteHost, stick: RemoteStick, frame: Frame, session: str,
         jpeg_quality: int) -> None:
    """
    Send a frame to a stick, whose host serves this detector.

    A picture that came encoded travels on as it came. Another one is brought to the size of the
    networks, unless it is smaller, and encoded.

    :param session: of this detector.
    :param jpeg_quality: 1 to 100; 0 sends the pixels as they are.
    """
    assert host.link is not None and host.report is not None
    about = host.report.server, session, stick.report.number, frame.sequence
    if isinstance(frame, EncodedFrame):
        host.link.send_frame(Ticket(*about, frame.region), frame.data, frame.header)
        return
    # Late, because OpenCV takes 8 MB and most nodes send no frame to other hosts.
    from ncs_cluster_detector.pictures import encoding
    image = frame.region.cut(frame.image)
    if host.report.input_size is not None:
        image = encoding.shrunk(image, host.report.input_size)
    if jpeg_quality:
        host.link.send_frame(
            Ticket(*about), encoding.jpeg_of(image, jpeg_quality), frame.header)
    else:
        height, width = image.shape[:2]
        host.link.send_frame(Ticket(*about, size=(height, width)), image, frame.header)
