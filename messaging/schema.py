"""Every message type, frozen and validated on arrival.

Integer nanoseconds end in ``_ns``. A new field has a default; none is renamed or retyped, so that
old readers and old recordings stay readable. ``docs/protocol.md`` describes the wire for other
languages.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict
from pydantic.dataclasses import dataclass

WIRE = ConfigDict(extra="ignore", allow_inf_nan=False, defer_build=True)
"""Validators are built at first use: no process uses all types."""

Text = Annotated[str, Strict(), Field(max_length=4096)]
Name = Annotated[str, Strict(), Field(min_length=1, max_length=256)]
Flag = Annotated[bool, Strict()]
Ns = Annotated[int, Strict(), Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Pixels = Annotated[int, Strict(), Field(ge=0, le=16384)]
Real = Annotated[float, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes, in the order of every probability vector (FER2013's)."""

Emotion = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
Probabilities = tuple[Share, Share, Share, Share, Share, Share, Share]


def most_likely(probabilities: tuple[float, ...]) -> Emotion:
    """The label of the largest probability; the first one of equals."""
    return EMOTIONS[probabilities.index(max(probabilities))]


@dataclass(frozen=True, slots=True, config=WIRE)
class Stamp:
    """An instant: what the sender's clock said, and how that relates to the hub's clock.

    ``offset_ns`` is what the sender knew then, so a replay converts exactly as the live run did.
    ``bound_ns`` is the error bound of the offset; ``None`` while it is unknown.
    """

    captured_ns: Ns
    clock: Name
    offset_ns: Ns = 0
    bound_ns: Count | None = 0

    @property
    def pipeline_ns(self) -> int:
        """The instant on the hub's clock, which all joins use."""
        return self.captured_ns + self.offset_ns


@dataclass(frozen=True, slots=True, config=WIRE)
class VideoFrame:
    """A picture of a camera, stamped at the grab, or punctuation of its stream.

    Stamps of one source strictly increase. ``opened`` at t: pictures come from t on. ``gap`` at t:
    there is no picture in (previous stamp, t]. ``closed`` at t: none will come after t.
    The payload of a ``picture`` is ``height x width x 3`` bytes, BGR, or one JPEG file.
    """

    stamp: Stamp
    source: Name
    index: Count
    event: Literal["opened", "picture", "gap", "closed"] = "picture"
    width: Pixels = 0
    height: Pixels = 0
    interval_ns: Count = 0
    """Nominal distance of two pictures."""
    lossless: Flag = False
    """The source waits for its readers: nothing may be overtaken, and no patience applies."""
    text: Text = ""
    """Why there is a gap."""
    real_time: Flag = True
    """At its own pace: now minus ``pipeline_ns`` is its age."""
    worker: Text = ""
    """The inference node that answers it; empty: its sender knew of none."""


@dataclass(frozen=True, slots=True, config=WIRE)
class AudioChunk:
    """Sound of a microphone, or punctuation of its stream; ``stamp`` is the first sample's.

    The payload of ``sound`` is ``samples`` little-endian 16-bit integers, mono.
    """

    stamp: Stamp
    source: Name
    first_sample: Count
    event: Literal["opened", "sound", "gap", "closed"] = "sound"
    samples: Annotated[int, Strict(), Field(ge=0, le=1_000_000)] = 0
    sample_rate: Annotated[int, Strict(), Field(gt=0, le=768_000)] = 16_000
    level_dbfs: Real = -120.0
    """Root mean square of the chunk in dB below full scale."""
    speech: Share = 0.0
    """Probability of speech in the chunk."""
    lossless: Flag = False
    text: Text = ""


@dataclass(frozen=True, slots=True, config=WIRE)
class SpeechEvent:
    """What voice activity detection found in one microphone's sound.

    ``stamp`` is the onset for ``started``, the offset for ``ended``; ``analysed_until`` at t says
    that every utterance with an onset before t has been announced. ``gap`` at t: no sound in
    (previous, t], and ``closed``: none after t.
    """

    stamp: Stamp
    source: Name
    event: Literal["opened", "started", "ended", "analysed_until", "gap", "closed"]
    utterance: Text = ""
    """Made of source and onset: the same recording gives the same names."""
    onset: Stamp | None = None
    """Of ``ended`` alone."""
    ended_by: Literal["", "silence", "max_length", "no_sound"] = ""
    bias_ns: Count = 0
    """Bound of the boundaries' own error (95th percentile, measured; see docs/accuracy.md)."""
    cameras: tuple[Name, ...] = ()
    """The cameras that this microphone is assigned to; empty: any. Said by ``opened``."""
    lossless: Flag = False
    text: Text = ""


@dataclass(frozen=True, slots=True, config=WIRE)
class Face:
    """One face in one picture."""

    track: Count
    """Stays with a person from picture to picture, within one camera."""
    box: tuple[Real, Real, Real, Real]
    """Left, top, width, height in pixels of the picture; may reach beyond its edges."""
    score: Share
    """The detector's; that of the last detection while the face is followed."""
    probabilities: Probabilities
    """Softmax over ``EMOTIONS``."""

    @property
    def label(self) -> Emotion:
        return most_likely(self.probabilities)

    @property
    def area(self) -> float:
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True, config=WIRE)
class FaceEmotions:
    """The faces of one analysed picture; ``stamp`` is that picture's. Empty when none was seen.

    The punctuation of the video stream travels through inference in here, in order.
    """

    stamp: Stamp
    source: Name
    index: Count
    """The picture's."""
    event: Literal["opened", "analysed", "gap", "closed"] = "analysed"
    faces: Annotated[tuple[Face, ...], Field(max_length=256)] = ()
    width: Pixels = 0
    height: Pixels = 0
    interval_ns: Count = 0
    lossless: Flag = False
    inference_ns: Count = 0
    """From the picture's arrival at inference to its result."""
    detector: Text = ""
    classifier: Text = ""
    real_time: Flag = True
    """The picture's."""


Status = Literal["pending", "matched", "no_face", "gap_exceeded", "late"]
"""``no_face``: pictures within ``max_gap``, none with a face. ``gap_exceeded``: no picture there.
``late``: the utterance came when its faces were forgotten. ``pending``: nothing found yet."""


@dataclass(frozen=True, slots=True, config=WIRE)
class UtteranceEmotion:
    """The emotion of one utterance, taken from the face that is closest in time."""

    id: Name
    source: Name
    """The microphone."""
    onset: Stamp
    offset: Stamp | None
    """``None`` while the utterance goes on."""
    status: Status
    label: Emotion | None = None
    probabilities: Probabilities | None = None
    reference: Literal["offset", "middle", "onset"] = "offset"
    """The instant of the utterance that the face is nearest to."""
    method: Literal["nearest", "mean", "max", "vote"] = "nearest"
    """How the probabilities were made; an aggregate without a face in the span is ``nearest``."""
    camera: Text = ""
    picture: Stamp | None = None
    """The nearest picture with a face."""
    dt_ns: Ns | None = None
    """That picture's stamp minus the reference instant."""
    track: Count | None = None
    pictures: Count = 0
    """Pictures analysed within the utterance's span, of the cameras that compete."""
    faces: Count = 0
    """Those of them that show a face."""
    coverage: Share = 0.0
    """``faces / pictures``."""
    confidence: Share = 0.0
    """Mean over those faces of the largest probability."""
    alignment_bound_ns: Count | None = None
    """Error bound of ``dt_ns``: both clocks', half a picture interval, voice activity's own."""
    settled: Flag = False
    """No later arrival could have changed this result. A picture that nobody looked at could
    have, unless ``missing`` is 0."""
    final: Flag = False
    """The last word on this utterance; a provisional one comes at its onset."""
    detector: Text = ""
    classifier: Text = ""
    missing: Count = 0
    """Pictures that competing cameras took and nobody looked at, and that may lie within the span,
    or as near to the reference instant as the chosen one (``max_gap`` where there is none): as far
    as the steps between the pictures' numbers tell, at most so many."""


@dataclass(frozen=True, slots=True, config=WIRE)
class Marker:
    """An event that a person or a program noted, in the pipeline's time."""

    stamp: Stamp
    text: Text
    author: Text = ""


@dataclass(frozen=True, slots=True, config=WIRE)
class TopicCounts:
    """What a node sent on a topic, and what it read there of one sender; nothing is a residual."""

    topic: Name
    sender: Text = ""
    """Empty for what the node itself sent."""
    last_seq: Ns = -1
    messages: Count = 0
    """Sent, or received and handed on."""
    dropped: Count = 0
    """Overtaken by newer ones, on purpose."""
    lost: Count = 0
    """Numbers that never arrived."""
    unknown: Count = 0
    """How often the sender broke off without a last word: what it sent last is not known."""
    before: Count = 0
    """Numbers that the sender had used before this reader came."""
    bytes: Count = 0
    """Of the messages that the node itself sent, headers and payloads; 0 for those that it read."""
    healed: Count = 0
    """Of ``messages``: had been missing, and came when they were asked for."""


@dataclass(frozen=True, slots=True, config=WIRE)
class Heartbeat:
    """A node's sign of life, from its own loop: a node that hangs sends none."""

    stamp: Stamp
    node: Name
    state: Literal["starting", "waiting", "running", "closing"]
    pid: Count
    uptime_ns: Count = 0
    rss_bytes: Count = 0
    cpu_ns: Count = 0
    rejected: Count = 0
    """Messages that were no valid ones."""
    counts: Annotated[tuple[TopicCounts, ...], Field(max_length=1024)] = ()
    text: Text = ""
    """What it is waiting for, or doing."""
    awaited: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    """Topics of which it gives credit: their lossless sources wait for it."""
    progress: Share | None = None
    """Of a recording that it plays: how much is done."""
    host: Text = ""
    """The name of its machine."""
    kind: Text = ""
    """What it is, whatever its name: camera, inference, and so on."""
    cameras: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    """Those whose pictures it sends."""


@dataclass(frozen=True, slots=True, config=WIRE)
class LogRecord:
    stamp: Stamp
    node: Name
    level: Literal["debug", "info", "warning", "error"]
    text: Annotated[str, Strict(), Field(max_length=32768)]


@dataclass(frozen=True, slots=True, config=WIRE)
class Control:
    """A request. ``stop`` ends every node. ``credit`` tells a lossless sender that a reader has
    done with all its messages on ``topic`` up to sequence number ``seq``. ``resend`` asks a sender
    for those from ``seq`` to ``last``; ``gone`` says that it keeps them no more. ``record`` and
    ``rest`` start and stop the recorder; ``pause`` and ``resume`` hold a replay and let it go on.
    """

    stamp: Stamp
    action: Literal["stop", "credit", "resend", "gone", "record", "rest", "pause", "resume"]
    reader: Name
    topic: Text = ""
    sender: Text = ""
    incarnation: Count = 0
    seq: Ns = -1
    last: Ns = -1


FourStamps = tuple[Ns, Ns, Ns, Ns]


@dataclass(frozen=True, slots=True, config=WIRE)
class ClockBurst:
    """How the sender learned of the hub's clock, for those who want to judge it later.

    ``stamp`` is the return of the last answer, with the offset and the bound that followed from
    this burst and those before it; stamps of messages are slewed towards that.
    """

    stamp: Stamp
    hub: Name
    """The hub's clock."""
    epoch: Count = 0
    """How often the offset has jumped."""
    exchanges: Annotated[tuple[FourStamps, ...], Field(max_length=64)] = ()
    """Question sent (sender's clock), arrived and answered (hub's), answer returned (sender's)."""


Message = (
    VideoFrame
    | AudioChunk
    | SpeechEvent
    | FaceEmotions
    | UtteranceEmotion
    | Marker
    | Heartbeat
    | LogRecord
    | Control
    | ClockBurst
)
