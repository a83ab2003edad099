"""A second stack beside the first, in the same account and region.

One of the same name in another region is not tried: the emulator makes the names of roles from the stack's name alone, so that
the second would take those of the first. template_test.py holds the names that AWS does not make.
"""

import concurrent.futures
import json
import time
import unittest

import operation
import suite
from cloud import STACK, free_port, stop, wait_for

OTHER = "triage-second"
# Other than the default and than what the local cloud deploys with; where it shows, as a text of a function's settings or
# environment. Parameters that become properties of resources are template_test's.
CHANGED = {
    "LogLevel": "warn", "ZendeskBotUserId": "42", "RolloutPercent": "50", "RetentionDays": "11",
    "SenderEmail": "other@example.com", "GuardianEmail": "other-kam@example.com", "OpportunityEmail": "other-sales@example.com",
    "Analyst": "auto", "Model": "claude-sonnet-5-5", "DailyBudgetUsd": "7.5", "Redaction": "off", "Sweep": "export", "SlackApi": "https://slack-gov.com/api",
}
BURST, WITHIN = 300, 10


def cloud():
    return suite.CLOUD


def physical(stack: str) -> dict[str, str]:
    pages = cloud().client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for page in pages for resource in page["StackResourceSummaries"]}


class Second(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.port = free_port()
        command = [cloud().release.local, "demo-zendesk", "--set-up", "--plan", "enterprise_plus", "--port", str(cls.port)]
        cls.process = cloud().spawn("zendesk-second", command, cloud().environment)
        cls.addClassCleanup(stop, cls.process)
        wait_for("the second Zendesk answers", cls.answers)
        cloud().put_secret("webhook-secret", {"current": cloud().secret}, OTHER)
        running = cls.zendesk("GET", "/_demo/credentials")["clients"][1]
        cloud().put_secret("zendesk-credentials", {name: running[name] for name in ("client_id", "client_secret")}, OTHER)
        cls.outputs = cls.deploy()
        cloud().upload(cls.outputs["ConfigBucketName"])

    @classmethod
    def answers(cls) -> bool:
        try:
            return cls.zendesk("GET", "/_demo/credentials") is not None
        except OSError:
            return False

    @classmethod
    def zendesk(cls, method: str, path: str, body=None):
        return cloud().ask(cls.port, method, path, body)

    @classmethod
    def deploy(cls, **parameters: str) -> dict[str, str]:
        return cloud().sam_deploy(OTHER, cloud().release, ZendeskSubdomain=f"http://127.0.0.1:{cls.port}", **parameters)

    def records(self) -> dict[int, dict]:
        pages = cloud().client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TicketsTableName"])
        items = [item for page in pages for item in page["Items"] if item["sk"]["S"] == "RECORD"]
        return {int(item["pk"]["S"].removeprefix("T#")): json.loads(item["record_json"]["S"]) for item in items}

    def test_1_two_stacks_share_nothing(self):
        first, second = physical(STACK), physical(OTHER)
        self.assertGreater(len(second), 50)
        # The stage of an API is named within it.
        self.assertEqual(set(first.values()) & set(second.values()), {"$default"})
        schedules = cloud().client("scheduler")
        functions = {stack: {outputs[f"{name}FunctionName"] for name in ("Alert", "Report", "Sweep")}
                     for stack, outputs in ((STACK, cloud().outputs), (OTHER, self.outputs))}
        targets = {STACK: set(), OTHER: set()}
        for schedule in schedules.list_schedules()["Schedules"]:
            full = schedules.get_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])
            for stack, names in functions.items():
                targets[stack] |= {name for name in names if f":function:{name}" in full["Target"]["Arn"]}
        self.assertEqual(targets, functions, "each stack has all of its schedules")

    def test_2_a_burst_is_drained_and_the_first_stack_sees_none_of_it(self):
        """Nobody has turned a switch of this stack, so it is in shadow: all is read and recorded, nothing written or sent."""
        before = len(suite.mails())
        tickets = [self.zendesk("POST", "/_demo/tickets", {
            "subject": f"Export {number}", "account": f"Burst {number}",
            "description": "We are cancelling our contract at the end of the month and moving to a competitor."})["id"] for number in range(BURST + 20)]
        post = lambda ticket: suite.post(suite.created(ticket), outputs=self.outputs)[0]
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            self.assertEqual(set(pool.map(post, tickets[BURST:])), {200})
            wait_for("the functions are warm", lambda: len(self.records()) == 20, 120, 1)
            # Half of that plan's 2,500 requests a minute are ours, and a ticket takes four.
            time.sleep(61 - time.time() % 60)
            self.assertEqual(set(pool.map(post, tickets[:BURST])), {200})
        posted = time.monotonic()
        queue = self.outputs["TicketsQueueUrl"]
        wait_for("the burst is drained", lambda: suite.queue_length(queue) == 0, 120, 0.5)
        took = time.monotonic() - posted
        print(f"({BURST} tickets drained {took:.1f} s after the last post)", end=" ", flush=True)
        self.assertLessEqual(took, WITHIN)
        found = self.records()
        self.assertLessEqual(set(tickets), set(found))
        self.assertEqual({record["mode"] for record in found.values()}, {"shadow"})
        said = found[tickets[0]]
        self.assertIn("withheld in shadow: a private note, fields and tags", said["reasons"])
        self.assertTrue([reason for reason in said["guardian"]["reasons"] if reason.startswith("withheld in shadow")])
        self.assertEqual(self.zendesk("GET", f"/_demo/tickets/{tickets[0]}/calls")["calls"], [])
        self.assertEqual(len(suite.mails()), before)
        self.assertEqual(suite.queue_length(self.outputs["TicketsDeadLettersUrl"]), 0)
        self.assertEqual([suite.record(ticket) for ticket in tickets[::50] if ticket > 1030 and suite.record(ticket) == found[ticket]], [])
        lines = cloud().client("logs").filter_log_events(logGroupName=f"/aws/lambda/{OTHER}-triage", filterPattern="")["events"]
        stacks = {json.loads(line["message"])["Stack"] for line in lines if '"_aws"' in line["message"]}
        self.assertEqual(stacks, {OTHER})

    def test_3_every_setting_arrives(self):
        """Where a running function reads it: its settings, or the environment it has."""
        self.deploy(**CHANGED)
        ssm, functions = cloud().client("ssm"), cloud().client("lambda")
        texts = [ssm.get_parameter(Name=self.outputs["SettingsParameterName"])["Parameter"]["Value"]]
        for name in ("Webhook", "Report", "Sweep", "Followup"):
            texts.append(json.dumps(functions.get_function_configuration(FunctionName=self.outputs[f"{name}FunctionName"])["Environment"]))
        settings = set()
        for text in texts:
            found = json.loads(text)
            settings |= {str(value) for value in found.get("Variables", found).values()}
        self.assertEqual(set(CHANGED.values()) - settings, set(), "parameters that reach no function")

    def test_4_a_restored_table_is_attached(self):
        client, table = cloud().client("dynamodb"), "triage-second-restored"
        own = client.describe_table(TableName=self.outputs["TicketsTableName"])["Table"]
        client.create_table(
            TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=own["KeySchema"], AttributeDefinitions=own["AttributeDefinitions"],
            GlobalSecondaryIndexes=[{key: index[key] for key in ("IndexName", "KeySchema", "Projection")} for index in own["GlobalSecondaryIndexes"]])
        type(self).outputs = self.deploy(TicketsTableName=table)
        self.assertEqual(self.outputs["TicketsTableName"], table)
        ticket = 1002
        for name in ("Triage", "Alert"):
            self.fresh(name)
        suite.expect(suite.post(suite.created(ticket), outputs=self.outputs)[0], 200)
        wait_for("the ticket is recorded in the attached table", lambda: ticket in self.records(), 60)
        type(self).outputs = self.deploy(TicketsTableName="")
        self.assertNotEqual(self.outputs["TicketsTableName"], table)

    def fresh(self, function: str) -> None:
        """Another environment of the same version; a warm one sees changed settings within 300 s."""
        operation.kill_named(self.outputs[f"{function}FunctionName"])
