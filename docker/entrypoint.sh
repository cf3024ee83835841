#!/bin/bash
# Run a command with ROS and this package on its paths, in place of this shell, so that it gets the
# signals that stop the container.
set -e
source /ws/install/setup.bash
exec "$@"
