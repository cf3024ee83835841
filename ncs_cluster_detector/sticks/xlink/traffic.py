# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The threads around a :class:`Session`: each may write and wait, and one at a time reads.

Of those that wait, the first one reads, and takes what comes for the others, too: the result of an
inference needs no detour over another thread. When it has what it waits for, another one goes on.
With a thread ``in the background`` somebody always reads.

A message is written by the thread that posts it, or by the one that writes at that moment. So the
one that reads, and posts answers, never waits for a large transfer to the stick.
"""

from collections.abc import Callable
import threading
from time import monotonic
from typing import TypeAlias

from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.xlink.session import Session
from ncs_cluster_detector.sticks.xlink.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.streams import Request
from ncs_cluster_detector.sticks.xlink.streams import Stream
from ncs_cluster_detector.sticks.xlink.transfers import READ_SEC
from ncs_cluster_detector.sticks.xlink.transfers import Transfers
from ncs_cluster_detector.sticks.xlink.transfers import WRITE_SEC

_FOR_EVER = float('inf')
_CHECK_SEC = 0.1   # how late it may be seen that an answer is late, while the stick sends others
_POWER = 'if it happens again, plug the stick into a hub with its own power supply'
# What a thread waits for a change of, or what a callback belongs to; None is any stream.
Target: TypeAlias = Request | Stream | None


class Traffic:
    """
    Carries out a session on a claimed stick; after a failure all calls fail.

    ``failure`` says why, or is None. ``lock`` guards the session; methods say if they need it.
    """

    def __init__(self, claim: UsbClaim, session: Session, stick: str,
                 in_background: bool) -> None:
        """
        Take over a claim.

        :param stick: its name, for texts.
        :param in_background: read also while no thread waits for something.
        """
        self.failure: StickLostError | None = None
        self.has_left = False   # the USB bus
        self.lock = threading.Lock()
        self._session = session
        self._transfers = Transfers(claim)
        self._stick = stick
        self._writing = threading.Lock()   # for the order of transfers; taken before the other
        # With how many threads wait for each.
        self._waits: dict[Target, tuple[threading.Condition, int]] = {}
        self._callbacks: dict[Target, Callable[[], object]] = {}
        self._is_read = False   # a thread reads
        self._read_ended = threading.Condition(self.lock)
        self._unread_since = monotonic()
        self._check_at = 0.0   # when deadlines are looked at
        if in_background:
            threading.Thread(
                target=self.await_end, args=(_FOR_EVER,), name=f'xlink {stick}', daemon=True
            ).start()

    def post(self, make: Callable[..., Request], *arguments: object) -> Request:
        """
        Make a request, and write it unless somebody else writes at the moment and will do so.

        :param make: called with the lock held.
        :raises StickLostError: the link is down.
        """
        with self.lock:
            if self.failure is not None:
                self._check_up()
            request = make(*arguments)
        self._flush()
        return request

    def write(self, make: Callable[[], Request],
              on_answer: Callable[[], object] | None = None) -> Request:
        """
        Make a request and write it; its data need not stay afterwards.

        :param on_answer: called in the reader's thread when the answer is there.
        :raises StickLostError: the link is down.
        """
        with self._writing:
            with self.lock:
                if self.failure is not None:
                    self._check_up()
                request = make()
                if on_answer is not None:
                    self._callbacks[request] = on_answer
            self._flush(has_turn=True)
        if self._session.outgoing:   # what others have posted at the last moment
            self._flush()
        return request

    def on_change(self, stream: Stream, callback: Callable[[], object]) -> None:
        """Have a function called in the reader's thread, not :meth:`wake`, for a stream."""
        with self.lock:
            self._callbacks[stream] = callback

    def wake(self, target: Target) -> None:
        """Wake those who wait for something."""
        with self.lock:
            self._notify(target)

    def wait(self, target: Target, condition: Callable[[], object], within_sec: float) -> bool:
        """
        Wait for a condition, with the lock held; return whether it holds.

        :param target: what it depends on.
        :raises StickLostError: the link is down, and the condition does not hold.
        """
        until = monotonic() + within_sec
        reads = False
        try:
            while not condition():
                if self.failure is not None:
                    self._check_up()
                left_sec = until - monotonic()
                if left_sec <= 0:
                    return False
                if reads or not self._is_read:
                    if not reads:
                        reads = True
                        self._begin_to_read()
                    self._read(target, until)
                else:
                    self._wait_for_news(target, left_sec)
        finally:
            if reads:
                self._stop_reading()
            if not self._is_read:   # another one goes on
                for changed, _ in self._waits.values():
                    changed.notify()
                    break
        return True

    def lose(self, what: str) -> StickLostError:
        """Take the link down because of what the stick does, with the lock held; return why."""
        if self.failure is None:
            self.failure = StickLostError(f'talking to stick {self._stick}: {what}; {_POWER}')
        for changed, _ in self._waits.values():
            changed.notify_all()
        return self.failure

    def await_end(self, within_sec: float) -> bool:
        """Wait until the stick has left the bus or has failed; return whether it has."""
        with self.lock:
            return self.wait(None, lambda: self.failure, within_sec)

    def close(self) -> bool:
        """Release the stick on USB; return False if a call of the system does not return."""
        with self.lock:
            self.lose('the link was closed')
            is_free = self._read_ended.wait_for(lambda: not self._is_read, READ_SEC + WRITE_SEC)
        if is_free and self._writing.acquire(timeout=WRITE_SEC):
            self._transfers.close()
            self._writing.release()
            return True
        return False   # freeing what a call uses would crash; the end of the process releases it

    def _check_up(self) -> None:
        if self.failure is not None:
            raise type(self.failure)(str(self.failure)) from self.failure

    # ---- to the stick

    def _flush(self, has_turn: bool = False) -> None:
        """
        Write the messages that are there, unless somebody does so already.

        :param has_turn: the caller has the lock for writing, and keeps it.
        """
        outgoing, write, turn = self._session.outgoing, self._transfers.write, self._writing
        while outgoing and self.failure is None and (has_turn or turn.acquire(False)):
            try:
                while outgoing and self.failure is None:
                    request, message = outgoing.popleft()
                    write(message)
                    if request is not None:
                        request.on_written(monotonic())
            except UsbError as error:
                with self.lock:
                    self.lose(f'writing over USB: {error}, expected success')
            finally:
                if not has_turn:
                    turn.release()

    # ---- from the stick

    def _begin_to_read(self) -> None:
        self._is_read = True
        # While nobody read, an answer could not come.
        self._session.extend_deadlines(monotonic() - self._unread_since)

    def _stop_reading(self) -> None:
        self._is_read = False
        self._unread_since = monotonic()
        self._read_ended.notify_all()

    def _wait_for_news(self, target: Target, within_sec: float) -> None:
        changed, waiting = self._waits.get(target) or (threading.Condition(self.lock), 0)
        self._waits[target] = changed, waiting + 1
        changed.wait(min(within_sec, threading.TIMEOUT_MAX))
        changed, waiting = self._waits.pop(target)
        if waiting > 1:
            self._waits[target] = changed, waiting - 1

    def _read(self, target: Target, until: float) -> None:
        """
        Take what the stick sends until a target may have changed, nothing has come, or it is late.

        With the lock held, which is released meanwhile. This runs twenty times an inference, each
        time after a sleep; so it calls few functions.
        """
        session, callbacks, what, now = self._session, self._callbacks, None, monotonic()
        self.lock.release()
        try:
            while self.failure is None:
                data = self._transfers.read(session.wanted(), until - now)
                to_call = []
                with self.lock:
                    now = monotonic()
                    changed = session.receive(data, now) if data else []
                    for one in changed:
                        if one in callbacks:
                            to_call.append(
                                callbacks.pop(one) if type(one) is Request else callbacks[one])
                        elif self._waits:
                            self._notify(one)
                    if changed and self._waits:
                        self._notify(None)
                    if now >= self._check_at:
                        session.check(now)
                        self._check_at = now + _CHECK_SEC
                if session.outgoing:
                    self._flush()
                for callback in to_call:
                    callback()
                if not data or target in changed or target is None or now >= until:
                    break
        except UsbGoneError as error:
            self.has_left = True
            what = f'it has left the USB bus ({error})'
        except UsbError as error:
            what = f'reading over USB: {error}, expected success'
        except ProtocolError as error:
            what = f'{error}'
        except StickLostError:
            pass   # a callback has found the link down
        finally:
            self.lock.acquire()
        if what is not None:
            self.lose(what)

    def _notify(self, target: Target) -> None:
        if target in self._waits:
            self._waits[target][0].notify_all()
