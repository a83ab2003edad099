"""Build, deployment, and what belongs to a stack and is not in it: switches, passwords, the alarm address's consent."""

import shlex
import subprocess
import sys

import boto3

import operate
from operate import Problem

from .run import INFRA, Run

ROLES = ["support", "accounts", "sales", "lead"]


def build(run: Run) -> None:
    """Build"""
    words = ["sam", "build", "--parameter-overrides", f"Architecture={run.answers['architecture']}"]
    if run.arguments.skip_build:
        run.say("skipped")
    elif not run.would(f"run {shlex.join(words)}; ten to twenty minutes the first time"):
        if run.call(*words).returncode:
            raise Problem("the build failed; mend what is said above")


def deploy(run: Run) -> None:
    """Deployment"""
    words = ["sam", "deploy", "--stack-name", run.name, "--region", run.region,
             "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-fail-on-empty-changeset", "--no-progressbar",
             "--confirm-changeset" if run.asks() and not run.arguments.yes else "--no-confirm-changeset"]
    bucket = run.arguments.artifacts_bucket
    words += ["--s3-bucket", bucket] if bucket else ["--resolve-s3"]
    if run.arguments.template:
        words += ["--template-file", run.arguments.template]
    # Kept answers may be of a newer release, when this one is a roll-back.
    given = sorted((name, value) for name, value in run.parameters.items() if name in run.known)
    words += ["--parameter-overrides", *(overriding(name, value) for name, value in given)]
    tags = {"Product": "ticket-triage", "Stack": run.name, **dict(tag.split("=", 1) for tag in run.arguments.tag)}
    words += ["--tags", *(f"{name}={value}" for name, value in tags.items())]
    restored = run.parameters.get("TicketsTableName")
    if restored and operate.table_status(boto3.client("dynamodb"), restored) != "ACTIVE":
        raise Problem(f"TicketsTableName={restored}: there is no such table, or it is not ready; --set TicketsTableName= is the "
                      "stack's own")
    stopped = operate.paused(run.stack) if run.stack and "TriageMapping" in run.stack.outputs else []
    if run.would(f"run {shlex.join(words)}"):
        return
    failed = run.call(*words).returncode
    run.look_for_stack()
    if stopped and run.stack:
        # CloudFormation leaves a mapping alone that the template does not change, and may turn on one that it does.
        operate.set_intake(run.stack, stopped, enabled=False)
        run.say(f"still paused: {', '.join(stopped)}")
    if failed or run.stack is None:
        raise Problem("the deployment failed; the events of the stack say why. What was there before is in use")
    run.say(f"{run.name} is {run.stack.status}")


def switches(run: Run) -> None:
    """Switches"""
    now = operate.switches(run.name)
    for switch, value in operate.DEFAULTS.items():
        if switch in now:
            run.say(f"{switch} is {now[switch]}, and stays")
        elif not run.would(f"set {switch} to {value}"):
            boto3.client("ssm").put_parameter(Name=operate.switch_name(run.name, switch), Value=value, Type="String")
            run.say(f"{switch} is {value}")


def passwords(run: Run) -> None:
    """Dashboard"""
    if run.parameters.get("Identity", "off") != "off":
        run.say("people sign in by their own account: no passwords")
        return
    if run.stack is None:
        run.would(f"make a password for each role: {', '.join(ROLES)}")
        return
    script = [sys.executable, str(INFRA / "site-access.py"), run.name]
    listed = subprocess.run([*script, "--list"], capture_output=True, text=True)
    if listed.returncode:
        raise Problem(f"the dashboard's roles cannot be listed: {listed.stderr.strip()}")
    for role in ROLES:
        if role in listed.stdout.split():
            run.say(f"{role} has a password, and keeps it")
        elif not run.would(f"make a password for {role}"):
            made = subprocess.run([*script, role], capture_output=True, text=True)
            if made.returncode:
                raise Problem(f"the password of {role} cannot be made: {made.stderr.strip()}")
            run.say(f"{made.stdout.strip()}     (user:password, shown this once)")


def alarms(run: Run) -> None:
    """Alarm address"""
    address = run.parameters["AlarmEmail"]
    if address == "none":
        run.leave("nobody is told of alarms: --alarm-email")
    elif run.stack is None:
        run.would(f"check that {address} has confirmed")
    else:
        topic = run.stack.output("AlarmTopicArn")
        pages = boto3.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        arns = [found["SubscriptionArn"] for page in pages for found in page["Subscriptions"] if found["Endpoint"] == address]
        if any(arn.startswith("arn:") for arn in arns):
            run.say(f"{address} has confirmed; infra/operate.py {run.name} test-alarm sends a test")
        else:
            run.leave(f"{address} has not confirmed: AWS sent a message with a link, which is valid for three days")


def overriding(name: str, value: str) -> str:
    """As SAM reads it: in quotes, so that a value may be empty."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
