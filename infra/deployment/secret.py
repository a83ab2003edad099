"""Secrets: out of the environment, standard input or the keyboard, encrypted into SSM."""

import getpass
import json
import os
import secrets as drawn
import sys

import boto3

from .run import Run, Wrong

SECRETS = ["ZENDESK_CLIENT_ID", "ZENDESK_CLIENT_SECRET", "ZENDESK_RUNTIME_CLIENT_ID", "ZENDESK_RUNTIME_CLIENT_SECRET",
           "ANTHROPIC_API_KEY", "SLACK_TOKEN", "SLACK_SIGNING_SECRET"]
LITE = "https://hooks.slack.com/"


def secrets(run: Run) -> None:
    """Secrets"""
    given = {name: os.environ[name] for name in SECRETS if os.environ.get(name)}
    if run.arguments.secrets_stdin:
        try:
            read = json.load(sys.stdin)
            given.update({name: value for name, value in read.items() if name in SECRETS})
        except (ValueError, AttributeError) as error:
            raise Wrong("--secrets-stdin: standard input is no JSON object") from error
    run.secrets = given
    pair(run, "ZENDESK_CLIENT", "set-up OAuth client (empty to leave Zendesk alone)")
    name = f"/{run.name}/zendesk-credentials"
    if run.arguments.replace_secrets or not is_there(name):
        pair(run, "ZENDESK_RUNTIME_CLIENT", "running OAuth client (empty if you store it later)")
        if "ZENDESK_RUNTIME_CLIENT_ID" in run.secrets:
            put(run, name, json.dumps({"client_id": run.secrets["ZENDESK_RUNTIME_CLIENT_ID"],
                                       "client_secret": run.secrets["ZENDESK_RUNTIME_CLIENT_SECRET"]}))
        elif not run.dry:
            run.leave(f"{name} is not there: no ticket can be read. Set ZENDESK_RUNTIME_CLIENT_ID and _SECRET and run this again")
    else:
        run.say(f"{name} is there, and kept")
    links(run)
    name = f"/{run.name}/anthropic-api-key"
    if not run.arguments.model_key:
        there = is_there(name)
        run.say(f"{name} is " + ("there, and kept" if there else "not there: the embedded analyst reads; --model-key stores one"))
    elif run.arguments.replace_secrets or not is_there(name):
        put(run, name, asked(run, "ANTHROPIC_API_KEY", "Key of the model"))
    else:
        run.say(f"{name} is there, and kept; --replace-secrets replaces it")
    slack(run)


def slack(run: Run) -> None:
    """The bot's token, or the address of an incoming webhook, and what Slack signs with: docs/slack.md."""
    token, signing = f"/{run.name}/slack-token", f"/{run.name}/slack-signing-secret"
    if not run.arguments.slack:
        run.say(f"{token} is " + ("there, and kept" if is_there(token) else "not there: alerts go by e-mail alone; --slack stores one"))
        return
    if is_there(token) and not run.arguments.replace_secrets:
        run.say(f"{token} is there, and kept; --replace-secrets replaces it")
        given = ""
    else:
        given = asked(run, "SLACK_TOKEN", "Bot token (xoxb-…), or address of an incoming webhook")
        if not given.startswith(("xoxb-", LITE)):
            raise Wrong(f"SLACK_TOKEN: a bot token begins with xoxb-, the address of an incoming webhook with {LITE}")
        put(run, token, given)
    if given.startswith(LITE):
        run.say(f"{signing} is not needed: messages of an incoming webhook have no buttons")
    elif is_there(signing) and not run.arguments.replace_secrets:
        run.say(f"{signing} is there, and kept; --replace-secrets replaces it")
    else:
        put(run, signing, json.dumps({"current": asked(run, "SLACK_SIGNING_SECRET", "Signing secret of the app")}))


def asked(run: Run, name: str, what: str) -> str:
    secret = run.secrets.get(name) or (getpass.getpass(f"    {what}: ") if run.asks() else "")
    if not secret.strip():
        raise Wrong(f"set {name}, or run this at a terminal")
    return secret.strip()


def links(run: Run) -> None:
    """What the links in alerts are signed with: nobody has to know it, so it is drawn here."""
    name = f"/{run.name}/followup-secret"
    if is_there(name):
        run.say(f"{name} is there, and kept")
    else:
        put(run, name, json.dumps({"current": drawn.token_urlsafe(32)}))


def pair(run: Run, prefix: str, what: str) -> None:
    identity, secret = f"{prefix}_ID", f"{prefix}_SECRET"
    unknown = identity not in run.secrets and secret not in run.secrets
    if unknown and run.asks() and not run.would(f"ask for the {what}"):
        answer = input(f"    Client id of the {what}: ").strip()
        if answer:
            run.secrets[identity], run.secrets[secret] = answer, getpass.getpass("    Its secret: ").strip()
    if (identity in run.secrets) != (secret in run.secrets):
        raise Wrong(f"{identity} and {secret} go together; one of them is missing")


def is_there(name: str) -> bool:
    return bool(boto3.client("ssm").get_parameters(Names=[name])["Parameters"])


def put(run: Run, name: str, value: str) -> None:
    if run.would(f"write {name}, encrypted"):
        return
    key = run.parameters.get("SecretsKmsKeyArn")
    boto3.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True,
                                      **({"KeyId": key} if key else {}))
    run.say(f"{name} is written, encrypted")
