#!/usr/bin/env python3
"""What an operator does to a running stack. Needs boto3 and credentials; docs/operations.md lists the rights.

    infra/operate.py STACK status                       switches, intake, queues, versions, heartbeats, alarms
    infra/operate.py STACK mode suggest                 shadow, suggest or act
    infra/operate.py STACK auto-reply off               on or off
    infra/operate.py STACK delivery off                 on or off
    infra/operate.py STACK pause                        tickets and alerts wait in their queues; or: pause alerts
    infra/operate.py STACK resume
    infra/operate.py STACK redrive tickets --list       what lies among the dead letters: ids, no text
    infra/operate.py STACK redrive tickets              sends it back to its queue
    infra/operate.py STACK resend                       alerts that SES refused are sent again
    infra/operate.py STACK test-alarm                   sets off an alarm, to see its e-mail arrive
    infra/operate.py STACK restore 2026-11-28T20:00Z    the tickets table as it was, as a new table

Account and region are those of the AWS command line: AWS_PROFILE, AWS_DEFAULT_REGION.
"""

import argparse
import datetime
import json
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

SWITCHES = {
    "mode": ["shadow", "suggest", "act"],
    "auto-reply": ["off", "on"],
    "delivery": ["off", "on"],
}
DEFAULTS = {"mode": "shadow", "auto-reply": "off", "delivery": "on"}
QUEUES = ["tickets", "alerts"]
MAPPINGS = {"tickets": "TriageMapping", "alerts": "AlertMapping"}
# Seconds a dead letter that we look at is hidden from others.
HIDDEN = 120
# A body is ids; what is longer is none of ours.
LONGEST_BODY = 300
ALERT_STATES = ["refused", "skipped"]


class Problem(Exception):
    """Something the operator can mend; its text says how."""


def code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(moment: datetime.datetime) -> str:
    minutes = int((datetime.datetime.now(datetime.UTC) - moment).total_seconds() // 60)
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago" if minutes < 2880 else text(moment)


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def told(main) -> int:
    """Runs a script and says what went wrong without a stack trace."""
    try:
        return main()
    except Problem as problem:
        progress(str(problem))
    except ClientError as error:
        progress(f"{error.operation_name}: {code(error)}: {error.response['Error'].get('Message', '')}")
    except BotoCoreError as error:
        progress(f"{error} (account and region come from AWS_PROFILE and AWS_DEFAULT_REGION)")
    except KeyboardInterrupt:
        progress("Interrupted.")
        return 130
    return 1


class Stack:
    def __init__(self, name: str):
        self.name = name
        cloudformation = boto3.client("cloudformation")
        self.region = cloudformation.meta.region_name
        try:
            described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if code(error) != "ValidationError":
                raise
            raise Problem(f"there is no stack {name} in {self.region}; name the stack, and its region in AWS_DEFAULT_REGION") from error
        self.status = described["StackStatus"]
        self.id = described["StackId"]
        self.parameters = {given["ParameterKey"]: given["ParameterValue"] for given in described.get("Parameters", [])}
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def output(self, name: str) -> str:
        if name not in self.outputs:
            raise Problem(f"the stack {self.name} has no output {name}: is it of this release? Deploy it again")
        return self.outputs[name]

    def resources(self, kind: str) -> dict[str, str]:
        """Physical names by the template's names."""
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for page in pages
                for resource in page["StackResourceSummaries"]
                if resource["ResourceType"] == kind and "PhysicalResourceId" in resource}

    def queue(self, queue: str) -> tuple[str, str]:
        """The addresses of a queue and of its dead letters."""
        return self.output(f"{queue.capitalize()}QueueUrl"), self.output(f"{queue.capitalize()}DeadLettersUrl")


# ---- Switches.

def switch_name(stack: str, switch: str) -> str:
    return f"/{stack}/switches/{switch}"


def switches(stack: str) -> dict[str, str]:
    """The switches somebody has set."""
    names = {switch_name(stack, switch): switch for switch in SWITCHES}
    found = boto3.client("ssm").get_parameters(Names=list(names))["Parameters"]
    return {names[parameter["Name"]]: parameter["Value"] for parameter in found}


def set_switch(name: str, switch: str, value: str, yes: bool) -> int:
    Stack(name)
    now = switches(name)
    if now.get(switch) == value:
        print(f"{switch} is {value} already.")
        return 0
    if (switch, value) in {("mode", "act"), ("auto-reply", "on")} and not yes:
        meaning = ("priorities and groups of tickets are changed" if switch == "mode"
                   else "customers are answered without anybody reading it first")
        confirm(f"{name}: {switch} {value} means that {meaning}.")
    boto3.client("ssm").put_parameter(Name=switch_name(name, switch), Value=value, Type="String", Overwrite=True)
    old = now.get(switch, f"{DEFAULTS[switch]} (never set)")
    print(f"{switch}: {old} -> {value}. In effect within 5 minutes.")
    mode = now.get("mode", DEFAULTS["mode"])
    if switch == "auto-reply" and value == "on" and mode != "act":
        print(f"It has no effect yet: the mode is {mode}, and automatic replies need act.")
    return 0


def confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise Problem(f"{question} Say --yes to do it without being asked.")
    if input(f"{question} Type yes: ").strip() != "yes":
        raise Problem("Nothing was changed.")


# ---- Intake.

def mapping_state(uuid: str) -> str:
    return boto3.client("lambda").get_event_source_mapping(UUID=uuid)["State"]


def paused(stack: Stack) -> list[str]:
    """The queues nobody reads from."""
    return [queue for queue in QUEUES if mapping_state(stack.output(MAPPINGS[queue])) in ("Disabled", "Disabling")]


def set_intake(stack: Stack, queues: list[str], enabled: bool, wait: float = 300, pause: float = 2) -> None:
    """Returns when Lambda says that it is done."""
    client, wanted, end = boto3.client("lambda"), "Enabled" if enabled else "Disabled", time.monotonic() + wait
    for queue in queues:
        uuid = stack.output(MAPPINGS[queue])
        while (state := mapping_state(uuid)) != wanted:
            if time.monotonic() > end:
                raise Problem(f"{queue}: still {state} after {wait:.0f} s; run this again")
            if state in ("Enabled", "Disabled"):
                try:
                    client.update_event_source_mapping(UUID=uuid, Enabled=enabled)
                except ClientError as error:
                    # It began to change since we looked.
                    if code(error) != "ResourceInUseException":
                        raise
            progress(f"{queue}: {state}, waiting for {wanted} ...")
            time.sleep(pause)


def intake(stack: Stack, which: str, enabled: bool) -> int:
    queues = QUEUES if which == "all" else [which]
    set_intake(stack, queues, enabled)
    for queue in queues:
        attributes = queue_attributes(stack.queue(queue)[0])
        waiting = int(attributes["ApproximateNumberOfMessages"])
        line = f"{queue}: {'running' if enabled else 'paused'}, {waiting} {'message waits' if waiting == 1 else 'messages wait'}"
        if not enabled:
            kept = datetime.timedelta(seconds=int(attributes["MessageRetentionPeriod"]))
            until = datetime.datetime.now(datetime.UTC) + kept
            line += (f". A message is kept for {kept.days} days from its arrival: what arrives now until {text(until)}, "
                     "what waits already for less. Resume before that")
        print(line + ".")
    if not enabled:
        print("Work that has begun is finished. Schedules go on: digest, dashboard, sweep. delivery off stops the digest.")
    return 0


# ---- Queues and dead letters.

def queue_attributes(url: str) -> dict[str, str]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "MessageRetentionPeriod", "QueueArn"]
    return boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]


def length(url: str) -> int:
    attributes = queue_attributes(url)
    return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])


def received(url: str, most: int) -> list[dict]:
    """Up to `most` messages, each once, hidden from others for a while."""
    sqs, found = boto3.client("sqs"), {}
    while len(found) < most:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=min(10, most - len(found)), WaitTimeSeconds=1,
                                     VisibilityTimeout=HIDDEN, MessageSystemAttributeNames=["SentTimestamp"])
        fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in found]
        if not fresh:
            break
        found.update({message["MessageId"]: message for message in fresh})
    return list(found.values())


def list_dead(dead: str) -> int:
    sqs, messages = boto3.client("sqs"), received(dead, length(dead))
    for message in messages:
        sent = datetime.datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, datetime.UTC)
        body = " ".join(message["Body"].split())
        print(f"{text(sent)}  {body if len(body) <= LONGEST_BODY else body[:LONGEST_BODY] + ' ...'}")
        sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    progress(f"{len(messages)} found")
    return 0


def redrive(stack: Stack, name: str, rate: int | None, pause: float = 2) -> int:
    queue, dead = stack.queue(name)
    there = length(dead)
    if not there:
        print("No dead letters.")
        return 0
    sqs, source = boto3.client("sqs"), queue_attributes(dead)["QueueArn"]
    # Without a destination SQS sends a message back to where it came from, and knows no such place for one that a
    # function parked itself.
    wish = {"SourceArn": source, "DestinationArn": queue_attributes(queue)["QueueArn"]}
    if rate:
        wish["MaxNumberOfMessagesPerSecond"] = rate
    try:
        task, before = move_task(sqs, source), None
        if task and task["Status"] == "RUNNING":
            progress("A redrive is running already.")
        else:
            before = task and task["StartedTimestamp"]
            sqs.start_message_move_task(**wish)
    except ClientError as error:
        # An emulator's.
        if code(error) not in ("InvalidAction", "AWS.SimpleQueueService.InvalidAction", "UnknownOperationException"):
            raise
        return redrive_by_hand(queue, dead, there)
    return watch_move(sqs, source, dead, there, before, pause)


def move_task(sqs, source: str) -> dict | None:
    """The newest task; only a running one has a handle."""
    return next(iter(sqs.list_message_move_tasks(SourceArn=source, MaxResults=1).get("Results", [])), None)


def watch_move(sqs, source: str, dead: str, there: int, before: int | None, pause: float) -> int:
    """A message that fails again at once comes back among the dead letters while the task runs, so the task is ended when
    it has moved as many as lay there at first."""
    shown, cancelled = None, False
    try:
        while True:
            task = move_task(sqs, source)
            if task is None or task.get("StartedTimestamp") == before:
                # Ours is not listed yet; the newest is the one of last time.
                task = {"Status": "RUNNING"}
            moved, status = task.get("ApproximateNumberOfMessagesMoved", 0), task["Status"]
            if shown != (moved, status):
                progress(f"{moved} of about {there} moved, {status.lower()}")
                shown = moved, status
            if status in ("COMPLETED", "CANCELLED"):
                break
            if status == "FAILED":
                raise Problem(f"SQS failed: {task.get('FailureReason', 'no reason given')}; {moved} moved, run this again")
            if moved >= there and not cancelled:
                cancelled = cancel(sqs, task)
            time.sleep(pause)
    except KeyboardInterrupt:
        task = move_task(sqs, source)
        if task and task["Status"] == "RUNNING":
            cancel(sqs, task)
        print("Stopped. What was moved stays moved.")
        return 130
    return ended(moved, dead)


def cancel(sqs, task: dict) -> bool:
    try:
        sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
    except (ClientError, KeyError):
        # It ended by itself in between.
        pass
    return True


def redrive_by_hand(queue: str, dead: str, there: int) -> int:
    """Where the service has no move tasks. All are received before the first is sent, so none is moved twice."""
    sqs, messages = boto3.client("sqs"), received(dead, there)
    for message in messages:
        sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    return ended(len(messages), dead)


def ended(moved: int, dead: str) -> int:
    print(f"{moved} moved, {length(dead)} among the dead letters now (SQS counts approximately).")
    return 0


# ---- Alerts.

def resend(stack: Stack, skipped: bool, ticket: int | None) -> int:
    wish = {"action": "resend", "states": ALERT_STATES if skipped else ALERT_STATES[:1]}
    if ticket is not None:
        wish["ticket"] = ticket
    answer = boto3.client("lambda").invoke(FunctionName=stack.output("AlertFunctionName"), Qualifier="live",
                                           Payload=json.dumps(wish).encode())
    body = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise Problem(f"the alert function failed, its log says why: {body[:LONGEST_BODY]}")
    resent, now = json.loads(body)["resent"], {**DEFAULTS, **switches(stack.name)}
    print(f"{resent} alerts are on their way again.")
    if resent and (now["mode"] == "shadow" or now["delivery"] == "off"):
        print(f"They will be withheld: mode is {now['mode']}, delivery is {now['delivery']}.")
    return 0


# ---- Alarms.

def alarms(stack: Stack) -> dict[str, dict]:
    """The stack's alarms by the template's names."""
    names = {physical: logical for logical, physical in stack.resources("AWS::CloudWatch::Alarm").items()}
    if not names:
        return {}
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNames=list(names))
    return {names[alarm["AlarmName"]]: alarm for page in pages for alarm in page["MetricAlarms"]}


def test_alarm(stack: Stack, name: str) -> int:
    known = alarms(stack)
    if name not in known:
        raise Problem(f"there is no alarm {name}; the stack has {', '.join(sorted(known))}")
    if not known[name].get("AlarmActions"):
        raise Problem(f"{name} notifies nobody; choose another alarm")
    boto3.client("cloudwatch").set_alarm_state(AlarmName=known[name]["AlarmName"], StateValue="ALARM",
                                               StateReason="A test by the operator.")
    print(f"{name} is in ALARM. CloudWatch puts it right at its next evaluation, within minutes: two e-mails to "
          f"{stack.parameters.get('AlarmEmail', 'the alarm address')}.")
    return 0


# ---- Status.

def status(stack: Stack) -> int:
    """One section may be forbidden to the operator or broken: the others are shown all the same."""
    print(f"{stack.name} in {stack.region}: {stack.status}")
    sections = [("Switches", switch_lines), ("Intake", intake_lines), ("Queues", queue_lines), ("Versions", version_lines),
                ("Heartbeats", heartbeat_lines), ("Alarms", alarm_lines)]
    for title, lines in sections:
        print(f"\n{title}")
        try:
            for line in lines(stack):
                print(f"  {line}")
        except Problem as problem:
            print(f"  unknown: {problem}")
        except ClientError as error:
            print(f"  unknown: {error.operation_name}: {code(error)}")
    return 0


def switch_lines(stack: Stack):
    now = switches(stack.name)
    names = [switch_name(stack.name, switch) for switch in SWITCHES]
    filters = [{"Key": "Name", "Option": "Equals", "Values": names}]
    try:
        described = boto3.client("ssm").describe_parameters(ParameterFilters=filters)["Parameters"]
    except ClientError as error:
        if code(error) != "AccessDeniedException":
            raise
        described = []
    changes = {parameter["Name"]: parameter for parameter in described}
    for switch, allowed in SWITCHES.items():
        value, change = now.get(switch), changes.get(switch_name(stack.name, switch))
        if value is None:
            yield f"{switch:<11}{DEFAULTS[switch]:<9}never set, the default"
            continue
        line = f"{switch:<11}{value:<9}"
        if change:
            line += f"since {text(change['LastModifiedDate'])}, by {change.get('LastModifiedUser', 'somebody unknown')}"
        if value not in allowed:
            line += f"  NOT VALID, so it counts as off (mode: shadow); set {' or '.join(allowed)}"
        yield line


def intake_lines(stack: Stack):
    for queue in QUEUES:
        state = mapping_state(stack.output(MAPPINGS[queue]))
        words = {"Enabled": "running", "Disabled": "PAUSED: infra/operate.py STACK resume".replace("STACK", stack.name)}
        yield f"{queue:<11}{words.get(state, state)}"


def queue_lines(stack: Stack):
    for queue in QUEUES:
        url, dead = stack.queue(queue)
        attributes = queue_attributes(url)
        yield (f"{queue:<11}{attributes['ApproximateNumberOfMessages']} waiting, "
               f"{attributes['ApproximateNumberOfMessagesNotVisible']} being worked on or put off, {length(dead)} dead letters")
    if "CallsDeadLettersUrl" in stack.outputs:
        yield f"{'calls':<11}{length(stack.outputs['CallsDeadLettersUrl'])} dead letters, scheduled calls that failed"


def version_lines(stack: Stack):
    client = boto3.client("lambda")
    for name, output in (("triage", "TriageFunctionName"), ("alert", "AlertFunctionName")):
        function = stack.output(output)
        alias = client.get_alias(FunctionName=function, Name="live")
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        versions = [int(version["Version"]) for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
        newest, live = max(versions, default=0), alias["FunctionVersion"]
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        line = f"{name:<11}live is version {live}"
        line += "".join(f", version {version} gets {share:.0%}" for version, share in weights.items())
        yield line + (", the newest" if live == str(newest) else f"; the newest is {newest}")


def heartbeat_lines(stack: Stack):
    s3, bucket = boto3.client("s3"), stack.output("SiteBucketName")
    try:
        published = s3.head_object(Bucket=bucket, Key="support/index.html")["LastModified"]
        yield f"{'dashboard':<11}{ago(published)}"
    except ClientError as error:
        if code(error) not in ("404", "NoSuchKey"):
            raise
        yield f"{'dashboard':<11}never published"
    metrics = {"digest": "Digests", "sweep": "Swept", "ticket": "Tickets"}
    dimensions = [{"Name": "Stack", "Value": stack.name}]
    queries = [{"Id": name, "MetricStat": {"Metric": {"Namespace": "TicketTriage", "MetricName": metric, "Dimensions": dimensions},
                                           "Period": 300, "Stat": "SampleCount"}} for name, metric in metrics.items()]
    now = datetime.datetime.now(datetime.UTC)
    found = boto3.client("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=now - datetime.timedelta(hours=24),
                                                       EndTime=now, ScanBy="TimestampDescending")["MetricDataResults"]
    last = {result["Id"]: result["Timestamps"] for result in found}
    for name in metrics:
        yield f"{name:<11}{ago(last[name][0]) if last.get(name) else 'none within 24 hours'}"


def alarm_lines(stack: Stack):
    ringing = {name: alarm for name, alarm in alarms(stack).items() if alarm["StateValue"] == "ALARM"}
    for name, alarm in sorted(ringing.items()):
        yield f"{name}, since {text(alarm['StateUpdatedTimestamp'])}: docs/operations.md#{name.lower()}"
    if not ringing:
        yield "none"


# ---- Restore.

def moment(word: str) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{word} is no time; write it as 2026-11-28T20:00Z") from error
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{word} has no time zone; write it as 2026-11-28T20:00Z")
    return found.astimezone(datetime.UTC)


def restore(stack: Stack, when: datetime.datetime, pause: float = 20) -> int:
    dynamodb, source = boto3.client("dynamodb"), stack.output("TicketsTableName")
    target = f"{stack.name}-restored-{when:%Y%m%d%H%M}"
    old = dynamodb.describe_table(TableName=source)["Table"]
    if table_status(dynamodb, target) is None:
        backups = dynamodb.describe_continuous_backups(TableName=source)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            raise Problem(f"{source} has no backups: PointInTimeRecovery is off")
        try:
            dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, RestoreDateTime=when)
        except ClientError as error:
            if code(error) != "InvalidRestoreTimeException":
                raise
            window = [text(recovery[name]) for name in ("EarliestRestorableDateTime", "LatestRestorableDateTime")]
            raise Problem(f"{text(when)} cannot be restored; choose a time from {window[0]} to {window[1]}") from error
        progress(f"Restoring {source} of {text(when)} into {target}. This takes minutes, hours for a large table; Ctrl-C leaves "
                 "it running, and the same command goes on waiting.")
    else:
        progress(f"{target} is there already.")
    began = time.monotonic()
    while (state := table_status(dynamodb, target)) != "ACTIVE":
        if state not in ("CREATING", "UPDATING"):
            raise Problem(f"{target} is {state}; look into the DynamoDB console")
        progress(f"{state.lower()}, {(time.monotonic() - began) / 60:.0f} min")
        time.sleep(pause)
    settle(dynamodb, old, target)
    print(f"{target} is ready. Let the functions use it:\n\n    infra/deploy {stack.name} --set TicketsTableName={target}\n")
    return 0


def table_status(dynamodb, table: str) -> str | None:
    try:
        return dynamodb.describe_table(TableName=table)["Table"]["TableStatus"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None


def settle(dynamodb, old: dict, target: str) -> None:
    """A restored table has indexes and encryption, and none of the rest."""
    ttl = dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
    dynamodb.update_continuous_backups(TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    tags = dynamodb.list_tags_of_resource(ResourceArn=old["TableArn"]).get("Tags", [])
    # AWS keeps names that begin with aws: for itself.
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    if own:
        arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=own)
    if old.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)
    progress(f"Time to live and backups are on, {len(own)} tags copied.")


# ---- The command line.

def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("stack")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("status", help="how the stack is")
    for switch, values in SWITCHES.items():
        command = commands.add_parser(switch, help=f"set the switch: {', '.join(values)}")
        command.add_argument("value", choices=values)
        command.add_argument("--yes", action="store_true", help="do not ask")
    for name, what in (("pause", "messages wait in their queues"), ("resume", "messages are worked on again")):
        command = commands.add_parser(name, help=what)
        command.add_argument("queue", choices=[*QUEUES, "all"], nargs="?", default="all")
    command = commands.add_parser("redrive", help="send dead letters back to their queue")
    command.add_argument("queue", choices=QUEUES)
    command.add_argument("--list", action="store_true", help="show them and move nothing")
    command.add_argument("--rate", type=int, metavar="N", choices=range(1, 501), help="at most N messages a second, 1 to 500")
    command = commands.add_parser("resend", help="send alerts again that SES refused")
    command.add_argument("--skipped", action="store_true", help="also those that a switch withheld")
    command.add_argument("--ticket", type=int, metavar="N", help="only those of this ticket")
    command = commands.add_parser("test-alarm", help="set off an alarm, to see its e-mail arrive")
    command.add_argument("alarm", nargs="?", default="Parked")
    command = commands.add_parser("restore", help="restore the tickets table into a new one")
    command.add_argument("timestamp", type=moment, help="such as 2026-11-28T20:00Z")
    return top


def main() -> int:
    arguments = parser().parse_args()
    if arguments.command in SWITCHES:
        return set_switch(arguments.stack, arguments.command, arguments.value, arguments.yes)
    stack = Stack(arguments.stack)
    match arguments.command:
        case "status":
            return status(stack)
        case "pause" | "resume":
            return intake(stack, arguments.queue, enabled=arguments.command == "resume")
        case "redrive" if arguments.list:
            return list_dead(stack.queue(arguments.queue)[1])
        case "redrive":
            return redrive(stack, arguments.queue, arguments.rate)
        case "resend":
            return resend(stack, arguments.skipped, arguments.ticket)
        case "test-alarm":
            return test_alarm(stack, arguments.alarm)
        case "restore":
            return restore(stack, arguments.timestamp)


if __name__ == "__main__":
    sys.exit(told(main))
