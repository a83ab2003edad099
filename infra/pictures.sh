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
# Wide enough that the page does not wrap; the height ends below the charts.
picture() { # NAME SIZE FILE
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-color-profile=srgb \
    --user-data-dir="$work/profile" --window-size="$2" --virtual-time-budget=3000 \
    --screenshot="$work/picture.png" "file://$3" 2>/dev/null
  mv "$work/picture.png" "docs/pictures/$1.png"
}
picture dashboard 1400,690 "$work/run/triage_report.html"
picture mail 700,770 "$work/run/emails/1014-guardian-critical.html"
python3 infra/slack_page.py "$work/run/slack" 1014-guardian-critical >"$work/slack.html"
picture slack 720,440 "$work/slack.html"
ls -l docs/pictures
