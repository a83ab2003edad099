"""What no linter knows of our template: timings, names, permissions, sample events."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import yaml

from functions import functions

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The functions whose settings are in the parameter store.
SETTLED = {"Triage", "Alert"}
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


def rust(*files: str) -> str:
    """The code of files, without their tests."""
    return "".join((ROOT / file).read_text().split("#[cfg(test)]\nmod tests")[0] for file in files)


def names(text: str) -> set[str]:
    """The variables a piece of Rust names."""
    return set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', text))


def required_names(text: str) -> set[str]:
    """Those it cannot do without."""
    return set(re.findall(r'\b(?:required|parsed)\("([A-Z0-9_]+)"\)', text))


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


def settings() -> dict[str, str]:
    """What triage and alert read from the parameter store, as the template writes it."""
    return json.loads(RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"])


def many(value) -> list:
    return value if isinstance(value, list) else [value]


class Template(unittest.TestCase):
    def test_a_message_is_invisible_for_six_timeouts(self):
        for local, times in TEMPLATE["Mappings"]["Timings"].items():
            for function in ("Triage", "Alert"):
                self.assertGreaterEqual(times[f"{function}Visibility"], 6 * times[function], (local, function))
        for queue, function in (("TicketsQueue", "Triage"), ("AlertsQueue", "Alert")):
            self.assertEqual(RESOURCES[queue]["Properties"]["VisibilityTimeout"], {"FindInMap": ["Timings", {"Ref": "LocalCloud"}, f"{function}Visibility"]})
            self.assertEqual(FUNCTIONS[function]["Timeout"], {"FindInMap": ["Timings", {"Ref": "LocalCloud"}, function]})

    def test_receives_are_enough_for_four_hours(self):
        """What backoff.rs promises; on the local cloud a message that keeps failing is dead in about a minute."""
        whole = lambda receive: min(5 * 2 ** (receive - 1), 900)
        least = lambda waits: sum((whole(receive) + 1) // 2 for receive in range(1, waits + 1))
        written = re.search(r"const RECEIVES: u32 = (\d+);", (ROOT / "shared/runtime/src/backoff.rs").read_text())
        timings = TEMPLATE["Mappings"]["Timings"]
        self.assertEqual(timings["false"]["Receives"], int(written.group(1)))
        self.assertGreaterEqual(least(timings["false"]["Receives"] - 1), 4 * 3600)
        self.assertLessEqual(sum(whole(receive) for receive in range(1, timings["true"]["Receives"] + 1)), 90)
        for queue in ("TicketsQueue", "AlertsQueue"):
            receives = RESOURCES[queue]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
            self.assertEqual(receives, {"FindInMap": ["Timings", {"Ref": "LocalCloud"}, "Receives"]})

    def test_endless_deferral_is_seen(self):
        """SQS's age leaves out what was received three times, so the functions' own figure is watched as well."""
        alarms = [resource["Properties"] for resource in RESOURCES.values() if resource["Type"] == "AWS::CloudWatch::Alarm"]
        aged = [alarm["Dimensions"][0]["Value"] for alarm in alarms if alarm["MetricName"] == "ApproximateAgeOfOldestMessage"]
        self.assertEqual(aged, [{"GetAtt": "TicketsQueue.QueueName"}, {"GetAtt": "AlertsQueue.QueueName"}])
        ours = {alarm["MetricName"]: alarm for alarm in alarms if alarm["Namespace"] == "TicketTriage"}
        self.assertLessEqual({"MessageAge", "NotFound"}, set(ours))
        # The longest backoff, so that a message that keeps failing keeps the alarm up.
        self.assertGreaterEqual(ours["MessageAge"]["Period"] * ours["MessageAge"]["EvaluationPeriods"], 2 * 900)

    def test_a_function_parks_and_sends_nothing_to_itself(self):
        for function, queue in (("Triage", "Tickets"), ("Alert", "Alerts")):
            statements = RESOURCES[f"{function}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
            sends = [statement["Resource"]["GetAtt"] for statement in statements if "sqs:SendMessage" in many(statement["Action"])]
            self.assertIn(f"{queue}DeadLetters.Arn", sends)
            self.assertNotIn(f"{queue}Queue.Arn", sends, "a copy to oneself is cut by Lambda's loop detection")
            self.assertEqual(settings()[f"{queue.upper()}_DEAD_LETTERS_URL"], f"${{{queue}DeadLetters}}")

    def test_every_function_is_found(self):
        self.assertEqual(functions(), [function.lower() for function in FUNCTIONS])
        self.assertEqual({wiring.parents[1].name for wiring in (ROOT / "functions").glob("*/src/wiring.rs")}, set(functions()))

    def test_every_variable_is_read_and_every_required_one_is_set(self):
        common, ours = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]), set(settings())
        left = set(ours)
        for function, properties in FUNCTIONS.items():
            wiring = rust(f"functions/{function.lower()}/src/wiring.rs")
            read, required = names(wiring + rust("shared/aws/src/lambda.rs")), required_names(wiring)
            if "Deployment::new(" in wiring:
                deployment = rust("shared/aws/src/deployment.rs", "shared/runtime/src/config.rs")
                read |= names(deployment)
                required |= required_names(deployment)
                self.assertLessEqual({"GUARDIAN_EMAIL", "OPPORTUNITY_EMAIL", "CONFIG_BUCKET"}, required)
            if "claude::Config::read" in wiring:
                read |= names(rust("shared/claude/src/config.rs", "shared/llm/src/config.rs"))
            if "webhook::bot_user" in wiring:
                read |= names(rust("functions/webhook/src/lib.rs"))
            given = common | set(properties["Environment"]["Variables"])
            self.assertLessEqual(given, read, f"{function}: set and never read")
            if function in SETTLED:
                given |= ours
                left -= read
            self.assertTrue(required)
            self.assertLessEqual(required, given, f"{function}: required and not set")
        self.assertEqual(left, set(), "settings that neither function reads")

    def test_a_version_keeps_nothing_that_a_parameter_can_change(self):
        """Triage and alert run through an alias, and its version keeps its environment for good."""
        self.assertEqual({function for function, properties in FUNCTIONS.items() if "AutoPublishAlias" in properties}, SETTLED)
        for function in SETTLED:
            self.assertEqual(FUNCTIONS[function]["AutoPublishAlias"], "live")
            self.assertEqual(FUNCTIONS[function]["Environment"]["Variables"], {"SETTINGS_PARAMETER": {"Ref": "SettingsParameter"}})
        self.assertEqual(set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]), {"STACK", "BACKEND", "RUST_LOG"})
        self.assertEqual(settings()["RUST_LOG"], "${LogLevel}")

    def test_settings_are_json_and_fit_whatever_they_hold(self):
        """A standard parameter holds 4 KB, and a quotation mark in a value would end it early."""
        # The longest that AWS gives or accepts. Of a table's name only the stack's part varies.
        longest = {"AWS::StackName": 128, "ConfigBucket": 63, "SiteBucket": 63, "MailConfiguration": 64}
        longest |= {table: 128 + len(f"-{table}-") + 13 for table in ("TicketsTable", "ControlTable")}
        address = len("https://sqs.ap-southeast-5.amazonaws.com.cn/123456789012/")
        longest |= {queue: address + 80 for queue in ("TicketsQueue", "TicketsDeadLetters", "AlertsQueue", "AlertsDeadLetters")}
        text = RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"]
        for name in set(re.findall(r"\$\{([\w:]+)\}", text)):
            parameter = TEMPLATE["Parameters"].get(name)
            if parameter:
                longest[name] = parameter.get("MaxLength") or max(len(str(value)) for value in parameter.get("AllowedValues", [parameter.get("MaxValue")]))
                for value in ('a"b@example.com', "a\\b@example.com", '"', "\\"):
                    pattern = parameter.get("AllowedPattern")
                    self.assertFalse(pattern and re.fullmatch(pattern, value), f"{name} accepts {value}")
            text = text.replace(f"${{{name}}}", "x" * longest[name])
        self.assertTrue(all(isinstance(value, str) for value in json.loads(text).values()))
        self.assertLessEqual(len(text), 4096)

    def test_only_a_person_sets_a_switch(self):
        for name, resource in RESOURCES.items():
            self.assertNotIn("switches", str(resource["Type"] == "AWS::SSM::Parameter" and resource["Properties"]["Name"]), name)
        switches = [{"Sub": f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter/${{AWS::StackName}}/switches/{name}"}
                    for name in ("mode", "auto-reply", "delivery")]
        readers = set()
        for role, statement in policies():
            actions = many(statement["Action"])
            self.assertFalse([action for action in actions if action.startswith("ssm:") and not action.startswith("ssm:Get")], role)
            if "switches" in str(statement):
                self.assertEqual((actions, statement["Resource"]), (["ssm:GetParameters"], switches), role)
                readers.add(role)
        self.assertEqual(readers, {"TriageRole", "AlertRole", "ReportRole"})
        path = {"Sub": "/${AWS::StackName}/switches"}
        self.assertEqual(TEMPLATE["Outputs"]["SwitchesPath"]["Value"], path)
        self.assertEqual(FUNCTIONS["Report"]["Environment"]["Variables"]["SWITCHES"], path)
        self.assertEqual(settings()["SWITCHES"], path["Sub"])
        for gone in ("Stage", "Mode", "AutoReply", "Delivery"):
            self.assertNotIn(gone, TEMPLATE["Parameters"])

    def test_a_build_takes_what_lies_in_shared(self):
        """SAM's own cache looks at a function's folder only."""
        config = tomllib.loads((ROOT / "samconfig.toml").read_text())
        for name, environment in config.items():
            if name != "version":
                self.assertIs(environment["build"]["parameters"]["cached"], False, name)

    def test_two_stacks_share_no_name(self):
        """In one account and region; and what CloudFront names, in two regions as well."""
        for function, properties in FUNCTIONS.items():
            self.assertNotIn("FunctionName", properties)
            for name, event in properties.get("Events", {}).items():
                if event["Type"] == "ScheduleV2":
                    self.assertIs(event["Properties"].get("OmitName"), True, f"{function}{name}")
                    self.assertNotIn("Name", event["Properties"])
        found = {}
        for resource, described in RESOURCES.items():
            properties = described.get("Properties", {})
            properties = properties.get("OriginAccessControlConfig") or properties.get("ResponseHeadersPolicyConfig") or properties
            for key, value in properties.items():
                if key in ("Name", "LogGroupName", "DashboardName", *(f"{kind}Name" for kind in ("Role", "Queue", "Table", "Bucket", "Topic", "Alarm"))):
                    found[resource] = value["Sub"]
        self.assertGreater(len(found), 10)
        for resource, name in found.items():
            self.assertIn("${AWS::StackName}", name, resource)
            if RESOURCES[resource]["Type"].startswith("AWS::CloudFront::"):
                self.assertIn("${AWS::Region}", name, resource)
                # 64 characters is CloudFront's limit, ap-southeast-5 is as long as a region gets.
                longest = name.replace("${AWS::StackName}", "s" * 40).replace("${AWS::Region}", "ap-southeast-5")
                self.assertLessEqual(len(longest), 64, f"{resource} of a stack whose name has 40 characters")

    def test_the_webhook_reads_nothing_of_the_customers(self):
        statements = [statement for role, statement in policies() if role == "WebhookRole"]
        self.assertEqual({statement["Sid"] for statement in statements}, {"Log", "Trace", "Queue", "ReadSecret"})
        text = json.dumps([statements, FUNCTIONS["Webhook"]["Environment"], TEMPLATE["Globals"]])
        for foreign in ("ConfigBucket", "SettingsParameter", "/settings", "/switches"):
            self.assertNotIn(foreign, text)

    def test_the_sweep_reads_records_and_writes_none(self):
        allowed = {statement["Sid"]: (many(statement["Action"]), statement["Resource"]) for role, statement in policies() if role == "SweepRole"}
        self.assertEqual(set(allowed), {"Log", "Trace", "Queue", "Records", "PlaceAndLimits", "ReadCredentials"})
        self.assertEqual(allowed["Records"], (["dynamodb:GetItem"], {"GetAtt": "TicketsTable.Arn"}))
        schedule = FUNCTIONS["Sweep"]["Events"]["Often"]["Properties"]
        self.assertEqual(schedule["State"], {"If": ["Sweeping", "ENABLED", "DISABLED"]})

    def test_the_webhook_answers_before_it_is_ended(self):
        longest = int(re.search(r"pub const LONGEST: Duration = Duration::from_secs\((\d+)\);", rust("functions/webhook/src/lib.rs")).group(1))
        for local, times in TEMPLATE["Mappings"]["Timings"].items():
            self.assertLessEqual(longest + 2, times["Webhook"], local)
        self.assertLess(1000 * longest, RESOURCES["ApiIntegration"]["Properties"]["TimeoutInMillis"])

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
                    self.assertEqual((condition, local), ("OnLocalCloud", "*"))
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
            self.assertLessEqual(threshold, 800 * TEMPLATE["Mappings"]["Timings"]["false"][name], "80 % of the timeout")

    def test_the_metrics_of_alarms_and_dashboard_are_those_we_write(self):
        written = set(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        text = (ROOT / "template.yaml").read_text()
        for resource in RESOURCES.values():
            if resource.get("Properties", {}).get("Namespace") == "TicketTriage":
                self.assertIn(resource["Properties"]["MetricName"], written)
        shown = re.findall(r'\["(?:TicketTriage|\.)", "([A-Za-z]+)", (?:"Stack"|"\.")', text)
        self.assertTrue(shown)
        self.assertLessEqual({name for name in shown if not name.startswith("Approximate")}, written)

    def test_alarms_and_dashboard_look_at_this_stack_alone(self):
        """A metric of ours without the stack, or of AWS without a resource of it, would mix two stacks of an account."""
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["STACK"], {"Ref": "AWS::StackName"})
        self.assertIn('DIMENSION: &str = "Stack"', rust("shared/runtime/src/metrics.rs"))
        alarms = {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
        ours = [name for name, alarm in alarms.items() if alarm["Namespace"] == "TicketTriage"]
        self.assertTrue(ours)
        for name, alarm in alarms.items():
            if name in ours:
                self.assertIn({"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}, alarm["Dimensions"], name)
            else:
                referred = [dimension["Value"].get("Ref") or dimension["Value"]["GetAtt"].split(".")[0] for dimension in alarm["Dimensions"]]
                self.assertTrue(referred and set(referred) <= set(RESOURCES), name)
            self.assertNotIn("AlarmName", alarm, "a fixed name would keep a second stack from being made")
        body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"])
        for widget in body["widgets"]:
            first = widget["properties"]["metrics"][0]
            if first[0] == "TicketTriage":
                self.assertEqual(first[2:4], ["Stack", "${AWS::StackName}"])

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
