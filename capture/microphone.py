"""A microphone's sound and its utterances, stamped by counted samples."""

from collections.abc import Callable, Iterator
from typing import Protocol

from capture.hearing import Hearing, Said
from capture.microphone_device import Block, Microphone
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.joining import node_of
from messaging.topics import AUDIO

WAIT_S = 0.1
GAP_EVERY_NS = 1_000_000_000


class SoundDevice(Protocol):
    """What ``listen`` needs of a microphone."""

    name: str
    rate: float
    channels: int
    opened_ns: int
    """An instant before the first sample."""

    def read(self, timeout_s: float) -> Block | None: ...
    def reopen(self) -> bool: ...
    def works(self) -> None: ...


def listen(
    device: SoundDevice,
    hearing: Hearing,
    no_sound_s: float,
    alive: Callable[[], bool],
    now_ns: Callable[[], int] = monotonic_ns,
) -> Iterator[Said]:
    """The microphone's streams, from ``opened`` until ``alive`` says no, then ``closed``.

    While no sound comes the device is opened again and again, and a ``gap`` comes about once a
    second.
    """
    yield from hearing.opened(device.opened_ns)
    hearing.starts(device.rate, device.channels)
    heard_ns = now_ns()
    lost = False
    while alive():
        block = device.read(WAIT_S)
        if block is not None:
            if lost:
                hearing.starts(device.rate, device.channels)
                device.works()
            heard_ns, lost = now_ns(), False
            yield from hearing.hear(block)
            continue
        if now_ns() - heard_ns < (GAP_EVERY_NS if lost else no_sound_s * 1e9):
            continue
        yield from hearing.stops(now_ns(), f"microphone {device.name} gives no sound")
        heard_ns, lost = now_ns(), True
        device.reopen()
    yield from hearing.closed(now_ns())


def run(settings: Settings) -> None:
    source = settings.microphone.name
    with (
        node_of(settings, "microphone", name=source) as node,
        Microphone(settings.microphone.device) as microphone,
    ):
        hearing = Hearing(source, settings.voice_activity, node.stamp, settings.microphone.cameras)
        node.log.info(
            "microphone %s, %.0f Hz, %d channels",
            microphone.name,
            microphone.rate,
            microphone.channels,
        )

        def alive() -> bool:
            node.receive(0)
            return node.alive()

        if settings.microphone.wait_for and not node.wait_for(settings.microphone.wait_for):
            return
        no_sound_s = settings.voice_activity.no_sound_s
        for said in listen(microphone, hearing, no_sound_s, alive):
            if said.message.event != "sound" or node.is_wanted(AUDIO):
                node.publish(said.topic, said.message, said.payload)
            if said.message.event == "gap" and node.text != said.message.text:
                node.text = said.message.text
                node.log.warning("%s; losses so far: %d", node.text, hearing.losses)
            elif said.message.event == "sound" and node.text:
                node.text = ""
                node.log.info("microphone %s is heard", microphone.name)
