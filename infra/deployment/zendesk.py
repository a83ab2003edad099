"""Zendesk, connected and examined by our own commands."""

import re
import shlex

from operate import Problem

from . import files, stack
from .run import Run


def set_up(run: Run) -> None:
    """Zendesk"""
    words = run.of_ours("zendesk-setup", "--subdomain", run.answers["subdomain"], "--stack", run.name, "--config",
                        run.answers["config"])
    if run.would(f"run {shlex.join(words)}"):
        return
    if "ZENDESK_CLIENT_ID" not in run.secrets:
        run.leave("Zendesk is not connected: set ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET of the set-up client and run this "
                  "again")
        return
    done = run.call(*words, zendesk=True, capture=True)
    if done.returncode:
        raise Problem("Zendesk is not connected; mend what is said above and run this again")
    # The ids it found are in the folder now.
    files.upload(run)
    bot = re.search(r"ZendeskBotUserId=(\d+)", done.stdout)
    if bot and run.parameters.get("ZendeskBotUserId") != bot[1]:
        run.parameters["ZendeskBotUserId"] = bot[1]
        run.save()
        run.say(f"deploying again: our own changes are those of user {bot[1]}")
        stack.deploy(run)


def doctor(run: Run) -> None:
    """Examination"""
    words = run.of_ours("doctor", "--subdomain", run.answers["subdomain"], "--stack", run.name)
    if run.would(f"run {shlex.join(words)}"):
        return
    if "ZENDESK_CLIENT_ID" not in run.secrets:
        run.say("not examined without the set-up client")
        return
    status = run.call(*words, zendesk=True).returncode
    if status == 1:
        run.leave("doctor has warnings, above")
    elif status:
        raise Problem("doctor found errors; mend them and run this again")
