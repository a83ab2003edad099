"""The deployed product on this machine: an AWS emulator, the real template, the real functions.

    python3 infra/local-cloud up      deploy, print the URLs, stay until Ctrl-C
    python3 infra/local-cloud lint    check the template with SAM, cfn-lint and our own rules
    python3 infra/local-cloud test    deploy, run the end-to-end suite and the adapters' contracts, take it all down
    python3 infra/local-cloud mutants break the template in every way we know, and see that a test fails each time

Needs Rust and Python 3.11; everything else is installed into target/local-cloud, which may be deleted at any time.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "local-cloud"
REQUIREMENTS = HERE / "requirements.txt"


def ready_python() -> pathlib.Path:
    """An interpreter with the pinned packages; made anew when the pins change."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = WORK / f"venv-{pins}"
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        print(f"Installing the emulator and SAM into {folder.relative_to(ROOT)} ...", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
        subprocess.run(pip, check=True)
        done.touch()
    return python


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 infra/local-cloud", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "test", "lint", "mutants"])
    parser.add_argument("tests", nargs="*", help="test: only these, such as Suite.test_a_bad_signature")
    parser.add_argument("--deployed", action="store_true", help="mutants: those that only the deployed product shows; minutes each")
    arguments = parser.parse_args()
    if os.environ.get("LOCAL_CLOUD_PYTHON") != sys.executable:
        python = str(ready_python())
        # In place of this process: a second one between it and the terminal would be killed while it cleans up.
        os.execve(python, [python, str(HERE), *sys.argv[1:]], {**os.environ, "LOCAL_CLOUD_PYTHON": python})
    sys.path.insert(0, str(HERE))
    if arguments.command == "lint":
        import template_test
        return template_test.main()
    if arguments.command == "mutants":
        import mutants
        return mutants.deployed() if arguments.deployed else mutants.static()
    import cloud
    if arguments.command == "up":
        return cloud.up()
    import suite
    return suite.main(arguments.tests)


if __name__ == "__main__":
    sys.exit(main())
