#!/usr/bin/env python3
"""Has people sign in to the dashboard at your identity provider. For a stack deployed with Identity=oidc.

    infra/identity.py STACK set --issuer https://id.example.com --client-id triage --support helpdesk --accounts kam
        asks for the client's secret (or --secret-stdin), checks the provider, stores both, and makes the first session key
    infra/identity.py STACK show            what is stored, without secrets
    infra/identity.py STACK rotate          a new session key; sessions of the one before stay good until they end
    infra/identity.py STACK sign-out-all    a new session key and none before it: everybody signs in again

Each is safe to run again. The provider must send people back to DASHBOARD/signin/callback, which `set` prints.
Needs boto3 (with its extra crt, for the key-value store) and credentials that may read the stack, read and write
/STACK/signin and /STACK/session-keys in the parameter store, and write the key-value store. docs/dashboard-access.md
has the steps for each provider.
"""

import argparse
import getpass
import json
import secrets
import sys
import urllib.parse
import urllib.request

import boto3

from operate import Problem, Stack, told

ROLES = ["support", "accounts", "sales", "lead"]
KEYS = "session-keys"


class Identity:
    """Who is let in to the dashboard of a stack, where it is people."""

    def __init__(self, stack: Stack) -> None:
        if stack.parameters.get("Identity") != "oidc":
            raise Problem(f"{stack.name} lets people in by password. Deploy it with the parameter Identity=oidc first.")
        self.name, self.key = stack.name, stack.parameters.get("SecretsKmsKeyArn")
        self.ssm = boto3.client("ssm")
        self.store, self.site = stack.output("SitePasswordsArn"), stack.output("DashboardUrl").rstrip("/")

    def read(self, name: str) -> dict | None:
        try:
            found = self.ssm.get_parameter(Name=f"/{self.name}/{name}", WithDecryption=True)
        except self.ssm.exceptions.ParameterNotFound:
            return None
        return json.loads(found["Parameter"]["Value"])

    def write(self, name: str, value: dict) -> None:
        self.ssm.put_parameter(Name=f"/{self.name}/{name}", Type="SecureString", Value=json.dumps(value), Overwrite=True,
                               **({"KeyId": self.key} if self.key else {}))

    def tell_gate(self, keys: list[str]) -> None:
        store = boto3.client("cloudfront-keyvaluestore")
        etag = store.describe_key_value_store(KvsARN=self.store)["ETag"]
        store.put_key(KvsARN=self.store, Key=KEYS, Value=" ".join(keys), IfMatch=etag)

    def renew_key(self, keep: bool) -> None:
        """The gate learns the new key first: it must know what the function seals with."""
        known = self.read(KEYS)
        keys = [secrets.token_hex(32), *([known["current"]] if keep and known else [])]
        self.tell_gate(keys)
        self.write(KEYS, dict(zip(("current", "previous"), keys)))


def discovered(issuer: str) -> None:
    """The provider is there and is who it should be; what the function checks later is better known now."""
    parts = urllib.parse.urlsplit(issuer)
    if parts.query or parts.fragment or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")):
        raise Problem("--issuer: must be an https address without query and fragment")
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            found = json.load(answer)
    except (OSError, ValueError) as error:
        raise Problem(f"--issuer: {address} gives no OpenID configuration ({error})") from None
    if found.get("issuer") != issuer:
        raise Problem(f"--issuer: the provider calls itself {found.get('issuer')!r}; write it so, to the letter")


def chosen(stored: Identity, arguments: argparse.Namespace) -> dict:
    """What was given, over what is stored."""
    settings = stored.read("signin") or {}
    given = {"issuer": arguments.issuer, "client_id": arguments.client_id, "scope": arguments.scope, "claim": arguments.claim,
             "person": arguments.person, "contact": arguments.contact}
    settings.update({name: value for name, value in given.items() if value is not None})
    roles = {role: getattr(arguments, role) for role in ROLES if getattr(arguments, role) is not None}
    settings["roles"] = {**settings.get("roles", {}), **roles}
    for name in ("issuer", "client_id"):
        if not settings.get(name):
            raise Problem(f"--{name.replace('_', '-')}: is not stored yet, give it")
    if not any(settings["roles"].values()):
        raise Problem("--support, --accounts, --sales or --lead: name at least one group, or nobody could sign in")
    if any(not group.strip() for groups in settings["roles"].values() for group in groups):
        raise Problem("--support, --accounts, --sales and --lead: a group's name is blank")
    discovered(settings["issuer"])
    if arguments.secret_stdin:
        settings["client_secret"] = sys.stdin.readline().rstrip("\n")
    elif not settings.get("client_secret") or arguments.client_id:
        settings["client_secret"] = getpass.getpass("The client's secret: ")
    if not settings["client_secret"].strip():
        raise Problem("the client's secret is blank")
    return settings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack")
    commands = parser.add_subparsers(dest="command", required=True)
    setting = commands.add_parser("set", help="store the provider; what is left out stays as it is")
    setting.add_argument("--issuer", help="the provider's address, as it writes it in `iss`")
    setting.add_argument("--client-id")
    setting.add_argument("--secret-stdin", action="store_true", help="read the client's secret from standard input")
    setting.add_argument("--claim", help="the claim that lists a person's groups (groups)")
    setting.add_argument("--scope", help='what is asked for ("openid email profile")')
    setting.add_argument("--person", help="the claim that names a person in the access log (email if verified, else sub)")
    setting.add_argument("--contact", help="whom to ask for a role, as the page without access says it")
    for role in ROLES:
        setting.add_argument(f"--{role}", nargs="*", metavar="GROUP", help=f"the groups whose members have the role {role}")
    for command, words in (("show", "print what is stored"), ("rotate", "a new session key"), ("sign-out-all", "end all sessions")):
        commands.add_parser(command, help=words)
    arguments = parser.parse_args()
    identity = Identity(Stack(arguments.stack))
    if arguments.command == "set":
        identity.write("signin", chosen(identity, arguments))
        keys = identity.read(KEYS)
        if keys is None:
            identity.renew_key(keep=False)
        else:
            # Also after a store that was emptied or replaced.
            identity.tell_gate([keys[name] for name in ("current", "previous") if keys.get(name)])
        print(f"Stored. The provider must send people back to {identity.site}/signin/callback")
    elif arguments.command == "show":
        settings = identity.read("signin") or {}
        settings.pop("client_secret", None)
        print(json.dumps(settings, indent=2, ensure_ascii=False))
    else:
        identity.renew_key(keep=arguments.command == "rotate")
        print("A new session key is in use; the gate knows it once CloudFront has spread it.")
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
