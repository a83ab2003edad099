"""The functions of the product, from the one place that lists them: the template."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def functions(root: pathlib.Path = ROOT) -> list[str]:
    """Their folders under functions/, in the template's order."""
    # By text and not by a YAML parser, so that bench.py needs nothing but Python.
    found = re.findall(r"^ +CodeUri: functions/(\w+)$", (root / "template.yaml").read_text(), re.M)
    if not found:
        raise ValueError("template.yaml names no function")
    return found


def sample_event(function: str) -> pathlib.Path | None:
    """A function's usual call: the first of its `<function>-*.json` with messages of a queue, or else the first."""
    files = sorted((ROOT / "events").glob(f"{function}-*.json"))
    messages = [file for file in files if '"Records"' in file.read_text()]
    return next(iter(messages + files), None)
