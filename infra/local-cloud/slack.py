"""Alerts in Slack: posted by the deployed function, pressed at the deployed address, shown as they are then."""

import concurrent.futures
import hashlib
import hmac
import http.client
import json
import re
import time
import unittest
import urllib.parse

import operation
import suite
from cloud import PARAMETERS, ROOT, STACK, wait_for

TOKEN, SIGNING_SECRET = "xoxb-scripted", "what Slack signs with"
CHANNEL = "C0GUARDIAN"


def cloud():
    return suite.CLOUD


def switch(policy: dict) -> None:
    """Another policy, token or secret, seen at once: environments that remember the former are gone."""
    cloud().client("s3").put_object(Bucket=cloud().outputs["ConfigBucketName"], Key="policy.json", Body=json.dumps(policy))
    for function in ("Triage", "Alert", "Followup"):
        operation.kill(function)


def message(ticket: int) -> dict | None:
    """The message of a ticket's alert."""
    about = f"/agent/tickets/{ticket}"
    return next((shown for shown in cloud().told_slack()["messages"] if about in json.dumps(shown["blocks"])), None)


def has(shown: dict, action: str) -> list[dict]:
    """The blocks of a message with that button."""
    return [block for block in shown["blocks"] if any(part.get("action_id") == action for part in block.get("elements", []))]


def press(shown: dict, action: str, user: str = "U0KAM", secret: str = SIGNING_SECRET, age: int = 0) -> int:
    """The status that Slack would see."""
    [buttons] = has(shown, action)
    payload = {"type": "block_actions", "user": {"id": user}, "actions": [{"action_id": action, "block_id": buttons["block_id"]}],
               "container": {"channel_id": shown["channel"], "message_ts": shown["ts"]}}
    body, at = urllib.parse.urlencode({"payload": json.dumps(payload)}), str(int(time.time()) - age)
    signature = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    address = urllib.parse.urlsplit(cloud().outputs["SlackUrl"])
    connection = http.client.HTTPConnection("127.0.0.1", cloud().port, timeout=30)
    connection.request("POST", address.path, body, {
        "Host": f"{address.netloc.split('.')[0]}.execute-api.localhost:{cloud().port}",
        "Content-Type": "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signature}"})
    return connection.getresponse().status


class Slack(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        ssm = cloud().client("ssm")
        ssm.put_parameter(Name=f"/{STACK}/slack-token", Type="SecureString", Value=TOKEN)
        cloud().put_secret("slack-signing-secret", {"current": SIGNING_SECRET})
        policy = json.loads((ROOT / "shared/data/customer/policy.json").read_text())
        # The bot is in the one channel and not in the other.
        slack = {"guardian": CHANNEL, "opportunity": "C0ELSEWHERE", "direct": False}
        cls.addClassCleanup(switch, policy)
        cls.addClassCleanup(ssm.delete_parameters, Names=[f"/{STACK}/slack-token", f"/{STACK}/slack-signing-secret"])
        switch({**policy, "alerts": {**policy["alerts"], "slack": slack}})

    def follow_up(self, ticket: int) -> dict:
        [alert] = suite.items(ticket, "ALERT#")
        return json.loads(alert["alert_json"]["S"])["follow_up"]

    def test_an_alert_is_taken_by_a_button(self):
        ticket = operation.leaving()
        operation.tell(ticket)
        before = wait_for("the alert stands in Slack", lambda: message(ticket), 90)
        self.assertEqual((before["channel"], before["thread"], before["edits"]), (CHANNEL, None, 0))
        wait_for("its mail is sent as well", lambda: suite.mails_about(ticket))
        untouched = self.follow_up(ticket)
        self.assertEqual(untouched["state"], "new")
        elsewhere = {**before, "ts": "1.000000"}
        for shown, how, status in ((before, {"secret": "guessed"}, 401), (before, {"age": 600}, 401),
                                   (before, {"user": "U0STRANGER"}, 200), (elsewhere, {}, 200)):
            self.assertEqual(press(shown, "take", **how), status, how)
            self.assertEqual(self.follow_up(ticket), untouched, how)
            self.assertEqual(message(ticket), before, how)
        self.assertEqual([user for user, _ in cloud().told_slack()["whispers"]], ["U0STRANGER", "U0KAM"], "who pressed in vain is told")

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            self.assertEqual(set(pool.map(lambda _: press(before, "take"), range(5))), {200})
        taken = self.follow_up(ticket)
        self.assertEqual((taken["state"], taken["by"], taken["revision"]), ("taken", PARAMETERS["GuardianEmail"], untouched["revision"] + 1))
        after = message(ticket)
        self.assertEqual(after["ts"], before["ts"], "changed where it stands")
        self.assertRegex(json.dumps(after["blocks"]), rf"Taken by {re.escape(PARAMETERS['GuardianEmail'])}")
        self.assertEqual(has(after, "take"), [])
        self.assertIn("chat.update", cloud().told_slack()["calls"])
        logged = json.dumps(suite.logs("followup") + suite.logs("alert"))
        for secret in (TOKEN, SIGNING_SECRET):
            self.assertNotIn(secret, logged)

    def test_two_alerts_at_once_wait_for_slacks_limit(self):
        """One message a second and channel."""
        tickets = [operation.leaving() for _ in range(2)]
        operation.tell(*tickets)
        for ticket in tickets:
            wait_for(f"the alert of {ticket} stands in Slack", lambda: message(ticket), 120)
            self.assertEqual(len(wait_for("it is mailed", lambda: suite.mails_about(ticket))), 1)

    def test_what_slack_refuses_stands_in_the_mail(self):
        ticket = operation.opened("More seats", "We want to upgrade to the enterprise plan and add fifty seats this month. What does it cost?")
        operation.tell(ticket)
        wait_for("its mail is sent", lambda: suite.mails_about(ticket), 60)
        refused = lambda: [line for line in suite.logs("alert") if line.get("message") == "Slack did not take an alert; its mail stands."]
        self.assertIn("channel_not_found", json.dumps(wait_for("the refusal is logged", refused)))
        self.assertIsNone(message(ticket))
