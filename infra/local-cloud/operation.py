"""What an operator does, and what breaks around the product, in the deployed stack: each does what the runbook says."""

import concurrent.futures
import contextlib
import datetime
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

import suite
from cloud import BOT, PARAMETERS, ROOT, STACK, say, wait_for

ACCOUNTS = itertools.count(1)


def cloud():
    return suite.CLOUD


def operate(*words: str, stack: str = STACK) -> str:
    """What `infra/operate.py` prints; a failure shows all of it."""
    done = subprocess.run([sys.executable, ROOT / "infra" / "operate.py", stack, *words], env=cloud().environment,
                          capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"operate.py {words}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def opened(subject: str, text: str, account: str | None = None) -> int:
    """A new ticket of a customer of its own, of which no event has told yet."""
    account = account or f"Operated {next(ACCOUNTS)}"
    return cloud().zendesk("POST", "/_demo/tickets", {"subject": subject, "account": account, "description": text})["id"]


def leaving() -> int:
    """A ticket that raises an alert."""
    return opened("Cancellation", "We are cancelling our contract at the end of the month and moving to a competitor.")


def question() -> int:
    return opened("Export", "The export of our orders stops after the first page. What can we do?")


def tell(*tickets: int) -> None:
    for ticket in tickets:
        suite.expect(suite.post(suite.created(ticket))[0], 200)


def alert_state(ticket: int) -> str | None:
    found = suite.items(ticket, "ALERT#")
    return found[0]["delivery_state"]["S"] if found else None


def processes(name: str) -> list[int]:
    """The running environments of a function."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (entry / "environ").read_bytes().split(b"\0")
            if f"AWS_LAMBDA_FUNCTION_NAME={name}".encode() in variables and (entry / "comm").read_text().strip() == "bootstrap":
                found.append(int(entry.name))
    return found


def kill(function: str) -> int:
    return kill_named(cloud().outputs[f"{function}FunctionName"])


def kill_named(name: str) -> int:
    """As abruptly as a machine that goes away; with how many environments it had."""
    killed = processes(name)
    for process in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(killed)


@contextlib.contextmanager
def switched(**values: str):
    """Other switches, seen at once: environments that remember the former ones are gone."""
    before = {"mode": "suggest", "auto_reply": "off", "delivery": "on"}

    def turn(to: dict[str, str]) -> None:
        for name, value in to.items():
            cloud().switch(name.replace("_", "-"), value)
        for function in ("Triage", "Alert", "Report"):
            kill(function)

    turn(values)
    try:
        yield
    finally:
        turn({name: before[name] for name in values})


def counted(function: str, metric: str) -> float:
    return sum(line.get(metric, 0) for line in suite.logs(function) if "_aws" in line)


def dead() -> int:
    return sum(suite.queue_length(cloud().outputs[name]) for name in ("TicketsDeadLettersUrl", "AlertsDeadLettersUrl"))


def settle(alert: dict, state: str, **more: str) -> None:
    """Ends an alert in a way that would take hours, or that the emulator does not know."""
    cloud().client("dynamodb").update_item(
        TableName=cloud().outputs["TicketsTableName"], Key={"pk": alert["pk"], "sk": alert["sk"]},
        UpdateExpression="SET delivery_state = :word, delivery_json = :json",
        ExpressionAttributeValues={":word": {"S": state}, ":json": {"S": json.dumps({"state": state, **more})}})


def digest() -> None:
    answer = cloud().client("lambda").invoke(FunctionName=cloud().outputs["AlertFunctionName"], Payload=b'{"action": "digest"}')
    if "FunctionError" in answer:
        raise AssertionError(answer["Payload"].read())


def forget_the_hour() -> None:
    """Each recipient gets one digest an hour, and other tests have had theirs."""
    client, table = cloud().client("dynamodb"), cloud().outputs["ControlTableName"]
    for item in client.scan(TableName=table)["Items"]:
        if item["pk"]["S"].startswith("COUNT#digest/"):
            client.delete_item(TableName=table, Key={"pk": item["pk"]})


class Operation(unittest.TestCase):
    maxDiff = None

    def test_a_pause_loses_nothing(self):
        tickets, before = [question() for _ in range(5)], dead()
        operate("pause")
        try:
            self.assertIn("paused", operate("status").lower())
            tell(*tickets)
            # Longer than the four receives of this stack would last.
            time.sleep(90)
            self.assertEqual([suite.record(ticket) for ticket in tickets], [None] * 5)
            # The sweep goes on, and queues again what it finds without a record.
            self.assertGreaterEqual(suite.queue_length(cloud().outputs["TicketsQueueUrl"]), 5)
        finally:
            operate("resume")
        for ticket in tickets:
            suite.triaged(ticket)
        self.assertEqual(dead(), before)

    def test_off_means_off_for_what_waits(self):
        """An alert that was raised before the switch was turned is not sent, is shown as withheld, and can be sent later."""
        operate("pause", "alerts")
        ticket = leaving()
        try:
            tell(ticket)
            suite.triaged(ticket)
            wait_for("the alert waits", lambda: alert_state(ticket) == "pending")
            with switched(mode="shadow"):
                operate("resume", "alerts")
                wait_for("the alert is withheld", lambda: alert_state(ticket) == "skipped", 60)
                self.assertEqual(suite.mails_about(ticket), [])
                cloud().client("lambda").invoke(FunctionName=cloud().outputs["ReportFunctionName"], Payload=b"{}")
                page = suite.visit("/accounts/", suite.login("accounts"))[2]
                self.assertIn("Mode shadow: nothing is written to Zendesk", page)
                self.assertIn("no mail: the mode is shadow", page)
        finally:
            operate("resume")
        self.assertGreaterEqual(counted("alert", "Withheld"), 1)
        self.assertIn("1", operate("resend", "--skipped", "--ticket", str(ticket)))
        self.assertEqual(alert_state(ticket), "sent")
        self.assertEqual(len(suite.mails_about(ticket)), 1)

    def test_shadow_keeps_the_digest_back(self):
        ticket = leaving()
        tell(ticket)
        suite.triaged(ticket)
        wait_for("the alert is sent", lambda: alert_state(ticket) == "sent")
        settle(suite.items(ticket, "ALERT#")[0], "held", reason="cooldown")
        with switched(mode="shadow"):
            digest()
            self.assertEqual(alert_state(ticket), "held")
        forget_the_hour()
        digest()
        wait_for("the digest went out once the switch was on", lambda: alert_state(ticket) == "digested", 150, 2)

    def test_a_mail_account_that_is_refused_heals_by_itself(self):
        ses, identity = cloud().client("sesv2"), PARAMETERS["SenderIdentity"]
        ticket, before = leaving(), dead()
        ses.delete_email_identity(EmailIdentity=identity)
        try:
            tell(ticket)
            suite.triaged(ticket)
            wait_for("the refusal is counted", lambda: counted("alert", "MailBlocked") >= 1, 60)
            self.assertEqual(alert_state(ticket), "pending", "the alert is kept")
        finally:
            ses.create_email_identity(EmailIdentity=identity)
        wait_for("the same alert goes out", lambda: alert_state(ticket) == "sent", 90, 1)
        self.assertEqual(len(suite.mails_about(ticket)), 1)
        self.assertEqual(dead(), before)

    def test_a_refused_alert_is_sent_again_by_one_command(self):
        ticket = leaving()
        tell(ticket)
        suite.triaged(ticket)
        wait_for("the alert is sent", lambda: alert_state(ticket) == "sent")
        alert, sent = suite.items(ticket, "ALERT#")[0], len(suite.mails_about(ticket))
        settle(alert, "refused", reason="SES: no")
        operate("resend", "--ticket", str(ticket))
        self.assertEqual(alert_state(ticket), "sent")
        self.assertEqual(len(suite.mails_about(ticket)), sent + 1)

    def test_a_comment_is_triaged_after_the_customer_has_stopped_typing(self):
        ticket = question()
        tell(ticket)
        first = suite.triaged(ticket)["version"]
        cloud().zendesk("POST", f"/_demo/tickets/{ticket}/comments", {"text": "It is worse since this morning."})
        posted = time.monotonic()
        self.assertEqual(suite.post(suite.commented(ticket))[0], 200)
        wait_for("the comment is triaged", lambda: suite.record(ticket)["version"] != first, 120, 1)
        waited = time.monotonic() - posted
        self.assertGreaterEqual(waited, 59, "he may still be typing")
        self.assertLess(waited, 90)

    def test_mode_act_answers_a_plain_question_once(self):
        """An article answers it word by word."""
        ticket = opened("Rotate an API key", "How do I rotate an API key without downtime? Where is the menu?")
        public = lambda: [comment for comment in cloud().zendesk("GET", f"/_demo/tickets/{ticket}")["comments"]
                          if comment["public"] and str(comment["author_id"]) == BOT]
        with switched(mode="act", auto_reply="on"):
            tell(ticket)
            found = suite.triaged(ticket)
            self.assertEqual((found["mode"], found["resolution"]), ("act", "auto_resolved"), found["reasons"])
            self.assertEqual(len(public()), 1)
            self.assertEqual(cloud().zendesk("GET", f"/api/v2/tickets/{ticket}.json")["ticket"]["status"], "pending")
            for _ in range(3):
                tell(ticket)
            wait_for("the queue is empty", lambda: suite.queue_length(cloud().outputs["TicketsQueueUrl"]) == 0, 60, 1)
            self.assertEqual(len(public()), 1, "once")

    def test_trouble_upstream_heals_without_a_hand(self):
        tickets, before = [question() for _ in range(4)], dead()
        failed = counted("triage", "Failed")
        with cloud().zendesk_hangs():
            tell(*tickets)
            # Two rounds of time-outs, and more receives left than that.
            time.sleep(20)
        for ticket in tickets:
            wait_for(f"{ticket} is triaged in the end", lambda: suite.record(ticket), 150, 1)
        self.assertEqual(dead(), before)
        self.assertGreaterEqual(counted("triage", "Failed") - failed, 4, "each failed, and came again by itself")

    def test_killed_workers_do_everything_once(self):
        """SIGKILL at random moments, of triage and of alert, while tickets are worked on."""
        chance = random.Random(1)
        tickets = [leaving() for _ in range(10)]
        before = dead()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            self.assertEqual(set(pool.map(lambda ticket: suite.post(suite.created(ticket))[0], tickets)), {200})
        killed = 0
        for _ in range(8):
            time.sleep(chance.uniform(0.05, 0.6))
            killed += kill(chance.choice(["Triage", "Alert"]))
        self.assertGreater(killed, 0)
        for ticket in tickets:
            wait_for(f"{ticket} is triaged", lambda: suite.record(ticket), 240, 2)
            wait_for(f"the alert of {ticket} is settled", lambda: alert_state(ticket) in ("sent", "held"), 240, 2)
        for ticket in tickets:
            markers = cloud().zendesk("GET", f"/_demo/tickets/{ticket}/calls")["markers"]
            self.assertEqual(len(markers), len(set(markers)), f"{ticket} was written twice")
            self.assertLessEqual(len(suite.mails_about(ticket)), 1 + (alert_state(ticket) == "held"))
        self.assertEqual(dead(), before)


def change_settings() -> dict:
    """Changes what a deployment can change for the functions behind the alias, at the start of the suite. Environments
    that run by then are to see it while the suite goes on."""
    say("Changed settings are deployed; the suite's end looks for them.")
    tell(question())
    versions = {name: live(name) for name in ("Triage", "Alert")}
    # For every deployment from here on: one that leaves them out would set them back.
    PARAMETERS.update(RetentionDays="20", OpportunityEmail="other-sales@example.com")
    cloud().deploy_this()
    return {"versions": versions, "at": time.monotonic()}


def live(function: str) -> str:
    name = cloud().outputs[f"{function}FunctionName"]
    return cloud().client("lambda").get_alias(FunctionName=name, Name="live")["FunctionVersion"]


def find_settings(changed: dict) -> None:
    """In the same version, whose own environment says nothing of it, and within 300 s."""
    left = 305 - (time.monotonic() - changed["at"])
    if left > 0:
        time.sleep(left)
    for function, version in changed["versions"].items():
        suite.expect(live(function), version)
        name = cloud().outputs[f"{function}FunctionName"]
        frozen = cloud().client("lambda").get_function_configuration(FunctionName=name, Qualifier="live")["Environment"]["Variables"]
        suite.expect(set(frozen) & {"RETENTION_DAYS", "OPPORTUNITY_EMAIL"}, set())
    ticket = opened("More seats", "We want to upgrade to the enterprise plan and add fifty seats this month. What does it cost?")
    tell(ticket)
    suite.triaged(ticket)
    stored = suite.item(f"T#{ticket}", "RECORD")
    days = (int(stored["expires_at"]["N"]) - time.time()) / 86_400
    if not 19 < days <= 20.1:
        raise AssertionError(f"the record is kept for {days:.1f} days, RetentionDays is 20")
    mail = wait_for("the buying signal is sent", lambda: suite.mails_about(ticket), 60)
    suite.expect("other-sales@example.com" in json.dumps(mail), True)
    for function in ("triage", "alert"):
        took = [line for line in suite.logs(function) if line.get("message") == "Took over changed settings."]
        say(f"{function}: {len(took)} running environments took over changed settings.")
    now = datetime.datetime.now(datetime.UTC).strftime("%H:%M")
    say(f"Changed settings had reached the running versions by {now}.")
