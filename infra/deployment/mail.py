"""Whether SES sends for us, and to whom."""

import boto3
from botocore.exceptions import ClientError

from operate import code

from .run import Run


def identities(run: Run) -> None:
    """E-mail"""
    ses = boto3.client("sesv2")
    verified(run, ses, run.answers["sender_identity"], "alerts cannot be sent before that")
    account = ses.get_account()
    if not account.get("SendingEnabled", True):
        run.leave("SES has paused sending for this account; its console says why")
    if account.get("ProductionAccessEnabled"):
        run.say("SES is out of the sandbox")
        return
    run.leave("SES is in the sandbox: at most 200 messages a day, and only to verified addresses. Ask for production access in "
              "the SES console, or verify every account manager's address too")
    for address in sorted({run.answers[name] for name in ("guardian_email", "opportunity_email", "operator_email")}):
        verified(run, ses, address, "in the sandbox SES refuses what goes to it")


def verified(run: Run, ses, identity: str, why: str) -> None:
    try:
        found = ses.get_email_identity(EmailIdentity=identity)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        covering = identity.partition("@")[2]
        if covering and is_verified(ses, covering):
            run.say(f"{identity} is covered by {covering}")
            return
        if run.would(f"offer to create the identity {identity}"):
            return
        if not run.agreed(f"SES does not know {identity}. Create the identity?"):
            run.leave(f"{identity} is no identity in SES: {why}")
            return
        found = ses.create_email_identity(EmailIdentity=identity)
    if found.get("VerifiedForSendingStatus"):
        run.say(f"{identity} is verified")
        return
    run.leave(f"{identity} is not verified yet: {why}")
    if "@" in identity:
        run.say("AWS has sent it a message with a link; open that within 24 hours")
    for token in found.get("DkimAttributes", {}).get("Tokens", []) if "@" not in identity else []:
        run.say(f"DNS   CNAME  {token}._domainkey.{identity}  ->  {token}.dkim.amazonses.com")


def is_verified(ses, identity: str) -> bool:
    try:
        return ses.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus", False)
    except ClientError as error:
        if code(error) != "NotFoundException":
            raise
        return False
