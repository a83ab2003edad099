#!/usr/bin/env bash
# Makes the pictures in docs/pictures from a run over the bundled tickets. Needs Rust and Chromium (Debian: apt-get
# install chromium); CHROMIUM names another browser that knows the same flags.
set -euo pipefail
cd "$(dirname "$0")/.."
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo run --quiet -- --analyst embedded --output "$work/run" >/dev/null
mkdir -p docs/pictures
# Wide enough that the page does not wrap; the height ends below a row of the accounts.
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-color-profile=srgb \
  --user-data-dir="$work/profile" --window-size=1400,990 --virtual-time-budget=3000 \
  --screenshot="$work/dashboard.png" "file://$work/run/triage_report.html" 2>/dev/null
mv "$work/dashboard.png" docs/pictures/dashboard.png
ls -l docs/pictures
