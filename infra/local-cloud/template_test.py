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

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

import template
from functions import functions

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How a metric's figures of one period become one, where it is not their sum.
STATISTIC = {"MessageAge": "Maximum", "AlertCapUsed": "Maximum", "Fallbacks": "Average", "ApproximateAgeOfOldestMessage": "Maximum",
             "ApproximateNumberOfMessagesVisible": "Maximum", "ApproximateNumberOfMessagesNotVisible": "Maximum"}
# CloudFront's managed policy CachingDisabled.
NO_CACHE = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# What the stack's tags do not reach. None of it has a line of its own on the bill but the schedules.
UNTAGGED = {
    "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::CloudFront::OriginAccessControl", "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSetEventDestination", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
}
# The functions whose settings are in the parameter store.
SETTLED = {"Triage", "Alert"}
BIN = pathlib.Path(sys.executable).parent


@functools.cache
def under(**parameters: str) -> dict:
    """The resources under these parameters."""
    return template.section(TEMPLATE, "Resources", **parameters)


def use(written: dict) -> None:
    """The tests look at this template from now on: as written, and as it is under the parameters' defaults."""
    global TEMPLATE, RESOURCES, FUNCTIONS
    under.cache_clear()
    TEMPLATE, RESOURCES = written, template.section(written, "Resources")
    FUNCTIONS = {name.removesuffix("Function"): resource["Properties"] for name, resource in RESOURCES.items()
                 if resource["Type"] == "AWS::Serverless::Function"}


use(template.read((ROOT / "template.yaml").read_text()))


def of(kind: str, resources: dict | None = None) -> dict[str, dict]:
    """The properties of every resource of a type."""
    return {name: resource.get("Properties", {}) for name, resource in (resources or RESOURCES).items() if resource["Type"] == kind}


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


def policies(resources: dict | None = None):
    """Every statement of a role that allows something."""
    for name, role in of("AWS::IAM::Role", resources).items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield name, statement


def allowed(role: str, **parameters: str) -> dict[str, dict]:
    """A role's statements by their ids."""
    found = [statement for name, statement in policies(under(**parameters)) if name == role]
    by_id = {statement["Sid"]: statement for statement in found}
    assert len(by_id) == len(found), f"{role}: two statements of one id"
    return by_id


def watched(alarm: dict) -> list[dict]:
    """The metrics of an alarm, be it of one or of a sum of them."""
    return [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm]


def of_metric(name: str) -> list[str]:
    """The alarms that watch a metric."""
    return [alarm for alarm, properties in of("AWS::CloudWatch::Alarm").items()
            if name in [metric["MetricName"] for metric in watched(properties)]]


def table(index: str = "") -> dict:
    """The ARN of the tickets table, whichever it is."""
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
    return {"Sub": [arn + index, {"Table": {"Ref": "TicketsTable"}}]}


def settings() -> dict[str, str]:
    """What triage and alert read from the parameter store, as the template writes it."""
    return json.loads(RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"][0])


def many(value) -> list:
    return value if isinstance(value, list) else [value]


def fires_at(alarm: dict) -> float:
    """The least whole figure that raises an alarm."""
    return alarm["Threshold"] + {"GreaterThanThreshold": 1, "GreaterThanOrEqualToThreshold": 0}[alarm["ComparisonOperator"]]


def period_of(alarm: dict) -> int:
    return alarm.get("Period") or next(query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query)


def expressions(alarm: dict) -> dict[str, str]:
    return {query["Id"]: query["Expression"] for query in alarm["Metrics"] if "Expression" in query}


def statistics_of(alarm: dict) -> list[str]:
    return [query["MetricStat"]["Stat"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm["Statistic"]]


@functools.cache
def taggable(kind: str) -> bool:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return schema.get("tagging", {}).get("taggable", schema.get("taggable", True))


def anchors(markdown: str) -> set[str]:
    """Of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", markdown, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
        alarms = of("AWS::CloudWatch::Alarm")
        aged = [metric["Dimensions"][0]["Value"] for alarm in alarms.values() for metric in watched(alarm)
                if metric["MetricName"] == "ApproximateAgeOfOldestMessage"]
        self.assertEqual(aged, [{"GetAtt": "TicketsQueue.QueueName"}, {"GetAtt": "AlertsQueue.QueueName"}])
        # The longest backoff, so that a message that keeps failing keeps the alarm up.
        alarm = alarms["PutOffLong"]
        self.assertEqual(alarm["MetricName"], "MessageAge")
        self.assertGreaterEqual(alarm["Period"] * alarm["EvaluationPeriods"], 2 * 900)
        self.assertEqual(alarm["DatapointsToAlarm"], 1)

    def test_a_function_parks_and_sends_nothing_to_itself(self):
        for function, queue in (("Triage", "Tickets"), ("Alert", "Alerts")):
            sends = [statement["Resource"]["GetAtt"] for statement in allowed(f"{function}Role").values()
                     if "sqs:SendMessage" in many(statement["Action"])]
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
        longest["Table"] = TEMPLATE["Parameters"]["TicketsTableName"]["MaxLength"]
        text, sources = RESOURCES["SettingsParameter"]["Properties"]["Value"]["Sub"]
        self.assertEqual(sources, {"Table": {"Ref": "TicketsTable"}})
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

    def test_nothing_is_allowed_on_everything_but_tracing(self):
        for role, statement in policies():
            for action in many(statement["Action"]):
                self.assertNotIn("*", action, role)
            for resource in many(statement["Resource"]):
                if resource == "*":
                    self.assertEqual(statement["Action"], ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], role)
                elif "*" in str(resource):
                    self.assertRegex(str(resource), r"/(knowledge_base|outbox)/\*'}$", role)

    def test_mail_is_sent_by_our_sender_alone(self):
        statement = allowed("AlertRole")["Send"]
        self.assertEqual(statement["Condition"], {"StringEquals": {"ses:FromAddress": {"Ref": "SenderEmail"}}})
        names = [resource["Sub"].rpartition(":")[2] for resource in statement["Resource"]]
        self.assertEqual(names, ["identity/${SenderIdentity}", "identity/${SenderEmail}", "configuration-set/${MailConfiguration}"])
        self.assertEqual({role for role, statement in policies() if "ses:SendEmail" in many(statement["Action"])}, {"AlertRole"})

    def test_every_function_has_a_role_and_a_log_of_its_own(self):
        for function, properties in FUNCTIONS.items():
            self.assertEqual(properties["Role"], {"GetAtt": f"{function}Role.Arn"})
            self.assertEqual(properties["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": {"Ref": f"{function}Logs"}})
            statements = allowed(f"{function}Role")
            self.assertEqual(statements["Log"]["Resource"], {"Sub": f"${{{function}Logs.Arn}}"})
            self.assertIn("xray:PutTraceSegments", statements["Trace"]["Action"])
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Tracing"], "Active")

    def test_every_alarm_has_its_page(self):
        pages = anchors((ROOT / "docs/operations.md").read_text())
        self.assertEqual([name for name in of("AWS::CloudWatch::Alarm") if name.lower() not in pages], [])

    def test_every_alarm_tells_twice_and_names_its_page(self):
        """When it begins and when it ends; only CodeDeploy asks the canary's."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            told = [] if name == "Canary" else [{"Ref": "AlarmTopic"}]
            self.assertEqual((alarm.get("AlarmActions", []), alarm.get("OKActions", [])), (told, told), name)
            self.assertNotEqual(alarm.get("ActionsEnabled"), False, name)
            self.assertRegex(alarm["AlarmDescription"], rf"^[A-Z0-9].*[.] docs/operations\.md#{name.lower()}$")

    def test_what_fails_is_watched(self):
        """Each figure of trouble raises its alarm: at the least that was meant, and after the time that was meant."""
        alarms = of("AWS::CloudWatch::Alarm")
        watch_out = {
            # The metric, the least figure, its period, and one of so many periods is enough.
            "Failing": ("Failed", 10, 300, 1), "Parked": ("Parked", 1, 300, 1), "MailRefused": ("Refused", 1, 300, 1),
            "MailBlocked": ("MailBlocked", 1, 300, 1), "Unauthorized": ("Unauthorized", 5, 900, 1), "Withheld": ("Withheld", 1, 3600, 24),
            "TicketsNotFound": ("NotFound", 1, 300, 1), "Denied": ("Denied", 1, 300, 1), "Exposed": ("Exposed", 1, 300, 1),
            "Misconfigured": ("Misconfigured", 1, 300, 3), "WebhookRefusing": ("5xx", 6, 300, 1), "PutOffLong": ("MessageAge", 1801, 900, 2),
            "AlertCapNear": ("AlertCapUsed", 80, 300, 1), "MailReturned": ("NumberOfMessagesPublished", 1, 300, 1),
            "Canary": (None, 1, 60, 5), "FunctionErrors": (None, 1, 300, 3), "FunctionThrottles": (None, 1, 300, 3),
            "DeadLetters": (None, 1, 60, 5), "DeadLettersOld": (None, 1, 86400, 7), "QueueWaiting": (None, 901, 300, 1),
        }
        for name, (metric, least, period, periods) in watch_out.items():
            alarm = alarms[name]
            self.assertEqual(alarm.get("MetricName"), metric, name)
            self.assertEqual(fires_at(alarm), least, name)
            self.assertEqual((period_of(alarm), alarm["EvaluationPeriods"]), (period, periods), name)
            points = 7 if name == "DeadLettersOld" else 1
            self.assertEqual(alarm.get("DatapointsToAlarm", periods), points, name)
            self.assertEqual(alarm["TreatMissingData"], "notBreaching", name)
        fallbacks = alarms["FallbacksMany"]
        self.assertEqual({name: fallbacks[name] for name in ("MetricName", "Statistic", "Period", "Threshold", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData")},
                         {"MetricName": "Fallbacks", "Statistic": "Average", "Period": 300, "Threshold": 0.2, "ComparisonOperator": "GreaterThanThreshold",
                          "EvaluationPeriods": 2, "TreatMissingData": "notBreaching"})
        elsewhere = {"DashboardOverdue", "DigestOverdue", "SweepOverdue", "NoTickets", "FallbacksMany"}
        self.assertEqual(set(alarms), set(watch_out) | elsewhere)
        functions_watched = lambda alarm, metric: {each["Dimensions"][0]["Value"]["Ref"].removesuffix("Function")
                                                   for each in watched(alarms[alarm]) if each["MetricName"] == metric}
        # The sweep's errors are not, since it comes again in five minutes.
        self.assertEqual(functions_watched("FunctionErrors", "Errors"), set(FUNCTIONS) - {"Sweep"})
        self.assertEqual(functions_watched("FunctionThrottles", "Throttles"), set(FUNCTIONS))

    def test_a_figure_is_added_up_as_it_is_meant(self):
        """A sum of ages or an age of sums says nothing."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            for metric, statistic in zip(watched(alarm), statistics_of(alarm)):
                self.assertEqual(statistic, STATISTIC.get(metric["MetricName"], "Sum") if name != "DeadLettersOld" else "Minimum", name)

    def test_expressions_are_of_metrics_that_are_there(self):
        """CloudWatch takes ten metrics an alarm, shows one series, and knows no other names."""
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            queries = {query["Id"]: query for query in alarm.get("Metrics", [])}
            if not queries:
                continue
            shown = [query["Id"] for query in queries.values() if query.get("ReturnData", True)]
            self.assertEqual(shown, ["watched"], name)
            expressions = " ".join(query.get("Expression", "") for query in queries.values())
            self.assertEqual(set(re.findall(r"\b[a-z][a-z_]*\b", expressions)), set(queries) - {"watched"}, name)
            self.assertLessEqual(len(queries) - 1, 10, name)
            periods = {query["MetricStat"]["Period"] for query in queries.values() if "MetricStat" in query}
            self.assertEqual(len(periods), 1, name)

    def test_a_second_dead_letter_is_told(self):
        """By growth of all dead-letter queues; what SQS moves itself has no metric of ours."""
        queues = [name for name in of("AWS::SQS::Queue") if name.endswith("DeadLetters")]
        self.assertEqual(len(queues), 3)
        for alarm, metrics in (("DeadLetters", ("Visible", "NotVisible")), ("DeadLettersOld", ("Visible",))):
            found = {(metric["MetricName"], metric["Dimensions"][0]["Value"]["GetAtt"]) for metric in watched(of("AWS::CloudWatch::Alarm")[alarm])}
            self.assertEqual(found, {(f"ApproximateNumberOfMessages{each}", f"{queue}.QueueName") for each in metrics for queue in queues})
            # A gap repeats the figure before it: filled with 0 it would look like growth.
            filled = "FILL(FILL({}, REPEAT), 0)" if alarm == "DeadLetters" else "FILL({}, 0)"
            added = "SUM([" + ", ".join(filled.format(query["Id"]) for query in of("AWS::CloudWatch::Alarm")[alarm]["Metrics"][1:]) + "])"
            self.assertEqual(expressions(of("AWS::CloudWatch::Alarm")[alarm]), {"watched": f"DIFF({added})" if alarm == "DeadLetters" else added})

    def test_what_does_not_happen_is_told(self):
        """Heartbeats: no figure at all is the very thing they watch for."""
        alarms, timings = of("AWS::CloudWatch::Alarm"), TEMPLATE["Mappings"]["Timings"]["false"]
        for name, schedule in (("DashboardOverdue", "Schedule"), ("DigestOverdue", "Schedule"), ("SweepOverdue", "SweepSchedule")):
            alarm = alarms[name]
            self.assertEqual(alarm["TreatMissingData"], "breaching", name)
            self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("LessThanThreshold", 1), name)
            number, unit = re.fullmatch(r"rate\((\d+) (hour|minute)s?\)", timings[schedule]).groups()
            # One call at least is due in each period.
            calls = period_of(alarm) / (int(number) * {"hour": 3600, "minute": 60}[unit])
            self.assertTrue(1 <= calls <= 3, name)
            self.assertEqual(alarm["EvaluationPeriods"], 2, name)
        for name, function in (("DashboardOverdue", "ReportFunction"), ("SweepOverdue", "SweepFunction")):
            self.assertEqual(expressions(alarms[name]), {"watched": "FILL(calls, 0) - FILL(errors, 0)"})
            self.assertEqual([(metric["MetricName"], metric["Dimensions"][0]["Value"]) for metric in watched(alarms[name])],
                             [("Invocations", {"Ref": function}), ("Errors", {"Ref": function})])
        self.assertEqual(alarms["DigestOverdue"]["MetricName"], "Digests")
        self.assertNotIn("SweepOverdue", under(Sweep="off"))
        self.assertIn("SweepOverdue", under(Sweep="export"))

    def test_hours_without_tickets_are_working_hours(self):
        alarm = of("AWS::CloudWatch::Alarm")["NoTickets"]
        self.assertEqual((alarm["EvaluationPeriods"], alarm["ComparisonOperator"], alarm["Threshold"]), ({"Ref": "QuietHours"}, "LessThanThreshold", 1))
        [metric] = watched(alarm)
        self.assertEqual((metric["MetricName"], period_of(alarm), alarm["TreatMissingData"]), ("Tickets", 3600, "notBreaching"))
        # An hour without tickets has no figure, hence no DAY of its own.
        self.assertEqual(expressions(alarm), {"watched": "IF(DAY(filled) < 6 AND HOUR(filled) >= 8 AND HOUR(filled) < 18, filled, 1)", "filled": "FILL(tickets, 0)"})
        self.assertNotIn("NoTickets", under(QuietHours="0"))
        # A working day has ten of them.
        self.assertEqual(TEMPLATE["Parameters"]["QuietHours"]["MaxValue"], 10)

    def test_a_failing_version_is_rolled_back(self):
        """Handlers answer with failed messages and no error, so the canary looks at both."""
        for function in SETTLED:
            preference = dict(FUNCTIONS[function]["DeploymentPreference"])
            self.assertEqual(preference.pop("Enabled"), {"Ref": "CanaryDeployment"})
            self.assertEqual(preference, {"Type": "Canary10Percent30Minutes", "Role": {"GetAtt": "RolloutRole.Arn"}, "Alarms": [{"Ref": "Canary"}]})
        alarm = of("AWS::CloudWatch::Alarm")["Canary"]
        self.assertEqual({(metric["MetricName"], str(metric["Dimensions"][0]["Value"])) for metric in watched(alarm)},
                         {("Failed", "{'Ref': 'AWS::StackName'}"), ("Errors", "{'Ref': 'TriageFunction'}"), ("Errors", "{'Ref': 'AlertFunction'}")})
        self.assertNotIn("RolloutRole", RESOURCES)
        self.assertIn("RolloutRole", under(CanaryDeployment="true"))

    def test_only_its_own_alarms_and_mails_reach_a_topic(self):
        """Bounces name a recipient and a subject, so they have a topic of their own."""
        account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-*"
        mails = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailConfiguration}"
        for topic, service, condition in (
                ("AlarmTopic", "cloudwatch.amazonaws.com", {"StringEquals": account, "ArnLike": {"aws:SourceArn": {"Sub": alarms}}}),
                ("MailEventsTopic", "ses.amazonaws.com", {"StringEquals": {**account, "aws:SourceArn": {"Sub": mails}}})):
            policy = of("AWS::SNS::TopicPolicy")[f"{topic}Policy"]
            self.assertEqual(policy["Topics"], [{"Ref": topic}])
            [statement] = policy["PolicyDocument"]["Statement"]
            self.assertEqual((statement["Principal"], statement["Action"], statement["Resource"]), ({"Service": service}, "sns:Publish", {"Ref": topic}))
            self.assertEqual(statement["Condition"], condition)
        destination = of("AWS::SES::ConfigurationSetEventDestination")["MailEvents"]["EventDestination"]
        self.assertEqual(destination["SnsDestination"], {"TopicARN": {"Ref": "MailEventsTopic"}})
        self.assertEqual(set(destination["MatchingEventTypes"]), {"bounce", "complaint", "reject"})
        self.assertIs(destination["Enabled"], True)
        configuration = of("AWS::SES::ConfigurationSet")["MailConfiguration"]
        self.assertEqual(configuration["DeliveryOptions"], {"TlsPolicy": "REQUIRE"})
        self.assertEqual(configuration["SuppressionOptions"], {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]})
        self.assertNotIn("Default", TEMPLATE["Parameters"]["AlarmEmail"], "an operator names somebody or says none")
        told = lambda **parameters: {name: each["Endpoint"] for name, each in of("AWS::SNS::Subscription", under(**parameters)).items()}
        self.assertEqual(told(AlarmEmail="none"), {})
        self.assertEqual(told(AlarmEmail="a@b.c", MailEventsEmail="d@e.f"),
                         {"AlarmSubscription": {"Ref": "AlarmEmail"}, "MailEventsSubscription": {"Ref": "MailEventsEmail"}})

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

    def test_everything_is_encrypted_at_rest(self):
        key, key_arn = {"Ref": "KmsKeyArn"}, "arn:aws:kms:eu-west-1:123456789012:key/k"
        own = under(KmsKeyArn=key_arn)
        for name, queue in of("AWS::SQS::Queue").items():
            self.assertIs(queue["SqsManagedSseEnabled"], True, name)
            self.assertNotIn("KmsMasterKeyId", queue)
            # SQS takes one of the two.
            queue = own[name]["Properties"]
            self.assertEqual((queue.get("SqsManagedSseEnabled"), queue["KmsMasterKeyId"]), (None, key), name)
        for name, bucket in of("AWS::S3::Bucket").items():
            rule = lambda bucket: bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            self.assertEqual(rule(bucket), [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}], name)
            self.assertEqual(rule(own[name]["Properties"])[0]["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, name)
        for name, found in of("AWS::DynamoDB::Table").items():
            # Without a specification DynamoDB encrypts with a key of its own.
            self.assertNotIn("SSESpecification", found)
            self.assertEqual(own[name]["Properties"]["SSESpecification"], {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
        for kind, field in (("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Logs::LogGroup", "KmsKeyId")):
            self.assertTrue(of(kind))
            for name, found in of(kind).items():
                self.assertNotIn(field, found, name)
                self.assertEqual(own[name]["Properties"][field], key, name)

    def test_a_key_is_used_by_whoever_reads_with_it(self):
        own = {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k", "SecretsKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/s"}
        self.assertFalse([role for role, statement in policies() if "kms:" in str(statement["Action"])], "there is no key by default")
        users = lambda sid: {role for role, statement in policies(under(**own)) if statement["Sid"] == sid}
        self.assertEqual(users("Key"), {*(f"{function}Role" for function in FUNCTIONS), "SchedulesRole"})
        secrets = {role for role, statement in policies() if re.search("webhook-secret|anthropic-api-key|zendesk-credentials", str(statement["Resource"]))}
        self.assertEqual(users("SecretsKey"), secrets)
        for role, statement in policies(under(**own)):
            if statement["Sid"] == "Key":
                self.assertEqual((statement["Action"], statement["Resource"]), (["kms:Decrypt", "kms:GenerateDataKey"], {"Ref": "KmsKeyArn"}), role)
            elif statement["Sid"] == "SecretsKey":
                self.assertEqual((statement["Action"], statement["Resource"]), ("kms:Decrypt", {"Ref": "SecretsKmsKeyArn"}), role)
                self.assertEqual(statement["Condition"], {"StringEquals": {"kms:ViaService": {"Sub": "ssm.${AWS::Region}.${AWS::URLSuffix}"}}})

    def test_everything_is_encrypted_on_its_way(self):
        secure = {"Bool": {"aws:SecureTransport": "false"}}
        [queues] = of("AWS::SQS::QueuePolicy").values()
        [statement] = queues["PolicyDocument"]["Statement"]
        self.assertEqual((statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"]), ("Deny", "*", "sqs:*", secure))
        self.assertEqual({each["Ref"] for each in queues["Queues"]}, set(of("AWS::SQS::Queue")))
        self.assertEqual({each["GetAtt"].removesuffix(".Arn") for each in statement["Resource"]}, set(of("AWS::SQS::Queue")))
        closed = set()
        for policy in of("AWS::S3::BucketPolicy").values():
            bucket = policy["Bucket"]["Ref"]
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Deny":
                    self.assertEqual((statement["Principal"], statement["Action"], statement["Condition"]), ("*", "s3:*", secure))
                    self.assertEqual(statement["Resource"], [{"GetAtt": f"{bucket}.Arn"}, {"Sub": f"${{{bucket}.Arn}}/*"}])
                    closed.add(bucket)
        self.assertEqual(closed, set(of("AWS::S3::Bucket")))
        self.assertEqual(RESOURCES["Site"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]["ViewerProtocolPolicy"], "redirect-to-https")

    def test_only_the_local_cloud_is_lax(self):
        """test, staging and prod are names of stacks; what is lax is lax by one parameter, and it is off."""
        self.assertEqual(TEMPLATE["Parameters"]["LocalCloud"]["Default"], "false")
        local = under(LocalCloud="true")
        lax = {name for name in RESOURCES if RESOURCES[name] != local.get(name)}
        self.assertEqual(lax, {"QueuesTlsOnly", "ConfigBucketPolicy", "SiteBucketPolicy", "SiteLogsPolicy", "AlertRole"})
        self.assertFalse(set(local) - set(RESOURCES))

    def test_buckets_are_closed_and_forget(self):
        for name, bucket in of("AWS::S3::Bucket").items():
            self.assertEqual(bucket["PublicAccessBlockConfiguration"], dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True), name)
            # CloudFront writes its log by an entry in the bucket's ACL.
            owner = "BucketOwnerPreferred" if name == "SiteLogs" else "BucketOwnerEnforced"
            self.assertEqual(bucket["OwnershipControls"], {"Rules": [{"ObjectOwnership": owner}]}, name)
        rules = lambda name: of("AWS::S3::Bucket")[name]["LifecycleConfiguration"]["Rules"]
        for name, days in (("SiteBucket", "RetentionDays"), ("SiteLogs", "LogRetentionDays")):
            self.assertEqual([(rule["Status"], rule["ExpirationInDays"]) for rule in rules(name)], [("Enabled", {"Ref": days})])
        self.assertEqual(of("AWS::S3::Bucket")["ConfigBucket"]["VersioningConfiguration"], {"Status": "Enabled"})
        self.assertIn(("Enabled", {"NoncurrentDays": 90}), [(rule["Status"], rule.get("NoncurrentVersionExpiration")) for rule in rules("ConfigBucket")])
        for name, group in of("AWS::Logs::LogGroup").items():
            self.assertEqual(group["RetentionInDays"], {"Ref": "LogRetentionDays"}, name)

    def test_what_cannot_be_made_again_is_kept(self):
        for kind, deletion, replacement in (("AWS::DynamoDB::Table", "RetainExceptOnCreate", "Retain"), ("AWS::S3::Bucket", "RetainExceptOnCreate", "Retain"),
                                            ("AWS::SQS::Queue", "Delete", "Delete"), ("AWS::Logs::LogGroup", "Delete", "Delete")):
            for name in of(kind):
                self.assertEqual((RESOURCES[name].get("DeletionPolicy"), RESOURCES[name].get("UpdateReplacePolicy")), (deletion, replacement), name)
        for name, found in of("AWS::DynamoDB::Table").items():
            self.assertEqual(found["TimeToLiveSpecification"], {"AttributeName": "expires_at", "Enabled": True}, name)
            self.assertEqual(found["BillingMode"], "PAY_PER_REQUEST", name)
            for choice in (True, False):
                chosen = under(DeletionProtection=str(choice).lower())[name]["Properties"]
                self.assertIs(chosen["DeletionProtectionEnabled"], choice, name)
        for choice in (True, False):
            chosen = under(PointInTimeRecovery=str(choice).lower())["TicketsTable"]["Properties"]
            self.assertEqual(chosen["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": choice})
        self.assertEqual(TEMPLATE["Parameters"]["PointInTimeRecovery"]["Default"], "true")

    def test_the_way_in_is_wide_and_logged(self):
        stage = RESOURCES["ApiStage"]["Properties"]
        throttles = stage["DefaultRouteSettings"]
        self.assertEqual((throttles["ThrottlingRateLimit"], throttles["ThrottlingBurstLimit"]), (500, 1000))
        logged = json.loads(stage["AccessLogSettings"]["Format"])
        self.assertEqual(stage["AccessLogSettings"]["DestinationArn"], {"GetAtt": "ApiLogs.Arn"})
        self.assertLessEqual({"$context.identity.sourceIp", "$context.identity.userAgent", "$context.integrationStatus", "$context.status"}, set(logged.values()))
        permission = RESOURCES["ApiPermission"]["Properties"]
        self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
        self.assertTrue(permission["SourceArn"]["Sub"].endswith(":${Api}/*/*/webhooks/zendesk"))

    def test_the_site_admits_by_the_gate_alone(self):
        site = RESOURCES["Site"]["Properties"]["DistributionConfig"]
        behavior = site["DefaultCacheBehavior"]
        self.assertEqual(behavior["FunctionAssociations"], [{"EventType": "viewer-request", "FunctionARN": {"GetAtt": "SiteGate.FunctionARN"}}])
        self.assertEqual(behavior["ResponseHeadersPolicyId"], {"Ref": "SiteHeaders"})
        self.assertEqual(behavior["CachePolicyId"], NO_CACHE)
        self.assertEqual(site["Origins"][0]["OriginAccessControlId"], {"Ref": "SiteAccess"})
        for other in site.get("CacheBehaviors", []):
            self.assertTrue(other.get("FunctionAssociations"), f"{other['PathPattern']} has no gate")
        headers = RESOURCES["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        self.assertEqual(set(headers), {"ContentTypeOptions", "FrameOptions", "ReferrerPolicy", "StrictTransportSecurity"})
        readers = [statement for statement in RESOURCES["SiteBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"]
        self.assertEqual([(reader["Principal"], reader["Action"]) for reader in readers], [({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")])
        self.assertEqual(readers[0]["Condition"], {"StringEquals": {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Site}"}}})

    def test_who_read_the_site_is_logged(self):
        logging = lambda **parameters: under(**parameters)["Site"]["Properties"]["DistributionConfig"].get("Logging")
        # A cookie of the dashboard's is a login.
        self.assertEqual(logging(), {"Bucket": {"GetAtt": "SiteLogs.DomainName"}, "Prefix": "site/", "IncludeCookies": False})
        self.assertIsNone(logging(SiteAccessLog="false"))
        self.assertFalse({"SiteLogs", "SiteLogsPolicy"} & set(under(SiteAccessLog="false")))

    def test_a_domain_has_a_certificate_and_newer_tls(self):
        site = lambda **parameters: under(**parameters)["Site"]["Properties"]["DistributionConfig"]
        self.assertFalse({"Aliases", "ViewerCertificate"} & set(site()))
        found = site(SiteDomain="triage.example.com", SiteCertificateArn="arn")
        self.assertEqual(found["Aliases"], [{"Ref": "SiteDomain"}])
        self.assertEqual(found["ViewerCertificate"], {"AcmCertificateArn": {"Ref": "SiteCertificateArn"}, "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"})
        [assertion] = TEMPLATE["Rules"]["SiteDomainHasCertificate"]["Assertions"]
        for domain, certificate, right in (("", "", True), ("d", "c", True), ("d", "", False), ("", "c", False)):
            given = {"SiteDomain": domain, "SiteCertificateArn": certificate}
            self.assertIs(template.holds(TEMPLATE, assertion["Assert"], given), right, given)
        url = lambda **parameters: template.section(TEMPLATE, "Outputs", **parameters)["DashboardUrl"]["Value"]
        self.assertEqual((url(), url(SiteDomain="d")), ({"Sub": "https://${Site.DomainName}/"}, {"Sub": "https://${SiteDomain}/"}))

    def test_a_front_passes_everything_on(self):
        self.assertNotIn("Front", RESOURCES)
        front = under(WebhookFront="true")["Front"]["Properties"]["DistributionConfig"]
        behavior = front["DefaultCacheBehavior"]
        # AllViewerExceptHostHeader: with the viewer's host name API Gateway finds no API.
        self.assertEqual((behavior["CachePolicyId"], behavior["OriginRequestPolicyId"]), (NO_CACHE, "b689b0a8-53d0-40ab-baf2-68738e2966ac"))
        self.assertIn("POST", behavior["AllowedMethods"])
        self.assertEqual(behavior["ViewerProtocolPolicy"], "https-only")
        [origin] = front["Origins"]
        self.assertEqual(origin["DomainName"], {"Sub": "${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"})
        self.assertEqual(origin["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only")
        url = lambda **parameters: template.section(TEMPLATE, "Outputs", **parameters)["WebhookUrl"]["Value"]["Sub"]
        self.assertEqual((url(), url(WebhookFront="true")), ("${Api.ApiEndpoint}/webhooks/zendesk", "https://${Front.DomainName}/webhooks/zendesk"))

    def test_a_web_acl_stands_before_both(self):
        acl = lambda **parameters: {name: each["DistributionConfig"].get("WebACLId") for name, each in of("AWS::CloudFront::Distribution", under(**parameters)).items()}
        self.assertEqual(acl(), {"Site": None})
        self.assertEqual(acl(WebAclArn="arn", WebhookFront="true"), {"Site": {"Ref": "WebAclArn"}, "Front": {"Ref": "WebAclArn"}})

    def test_the_webhook_may_have_a_concurrency_of_its_own(self):
        kept = lambda **parameters: {name: each.get("ReservedConcurrentExecutions") for name, each in of("AWS::Serverless::Function", under(**parameters)).items()}
        self.assertEqual(set(kept().values()), {None})
        limited = kept(WebhookConcurrency="5")
        self.assertEqual(limited.pop("WebhookFunction"), {"Ref": "WebhookConcurrency"})
        self.assertEqual(set(limited.values()), {None})

    def test_every_role_takes_the_boundary(self):
        boundary = lambda **parameters: {str(role.get("PermissionsBoundary")) for role in of("AWS::IAM::Role", under(CanaryDeployment="true", **parameters)).values()}
        self.assertEqual(boundary(), {"None"})
        self.assertEqual(boundary(PermissionsBoundaryArn="arn"), {"{'Ref': 'PermissionsBoundaryArn'}"})

    def test_a_restored_table_takes_the_place_of_ours(self):
        """In functions, roles and outputs alike; our own stays where it is."""
        restored = under(TicketsTableName="restored")
        self.assertEqual(restored["TicketsTable"], RESOURCES["TicketsTable"])
        for name, resource in restored.items():
            self.assertFalse(name != "TicketsTable" and re.search(r"TicketsTable(?!Name)", json.dumps(resource)), name)
        ours, theirs = json.dumps(RESOURCES).count('{"Ref": "TicketsTable"}'), json.dumps(restored).count('{"Ref": "TicketsTableName"}')
        self.assertGreater(ours, 8)
        self.assertEqual(ours, theirs)
        output = lambda **parameters: template.section(TEMPLATE, "Outputs", **parameters)["TicketsTableName"]["Value"]
        self.assertEqual((output(), output(TicketsTableName="restored")), ({"Ref": "TicketsTable"}, {"Ref": "TicketsTableName"}))

    def test_tags_of_a_deployment_reach_what_can_have_them(self):
        """`sam deploy --tags` tags the stack, and CloudFormation everything in it but these."""
        kinds = {resource["Type"] for resource in TEMPLATE["Resources"].values()} - {"AWS::Serverless::Function"}
        # What SAM makes of a function's events and alias.
        kinds |= {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig",
                  "AWS::Scheduler::Schedule", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
        self.assertEqual({kind for kind in kinds if not taggable(kind)}, UNTAGGED)

    def test_the_metrics_of_alarms_and_dashboard_are_those_we_write(self):
        written = set(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        for alarm in of("AWS::CloudWatch::Alarm").values():
            for metric in watched(alarm):
                if metric["Namespace"] == "TicketTriage":
                    self.assertIn(metric["MetricName"], written)
        text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"]
        shown = re.findall(r'\["(?:TicketTriage|\.)", "([A-Za-z]+)", (?:"Stack"|"\.")', text)
        self.assertTrue(shown)
        self.assertLessEqual({name for name in shown if not name.startswith("Approximate") and name != "Throttles"}, written)

    def test_alarms_and_dashboard_look_at_this_stack_alone(self):
        """A metric of ours without the stack, or of AWS without a resource of it, would mix two stacks of an account."""
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["STACK"], {"Ref": "AWS::StackName"})
        self.assertIn('DIMENSION: &str = "Stack"', rust("shared/runtime/src/metrics.rs"))
        ours = set()
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            for metric in watched(alarm):
                if metric["Namespace"] == "TicketTriage":
                    self.assertEqual(metric["Dimensions"], [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}], name)
                    ours.add(name)
                else:
                    referred = [dimension["Value"].get("Ref") or dimension["Value"]["GetAtt"].split(".")[0] for dimension in metric["Dimensions"]]
                    self.assertTrue(referred and set(referred) <= set(RESOURCES), name)
            self.assertNotIn("AlarmName", alarm, "a fixed name would keep a second stack from being made")
        self.assertTrue(ours)
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
