# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The bodies on which the control of heat is measured: realistic sticks, sensors and places.

Three sticks of which two are wanted, unless their names say otherwise. At a limit of 65 C the
REALISTIC and the HARD ones cannot keep them at full speed. The FEASIBLE ones are the REALISTIC
ones that can in a place 20 C colder. The FAST ones have a time constant of 8 s. All changes around
them happen within half an hour.
"""

from dataclasses import dataclass
from dataclasses import replace

from ncs_cluster_detector.planning.real_cluster import along
from ncs_cluster_detector.planning.real_cluster import RealStick
from ncs_cluster_detector.planning.real_cluster import STEP_SEC
from ncs_cluster_detector.planning.real_cluster import Surroundings
from ncs_cluster_detector.planning.theory import sustainable_size
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.sensor import Sensor

REALISTIC, HARD, FEASIBLE, FAST = GROUPS = ('realistic', 'hard', 'feasible', 'fast')
_PLACE_CELSIUS, _COLDER_CELSIUS = 45.0, 20.0
_BODY = Body(50.0, 120.0)
_DIE = Body(35.0, 180.0, 15.0, 5.0)


@dataclass(frozen=True)
class Case:
    """
    Sticks in their surroundings, how many of them are wanted, and the switch temperature.

    ``step_sec`` is the time after which the policies are asked at the latest.
    """

    name: str
    group: str
    sticks: tuple[RealStick, ...]
    surroundings: Surroundings = Surroundings()
    size: int = 2
    limit_celsius: float = 65.0
    step_sec: float = STEP_SEC

    def optimum(self, now: float) -> float:
        """Return how many sticks' full speed the limit permits for ever, as at that time."""
        around = self.surroundings
        cooling, warmer = along(around.cooling, now), along(around.warmer, now)
        constants = [replace(each, cooling=each.cooling * cooling).constants(warmer)
                     for each in self.sticks]
        return sustainable_size(constants, self.limit_celsius, around.hub.rise_celsius)

    def is_feasible(self) -> bool:
        """Tell whether the limit always permits the full speed of the wanted sticks."""
        times = [at for points in (self.surroundings.cooling, self.surroundings.warmer)
                 for at, _ in points]
        return all(self.optimum(at) > self.size for at in times)


def stick(body: Body = _BODY, cooling: float = 1.0, **sensor: float) -> RealStick:
    """Return a RealStick whose sensor has these fields of a Sensor."""
    return RealStick(_PLACE_CELSIUS, body, Sensor(**sensor), cooling)


def _alike(body=_BODY, count=3, **sensor):
    return (stick(body, **sensor),) * count


def _in_place(celsius, *sticks):
    return tuple(replace(each, idle_celsius=celsius) for each in sticks)


def _everything():
    """Return sticks that have a little of everything."""
    sensor = {'step_celsius': 0.5, 'noise_celsius': 0.3}
    usual, strong = (Body(rise, 200.0, 12.0, 6.0) for rise in (38.0, 43.0))
    return stick(usual, **sensor), stick(usual, cooling=0.8, **sensor), stick(strong, **sensor)


# By name: the sticks, and the peculiarities of their surroundings.
_REALISTIC = {
    'first-order-60s': (_alike(Body(50.0, 60.0)), {}),
    'first-order-120s': (_alike(), {}),
    'first-order-300s': (_alike(Body(50.0, 300.0)), {}),
    'die-3s': (_alike(Body(30.0, 300.0, 20.0, 3.0)), {}),
    'die-5s': (_alike(_DIE), {}),
    'die-10s': (_alike(Body(35.0, 180.0, 15.0, 10.0)), {}),
    'die-20s': (_alike(Body(30.0, 400.0, 20.0, 20.0)), {}),
    'steps-0.5': (_alike(step_celsius=0.5), {}),
    'steps-1': (_alike(step_celsius=1.0), {}),
    'steps-1-60s': (_alike(Body(50.0, 60.0), step_celsius=1.0), {}),
    'noise-0.3': (_alike(noise_celsius=0.3), {}),
    'noise-0.5': (_alike(noise_celsius=0.5), {}),
    'highest-of-10s': (_alike(highest_of_sec=10.0), {}),
    'highest-of-25s': (_alike(highest_of_sec=25.0), {}),
    'lag-5s': (_alike(lag_sec=5.0), {}),
    'lag-10s': (_alike(lag_sec=10.0), {}),
    'warmer-15': (_alike(), {'warmer': ((700.0, 0.0), (1300.0, 15.0))}),
    'colder-15': (_alike(), {'warmer': ((700.0, 10.0), (1300.0, -5.0))}),
    'sun-20': (_in_place(35.0, *_alike()), {'warmer': ((900.0, 0.0), (960.0, 20.0))}),
    'hub-10': (_alike(), {'hub': Hub(10.0, 600.0)}),
    'hub-20': (_alike(Body(35.0, 120.0)), {'hub': Hub(20.0, 900.0)}),
    'fan': (_alike(), {'cooling': (
        (800.0, 1.0), (801.0, 1.5), (1300.0, 1.5), (1301.0, 0.8))}),
    'fan-fails': (_alike(), {'cooling': ((900.0, 1.3), (901.0, 0.6))}),
    'middle-cools-0.6': ((stick(), stick(cooling=0.6), stick()), {}),
    'power-1.3': ((stick(), stick(Body(65.0, 120.0)), stick()), {}),
    'camera-30-60': (_alike(), {'camera': (30.0, 60.0)}),
    'everything': (_everything(), {
        'hub': Hub(6.0, 900.0), 'warmer': ((700.0, 0.0), (1500.0, 8.0))}),
}
_HARD = {
    'noise-1': _alike(noise_celsius=1.0),
    'noise-1-four-sticks': _alike(count=4, noise_celsius=1.0),
    'noise-1-die': _alike(_DIE, noise_celsius=1.0),
    'lost-5s': _alike(lost_sec=5.0),
    'lost-5s-in-20s': _alike(lost_sec=5.0, lost_every_sec=20.0),
    'lost-5s-die': _alike(_DIE, lost_sec=5.0, lost_every_sec=30.0),
    'noise-1-lost-5s': _alike(noise_celsius=1.0, lost_sec=5.0),
}
# They pass the limit by 4 C in a second.
_FAST_BODY, _FAST_STEP_SEC = Body(50.0, 8.0), 0.1


def cases() -> dict[str, Case]:
    """Return all cases by name."""
    realistic = [Case(name, REALISTIC, sticks, Surroundings(**particular))
                 for name, (sticks, particular) in _REALISTIC.items()]
    realistic.append(Case(
        'five-sticks', REALISTIC, _in_place(40.0, *_alike(count=5)), size=3))
    hard = [Case(name, HARD, sticks) for name, sticks in _HARD.items()]
    colder = [replace(case, name=f'cool-{case.name}', group=FEASIBLE, sticks=tuple(
        replace(each, idle_celsius=each.idle_celsius - _COLDER_CELSIUS)
        for each in case.sticks)) for case in realistic]
    feasible = [case for case in colder if case.is_feasible()]
    fast = [Case(f'fast-at-{limit:.0f}', FAST, _alike(_FAST_BODY), limit_celsius=limit,
                 step_sec=_FAST_STEP_SEC) for limit in (60.0, 65.0)]
    return {case.name: case for case in (*realistic, *hard, *feasible, *fast)}
