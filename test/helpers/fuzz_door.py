# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Doors for fuzzing: each is a test that takes made-up input from outside until its time is over.

In the normal suite a door takes the same few examples in every run. With the environment variable
``FUZZ_MINUTES``, which ``make fuzz`` sets, it takes fresh ones for so long. Each example has a
limit of processor time, and each door one of memory. ``guided.py`` runs the doors with atheris.
"""

from contextlib import contextmanager
import os
from pathlib import Path
import pickle
import random
import resource
import signal
import time
import warnings

from ncs_cluster_detector.shown_text import shown
import pytest

hypothesis = pytest.importorskip('hypothesis')
st = hypothesis.strategies

MINUTES = os.environ.get('FUZZ_MINUTES') or '0'
try:
    SECONDS = 60.0 * float(MINUTES)
except ValueError:
    pytest.exit(f'FUZZ_MINUTES={MINUTES}: expected a number of minutes', 2)
EXAMPLES_A_ROUND = 500
# Much more than any input needs on a slow machine; processor time, since others may work, too.
MOST_CPU_SEC = 10.0
# What an input may make the process take; the largest allowed pictures need most of it.
MOST_BYTES = 2 * 2**30
LONGEST_TEXT = 4000
# The last example of a door that crashes the process would be lost otherwise.
LAST = Path('.hypothesis', 'fuzz')


class TooSlowError(BaseException):
    """An example took too much processor time; no handler of the code under test catches it."""


def door(examples, also=(), **strategies):
    """
    Make a test of a function that takes one example.

    :param examples: how many in the normal suite.
    :param also: examples to take first, such as those that were faults once.
    :param strategies: of hypothesis, by argument.
    """
    def decorate(check):
        def test(record_property):
            taken = Taken(check)
            began = time.monotonic()
            # Of files of 100 kB, which hypothesis would rather not show.
            with little_memory(), warnings.catch_warnings():
                warnings.simplefilter('ignore', hypothesis.errors.HypothesisWarning)
                try:
                    if not SECONDS:
                        one_round(taken, strategies, examples, also)
                    while SECONDS:
                        one_round(taken, strategies, EXAMPLES_A_ROUND, (),
                                  random.SystemRandom(), began + SECONDS)
                except TimeOverError:
                    pass   # that was all
                finally:
                    record_property('executions', taken.number)

        test.__name__, test.__doc__, test.__module__ = (
            check.__name__, check.__doc__, check.__module__)
        test.guided = lambda: with_hypothesis(
            Taken(check), strategies, 1).hypothesis.fuzz_one_input
        return test
    return decorate


class TimeOverError(BaseException):
    """The door has had its time; hypothesis lets this through at once."""


class Taken:
    """Calls a check with each example, counts them, and ends those that take too long."""

    def __init__(self, check):
        self.number = 0
        self.until = float('inf')
        self._check = check

    def __call__(self, **example):
        if time.monotonic() > self.until:
            raise TimeOverError
        self.number += 1
        if SECONDS:
            remember(self._check.__name__, example)
        try:
            with little_time():
                self._check(**example)
        except Exception:
            self.until = float('inf')   # it is made as small as it can be, however long that takes
            raise
        except TooSlowError as error:
            error.add_note(f'the example: {example!r}'[:LONGEST_TEXT])
            raise


def one_round(taken, strategies, examples, also, chance=None, until=float('inf')):
    """Take some examples: always the same, or with ``chance`` others in each round."""
    taken.until = until
    test = with_hypothesis(taken, strategies, examples, derandomize=chance is None)
    for example in also:
        test = hypothesis.example(**example)(test)
    (test if chance is None else hypothesis.seed(chance.getrandbits(64))(test))()


def with_hypothesis(taken, strategies, examples, **settings):
    """Return the test of hypothesis for a check."""
    def test(**example):
        taken(**example)

    # No limit of time by the clock: the machine may be busy.
    return hypothesis.settings(
        max_examples=examples, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(hypothesis.HealthCheck), **settings)(
            hypothesis.given(**strategies)(test))


def remember(name, example):
    """Write an example to a file, where it can be found after a crash of the process."""
    LAST.mkdir(parents=True, exist_ok=True)
    try:
        content = pickle.dumps(example)
    except Exception:   # it cannot be pickled, but a person can read it
        content = repr(example).encode(errors='replace')
    (LAST / f'{name}.last').write_bytes(content)


@contextmanager
def little_time():
    """Raise TooSlowError if what runs inside takes much processor time."""
    def stop(*_):
        raise TooSlowError(f'more than {MOST_CPU_SEC:g} s of processor time for one example')
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_CPU_SEC)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def little_memory():
    """Let this process take no more than ``MOST_BYTES`` of further memory: MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def taken_or_refused(call, *refusals, longest=LONGEST_TEXT):
    """
    Return what a function returns, or None if it raises one of the documented exceptions.

    :param longest: how many characters the text of one may have, which may quote what was typed.

    Any other exception is a fault, and so is a text that a log cannot show in one short line.
    """
    try:
        return call()
    except refusals as error:
        assert_one_line(str(error), longest)
        return None


def assert_one_line(text, longest=LONGEST_TEXT):
    """Check that a text can be logged as one line, and is no book."""
    assert text.strip(), 'an empty text says nothing'
    assert len(text) <= longest, f'{len(text)} characters: {text[:200]} ...'
    assert len(shown(text).splitlines()) == 1


def spoilt(good):
    """Return a strategy of bytes: one of some good ones, with some places changed."""
    @st.composite
    def make(draw):
        data = bytearray(draw(st.sampled_from(good)))
        for _ in range(draw(st.integers(0, 6))):
            at = draw(st.integers(0, len(data)))
            how = draw(st.sampled_from(('set', 'cut', 'insert', 'repeat', 'drop', 'end')))
            if how == 'set' and at < len(data):
                data[at] = draw(st.integers(0, 255))
            elif how == 'cut':
                del data[at:at + draw(st.integers(1, 64))]
            elif how == 'insert':
                data[at:at] = draw(st.binary(max_size=16))
            elif how == 'repeat':
                length = draw(st.integers(1, 32))
                data[at:at] = data[at:at + length] * draw(st.integers(1, 200))
            elif how == 'drop':
                del data[:at]
            else:
                del data[at:]
        return bytes(data)
    return make()


# Numbers as a broken program or a bored person writes them.
ANY_FLOAT = st.floats() | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, -1e308, 5e-324, 2.0**31, 2.0**63, 2.0**64])
ANY_INT = st.integers() | st.sampled_from(
    [0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, -2**63, 10**400])
NUMBER_WORDS = st.one_of(
    ANY_FLOAT.map(str), ANY_INT.map(str), st.sampled_from(
        ['', ' ', 'nan', 'inf', '-inf', '.inf', '.nan', '1e999', '0x10', '1_0', '٣', '²', '½',
         '1,5', '--1', '9' * 5000, '1' + '0' * 400, 'true', '~', '[]', '{}', '-0', '+1']))
# Texts with all that files and command lines can hold, also what is no UTF-8 (surrogates).
ANY_TEXT = st.text(max_size=40) | st.text(
    st.characters(min_codepoint=0xdc80, max_codepoint=0xdcff) | st.characters(), max_size=20)
