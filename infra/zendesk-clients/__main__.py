"""Clients that others wrote, against `demo-zendesk`: if they work with it, it answers as Zendesk does.

    python3 infra/zendesk-clients

Needs target/debug/local (`cargo build`) and Python 3.11; the clients are installed into target/zendesk-clients, which may
be deleted at any time.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "zendesk-clients"
LOCAL = ROOT / "target" / "debug" / "local"
PINS = [HERE / "requirements.txt", HERE / "package.json"]


def ready() -> pathlib.Path:
    """A folder with both clients; made anew when the pins change."""
    pins = hashlib.sha256(b"".join(file.read_bytes() for file in PINS)).hexdigest()[:12]
    folder = WORK / pins
    if not (folder / "complete").exists():
        print(f"Installing the clients into {folder.relative_to(ROOT)} ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        shutil.copy(HERE / "package.json", folder)
        npm = [folder / "bin" / "npm", "install", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=folder, check=True, env=with_path(folder))
        (folder / "complete").touch()
    return folder


def with_path(folder: pathlib.Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", **more}


def asked(url: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def main() -> int:
    folder = ready()
    # Nothing here is about rate limits, and the clients ask for as much as they like.
    command = [LOCAL, "demo-zendesk", "--port", "0", "--plan", "unlimited"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        base = demo.stdout.readline().split()[1]
        known = asked(f"{base}/_demo/credentials")
        admin, client = known["api_tokens"][0], known["clients"][0]
        credentials = {key: client[key] for key in ("client_id", "client_secret")}
        token = asked(f"{base}/oauth/tokens", {"grant_type": "client_credentials", **credentials})["access_token"]
        environment = with_path(
            folder, DEMO_URL=base, DEMO_EMAIL=admin["email"], DEMO_API_TOKEN=admin["api_token"], DEMO_OAUTH_TOKEN=token,
            ZENPY_FORCE_SCHEME="http", ZENPY_FORCE_NETLOC=base.removeprefix("http://"),
            NODE_PATH=str(folder / "node_modules"),
        )
        for client in (["python", HERE / "with_zenpy.py"], ["node", HERE / "with_node_zendesk.cjs"]):
            subprocess.run([folder / "bin" / client[0], client[1]], env=environment, check=True, timeout=120)
    except subprocess.CalledProcessError as failure:
        return failure.returncode
    finally:
        demo.terminate()
        demo.wait(20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
