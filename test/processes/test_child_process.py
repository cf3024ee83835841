# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Real processes of the fork server: what they say, print and leave behind."""

import gc
from multiprocessing import connection
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.processes.message_reader import MessageReader
from ncs_cluster_detector.wire.frame_slots import FrameSlots
from ncs_cluster_detector.worker import PROGRAMS
import psutil
import pytest

TO_STDOUT = b'\x1b[32mI: /opt/ncsdk/api/mvnc_api.c:120\tinitialised\x1b[0m\n'
TO_STDERR = b'\x1b[1;31mE: /opt/ncsdk/api/XLink.c:137\tassertion failed\x1b[0m\n'
# A program with a fork server of its own, which has this program's output.
PROGRAM = """
from multiprocessing import connection
from body import main
from ncs_cluster_detector.processes.child_process import ChildProcess

child = ChildProcess(main)
assert connection.wait([child.sentinel], 30.0)
print(child.how_it_ended().partition(' was ')[2])
child.close()
"""
BODY = """
import os
import resource

def main(_):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(1, b'printed on 1')
    os.write(2, b'printed on 2')
    print('printed by Python', flush=True)
    os.system('echo printed by a program of its own')
    os.abort()
"""


RECORDER = """
import os
import sys

def record():
    global at_fork
    at_fork = set(sys.modules)

def main(connection):
    connection.send(sorted(set(sys.modules) - at_fork))

os.register_at_fork(after_in_child=record)
"""


def aborts(theirs):
    """Print in colours to both, and abort as the vendor's library does."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(1, TO_STDOUT)
    os.write(2, TO_STDERR)
    os.abort()


def aborts_silently(theirs):
    """Abort."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def exits_with_3(theirs):
    """End in order, after a line."""
    os.write(1, b'no stick\n')
    os._exit(3)


def fails(theirs):
    """End by an exception of Python's."""
    raise RuntimeError('it was not to be')


def answers(theirs, word):
    """Send back what comes, and a word, until there is nobody."""
    try:
        while True:
            theirs.send((word, theirs.recv()))
    except EOFError:
        return


def closes_its_end(theirs):
    """Be there without a pipe."""
    theirs.close()
    threading.Event().wait()


def prints_much(theirs):
    """Print more than a pipe holds, then say so."""
    for _ in range(64):
        os.write(1, b'z' * 65536)
    os.write(1, b'\nthat was all\n')
    theirs.send('done')


@pytest.fixture
def start():
    """Return a function that starts a ChildProcess; all are ended and closed after the test."""
    started = []

    def start(main, *arguments):
        started.append(ChildProcess(main, *arguments))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.close()


def wait_for_end(child):
    assert connection.wait([child.sentinel], LIMIT_SEC)
    assert child.has_ended()


def descriptors():
    """Return the number of this process's descriptors, without what earlier tests left."""
    gc.collect()
    return len(os.listdir('/proc/self/fd'))


def take_messages(child, until):
    """Take messages as they come, until a condition on all of them holds."""
    taken, deadline = [], time.monotonic() + LIMIT_SEC
    while not until(taken):
        assert time.monotonic() < deadline
        connection.wait(child.waitables(), 1.0)
        taken += child.messages()
    return taken


def test_how_it_ended_quotes_the_last_line_without_colour_and_folder(start, capfd):
    child = start(aborts)
    assert child.pid != os.getpid()
    wait_for_end(child)
    assert child.how_it_ended() == (
        f'process {child.pid} was killed by SIGABRT '
        '(it printed: E: XLink.c:137 assertion failed)')
    assert capfd.readouterr() == ('', '')


def test_nothing_that_it_prints_reaches_the_output_of_its_parent(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(PROGRAM)
    (tmp_path / 'body.py').write_text(BODY)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True,
                          timeout=LIMIT_SEC,
                          env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
    assert done.stdout == 'killed by SIGABRT (it printed: printed by a program of its own)\n'
    assert done.stderr == ''


@pytest.mark.parametrize('main, expected', [
    (aborts_silently, 'was killed by SIGABRT'),
    (exits_with_3, 'ended with exit code 3 (it printed: no stick)'),
    (fails, 'ended with exit code 1 (it printed: RuntimeError: it was not to be)')])
def test_other_ends_in_words(start, main, expected):
    child = start(main)
    wait_for_end(child)
    assert child.how_it_ended() == f'process {child.pid} {expected}'
    assert not child.was_killed()


def test_one_that_was_killed_from_outside_says_so(start):
    child = start(answers, 'heard')
    child.send('one')
    take_messages(child, len)
    os.kill(child.pid, signal.SIGKILL)
    wait_for_end(child)
    assert child.was_killed()


def test_messages_go_both_ways(start):
    child = start(answers, 'heard')
    child.send('one')
    child.send('two')
    assert take_messages(child, lambda taken: len(taken) == 2) == [
        ('heard', 'one'), ('heard', 'two')]
    assert not child.has_ended()


def test_what_it_said_before_its_end_is_still_heard(start):
    child = start(answers, 'heard')
    child.send('one')
    assert connection.wait([child.connection], LIMIT_SEC)
    child.kill()
    wait_for_end(child)
    assert [*child.messages()] == [('heard', 'one')]


def test_one_that_has_closed_its_end_of_the_pipe_is_killed(start):
    child = start(closes_its_end)
    take_messages(child, lambda _: child.has_ended())
    assert child.how_it_ended() == f'process {child.pid} was killed by SIGKILL'
    assert [*child.messages()] == []
    # Nothing is ready for ever, so that nobody waits in a busy loop.
    assert child.waitables() == [child.sentinel]


def sends(theirs, data):
    """Send bytes that are no message, and stay."""
    os.write(theirs.fileno(), data)
    threading.Event().wait()


@pytest.mark.parametrize('data, reason', [
    (b'E: XLink.c:137 failed', 'announced a message of 1161437272 bytes, expected 1 to 1048576'),
    (struct.pack('!iQ', -1, 2**60), 'announced a message of -1 bytes, expected 1 to 1048576'),
    (struct.pack('!i', 0), 'announced a message of 0 bytes, expected 1 to 1048576'),
    (struct.pack('!i', 4) + b'text', 'sent 4 bytes that are no message (UnpicklingError)')])
def test_one_that_sends_what_is_no_message_is_killed(start, data, reason):
    child = start(sends, data)
    assert take_messages(child, lambda _: child.has_ended()) == []
    assert child.how_it_ended() == f'process {child.pid} {reason}, so it was killed'
    assert not child.was_killed()   # from outside
    assert child.waitables() == [child.sentinel]


def test_nobody_waits_for_the_rest_of_a_message(start):
    child = start(sends, struct.pack('!i', 100) + b'the beginning')
    connection.wait([child.connection], LIMIT_SEC)
    for _ in range(3):
        assert [*child.messages()] == []
    assert not child.has_ended()


def test_a_message_that_comes_in_parts_is_one_message():
    ours, theirs = socket.socketpair()
    reader, message = MessageReader(ours), pickle.dumps('whole')
    for byte in struct.pack('!i', len(message)) + message[:-1]:
        theirs.send(bytes([byte]))
        assert [*reader.messages()] == []
    theirs.send(message[-1:] + struct.pack('!i', len(message)) + message)
    assert [*reader.messages()] == ['whole', 'whole']
    theirs.close()
    with pytest.raises(EOFError):
        next(reader.messages())
    ours.close()


def test_a_message_behind_one_with_which_the_reading_ended_is_kept():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for word in ('first', 'second'):
            message = pickle.dumps(word)
            theirs.send(struct.pack('!i', len(message)) + message)
        reader = MessageReader(ours)
        assert next(reader.messages()) == 'first'
        assert [*reader.messages()] == ['second']


def test_one_that_prints_much_is_not_held_up(start):
    child = start(prints_much)
    assert take_messages(child, lambda taken: taken) == ['done']
    wait_for_end(child)
    assert child.how_it_ended().endswith('ended with exit code 0 (it printed: that was all)')


def test_a_message_to_one_that_is_gone_is_no_error(start):
    child = start(exits_with_3)
    wait_for_end(child)
    child.send('is anybody there')
    child.kill()   # nor is this
    assert child.how_it_ended().startswith(f'process {child.pid} ended with exit code 3')


def test_one_that_does_not_listen_is_killed(start):
    child = start(closes_its_end)
    child.kill()
    wait_for_end(child)
    assert signal.SIGKILL.name in child.how_it_ended()


def blocked(theirs):
    """Tell which signals are held back."""
    theirs.send(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_signals_to_the_whole_group_do_not_concern_it(start):
    child = start(blocked)
    assert take_messages(child, len) == [{signal.SIGINT, signal.SIGTERM, signal.SIGHUP}]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def inheritable(theirs, slots):
    """Tell which of its descriptors go to a program that it starts."""
    theirs.send({number for number in map(int, os.listdir('/proc/self/fd'))
                 if os.path.exists(f'/proc/self/fd/{number}') and os.get_inheritable(number)})


def test_a_program_that_it_starts_has_neither_its_pipe_nor_its_memory(start):
    slots = FrameSlots(2)
    assert take_messages(start(inheritable, slots), len) == [{0, 1, 2}]
    slots.close()


def test_a_fork_server_that_was_killed_is_started_again(start):
    first = start(answers, 'heard')
    parent = psutil.Process(first.pid).parent()
    parent.kill()
    wait_for_end(first)   # as far as can be told
    assert first.how_it_ended() == (
        f'process {first.pid} was lost: the fork server that started it has ended')
    assert first.was_killed()
    parent.wait(LIMIT_SEC)
    second = start(answers, 'heard')
    second.send('one')
    assert take_messages(second, len) == [('heard', 'one')]
    assert psutil.Process(second.pid).parent().pid != parent.pid


def test_a_fork_that_fails_is_an_error_and_the_others_go_on(start, monkeypatch, tmp_path):
    (tmp_path / 'one_fork.py').write_text("""
import errno, os
forks = [os.fork]

def fork():
    if not forks:
        raise BlockingIOError(errno.EAGAIN, 'what a full machine says')
    return forks.pop()()

os.fork = fork
""")
    monkeypatch.syspath_prepend(tmp_path)
    crowded = fork_server.ForkServer()
    crowded.preload = ('one_fork',)
    monkeypatch.setattr(fork_server, 'server', crowded)
    child = start(answers, 'heard')
    before = descriptors()
    with pytest.raises(BlockingIOError, match='forking a process failed'):
        ChildProcess(answers, 'heard')
    assert descriptors() == before
    child.send('one')
    assert take_messages(child, len) == [('heard', 'one')]
    crowded.close()


def loaded(connection, name):
    connection.send(name in sys.modules)


def test_a_server_that_began_early_loads_what_is_added_later(start, monkeypatch, tmp_path):
    for name in ('known_early', 'known_late'):
        (tmp_path / f'{name}.py').write_text('')
    monkeypatch.syspath_prepend(tmp_path)
    early = fork_server.ForkServer()
    monkeypatch.setattr(fork_server, 'server', early)
    early.preload = ('known_early',)
    early.begin()
    assert take_messages(start(loaded, 'known_early'), len) == [True]
    assert take_messages(start(loaded, 'known_late'), len) == [False]
    early.preload = ('known_early', 'known_late', 'not_installed')
    assert take_messages(start(loaded, 'known_late'), len) == [True]
    early.close()


def test_a_start_without_a_fork_server_is_an_error_that_says_so(monkeypatch, tmp_path):
    wrong = tmp_path / 'python'
    wrong.write_text('#!/bin/sh\nexit 3\n')
    wrong.chmod(0o755)
    alone = fork_server.ForkServer()
    monkeypatch.setattr(sys, 'executable', str(wrong))
    with pytest.raises(OSError):
        alone.start(answers, ())
    alone.close()


def test_the_fork_server_ends_with_its_parent_however_that_ends(tmp_path):
    (tmp_path / 'body.py').write_text('def main(theirs):\n    theirs.recv()\n')
    program = tmp_path / 'program.py'
    program.write_text("""
import os, signal
from body import main
from ncs_cluster_detector.processes.child_process import ChildProcess
children = [ChildProcess(main) for _ in range(2)]
print(os.getpid(), *(child.pid for child in children), flush=True)
signal.pause()
""")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env={
            **os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}) as process:
        pids = [int(word) for word in process.stdout.readline().split()]
        family = psutil.Process(pids[0]).children(recursive=True)
        assert {child.pid for child in family} > set(pids[1:])
        process.kill()
    assert psutil.wait_procs(family, LIMIT_SEC)[1] == []


def test_its_descriptors_are_given_back(start):
    wait_for_end(start(exits_with_3))   # starts the fork server as well
    before = descriptors()
    children = [ChildProcess(main) for main in (aborts, exits_with_3, closes_its_end)]
    assert descriptors() > before
    children[-1].kill()
    for child in children:
        wait_for_end(child)
        child.how_it_ended()
        child.close()
    assert descriptors() == before


def test_nor_does_a_start_that_fails_keep_any(start, monkeypatch):
    wait_for_end(start(exits_with_3))
    before = descriptors()
    # What is raised is kept, and so is all that it refers to: no garbage collection helps.
    with pytest.raises(Exception, match='lambda') as _unpicklable:   # noqa: F841
        ChildProcess(answers, lambda: None)
    assert descriptors() == before

    def no_process(*_):
        raise OSError('no process for you')

    monkeypatch.setattr(fork_server.server, 'start', no_process)
    with pytest.raises(OSError, match='no process for you') as _no_process:   # noqa: F841
        ChildProcess(answers, 'heard')
    assert descriptors() == before


def test_the_fork_server_has_loaded_all_that_starts_a_process(tmp_path, monkeypatch):
    """Else each process would load it, and have the memory for itself."""
    (tmp_path / 'recorder.py').write_text(RECORDER)
    monkeypatch.syspath_prepend(tmp_path)
    import recorder
    server = fork_server.ForkServer()
    server.preload = (*PROGRAMS, 'recorder')
    monkeypatch.setattr(fork_server, 'server', server)
    child = ChildProcess(recorder.main)
    try:
        wait_for_end(child)
        assert list(child.messages()) == [[]]
    finally:
        child.close()
        server.close()
