# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Build description for colcon (ament_python) and pip."""

from glob import glob

from setuptools import find_packages
from setuptools import setup

package_name = 'ncs_cluster_detector'

setup(
    name=package_name,
    version='1.0.0',
    packages=find_packages(exclude=['test', 'test.*', 'standalone', 'standalone.*']),
    package_data={package_name: ['py.typed', 'ros/fastdds_loopback.xml']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/' + package_name]),
        ('share/' + package_name, ['package.xml']),
        ('share/' + package_name + '/launch', glob('launch/*.launch.py')),
        ('share/' + package_name + '/config', glob('config/*')),
    ],
    install_requires=['setuptools'],
    zip_safe=True,
    author='ncs_cluster_detector contributors',
    maintainer='ncs_cluster_detector maintainers',
    maintainer_email='maintainers@ncs-cluster-detector.invalid',
    description='Object detection on several Intel Movidius Neural Compute Sticks that take '
                'turns, so that none overheats and detection never stops.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'camera_node = ncs_cluster_detector.executables:camera_node',
            'check_sticks = ncs_cluster_detector.executables:check_sticks',
            'detector_node = ncs_cluster_detector.executables:detector_node',
            'stick_server = ncs_cluster_detector.executables:stick_server',
            'thermal_plan = ncs_cluster_detector.executables:thermal_plan',
        ],
    },
)
