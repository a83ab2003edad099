"""The dashboard of a run over the bundled tickets and a page of an account, in a real Chromium: accessible, within their
width, and working. And the loop as README.md walks through it: a ticket posted to `serve`, the link in its mail, the page
and its buttons; and those of the message in Slack.

    python3 infra/page [BINARY]

Needs node and npm, and says so and ends well where they are missing. Installs axe-core and puppeteer-core into target/,
and Chromium by apt-get where there is none and this is Debian's root; CHROMIUM names another browser.
"""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REPORT = ROOT / "functions" / "report"


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], **quiet)
        found = shutil.which("chromium")
    return found


def tools() -> pathlib.Path:
    folder = ROOT / "target" / "page"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    complete = folder / "complete"
    if not complete.exists() or complete.read_text() != wanted:
        shutil.copy(HERE / "package.json", folder)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        complete.write_text(wanted)
    return folder


def main() -> int:
    missing = [name for name in ("node", "npm") if not shutil.which(name)]
    if missing:
        print(f"skipped: the page is not looked at in a browser, since there is no {' and no '.join(missing)}")
        return 0
    browser = chromium()
    if browser is None:
        print("skipped: the page is not looked at in a browser, since there is no Chromium; CHROMIUM names one")
        return 0
    binary = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/debug/local").resolve()
    folder = tools()
    with tempfile.TemporaryDirectory() as output:
        run = [binary, "--analyst", "embedded", "--output", output]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        account = pathlib.Path(output, "account.html")
        account.write_text(account_page())
        tickets = pathlib.Path(output, "many.csv")
        tickets.write_text(many())
        subprocess.run([binary, "--analyst", "embedded", "--input", tickets, "--output", f"{output}/many"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pages = {
            "PAGE": f"{output}/triage_report.html", "MAILS": f"{output}/emails", "ACCOUNT": str(account),
            "MISSING": str(REPORT / "templates" / "missing.html"),
            "MANY": f"{output}/many/triage_report.html", "LIST": f"{output}/many/account/all/1.html",
        }
        of_page = tested(folder, "page_test.mjs", {**pages, "CHROMIUM": browser})
    event, mail = walk()
    with tempfile.TemporaryDirectory() as folder_of_loop:
        output, log = pathlib.Path(folder_of_loop, "outputs"), pathlib.Path(folder_of_loop, "serve.log")
        serve = [binary, "serve", "--analyst", "embedded", "--port", "0", "--output", output]
        recipient, secret = "kam@example.com", "infra/page"
        variables = {**os.environ, "GUARDIAN_EMAIL": recipient, "SLACK_SIGNING_SECRET": secret}
        with log.open("w") as told, subprocess.Popen(serve, stdout=told, env=variables) as server:
            of_loop = tested(folder, "loop_test.mjs", {
                "LOG": str(log), "OUTPUT": str(output), "MAIL": mail, "EVENT": signed(binary, ROOT / event), "SECOND": notice(binary, 1991),
                "RECIPIENT": recipient, "SIGNING_SECRET": secret, "CHROMIUM": browser,
            })
            server.terminate()
    return of_page or of_loop


def many() -> str:
    """The bundled tickets eight times, each time of other customers: more than a page shows, and more accounts at risk."""
    with (ROOT / "shared/data/corpus/tickets.csv").open(newline="") as file:
        bundled = list(csv.DictReader(file))
    written = io.StringIO()
    writer = csv.DictWriter(written, bundled[0].keys())
    writer.writeheader()
    for copy in range(8):
        for row in bundled:
            number = int(row["ticket_id"].lstrip("#")) + 100 * copy
            writer.writerow({**row, "ticket_id": f"#{number}", "customer_name": f"{row['customer_name']} {copy + 1}"})
    return written.getvalue()


def account_page() -> str:
    """A page of an account, as only a deployment has one: the snapshot of its test."""
    snapshot = (REPORT / "tests" / "snapshots" / "account__the_whole_page_of_an_account.snap").read_text()
    return snapshot.split("---\n", 2)[2]


def tested(folder: pathlib.Path, test: str, variables: dict[str, str]) -> int:
    # Beside what it imports.
    shutil.copy(HERE / test, folder)
    return subprocess.run(["node", "--test", test], cwd=folder, env={**os.environ, **variables}).returncode


def walk() -> tuple[str, str]:
    """The event that README.md lets its reader post, and the mail in `outputs` that it lets them open."""
    readme = (ROOT / "README.md").read_text()
    event = re.search(r"`cargo run -- sign (\S+) --curl", readme)
    mail = re.search(r"Open `outputs/(\S+)` in a browser", readme)
    return event[1], mail[1]


def signed(binary: pathlib.Path, event: pathlib.Path | str) -> str:
    return subprocess.run([binary, "sign", event], capture_output=True, check=True, text=True).stdout


def notice(binary: pathlib.Path, ticket: int) -> str:
    """The event of a ticket that gives notice, of an organisation of its own, signed."""
    event = json.loads((ROOT / "events" / "ticket-created.json").read_text())
    body = json.loads(event["body"])
    body["detail"] |= {"id": str(ticket), "organization_id": str(ticket), "subject": "Our contract", "description": "We hereby cancel our contract to the end of the month. We have signed with another provider."}
    body |= {"id": f"notice-{ticket}", "subject": f"zen:ticket:{ticket}"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps({**event, "body": json.dumps(body)}))
        file.flush()
        return signed(binary, file.name)


if __name__ == "__main__":
    sys.exit(main())
