#!/usr/bin/env python3
"""How the product treats the texts of a real inbox: every CSV of a folder through `run`, every row compared with what it expects.

    python3 infra/inbox.py                          the binary in target/release, or else the one in target/debug
    python3 infra/inbox.py BINARY --verbose         another binary; also lists the rows that are wrong, and why
    python3 infra/inbox.py --folder DIR             other files than shared/data/corpus/inbox
    python3 infra/inbox.py --write FILE.json        also writes how many rows of each file are wrong
    python3 infra/inbox.py --not-above FILE.json    exit status 1 if a file has more wrong rows than there

A row's column `expect` is a JSON object:

    public, wants, agent, language, suspicious, draft     equal to the value
    priority_in                                           one of these priorities
    understood_or_unsure                                  one of these, or a confidence below 0.4
    risk_below, risk_at_least                             Guardian's score
    draft_not_starting                                    none of these is the draft's first word
    quote_shorter_than                                    every quote of an alert is
    drafted                                               whether there is a draft at all
    no_link                                               whether a public answer is free of links and images
    written                                               whether the request to Zendesk sets priority urgent or high

Where the results name a ticket's `kind`, it is compared with the column `kind`, counted apart and shown as a second table.
The embedded analyst reads; no key is used and nothing is sent.
"""

import argparse
import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "shared/data/corpus/inbox"
BINARIES = [ROOT / "target" / profile / "local" for profile in ("release", "debug")]
# Files run side by side.
AT_ONCE = 2
# As `unsure_below` of the policy.
UNSURE = 0.4
REQUIRED = {"ticket_id", "customer_name", "subject", "description", "kind", "expect"}
KINDS = ["request", "automatic", "thanks", "machine_alert", "solicitation", "phishing", "security_report", "legal_letter",
         "data_request", "person_in_danger", "empty"]
# A link or an image in a public answer, also one that a mail program would make of plain text.
LINK = re.compile(r"<a\b|<img\b|https?:|javascript:")
# The key of --write for rows whose kind is another.
OTHER_KIND = "kind"
# Processors round differently: so many more wrong rows of a file, or other kinds in all, are no worse.
SLACK, SLACK_OF_KINDS = 1, 5

# What is asked of a ticket: key -> (found, value) -> is it so?
CHECKS = {
    "priority_in": lambda found, value: found["priority"] in value,
    "understood_or_unsure": lambda found, value: found["priority"] in value or found["sure"] < UNSURE,
    "risk_below": lambda found, value: found["risk"] < value,
    "risk_at_least": lambda found, value: found["risk"] >= value,
    "draft_not_starting": lambda found, value: not found["draft"].startswith(tuple(value)),
    "quote_shorter_than": lambda found, value: all(len(quote) < value for quote in found["quotes"]),
    "drafted": lambda found, value: bool(found["draft"]) == value,
    "no_link": lambda found, value: (LINK.search(found["answer"]) is None) == value,
    "written": lambda found, value: (found["zendesk_priority"] in ("urgent", "high")) == value,
} | {key: (lambda found, value, key=key: found[key] == value)
     for key in ("public", "wants", "agent", "language", "suspicious", "draft")}


class Refused(Exception):
    """The script cannot go on; the message says why."""


def rows(file: pathlib.Path) -> list[dict]:
    """The rows of a file, with `expect` parsed."""
    with file.open(newline="", encoding="utf-8") as text:
        reader = csv.DictReader(text)
        if missing := REQUIRED - set(reader.fieldnames or []):
            raise Refused(f"{file}: lacks the columns {', '.join(sorted(missing))}")
        found = list(reader)
    for row in found:
        where = f"{file}, #{row['ticket_id']}"
        try:
            row["expect"] = json.loads(row["expect"])
        except (json.JSONDecodeError, TypeError) as problem:
            raise Refused(f"{where}: expect is no JSON: {problem}") from problem
        if unknown := set(row["expect"]) - set(CHECKS):
            raise Refused(f"{where}: unknown in expect: {', '.join(sorted(unknown))}")
        if row["kind"] not in KINDS:
            raise Refused(f"{where}: unknown kind “{row['kind']}”")
    if len({row["ticket_id"] for row in found}) < len(found):
        raise Refused(f"{file}: an id occurs twice")
    return found


def triaged(binary: pathlib.Path, file: pathlib.Path) -> dict[str, dict]:
    """What the binary made of a file, by ticket id; skipped rows are missing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC")}
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "run", "--input", file, "--output", folder, "--analyst", "embedded"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        results = pathlib.Path(folder, "triage_results.json")
        if done.returncode not in (0, 1, 2) or (done.returncode < 2 and not results.exists()):
            raise Refused(f"{file}: exit status {done.returncode} of {binary}\n{done.stderr[-2000:]}")
        if not results.exists():
            return {}
        tickets = json.loads(results.read_text())
        calls = json.loads(pathlib.Path(folder, "zendesk_api_calls.json").read_text())
    requests = collections.defaultdict(list)
    for call in calls:
        requests[number(call["ticket_id"])].append(call["api_payload"]["ticket"])
    return {number(ticket["ticket_id"]): summary(ticket, requests[number(ticket["ticket_id"])]) for ticket in tickets}


def number(ticket_id: str) -> str:
    return ticket_id.lstrip("#")


def summary(ticket: dict, requests: list[dict]) -> dict:
    """What the checks look at, of a result and the requests to Zendesk for it."""
    public = [request["comment"] for request in requests if request.get("comment", {}).get("public")]
    return {
        "priority": ticket["priority"],
        "sure": round(ticket["confidence"]["priority"], 2),
        "agent": ticket["agent"],
        "language": ticket["language"],
        "kind": ticket.get("kind"),
        "risk": ticket["guardian"]["risk_score"],
        "wants": ticket["opportunity"]["has_business_intent"],
        "quotes": ticket["guardian"]["evidence"] + ticket["opportunity"]["evidence"],
        "draft": ticket["draft_response"] or "",
        "public": bool(public),
        "answer": "".join(comment.get("html_body") or comment.get("body") or "" for comment in public),
        "suspicious": any("triage_suspicious" in request.get("tags", []) for request in requests),
        "zendesk_priority": next((request["priority"] for request in requests if request.get("priority")), None),
    }


def unmet(found: dict | None, expect: dict) -> list[str]:
    """The expectations that a ticket does not meet."""
    if found is None:
        return ["to be triaged"]
    return [f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in expect.items() if not CHECKS[key](found, value)]


def described(found: dict | None) -> str:
    """A result in a line."""
    if found is None:
        return "nothing"
    reply = "public reply" if found["public"] else "draft " + json.dumps(found["draft"][:40], ensure_ascii=False) if found["draft"] else "no draft"
    marks = " suspicious" * found["suspicious"] + " wants to buy" * found["wants"] + (f" {found['kind']}" if found["kind"] else "")
    return f"{found['priority']} {found['sure']:.2f} {found['agent']} {found['language']} risk {found['risk']}{marks}, {reply}"


class Outcome:
    """A file's rows beside what the binary made of them."""

    def __init__(self, file: pathlib.Path, expected: list[dict], found: dict[str, dict]):
        self.file = file
        self.pairs = [(row, found.get(number(row["ticket_id"]))) for row in expected]
        self.wrong = [(row, ticket, problems) for row, ticket in self.pairs if (problems := unmet(ticket, row["expect"]))]
        self.kinds = [(row, ticket["kind"]) for row, ticket in self.pairs if ticket and ticket["kind"]]
        self.answerable = [ticket for row, ticket in self.pairs if row.get("answered") == "maybe"]


def outcome(binary: pathlib.Path, file: pathlib.Path) -> Outcome:
    return Outcome(file, rows(file), triaged(binary, file))


def table(lines: list[tuple]) -> str:
    """Lines as columns, the first to the left, the others to the right."""
    widths = [max(len(str(line[column])) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(f"{cell!s:{'<' if column == 0 else '>'}{widths[column]}}" for column, cell in enumerate(line))
                     for line in lines)


def file_table(outcomes: list[Outcome]) -> str:
    counts = [(each.file.name, len(each.pairs), len(each.wrong)) for each in outcomes]
    counts.append(("all", sum(count[1] for count in counts), sum(count[2] for count in counts)))
    return table([("file", "rows", "wrong", "rate"), *((*count, f"{count[2] / max(count[1], 1):.2f}") for count in counts)])


def kind_table(outcomes: list[Outcome]) -> str:
    """Right kind by found kind; a row's recall and a column's precision."""
    pairs = collections.Counter((row["kind"], kind) for each in outcomes for row, kind in each.kinds)
    names = KINDS + sorted({found for _, found in pairs} - set(KINDS))
    share = lambda part, whole: f"{part / whole:.2f}" if whole else "-"
    lines = [("right \\ found", *names, "recall")]
    for right in KINDS:
        counts = [pairs[right, found] for found in names]
        lines.append((right, *(count or "·" for count in counts), share(pairs[right, right], sum(counts))))
    lines.append(("precision", *(share(pairs[name, name], sum(pairs[right, name] for right in KINDS)) for name in names), ""))
    return table(lines)


def list_wrong(outcomes: list[Outcome]) -> None:
    for each in outcomes:
        for row, ticket, problems in each.wrong:
            print(f"{each.file.name} #{row['ticket_id']} {row['subject'][:60]!r}: expected {', '.join(problems)}\n    found {described(ticket)}")
        for row, kind in each.kinds:
            if kind != row["kind"]:
                print(f"{each.file.name} #{row['ticket_id']} {row['subject'][:60]!r}: kind {row['kind']}, found {kind}")


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    """Wrong rows by file, and rows of another kind in all, if the binary tells kinds."""
    wrong = {each.file.name: len(each.wrong) for each in outcomes}
    if any(each.kinds for each in outcomes):
        wrong[OTHER_KIND] = sum(kind != row["kind"] for each in outcomes for row, kind in each.kinds)
    return wrong


def above(found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """What is worse than allowed; other kinds are free unless named."""
    worse = []
    for name, count in found.items():
        most = allowed.get(name, 0) + (SLACK_OF_KINDS if name == OTHER_KIND else SLACK)
        if count > most and (name != OTHER_KIND or name in allowed):
            worse.append(f"{name}: {count} wrong, {most} allowed")
    return worse


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", type=pathlib.Path, metavar="BINARY")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER, metavar="DIR")
    parser.add_argument("--not-above", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def measured(binary: pathlib.Path | None, folder: pathlib.Path) -> list[Outcome]:
    binary = binary or next((each for each in BINARIES if each.exists()), BINARIES[0])
    if not binary.is_file():
        raise Refused(f"{binary} does not exist; build it with `cargo build --release`")
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise Refused(f"{folder} has no CSV file")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda file: outcome(binary.resolve(), file), files))


def main() -> int:
    asked = arguments()
    try:
        allowed = json.loads(asked.not_above.read_text()) if asked.not_above else None
        outcomes = measured(asked.binary, asked.folder)
    except (Refused, OSError, json.JSONDecodeError) as problem:
        print(problem, file=sys.stderr)
        return 2
    if asked.verbose:
        list_wrong(outcomes)
    print(file_table(outcomes))
    if any(each.kinds for each in outcomes):
        print(f"\n{kind_table(outcomes)}")
    if answerable := [ticket for each in outcomes for ticket in each.answerable]:
        print(f"\nanswered in public, of those that may be: {sum(bool(ticket and ticket['public']) for ticket in answerable)} of {len(answerable)}")
    found = counts(outcomes)
    if asked.write:
        asked.write.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    worse = above(found, allowed) if allowed is not None else []
    for line in worse:
        print(line, file=sys.stderr)
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
