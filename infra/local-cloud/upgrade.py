"""From the release before this one to this one, and back: what lies in tables and queues is read on the other side.

Before the suite `rise` deploys the previous release, fills tables and queues, and deploys this one over it; after the
suite `fall` goes the other way. Both read from the same Zendesk.
"""

import contextlib
import json

import suite
from cloud import BOT, LocalCloud, Release, say, wait_for

QUEUES = ("TicketsQueueUrl", "AlertsQueueUrl")
DEAD = ("TicketsDeadLettersUrl", "AlertsDeadLettersUrl")
# Done under the previous release; the last of them raises an alert that waits for the next release.
DONE, WAITS = (1019, 1021, 1022, 1020), (1023, 1024)
# Triaged by the previous release again.
BACK = (1025, 1026)


class Previous:
    """The previous release."""

    def __init__(self, cloud: LocalCloud, release: Release) -> None:
        self.cloud, self.release = cloud, release

    def deploy(self) -> None:
        say("The previous release ...")
        self.cloud.deploy(self.release, ZendeskSubdomain=f"http://127.0.0.1:{self.cloud.zendesk_port}", ZendeskBotUserId=BOT)


@contextlib.contextmanager
def held(cloud: LocalCloud, *functions: str):
    """Nothing is received from these functions' queues meanwhile."""
    client = cloud.client("lambda")

    def switch(on: bool) -> None:
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            if any(f"-{function}Function-" in mapping["FunctionArn"] for function in functions):
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    switch(False)
    try:
        yield
    finally:
        switch(True)


def dead(cloud: LocalCloud) -> int:
    return sum(suite.queue_length(cloud.outputs[name]) for name in DEAD)


def at_rest(cloud: LocalCloud) -> None:
    for name in QUEUES:
        wait_for(f"{name} is empty", lambda: suite.queue_length(cloud.outputs[name]) == 0, 120, 1)


def rise(cloud: LocalCloud, previous: Previous) -> None:
    previous.deploy()
    cloud.configure()
    for ticket in DONE[:-1]:
        suite.expect(suite.post(suite.created(ticket))[0], 200)
        suite.triaged(ticket)
    at_rest(cloud)
    with held(cloud, "Alert"):
        suite.expect(suite.post(suite.created(DONE[-1]))[0], 200)
        suite.triaged(DONE[-1])
        waiting = [item["sk"]["S"] for item in suite.items(DONE[-1], "ALERT#")]
        suite.expect(bool(waiting), True)
        with held(cloud, "Triage"):
            for ticket in WAITS:
                suite.expect(suite.post(suite.created(ticket))[0], 200)
            cloud.deploy_this()
            cloud.configure()
    for ticket in WAITS:
        suite.triaged(ticket)
    at_rest(cloud)
    for key in waiting:
        delivered = lambda: suite.item(f"T#{DONE[-1]}", key)["delivery_state"]["S"] in ("sent", "held", "digested")
        wait_for(f"the waiting alert {key} is settled", delivered, 60)
    suite.expect(dead(cloud), 0)
    # What the release before knows of a ticket is what this one goes on from.
    before = suite.record(DONE[0])
    cloud.zendesk("POST", f"/_demo/tickets/{DONE[0]}/comments", {"text": "It is worse since this morning."})
    suite.expect(suite.post(suite.commented(DONE[0]))[0], 200)
    wait_for("a ticket of the release before is triaged again", lambda: suite.record(DONE[0])["version"] != before["version"], 150)
    suite.expect(len(suite.items(DONE[0], "RECORD")), 1)
    report(cloud, len(DONE) + len(WAITS))
    say("The release before was upgraded: all read, nothing parked.")


def fall(cloud: LocalCloud, previous: Previous) -> None:
    at_rest(cloud)
    parked, known = dead(cloud), report(cloud, 1)
    with held(cloud, "Triage", "Alert"):
        for ticket in BACK:
            suite.expect(suite.post(suite.created(ticket))[0], 200)
        previous.deploy()
        cloud.upload(cloud.outputs["ConfigBucketName"])
    for ticket in BACK:
        suite.triaged(ticket)
    at_rest(cloud)
    suite.expect(dead(cloud), parked)
    report(cloud, known)
    say("Rolled back to the release before: all read, nothing parked.")


def report(cloud: LocalCloud, least: int) -> int:
    """The page is made of every record there is."""
    answer = cloud.client("lambda").invoke(FunctionName=cloud.outputs["ReportFunctionName"], Payload=b"{}")
    text = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise AssertionError(text)
    total = json.loads(text)["total_tickets"]
    if total < least:
        raise AssertionError(f"{total} tickets on the page, {least} were triaged")
    return total
