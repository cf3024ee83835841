# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A thread that takes messages for a fraction of the CPU time that an executor needs."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
import threading
import time
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.subscription import Subscription

# How often the events of publishers are looked at while messages come, and after how long without
# a message they may end the wait themselves.
EVENTS_PERIOD_SEC = 1.0
IDLE_SEC = 0.2
NEWEST_ONLY = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)


class MessageThread:
    """
    Waits for the messages of a few subscriptions, and calls their callbacks.

    An executor of rclpy looks twice for each message at everything that the node has (services,
    timers, events of all publishers); this thread looks at its subscriptions only, as
    ``rclpy.wait_for_message`` does. rclpy's EventsExecutor would be cheap too, but takes no guard
    conditions, and some builds of rclpy 7.1 never call a callback with it and need a whole core.

    ``failure`` is the exception that ended the thread, or None.
    """

    def __init__(self, node: Node, name: str, idle_sec: float = IDLE_SEC) -> None:
        """
        Prepare; nothing is taken before :meth:`start`, which ends the subscribing.

        :param idle_sec: events are waited for when no message has come for so long.
        """
        self._idle_ns = round(idle_sec * 1e9)
        self.failure: Exception | None = None
        self._context = node.context
        self._group = NotForExecutors()
        self._wake = node.create_guard_condition(lambda: None, self._group)
        self._node = node
        self._make: list[Callable[[], Subscription]] = []   # makes each subscription
        self._matched: list[Callable[[int], object]] = []   # called with the publishers' number
        self._subscriptions: list[Subscription] = []
        self._stopping = threading.Event()
        self._paused = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def subscribe(self, message_type: type, topic: str,
                  callback: Callable[[Any, dict[str, Any]], object], qos: QoSProfile,
                  matched: Callable[[int], object] | None = None) -> Subscription:
        """
        Subscribe to a topic, as ``Node.create_subscription`` does.

        :param callback: called with each message and its message info.
        :param matched: called with the number of publishers when one has come or gone, before its
            first message, and with 0 while the thread pauses.
        """
        if matched is not None:
            self._matched.append(matched)
        self._make.append(partial(
            self._node.create_subscription, message_type, topic, callback, qos,
            callback_group=self._group,
            event_callbacks=SubscriptionEventCallbacks(
                matched=matched and (lambda change: matched(change.current_count)))))
        self._subscriptions.append(self._make[-1]())
        return self._subscriptions[-1]

    def pause(self, paused: bool) -> None:
        """Unsubscribe for a time, so that messages cost nothing, not even their transport."""
        if paused != self._paused:
            self._paused = paused
            self._wake.trigger()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_sec: float) -> bool:
        """Stop the thread before the node is destroyed; return whether it has ended."""
        self._stopping.set()
        self._wake.trigger()
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self):
        try:
            while not self._stopping.is_set():
                if not self._paused:
                    self._subscriptions = self._subscriptions or [make() for make in self._make]
                with ExitStack() as in_use:   # nothing of it is destroyed meanwhile
                    for used in (self._context, self._wake, *self._subscriptions):
                        in_use.enter_context(used.handle)
                    self._take_messages()
                if self._paused:
                    for subscription in self._subscriptions:
                        self._node.destroy_subscription(subscription)
                    self._subscriptions = []
                    # Whoever goes meanwhile is not noticed.
                    for matched in self._matched:
                        matched(0)
        except Exception as error:
            self.failure = error   # the node raises it, and ends

    def _take_messages(self):
        """Work until the thread is to stop, to pause or to go on."""
        # A reader's events and data wake whoever waits for one of them, so they need one thread.
        # To wait for events takes ten times as long as to wait for messages, so while messages
        # come the events are looked at once a second, and when a publisher has come or gone.
        subscriptions = self._subscriptions
        events = [event for subscription in subscriptions for event in subscription.event_handlers]
        wait_set = rclpy_implementation.WaitSet(
            len(subscriptions), 1, 0, 0, 0, len(events), self._context.handle)
        publishers: dict[Subscription, int] = {}
        look_at = 0.0   # when to look at the events next

        def wait(events, timeout_ns):
            """Wait for messages and events; return the subscriptions with a message."""
            wait_set.clear_entities()   # a wait leaves only what is ready
            wait_set.add_guard_condition(self._wake.handle)
            for subscription in subscriptions:
                wait_set.add_subscription(subscription.handle)
            for event in events:
                event.add_to_wait_set(wait_set)
            wait_set.wait(timeout_ns)
            for event in events:
                if event.is_ready(wait_set) and (change := event.take_data()):
                    event.callback(change)
            return [subscription for index, subscription in enumerate(subscriptions)
                    if wait_set.is_ready('subscription', index)]

        while not self._stopping.is_set() and self._paused != bool(subscriptions):
            if time.monotonic() < look_at:
                ready = wait((), self._idle_ns)
                if not ready:
                    look_at = 0.0
            else:
                ready = wait(events, -1)
                look_at = time.monotonic() + EVENTS_PERIOD_SEC
            for subscription in ready:
                count = subscription.handle.get_publisher_count()
                if publishers.get(subscription) != count:
                    publishers[subscription] = count
                    wait(events, 0)   # a publisher is announced before its first message
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                if taken is not None:
                    subscription.callback(*taken)


class NotForExecutors(ReentrantCallbackGroup):
    """What is in this group is left to its own thread."""

    def can_execute(self, entity: object) -> bool:
        """Return False to every executor."""
        return False
