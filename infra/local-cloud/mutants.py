"""Whether the tests see it when template.yaml loses something: each mutant is the template with one thing broken.

The static ones are put to the tests of `lint`, all in seconds. The others need the deployed product: each is deployed and put
to the tests of suite.py that must fail, which takes minutes; run them by hand and keep the output.
"""

import datetime
import functools
import io
import os
import pickle
import subprocess
import sys
import time
import unittest

import suite
import template
import template_test
from cloud import HERE, ROOT, WORK

DROP = object()
ALARM, BUCKET, QUEUE, TABLE, LOGS = "AWS::CloudWatch::Alarm", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"
FUNCTION, ROLE, DISTRIBUTION, TOPIC = "AWS::Serverless::Function", "AWS::IAM::Role", "AWS::CloudFront::Distribution", "AWS::SNS::Topic"

# What is lost, where, and what stands there instead. A path begins with a section, a resource, or a type and then is a
# mutant for each resource of it; `*` is a mutant for each entry. A last step with a plus is new.
STATIC = [
    # Alarms.
    ("nobody is told of an alarm", f"{ALARM}/Properties/AlarmActions", DROP),
    ("nobody is told of its end", f"{ALARM}/Properties/OKActions", DROP),
    ("an alarm is switched off", f"{ALARM}/Properties/+ActionsEnabled", False),
    ("an alarm goes to the other topic", f"{ALARM}/Properties/AlarmActions/0/Ref", "MailEventsTopic"),
    ("missing data is ignored", f"{ALARM}/Properties/TreatMissingData", "ignore"),
    ("a heartbeat that stops is fine", "DashboardOverdue/Properties/TreatMissingData", "notBreaching"),
    ("a heartbeat that stops is fine", "DigestOverdue/Properties/TreatMissingData", "notBreaching"),
    ("a heartbeat that stops is fine", "SweepOverdue/Properties/TreatMissingData", "notBreaching"),
    ("an alarm never fires", f"{ALARM}/Properties/Threshold", 1e9),
    ("an alarm fires upside down", f"{ALARM}/Properties/ComparisonOperator", "LessThanOrEqualToThreshold"),
    ("an alarm waits for a long time", f"{ALARM}/Properties/EvaluationPeriods", 100),
    ("an alarm is gone", ALARM, DROP),
    ("an alarm names no page", f"{ALARM}/Properties/AlarmDescription", "Something is wrong."),
    ("an alarm has a fixed name", f"{ALARM}/Properties/+AlarmName", "triage"),
    ("an alarm is of every stack", f"{ALARM}/Properties/Dimensions/0/Value", "other"),
    ("a sum is of every stack", f"{ALARM}/Properties/Metrics/*/MetricStat/Metric/Dimensions/0/Value", "other"),
    ("a metric is unknown", f"{ALARM}/Properties/MetricName", "Unheard"),
    ("a metric of a sum is unknown", f"{ALARM}/Properties/Metrics/*/MetricStat/Metric/MetricName", "Unheard"),
    ("a figure is averaged", f"{ALARM}/Properties/Statistic", "SampleCount"),
    ("a figure of a sum is averaged", f"{ALARM}/Properties/Metrics/*/MetricStat/Stat", "SampleCount"),
    ("an alarm looks at another time", f"{ALARM}/Properties/Period", 60 * 60 * 6),
    ("an alarm wants it twice", f"{ALARM}/Properties/DatapointsToAlarm", 2),
    ("a sum shows a part", f"{ALARM}/Properties/Metrics/1/ReturnData", True),
    ("a sum leaves a part out", f"{ALARM}/Properties/Metrics/0/Expression", "SUM([FILL(nothing, 0)])"),
    ("dead letters are watched by depth", "DeadLetters/Properties/Metrics/0/Expression", lambda old: old.removeprefix("DIFF(").removesuffix(")")),
    ("nights are working hours", "NoTickets/Properties/Metrics/0/Expression", "filled"),
    ("a gap is taken for growth", "DeadLetters/Properties/Metrics/0/Expression", lambda old: old.replace("REPEAT", "0")),
    ("no hours without tickets cannot be switched off", "NoTickets/Condition", DROP),
    ("a sweep that is off is overdue", "SweepOverdue/Condition", DROP),
    # Canary.
    ("the canary tells people", "Canary/Properties/+AlarmActions", [{"Ref": "AlarmTopic"}]),
    ("the canary does not see failed messages", "Canary/Properties/Metrics/1", DROP),
    ("no alarm rolls back", f"{FUNCTION}/Properties/DeploymentPreference/Alarms", DROP),
    ("the people's alarm rolls back", f"{FUNCTION}/Properties/DeploymentPreference/Alarms", [{"Ref": "Failing"}]),
    ("everything at once", f"{FUNCTION}/Properties/DeploymentPreference/Type", "AllAtOnce"),
    ("the canary is never on", f"{FUNCTION}/Properties/DeploymentPreference/Enabled", False),
    ("SAM makes the role", f"{FUNCTION}/Properties/DeploymentPreference/Role", DROP),
    ("no alias", f"{FUNCTION}/Properties/AutoPublishAlias", DROP),
    ("a setting in the environment", "TriageFunction/Properties/Environment/Variables/+MODEL", {"Ref": "Model"}),
    ("a setting in the environment", "AlertFunction/Properties/Environment/Variables/+SENDER_EMAIL", {"Ref": "SenderEmail"}),
    # Settings and switches.
    ("settings are no JSON", "SettingsParameter/Properties/Value/Sub/0", lambda old: old.replace('",\n', '"\n', 1)),
    ("settings are too long", "Parameters/GuardianEmail/MaxLength", 4000),
    ("a quotation mark in a setting", "Parameters/OpportunityEmail/AllowedPattern", r"^[^@\s]+@[^@\s]+$"),
    ("the log level is frozen", "SettingsParameter/Properties/Value/Sub/0", lambda old: old.replace("${LogLevel}", "info")),
    ("a deployment sets a switch", "SettingsParameter/Properties/Name/Sub", "/${AWS::StackName}/switches/mode"),
    ("a switch is another's", "Outputs/SwitchesPath/Value/Sub", "/switches"),
    ("a function sets its switch", "TriageRole/Properties/Policies/0/PolicyDocument/Statement/*/Action", "ssm:PutParameter"),
    ("the first deployment writes", "Parameters/+Mode", {"Type": "String", "Description": "Mode.", "AllowedValues": ["act"], "Default": "act"}),
    # Names.
    ("a schedule has a fixed name", f"{FUNCTION}/Properties/Events/*/Properties/OmitName", False),
    ("a function has a fixed name", f"{FUNCTION}/Properties/+FunctionName", "triage"),
    ("a queue has a fixed name", f"{QUEUE}/Properties/+QueueName", {"Sub": "tickets"}),
    ("a table has a fixed name", f"{TABLE}/Properties/+TableName", {"Sub": "tickets"}),
    ("a bucket has a fixed name", f"{BUCKET}/Properties/+BucketName", {"Sub": "tickets"}),
    ("a log group has a fixed name", f"{LOGS}/Properties/LogGroupName/Sub", "/aws/lambda/triage"),
    ("two regions share a name", "SitePasswords/Properties/Name/Sub", "${AWS::StackName}-pass"),
    ("two regions share a name", "SiteGate/Properties/Name/Sub", "${AWS::StackName}-gate"),
    ("two regions share a name", "SiteAccess/Properties/OriginAccessControlConfig/Name/Sub", "${AWS::StackName}-site"),
    ("two regions share a name", "SiteHeaders/Properties/ResponseHeadersPolicyConfig/Name/Sub", "${AWS::StackName}-headers"),
    ("a name is too long", "SiteGate/Properties/Name/Sub", "${AWS::StackName}-${AWS::Region}-the-gate-of-the-site"),
    ("two stacks share a configuration set", "MailConfiguration/Properties/Name/Sub", "triage"),
    ("two stacks share a dashboard", "Dashboard/Properties/DashboardName/Sub", "triage"),
    ("two stacks share their metrics", "Globals/Function/Environment/Variables/STACK", "triage"),
    # Encryption.
    ("a queue is not encrypted", f"{QUEUE}/Properties/SqsManagedSseEnabled", DROP),
    ("a queue leaves the customer's key out", f"{QUEUE}/Properties/KmsMasterKeyId", DROP),
    ("a bucket is not encrypted", f"{BUCKET}/Properties/BucketEncryption", DROP),
    ("a bucket leaves the customer's key out", f"{BUCKET}/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/If/1", {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}),
    ("a table leaves the customer's key out", f"{TABLE}/Properties/SSESpecification", DROP),
    ("a topic leaves the customer's key out", f"{TOPIC}/Properties/KmsMasterKeyId", DROP),
    ("a topic has AWS's key, which CloudWatch may not use", f"{TOPIC}/Properties/KmsMasterKeyId", "alias/aws/sns"),
    ("a log leaves the customer's key out", f"{LOGS}/Properties/KmsKeyId", DROP),
    ("a role cannot use the customer's key", f"{ROLE}/Properties/Policies/0/PolicyDocument/Statement/*/If", ["OnLocalCloud", {"Ref": "AWS::NoValue"}, {"Ref": "AWS::NoValue"}]),
    ("plain HTTP to queues", "QueuesTlsOnly", DROP),
    ("plain HTTP to a queue", "QueuesTlsOnly/Properties/Queues/*", DROP),
    ("plain HTTP to a queue", "QueuesTlsOnly/Properties/PolicyDocument/Statement/0/Resource/*", DROP),
    ("plain HTTP to queues", "QueuesTlsOnly/Properties/PolicyDocument/Statement/0/Effect", "Allow"),
    ("plain HTTP to a bucket", "ConfigBucketPolicy", DROP),
    ("plain HTTP to a bucket", "SiteLogsPolicy", DROP),
    ("plain HTTP to a bucket", "SiteBucketPolicy/Properties/PolicyDocument/Statement/2", DROP),
    ("plain HTTP to a bucket's objects", "AWS::S3::BucketPolicy/Properties/PolicyDocument/Statement/0/Resource/1", DROP),
    ("plain HTTP to the site", "Site/Properties/DistributionConfig/DefaultCacheBehavior/ViewerProtocolPolicy", "allow-all"),
    ("plain HTTP to the front", "Front/Properties/DistributionConfig/DefaultCacheBehavior/ViewerProtocolPolicy", "allow-all"),
    ("old TLS with a domain", "Site/Properties/DistributionConfig/ViewerCertificate/If/1/MinimumProtocolVersion", "TLSv1"),
    ("mail without TLS", "MailConfiguration/Properties/DeliveryOptions", DROP),
    ("the local cloud's rules hold everywhere", "Parameters/LocalCloud/Default", "true"),
    ("the local cloud opens more", "TicketsQueue/+Condition", "TlsOnly"),
    # Who may what.
    ("a bucket may be public", f"{BUCKET}/Properties/PublicAccessBlockConfiguration", DROP),
    ("a bucket may be public", f"{BUCKET}/Properties/PublicAccessBlockConfiguration/*", False),
    ("a bucket has ACLs", f"{BUCKET}/Properties/OwnershipControls", DROP),
    ("anybody's distribution reads the site", "SiteBucketPolicy/Properties/PolicyDocument/Statement/*/Condition", DROP),
    ("everybody reads the site", "SiteBucketPolicy/Properties/PolicyDocument/Statement/*/Principal", "*"),
    ("a page that is not written yet is an error", "Site/Properties/DistributionConfig/CustomErrorResponses", DROP),
    ("a missing page is a forbidden one", "SiteBucketPolicy/Properties/PolicyDocument/Statement/1", DROP),
    ("the page for it cannot be written", "ReportRole/Properties/Policies/0/PolicyDocument/Statement/5/Resource/6", DROP),
    ("the site has no gate", "Site/Properties/DistributionConfig/DefaultCacheBehavior/FunctionAssociations", DROP),
    ("pages are cached", "Site/Properties/DistributionConfig/DefaultCacheBehavior/CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    ("no security headers", "Site/Properties/DistributionConfig/DefaultCacheBehavior/ResponseHeadersPolicyId", DROP),
    ("no origin access control", "Site/Properties/DistributionConfig/Origins/0/OriginAccessControlId", DROP),
    ("no web ACL", f"{DISTRIBUTION}/Properties/DistributionConfig/WebACLId", DROP),
    ("a role may do everything", f"{ROLE}/Properties/Policies/0/PolicyDocument/Statement/0/Action", "*"),
    ("a role may do it to everything", f"{ROLE}/Properties/Policies/0/PolicyDocument/Statement/0/Resource", "*"),
    ("a role has no boundary", f"{ROLE}/Properties/PermissionsBoundary", DROP),
    ("mail may be sent as anybody", "AlertRole/Properties/Policies/0/PolicyDocument/Statement/*/If/2/Condition", DROP),
    ("mail may be sent by any identity", "AlertRole/Properties/Policies/0/PolicyDocument/Statement/*/If/2/Resource", "*"),
    ("any alarm of the account reaches the topic", "AlarmTopicPolicy/Properties/PolicyDocument/Statement/0/Condition/ArnLike", DROP),
    ("any account's service reaches a topic", "AWS::SNS::TopicPolicy/Properties/PolicyDocument/Statement/0/Condition/StringEquals", DROP),
    ("bounces go to the alarms", "MailEvents/Properties/EventDestination/SnsDestination/TopicARN/Ref", "AlarmTopic"),
    ("bounces go nowhere", "MailEvents", DROP),
    ("bounces are not told", "MailEvents/Properties/EventDestination/Enabled", False),
    ("alarms need no address", "Parameters/AlarmEmail/+Default", "none"),
    ("the webhook may be called by any API", "ApiPermission/Properties/SourceArn/Sub", "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*"),
    # What is kept, and for how long.
    ("logs are kept for ever", f"{LOGS}/Properties/RetentionInDays", DROP),
    ("messages are kept for an hour", f"{QUEUE}/Properties/MessageRetentionPeriod", 3600),
    ("messages are kept for the default time", f"{QUEUE}/Properties/MessageRetentionPeriod", DROP),
    ("text does not expire", f"{TABLE}/Properties/TimeToLiveSpecification", DROP),
    ("text does not expire", f"{TABLE}/Properties/TimeToLiveSpecification/Enabled", False),
    ("pages do not expire", f"{BUCKET}/Properties/LifecycleConfiguration", DROP),
    ("expiry is switched off", f"{BUCKET}/Properties/LifecycleConfiguration/Rules/0/Status", "Disabled"),
    ("no backups", "TicketsTable/Properties/PointInTimeRecoverySpecification", DROP),
    ("no backups unless asked for", "Parameters/PointInTimeRecovery/Default", "false"),
    ("no protection from deletion", f"{TABLE}/Properties/DeletionProtectionEnabled", DROP),
    ("a table is deleted with the stack", f"{TABLE}/DeletionPolicy", DROP),
    ("a table is lost when it is replaced", f"{TABLE}/UpdateReplacePolicy", DROP),
    ("a bucket is deleted with the stack", f"{BUCKET}/DeletionPolicy", DROP),
    ("a bucket is lost when it is replaced", f"{BUCKET}/UpdateReplacePolicy", DROP),
    ("overwritten files are lost", "ConfigBucket/Properties/VersioningConfiguration", DROP),
    ("no access log of the site", "Site/Properties/DistributionConfig/Logging", DROP),
    ("cookies are logged", "Site/Properties/DistributionConfig/Logging/If/1/IncludeCookies", True),
    # Messages.
    ("one bad message fails ten", f"{FUNCTION}/Properties/Events/*/Properties/FunctionResponseTypes", DROP),
    ("no limit of concurrency", f"{FUNCTION}/Properties/Events/*/Properties/ScalingConfig", DROP),
    ("no dead letters", f"{QUEUE}/Properties/RedrivePolicy", DROP),
    ("the other queue's dead letters", "TicketsQueue/Properties/RedrivePolicy/deadLetterTargetArn/GetAtt", "AlertsDeadLetters.Arn"),
    ("dead after one receive", f"{QUEUE}/Properties/RedrivePolicy/maxReceiveCount", 1),
    ("few receives", "Mappings/Timings/false/Receives", 5),
    ("a message is invisible too briefly", f"{QUEUE}/Properties/VisibilityTimeout", DROP),
    ("any queue may use the dead letters of calls", "CallsDeadLetters/Properties/RedriveAllowPolicy", DROP),
    ("a call that never arrived is lost", "AlertFunction/Properties/Events/Digest/Properties/DeadLetterConfig", DROP),
    ("a call that never arrived is lost", "ReportFunction/Properties/Events/Hourly/Properties/DeadLetterConfig", DROP),
    ("a call that failed is lost", "AlertFunction/Properties/EventInvokeConfig", DROP),
    ("a call that failed is lost", "ReportFunction/Properties/EventInvokeConfig", DROP),
    ("a call may not leave a dead letter", "SchedulesRole/Properties/Policies/0/PolicyDocument/Statement/1", DROP),
    ("a function may not park", "TriageRole/Properties/Policies/0/PolicyDocument/Statement/3", DROP),
    # The way in, and what is seen of it.
    ("no throttles", "ApiStage/Properties/DefaultRouteSettings", DROP),
    ("a throttle near the load", "ApiStage/Properties/DefaultRouteSettings/ThrottlingRateLimit", 1),
    ("no access log", "ApiStage/Properties/AccessLogSettings", DROP),
    ("no address in the access log", "ApiStage/Properties/AccessLogSettings/Format", lambda old: old.replace("$context.identity.sourceIp", "")),
    ("no traces", "Globals/Function/Tracing", DROP),
    ("no rights to trace", f"{ROLE}/Properties/Policies/0/PolicyDocument/Statement/1", DROP),
    ("logs of no format", f"{FUNCTION}/Properties/LoggingConfig", DROP),
    ("the API gives up before the webhook answers", "ApiIntegration/Properties/TimeoutInMillis", 3000),
    ("the webhook is ended before it answers", "Mappings/Timings/*/Webhook", 2),
    ("a parameter does not say what it is", "Parameters/*/Description", DROP),
    ("a parameter takes anything", "Parameters/LogLevel/AllowedValues", DROP),
    ("the front drops the signature", "Front/Properties/DistributionConfig/DefaultCacheBehavior/OriginRequestPolicyId", DROP),
    ("the front takes no POST", "Front/Properties/DistributionConfig/DefaultCacheBehavior/AllowedMethods", ["GET", "HEAD"]),
    ("the webhook has no limit where one is asked for", "WebhookFunction/Properties/ReservedConcurrentExecutions", DROP),
    ("a function reads the table that was replaced", "SettingsParameter/Properties/Value/Sub/1/Table", {"Ref": "TicketsTable"}),
    ("a function reads the table that was replaced", "ReportFunction/Properties/Environment/Variables/TICKETS_TABLE", {"Ref": "TicketsTable"}),
    # Sign-in.
    ("passwords count beside sessions", "SiteGate/Properties/FunctionCode/Sub", lambda old: old.replace("'${Identity}'", "'off'")),
    ("links starve Slack", "FollowupStage/Properties/RouteSettings", DROP),
    ("links may be pressed without end", "FollowupStage/Properties/DefaultRouteSettings/*", 10_000),
    ("links may be called by any API", "FollowupPermission/Properties/SourceArn/Sub", "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*"),
    ("links stand in the access log", "FollowupStage/Properties/AccessLogSettings/Format", lambda old: old.replace("$context.path", "$context.path?$context.queryString")),
    ("who presses is not logged", "FollowupStage/Properties/AccessLogSettings/DestinationArn", "other"),
    ("a link reads all secrets", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/5/Resource/*", {"Sub": "parameter/${AWS::StackName}/*"}),
    ("Slack may be called by any API", "FollowupSlackPermission/Properties/SourceArn/Sub", "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*"),
    ("a link deletes", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/3/Action", ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
    ("a link lists alerts", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/2/Action", ["dynamodb:GetItem", "dynamodb:Query"]),
    ("a link replaces items", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/3/Action", ["dynamodb:UpdateItem", "dynamodb:PutItem"]),
    ("a link reaches every attribute", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/*/Condition/*", DROP),
    ("a link reads records", "FollowupRole/Properties/Policies/0/PolicyDocument/Statement/*/Condition/ForAllValues:StringEquals/dynamodb:Attributes/4", "record_json"),
    ("links lead nowhere", "SettingsParameter/Properties/Value/Sub/1/FollowupUrl/Sub", "${Api.ApiEndpoint}/followup"),
    ("the API gives up before an alert is changed", "FollowupIntegration/Properties/TimeoutInMillis", 3000),
    ("the sign-in is always there", "SigninFunction/Condition", DROP),
    ("a part of the site has no gate", "Site/Properties/DistributionConfig/CacheBehaviors/If/1/0/TargetOriginId", "site"),
    ("cookies do not reach the sign-in", "Site/Properties/DistributionConfig/CacheBehaviors/If/1/0/OriginRequestPolicyId", DROP),
    ("plain HTTP to the sign-in", "Site/Properties/DistributionConfig/CacheBehaviors/If/1/0/ViewerProtocolPolicy", "allow-all"),
    ("sign-ins are cached", "Site/Properties/DistributionConfig/CacheBehaviors/If/1/0/CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    ("the sign-in takes everything at once", "SigninStage/Properties/DefaultRouteSettings/*", 10_000),
    ("the sign-in may be called by any API", "SigninPermission/Properties/SourceArn", "*"),
    ("the sign-in reads all secrets", "SigninRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource/*", {"Sub": "parameter/${AWS::StackName}/*"}),
    ("the sign-in gives up before the provider", "SigninFunction/Properties/Timeout", 5),
    ("people come back to the wrong place", "SigninFunction/Properties/Environment/Variables/SITE_URL/If/1", {"Sub": "https://${Site.DomainName}"}),
    ("half a domain is accepted", "Rules/SiteDomainHasCertificate/Assertions/0/Assert", {"Or": [{"Equals": ["", ""]}]}),
]

# What is lost, the text and what stands there instead, and the tests that must fail.
DEPLOYED = [
    ("one bad message fails ten", "            FunctionResponseTypes: [ReportBatchItemFailures]\n            ScalingConfig: {MaximumConcurrency: 10}\n",
     "            ScalingConfig: {MaximumConcurrency: 10}\n", ["test_a_ticket_that_is_nowhere_is_given_up"]),
    ("no traces", "    Tracing: Active\n", "", ["test_logs_and_metrics_name_the_request_the_ticket_and_the_trace"]),
    ("the site has no gate", "          FunctionAssociations: [{EventType: viewer-request, FunctionARN: !GetAtt SiteGate.FunctionARN}]\n", "",
     ["test_the_dashboard_is_published_and_shows_each_role_its_own"]),
    ("no dashboard by the clock", "            Description: The dashboard is published.\n", "            Description: The dashboard is published.\n            State: DISABLED\n",
     ["test_the_dashboard_is_published_and_shows_each_role_its_own"]),
    ("no digest by the clock", "            Description: What was held for the digest goes out.\n", "            Description: What was held for the digest goes out.\n            State: DISABLED\n",
     ["test_held_alerts_come_in_a_digest"]),
    ("no sweep", "            State: !If [Sweeping, ENABLED, DISABLED]\n", "            State: DISABLED\n", ["test_sixty_tickets_of_a_live_inbox"]),
    ("the webhook may not read its secret", "Action: ssm:GetParameter\n                Resource: !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/webhook-secret",
     "Action: ssm:GetParameter\n                Resource: !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/secret",
     ["test_a_signed_webhook_is_triaged_recorded_alerted_and_audited"]),
    ("triage may not park", "                Resource: !GetAtt TicketsDeadLetters.Arn\n", "                Resource: !GetAtt AlertsDeadLetters.Arn\n",
     ["test_a_role_may_do_what_it_needs_and_no_more"]),
    ("triage does not see the switches", '"SWITCHES": "/${AWS::StackName}/switches"', '"SWITCHES": "/${AWS::StackName}/none"', ["test_the_mode_is_the_kill_switch"]),
    ("triage reads another table", '"TICKETS_TABLE": "${Table}"', '"TICKETS_TABLE": "none"', ["test_a_signed_webhook_is_triaged_recorded_alerted_and_audited"]),
    ("metrics are of no stack", "        STACK: !Ref AWS::StackName\n", "        STACK: other\n", ["test_logs_and_metrics_name_the_request_the_ticket_and_the_trace"]),
]


def paths(node, path: list[str]) -> list[list]:
    """The places in a template that a path leads to."""
    if not path:
        return [[]]
    step, *rest = path
    if step.startswith("+") and isinstance(node, dict) and step[1:] not in node:
        return [[step[1:]]]
    if not isinstance(node, (dict, list)):
        return []
    entries = dict(enumerate(node)) if isinstance(node, list) else node
    keys = list(entries) if step == "*" else [int(step) if isinstance(node, list) and step.isdigit() else step]
    return [[key, *more] for key in keys if key in entries for more in paths(entries[key], rest)]


def mutants(written: dict, where: str, value):
    """Every mutant of a row, with the place it is broken at."""
    first, *rest = where.split("/")
    if "::" in first:
        starts = [["Resources", name] for name, resource in written["Resources"].items() if resource["Type"] == first]
    else:
        starts = [["Resources", first] if first in written["Resources"] else [first]]
    # Ten times as quick as a deep copy.
    kept = pickle.dumps(written)
    for path in (path for start in starts for path in paths(written, [*start, *rest])):
        mutant = pickle.loads(kept)
        *steps, last = path
        node = functools.reduce(lambda node, step: node[step], steps, mutant)
        if value is DROP:
            del node[last]
        else:
            node[last] = value(node[last]) if callable(value) else value
        if mutant != written:
            yield "/".join(map(str, path)).removeprefix("Resources/"), mutant


def failing(written: dict, without: set[str] = frozenset(), first: str = "") -> set[str]:
    """The tests of the template that fail. With the name of one to begin with, the first that does."""
    try:
        template.use(written)
    except (KeyError, ValueError, TypeError):
        return {"the template cannot be read"}
    tests = [test for module in template_test.all_tests() for case in module for test in case if test._testMethodName not in without]
    tests.sort(key=lambda test: test._testMethodName != first)
    outcome = unittest.TextTestRunner(stream=io.StringIO(), failfast=bool(first)).run(unittest.TestSuite(tests))
    return {test._testMethodName for test, _ in outcome.failures + outcome.errors}


def static() -> int:
    written = template.read((ROOT / "template.yaml").read_text())
    started, survivors, count = time.monotonic(), [], 0
    red = failing(written)
    if red:
        print(f"Red without any mutant, so not counted: {', '.join(sorted(red))}")
    for what, where, value in STATIC:
        # What caught one mutant of a row mostly catches the next.
        found, by = 0, "test_two_stacks_share_no_name"
        for place, mutant in mutants(written, where, value):
            found += 1
            caught = failing(mutant, red, first=by)
            if caught:
                [by] = caught
            else:
                survivors.append(f"{what}: {place}")
        if not found:
            survivors.append(f"{what}: {where} is not in the template")
        count += found
    template.use(written)
    text = (ROOT / "template.yaml").read_text()
    for what, old, _, tests in DEPLOYED:
        if old not in text or not all(hasattr(suite.Suite, test) for test in tests):
            survivors.append(f"{what}: the template has no such text, or suite.py no such test")
    for survivor in survivors:
        print(f"SURVIVED  {survivor}")
    print(f"{count} mutants of the template, {count - len(survivors)} caught by lint; {time.monotonic() - started:.0f} s.")
    return 1 if survivors else 0


def deployed() -> int:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"Mutants of the deployed template, {datetime.date.today()}, commit {commit}", flush=True)
    text, survived = (ROOT / "template.yaml").read_text(), 0
    path = WORK / "mutant.yaml"
    for what, old, new, tests in DEPLOYED:
        path.write_text(text.replace(old, new, 1))
        started = time.monotonic()
        for test in tests:
            command = [sys.executable, HERE, "test", f"Suite.{test}"]
            done = subprocess.run(command, env={**os.environ, "LOCAL_CLOUD_TEMPLATE": str(path)}, capture_output=True, text=True)
            # A mutant that cannot even be deployed proves nothing about the test.
            ran = f"{test} (" in done.stderr
            caught = done.returncode != 0 and ran
            survived += not caught
            print(f"{'caught' if caught else 'SURVIVED' if ran else 'NOT RUN'}  {what}: {test} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{len(DEPLOYED)} mutants, {survived} not caught.")
    return 1 if survived else 0
