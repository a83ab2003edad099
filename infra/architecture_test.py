#!/usr/bin/env python3
"""The claims of docs/architecture.md about crates, each checked with `cargo tree` or `cargo metadata`.

    python3 infra/architecture_test.py
"""

import functools
import json
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAP = ROOT / "docs" / "architecture.md"

AWS = re.compile(r"aws-|lambda_runtime|lambda_http")
# `aws_lambda_events` is wire types only; it is still too much for a crate that should know no AWS.
AWS_OR_ITS_TYPES = re.compile(r"aws|lambda_")
# The AWS SDK counts as a client of its own.
HTTP_CLIENT = re.compile(r"(reqwest|hyper|hyper-util|ureq|curl|isahc|attohttpc|aws-smithy-http-client)$")
HTTP = re.compile(r"(http|http-body|axum|tower-http)$")
ASYNC_RUNTIME = re.compile(r"(tokio|async-std|smol|async-executor)$")


def cargo(*arguments: str) -> str:
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cargo {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout


@functools.cache
def linked(crate: str) -> frozenset[str]:
    """Every package that is linked into a crate with its default features, or runs in its build; itself included."""
    tree = cargo("tree", "--locked", "-p", crate, "-e", "normal,build", "--prefix", "none", "--format", "{p}")
    return frozenset(line.split()[0] for line in tree.splitlines() if line)


@functools.cache
def packages() -> dict[str, dict]:
    found = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))["packages"]
    return {package["name"]: package for package in found}


def in_folder(name: str) -> set[str]:
    return {crate for crate, package in packages().items()
            if pathlib.Path(package["manifest_path"]).is_relative_to(ROOT / name)}


def direct(crate: str) -> tuple[set[str], set[str]]:
    """What a manifest names for a crate's own code: always, and only with a feature."""
    needed = [found for found in packages()[crate]["dependencies"] if found["kind"] != "dev"]
    return ({found["name"] for found in needed if not found["optional"]},
            {found["name"] for found in needed if found["optional"]})


def drawn() -> dict[str, tuple[set[str], set[str]]]:
    """The crate map in the document: `crate --> always [with a feature]`."""
    section = MAP.read_text().partition("\n## Crates\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^(\w+) +--> ([^\[\n]*)(?:\[([^\]]*)\])?", section, re.M)
    names = lambda text: set(re.findall(r"\w+", text)) - {"none"}
    return {crate: (names(always), names(optional)) for crate, always, optional in lines}


class Architecture(unittest.TestCase):
    maxDiff = None

    def assert_links_none(self, crate: str, banned: re.Pattern) -> None:
        self.assertEqual(sorted(name for name in linked(crate) if banned.match(name)), [], f"linked into {crate}")

    def test_the_laptop_build_has_no_aws_sdk_and_no_lambda_runtime(self):
        self.assert_links_none("local", AWS)

    def test_pure_crates_know_no_async_runtime_no_http_and_no_aws(self):
        for crate in ("domain", "mail", "analyst", "encoder", "zendesk", "data"):
            for banned in (ASYNC_RUNTIME, HTTP_CLIENT, HTTP, AWS_OR_ITS_TYPES):
                self.assert_links_none(crate, banned)

    def test_mail_knows_no_ticket(self):
        self.assertEqual(in_folder("shared") & linked("mail"), {"mail"})

    def test_only_adapters_name_an_http_client(self):
        naming = {crate for crate in packages() if any(HTTP_CLIENT.match(name) for name in set().union(*direct(crate)))}
        # `local` serves with hyper: the laptop's server, and no client.
        self.assertEqual(naming, {"aws", "claude", "local", "memory", "signin", "slack", "zendesk"})
        self.assertFalse([name for name in set().union(*direct("local")) if name in ("reqwest", "ureq")])

    def test_only_the_aws_crate_names_the_aws_sdk(self):
        naming = {crate for crate in packages() if any(name.startswith("aws-") for name in set().union(*direct(crate)))}
        self.assertEqual(naming, {"aws"})

    def test_no_deployed_function_links_training(self):
        for function in in_folder("functions") - {"local"}:
            self.assertFalse({"training", "local"} & linked(function), function)

    def test_functions_do_not_depend_on_each_other(self):
        functions = in_folder("functions")
        for function in functions - {"local"}:
            self.assertEqual(functions & linked(function), {function})

    def test_only_triage_links_an_analyst(self):
        readers = {"analyst", "encoder", "llm", "claude"}
        for function in in_folder("functions") - {"local", "triage"}:
            self.assertFalse(readers & linked(function), function)

    def test_a_language_model_is_an_adapter(self):
        self.assert_links_none("llm", HTTP_CLIENT)
        self.assert_links_none("llm", AWS)
        self.assertNotIn("claude", linked("llm"))

    def test_every_crate_takes_the_lints_of_the_workspace(self):
        for crate, package in packages().items():
            manifest = pathlib.Path(package["manifest_path"]).read_text()
            self.assertRegex(manifest, r"\[lints\]\nworkspace = true", crate)

    def test_every_check_the_document_names_exists(self):
        named = {check for line in MAP.read_text().splitlines() for part in re.split(r"[Cc]hecked by ", line)[1:]
                 for check in re.findall(r"`([a-z]\w+)`", part) if "_" in check}
        self.assertGreater(len(named), 20)
        sources = [path for kind in ("*.rs", "*.py") for folder in ("functions", "shared", "infra")
                   for path in (ROOT / folder).rglob(kind)]
        written = {name for path in sources for name in re.findall(r"\b(?:fn|def) (\w+)", path.read_text())}
        self.assertEqual(sorted(named - written), [])

    def test_the_crate_map_is_drawn_as_the_manifests_are(self):
        ours = set(packages())
        written = {crate: tuple(names & ours for names in direct(crate)) for crate in ours}
        self.assertEqual({crate: tuple(map(sorted, sets)) for crate, sets in sorted(drawn().items())},
                         {crate: tuple(map(sorted, sets)) for crate, sets in sorted(written.items())})


if __name__ == "__main__":
    unittest.main(verbosity=2)
