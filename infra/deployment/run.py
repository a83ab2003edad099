"""What the steps share: answers, what is left, and how a command is called."""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

import boto3

import operate
from operate import Problem

ROOT = pathlib.Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
EMAIL = r"[^@\s\"\\]+@[^@\s\"\\]+"
# The names in the bundled files and the domains that RFC 2606 keeps for examples.
EXAMPLE = re.compile(r"corridor-example|@example\.(com|org|net)\b")


class Wrong(Exception):
    """An answer that is missing or cannot be used."""


@dataclasses.dataclass(frozen=True)
class Question:
    name: str
    text: str
    pattern: str
    # Of the template; none for what only this command needs.
    parameter: str | None = None
    # From the answers before it.
    default: callable = lambda answers: None

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


QUESTIONS = [
    Question("subdomain", "Subdomain of your Zendesk, acme of https://acme.zendesk.com",
             r"[a-z0-9][a-z0-9-]*|http://127\.0\.0\.1:[0-9]+", "ZendeskSubdomain"),
    Question("sender", "E-mail address alerts are sent from", EMAIL, "SenderEmail"),
    Question("sender_identity", "Domain or address that SES verifies for it", r"\S+", "SenderIdentity",
             lambda answers: answers["sender"].partition("@")[2]),
    Question("guardian_email", "Who gets churn alerts of accounts without an account manager", EMAIL, "GuardianEmail"),
    Question("opportunity_email", "Who gets buying signals", EMAIL, "OpportunityEmail"),
    Question("alarm_email", "Who is told of alarms (none for nobody)", f"none|{EMAIL}", "AlarmEmail"),
    Question("operator_email", "Who gets the one test e-mail", EMAIL, None,
             lambda answers: answers["alarm_email"] if answers["alarm_email"] != "none" else None),
    Question("architecture", "Processor of the functions: x86_64, or arm64 for a fifth less", "x86_64|arm64", "Architecture",
             lambda answers: "x86_64"),
    Question("config", "Folder with policy.json, agents.json, playbooks.json and knowledge_base/; made if it is not there", r".+", None,
             lambda answers: None),
]


class Run:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.dry, self.name = arguments, arguments.dry_run, arguments.stack
        self.file = pathlib.Path(arguments.answers or ROOT / ".deploy" / f"{self.name}.toml").absolute()
        kept = tomllib.loads(self.file.read_text()) if self.file.exists() else {}
        self.answers: dict[str, str] = kept.get("answers", {})
        self.parameters: dict[str, str] = kept.get("parameters", {})
        # By key: what we uploaded last, so that an edit in the bucket is not mistaken for an old upload of ours.
        self.uploaded: dict[str, str] = kept.get("uploaded", {})
        section = (ROOT / "template.yaml").read_text().partition("\nParameters:\n")[2].partition("\n\n")[0]
        self.known = re.findall(r"^  (\w+):$", section, re.M)
        self.secrets: dict[str, str] = {}
        self.left: list[str] = []
        self.stack: operate.Stack | None = None
        self.region = boto3.session.Session().region_name

    def say(self, text: str) -> None:
        print(f"    {text}", flush=True)

    def leave(self, text: str) -> None:
        """Something a person has to do; the rest goes on."""
        self.left.append(text)
        self.say(f"LEFT  {text}")

    def would(self, what: str) -> bool:
        """Whether this is a dry run, in which case it says what would be done."""
        if self.dry:
            self.say(f"would {what}")
        return self.dry

    def asks(self) -> bool:
        return sys.stdin.isatty() and not self.arguments.secrets_stdin

    def agreed(self, question: str) -> bool:
        return self.arguments.yes or (self.asks() and input(f"    {question} [y/N] ").strip().lower() in ("y", "yes"))

    def save(self) -> None:
        if self.dry:
            return
        lines = [f"# Answers of infra/deploy {self.name}. No secrets."]
        for title, table in (("answers", self.answers), ("parameters", self.parameters), ("uploaded", self.uploaded)):
            lines += [f"\n[{title}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in sorted(table.items()))]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.file)

    def call(self, *words: str, zendesk: bool = False, capture: bool = False) -> subprocess.CompletedProcess:
        """With `zendesk` the command gets the OAuth clients; output that we read is shown all the same."""
        self.say(f"$ {shlex.join(words)}")
        clients = {name: value for name, value in self.secrets.items() if zendesk and name.startswith("ZENDESK_")}
        done = subprocess.run(words, cwd=ROOT, env={**os.environ, **clients}, text=True,
                              stdout=subprocess.PIPE if capture else None)
        if capture:
            print(done.stdout, end="", flush=True)
        return done

    def look_for_stack(self) -> None:
        try:
            self.stack = operate.Stack(self.name)
        except Problem:
            self.stack = None

    def of_ours(self, *words: str) -> list[str]:
        return ["cargo", "run", "--quiet", "--", *words]


def short(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
