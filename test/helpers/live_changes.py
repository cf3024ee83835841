# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of a detector that is changed while it works share."""

from std_srvs.srv import Trigger

SHAPES = {'graph_paths': "['shapes']", 'simulated.inference_ms': '5.0',
          'simulated.transfer_ms': '1.0'}


def switch_cluster(probe):
    """Call the service; return success and message."""
    answer = probe.call(Trigger, 'detector/switch_cluster', Trigger.Request())
    return answer.success, answer.message


def ranges_of_settings(cameras, sticks):
    """
    Return functions by the name of a live parameter: each draws a value with a random.Random.

    :param cameras: how many; a NamedCamera's car is in each of the regions wherever it is.
    :param sticks: how many.
    """
    def each(*values):
        return lambda chance: chance.choice([[], [chance.choice(values) for _ in range(cameras)]])

    return {
        'camera_weights': each(0.0, 0.25, 1.0, 3.0),
        'camera_max_fps': each(0.0, 5.0, 60.0),
        'camera_regions': each('', '0,0,1,1', '0.1,0.2,0.75,0.5', '0,0.1,0.9,0.6'),
        'class_thresholds': lambda chance: chance.choice(
            [[], ['car:0.5'], ['car:0.95', 'cat:0']]),
        'cluster_size': lambda chance: chance.randint(0, sticks),
        'score_threshold': lambda chance: chance.choice([0.1, 0.6, 0.95]),
    }
