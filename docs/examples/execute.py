"""Run a notebook's cells from the top and write what they give into it, without Jupyter.

    python docs/examples/execute.py docs/examples/label.ipynb [OTHER.ipynb]

A cell's outputs are what it prints, its last expression unless a semicolon follows, and the figures
that it draws, as PNG.
"""

import ast
import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

DOTS_PER_INCH = 100


def execute(notebook: dict[str, Any]) -> None:
    """All code cells share their names, as in a kernel."""
    mpl.use("agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    for count, cell in enumerate(cells, 1):
        cell["execution_count"] = count
        cell["outputs"] = outputs_of("".join(cell["source"]), names, count)


def outputs_of(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, f"<cell {count}>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"<cell {count}>", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(text)})
    if value is not None and not source.rstrip().endswith(";"):
        data = {"text/plain": lines(repr(value))}
        if to_html := getattr(value, "_repr_html_", None):
            data = {"text/html": lines(to_html()), **data}
        outputs.append({"output_type": "execute_result", "execution_count": count,
                        "data": data, "metadata": {}})  # fmt: skip
    return outputs + figures()


def figures() -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        # without its maker's version the same figure has the same bytes
        plt.figure(number).savefig(file, dpi=DOTS_PER_INCH, metadata={"Software": None})
        data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": ["<Figure>"]}
        drawn.append({"output_type": "display_data", "data": data, "metadata": {}})
    plt.close("all")
    return drawn


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    content = json.loads(path.read_text(encoding="utf-8"))
    execute(content)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    Path(sys.argv[-1]).write_text(text, encoding="utf-8")
