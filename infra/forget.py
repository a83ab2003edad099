#!/usr/bin/env python3
"""Erases what a deployment holds of tickets. Needs boto3 and credentials for its tables, queue, bucket and report.

    infra/forget.py STACK --ticket 1001 --ticket 1002     these tickets
    infra/forget.py STACK --ticket - < numbers.txt        tickets by number, one per line
    infra/forget.py STACK --account 8447346622462         every ticket of an organisation that is held
    infra/forget.py STACK --requester 8447388090494       every ticket of somebody without an organisation

Nothing here knows who wrote an organisation's tickets: ask Zendesk (GET /api/v2/users/ID/tickets/requested) and give the
numbers to --ticket -. Triage erases each ticket under its claim, so that nobody works on it meanwhile, and this waits for it.
Forget in Zendesk first: a ticket that is still there is triaged again when its customer writes.
"""

import argparse
import datetime
import hashlib
import json
import sys
import time

import boto3
from botocore.exceptions import ClientError

BACKUP_DAYS = 35


def without_mention(alert: dict, gone: set[int]) -> dict:
    """The alert without what it remembers of those tickets. Alerts of earlier releases remember no alerts."""
    kept = {"past": [past for past in alert["past"] if past["id"] not in gone]}
    if "earlier" in alert:
        kept["earlier"] = [earlier for earlier in alert["earlier"] if int(earlier["key"].split("/")[0]) not in gone]
    return {**alert, **kept}


class Stack:
    def __init__(self, name: str):
        stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        self.dynamodb, self.s3 = boto3.client("dynamodb"), boto3.client("s3")
        self.table = self.outputs["TicketsTableName"]

    def get(self, ticket: int, sk: str) -> dict:
        key = {"pk": {"S": f"T#{ticket}"}, "sk": {"S": sk}}
        return self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})

    def of_account(self, account: str) -> list[int]:
        """The numbers of the tickets with a record."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table, IndexName="by_account", KeyConditionExpression="account_key = :account",
            ExpressionAttributeValues={":account": {"S": account}}, ProjectionExpression="pk")
        return [int(item["pk"]["S"].removeprefix("T#")) for page in pages for item in page["Items"]]

    def alerts(self, ticket: int) -> list[dict]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table, KeyConditionExpression="pk = :pk AND begins_with(sk, :alert)",
            ExpressionAttributeValues={":pk": {"S": f"T#{ticket}"}, ":alert": {"S": "ALERT#"}})
        return [item for page in pages for item in page["Items"]]

    def ask(self, ticket: int) -> None:
        """Older releases read the message as one that asks for a look at the ticket."""
        body = json.dumps({"v": 1, "ticket_id": ticket, "cause": "triggered", "why": "forgotten"})
        boto3.client("sqs").send_message(QueueUrl=self.outputs["TicketsQueueUrl"], MessageBody=body)

    def erased(self, ticket: int) -> bool:
        """A ticket that Zendesk deleted was erased before, and stays so."""
        state = json.loads(self.get(ticket, "STATE").get("state_json", {}).get("S", "{}"))
        reason = (state.get("erasure") or {}).get("reason")
        return reason in ("forgotten", "deleted") and not self.get(ticket, "RECORD")

    def unmention(self, account: str, gone: set[int]) -> int:
        """Takes tickets out of the lists of earlier tickets and earlier alerts in other alerts of their account."""
        changed = 0
        for other in set(self.of_account(account)) - gone:
            for item in self.alerts(other):
                alert = json.loads(item["alert_json"]["S"])
                without = without_mention(alert, gone)
                if without != alert:
                    self.dynamodb.update_item(
                        TableName=self.table, Key={"pk": item["pk"], "sk": item["sk"]},
                        UpdateExpression="SET alert_json = :new", ConditionExpression="alert_json = :old",
                        ExpressionAttributeValues={":new": {"S": json.dumps(without, ensure_ascii=False)},
                                                   ":old": item["alert_json"]})
                    changed += 1
        return changed

    def discard_digests(self, gone: set[int]) -> int:
        """Digests that the mail service refused, and that tell of one of the tickets."""
        bucket, discarded = self.outputs["SiteBucketName"], 0
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="outbox/digest-"):
            for entry in page.get("Contents", []):
                digest = self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
                if any(f'/agent/tickets/{ticket}"' in digest for ticket in gone):
                    self.s3.delete_object(Bucket=bucket, Key=entry["Key"])
                    discarded += 1
        return discarded

    def discard_account_pages(self, accounts: set[str], gone: set[int]) -> int:
        """Pages of the accounts that tell of one of the tickets still: the report did not get to them yet."""
        bucket, discarded = self.outputs["SiteBucketName"], 0
        for account in accounts:
            # As shared/runtime/src/account_page.rs names it.
            name = hashlib.sha256(b"account-page-1\n" + account.encode()).hexdigest()[:32]
            for role in ("accounts", "sales", "lead"):
                for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{role}/account/{name}/"):
                    for entry in page.get("Contents", []):
                        html = self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
                        if any(f'/agent/tickets/{ticket}"' in html for ticket in gone):
                            self.s3.delete_object(Bucket=bucket, Key=entry["Key"])
                            discarded += 1
        return discarded

    def backups(self) -> bool:
        described = self.dynamodb.describe_continuous_backups(TableName=self.table)["ContinuousBackupsDescription"]
        return described.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


def numbers(words: list[str]) -> list[int]:
    listed = [word for given in words for word in (sys.stdin.read().split() if given == "-" else [given])]
    return [int(word.removeprefix("#")) for word in listed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack")
    parser.add_argument("--ticket", action="append", default=[], metavar="N")
    parser.add_argument("--account", metavar="ID")
    parser.add_argument("--requester", metavar="ID")
    parser.add_argument("--wait", type=int, default=300, metavar="SECONDS")
    arguments = parser.parse_args()
    if arguments.requester and "@" in arguments.requester:
        parser.error("--requester: no address is kept; give the user's id, or the numbers of their tickets to --ticket -")
    try:
        tickets = set(numbers(arguments.ticket))
    except ValueError:
        parser.error("--ticket: write numbers such as 1001")
    if not (tickets or arguments.account or arguments.requester):
        parser.error("name what to forget: --ticket, --account or --requester")

    stack = Stack(arguments.stack)
    accounts = {arguments.account} if arguments.account else set()
    if arguments.requester:
        accounts.add(f"requester-{arguments.requester}")
    for account in accounts:
        tickets.update(stack.of_account(account))
    accounts.update(key["S"] for ticket in tickets if (key := stack.get(ticket, "RECORD").get("account_key")))
    if not tickets:
        print("No ticket of theirs is held.")
        return 0

    for ticket in sorted(tickets):
        stack.ask(ticket)
    waiting, until = set(tickets), time.monotonic() + arguments.wait
    while waiting and time.monotonic() < until:
        waiting = {ticket for ticket in waiting if not stack.erased(ticket)}
        if waiting:
            time.sleep(2)
    for ticket in sorted(tickets):
        print(f"#{ticket}: " + ("NOT erased yet; its message is in the queue" if ticket in waiting else "erased"))
    unmentioned = 0
    for account in accounts:
        try:
            unmentioned += stack.unmention(account, tickets)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            print("An alert changed meanwhile and may still name the tickets; run this again.")
            waiting.add(0)
    print(f"{unmentioned} alerts of other tickets named them and do no more; "
          f"{stack.discard_digests(tickets)} digests in the outbox deleted.")
    answer = boto3.client("lambda").invoke(FunctionName=stack.outputs["ReportFunctionName"], Payload=b"{}")
    failed = "FunctionError" in answer
    print("The dashboard could NOT be rebuilt; the hourly report will." if failed else "The dashboard is rebuilt, and the account pages with it.")
    if discarded := stack.discard_account_pages(accounts, tickets):
        print(f"{discarded} account pages still told of them and are deleted.")

    print("\nWhat is left:")
    until = datetime.date.today() + datetime.timedelta(days=BACKUP_DAYS)
    print(f"- backups of the table (point-in-time recovery) hold what was erased until {until}" if stack.backups()
          else "- no backup of the table: point-in-time recovery is off")
    print("- the audit, 400 days, and the logs: ids, actions and outcomes, no text, no address")
    print("- pages and the outbox have no older versions: the bucket keeps none, and CloudFront no copies")
    print("- e-mails that were sent, at their recipients; messages in Slack are deleted with their alerts, but those sent through\n"
          "  an incoming webhook and any that triage says in its log it could not delete")
    return 1 if waiting or failed else 0


if __name__ == "__main__":
    sys.exit(main())
