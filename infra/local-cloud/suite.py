"""End to end: what happens in the deployed product when something arrives."""

import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

import boto3
from botocore.exceptions import ClientError

from cloud import BOT, BUILD, PARAMETERS, REGION, ROOT, STACK, WORK, LocalCloud, previous_commit, previous_release, say, wait_for, webhook_address
from provider import CLIENT, SECRET, Provider
from runtime import Bootstrap
from template_test import function_of

CLOUD: LocalCloud

# What `sam local` sets, and infra/sam-local.json.
SAM_LOCAL = {"AWS_SAM_LOCAL": "true", "BACKEND": "embedded", "RUST_LOG": "error"}


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def created(ticket: int) -> bytes:
    """Zendesk's event for a ticket of the bundled thirty."""
    return json.dumps({
        "type": "zen:event-type:ticket.created", "id": f"created-{ticket}", "time": now(),
        "subject": f"zen:ticket:{ticket}", "zendesk_event_version": "2022-11-06", "detail": {"id": str(ticket)},
        "event": {},
    }).encode()


def commented(ticket: int) -> bytes:
    """Zendesk's event for a customer's comment."""
    event = json.loads(created(ticket))
    return json.dumps({**event, "type": "zen:event-type:ticket.comment_added", "id": f"commented-{ticket}", "event": {
        "comment": {"id": "1", "is_public": True, "author": {"id": "1", "is_staff": False}}}}).encode()


def expect(found, expected) -> None:
    if found != expected:
        raise AssertionError(f"{found!r}, expected {expected!r}")


def post(body: bytes, secret: str | None = None, headers: dict | None = None, method: str = "POST", outputs: dict | None = None):
    """Status, headers and body of the webhook's answer; of another stack by its outputs."""
    host, path = webhook_address(CLOUD, outputs)
    timestamp = now()
    key = (secret or CLOUD.secret).encode()
    signature = base64.b64encode(hmac.new(key, timestamp.encode() + body, hashlib.sha256).digest()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", CLOUD.port, timeout=30)
    connection.request(method, path, body, {
        "Host": host, "Content-Type": "application/json", "X-Zendesk-Webhook-Signature": signature,
        "X-Zendesk-Webhook-Signature-Timestamp": timestamp, **(headers or {}),
    })
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def item(pk: str, sk: str):
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return CLOUD.client("dynamodb").get_item(TableName=CLOUD.outputs["TicketsTableName"], Key=key).get("Item")


def items(ticket: int, prefix: str = "") -> list[dict]:
    answer = CLOUD.client("dynamodb").query(
        TableName=CLOUD.outputs["TicketsTableName"], KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"T#{ticket}"}})
    return [found for found in answer["Items"] if found["sk"]["S"].startswith(prefix)]


def record(ticket: int):
    found = item(f"T#{ticket}", "RECORD")
    return found and json.loads(found["record_json"]["S"])


def triaged(ticket: int) -> dict:
    return wait_for(f"ticket {ticket} is triaged", lambda: record(ticket), 60)


def mails() -> list[dict]:
    with urllib.request.urlopen(f"{CLOUD.endpoint}/_ministack/ses/messages", timeout=5) as answer:
        return [mail for account in json.load(answer)["messages"].values() for mail in account]


def mails_about(ticket: int) -> list[dict]:
    """Without the daily digest, which names every ticket of a morning."""
    return [mail for mail in mails() if f"#{ticket}" in json.dumps(mail) and not mail["Subject"].startswith("Open today: ")]


def link_in(mail: dict, words: str) -> str:
    """The address behind a link of a mail, by the words a reader presses."""
    found = re.search(r'href="([^"]+/followup\?link=[\w.-]+)"[^>]*>' + re.escape(words) + "<", html_of(mail))
    if not found:
        raise AssertionError(f"no link {words!r} in {json.dumps(mail)[:2000]}")
    return found.group(1)


def html_of(part) -> str:
    """Every text of a mail as the emulator keeps it, one after the other."""
    if isinstance(part, str):
        return part
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return "\n".join(map(html_of, parts))


def press(link: str, method: str = "GET", form: dict | None = None) -> tuple[int, str]:
    """Status and page of a link, opened at the API whose address it names; pressed as from the page of just now."""
    form = dict(form or {})
    if method == "POST" and (seen := re.search(r'name="seen" value="(\d+)"', press(link)[1])):
        form["seen"] = seen.group(1)
    address = urllib.parse.urlsplit(link)
    api = address.netloc.split(".")[0]
    connection = http.client.HTTPConnection("127.0.0.1", CLOUD.port, timeout=30)
    connection.request(method, f"{address.path}?{address.query}", urllib.parse.urlencode(form) if method == "POST" else None, {
        "Host": f"{api}.execute-api.localhost:{CLOUD.port}", "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace")


def signed(link: str, secret: str, **change) -> str:
    """The link with something else in it, signed with a secret."""
    address, _, text = link.partition("?link=")
    payload = text.split(".")[0]
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    encode = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")
    payload = encode(json.dumps({**said, **change}, separators=(",", ":")).encode())
    mac = lambda purpose: hmac.new(secret.encode(), purpose, hashlib.sha256).digest()
    return f"{address}?link={payload}.{mac(b'alert-link-key')[:4].hex()}.{encode(mac(b'alert-link-1' + bytes([10]) + payload.encode()))}"


def visit(path: str, login: str | None = None, cookies: dict | None = None):
    """A page of the site through CloudFront."""
    site = CLOUD.outputs["DashboardUrl"].removeprefix("https://").split(".")[0]
    connection = http.client.HTTPConnection("127.0.0.1", CLOUD.port, timeout=10)
    headers = {"Host": f"{site}.cloudfront.localhost:{CLOUD.port}"}
    if login is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    # `getheader` joins what comes several times, as cookies do.
    headers = {name.lower(): answer.getheader(name) for name, _ in answer.getheaders()}
    return answer.status, headers, answer.read().decode("utf-8", "replace")


def login(role: str) -> str:
    return f"{role}:{CLOUD.passwords[role]}"


def queue_length(url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = CLOUD.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def ticket_message(ticket: int) -> str:
    return json.dumps({"v": 1, "ticket_id": ticket, "cause": "created"})


def role_of(function: str) -> str:
    answer = CLOUD.client("lambda").get_function_configuration(FunctionName=CLOUD.outputs[f"{function}FunctionName"])
    return answer["Role"].split("/")[-1]


def logs(function: str) -> list[dict]:
    client, lines = CLOUD.client("logs"), []
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{STACK}-{function}"):
        for event in page["events"]:
            try:
                lines.append(json.loads(event["message"]))
            except ValueError:
                pass
    return lines


class Timed(unittest.TextTestResult):
    """Knows how long each test took."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.took: dict[str, float] = {}

    def startTest(self, test) -> None:
        super().startTest(test)
        self.begun = time.monotonic()

    def stopTest(self, test) -> None:
        self.took[test._testMethodName] = time.monotonic() - self.begun
        super().stopTest(test)


class Suite(unittest.TestCase):
    maxDiff = None

    def test_a_signed_webhook_is_triaged_recorded_alerted_and_audited(self):
        status, _, body = post(created(1001))
        self.assertEqual(status, 200, body)
        found = triaged(1001)
        self.assertEqual(found["ticket"], 1001)
        self.assertRegex(found["analyst"], r"^embedded-\d+$")
        self.assertEqual(len(CLOUD.updates(1001)), 1, "one update of the ticket")

        ticket = next(number for number in (1002, 1003, 1004, 1005, 1006, 1007, 1008) if self.at_risk(number))
        mail = wait_for("the alert is sent", lambda: mails_about(ticket))[0]
        self.assertIn(PARAMETERS["GuardianEmail"], json.dumps(mail))
        self.assertIn("may leave", json.dumps(mail).lower())
        actions = wait_for("the audit is complete", lambda: self.actions(ticket) if "alert_email" in self.actions(ticket) else None)
        for action in ("message_received", "alert_raised", "zendesk_update", "alert_email"):
            self.assertIn(action, actions)

    def at_risk(self, ticket: int) -> bool:
        self.assertEqual(post(created(ticket))[0], 200)
        return triaged(ticket)["guardian"]["risk_score"] >= 7

    def actions(self, ticket: int) -> list[str]:
        return [entry["audit_action"]["S"] for entry in items(ticket, "AUDIT#")]

    def test_sixty_tickets_of_a_live_inbox(self):
        """Zendesk tells of the first ten; the rest are the sweep's to find. Some customers write again."""
        host, path = webhook_address(CLOUD)
        webhook = CLOUD.zendesk("POST", "/api/v2/webhooks", {"webhook": {
            "name": "Ticket triage", "status": "active", "endpoint": f"http://{host}{path}", "http_method": "POST",
            "request_format": "json", "subscriptions": [f"zen:event-type:ticket.{name}" for name in ("created", "comment_added")]}})
        of_webhook = f"/api/v2/webhooks/{webhook['webhook']['id']}"
        secret = CLOUD.zendesk("GET", f"{of_webhook}/signing_secret")["signing_secret"]["secret"]
        CLOUD.put_secret("webhook-secret", {"current": secret, "previous": CLOUD.secret})
        inbox = {}

        def open_tickets(count: int, lost: bool) -> None:
            for _ in range(count):
                number = len(inbox)
                opened = CLOUD.zendesk("POST", "/_demo/tickets", {
                    "subject": f"Order export {number}", "account": f"Customer {number // 3}",
                    "description": f"The export of order {7000 + number} stops after the first page. What can we do?"})["id"]
                if number % 6 == 0:
                    CLOUD.zendesk("POST", f"/_demo/tickets/{opened}/comments", {"text": "It happens in every browser."})
                inbox[opened] = lost
            wait_for("Zendesk has told of them", lambda: CLOUD.zendesk("GET", "/_demo/deliveries")["waiting"] == 0, 60)

        # A cold worker updates ten tickets a minute at most, and here a message has four receives.
        open_tickets(10, lost=False)
        CLOUD.zendesk("PATCH", of_webhook, {"webhook": {"status": "inactive"}})
        open_tickets(50, lost=True)
        # Asked once: the customers have written, and Zendesk answers so many requests a minute.
        newest = {ticket: max(comment["id"] for comment in CLOUD.zendesk(
            "GET", f"/api/v2/tickets/{ticket}/comments.json?page[size]=100")["comments"] if comment["public"])
            for ticket in inbox}
        left = lambda: [ticket for ticket in inbox if (record(ticket) or {"version": 0})["version"] != newest[ticket]]
        try:
            wait_for("all sixty are triaged as of their newest comment", lambda: not left(), 540, 5)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {left()}, of which untold {[t for t in left() if inbox[t]]}") from None
        for ticket in inbox:
            markers = CLOUD.zendesk("GET", f"/_demo/tickets/{ticket}/calls")["markers"]
            self.assertEqual(len(markers), len(set(markers)), f"{ticket} was written twice")
            self.assertLessEqual(len(markers), 2)
            for comment in CLOUD.zendesk("GET", f"/_demo/tickets/{ticket}")["comments"]:
                self.assertFalse(comment["public"] and str(comment["author_id"]) == BOT, f"{ticket}: a note of ours is public")
        self.assertEqual(queue_length(CLOUD.outputs["AlertsDeadLettersUrl"]), 0)
        swept = [line for line in logs("sweep") if line.get("Swept")]
        self.assertGreaterEqual(sum(line["Swept"] for line in swept), sum(inbox.values()))

    def test_a_bad_signature_is_refused_and_leaves_nothing(self):
        for secret, headers in ((None, {"X-Zendesk-Webhook-Signature": ""}), ("guessed", {}),
                                (None, {"X-Zendesk-Webhook-Signature-Timestamp": "2020-01-01T00:00:00Z"})):
            status, _, _ = post(created(1030), secret, headers)
            self.assertEqual(status, 401)
        self.assertEqual(post(b"", method="GET")[0], 405)
        time.sleep(3)
        self.assertEqual(items(1030), [])

    def test_fifty_equal_webhooks_are_one_triage_and_one_alert(self):
        ticket = operation.leaving()
        body = created(ticket)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: post(body)[0], range(50)))
        self.assertEqual(set(answers), {200})
        found = triaged(ticket)
        wait_for("the queue is empty", lambda: queue_length(CLOUD.outputs["TicketsQueueUrl"]) == 0, 120, 1)
        self.assertEqual(record(ticket), found, "nothing was triaged a second time")
        self.assertEqual(len(CLOUD.updates(ticket)), 1)
        wait_for("its alert is sent", lambda: operation.alert_state(ticket) == "sent")
        self.assertEqual(len(items(ticket, "ALERT#")), 1)
        self.assertEqual(len(mails_about(ticket)), 1)
        raised = [action for action in self.actions(ticket) if action in ("alert_raised", "alert_email", "zendesk_update")]
        self.assertEqual(sorted(raised), ["alert_email", "alert_raised", "zendesk_update"], "each once")

    def test_an_alert_is_taken_by_the_link_in_its_mail(self):
        ticket = operation.leaving()
        operation.tell(ticket)
        mail = wait_for("the alert is sent", lambda: mails_about(ticket))[0]
        take = link_in(mail, "I have it")
        self.assertEqual(urllib.parse.urlsplit(take).path, "/followup")
        [alert] = items(ticket, "ALERT#")
        follow_up = lambda: json.loads(item(alert["pk"]["S"], alert["sk"]["S"])["alert_json"]["S"])["follow_up"]
        pressed = lambda: [entry["audit_outcome"]["S"] for entry in items(ticket, "AUDIT#") if entry["audit_action"]["S"] == "alert_follow_up"]

        for words in ("I have it", "Not a risk", "Snooze", "Hand over"):
            status, page = press(link_in(mail, words))
            self.assertEqual(status, 200, page)
            self.assertIn('<form method="post"', page)
        self.assertEqual((follow_up()["state"], pressed()), ("new", []), "a mail scanner opens every link")

        other = {"alert": f"{ticket + 100_000}/guardian/critical"}
        for wrong in (take[:-4] + "AAAA", take.partition("?")[0], signed(take, "guessed"), signed(take, CLOUD.link_secret, until=int(time.time()) - 1),
                      signed(take, CLOUD.link_secret, **other), signed(take, CLOUD.link_secret, to="somebody@example.com")):
            for method in ("GET", "POST"):
                status, page = press(wrong, method)
                self.assertEqual(status, 404, wrong)
                self.assertIn("This link is not valid", page)
        self.assertEqual((follow_up()["state"], pressed()), ("new", []))
        self.assertEqual(press(signed(take, CLOUD.link_secret))[0], 200, "what is signed here is signed as the product signs")

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: press(take, "POST"), range(20)))
        self.assertEqual({status for status, _ in answers}, {200}, [page for status, page in answers if status != 200][:1])
        taken = follow_up()
        self.assertEqual((taken["state"], taken["by"], taken["revision"]), ("taken", PARAMETERS["GuardianEmail"], 1))
        self.assertEqual(len(pressed()), 1, "twenty presses are one change")
        page = lambda: visit("/accounts/", login("accounts"))[2]
        wait_for("the dashboard says so", lambda: re.search(rf'data-ticket="{ticket}"[^>]*data-state="taken"', page()), 60, 2)
        row = re.search(rf'<details class="alert"[^>]* data-ticket="{ticket}".*?</details>', page(), re.DOTALL).group(0)
        account = re.search(r'href="(account/[0-9a-f]{32}/[0-9-]{7}\.html)"', row).group(1)
        status, _, told = visit(f"/accounts/{account}", login("accounts"))
        self.assertEqual(status, 200)
        self.assertIn('<span class="mark taken">', told)
        self.assertEqual(visit(f"/accounts/{account}", login("support"))[0], 401, "its quotes are not for everybody")
        status, _, told = visit("/accounts/account/not-yet/2026-01.html", login("accounts"))
        self.assertEqual(status, 404)
        self.assertIn("written within a minute", told)
        self.assertEqual(visit("/accounts/account/not-yet/2026-01.html", login("support"))[0], 401)
        settle = "?link=".join((take.partition("?")[0], re.search(r'\?link=([\w.-]+)">Say how it ended<', answers[0][1]).group(1)))
        self.assertEqual(press(settle, "POST")[0], 400, "without an outcome")
        self.assertEqual(press(settle, "POST", {"choice": "saved"})[0], 200)
        self.assertEqual((follow_up()["state"], follow_up()["outcome"]), ("settled", "saved"))
        self.assertEqual(press(take, "POST")[0], 409, "it is closed")
        self.assertEqual([outcome.partition(" by ")[0] for outcome in pressed()], ["taken", "settled"])
        logged = json.dumps(logs("followup"))
        for secret in (CLOUD.link_secret, take.partition("link=")[2], PARAMETERS["GuardianEmail"]):
            self.assertNotIn(secret, logged)

    def test_an_alert_is_handed_to_somebody_on_the_list(self):
        ticket, colleague = operation.leaving(), PARAMETERS["OpportunityEmail"]
        operation.tell(ticket)
        mail = wait_for("the alert is sent", lambda: mails_about(ticket))[0]
        hand_over = link_in(mail, "Hand over")
        status, page = press(hand_over)
        self.assertEqual(status, 200, page)
        self.assertIn(f'value="{colleague}"', page)
        self.assertEqual(press(hand_over, "POST", {"choice": "stranger@example.com"})[0], 409)
        self.assertEqual(press(hand_over, "POST", {"choice": colleague})[0], 200)
        to_them = lambda: [mail for mail in mails_about(ticket) if colleague in json.dumps(mail)]
        settle = link_in(wait_for("the new owner is written to", to_them)[-1], "Say how it ended")
        self.assertEqual(press(settle, "POST", {"choice": "saved"})[0], 200, "by a link of their own")
        self.assertEqual(press(link_in(mail, "I have it"), "POST")[0], 409)

    def test_a_poisoned_message_goes_alone_to_the_dead_letters(self):
        sqs, dead = CLOUD.client("sqs"), CLOUD.outputs["TicketsDeadLettersUrl"]
        before = queue_length(dead)
        bodies = ["not json at all", ticket_message(1011), '{"v": 9}', ticket_message(1012)]
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=CLOUD.outputs["TicketsQueueUrl"], Entries=entries)
        triaged(1011)
        triaged(1012)
        wait_for("both poisoned messages are dead", lambda: queue_length(dead) == before + 2, 30)

    def test_a_ticket_that_is_nowhere_is_given_up(self):
        sqs, dead = CLOUD.client("sqs"), CLOUD.outputs["TicketsDeadLettersUrl"]
        before = queue_length(dead)
        sqs.send_message(QueueUrl=CLOUD.outputs["TicketsQueueUrl"], MessageBody=ticket_message(999_999))
        wait_for("the ticket is given up", lambda: queue_length(dead) == before + 1, 120, 1)
        self.assertIsNone(record(999_999))

    def test_dead_messages_can_be_redriven(self):
        sqs, dead = CLOUD.client("sqs"), CLOUD.outputs["TicketsDeadLettersUrl"]
        sqs.purge_queue(QueueUrl=dead)
        with CLOUD.zendesk_hangs():
            self.assertEqual(post(created(1013))[0], 200)
            wait_for("a ticket that cannot be read is dead", lambda: queue_length(dead) == 1, 240, 1)
        self.assertIsNone(record(1013))
        redrive = [sys.executable, ROOT / "infra" / "operate.py", STACK, "redrive", "tickets"]
        run = lambda *more: subprocess.run([*redrive, *more], env=CLOUD.environment, check=True, capture_output=True, text=True)
        self.assertIn('"ticket_id":1013', run("--list").stdout)
        self.assertIn("1 moved", run().stdout)
        triaged(1013)
        self.assertEqual(queue_length(dead), 0)

    def test_a_queue_that_refuses_is_a_503(self):
        iam, role = CLOUD.client("iam"), role_of("Webhook")
        deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"}]}
        iam.put_role_policy(RoleName=role, PolicyName="outage", PolicyDocument=json.dumps(deny))
        try:
            status, headers, _ = post(created(1014))
            self.assertEqual((status, headers.get("retry-after")), (503, "5"))
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName="outage")
        self.assertIsNone(record(1014))
        self.assertEqual(post(created(1014))[0], 200)
        triaged(1014)

    def test_the_dashboard_is_published_and_shows_each_role_its_own(self):
        post(created(1015))
        triaged(1015)
        published = lambda: "#1015" in visit("/support/", login("support"))[2]
        wait_for("the schedule publishes", published, 150, 2)
        for role in ("support", "accounts", "sales", "lead"):
            status, headers, page = visit(f"/{role}/", login(role))
            self.assertEqual(status, 200)
            self.assertIn("Ticket triage", page)
            self.assertIn("strict-transport-security", headers)
            for other in {"support", "accounts", "sales", "lead"} - {role}:
                self.assertEqual(visit(f"/{role}/", login(other))[0], 401)
        self.assertNotIn('id="guardian"', visit("/support/", login("support"))[2])
        self.assertIn('id="guardian"', visit("/accounts/", login("accounts"))[2])
        for path, who in (("/support/", None), ("/support/", "support:"), ("/support/", "support:wrong"), ("/", login("support")),
                          ("/index.html", login("support")), ("/support/../accounts/index.html", login("support")),
                          ("/outbox/x.html", login("support")), ("/constructor/", login("support")), ("/support/", "not basic")):
            self.assertIn(visit(path, who)[0], (400, 401, 403, 404), (path, who))
        self.assertIn(visit("/metrics_summary.json", login("support"))[0], (200,))

    def test_a_password_is_made_replaced_and_removed(self):
        command = [sys.executable, ROOT / "infra" / "site-access.py", STACK, "sales"]
        run = lambda *more, text="": subprocess.run([*command, *more], env=CLOUD.environment, input=text, text=True, capture_output=True)
        made = run().stdout.strip()
        self.assertTrue(made.startswith("sales:") and len(made) > 30)
        self.assertNotEqual(visit("/sales/", made)[0], 401)
        self.assertEqual(visit("/sales/", login("sales"))[0], 401, "the one before is replaced")
        self.assertEqual(run("--password-stdin", text="short").returncode, 1)
        self.assertEqual(run("--remove").returncode, 0)
        self.assertEqual(visit("/sales/", made)[0], 401)
        self.assertEqual(run("--password-stdin", text=CLOUD.passwords["sales"]).returncode, 0)
        self.assertNotEqual(visit("/sales/", login("sales"))[0], 401)

    def test_the_site_bucket_is_closed(self):
        url = f"{CLOUD.endpoint}/{CLOUD.outputs['SiteBucketName']}/support/index.html"
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=5)
        self.assertIn(refused.exception.code, (401, 403))

    def test_held_alerts_come_in_a_digest(self):
        held = lambda: [mail for mail in mails() if "held alert" in mail["Subject"]]
        ticket = operation.leaving()
        post(created(ticket))
        triaged(ticket)
        wait_for("an alert is sent", lambda: operation.alert_state(ticket) == "sent")
        alert = items(ticket, "ALERT#")[0]
        before = len(held())
        operation.settle(alert, "held", reason="cooldown")
        operation.forget_the_hour()
        wait_for("the digest goes out", lambda: len(held()) == before + 1, 150, 2)
        state = lambda: item(alert["pk"]["S"], alert["sk"]["S"])["delivery_state"]["S"]
        wait_for("the alert is settled", lambda: state() == "digested", 30)
        # Another one waits within the same hour, and has to wait for the next.
        operation.settle(alert, "held", reason="cooldown")
        for _ in range(2):
            operation.digest()
        self.assertEqual((len(held()), state()), (before + 1, "held"), "one an hour")

    def test_a_second_alert_of_an_account_answers_the_first(self):
        account = "Conversing Cycles"
        first = operation.opened("Cancellation", "We are cancelling our contract and moving to a competitor.", account)
        operation.tell(first)
        triaged(first)
        opened = wait_for("the first alert is sent", lambda: mails_about(first))[0]
        wait_for("it is settled", lambda: operation.alert_state(first) == "sent")
        # A deadline that was not said before does not wait for an hour to pass.
        words = "We are cancelling our contract with you tomorrow at 9 am."
        second = operation.opened("Cancellation", words, account)
        operation.tell(second)
        triaged(second)
        wait_for("the second alert is sent", lambda: operation.alert_state(second) == "sent")
        [reply] = [mail for mail in mails() if mail["Subject"].startswith(f"{account} again: ")]
        self.assertIn("tomorrow at 9", reply["Subject"])
        self.assertIn(f"/agent/tickets/{second}", html_of(reply))
        self.assertEqual(reply["Headers"]["In-Reply-To"], f"<{opened['MessageId']}>")
        root = opened["Headers"]["References"]
        self.assertEqual(reply["Headers"]["References"], f"{root} <{opened['MessageId']}>")

    def test_the_mode_is_the_kill_switch(self):
        with operation.switched(mode="shadow"):
            post(created(1016))
            self.assertEqual(triaged(1016)["mode"], "shadow")
            self.assertEqual(CLOUD.updates(1016), [])

    def test_a_role_may_do_what_it_needs_and_no_more(self):
        table = f"arn:aws:dynamodb:us-east-1:000000000000:table/{CLOUD.outputs['TicketsTableName']}"
        site = f"arn:aws:s3:::{CLOUD.outputs['SiteBucketName']}"
        bucket = f"arn:aws:s3:::{CLOUD.outputs['ConfigBucketName']}"
        parameter = f"arn:aws:ssm:us-east-1:000000000000:parameter/{STACK}"
        queues = ("TicketsQueueUrl", "AlertsQueueUrl", "TicketsDeadLettersUrl")
        tickets, alerts, dead = (self.arn(CLOUD.outputs[name]) for name in queues)
        for function, action, resource, allowed in (
            ("Webhook", "sqs:SendMessage", tickets, True), ("Webhook", "sqs:SendMessage", alerts, False),
            ("Webhook", "sqs:ReceiveMessage", tickets, False), ("Webhook", "dynamodb:GetItem", table, False),
            ("Webhook", "s3:GetObject", f"{bucket}/policy.json", False), ("Webhook", "ssm:GetParameter", f"{parameter}/switches/mode", False),
            ("Webhook", "ssm:GetParameter", f"{parameter}/webhook-secret", True),
            ("Webhook", "ssm:GetParameter", f"{parameter}/anthropic-api-key", False),
            ("Triage", "sqs:SendMessage", dead, True), ("Triage", "sqs:SendMessage", tickets, False),
            ("Triage", "sqs:ChangeMessageVisibility", tickets, True), ("Alert", "sqs:SendMessage", dead, False),
            ("Triage", "dynamodb:UpdateItem", table, True), ("Triage", "dynamodb:Scan", table, False),
            ("Triage", "ses:SendEmail", "arn:aws:ses:us-east-1:000000000000:identity/example.com", False),
            ("Triage", "ssm:GetParameter", f"{parameter}/webhook-secret", False),
            ("Triage", "ssm:GetParameter", f"{parameter}/switches/mode", True), ("Triage", "ssm:PutParameter", f"{parameter}/switches/mode", False),
            ("Triage", "ssm:GetParameter", f"{parameter}/settings", True), ("Triage", "ssm:PutParameter", f"{parameter}/settings", False),
            ("Alert", "ssm:GetParameter", f"{parameter}/settings", True), ("Alert", "ssm:GetParameter", f"{parameter}/anthropic-api-key", False),
            ("Report", "ssm:GetParameter", f"{parameter}/switches/delivery", True), ("Report", "ssm:GetParameter", f"{parameter}/settings", False),
            ("Triage", "s3:PutObject", f"{bucket}/policy.json", False),
            ("Triage", "s3:DeleteObject", f"{site}/outbox/1-guardian-critical.html", True),
            ("Triage", "s3:DeleteObject", f"{site}/support/index.html", False), ("Triage", "s3:GetObject", f"{site}/outbox/x.html", False),
            ("Alert", "ses:SendEmail", "arn:aws:ses:us-east-1:000000000000:identity/example.com", True),
            ("Alert", "s3:PutObject", f"{site}/outbox/x.html", True),
            ("Alert", "s3:PutObject", f"{site}/support/index.html", False),
            ("Alert", "dynamodb:DeleteItem", table, False),
            ("Report", "s3:PutObject", f"{site}/sales/index.html", True), ("Report", "s3:DeleteObject", f"{site}/sales/index.html", False),
            ("Report", "dynamodb:PutItem", table, False), ("Report", "sqs:SendMessage", alerts, False),
            ("Followup", "dynamodb:GetItem", table, True), ("Followup", "dynamodb:UpdateItem", table, True),
            ("Followup", "dynamodb:PutItem", table, False), ("Followup", "dynamodb:DeleteItem", table, False),
            ("Followup", "dynamodb:Query", f"{table}/index/by_day", False),
            ("Followup", "ssm:GetParameter", f"{parameter}/followup-secret", True),
            ("Followup", "ssm:GetParameter", f"{parameter}/slack-signing-secret", True),
            ("Followup", "ssm:GetParameter", f"{parameter}/webhook-secret", False),
            ("Alert", "ssm:GetParameter", f"{parameter}/slack-signing-secret", False),
            ("Followup", "sqs:SendMessage", alerts, True), ("Followup", "sqs:ReceiveMessage", alerts, False), ("Followup", "s3:GetObject", f"{bucket}/policy.json", False),
            ("Followup", "ses:SendEmail", "arn:aws:ses:us-east-1:000000000000:identity/example.com", False),
            ("Alert", "ssm:GetParameter", f"{parameter}/followup-secret", True),
            ("Triage", "ssm:GetParameter", f"{parameter}/followup-secret", False),
        ):
            with self.subTest(function=function, action=action, resource=resource):
                answer = CLOUD.client("iam").simulate_principal_policy(
                    PolicySourceArn=self.role_arn(function), ActionNames=[action], ResourceArns=[resource])
                decision = answer["EvaluationResults"][0]["EvalDecision"]
                self.assertEqual(decision == "allowed", allowed, decision)

    def test_the_follow_up_reads_no_record(self):
        """It shares a table with them. The emulator looks at the attributes of reads alone."""
        ticket = operation.question()
        operation.tell(ticket)
        triaged(ticket)
        iam, role = CLOUD.client("iam"), role_of("Followup")
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        ours = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps({**trust, "Statement": [*trust["Statement"], ours]}))
        try:
            session = CLOUD.client("sts").assume_role(RoleArn=self.role_arn("Followup"), RoleSessionName="suite")["Credentials"]
        finally:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        table = boto3.resource("dynamodb", endpoint_url=CLOUD.endpoint, region_name=REGION, aws_access_key_id=session["AccessKeyId"],
                               aws_secret_access_key=session["SecretAccessKey"], aws_session_token=session["SessionToken"]).Table(CLOUD.outputs["TicketsTableName"])
        key = {"pk": f"T#{ticket}", "sk": "RECORD"}
        self.assertIn("Item", table.get_item(Key=key, ProjectionExpression="expires_at"), "an attribute that alerts have, too")
        for refused in (lambda: table.get_item(Key=key), lambda: table.get_item(Key=key, ProjectionExpression="expires_at, record_json"),
                        lambda: table.put_item(Item=key)):
            with self.assertRaisesRegex(ClientError, "AccessDenied"):
                refused()

    def test_a_role_is_enforced_when_a_function_runs(self):
        """The webhook, told to write to the alerts queue, cannot."""
        client, name = CLOUD.client("lambda"), CLOUD.outputs["WebhookFunctionName"]
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        wrong = {**variables, "TICKETS_QUEUE_URL": CLOUD.outputs["AlertsQueueUrl"]}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": wrong})
        try:
            self.assertEqual(post(created(1017))[0], 503)
        finally:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        self.assertEqual(post(created(1017))[0], 200)

    def test_a_configuration_that_cannot_be_used_is_named(self):
        client, name = CLOUD.client("lambda"), CLOUD.outputs["ReportFunctionName"]
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for change, words in (({"SITE_BUCKET": "", "TICKETS_TABLE": ""}, ["SITE_BUCKET: is not set", "TICKETS_TABLE: is not set"]),
                              ({"BACKEND": "embedded"}, ["BACKEND: embedded runs under `sam local` only"])):
            client.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **change}})
            try:
                answer = client.invoke(FunctionName=name, Payload=b"{}")
                text = answer["Payload"].read().decode()
                self.assertIn("FunctionError", answer, text)
                for word in words:
                    self.assertTrue(word in text or any(word in json.dumps(line) for line in logs("report")), (word, text))
            finally:
                client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def test_logs_and_metrics_name_the_request_the_ticket_and_the_trace(self):
        post(created(1018))
        triaged(1018)
        lines = wait_for("the log of the triage", lambda: [
            line for line in logs("triage") if line.get("ticket.id") == "#1018" and "Triaged" in line.get("message", "")])
        spans = {span["name"]: span for span in lines[0]["spans"]}
        self.assertTrue(spans["Lambda runtime invoke"]["requestId"])
        self.assertTrue(spans["message"]["trace"], "the trace came along through the queue")
        metrics = [line for line in logs("triage") if "_aws" in line]
        self.assertTrue(metrics)
        self.assertEqual(metrics[0]["Stack"], STACK)
        known = set(json.loads((ROOT / "infra/local-cloud/metrics.json").read_text()))
        self.assertLessEqual({name for line in metrics for name in line} - {"Stack", "_aws"}, known)
        # As the lines hold their text, so that a line break in the ticket hides nothing.
        text = json.dumps(logs("triage") + logs("webhook") + logs("alert"), ensure_ascii=False)
        for secret in (CLOUD.secret, json.dumps(record(1018)["description"], ensure_ascii=False)[1:61]):
            self.assertNotIn(secret, text)
        self.assertIn(json.dumps(lines[0]["message"])[1:-1], text, "what is logged would be found")

    def test_every_sample_event_gets_its_answer(self):
        """As `sam local invoke` runs them: the function alone, with the bundled tickets in memory."""
        # What is poisoned is parked and thereby done; a ticket that is nowhere comes again.
        answers = {
            "triage-batch": [], "triage-mixed": [], "triage-poisoned": [], "triage-unknown": ["00000000-0000-0000-0000-000000000001"],
            "alert-guardian": [], "alert-opportunity": [], "alert-poisoned": [],
        }
        seen = set()
        for file in sorted((ROOT / "events").glob("*.json")):
            function = function_of(file)
            seen.add(function)
            with self.subTest(event=file.name), Bootstrap(BUILD / f"{function}Function" / "bootstrap", SAM_LOCAL) as bootstrap:
                answer = bootstrap.invoke(file.read_bytes())
                if function == "Signin":
                    # There is no provider: signing out needs none.
                    self.assertEqual(answer["statusCode"], {"signin-begin": 503, "signin-out": 200}[file.stem])
                elif function == "Followup":
                    # Nobody signed the link, and Slack is not set up.
                    self.assertEqual(answer["statusCode"], {"followup-slack": 401}.get(file.stem, 404))
                elif function == "Webhook":
                    # Signed long ago.
                    self.assertEqual(answer["statusCode"], 401)
                    signed = subprocess.run([CLOUD.release.local, "sign", file], capture_output=True, check=True, cwd=WORK).stdout
                    self.assertEqual(bootstrap.invoke(signed)["statusCode"], 200)
                elif function == "Report":
                    self.assertEqual(answer["total_tickets"], 0)
                elif function == "Sweep":
                    self.assertTrue(answer["complete"], answer)
                elif file.stem == "alert-digest":
                    self.assertEqual(answer, {"messages": 0, "reminders": 0, "daily": 0})
                else:
                    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
                    self.assertEqual(sorted(failed), answers[file.stem])
        self.assertEqual(seen, {"Webhook", "Triage", "Alert", "Report", "Sweep", "Followup", "Signin"})

    def arn(self, url: str) -> str:
        return CLOUD.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def role_arn(self, function: str) -> str:
        return CLOUD.client("lambda").get_function_configuration(FunctionName=CLOUD.outputs[f"{function}FunctionName"])["Role"]


class Dashboard(unittest.TestCase):
    """People sign in at a provider instead of knowing a password."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(CLOUD.deploy_this, Identity="off")
        CLOUD.deploy_this(Identity="oidc")
        cls.provider = cls.enterClassContext(Provider())

    def identity(self, *arguments, text: str = "", code: int = 0) -> str:
        command = [sys.executable, ROOT / "infra" / "identity.py", STACK, *arguments]
        done = subprocess.run(command, env=CLOUD.environment, input=text, text=True, capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def sign_in(self, page: str, **person) -> tuple[int, dict, str, dict]:
        """As a browser does it: status, headers and page at the end, and the cookies it has then."""
        self.provider.person = person
        status, headers, text = visit(page)
        self.assertEqual((status, headers["location"]), (302, "/signin?to=" + urllib.parse.quote(page, safe="")))
        cookies: dict[str, str] = {}
        for _ in range(2):
            status, headers, text = visit(headers["location"], cookies=cookies)
            for cookie in [] if "set-cookie" not in headers else headers["set-cookie"].split(", "):
                name, _, value = cookie.split(";")[0].partition("=")
                cookies[name] = value
            if status != 302 or not headers["location"].startswith(self.provider.issuer):
                break
            back = self.provider.authorize(headers["location"])
            self.assertTrue(back.startswith(f"{CLOUD.outputs['DashboardUrl']}signin/callback?"), back)
            headers["location"] = "/signin/callback?" + back.partition("?")[2]
        return status, headers, text, {name: value for name, value in cookies.items() if value}

    def test_a_mistake_is_named_and_nothing_stored(self):
        good = {"--issuer": self.provider.issuer, "--client-id": CLIENT, "--support": "helpdesk"}
        for change, words in (({"--issuer": self.provider.issuer + "/"}, f"calls itself '{self.provider.issuer}'"),
                              ({"--issuer": "http://id.example.com"}, "--issuer: must be an https address"),
                              ({"--issuer": CLOUD.endpoint.replace("localhost", "127.0.0.1")}, "gives no OpenID configuration"),
                              ({"--support": " "}, "a group's name is blank"), ({"--support": None}, "name at least one group"),
                              ({"--client-id": None}, "--client-id: is not stored yet")):
            given = [part for pair in {**good, **change}.items() if pair[1] is not None for part in pair]
            self.assertIn(words, self.identity("set", "--secret-stdin", *given, text=SECRET, code=1))
        self.assertIn("the client's secret is blank", self.identity("set", "--secret-stdin", *sum(good.items(), ()), text="\n", code=1))
        self.assertEqual(json.loads(self.identity("show")), {})

    def test_people_sign_in_and_see_their_pages(self):
        self.assertEqual(visit("/signin")[0], 503, "not set up yet")
        self.assertEqual(visit("/support/", login("support"))[0], 302, "no password counts")
        printed = self.identity("set", "--issuer", self.provider.issuer, "--client-id", CLIENT, "--secret-stdin", "--accounts", "kam",
                                "--contact", "the IT desk", text=SECRET)
        self.assertIn(f"{CLOUD.outputs['DashboardUrl']}signin/callback", printed)
        self.assertNotIn(SECRET, self.identity("show"))

        ada = {"sub": "u-1", "email": "ada@example.com", "email_verified": True, "groups": ["kam"]}
        status, headers, text, cookies = self.sign_in("/accounts/", **ada)
        self.assertEqual((status, headers.get("location")), (302, "/accounts/"), text)
        self.assertEqual(list(cookies), ["__Host-triage"])
        wait_for("the schedule publishes", lambda: visit("/accounts/", cookies=cookies)[0] == 200, 150, 2)
        status, _, text = visit("/support/", cookies=cookies)
        self.assertEqual(status, 403)
        self.assertIn("ada@example.com", text)
        changed = {"__Host-triage": "A" + cookies["__Host-triage"]}
        self.assertEqual(visit("/accounts/", cookies=changed)[0], 302)

        self.identity("rotate")
        self.assertEqual(visit("/accounts/", cookies=cookies)[0], 200, "the key before is good for the sessions that are there")
        self.identity("sign-out-all")
        self.assertEqual(visit("/accounts/", cookies=cookies)[0], 302)

        status, _, text, cookies = self.sign_in("/accounts/", sub="u-2", email="eve@example.com", email_verified=True, groups=["others"])
        self.assertEqual((status, list(cookies)), (403, []), text)
        self.assertIn("the IT desk", text)

        said = {line.get("message"): line for line in logs("signin")}
        self.assertEqual(said["Somebody signed in."]["person"], "ada@example.com")
        self.assertEqual(said["Somebody without a role signed in."]["person"], "eve@example.com")
        self.assertNotIn(SECRET, json.dumps(list(said.values())))
        # The emulator writes into its log what CloudFront would write into CloudWatch.
        seen = (WORK / "emulator.log").read_text()
        for line in ('{"who":"ada@example.com","role":"accounts","path":"/accounts/","admitted":true}',
                     '{"who":"ada@example.com","role":"support","path":"/support/","admitted":false}'):
            self.assertIn(line, seen.replace('\\"', '"'))


def main(tests: list[str]) -> int:
    global CLOUD
    # They ask this module, which is complete only now.
    global operation, Operation, Second, Slack
    import operation
    import second
    import slack
    import upgrade
    Operation, Second, Slack = operation.Operation, second.Second, slack.Slack
    started = time.monotonic()
    previous = None

    def rise(cloud: LocalCloud) -> None:
        global CLOUD
        nonlocal previous
        CLOUD = cloud
        previous = upgrade.Previous(cloud, previous_release())
        upgrade.rise(cloud, previous)

    upgraded = not tests and previous_commit() is not None
    if not tests and not upgraded:
        say("The release before this one is not in this clone: no upgrade and no roll-back is tried.")
    with LocalCloud(rise if upgraded else None) as CLOUD:
        say(f"Deployed after {time.monotonic() - started:.0f} s.")
        contracts = None
        if not tests:
            say("The adapters' contracts ...")
            contracts = subprocess.run(
                ["cargo", "test", "--quiet", "--workspace", "--test", "contracts", "--", "--ignored"], cwd=ROOT,
                env={**CLOUD.environment, **{name: CLOUD.outputs[key] for name, key in (
                    ("TICKETS_TABLE", "TicketsTableName"), ("CONTROL_TABLE", "ControlTableName"),
                    ("SITE_BUCKET", "SiteBucketName"), ("CONFIG_BUCKET", "ConfigBucketName"),
                    ("SWITCHES", "SwitchesPath"), ("SETTINGS_PARAMETER", "SettingsParameterName"))}, "CONFIGURATION_SET": STACK,
                    "WEBHOOK_SECRET_PARAMETER": f"/{STACK}/webhook-secret", "WEBHOOK_SECRET": CLOUD.secret}).returncode
        loader = unittest.defaultTestLoader
        this = sys.modules[__name__]
        changed = None if tests else operation.change_settings()
        found = loader.loadTestsFromNames(tests, this) if tests else loader.loadTestsFromModule(this)
        outcome = unittest.TextTestRunner(verbosity=2, failfast=False, resultclass=Timed).run(found)
        failed = len(outcome.failures) + len(outcome.errors)
        if changed:
            operation.find_settings(changed)
        if previous:
            upgrade.fall(CLOUD, previous)
    slowest = sorted(outcome.took.items(), key=lambda item: -item[1])[:10]
    say("The slowest: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest))
    say(f"{outcome.testsRun - failed} passed, {failed} failed; contracts {({0: 'passed', None: 'not run'}).get(contracts, 'FAILED')}; "
        f"{time.monotonic() - started:.0f} s. Logs: {WORK.relative_to(ROOT)}")
    return 1 if failed or contracts else 0
