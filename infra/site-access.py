#!/usr/bin/env python3
"""Sets a role's password for the dashboard. Needs boto3 and credentials that may write the key-value store.

    infra/site-access.py ARN support                    makes a password and prints it, once
    infra/site-access.py ARN support --password-stdin   takes it from standard input
    infra/site-access.py ARN support --remove           nobody has that role any more

ARN is the stack's output SitePasswordsArn. The store holds a hash only. Roles: support, accounts, sales.
"""

import argparse
import hashlib
import secrets
import sys

import boto3

SHORTEST = 16


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arn")
    parser.add_argument("role", choices=["support", "accounts", "sales"])
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--remove", action="store_true")
    arguments = parser.parse_args()

    store = boto3.client("cloudfront-keyvaluestore")
    etag = store.describe_key_value_store(KvsARN=arguments.arn)["ETag"]
    if arguments.remove:
        store.delete_key(KvsARN=arguments.arn, Key=arguments.role, IfMatch=etag)
        return 0
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else secrets.token_urlsafe(24)
    if len(password) < SHORTEST:
        # The hash is a plain SHA-256: quick to compute, so a password must not be guessable.
        print(f"the password is shorter than {SHORTEST} characters", file=sys.stderr)
        return 1
    value = hashlib.sha256(f"{arguments.role}:{password}".encode()).hexdigest()
    store.put_key(KvsARN=arguments.arn, Key=arguments.role, Value=value, IfMatch=etag)
    if not arguments.password_stdin:
        print(f"{arguments.role}:{password}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
