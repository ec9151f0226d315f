"""Every setting with its default, unit and range. Seconds end in ``_s``."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]


def _split_commas(value: object) -> object:
    """A list may be one text, as in an environment variable."""
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _check_address(address: str) -> str:
    """Its form; whether a hub can be there is for the hub to say."""
    if address and not re.fullmatch(r"ipc://.+|tcp://.+:[0-9]+", address, re.DOTALL):
        raise ValueError("expected ipc:///PATH or tcp://HOST:PORT")
    return address


def _check_target(target: str) -> str:
    """Its form; whether the host has an address is for the network to say."""
    if target:
        host, _, port = target.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError("expected HOST:PORT, with a port from 1 to 65535")
    return target


def _refuse_nameless(file: object) -> object:
    """The empty path would be the working folder."""
    if file == "" or file == Path():
        raise ValueError("this names no file; give it one, or leave it out")
    return file


def _none_if_empty(folder: object) -> object:
    """The empty path would be the working folder."""
    return None if folder == "" else folder


def _absolute(file: Path | None) -> Path | None:
    """The same in every process, whatever its working folder is."""
    return file and file.absolute()


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


Folder = Annotated[Path | None, BeforeValidator(_none_if_empty)]
Origins = tuple[tuple[str, Mapping[str, Any]], ...]
"""Where settings are from: each origin's name, and its values by section; the first goes before the
others.
"""
Names = Annotated[tuple[Name, ...], BeforeValidator(_split_commas)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_split_commas), Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class BusSettings(Section):
    address: Annotated[str, AfterValidator(_check_address)] = ""
    """Where the hub is: ``ipc:///path`` or ``tcp://host:port``. Empty: the launcher chooses a
    private one. The hub takes five neighbouring places of it (ports, or files with a suffix)."""
    keys: Annotated[Path | None, BeforeValidator(_refuse_nameless)] = None
    """Folder with this machine's keys (``emofuse keys new``), used by every connection over TCP."""
    connect_timeout_s: Positive = 10.0
    """Single nodes wait so long for the hub; those of a pipeline until it has started."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 90
    """Of pictures that cross machines or are recorded."""
    jpeg_width: Annotated[int, Field(ge=16, le=16384)] | None = None
    """Pixels: wider ones are made so small. Without a value they keep their size."""
    jpeg_fps: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Of one camera at most so many a second, without a value all. Who is waited for gets all."""


class CameraSettings(Section):
    device: str = "auto"
    """``auto``, ``none``, a number, a path such as ``/dev/video0``, or an RTSP or HTTP URL."""
    name: Name = "camera"
    width: Annotated[int, Field(ge=16, le=16384)] = 640
    height: Annotated[int, Field(ge=16, le=16384)] = 480
    fps: Annotated[float, Field(gt=0, le=1000)] = 30.0
    wait_for: Names = ()
    """Nodes that must run before the first picture is taken."""


class MicrophoneSettings(Section):
    device: str = "auto"
    """``auto``, ``none``, a number, or a part of the device's name."""
    name: Name = "microphone"
    cameras: Names = ()
    """Only faces of these cameras label this microphone's utterances; empty: any camera's."""
    wait_for: Names = ()
    """Nodes that must run before the first sound is taken."""


class VoiceActivitySettings(Section):
    onset_probability: Probability = 0.5
    offset_probability: Probability = 0.25
    min_speech_s: NotNegative = 0.1
    """Shorter bursts are no utterance."""
    min_silence_s: NotNegative = 0.5
    """Shorter pauses do not end an utterance."""
    padding_s: NotNegative = 0.0
    """Added to both ends of an utterance."""
    max_utterance_s: Positive = 30.0
    no_sound_s: Positive = 0.5
    """An open utterance is closed when no sound came for so long."""

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.offset_probability > self.onset_probability:
            raise ValueError(
                f"offset_probability ({self.offset_probability:g}) must not be above "
                f"onset_probability ({self.onset_probability:g})"
            )
        return self


class MediaSettings(Section):
    file: Annotated[Path | None, BeforeValidator(_refuse_nameless)] = None
    speed: Annotated[float, Field(gt=0, le=100)] | Literal["max"] = 1.0
    """1 plays in real time; ``max`` as fast as it goes without loss."""
    name: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] = ""
    """Of both sources; empty: the file's name."""
    cameras: Names = ()
    """Only faces of these cameras label its utterances; empty: its own pictures' do."""
    wait_for: Names = ("inference", "fusion")
    """Nodes that must run before the first picture is sent."""
    credit: Annotated[int, Field(ge=1, le=8)] = 4
    """At speed ``max``: pictures sent ahead of the slowest reader."""


class ClassifierSettings(Section):
    """A network of the user's, instead of mini_XCEPTION. What it is asked is what ``file`` holds: a
    square crop of a face in, a number for each label out.
    """

    file: Annotated[Path | None, BeforeValidator(_refuse_nameless), AfterValidator(_absolute)] = (
        None
    )
    """Keras (``.keras``, ``.h5``), TensorFlow Lite (``.tflite``) or ONNX (``.onnx``). Empty:
    mini_XCEPTION, and nothing else may stand in this section."""
    labels: Names = ()
    """Of the outputs, in their order: the seven emotions, or their nouns (``anger``). One that is
    none of them is left out with a ``-`` before it (``-contempt``), and the others are scaled up to
    1. An emotion that the network does not know has probability 0."""
    size: Annotated[int, Field(ge=0, le=1024)] = 0
    """Side of the square in pixels."""
    colour: Literal["grey", "rgb", "bgr"] = "grey"
    range: Annotated[tuple[float, ...], BeforeValidator(_split_commas)] = ()
    """What a black and a white pixel become, as in ``-1, 1``; before ``mean`` and ``std``."""
    mean: Numbers = (0.0,)
    """Is subtracted then; one number, or one for each channel."""
    std: Numbers = (1.0,)
    """Divides then; one number, or one for each channel."""
    logits: bool = False
    """Whether softmax is left to us."""
    licence: Annotated[str, Field(max_length=256)] = ""
    """Under which it may be used; stands in each session."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        defaults = {key: field.default for key, field in type(self).model_fields.items()}
        given = [key for key, default in defaults.items() if getattr(self, key) != default]
        if self.file is None:
            if given:
                raise ValueError(f"{', '.join(given)} without file, which names the network")
            return self
        if lacks := [key for key in ("labels", "size", "range") if key not in given]:
            raise ValueError(f"file without {', '.join(lacks)}, which say what the network is")
        if self.size < 8:
            raise ValueError(f"size ({self.size}) must be 8 pixels or more")
        if len(self.range) != 2 or self.range[0] == self.range[1]:
            raise ValueError(f"range ({_listed(self.range)}) must be two different numbers")
        channels = 1 if self.colour == "grey" else 3
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in {1, channels}:
                raise ValueError(
                    f"{name} ({_listed(values)}) must be one number, or one for each of the "
                    f"{channels} channels"
                )
        if 0 in self.std:
            raise ValueError(f"std ({_listed(self.std)}) must not be 0")
        return self


class InferenceSettings(Section):
    detector: Literal["blazeface", "blazeface-full", "haar"] = "blazeface"
    """``blazeface-full`` finds faces of half the size in three times the time."""
    engine: Literal["auto", "litert", "litert-int8", "tensorflow", "onnx"] = "auto"
    """``auto``: TensorFlow where it sees a GPU, LiteRT elsewhere; for a network of the user's, what
    runs its kind of file."""
    classifier: ClassifierSettings = ClassifierSettings()
    xla: bool = False
    """TensorFlow compiles with XLA: on a CPU five times as slow, on a GPU untried."""
    mixed_precision: bool = False
    """TensorFlow computes in 16 bits: for GPUs, untried there."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    min_score: Probability = 0.6
    """Of BlazeFace. Noise reaches 0.5 to 0.6, a face of enough pixels 0.75 and more."""
    max_faces: Annotated[int, Field(ge=1, le=64)] = 8
    """Of more faces in a picture the largest are analysed."""
    detect_every_s: Annotated[float, Field(ge=0, le=1)] = 0.075
    """Of the pictures' time: every second picture of 25 per second, every third of 30. In between
    faces are followed, or detected at once where they cannot be. Pictures farther apart are all
    searched; 0 searches every one."""
    still_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """How long a picture in which nothing has changed needs no new detection, also if nobody is
    there; 0 looks for faces again as if everything had changed. Expressions are read in each."""
    max_batch: Annotated[int, Field(ge=1, le=256)] = 32
    """Faces that TensorFlow is given at once, of all cameras; more are given in turn."""
    pictures: Literal["raw", "jpeg"] = "raw"
    """What is asked of the cameras: ``jpeg`` where the network between is the bottleneck."""


class FusionSettings(Section):
    reference: Literal["offset", "middle", "onset"] = "offset"
    """The instant of an utterance that the face is nearest to."""
    method: Literal["nearest", "mean", "max", "vote"] = "nearest"
    max_gap_s: Annotated[float, Field(gt=0, le=60)] = 0.5
    """A face farther away than this labels nothing."""
    patience_s: Positive = 2.0
    """A live result waits so long for proof, then goes out as not settled."""
    history_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How far a microphone may lag behind the pictures. Faces are kept no longer than this plus
    the longest utterance (``voice_activity.max_utterance_s``, ``max_gap_s``) and ``patience_s``."""
    exit_when_closed: bool = False
    """End when every source has closed, as files do."""
    sources: Names = ()
    """Cameras and microphones that must have come before that end."""


class DisplaySettings(Section):
    kind: Literal["auto", "window", "terminal", "none"] = "auto"
    """``auto``: a window where there is a screen, else the terminal, where there is one and it runs
    in its foreground; else none."""
    pictures: Literal["raw", "jpeg"] = "raw"
    """``jpeg``: a tenth of the bytes, for a display on another machine."""
    cameras: Names = ()
    """Those that are shown; empty: all."""
    smoothing_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Time constant by which a face's probabilities are smoothed where they are shown. What is
    published, recorded and joined with the voice is never smoothed."""


class RecordingSettings(Section):
    folder: Folder = None
    """Where the session is recorded; empty: nothing is."""
    mode: Literal["all", "no-video", "labels"] = "all"
    """``no-video`` leaves the pictures out, ``labels`` pictures and sound."""
    queue_mb: Annotated[int, Field(ge=1, le=4096)] = 64
    """What waits for the disk at most. More is not written, and counted."""
    sync: bool = False
    """Twice a second wait until the disk has it: then it outlives also a crash of the machine."""


class ReplaySettings(Section):
    session: Folder = None
    speed: Annotated[float, Field(gt=0, le=100)] | Literal["max"] = 1.0
    """1 plays as it was recorded; ``max`` as fast as it goes without loss."""
    start_from: Literal["capture", "faces"] = "capture"
    """``capture`` plays pictures and speech, so inference works anew; ``faces`` what it found."""
    start_s: NotNegative = 0.0
    end_s: Positive | None = None
    """Of the session's time."""
    loop: bool = False
    paused: bool = False
    """Begin paused."""
    wait_for: Names = ("inference", "fusion")
    """Nodes that must run before the first message is sent."""


class LslSettings(Section):
    enabled: bool = False
    """Whether a pipeline sends its results out as streams of the Lab Streaming Layer."""
    name: Name = "emofuse"
    """The streams' names begin with it. Two pipelines on one machine need two."""
    markers: Annotated[str, Field(max_length=64, pattern=r"^[\w .-]*$")] = "Markers"
    """The type of those streams of others whose samples become markers here; empty: none do."""


class OscSettings(Section):
    target: Annotated[str, AfterValidator(_check_target)] = ""
    """``HOST:PORT`` to which a pipeline sends its results as Open Sound Control; empty: to none."""


class MetricsSettings(Section):
    enabled: bool = False
    """Serve Prometheus metrics from the pipeline that is started."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9464
    """0: any free one; the log says which."""
    bind: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    """An address of this machine. Whoever reaches it can read the metrics, without a password."""


NODES = frozenset(
    (
        "hub",
        "launcher",
        "media",
        "player",
        "inference",
        "fusion",
        "recorder",
        "display",
        "lsl",
        "osc",
        "metrics",
    )
)
"""Names that are taken: cameras and microphones are senders beside these."""


SECTION_OF: Mapping[str, str] = MappingProxyType(
    {
        "hub": "bus",
        "camera": "camera",
        "microphone": "microphone",
        "media": "media",
        "player": "replay",
        "inference": "inference",
        "fusion": "fusion",
        "display": "display",
        "window": "display",
        "terminal": "display",
        "recorder": "recording",
        "lsl": "lsl",
        "osc": "osc",
        "metrics": "metrics",
    }
)
"""The kinds of nodes, and the section of settings that each looks at. ``display`` is the window or
the terminal, as it suits."""


def _check_kind(kind: str) -> str:
    if kind not in SECTION_OF:
        raise ValueError(
            f"there is no such kind of node; known are {', '.join(sorted(SECTION_OF))}"
        )
    return kind


class NodeTable(Section):
    """``[nodes.NAME]``: one node. Any other key is one of its kind's section."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, AfterValidator(_check_kind)]
    host: Annotated[str, Field(max_length=64)] = ""
    """The machine that it runs on, by any name: ``emofuse run --host NAME`` starts all of one."""
    name: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] = ""
    """Empty: the table's."""


class Settings(Section):
    """Everything. A node looks at its own section and at ``bus``."""

    name: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] = ""
    """Of this node on the bus; empty: that of its kind, or a camera's or microphone's own."""
    bus: BusSettings = BusSettings()
    camera: CameraSettings = CameraSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    voice_activity: VoiceActivitySettings = VoiceActivitySettings()
    media: MediaSettings = MediaSettings()
    inference: InferenceSettings = InferenceSettings()
    fusion: FusionSettings = FusionSettings()
    recording: RecordingSettings = RecordingSettings()
    replay: ReplaySettings = ReplaySettings()
    display: DisplaySettings = DisplaySettings()
    lsl: LslSettings = LslSettings()
    osc: OscSettings = OscSettings()
    metrics: MetricsSettings = MetricsSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    nodes: dict[Name, NodeTable] = {}
    """Where there are some, they and no others run."""
    _origins: Origins = PrivateAttr(default_factory=tuple)

    def model_post_init(self, context: Any) -> None:
        """``context``: the ``Origins``, where they are known."""
        self._origins = context or ()

    def origin(self, section: str, key: str) -> tuple[int, str]:
        """Where a setting is from: its rank, 0 goes before all others, and its name; the last rank
        and no name where nobody gave it.
        """
        for rank, (name, given) in enumerate(self._origins):
            if key in given.get(section, {}):
                return rank, name
        return len(self._origins), ""

    @model_validator(mode="after")
    def _nodes_have_distinct_names(self) -> Self:
        tables: dict[str, str] = {}
        for table, node in self.nodes.items():
            name = "hub" if node.kind == "hub" else node.name or table
            if name in tables:
                raise ValueError(
                    f"nodes.{tables[name]} and nodes.{table} are both named {name!r}; "
                    "give each a name of its own"
                )
            if name == "launcher" or (name == "hub" and node.kind != "hub"):
                raise ValueError(f"nodes.{table} must not be named {name!r}: that is taken")
            tables[name] = table
        return self

    @model_validator(mode="after")
    def _senders_have_distinct_names(self) -> Self:
        camera, microphone = self.camera.name, self.microphone.name
        if taken := NODES & {camera, microphone}:
            raise ValueError(f"camera.name and microphone.name must not be {min(taken)!r}")
        if camera == microphone:
            raise ValueError(f"camera.name and microphone.name are both {camera!r}")
        return self
