"""What no linter knows of our template: timings, names, permissions, sample events."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions: `!Ref X` becomes {"Ref": "X"}."""


def _short(loader, tag, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, True),
             yaml.MappingNode: lambda n: loader.construct_mapping(n, True)}
    return {tag: kinds[type(node)](node)}


Loader.add_multi_constructor("!", _short)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = {name.removesuffix("Function"): resource["Properties"] for name, resource in RESOURCES.items()
             if resource["Type"] == "AWS::Serverless::Function"}


def function_of(event: pathlib.Path) -> str:
    """The function a sample event is for: `alert-digest.json` is the alert function's; Zendesk's requests have no prefix."""
    if "requestContext" in json.loads(event.read_text()):
        return "Webhook"
    return event.name.split("-")[0].capitalize()


def policies():
    """Every statement that allows something."""
    for name, resource in RESOURCES.items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield name, statement


def many(value) -> list:
    return value if isinstance(value, list) else [value]


class Template(unittest.TestCase):
    def test_a_message_is_invisible_for_six_timeouts(self):
        for stage, times in TEMPLATE["Mappings"]["Timings"].items():
            for function in ("Triage", "Alert"):
                self.assertGreaterEqual(times[f"{function}Visibility"], 6 * times[function], (stage, function))
        for queue, function in (("TicketsQueue", "Triage"), ("AlertsQueue", "Alert")):
            self.assertEqual(RESOURCES[queue]["Properties"]["VisibilityTimeout"], {"FindInMap": ["Timings", {"Ref": "Stage"}, f"{function}Visibility"]})
            self.assertEqual(FUNCTIONS[function]["Timeout"], {"FindInMap": ["Timings", {"Ref": "Stage"}, function]})
            self.assertEqual(RESOURCES[queue]["Properties"]["RedrivePolicy"]["maxReceiveCount"], 5)

    def test_every_variable_is_read_and_every_required_one_is_set(self):
        common = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
        read = lambda *files: set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', "".join((ROOT / file).read_text() for file in files)))
        for function, properties in FUNCTIONS.items():
            wiring = f"functions/{function.lower()}/src/wiring.rs"
            known = read(wiring, "shared/aws/src/lambda.rs", "shared/runtime/src/config.rs")
            if function == "Triage":
                known |= read("shared/claude/src/config.rs", "shared/llm/src/config.rs")
            given = common | set(properties["Environment"]["Variables"])
            self.assertLessEqual(given, known, f"{function}: set and never read")
            required = set(re.findall(r'\.required\("([A-Z0-9_]+)"\)', (ROOT / wiring).read_text()))
            self.assertTrue(required)
            self.assertLessEqual(required, given, f"{function}: required and not set")

    def test_every_sample_event_is_for_a_function(self):
        files = list((ROOT / "events").glob("*.json"))
        self.assertEqual({function_of(file) for file in files}, set(FUNCTIONS))

    def test_nothing_is_allowed_on_everything_but_tracing(self):
        for role, statement in policies():
            for action in many(statement["Action"]):
                self.assertNotIn("*", action, role)
            for resource in many(statement["Resource"]):
                if resource == "*":
                    self.assertEqual(statement["Action"], ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], role)
                elif isinstance(resource, dict) and "If" in resource:
                    condition, local, cloud = resource["If"]
                    self.assertEqual((condition, local), ("LocalCloud", "*"))
                    self.assertFalse([one for one in cloud if "*" in str(one)], role)
                elif "*" in str(resource):
                    self.assertRegex(str(resource), r"/(knowledge_base|outbox)/\*'}$", role)

    def test_every_function_has_a_role_a_log_and_alarms_of_its_own(self):
        for function, properties in FUNCTIONS.items():
            self.assertEqual(properties["Role"], {"GetAtt": f"{function}Role.Arn"})
            self.assertEqual(properties["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": {"Ref": f"{function}Logs"}})
            for alarm in ("Errors", "Throttles", "Slow"):
                self.assertEqual(RESOURCES[f"{function}{alarm}"]["Type"], "AWS::CloudWatch::Alarm")
        slow = {name: RESOURCES[f"{name}Slow"]["Properties"]["Threshold"] for name in FUNCTIONS}
        for name, threshold in slow.items():
            self.assertLessEqual(threshold, 800 * TEMPLATE["Mappings"]["Timings"]["default"][name], "80 % of the timeout")

    def test_the_metrics_of_alarms_and_dashboard_are_those_we_write(self):
        written = set(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        text = (ROOT / "template.yaml").read_text()
        for resource in RESOURCES.values():
            if resource.get("Properties", {}).get("Namespace") == "TicketTriage":
                self.assertIn(resource["Properties"]["MetricName"], written)
        shown = re.findall(r'\["(?:TicketTriage|\.)", "([A-Za-z]+)", (?:"Stage"|"\.")', text)
        self.assertTrue(shown)
        self.assertLessEqual({name for name in shown if not name.startswith("Approximate")}, written)

    def test_every_parameter_says_what_it_may_be(self):
        for name, parameter in TEMPLATE["Parameters"].items():
            self.assertTrue({"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter), name)
            self.assertIn("Description", parameter, name)


def main() -> int:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    lints = ([BIN / "sam", "validate", "--lint"], [BIN / "cfn-lint", "-c", "I", "-t", "template.yaml"])
    failed = [lint for lint in lints if subprocess.run(lint, cwd=ROOT, env=environment).returncode]
    found = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    outcome = unittest.TextTestRunner(verbosity=2).run(found)
    return 1 if failed or not outcome.wasSuccessful() else 0
