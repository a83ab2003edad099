#!/usr/bin/env python3
"""Sends what lies in a dead-letter queue back to its queue. Needs boto3 and credentials for both.

    infra/redrive.py STACK tickets --list     shows the messages, which hold ids and no text, and moves nothing
    infra/redrive.py STACK tickets            moves them all
    infra/redrive.py STACK alerts --most 10   moves ten

A message is sent before it is deleted: an interruption leaves a copy in both queues, which triage and alert recognise.
Look into the audit for why they were parked, and mend that first.
"""

import argparse
import sys

import boto3

# Seconds a message we look at is hidden from others.
HIDDEN = 120


def received(sqs, url: str, most: int):
    """Up to `most` messages, each once."""
    seen = set()
    while len(seen) < most:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=min(10, most - len(seen)), WaitTimeSeconds=1,
                                     VisibilityTimeout=HIDDEN)
        fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not fresh:
            return
        for message in fresh:
            seen.add(message["MessageId"])
            yield message


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack")
    parser.add_argument("queue", choices=["tickets", "alerts"])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--most", type=int, default=100_000)
    arguments = parser.parse_args()

    stacks = boto3.client("cloudformation").describe_stacks(StackName=arguments.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
    queue, dead = (outputs[f"{arguments.queue.capitalize()}{end}"] for end in ("QueueUrl", "DeadLettersUrl"))
    sqs = boto3.client("sqs")
    if arguments.list:
        found = list(received(sqs, dead, arguments.most))
        for message in found:
            print(message["Body"])
            sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        print(f"{len(found)} found", file=sys.stderr)
        return 0
    moved = 0
    for message in received(sqs, dead, arguments.most):
        sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    print(f"{moved} moved", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
