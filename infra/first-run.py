#!/usr/bin/env python3
"""What a newcomer waits for: `cargo run`, then `cargo test --workspace`, in a clean clone with an empty registry cache.

  python3 infra/first-run.py [--commit REV] [--keep]

Prints a table of wall times, the size of target/debug and the number of packages. The toolchain is taken as installed;
downloads are part of the time. Needs some 8 GB of disk and every core to itself, else the figures say nothing.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout[-4000:]}")
    return time.monotonic() - started


def megabytes(folder: Path) -> float:
    # Hard links between target/debug and target/debug/deps are one file on the disk.
    sizes = {}
    for entry in folder.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            found = entry.stat()
            sizes[found.st_ino] = found.st_size
    return sum(sizes.values()) / 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--commit", default="HEAD", help="what is cloned and measured (default: HEAD)")
    arguments.add_argument("--keep", action="store_true", help="leave the clone and say where it is")
    chosen = arguments.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="first-run-"))
    clone, cargo_home = folder / "clone", folder / "cargo-home"
    try:
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", chosen.commit], cwd=clone, check=True)
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=clone, check=True,
                                capture_output=True, text=True).stdout.strip()
        packages = (clone / "Cargo.lock").read_text().count("[[package]]")
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "RUSTFLAGS", "ANTHROPIC_API_KEY")}
        environment |= {"CARGO_HOME": str(cargo_home), "CARGO_TERM_PROGRESS_WHEN": "never"}
        rows = [("cargo run, first", timed(["cargo", "run"], clone, environment)),
                ("cargo run, again", timed(["cargo", "run"], clone, environment))]
        after_run = megabytes(clone / "target/debug")
        rows.append(("cargo test --workspace", timed(["cargo", "test", "--workspace"], clone, environment)))
        after_test = megabytes(clone / "target/debug")

        print(f"commit {commit}, {len(os.sched_getaffinity(0))} cores, {packages} packages in Cargo.lock\n")
        print(f"{'step':<28}{'wall':>10}")
        for name, seconds in rows:
            print(f"{name:<28}{seconds:>8.1f} s")
        print(f"{'target/debug after run':<28}{after_run / 1000:>7.2f} GB")
        print(f"{'target/debug after test':<28}{after_test / 1000:>7.2f} GB")
    finally:
        if chosen.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
