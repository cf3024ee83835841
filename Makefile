# Everything a machine without ROS needs; a robot with ROS 2 uses colcon instead (see docs/robot.md).

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
INPUTS := Makefile setup.py setup.cfg package.xml $(wildcard standalone/requirements.txt \
	standalone/setup_environment.py standalone/setup/*.py standalone/vision_msgs/* standalone/vision_msgs/msg/*)

# Nodes started from here talk to this machine only, and never to another ROS installation.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
export RMW_IMPLEMENTATION := rmw_fastrtps_cpp
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PYTHONHOME PYTHONPATH
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

# The variables that each goal takes. Others are refused at once: make itself ignores them.
GOALS := help setup run param plan check-sticks bench soak test fuzz clean
TAKES_run := SECONDS VIDEO OUT DRIVER GRAPHS CAMERAS HOSTS STICKS CLUSTER_SIZE AMBIENT FASTDDS_PROFILE
TAKES_param := ARGS
TAKES_plan := OUT ARGS
TAKES_soak := MINUTES SEED OUT
TAKES_check-sticks := GRAPH OUT ARGS
TAKES_bench := ROWS KEEP OUT
TAKES_test := ARGS
TAKES_fuzz := MINUTES ARGS

quoted = '$(subst ','\'',$1)'
# The value as it was given: make does not expand a $ in the name of a file.
option = $(if $(value $1),--$2=$(call quoted,$(value $1)))
GIVEN := $(strip $(foreach name,$(.VARIABLES),$(if \
	$(filter command,$(firstword $(origin $(name)))),$(name))))
ifneq ($(GIVEN),)
WRONG := $(shell $(PYTHON) -S standalone/make_variables.py \
	$(foreach goal,$(GOALS),'$(goal): $(TAKES_$(goal))') -- \
	$(foreach goal,$(MAKECMDGOALS),$(call quoted,$(goal))) -- \
	$(foreach name,$(GIVEN),$(call quoted,$(name))) 2>/dev/null || \
	echo $(call quoted,PYTHON=$(PYTHON): cannot be run; name a Python of 3.10 to 3.14))
ifneq ($(WRONG),)
$(error $(WRONG))
endif
endif

.PHONY: help setup run param plan check-sticks bench soak test fuzz clean moved

help:
	@echo 'make setup   make $(VENV): ROS 2 Jazzy from PyPI, vision_msgs, this package'
	@echo 'make run     a camera node and a detector node on simulated sticks, until Ctrl-C'
	@echo '             SECONDS=20 stops by itself, VIDEO=file feeds a video, OUT=dir writes a report'
	@echo '             STICKS=8 how many simulated sticks (1 to 64), CLUSTER_SIZE=3 how many of'
	@echo '             them work at a time (0: all), AMBIENT=45 temperature of an idle stick in C'
	@echo '             CAMERAS=2 how many cameras (1 to 8) share the sticks: front, rear, left, ...'
	@echo '             HOSTS=3 puts the sticks on so many hosts (1 to 8), pi1, pi2, ...: a stick server'
	@echo '             for each, STICKS=3 is how many sticks each has, CLUSTER_SIZE counts all'
	@echo '             GRAPHS=people,faces chooses the networks: also shapes, ONNX files,'
	@echo '             .caffemodel files; two halve the rate and have about three times the latency;'
	@echo '             ssdlite (people) and res10 (faces) are fetched at their first use'
	@echo '             DRIVER=openvino runs a real network (ssdlite, or those of GRAPHS) by OpenVINO on'
	@echo "             this machine's processor"
	@echo '             FASTDDS_PROFILE=none leaves the transport settings as ROS 2 has them'
	@echo 'make param   lists the parameters of a run in another terminal; shows and sets them live:'
	@echo "             ARGS='describe switch_temperature', ARGS='set switch_temperature 47',"
	@echo "             of one of several cameras: ARGS='set /front/camera loop false'"
	@echo 'make plan    how hot sticks get, and how many are needed; ARGS=--help lists the options'
	@echo 'make soak    everything at once on simulated sticks: is every image accounted for?'
	@echo '             MINUTES=20 for how long, SEED=4711 repeats the events of an earlier soak,'
	@echo '             OUT=dir where ledger.json, timeline.png and soak.log go (soak)'
	@echo 'make check-sticks  ten minutes on real sticks, and a report to send in: GRAPH=file OUT=dir'
	@echo '             ARGS=--help lists the options; on a robot: ros2 run ncs_cluster_detector check_sticks'
	@echo 'make bench   what the detector costs beside a bare node and the script of 2018, in a table and'
	@echo '             OUT=dir; ROWS=cpu,latency measures a part, KEEP=1 keeps the run to compare with'
	@echo "make test    every test; ARGS='-k word' and the like go to pytest"
	@echo 'make fuzz    what comes from outside, made up and wrong: MINUTES=5 for each kind of it'
	@echo 'make clean   remove $(VENV) and what builds leave behind'
	@echo 'These variables may stand in the environment, too; others are refused on the command line.'
	@echo 'PYTHON=python3.12 on the first make chooses the Python (3.10 to 3.14) of $(VENV), which stays.'

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
	@$(VENV)/bin/python standalone/run.py $(call option,SECONDS,seconds) \
		$(call option,VIDEO,video) $(call option,OUT,out) \
		$(call option,DRIVER,driver) $(call option,GRAPHS,graphs) \
		$(call option,CAMERAS,cameras) $(call option,HOSTS,hosts) \
		$(call option,STICKS,sticks) $(call option,CLUSTER_SIZE,cluster-size) \
		$(call option,AMBIENT,ambient) $(call option,FASTDDS_PROFILE,fastdds-profile)

param: $(READY)
	@$(VENV)/bin/python standalone/param.py $(ARGS)

plan: $(READY)
	@$(VENV)/bin/thermal_plan $(call option,OUT,out) $(ARGS)

soak: $(READY)
	@$(VENV)/bin/python standalone/soak.py $(call option,MINUTES,minutes) \
		$(call option,SEED,seed) $(call option,OUT,out)

check-sticks: $(READY)
	@$(VENV)/bin/check_sticks $(call option,GRAPH,graph) $(call option,OUT,out) $(ARGS)

bench: $(READY)
	@$(VENV)/bin/python bench $(call option,ROWS,rows) $(call option,KEEP,keep) \
		$(call option,OUT,out)

# Four processes on two cores, too: most tests wait. Modules begin in the order of test/conftest.py.
# Not `python -m pytest`, which puts this folder on the module path: launch/ is no Python package.
# Tests that need a network that could not be fetched are skipped, and say so.
test: $(READY)
	@$(VENV)/bin/python standalone/fetch_networks.py || true
	@$(VENV)/bin/pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder $(ARGS)

# One process beside pytest's own, which starts another one if a library crashes in it.
fuzz: $(READY)
	@FUZZ_MINUTES=$(call quoted,$(or $(MINUTES),5)) $(VENV)/bin/pytest test/fuzzing \
		--numprocesses=1 $(ARGS)

clean:
	rm -rf $(VENV) build install log .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
