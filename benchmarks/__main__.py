"""Everything that is measured for docs/performance.md, in one run on a quiet machine.

    python -m benchmarks [--only PART,...] [--runs 5] [--minutes 1,10,60] [--plots docs]

Prints a table, writes ``results.json`` beside this file and, with ``--plots``, the pictures.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import cameras, growth, jpeg, models, pictures, plots, speed, transport
from benchmarks.machine import describe_machine
from benchmarks.results import Results

DEFAULT_JSON = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="some of the parts, separated by commas")
    parser.add_argument("--runs", type=int, default=5, help="of the comparison")
    parser.add_argument("--minutes", default="1,10,60", help="lengths of the files for label")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON)
    parser.add_argument("--plots", type=Path, help="a folder for latency.png and growth.png")
    options = parser.parse_args()
    minutes = [int(length) for length in options.minutes.split(",")]
    parts: Mapping[str, Callable[[Results], None]] = {
        "models": models.compare,
        "jpeg": jpeg.compare,
        "transport": transport.compare,
        "pictures": pictures.compare,
        "fusion": growth.grow_fusion,
        "hub": growth.grow_hub,
        "speed": lambda results: speed.compare(results, options.runs),
        "cameras": cameras.compare,
        "label": lambda results: growth.grow_label(results, minutes),
    }
    chosen = options.only.split(",") if options.only else [*parts]
    for name in chosen:
        if name not in parts:
            parser.error(f"no part {name!r}; there are {', '.join(parts)}")
    print(describe_machine())
    print(f"load before: {os.getloadavg()[0]:.1f}", flush=True)
    results = Results()
    for name in chosen:
        parts[name](results)
    results.print()
    results.write(options.json)
    drawn = plots.draw(results, options.plots) if options.plots else []
    print("\nwritten:", *(str(path) for path in (options.json, *drawn)))


if __name__ == "__main__":
    main()
