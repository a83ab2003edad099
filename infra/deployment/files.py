"""The customer's files: looked at, and copied into the config bucket."""

import hashlib
import json
import pathlib
import shutil

import boto3

from operate import Problem

from .run import EXAMPLE, ROOT, Run, Wrong

BUNDLED = ROOT / "shared" / "data" / "customer"
JSON_FILES = ("policy.json", "agents.json", "playbooks.json")


def configuration(run: Run) -> None:
    """Configuration"""
    folder = ROOT / run.answers["config"]
    if folder == BUNDLED:
        raise Wrong("--config: the bundled files are the product's; name a folder of your own, and it is made from them")
    if not (folder / "policy.json").exists():
        if run.would(f"make {folder} from the bundled files"):
            return
        make_configuration(run, folder)
    texts = {file.name: file.read_text() for file in map(folder.joinpath, JSON_FILES) if file.exists()}
    examples = [name for name, text in texts.items() if EXAMPLE.search(text)]
    bundled = {file.read_bytes() for file in (BUNDLED / "knowledge_base").glob("*.md")}
    articles = list((folder / "knowledge_base").glob("*.md"))
    examples += [article.name for article in articles if article.read_bytes() in bundled]
    if examples and not run.arguments.example:
        raise Problem(f"{folder}: {', '.join(examples)} hold the examples' addresses or articles, which would answer your "
                      "customers; put in your own, or say --example")
    if run.call(*run.of_ours("check-config", str(folder))).returncode:
        raise Problem(f"{folder}: mend what is said above")
    run.say(f"{folder} is valid, {len(articles)} articles")
    if not articles:
        run.say("without articles there are no drafts: cargo run -- import-kb brings your Help Center's")


def make_configuration(run: Run, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    policy, subdomain = json.loads((BUNDLED / "policy.json").read_text()), run.answers["subdomain"]
    policy["zendesk"]["url"] = subdomain if "://" in subdomain else f"https://{subdomain}.zendesk.com"
    (folder / "policy.json").write_text(json.dumps(policy, indent=2) + "\n")
    for name in JSON_FILES[1:]:
        shutil.copy(BUNDLED / name, folder)
    if run.arguments.example:
        shutil.copytree(BUNDLED / "knowledge_base", folder / "knowledge_base", dirs_exist_ok=True)
    run.say(f"{folder} is made from the bundled files; set-up fills in the ids of your Zendesk")


def upload(run: Run) -> None:
    """Files"""
    if run.stack is None:
        run.would("copy the files into the config bucket")
        return
    folder, bucket, s3 = ROOT / run.answers["config"], run.stack.output("ConfigBucketName"), boto3.client("s3")
    local = {str(file.relative_to(folder)): file.read_bytes() for file in sorted(
        [*map(folder.joinpath, JSON_FILES), *(folder / "knowledge_base").rglob("*.md")]) if file.exists()}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    there = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    copied = 0
    for key, content in local.items():
        if key in there:
            remote = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            if remote == content:
                run.uploaded[key] = digest(content)
                continue
            if digest(remote) != run.uploaded.get(key) and not run.arguments.overwrite_config:
                raise Problem(f"s3://{bucket}/{key} was changed by somebody else than this command; compare it with "
                              f"{folder / key}: aws s3 cp brings it here, --overwrite-config puts yours in its place")
        if not run.would(f"copy {key}"):
            s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="text/plain; charset=utf-8")
            run.uploaded[key] = digest(content)
        copied += 1
    run.save()
    if not run.dry:
        run.say(f"{copied} of {len(local)} files copied to s3://{bucket}" + ("; in use within five minutes" if copied else ""))
    if others := there - set(local):
        run.say(f"only in the bucket, and left alone: {', '.join(sorted(others))}")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
