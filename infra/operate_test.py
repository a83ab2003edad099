#!/usr/bin/env python3
"""The operator's scripts against an emulator with a stack of queues, parameters, mappings and a table, without our functions.

    python3 infra/operate_test.py

Runs in the local cloud's environment (infra/local-cloud), which it makes if need be.
"""

import contextlib
import datetime
import importlib.util
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
STACK = "mini"

TEMPLATE = {
    "Resources": {
        **{f"{queue}{kind}": {"Type": "AWS::SQS::Queue"} for queue in ("Tickets", "Alerts") for kind in ("Queue", "DeadLetters")},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}},
        **{function: {"Type": "AWS::Lambda::Function", "Properties": {
            "Runtime": "python3.11", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            # It answers with what it was asked, so that the tests see it.
            "Code": {"ZipFile": "def handler(event, _):\n"
                                "    if event.get('ticket') == 666: raise ValueError('planned')\n"
                                "    return {'resent': len(event.get('states', [])) * 10 + event.get('ticket', 0)}\n"},
        }} for function in ("Triage", "Alert")},
        **{f"{function}Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": function}}}
           for function in ("Triage", "Alert")},
        **{f"{function}Live": {"Type": "AWS::Lambda::Alias", "Properties": {
            "FunctionName": {"Ref": function}, "Name": "live", "FunctionVersion": {"Fn::GetAtt": [f"{function}Version", "Version"]}}}
           for function in ("Triage", "Alert")},
        **{f"{function}Messages": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
            "FunctionName": {"Ref": f"{function}Live"}, "EventSourceArn": {"Fn::GetAtt": [f"{queue}Queue", "Arn"]}, "Enabled": False}}
           for function, queue in (("Triage", "Tickets"), ("Alert", "Alerts"))},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": False,
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "Tags": [{"Key": "owner", "Value": "support"}]}},
        "Site": {"Type": "AWS::S3::Bucket"},
        "Topic": {"Type": "AWS::SNS::Topic"},
        **{name: {"Type": "AWS::CloudWatch::Alarm", "Properties": {
            "Namespace": "TicketTriage", "MetricName": name, "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0, "TreatMissingData": "notBreaching",
            **({"AlarmActions": [{"Ref": "Topic"}]} if name == "Parked" else {})}} for name in ("Parked", "Canary")},
    },
    "Outputs": {name: {"Value": value} for name, value in {
        **{f"{queue}{kind}Url": {"Ref": f"{queue}{kind}"} for queue in ("Tickets", "Alerts") for kind in ("Queue", "DeadLetters")},
        "TriageMapping": {"Ref": "TriageMessages"}, "AlertMapping": {"Ref": "AlertMessages"},
        "TriageFunctionName": {"Ref": "Triage"}, "AlertFunctionName": {"Ref": "Alert"},
        "TicketsTableName": {"Ref": "Table"}, "SiteBucketName": {"Ref": "Site"},
    }.items()},
}


def local_cloud():
    """The module infra/local-cloud/__main__.py."""
    spec = importlib.util.spec_from_file_location("local_cloud", HERE / "local-cloud" / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Emulator:
    """AWS on this machine, for as long as the context lasts; this process and its children use it."""

    def __enter__(self) -> "Emulator":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"http://localhost:{port}"
        os.environ.update(AWS_ENDPOINT_URL=self.url, AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="test",
                          AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true",
                          # Names under localhost, where the key-value store is.
                          PYTHONPATH=str(HERE / "local-cloud" / "resolver"))
        environment = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": self.folder.name,
                       "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"}
        self.log = open(pathlib.Path(self.folder.name) / "emulator.log", "w")
        self.process = subprocess.Popen([sys.executable, HERE / "local-cloud" / "emulator.py"], env=environment, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).status == 200:
                    return self
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError((pathlib.Path(self.folder.name) / "emulator.log").read_text()[-3000:])
            time.sleep(0.2)

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


def run(*arguments: str, script: str = "operate.py", text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, HERE / script, *arguments], input=text, capture_output=True, text=True)


class WithoutAws(unittest.TestCase):
    def test_help_names_every_command(self):
        shown = run("--help").stdout
        for command in ("status", "mode", "auto-reply", "delivery", "pause", "resume", "redrive", "resend", "test-alarm", "restore"):
            self.assertIn(f"STACK {command}", shown)

    def test_a_wrong_word_is_refused(self):
        for words in (("mode", "on"), ("auto-reply", "act"), ("pause", "webhook"), ("redrive", "all"), ("redrive", "alerts", "--rate", "0"),
                      ("restore", "yesterday"), ("restore", "2026-11-28T20:00")):
            self.assertEqual(run(STACK, *words).returncode, 2, words)


class Forget(unittest.TestCase):
    def test_an_alert_forgets_earlier_tickets_and_alerts(self):
        import forget
        alert = {"ticket": 3, "past": [{"id": 1}, {"id": 2}], "earlier": [{"key": "1/guardian/critical"}, {"key": "12/opportunity/elevated"}]}
        self.assertEqual(forget.without_mention(alert, {1}), {**alert, "past": [{"id": 2}], "earlier": [{"key": "12/opportunity/elevated"}]})
        self.assertEqual(forget.without_mention(alert, {7}), alert)
        self.assertEqual(forget.without_mention({"past": [{"id": 1}]}, {1}), {"past": []}, "of an earlier release")


class Redrive(unittest.TestCase):
    """SQS's own move task, which the emulator lacks."""

    class Sqs:
        """Moves `speed` messages at every look; what it moves fails at once and is there again."""

        def __init__(self, there: int, poison: bool, speed: int, failure: str | None = None, late: int = 0) -> None:
            self.there, self.poison, self.speed, self.failure, self.late = there, poison, speed, failure, late
            self.moved, self.status, self.cancelled, self.looks = 0, "RUNNING", 0, 0

        def list_message_move_tasks(self, **_) -> dict:
            self.looks += 1
            if self.looks <= self.late:
                return {"Results": [{"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 9, "StartedTimestamp": 1}]}
            if self.looks > 1000:
                raise AssertionError("the redrive does not end")
            if self.status == "RUNNING" and self.failure:
                self.status = "FAILED"
            elif self.status == "RUNNING":
                self.moved += self.speed if self.poison else min(self.speed, self.there - self.moved)
                if not self.poison and self.moved >= self.there:
                    self.status = "COMPLETED"
            return {"Results": [{"Status": self.status, "ApproximateNumberOfMessagesMoved": self.moved, "TaskHandle": "handle",
                                 "StartedTimestamp": 2, "FailureReason": self.failure}]}

        def cancel_message_move_task(self, TaskHandle: str) -> None:
            self.cancelled, self.status = self.cancelled + 1, "CANCELLED"

    def watch(self, sqs) -> int:
        import operate
        with unittest.mock.patch.object(operate, "length", lambda _: 1), contextlib.redirect_stdout(io.StringIO()) as self.said, \
             contextlib.redirect_stderr(io.StringIO()):
            return operate.watch_move(sqs, "arn", "url", sqs.there, 1, 0)

    def test_a_redrive_ends_when_all_is_moved(self):
        sqs = self.Sqs(40, poison=False, speed=7)
        self.assertEqual((self.watch(sqs), sqs.cancelled), (0, 0))
        self.assertIn("40 moved", self.said.getvalue())

    def test_the_task_of_last_time_does_not_end_it(self):
        self.watch(self.Sqs(40, poison=False, speed=7, late=3))
        self.assertIn("40 moved", self.said.getvalue())

    def test_a_poisoned_message_does_not_keep_it_going(self):
        sqs = self.Sqs(3, poison=True, speed=1)
        self.assertEqual(self.watch(sqs), 0)
        self.assertEqual((sqs.cancelled, sqs.moved), (1, 3))

    def test_a_failure_of_sqs_is_told(self):
        import operate
        with self.assertRaisesRegex(operate.Problem, "AccessDenied"):
            self.watch(self.Sqs(3, poison=False, speed=1, failure="AccessDenied"))

    def test_an_interruption_cancels_the_task(self):
        sqs = self.Sqs(1000, poison=False, speed=1)
        with unittest.mock.patch("time.sleep", side_effect=KeyboardInterrupt):
            self.assertEqual(self.watch(sqs), 130)
        self.assertEqual(sqs.cancelled, 1)


class OnAnEmulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        import boto3
        cls.emulator = cls.enterClassContext(Emulator())
        cls.client = staticmethod(boto3.client)
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        described = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        cls.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def done(self, *arguments: str, **more) -> str:
        finished = run(STACK, *arguments, **more)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return finished.stdout

    def value(self, switch: str) -> str:
        return self.client("ssm").get_parameter(Name=f"/{STACK}/switches/{switch}")["Parameter"]["Value"]

    def test_a_stack_that_is_not_there_is_named(self):
        finished = run("nothing", "status")
        self.assertEqual(finished.returncode, 1)
        self.assertIn("no stack nothing in us-east-1", finished.stderr)
        self.assertEqual(run("nothing", "mode", "suggest").returncode, 1)

    def test_a_switch_says_what_it_was_and_is(self):
        self.assertIn("delivery: on (never set) -> off. In effect within 5 minutes.", self.done("delivery", "off"))
        self.assertIn("delivery: off -> on", self.done("delivery", "on"))
        self.assertIn("on already", self.done("delivery", "on"))
        self.assertEqual(self.value("delivery"), "on")

    def test_what_acts_on_customers_is_asked_for(self):
        self.done("mode", "suggest")
        refused = run(STACK, "mode", "act")
        self.assertEqual((refused.returncode, self.value("mode")), (1, "suggest"))
        self.assertIn("--yes", refused.stderr)
        self.assertEqual(run(STACK, "auto-reply", "on").returncode, 1)
        self.assertIn("no effect yet: the mode is suggest", self.done("auto-reply", "on", "--yes"))
        self.assertIn("mode: suggest -> act", self.done("mode", "act", "--yes"))
        # Down is never asked.
        self.done("auto-reply", "off")
        self.done("mode", "shadow")
        self.assertEqual((self.value("mode"), self.value("auto-reply")), ("shadow", "off"))

    def test_intake_is_paused_and_resumed(self):
        state = lambda output: self.client("lambda").get_event_source_mapping(UUID=self.outputs[output])["State"]
        self.done("resume")
        self.assertEqual((state("TriageMapping"), state("AlertMapping")), ("Enabled", "Enabled"))
        said = self.done("pause", "tickets")
        self.assertEqual((state("TriageMapping"), state("AlertMapping")), ("Disabled", "Enabled"))
        self.assertIn("tickets: paused", said)
        self.assertIn("4 days", said)
        import operate
        self.assertEqual(operate.paused(operate.Stack(STACK)), ["tickets"])
        self.done("pause")
        self.done("pause")
        self.assertEqual(operate.paused(operate.Stack(STACK)), ["tickets", "alerts"])

    def test_dead_letters_are_listed_and_sent_back_once(self):
        sqs, dead, queue = self.client("sqs"), self.outputs["AlertsDeadLettersUrl"], self.outputs["AlertsQueueUrl"]
        self.done("pause")
        count = lambda url: int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
                                ["Attributes"]["ApproximateNumberOfMessages"])
        self.assertIn("No dead letters", self.done("redrive", "alerts"))
        for number in range(13):
            sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"ticket_id": number}))
        sqs.send_message(QueueUrl=dead, MessageBody="x" * 5000)
        listed = self.done("redrive", "alerts", "--list")
        self.assertEqual(sorted(json.loads(line[22:])["ticket_id"] for line in listed.splitlines() if "{" in line), list(range(13)))
        self.assertLess(max(map(len, listed.splitlines())), 400)
        self.assertEqual((count(dead), count(queue)), (14, 0), "a list moves nothing")
        self.assertIn("14 moved, 0 among", self.done("redrive", "alerts", "--rate", "5"))
        self.assertEqual((count(dead), count(queue)), (0, 14))
        sqs.purge_queue(QueueUrl=queue)

    def test_refused_alerts_are_sent_again(self):
        self.done("delivery", "on")
        self.done("mode", "suggest")
        self.assertEqual(self.done("resend"), "10 alerts are on their way again.\n")
        self.assertIn("21 alerts", self.done("resend", "--skipped", "--ticket", "1"))
        self.done("delivery", "off")
        self.assertIn("withheld: mode is suggest, delivery is off", self.done("resend"))
        failed = run(STACK, "resend", "--ticket", "666")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("the alert function failed", failed.stderr)

    def test_the_status_shows_what_was_changed(self):
        self.done("mode", "suggest")
        self.done("pause", "alerts")
        self.done("test-alarm")
        shown = self.done("status")
        for line in (r"mode +suggest +since 20", r"alerts +PAUSED: infra/operate.py mini resume", r"alert +live is version 1, the newest",
                     r"Parked, since .*docs/operations.md#parked", r"dashboard +never published", r"tickets +\d+ waiting"):
            self.assertRegex(shown, line)
        self.assertNotIn("Canary, since", shown)
        self.assertNotIn("unknown", shown)

    def test_an_invalid_switch_is_pointed_out(self):
        self.client("ssm").put_parameter(Name=f"/{STACK}/switches/mode", Value="acct", Type="String", Overwrite=True)
        self.assertIn("NOT VALID", self.done("status"))
        self.done("mode", "shadow")
        self.assertNotIn("NOT VALID", self.done("status"))

    def test_an_alarm_that_notifies_nobody_is_not_tested(self):
        refused = run(STACK, "test-alarm", "Canary")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("notifies nobody", refused.stderr)
        self.assertIn("the stack has Canary, Parked", run(STACK, "test-alarm", "None").stderr)

    def test_a_table_is_restored_with_its_settings(self):
        dynamodb, source = self.client("dynamodb"), self.outputs["TicketsTableName"]
        dynamodb.put_item(TableName=source, Item={"pk": {"S": "T#1"}})
        backups = lambda table, on: dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on})
        backups(source, False)
        self.assertIn("PointInTimeRecovery is off", run(STACK, "restore", "2026-11-28T20:00Z").stderr)
        backups(source, True)
        when = datetime.datetime.now(datetime.UTC)
        stamp = when.isoformat(timespec="milliseconds")
        said = self.done("restore", stamp)
        target = f"{STACK}-restored-{when:%Y%m%d%H%M}"
        self.assertIn(f"infra/deploy {STACK} --set TicketsTableName={target}", said)
        self.assertEqual(dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED")
        described = dynamodb.describe_continuous_backups(TableName=target)["ContinuousBackupsDescription"]
        self.assertEqual(described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")
        arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
        self.assertIn({"Key": "owner", "Value": "support"}, dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])
        # Again: nothing is restored twice.
        self.assertIn("is ready", self.done("restore", stamp))


if __name__ == "__main__":
    if os.environ.get("LOCAL_CLOUD_PYTHON") != sys.executable:
        python = str(local_cloud().ready_python())
        os.execve(python, [python, __file__, *sys.argv[1:]], {**os.environ, "LOCAL_CLOUD_PYTHON": python})
    sys.path.insert(0, str(HERE))
    unittest.main(verbosity=2)
