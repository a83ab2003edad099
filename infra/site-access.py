#!/usr/bin/env python3
"""Sets a role's password for the dashboard. Needs boto3[crt] and credentials that may write the key-value store.

    infra/site-access.py STACK support                    makes a password and prints it, once
    infra/site-access.py STACK support --password-stdin   takes it from standard input
    infra/site-access.py STACK support --remove           nobody has that role any more
    infra/site-access.py STACK --list                     the roles that have a password

The store holds a hash only. Roles: support, accounts, sales, lead.
With Identity=oidc no password counts: infra/identity.py.
"""

import argparse
import hashlib
import secrets
import sys

import boto3

from operate import Stack, told

ROLES = ["support", "accounts", "sales", "lead"]
SHORTEST = 24


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack")
    parser.add_argument("role", choices=ROLES, nargs="?")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--password-stdin", action="store_true")
    action.add_argument("--remove", action="store_true")
    action.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list == bool(arguments.role):
        parser.error("name a role, or ask for --list")

    arn = Stack(arguments.stack).output("SitePasswordsArn")
    store = boto3.client("cloudfront-keyvaluestore")
    if arguments.list:
        pages = store.get_paginator("list_keys").paginate(KvsARN=arn)
        keys = {item["Key"] for page in pages for item in page["Items"]}
        print("\n".join(role for role in ROLES if role in keys))
        return 0
    etag = store.describe_key_value_store(KvsARN=arn)["ETag"]
    if arguments.remove:
        store.delete_key(KvsARN=arn, Key=arguments.role, IfMatch=etag)
        return 0
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else secrets.token_urlsafe(24)
    if len(password) < SHORTEST:
        # The hash is a plain SHA-256: quick to compute, so a password must not be guessable.
        print(f"the password is shorter than {SHORTEST} characters", file=sys.stderr)
        return 1
    value = hashlib.sha256(f"{arguments.role}:{password}".encode()).hexdigest()
    store.put_key(KvsARN=arn, Key=arguments.role, Value=value, IfMatch=etag)
    if not arguments.password_stdin:
        print(f"{arguments.role}:{password}")
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
