#!/usr/bin/env python3
"""What a machine can check of the documents: links, paths, log messages, variables, alarms, costs.

    python3 infra/docs_test.py
"""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def sources() -> str:
    files = [file for folder in ("functions", "shared") for file in (ROOT / folder).rglob("*.rs")]
    return "\n".join(file.read_text() for file in files)


def anchors(document: pathlib.Path) -> set[str]:
    """The names under which GitHub links to a document's headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


class Documents(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
                if link.startswith("http"):
                    continue
                name, _, anchor = link.partition("#")
                target = (document.parent / name).resolve() if name else document
                self.assertTrue(target.exists(), f"{document.name}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{document.name}: {link}")

    def test_every_path_exists(self):
        for document in DOCUMENTS:
            for path in re.findall(r"`((?:shared|functions|infra|docs|events)/[a-z][\w./-]*)`", document.read_text()):
                self.assertTrue((ROOT / path).exists(), f"{document.name}: {path}")

    def test_every_log_message_is_in_the_code(self):
        table = (ROOT / "docs/logging.md").read_text().partition("## Messages that matter")[2]
        messages = re.findall(r"^\| ([A-Z][^|]*[.]) \| (?:ERROR|WARN|INFO) ", table, re.M)
        self.assertGreater(len(messages), 5)
        code = sources()
        pattern = lambda message: '"' + re.escape(message).replace("…", r"\{[^\"]*\}") + '"'
        self.assertEqual([message for message in messages if not re.search(pattern(message), code)], [])

    def test_every_name_of_the_architecture_is_in_the_code(self):
        spans = re.findall(r"`([^`\n]+)`", (ROOT / "docs/architecture.md").read_text())
        names = {name for span in spans if re.fullmatch(r"\w+(::\w+)*", span) and re.search(r"::|[a-z][A-Z]|^[A-Z][a-z]", span)
                 for name in span.split("::")}
        self.assertGreater(len(names), 50)
        words = set(re.findall(r"\w+", sources())) | {folder.name for folder in ROOT.glob("*/*") if folder.is_dir()}
        self.assertEqual(sorted(names - words), [])

    def test_every_variable_is_described(self):
        names = re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
        self.assertGreater(len(names), 10)
        described = (ROOT / "docs/cli.md").read_text()
        self.assertEqual([name for name in names if f"`{name}`" not in described], [])

    def test_every_alarm_has_its_section(self):
        alarms = re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm$", (ROOT / "template.yaml").read_text(), re.M)
        self.assertGreater(len(alarms), 10)
        chapter = (ROOT / "docs/operations.md").read_text().partition("\n## Alarms\n")[2].partition("\n## ")[0]
        sections = dict(re.findall(r"^### (\w+)\n\n((?:.+\n)+)", chapter, re.M))
        self.assertEqual(sorted(sections), sorted(alarms))
        for alarm, text in sections.items():
            for part in ("Happened", "Look", "Do"):
                self.assertIn(f"**{part}:**", text, alarm)

    def test_the_cost_counts_what_the_template_has(self):
        found = re.findall(r"^  \w+:\n    Type: AWS::CloudWatch::Alarm\n((?:    .*\n)+)", (ROOT / "template.yaml").read_text(), re.M)
        alarm_metrics = sum(alarm.count("MetricStat:") or 1 for alarm in found)
        metrics = len(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        costs = (ROOT / "docs/deploy.md").read_text()
        self.assertIn(f"| {metrics} × 0.30; 10 are free |", costs)
        self.assertIn(f"| {len(found)} alarms over {alarm_metrics} metrics × 0.10,", costs)

    def test_every_tag_is_described(self):
        code = (ROOT / "shared/domain/src/tags.rs").read_text().partition("#[cfg(test)]")[0]
        tags = re.findall(r'"((?:triage|agent)_\w+)"', code)
        described = (ROOT / "docs/formats.md").read_text().replace("`triage_p0` … `triage_p3`", "`triage_p0` `triage_p1` `triage_p2` `triage_p3`")
        self.assertEqual([tag for tag in tags if f"`{tag}`" not in described], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
