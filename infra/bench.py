#!/usr/bin/env python3
"""How big and how quick the functions are: release builds against a runtime API on this machine.

    infra/bench.py                      builds in release, measures, prints a table
    infra/bench.py --no-build           measures what is there
    infra/bench.py --profile NAME       another profile of Cargo.toml
    infra/bench.py --write              also writes docs/measured.md, with day and commit
    infra/bench.py --memory-sizes       what a ticket costs triage at several memory sizes instead, each with its CPU share

exec to /next: from starting the process until it asks for its first event, with AWS played by a stub that answers at once.
Memory: resident, after 100 events, over the same stub. Handler: the embedded backend, so our own time alone, the runtime
API's two requests included; of triage each event is another of the bundled tickets, read and decided anew. Needs Rust and
Python 3.
"""

import argparse
import datetime
import gzip
import http.server
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "infra" / "local-cloud"))
from functions import functions, sample_event  # noqa: E402
from runtime import Bootstrap  # noqa: E402

DATA = ROOT / "shared" / "data" / "customer"
STARTS = 20
EVENTS = 1000
# The bundled tickets, and how often a new process takes all of them.
TICKETS = range(1001, 1031)
ROUNDS = 10
# Lambda gives a function one vCPU at 1,769 MB and shares in proportion, by the price of arm64 in us-east-1.
MEMORY_SIZES = (256, 512, 768, 1024, 1769)
FULL_CPU_MB = 1769
DOLLARS_PER_GB_SECOND = 0.0000133334
# What a language model takes to answer; the function waits and is paid for.
MODEL_SECONDS = 1.5
MEASURED = ROOT / "docs" / "measured.md"


class Aws(http.server.BaseHTTPRequestHandler):
    """Answers what our functions ask of AWS: an empty table, the bundled files, queues and mail that take everything."""

    protocol_version = "HTTP/1.1"
    # One packet an answer: else each waits 40 ms for the other side's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    files = {name: (DATA / name).read_bytes() for name in ("policy.json", "agents.json")}
    files |= {f"knowledge_base/{file.name}": file.read_bytes() for file in (DATA / "knowledge_base").glob("*.md")}
    contents = "".join(f"<Contents><Key>{name}</Key><ETag>\"{len(body)}\"</ETag><Size>{len(body)}</Size></Contents>" for name, body in files.items())
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].removeprefix("/config/")
        self.answer(self.files.get(path, self.listing), "application/xml")

    def do_PUT(self) -> None:
        self.body()
        self.answer(b"", "application/xml")

    def do_POST(self) -> None:
        body = self.body()
        operation = self.headers.get("X-Amz-Target", "").split(".")[-1]
        answers = {
            "GetParameter": lambda: self.parameter(json.loads(body)["Name"]),
            "UpdateItem": lambda: {"Attributes": {}},
            "Query": lambda: {"Items": [], "Count": 0},
            "SendMessage": lambda: {"MessageId": "1", "MD5OfMessageBody": ""},
        }
        self.answer(json.dumps(answers.get(operation, dict)()).encode(), "application/x-amz-json-1.0")

    def parameter(self, name: str) -> dict:
        values = {"/secret": json.dumps({"current": "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="}),
                  "/zendesk": json.dumps({"client_id": "triage", "client_secret": "secret"})}
        return {"Parameter": {"Name": name, "Value": values.get(name, "")}}

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def event_of(function: str, local: pathlib.Path) -> bytes:
    if function == "webhook":
        return subprocess.run([local, "sign", ROOT / "events" / "ticket-created.json"], capture_output=True, check=True, cwd="/").stdout
    event = sample_event(function)
    return event.read_bytes() if event else b"{}"


def handled(function: str, binary: pathlib.Path, variables: dict[str, str], event: bytes) -> list[float]:
    """Milliseconds of each event."""
    if function == "triage":
        return [time for _ in range(ROUNDS) for time in tickets_handled(binary, variables, event)]
    times = []
    with Bootstrap(binary, variables) as bootstrap:
        for _ in range(EVENTS):
            bootstrap.invoke(event)
            times.append(1000 * bootstrap.seconds)
    return times


def tickets_handled(binary: pathlib.Path, variables: dict[str, str], event: bytes, held=lambda process: None) -> list[float]:
    """Milliseconds of each bundled ticket in one process, which `held` may hold back once it has started: what was triaged is
    done at its next look, so a process takes each ticket once."""
    times = []
    with Bootstrap(binary, variables) as bootstrap:
        bootstrap.first_asked()
        held(bootstrap.process)
        for ticket in TICKETS:
            message = {"v": 1, "ticket_id": ticket, "cause": "created"}
            record = {**json.loads(event)["Records"][0], "messageId": str(ticket), "body": json.dumps(message)}
            answer = bootstrap.invoke(json.dumps({"Records": [record]}).encode())
            if answer != {"batchItemFailures": []}:
                raise RuntimeError(f"the ticket was not triaged: {answer}")
            times.append(1000 * bootstrap.seconds)
    return times


class CpuShare:
    """Holds a process to a part of one core, by a control group, as Lambda does. Needs root."""

    PERIOD = 20_000  # microseconds, as Lambda's

    def __init__(self, share: float) -> None:
        first, second = pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")
        quota = int(share * self.PERIOD)
        self.group = (first if first.is_dir() else second) / "triage-bench"
        self.group.mkdir(exist_ok=True)
        if first.is_dir():
            (self.group / "cpu.cfs_period_us").write_text(str(self.PERIOD))
            (self.group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.group / "cpu.max").write_text(f"{quota} {self.PERIOD}")

    def hold(self, process: subprocess.Popen) -> None:
        (self.group / "cgroup.procs").write_text(str(process.pid))

    def __enter__(self) -> "CpuShare":
        return self

    def __exit__(self, *_) -> None:
        self.group.rmdir()


def memory_sizes(binary: pathlib.Path, variables: dict[str, str], event: bytes) -> None:
    """A table of what each memory size costs."""
    print(f"{'MB':>5} {'CPU':>5} {'first ticket ms':>16} {'next, p50 / p99 ms':>20} {'$ per 1,000, embedded':>22} {f'$ per 1,000, model of {MODEL_SECONDS} s':>30}")
    for size in MEMORY_SIZES:
        first, later = [], []
        with CpuShare(size / FULL_CPU_MB) as share:
            for _ in range(ROUNDS):
                # Lambda does not hold a function back while it starts.
                times = tickets_handled(binary, variables, event, share.hold)
                first.append(times[0])
                later.extend(times[1:])
        dollars = [1000 * size / 1024 * (statistics.mean(later) / 1000 + waiting) * DOLLARS_PER_GB_SECOND for waiting in (0, MODEL_SECONDS)]
        print(f"{size:5} {size / FULL_CPU_MB:5.2f} {statistics.median(first):16.1f} {statistics.median(later):11.1f} / {statistics.quantiles(later, n=100)[98]:6.1f} "
              f"{dollars[0]:22.5f} {dollars[1]:30.5f}", flush=True)


def commit() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip() or "unknown"


def page(rows: list[list[str]], profile: str) -> str:
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""# How big and how quick

Measured on {datetime.date.today()} at commit {commit()}, profile `{profile}`, {os.cpu_count()} cores, by `infra/bench.py --write`, which made this page.

Each release build runs against a runtime API on one machine, next to a function that does nothing. A stub that answers at once stands in for AWS, so this is no cold start on AWS. Memory is what is resident after 100 events. An event runs over the in-memory adapters and includes the runtime API's two requests; of triage each is a ticket that is read and decided anew, the first of each process included.

| | size MB | gzip MB | exec to first event, ms (min / median of {STARTS}) | memory, MiB | an event, ms (p50 / p99) |
|---|---|---|---|---|---|
{lines}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--profile", default="release")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--memory-sizes", action="store_true")
    arguments = parser.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / arguments.profile
    if not arguments.no_build:
        build = ["cargo", "build", "--profile", arguments.profile, "--workspace", "--bins", "--examples", "--features", "aws/hello"]
        subprocess.run(build, cwd=ROOT, check=True)
    embedded = {"AWS_SAM_LOCAL": "true", "BACKEND": "embedded", "RUST_LOG": "error"}
    if arguments.memory_sizes:
        memory_sizes(target / "triage", embedded, event_of("triage", target / "local"))
        return 0

    stub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    zendesk = subprocess.Popen([target / "local", "demo-zendesk", "--set-up", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd="/")
    zendesk_url = zendesk.stdout.readline().split()[1]
    names = ["TICKETS_QUEUE_URL", "ALERTS_QUEUE_URL", "TICKETS_TABLE", "CONTROL_TABLE", "SITE_BUCKET", "CONFIGURATION_SET", "MODEL_KEY_PARAMETER",
             "SIGNIN_PARAMETER", "SESSION_KEYS_PARAMETER"]
    aws = {**{name: "/nothing" for name in names}, "CONFIG_BUCKET": "config", "SWITCHES": "/switches", "WEBHOOK_SECRET_PARAMETER": "/secret", "FOLLOWUP_SECRET_PARAMETER": "/secret",
           "TICKETS_QUEUE_URL": "http://localhost/000000000000/tickets", "ALERTS_QUEUE_URL": "http://localhost/000000000000/alerts",
           "TICKETS_DEAD_LETTERS_URL": "http://localhost/000000000000/dead", "ALERTS_DEAD_LETTERS_URL": "http://localhost/000000000000/dead",
           "SENDER_EMAIL": "a@example.com", "GUARDIAN_EMAIL": "b@example.com", "OPPORTUNITY_EMAIL": "c@example.com", "ANALYST": "embedded", "SITE_URL": "https://site.example.com",
           "ZENDESK_SUBDOMAIN": zendesk_url, "ZENDESK_CREDENTIALS_PARAMETER": "/zendesk", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stub.server_address[1]}", "RUST_LOG": "error"}

    print(f"{'function':9} {'size MB':>8} {'gzip MB':>8} {'exec to /next ms, min / median':>32} {'memory MiB':>11} {'handler ms, p50 / p99':>22}")
    rows = []
    for function in ["hello", *functions()]:
        binary = target / ("examples/hello" if function == "hello" else function)
        code, event = binary.read_bytes(), event_of(function, target / "local")
        starts = []
        for _ in range(STARTS):
            with Bootstrap(binary, aws) as bootstrap:
                starts.append(1000 * bootstrap.first_asked())
        with Bootstrap(binary, aws) as bootstrap:
            for _ in range(100):
                bootstrap.invoke(event)
            memory = bootstrap.resident() / 2**20
        times = handled(function, binary, embedded, event)
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"{function:9} {len(code) / 1e6:8.2f} {len(gzip.compress(code)) / 1e6:8.2f} {min(starts):23.1f} / {statistics.median(starts):6.1f} "
              f"{memory:11.1f} {statistics.median(times):14.2f} / {p99:5.2f}", flush=True)
        rows.append([function, f"{len(code) / 1e6:.1f}", f"{len(gzip.compress(code)) / 1e6:.1f}",
                     f"{min(starts):.1f} / {statistics.median(starts):.1f}", f"{memory:.1f}", f"{statistics.median(times):.2f} / {p99:.2f}"])
    zendesk.kill()
    if arguments.write:
        MEASURED.write_text(page(rows, arguments.profile))
    return 0


if __name__ == "__main__":
    sys.exit(main())
