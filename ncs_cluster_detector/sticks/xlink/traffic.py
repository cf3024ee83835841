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

A message is written by the thread that posts it, or by the one that writes at that moment. So the
one that reads, and posts answers, never waits for a large transfer to the stick. With a thread
``in the background`` somebody always reads.
"""

from collections.abc import Callable
import threading
from time import monotonic

from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.xlink.protocol.requests import Request
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.protocol.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream
from ncs_cluster_detector.sticks.xlink.transfers import READ_SEC
from ncs_cluster_detector.sticks.xlink.transfers import Transfers
from ncs_cluster_detector.sticks.xlink.transfers import WRITE_SEC
from ncs_cluster_detector.sticks.xlink.waiting import LATE_SEC
from ncs_cluster_detector.sticks.xlink.waiting import TALKATIVE_SEC
from ncs_cluster_detector.sticks.xlink.waiting import Target
from ncs_cluster_detector.sticks.xlink.waiting import Waiting

_FOR_EVER = float('inf')
_CHECK_SEC = 0.1   # how late it may be seen that an answer is late, while the stick sends others
_POWER = 'if it happens again, plug the stick into a hub with its own power supply'


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
        self._waiting = Waiting(self.lock, self._read)
        self._callbacks: dict[Target, Callable[[], object]] = {}
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
            try:
                request = make(*arguments)
            except ProtocolError as error:
                raise self.lose(str(error)) from error
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
                try:
                    request = make()
                except ProtocolError as error:
                    raise self.lose(str(error)) from error
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
            self._waiting.notify(target)

    def wait(self, target: Target, condition: Callable[[], object], within_sec: float) -> bool:
        """
        Wait for a condition, with the lock held; return whether it holds.

        :param target: what it depends on.
        :raises StickLostError: the link is down, and the condition does not hold.
        """
        self._waiting.wait(
            target, lambda: condition() or self.failure is not None, within_sec, self._on_begin)
        if condition():
            return True
        self._check_up()
        return False

    def lose(self, what: str) -> StickLostError:
        """Take the link down because of what the stick does, with the lock held; return why."""
        if self.failure is None:
            self.failure = StickLostError(f'talking to stick {self._stick}: {what}; {_POWER}')
        self._waiting.notify_all()
        return self.failure

    def await_end(self, within_sec: float) -> bool:
        """Wait until the stick has left the bus or has failed; return whether it has."""
        with self.lock:
            return self.wait(None, lambda: self.failure, within_sec)

    def close(self) -> bool:
        """Release the stick on USB; return False if a call of the system does not return."""
        with self.lock:
            self.lose('the link was closed')
            is_free = self._waiting.await_unread(READ_SEC + WRITE_SEC)
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

    def _on_begin(self) -> None:
        """Take note that somebody reads again: in the meantime no answer could come."""
        now = monotonic()
        self._session.extend_deadlines(now - self._waiting.unread_since, now)

    def _read(self, target: Target, until: float) -> None:
        """
        Take what the stick sends until a target may have changed, nothing has come, or it is late.

        With the lock held, which is released meanwhile. This runs twenty times an inference, each
        time after a sleep; so it calls few functions.
        """
        session, callbacks, waiting = self._session, self._callbacks, self._waiting
        what, now = None, monotonic()
        self.lock.release()
        try:
            while self.failure is None:
                within_sec = until - now if until - now < READ_SEC else READ_SEC
                began, data = now, self._transfers.read(session.wanted(), within_sec)
                to_call = []
                with self.lock:
                    now = monotonic()
                    changed = session.receive(data, now) if data else []
                    for one in changed:
                        if one in callbacks:
                            to_call.append(
                                callbacks.pop(one) if type(one) is Request else callbacks[one])
                        elif waiting:
                            waiting.notify(one)
                    if changed and waiting:
                        waiting.notify(None)
                    late_sec = now - began - within_sec
                    if late_sec > LATE_SEC:
                        waiting.on_delay(late_sec)
                        session.extend_deadlines(late_sec, now)
                        session.check(now - TALKATIVE_SEC)
                    elif not data:
                        waiting.on_silence(now)
                        session.check(now)
                    elif now >= self._check_at:
                        session.check(now - TALKATIVE_SEC)
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
