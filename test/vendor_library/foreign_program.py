# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program of somebody else: infers on one stick for ever, with the vendor's binding alone."""

import sys
import time

from mvnc import mvncapi
from ncs_cluster_detector.sticks import numpy_compatibility
import numpy as np


def main(port):
    """Print ``ready``, then for each result how many seconds it took."""
    numpy_compatibility.adapt(mvncapi)
    devices = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    device = next(device for device in devices if device.get_option(
        mvncapi.DeviceOption.RO_DEVICE_NAME).startswith(port + '-'))
    device.open()
    graph = mvncapi.Graph('foreign')
    fifo_in, fifo_out = graph.allocate_with_fifos(
        device, bytes(100_000), input_fifo_data_type=mvncapi.FifoDataType.FP16,
        output_fifo_data_type=mvncapi.FifoDataType.FP16)
    print('ready', flush=True)
    tensor = numpy_compatibility.TensorBytes(np.zeros(270000, np.float16))
    while True:
        began = time.monotonic()
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor, None)
        fifo_out.read_elem()
        print(f'{time.monotonic() - began:.3f}', flush=True)


if __name__ == '__main__':
    main(sys.argv[1])
