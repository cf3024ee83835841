# Everything a machine without ROS needs; a robot with ROS 2 uses colcon instead (see README.md).

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
INPUTS := Makefile setup.py setup.cfg package.xml $(wildcard standalone/requirements.txt \
	standalone/setup_*.py standalone/vision_msgs/* standalone/vision_msgs/msg/*)

# Nodes started from here talk to this machine only, and never to another ROS installation.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
export RMW_IMPLEMENTATION := rmw_fastrtps_cpp
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PYTHONHOME PYTHONPATH
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

.PHONY: help setup run param plan check-sticks test clean moved

help:
	@echo 'make setup   make $(VENV): ROS 2 Jazzy from PyPI, vision_msgs, this package'
	@echo 'make run     a camera node and a detector node on simulated sticks, until Ctrl-C'
	@echo '             SECONDS=20 stops by itself, VIDEO=file feeds a video, OUT=dir writes a report'
	@echo '             GRAPHS=people,faces chooses the networks: also shapes, ONNX files, .caffemodel files'
	@echo '             FASTDDS_PROFILE=none leaves the transport settings as ROS 2 has them'
	@echo 'make param   lists the parameters of a run in another terminal; shows and sets them live:'
	@echo "             ARGS='describe switch_temperature', ARGS='set switch_temperature 47'"
	@echo 'make plan    how hot sticks get, and how many are needed; ARGS=--help lists the options'
	@echo 'make check-sticks  ten minutes on real sticks, and a report to send in: GRAPH=file OUT=dir'
	@echo '             ARGS=--help lists the options; on a robot: ros2 run ncs_cluster_detector check_sticks'
	@echo "make test    every test; ARGS='-k word' and the like go to pytest"
	@echo 'make clean   remove $(VENV) and what builds leave behind'
	@echo 'PYTHON=python3.12 on the first make chooses the Python (3.10 to 3.13) of $(VENV).'

setup: $(READY)
	@echo '$(VENV) is ready.'

# The stamp holds the path for which $(VENV) was made: a moved checkout is set up again, and so is
# one whose Python is gone.
ifneq ($(file <$(READY)) $(wildcard $(VENV)/bin/python),$(CURDIR) $(VENV)/bin/python)
$(READY): moved
endif

$(READY): $(INPUTS)
	@$(PYTHON) standalone/setup_environment.py

run: $(READY)
	@$(VENV)/bin/python standalone/run.py $(if $(SECONDS),--seconds '$(SECONDS)') \
		$(if $(VIDEO),--video '$(VIDEO)') $(if $(OUT),--out '$(OUT)') \
		$(if $(GRAPHS),--graphs '$(GRAPHS)') \
		$(if $(FASTDDS_PROFILE),--fastdds-profile '$(FASTDDS_PROFILE)')

param: $(READY)
	@$(VENV)/bin/python standalone/param.py $(ARGS)

plan: $(READY)
	@$(VENV)/bin/thermal_plan $(if $(OUT),--out '$(OUT)') $(ARGS)

check-sticks: $(READY)
	@$(VENV)/bin/check_sticks $(if $(GRAPH),--graph '$(GRAPH)') $(if $(OUT),--out '$(OUT)') $(ARGS)

# Not `python -m pytest`, which puts this folder on the module path: launch/ is no Python package.
test: $(READY)
	@$(VENV)/bin/pytest $(ARGS)

clean:
	rm -rf $(VENV) build install log .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
