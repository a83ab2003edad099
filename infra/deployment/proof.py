"""A test ticket that is seen to be triaged, and a test e-mail."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

import operate
from operate import Problem, code

from .run import INFRA, Run

TEST_TAG = "installation_test"


def proof(run: Run) -> None:
    """Proof"""
    if run.would("make a ticket marked as a test, wait for its record, delete both, and send one e-mail to "
                 f"{run.answers['operator_email']}"):
        return
    prove_mail(run)
    if "ZENDESK_CLIENT_ID" not in run.secrets:
        run.say("no test ticket without the set-up client")
    elif "tickets" in operate.paused(run.stack):
        run.leave(f"no test ticket, since intake is paused: infra/operate.py {run.name} resume, then run this again")
    else:
        prove_ticket(run)


def prove_mail(run: Run) -> None:
    to = run.answers["operator_email"]
    sets = run.stack.resources("AWS::SES::ConfigurationSet")
    body = f"Alerts of {run.name} take this way: this sender, this configuration set. Nothing else was sent."
    try:
        boto3.client("sesv2").send_email(
            FromEmailAddress=run.answers["sender"], Destination={"ToAddresses": [to]},
            ConfigurationSetName=next(iter(sets.values())),
            Content={"Simple": {"Subject": {"Data": f"Test of {run.name}"}, "Body": {"Text": {"Data": body}}}})
        run.say(f"SES took a test e-mail to {to}; look whether it arrives")
    except ClientError as error:
        run.leave(f"SES refused a test e-mail to {to}: {code(error)}: {error.response['Error'].get('Message', '')}")


def prove_ticket(run: Run) -> None:
    client = Zendesk(run.answers["subdomain"], run.secrets)
    made = client.ask("POST", "/api/v2/tickets.json", {"ticket": {
        "subject": f"[Test] Installation of {run.name}", "tags": [TEST_TAG],
        "comment": {"body": "This ticket is a test and is deleted within minutes. How do I change my password?"}}})
    ticket, began = made["ticket"]["id"], time.monotonic()
    run.say(f"ticket {ticket} made; waiting for its record ...")
    found = None
    try:
        table, key = run.stack.output("TicketsTableName"), {"pk": {"S": f"T#{ticket}"}, "sk": {"S": "RECORD"}}
        dynamodb = boto3.client("dynamodb")
        while not found and time.monotonic() - began < run.arguments.record_wait:
            time.sleep(2)
            found = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    finally:
        took = time.monotonic() - began
        clean_up(run, client, ticket)
    if not found:
        raise Problem(f"no record of ticket {ticket} within {run.arguments.record_wait} s, and it is deleted again; "
                      f"infra/operate.py {run.name} status, then docs/operations.md#notickets")
    run.say(f"triaged after {took:.0f} s")


def clean_up(run: Run, client: "Zendesk", ticket: int) -> None:
    """In Zendesk first: a ticket that is still there is triaged again."""
    forget = [sys.executable, str(INFRA / "forget.py"), run.name, "--ticket", str(ticket), "--wait", "60"]
    try:
        client.ask("DELETE", f"/api/v2/tickets/{ticket}.json")
    except Problem as problem:
        run.leave(f"delete ticket {ticket} in Zendesk ({problem}), then infra/forget.py {run.name} --ticket {ticket}")
        return
    if subprocess.run(forget, capture_output=True).returncode:
        run.leave(f"the record of ticket {ticket} is not erased: infra/forget.py {run.name} --ticket {ticket}")
    else:
        run.say(f"ticket {ticket} and what was kept of it are deleted")


class Zendesk:
    """As the set-up client, with as much of the API as the proof needs."""

    def __init__(self, subdomain: str, secrets: dict[str, str]) -> None:
        self.base = subdomain if "://" in subdomain else f"https://{subdomain}.zendesk.com"
        self.token = None
        self.token = self.ask("POST", "/oauth/tokens", {
            "grant_type": "client_credentials", "client_id": secrets["ZENDESK_CLIENT_ID"],
            "client_secret": secrets["ZENDESK_CLIENT_SECRET"], "scope": "read write"})["access_token"]

    def ask(self, method: str, path: str, body: dict | None = None):
        request = urllib.request.Request(self.base + path, method=method, data=json.dumps(body).encode() if body else None)
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Problem(f"Zendesk answers {method} {path} with {error.code}") from error
        except OSError as error:
            raise Problem(f"Zendesk cannot be reached at {self.base}: {error}") from error
        return json.loads(text) if text else None
