#!/usr/bin/env python3
"""Draws the messages of outputs/slack as a page, to look at: roughly as Slack lays blocks out, not what Slack draws.

    python3 infra/slack_page.py outputs/slack [NAME ...] > slack.html

Without names all messages. It knows the blocks that we send, and stops at any other.
"""

import html
import json
import pathlib
import re
import sys

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1d1c1d; --soft: #616061; --line: #dddddd; --link: #1264a3; --take: #007a5a; --rule: #dddddd; }
@media (prefers-color-scheme: dark) { :root { --page: #1a1d21; --ink: #d1d2d3; --soft: #ababad; --line: #565856; --link: #1d9bd1; --take: #007a5a; --rule: #35373b; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 12px 20px; background: var(--page); color: var(--ink); font: 15px/22px Lato, "Noto Sans", "Segoe UI", system-ui, sans-serif; }
article { max-width: 680px; padding: 8px 0 16px; display: grid; grid-template-columns: 36px minmax(0, 1fr); column-gap: 8px; }
article.reply { padding-left: 44px; border-left: 2px solid var(--rule); }
.face { width: 36px; height: 36px; border-radius: 6px; background: #35618f; color: #fff; text-align: center; line-height: 36px; font-weight: 700; }
.who b { font-weight: 900; } .who span { color: var(--soft); font-size: 12px; margin-left: 6px; }
.who .app { background: var(--rule); border-radius: 2px; padding: 0 3px; font-size: 10px; font-weight: 700; }
h1 { margin: 4px 0 2px; font-size: 18px; line-height: 24px; font-weight: 900; overflow-wrap: anywhere; }
p { margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid var(--line); overflow-wrap: anywhere; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 4px 16px; }
.context { color: var(--soft); font-size: 13px; line-height: 18px; margin: 4px 0; overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.button { border: 1px solid var(--line); border-radius: 4px; height: 36px; padding: 0 12px; line-height: 34px; font-weight: 700; color: var(--ink); max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.button.primary { background: var(--take); border-color: var(--take); color: #fff; } .button.danger { color: #e01e5a; border-color: #e01e5a; } .button.choice::after { content: " ▾"; color: var(--soft); }
a { color: var(--link); text-decoration: none; } code { color: #c01343; border: 1px solid var(--line); border-radius: 3px; padding: 1px 3px; font-size: 12px; }
hr { border: 0; border-top: 1px solid var(--rule); }
"""


def mrkdwn(text: str) -> str:
    """Slack escapes & < > itself, so what is left as < is Slack's own markup."""
    def link(found: re.Match) -> str:
        address, _, words = found[1].partition("|")
        return f'<a href="{address}">{words or address}</a>' if not address.startswith(("!", "@", "#")) else f"<b>{found[0][1:-1]}</b>"

    def inline(line: str) -> str:
        line = re.sub(r"<([^<>]+)>", link, line)
        line = re.sub(r"`([^`]+)`", r"<code>\1</code>", line)
        line = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", line)
        return re.sub(r"(?<![\w_])_([^_\n]+)_(?![\w_])", r"<i>\1</i>", line)

    parts, quote = [], []
    for line in text.split("\n"):
        if line.startswith(("&gt;", ">")):
            quote.append(inline(re.sub(r"^(&gt;|>) ?", "", line)))
            continue
        if quote:
            parts, quote = [*parts, f"<blockquote>{'<br>'.join(quote)}</blockquote>"], []
        parts.append(f"<p>{inline(line)}</p>")
    if quote:
        parts.append(f"<blockquote>{'<br>'.join(quote)}</blockquote>")
    return "".join(parts)


def words(text: dict) -> str:
    return html.escape(text["text"]) if text["type"] == "plain_text" else mrkdwn(text["text"])


def element(one: dict) -> str:
    if one["type"] == "button":
        return f'<span class="button {one.get("style", "")}">{words(one["text"])}</span>'
    if one["type"] == "static_select":
        return f'<span class="button choice">{words(one["placeholder"])}</span>'
    raise ValueError(f"an element of type {one['type']}")


def block(one: dict) -> str:
    match one["type"]:
        case "header":
            return f"<h1>{words(one['text'])}</h1>"
        case "section":
            fields = "".join(f"<div>{words(field)}</div>" for field in one.get("fields", []))
            return (words(one["text"]) if "text" in one else "") + (f'<div class="fields">{fields}</div>' if fields else "")
        case "context":
            return f'<div class="context">{" ".join(words(each) for each in one["elements"])}</div>'
        case "actions":
            return f'<div class="actions">{"".join(element(each) for each in one["elements"])}</div>'
        case "divider":
            return "<hr>"
    raise ValueError(f"a block of type {one['type']}")


def message(path: pathlib.Path) -> str:
    stored = json.loads(path.read_text())
    blocks = "".join(block(one) for one in stored["blocks"])
    reply = ' class="reply"' if "thread_ts" in stored else ""
    who = f'<div class="who"><b>Ticket triage</b> <span class="app">APP</span><span>{html.escape(stored["channel"])}{" · also sent to the channel" if stored.get("reply_broadcast") else ""}</span></div>'
    return f'<article{reply}><div class="face">T</div><div>{who}{blocks}</div></article>'


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    files = [folder / f"{name}.json" for name in names] or sorted(folder.glob("*.json"))
    body = "\n".join(map(message, files))
    print(f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
          f"<title>Messages in Slack, drawn by us</title><style>{STYLE}</style></head><body>{body}</body></html>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
