"""What has to be there before anything is done: tools, an account, rights, answers."""

import re
import shutil

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operate import Problem, code

from .run import EXAMPLE, QUESTIONS, Run, Wrong, short

# What CloudFormation does with the operator's rights, and what the steps after it do.
ACTIONS = """
apigateway:POST cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet cloudfront-keyvaluestore:PutKey
cloudfront:CreateDistribution cloudfront:CreateFunction cloudfront:CreateKeyValueStore cloudfront:CreateOriginAccessControl
cloudfront:CreateResponseHeadersPolicy cloudwatch:PutDashboard cloudwatch:PutMetricAlarm codedeploy:CreateApplication
dynamodb:CreateTable dynamodb:UpdateContinuousBackups dynamodb:UpdateTimeToLive iam:CreateRole iam:PassRole
iam:PutRolePolicy lambda:CreateAlias lambda:CreateEventSourceMapping lambda:CreateFunction lambda:PublishVersion
lambda:UpdateEventSourceMapping logs:CreateLogGroup logs:PutRetentionPolicy s3:CreateBucket s3:PutBucketPolicy
s3:PutEncryptionConfiguration s3:PutObject scheduler:CreateSchedule ses:CreateConfigurationSet ses:CreateEmailIdentity
ses:SendEmail sns:CreateTopic sns:Subscribe sqs:CreateQueue ssm:GetParameters ssm:PutParameter
""".split()
# Simulated at a time.
ACTIONS_A_CALL = 50


def tools(run: Run) -> None:
    """Tools"""
    wanted = {"cargo": "https://rustup.rs", "sam": "pip install aws-sam-cli", "aws": "https://aws.amazon.com/cli/"}
    if not run.arguments.skip_build:
        wanted["cargo-lambda"] = "pip install cargo-lambda"
    missing = {tool: fix for tool, fix in wanted.items() if not shutil.which(tool)}
    try:
        import awscrt  # noqa: F401 - the passwords of the dashboard need it, and boto3 says so too late
    except ImportError:
        missing["boto3's awscrt"] = "pip install 'boto3[crt]'"
    if missing:
        raise Problem("missing: " + "; ".join(f"{tool} ({fix})" for tool, fix in missing.items()))
    run.say(f"all there: {', '.join(wanted)}")


def account(run: Run) -> None:
    """Account and region"""
    if not run.region:
        raise Problem("no region: set AWS_DEFAULT_REGION, such as eu-central-1")
    try:
        identity = boto3.client("sts").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        raise Problem(f"no usable AWS credentials ({error}): sign in with the AWS command line, or set AWS_PROFILE") from error
    run.caller = identity["Arn"]
    run.say(f"{identity['Account']} in {run.region} as {run.caller}")
    if run.caller.endswith(":root"):
        run.leave("you are signed in as the account's root user; use a role")
    run.look_for_stack()
    if run.stack is None:
        run.say(f"{run.name} is not there yet")
        return
    run.say(f"{run.name} is {run.stack.status}")
    if run.stack.status == "ROLLBACK_COMPLETE":
        raise Problem(f"its first deployment failed, and AWS lets nobody update it; look into its events, then "
                      f"aws cloudformation delete-stack --stack-name {run.name}, and run this again")
    if run.stack.status.endswith("_IN_PROGRESS"):
        raise Problem("somebody is deploying it; wait until that has ended")


def questions(run: Run) -> None:
    """Answers"""
    for pair in run.arguments.set:
        name, equals, value = pair.partition("=")
        if not equals or name not in run.known:
            raise Wrong(f"--set {pair}: write NAME=VALUE, with one of {', '.join(run.known)}")
        run.parameters[name] = value
        run.answers.update({question.name: value for question in QUESTIONS if question.parameter == name})
    deployed = run.stack.parameters if run.stack else {}
    unanswered = []
    for question in QUESTIONS:
        answer = getattr(run.arguments, question.name) or run.answers.get(question.name)
        answer = answer or deployed.get(question.parameter)
        default = question.default(run.answers) if not unanswered else None
        if question.name == "config":
            default = short(run.file.parent / run.name)
        if not answer and run.asks():
            answer = input(f"    {question.text}{f' [{default}]' if default else ''}: ").strip() or default
        answer = answer or default
        if not answer:
            unanswered.append(question.flag)
            continue
        if not re.fullmatch(question.pattern, answer):
            raise Wrong(f"{question.flag} {answer}: {question.text}")
        if question.parameter and not run.arguments.example and EXAMPLE.search(answer):
            raise Wrong(f"{question.flag} {answer} is an example address; give your own, or say --example")
        run.answers[question.name] = answer
        if question.parameter:
            run.parameters[question.parameter] = answer
    if unanswered:
        raise Wrong(f"no answer for {', '.join(unanswered)}: give them as flags, or run this at a terminal")
    run.save()
    where = "" if run.dry else f", kept in {short(run.file)}"
    run.say(f"{len(run.answers)} answers{where}")


def rights(run: Run) -> None:
    """Rights"""
    if run.caller.endswith(":root"):
        run.say("not examined: IAM does not simulate the root user")
        return
    try:
        arn = principal(run)
        denied = set()
        for start in range(0, len(ACTIONS), ACTIONS_A_CALL):
            results = boto3.client("iam").simulate_principal_policy(
                PolicySourceArn=arn, ActionNames=ACTIONS[start:start + ACTIONS_A_CALL])["EvaluationResults"]
            denied |= {result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"}
    except ClientError as error:
        run.say(f"not examined ({code(error)} on {error.operation_name}); the deployment will say what is denied")
        return
    if denied:
        # A right that is limited to some resources counts as denied in a simulation without them.
        run.say(f"perhaps denied to you: {', '.join(sorted(denied))}")
    else:
        run.say(f"{len(ACTIONS)} actions allowed, as far as a simulation can tell")


def principal(run: Run) -> str:
    """The role behind a session: a session itself cannot be simulated."""
    session = re.fullmatch(r"arn:[\w-]+:sts::\d+:assumed-role/([^/]+)/.+", run.caller)
    return boto3.client("iam").get_role(RoleName=session[1])["Role"]["Arn"] if session else run.caller
