"""JPEG of a picture of 640 x 480: OpenCV beside a binding of libjpeg-turbo alone.

``simplejpeg`` is installed into a temporary folder, and left out where that fails.
"""

import sys
from importlib import import_module
from itertools import islice
from typing import Any

import cv2
import numpy as np

from benchmarks.models import milliseconds
from benchmarks.packages import installed
from benchmarks.results import Results
from capture.demo import CLIP
from capture.media_file import open_media
from capture.pictures import to_jpeg
from config.settings import BusSettings
from inference.jpeg import read_jpeg


def compare(results: Results) -> None:
    cv2.setNumThreads(1)
    picture = next(islice(open_media(CLIP).pictures(), 30, None)).pixels
    quality = BusSettings().jpeg_quality
    jpeg = to_jpeg(picture, quality)
    shape = (*picture.shape[:2], 3)
    data = np.frombuffer(jpeg, np.uint8)
    timed = {
        "encode (OpenCV)": lambda: to_jpeg(picture, quality),
        "decode (OpenCV)": lambda: read_jpeg(jpeg, shape),
        "decode at half size (OpenCV)": lambda: cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_2),
        "decode, grey (OpenCV)": lambda: cv2.imdecode(data, cv2.IMREAD_GRAYSCALE),
    }
    with installed("simplejpeg") as library:
        if library:
            sys.path.insert(0, library)
            other: Any = import_module("simplejpeg")
            sys.path.remove(library)
            options = {"colorspace": "BGR", "quality": quality, "colorsubsampling": "420"}
            timed["encode (simplejpeg)"] = lambda: other.encode_jpeg(picture, **options)
            timed["decode (simplejpeg)"] = lambda: other.decode_jpeg(jpeg, colorspace="BGR")
        for name, call in timed.items():
            results.note(f"JPEG {name}", "ms", milliseconds(call))
