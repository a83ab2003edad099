#!/usr/bin/env python3
"""infra/deploy against an emulator. SAM, cargo and Zendesk are stand-ins: `sam` makes the stack of operate_test.py.

    python3 infra/deploy_test.py
"""

import copy
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import operate_test

HERE = pathlib.Path(__file__).resolve().parent
BUNDLED = HERE.parent / "shared" / "data" / "customer"
STACK = "mini"
SECRET = "PLANTED-secret"

# Writes down how it was called, and does what the real one would.
STAND_IN = '''#!{python}
import json, os, pathlib, re, sys
name, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
secrets = [key for key in os.environ if key.startswith("ZENDESK_") and os.environ[key]]
with open(os.environ["CALLS"], "a") as log:
    log.write(json.dumps([name, *words, *sorted(secrets)]) + "\\n")
if name == "sam" and words[0] == "deploy":
    import boto3
    given = dict(re.match(r'(\\w+)="(.*)"$', word).groups() for word in words if re.match(r'\\w+="', word))
    template = json.loads(pathlib.Path(os.environ["TEMPLATE"]).read_text())
    template["Parameters"] = {{key: {{"Type": "String"}} for key in {{"AlarmEmail", *given}}}}
    cloudformation = boto3.client("cloudformation")
    wish = dict(StackName="{stack}", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"],
                Parameters=[{{"ParameterKey": key, "ParameterValue": value}} for key, value in given.items()])
    try:
        stack = cloudformation.describe_stacks(StackName="{stack}")["Stacks"][0]
        outputs = {{output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}}
        for mapping in ("TriageMapping", "AlertMapping"):
            boto3.client("lambda").update_event_source_mapping(UUID=outputs[mapping], Enabled=True)
    except cloudformation.exceptions.ClientError:
        cloudformation.create_stack(**wish)
        cloudformation.get_waiter("stack_create_complete").wait(StackName="{stack}", WaiterConfig={{"Delay": 1}})
if name == "cargo" and "zendesk-setup" in words:
    policy = pathlib.Path(words[words.index("--config") + 1]) / "policy.json"
    policy.write_text(policy.read_text().replace("360002001", "11"))
    print("bot user: deploy with ZendeskBotUserId=77")
if name == "cargo" and "check-config" in words:
    json.loads((pathlib.Path(words[-1]) / "policy.json").read_text())
sys.exit(int(os.environ.get("DOCTOR", "0")) if "doctor" in words else 0)
'''


def template() -> dict:
    made = copy.deepcopy(operate_test.TEMPLATE)
    made["Resources"] |= {
        "Config": {"Type": "AWS::S3::Bucket"},
        "Passwords": {"Type": "AWS::CloudFront::KeyValueStore", "Properties": {"Name": f"{STACK}-passwords"}},
        "Mail": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": STACK}},
        "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": {
            "TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}},
    }
    table = made["Resources"]["Table"]["Properties"]
    table["AttributeDefinitions"].append({"AttributeName": "sk", "AttributeType": "S"})
    table["KeySchema"].append({"AttributeName": "sk", "KeyType": "RANGE"})
    made["Outputs"] |= {name: {"Value": value} for name, value in {
        "ConfigBucketName": {"Ref": "Config"}, "SitePasswordsArn": {"Fn::GetAtt": ["Passwords", "Arn"]},
        "AlarmTopicArn": {"Ref": "Topic"}, "ReportFunctionName": {"Ref": "Triage"}, "WebhookUrl": "https://hook.test/",
        "DashboardUrl": "https://site.test/"}.items()}
    return made


class Zendesk(http.server.BaseHTTPRequestHandler):
    """Makes and deletes a ticket. Triage works at once, unless it is told not to."""

    triages = True
    tickets: set[int] = set()
    asked: list[tuple[str, str]] = []

    def do(self) -> None:
        import boto3
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        self.asked.append((self.command, self.path))
        outputs = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        table = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "TicketsTableName")
        put = lambda sk, **more: boto3.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "T#4242"}, "sk": {"S": sk}, **more})
        status, answer = 200, {}
        if self.path == "/oauth/tokens":
            status, answer = (200, {"access_token": "token"}) if body["client_secret"] == SECRET else (401, {})
        elif self.headers.get("Authorization") != "Bearer token":
            status = 401
        elif self.command == "POST":
            assert body["ticket"]["tags"] == ["installation_test"], body
            self.tickets.add(4242)
            if self.triages:
                put("RECORD")
            answer = {"ticket": {"id": 4242}}
        elif self.command == "DELETE":
            self.tickets.discard(4242)
            put("STATE", state_json={"S": '{"erasure": {"reason": "deleted"}}'})
            boto3.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "T#4242"}, "sk": {"S": "RECORD"}})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_POST = do_DELETE = do

    def log_message(self, *_) -> None:
        pass


class Deploy(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.emulator = self.enterContext(operate_test.Emulator())
        import boto3
        self.client = boto3.client
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("cargo", "cargo-lambda", "sam", "aws"):
            (tools / name).write_text(STAND_IN.format(python=sys.executable, stack=STACK))
            (tools / name).chmod(0o755)
        (self.folder / "template.json").write_text(json.dumps(template()))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Zendesk)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        Zendesk.triages = True
        self.answers, self.config = self.folder / "answers.toml", self.folder / "config"
        self.environment = {**os.environ, "PATH": f"{tools}:/usr/bin:/bin", "CALLS": str(self.folder / "calls"),
                            "TEMPLATE": str(self.folder / "template.json"),
                            **{f"ZENDESK_{which}_{part}": value for which in ("CLIENT", "RUNTIME_CLIENT")
                               for part, value in (("ID", "client"), ("SECRET", SECRET))}}
        self.flags = {"subdomain": f"http://127.0.0.1:{server.server_port}", "sender": "triage@acme.test", "guardian-email": "kam@acme.test",
                      "opportunity-email": "sales@acme.test", "alarm-email": "ops@acme.test", "config": str(self.config)}

    def deploy(self, *more: str, flags: dict | None = None, text: str = "", **environment: str) -> subprocess.CompletedProcess:
        given = [f"--{name}={value}" for name, value in (self.flags if flags is None else flags).items()]
        return subprocess.run([sys.executable, HERE / "deploy", STACK, "--answers", self.answers, "--yes", "--record-wait", "6", *given, *more],
                              env={**self.environment, **environment}, input=text, capture_output=True, text=True)

    def calls(self, *words: str) -> list[list[str]]:
        file = self.folder / "calls"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [line for line in lines if all(word in line for word in words)]

    def ready(self) -> None:
        """Mail is verified, so that nothing is left to do but to confirm the subscription."""
        ses = self.client("sesv2")
        ses.create_email_identity(EmailIdentity="acme.test")
        self.out_of_the_sandbox(True)

    def out_of_the_sandbox(self, out: bool) -> None:
        self.client("sesv2").put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://acme.test",
                                                 UseCaseDescription="alerts", ProductionAccessEnabled=out)

    def test_a_stack_is_installed_proved_and_left_alone_the_next_time(self):
        self.ready()
        first = self.deploy()
        self.assertEqual((first.returncode, first.stderr), (1, ""), first.stdout)
        # What is left is for the owner of the alarm address, whom AWS asked.
        self.assertRegex(first.stdout, r"ops@acme.test has (not )?confirmed")
        self.assertIn("triaged after", first.stdout)
        self.assertIn("ticket 4242 and what was kept of it are deleted", first.stdout)
        self.assertEqual(Zendesk.tickets, set())
        self.assertEqual(len(re.findall(r"(support|accounts|sales|lead):\S{20,}", first.stdout)), 4)
        parameters = self.client("ssm").get_parameters_by_path(Path=f"/{STACK}", Recursive=True, WithDecryption=True)["Parameters"]
        found = {parameter["Name"]: (parameter["Type"], parameter["Value"]) for parameter in parameters}
        self.assertEqual(found[f"/{STACK}/switches/mode"], ("String", "shadow"))
        self.assertEqual(found[f"/{STACK}/zendesk-credentials"][0], "SecureString")
        self.assertEqual(json.loads(found[f"/{STACK}/zendesk-credentials"][1]), {"client_id": "client", "client_secret": SECRET})
        # Set-up named the bot's user, so it was deployed with it, and the ids it found are in the bucket.
        self.assertEqual(len(self.calls("sam", "deploy")), 2)
        self.assertEqual(len(self.calls("sam", 'ZendeskBotUserId="77"')), 1)
        bucket = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="Config")
        bucket = bucket["StackResourceDetail"]["PhysicalResourceId"]
        policy = json.loads(self.client("s3").get_object(Bucket=bucket, Key="policy.json")["Body"].read())
        self.assertEqual(policy["zendesk"]["fields"]["guardian_risk_score"], 11)
        self.assertEqual(policy["zendesk"]["url"], self.flags["subdomain"])
        # Secrets went to nobody's command line, answer or output.
        for text in (first.stdout, self.answers.read_text(), *map(str, self.calls())):
            self.assertNotIn(SECRET, text)
        self.client("ssm").put_parameter(Name=f"/{STACK}/switches/mode", Value="act", Type="String", Overwrite=True)
        again = self.deploy(flags={})
        self.assertNotRegex(again.stdout, r"(support|accounts|sales|lead):\S{20,}")
        self.assertIn("mode is act, and stays", again.stdout)
        self.assertIn("0 of 3 files copied", again.stdout)
        self.assertEqual(len(self.calls("sam", "deploy")), 3)

        with self.subTest("secrets from standard input reach our own commands only"):
            secrets = {name: self.environment.pop(name) for name in list(self.environment) if name.startswith("ZENDESK_")}
            self.assertIn("triaged after", self.deploy("--secrets-stdin", flags={}, text=json.dumps(secrets)).stdout)
            self.assertIn("ZENDESK_CLIENT_SECRET", self.calls("cargo", "doctor")[-1])
            self.assertNotIn("ZENDESK_CLIENT_SECRET", self.calls("sam", "deploy")[-1])
            self.environment |= secrets

        with self.subTest("Slack's secrets are stored when asked for, and no other"):
            slack = {"SLACK_TOKEN": f"xoxb-{SECRET}", "SLACK_SIGNING_SECRET": SECRET}
            self.assertIn("SLACK_TOKEN: a bot token begins with", self.deploy("--slack", flags={}, **slack | {"SLACK_TOKEN": "xoxp-1"}).stderr)
            self.assertIn("set SLACK_SIGNING_SECRET", self.deploy("--slack", flags={}, **slack | {"SLACK_SIGNING_SECRET": ""}).stderr)
            self.assertEqual(self.deploy("--slack", flags={}, **slack).stderr, "")
            read = lambda name: self.client("ssm").get_parameter(Name=f"/{STACK}/{name}", WithDecryption=True)["Parameter"]
            self.assertEqual((read("slack-token")["Type"], read("slack-token")["Value"]), ("SecureString", f"xoxb-{SECRET}"))
            self.assertEqual(json.loads(read("slack-signing-secret")["Value"]), {"current": SECRET})
            webhook = "https://hooks.slack.com/services/T/B/X"
            lite = self.deploy("--slack", "--replace-secrets", flags={}, SLACK_TOKEN=webhook)
            self.assertIn("slack-signing-secret is not needed", lite.stdout)
            self.assertEqual(read("slack-token")["Value"], webhook)
            self.assertNotIn(SECRET, lite.stdout + str(self.calls()))

        with self.subTest("what another release had is kept and not given"):
            self.answers.write_text(self.answers.read_text().replace("[parameters]", '[parameters]\n"Future" = "1"'))
            self.deploy(flags={})
            self.assertIn('"Future" = "1"', self.answers.read_text())
            self.assertEqual(self.calls("sam", 'Future="1"'), [])

        with self.subTest("a pause outlives a deployment"):
            pause = [sys.executable, HERE / "operate.py", STACK]
            subprocess.run([*pause, "pause", "tickets"], check=True, capture_output=True)
            paused = self.deploy("--set", "RolloutPercent=10", flags={})
            self.assertIn("still paused: tickets", paused.stdout)
            self.assertIn("no test ticket, since intake is paused", paused.stdout)
            shown = subprocess.run([*pause, "status"], capture_output=True, text=True).stdout
            self.assertRegex(shown, r"tickets +PAUSED")
            self.assertRegex(shown, r"alerts +running")
            self.assertIn('RolloutPercent="10"', self.calls("sam", "deploy")[-1])
            subprocess.run([*pause, "resume"], check=True, capture_output=True)

        with self.subTest("an edit in the bucket is not lost"):
            self.client("s3").put_object(Bucket=bucket, Key="agents.json", Body=b"[]")
            refused = self.deploy(flags={})
            self.assertEqual(refused.returncode, 1)
            self.assertIn("was changed by somebody else", refused.stderr)
            self.assertEqual(self.client("s3").get_object(Bucket=bucket, Key="agents.json")["Body"].read(), b"[]")
            self.assertIn("1 of 3 files copied", self.deploy("--overwrite-config", flags={}).stdout)

        with self.subTest("a table that is not there is not attached"):
            before = len(self.calls("sam", "deploy"))
            self.assertIn("TicketsTableName=nothing", self.deploy("--set", "TicketsTableName=nothing", flags={}).stderr)
            self.assertEqual(len(self.calls("sam", "deploy")), before)

        with self.subTest("a parameter is emptied"):
            self.deploy("--set", "TicketsTableName=", "--set", "AlarmEmail=night@acme.test", flags={})
            self.assertIn('TicketsTableName=""', self.calls("sam", "deploy")[-1])
            self.assertIn('AlarmEmail="night@acme.test"', self.calls("sam", "deploy")[-1])

        with self.subTest("a ticket that is not triaged is a failure, and is deleted"):
            Zendesk.triages = False
            failed = self.deploy(flags={})
            self.assertEqual(failed.returncode, 1)
            self.assertIn("no record of ticket 4242 within 6 s", failed.stderr)
            self.assertEqual(Zendesk.tickets, set())

        with self.subTest("doctor's errors stop it"):
            stopped = self.deploy(flags={}, DOCTOR="2")
            self.assertIn("doctor found errors", stopped.stderr)

    def test_a_dry_run_changes_nothing(self):
        shown = self.deploy("--dry-run")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""), shown.stdout)
        for step in ("17/17", "would run sam build", "would run sam deploy", "would set mode to shadow", "would make a ticket marked as a test",
                     f"would write /{STACK}/zendesk-credentials, encrypted", "would offer to create the identity acme.test"):
            self.assertIn(step, shown.stdout)
        self.assertEqual(self.client("ssm").describe_parameters()["Parameters"], [])
        self.assertEqual(self.client("sesv2").list_email_identities().get("EmailIdentities", []), [])
        self.assertEqual((self.calls("sam"), self.calls("cargo"), self.answers.exists(), self.config.exists()), ([], [], False, False))

    def test_what_is_missing_or_wrong_is_named(self):
        nothing = self.deploy(flags={})
        self.assertEqual(nothing.returncode, 2)
        for flag in ("--subdomain", "--sender,", "--alarm-email"):
            self.assertIn(flag, nothing.stderr)
        for flags, why in (({**self.flags, "sender": "nobody"}, "--sender nobody"), ({**self.flags, "subdomain": "a.b"}, "--subdomain a.b"),
                           ({**self.flags, "guardian-email": "kam@example.com"}, "example address")):
            refused = self.deploy(flags=flags)
            self.assertEqual(refused.returncode, 2, why)
            self.assertIn(why, refused.stderr)
        self.assertIn("ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET go together", self.deploy(ZENDESK_CLIENT_SECRET="").stderr)
        for text in ("", "[]"):
            self.assertIn("is no JSON object", self.deploy("--secrets-stdin", text=text).stderr)
        self.assertIn("--set X", self.deploy("--set", "X").stderr)
        self.assertIn("with one of Architecture,", self.deploy("--set", "Rollout=10").stderr)
        self.assertEqual(self.calls("sam"), [])

    def test_missing_tools_come_with_their_fix(self):
        for tool in ("sam", "cargo-lambda"):
            (self.folder / "bin" / tool).unlink()
        missing = self.deploy()
        self.assertEqual(missing.returncode, 1)
        self.assertIn("sam (pip install aws-sam-cli)", missing.stderr)
        self.assertNotIn("cargo-lambda", self.deploy("--skip-build").stderr)

    def test_the_examples_are_refused(self):
        self.config.mkdir()
        for name in ("policy.json", "agents.json"):
            shutil.copy(BUNDLED / name, self.config)
        refused = self.deploy()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("policy.json", refused.stderr)
        self.assertIn("--example", refused.stderr)
        policy = self.config / "policy.json"
        policy.write_text(policy.read_text().replace("corridor-example", "acme"))
        shutil.copytree(BUNDLED / "knowledge_base", self.config / "knowledge_base")
        self.assertIn("add-a-payment-method.md", self.deploy().stderr)
        policy.write_text("{")
        self.assertIn("mend what is said above", self.deploy("--example").stderr)
        self.assertEqual(self.calls("sam"), [])

    def test_the_sandbox_names_who_has_to_be_verified(self):
        self.out_of_the_sandbox(False)
        shown = self.deploy("--dry-run").stdout
        self.assertIn("SES is in the sandbox", shown)
        for address in ("kam@acme.test", "ops@acme.test", "sales@acme.test"):
            self.assertIn(f"would offer to create the identity {address}", shown)


if __name__ == "__main__":
    if os.environ.get("LOCAL_CLOUD_PYTHON") != sys.executable:
        python = str(operate_test.local_cloud().ready_python())
        os.execve(python, [python, __file__, *sys.argv[1:]], {**os.environ, "LOCAL_CLOUD_PYTHON": python})
    unittest.main(verbosity=2)
