# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The words of --body: sticks and surroundings beyond one first-order body."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math

from ncs_cluster_detector.planning.real_cluster import RealStick
from ncs_cluster_detector.planning.real_cluster import Surroundings
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.sensor import Sensor

# Simulated sticks take the same words where they have them.
WORDS = {
    'die RISE [SECONDS]': 'the part of the rise at full load (--rise, or the fit) by which the '
                          'chip is warmer than its case, with a time constant of its own (5); '
                          '0 = none, whatever the fit says',
    'hub RISE [SECONDS]': 'how much more the hub warms each stick when all are at full load, '
                          'with its time constant (600)',
    'ambient CELSIUS [SECONDS]': 'once the sticks are warm, the air changes from --ambient (from '
                                 'the mean, if it differs) to CELSIUS within SECONDS (600)',
    'fan FACTOR [SECONDS]': 'once the sticks are warm, they are cooled FACTOR times as well, '
                            'reached within SECONDS (0)',
    'cooling FACTOR [STICK ...]': 'all sticks, or those with these numbers, are cooled FACTOR '
                                  'times as well: with 0.5 they end twice as far above an idle '
                                  'stick, and take twice as long to get there',
    'throttle CELSIUS [SHARE]': 'from this temperature on sticks slow themselves down to this '
                                'share of full speed (0.8)',
    'coarse-temperature STEP': 'sensors report whole multiples of STEP degrees only',
    'noisy-temperature CELSIUS': 'their noise has this standard deviation',
    'highest-temperature SECONDS': 'they report the highest temperature of the last SECONDS',
    'lagging-temperature SECONDS': 'they follow with this time constant',
    'lost-temperature SECONDS [EVERY]': 'they report nothing for SECONDS, once every EVERY '
                                        'seconds (60)',
    'camera ON OFF': 'images come for ON seconds, then none for OFF seconds',
}
_RISE, _CELSIUS, _SECONDS, _FACTOR = (0.0, 200.0), (-40.0, 150.0), (0.1, 36000.0), (0.01, 100.0)
_LONG = (0.0, 36000.0)
# The least and greatest value of each argument of a word; optional ones come last.
_LIMITS = {
    'die': (_RISE, _SECONDS), 'hub': (_RISE, _SECONDS), 'ambient': (_CELSIUS, _LONG),
    'fan': (_FACTOR, _LONG), 'throttle': (_CELSIUS, (0.01, 1.0)),
    'coarse-temperature': ((0.001, 50.0),), 'noisy-temperature': ((0.0, 50.0),),
    'highest-temperature': (_SECONDS,), 'lagging-temperature': (_SECONDS,),
    'lost-temperature': (_SECONDS, _SECONDS), 'camera': (_SECONDS, _SECONDS)}
_DEFAULTS = {'die': (Body.die_time_constant_sec,), 'hub': (Hub.time_constant_sec,),
             'ambient': (600.0,), 'fan': (0.0,), 'throttle': (RealStick.throttled_share,),
             'lost-temperature': (Sensor.lost_every_sec,)}
_SENSOR = {'coarse-temperature': ('step_celsius',), 'noisy-temperature': ('noise_celsius',),
           'highest-temperature': ('highest_of_sec',), 'lagging-temperature': ('lag_sec',),
           'lost-temperature': ('lost_sec', 'lost_every_sec')}


@dataclass(frozen=True)
class BodyWords:
    """
    What --body says.

    ``die`` is a pair (C, seconds) or None, ``throttle`` a pair (C, share of full speed),
    ``ambient`` and ``fan`` pairs (value, seconds to get there) or None, ``cooling`` pairs (factor,
    numbers of sticks or nothing for all), and ``camera`` as in Surroundings. ``text`` is the
    option itself.
    """

    die: tuple[float, float] | None = None
    hub: Hub = field(default_factory=Hub)
    ambient: tuple[float, float] | None = None
    fan: tuple[float, float] | None = None
    cooling: tuple[tuple[float, tuple[int, ...]], ...] = ()
    throttle: tuple[float, float] = (RealStick.throttles_at_celsius, RealStick.throttled_share)
    sensor: Sensor = field(default_factory=Sensor)
    camera: tuple[float, float] = (math.inf, 0.0)
    text: str = ''

    @property
    def camera_share(self) -> float:
        """Return the share of the time in which images come in."""
        on_sec, off_sec = self.camera
        return 1.0 if math.isinf(on_sec) else on_sec / (on_sec + off_sec)


def parse_body(text: str) -> BodyWords:
    """
    Return the BodyWords of a text such as ``die 20 5, hub 8``.

    :raises ValueError: one line of text: what was given, and what is expected.
    """
    said = BodyWords(text=', '.join(' '.join(words.split()) for words in text.split(',')))
    for words in said.text.split(', '):
        word, *arguments = words.split() or ['']
        usage = {usage.split()[0]: usage for usage in WORDS}.get(word)
        if usage is None:
            raise ValueError(f"'{words}': unknown; expected one of "
                             f'{", ".join(usage.split()[0] for usage in WORDS)}, with commas '
                             'between')
        if word == 'cooling':
            said = replace(said, cooling=(*said.cooling, _cooling(words, usage, arguments)))
            continue
        values = _values(words, usage, arguments)
        if word in _SENSOR:
            said = replace(said, sensor=replace(said.sensor, **dict(zip(_SENSOR[word], values))))
        else:
            said = replace(said, **{word: Hub(*values) if word == 'hub' else values})
    lost = said.sensor
    if lost.lost_sec >= lost.lost_every_sec:
        raise ValueError(f"'lost-temperature {lost.lost_sec:g} {lost.lost_every_sec:g}': no "
                         'reading would ever come; expected less SECONDS than EVERY')
    return said


def _values(words, usage, arguments):
    word = usage.split()[0]
    limits, defaults = _LIMITS[word], _DEFAULTS.get(word, ())
    if not len(limits) - len(defaults) <= len(arguments) <= len(limits):
        raise ValueError(f"'{words}': expected {usage}")
    given = tuple(_value(words, argument, *limit) for argument, limit in zip(arguments, limits))
    return given + defaults[len(given) - (len(limits) - len(defaults)):]


def _value(words, argument, low, high):
    try:
        value = float(argument)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ValueError(f"'{words}': {argument}: expected a number from {low:g} to {high:g}")
    return value


def _cooling(words, usage, arguments):
    if not arguments:
        raise ValueError(f"'{words}': expected {usage}")
    numbers = tuple(int(_value(words, number, 0, 63)) for number in arguments[1:])
    return _value(words, arguments[0], *_FACTOR), numbers


@dataclass(frozen=True)
class Bodies:
    """
    The bodies of a plan: ``sticks`` is a tuple of RealStick, ``words`` what else --body says.

    Ambient temperature and fan change from ``warm_sec`` on, when the sticks are warm. On average a
    resting stick is ``idle_rise_celsius`` warmer than the air.
    """

    sticks: tuple[RealStick, ...]
    words: BodyWords = field(default_factory=BodyWords)
    idle_rise_celsius: float = 0.0

    def surroundings(self, warm_sec: float, sticks_on_hub: int) -> Surroundings:
        """
        Return the Surroundings.

        :param warm_sec: seconds after which ambient temperature and fan begin to change.
        :param sticks_on_hub: how many of the sticks are there; only these warm the hub.
        """
        words = self.words
        hub = replace(words.hub,
                      rise_celsius=words.hub.rise_celsius * sticks_on_hub / len(self.sticks))
        warmer, cooling = ((0.0, 0.0),), ((0.0, 1.0),)
        if words.ambient:
            warmer = ((0.0, 0.0), (warm_sec, 0.0), (warm_sec + words.ambient[1], self.warmer))
        if words.fan:
            cooling = ((0.0, 1.0), (warm_sec, 1.0), (warm_sec + words.fan[1], words.fan[0]))
        return Surroundings(hub, warmer, cooling, words.camera)

    @property
    def warmer(self) -> float:
        """Return by how much the ambient temperature is higher in the end, in C."""
        if not self.words.ambient:
            return 0.0
        return self.words.ambient[0] + self.idle_rise_celsius - sum(
            stick.idle_celsius for stick in self.sticks) / len(self.sticks)

    def in_the_end(self, times_heat: float = 1.0) -> 'Bodies':
        """
        Return the Bodies after ambient temperature and fan have changed, if they do.

        :param times_heat: factor for the heat of work.
        """
        fan = self.words.fan[0] if self.words.fan else 1.0
        sticks = []
        for stick in self.sticks:
            body = replace(stick.body, rise_celsius=stick.body.rise_celsius * times_heat,
                           die_rise_celsius=stick.body.die_rise_celsius * times_heat)
            sticks.append(replace(stick, idle_celsius=stick.idle_celsius + self.warmer,
                                  cooling=stick.cooling * fan, body=body))
        hub = replace(self.words.hub, rise_celsius=self.words.hub.rise_celsius * times_heat)
        return Bodies(tuple(sticks), replace(self.words, hub=hub, ambient=None, fan=None))

    def constants(self) -> tuple[ThermalModel, ...]:
        """Return the ThermalModel of each stick in the end, for the theory; without the hub."""
        return tuple(stick.constants() for stick in self.in_the_end().sticks)

    def averaged(self, count: int) -> 'Bodies':
        """Return so many equal sticks that are the mean of these."""
        figures = [(stick.idle_celsius, stick.body.rise_celsius / stick.cooling,
                    stick.body.time_constant_sec / stick.cooling, stick.body.die_rise_celsius,
                    stick.body.die_time_constant_sec) for stick in self.sticks]
        idle, *body = (sum(values) / len(figures) for values in zip(*figures))
        return replace(self, sticks=(replace(
            self.sticks[0], idle_celsius=idle, body=Body(*body), cooling=1.0),) * count)


def bodies_of(constants: Sequence[ThermalModel], dies: Sequence[tuple[float, float] | None],
              words: BodyWords, idle_rise_celsius: float = 0.0) -> Bodies:
    """
    Return the Bodies of sticks.

    :param constants: their rise is that of the die and the case.
    :param dies: (C, seconds) of the die of each stick, or None; --body goes before.
    :param idle_rise_celsius: by how much a resting stick is warmer than the air, on average.
    :raises ValueError: the die would be all of the rise, or a stick is not there.
    """
    cooling = [1.0] * len(constants)
    for factor, numbers in words.cooling:
        for number in numbers or range(len(constants)):
            if number >= len(constants):
                raise ValueError(f'--body: cooling of stick {number}: there are '
                                 f'{len(constants)} sticks, numbered from 0')
            cooling[number] = factor
    sticks = []
    for number, (stick, die) in enumerate(zip(constants, dies)):
        rise, die_sec = words.die or die or (
            Body.die_rise_celsius, Body.die_time_constant_sec)
        if rise >= stick.rise_celsius:
            raise ValueError(f'--body: die {rise:g}: expected less than the {stick.rise_celsius:g}'
                             f' C by which full load warms stick {number} in the end; raise '
                             '--rise, or lower it')
        body = Body(stick.rise_celsius - rise, stick.time_constant_sec, rise, die_sec)
        sticks.append(RealStick(stick.idle_celsius, body, words.sensor, cooling[number],
                                *words.throttle))
    return Bodies(tuple(sticks), words, idle_rise_celsius)
