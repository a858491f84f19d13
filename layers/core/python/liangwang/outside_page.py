"""The page that an outside party's link opens: one file, both languages, a script that is named in its security policy.

The page knows nothing. Its script takes the token from behind ``#``, asks what the question is, and sends the answer.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from . import texts

SCRIPT = """
"use strict";
const token = location.hash.slice(1);
const byId = (id) => document.getElementById(id);
const both = (text) => text.zh === text.en ? text.zh : text.zh + "\\n" + text.en;
const show = (id) => { for (const one of ["asking", "question", "done", "problem"]) byId(one).hidden = one !== id; };
async function call(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const document = await answer.json();
  if (!answer.ok) throw document;
  return document;
}
function fail(problem) {
  const title = problem.title ? problem.title + "\\n" + problem.title_en : byId("problem").dataset.text;
  byId("problem").textContent = title;
  show("problem");
}
function row(label, value) {
  const line = document.createElement("tr");
  for (const [kind, text] of [["th", label], ["td", value]]) line.appendChild(document.createElement(kind)).textContent = text;
  byId("facts").appendChild(line);
}
function ask(task) {
  for (const name of ["party", "requester", "place"]) byId(name).textContent = both(task[name]);
  byId("text").textContent = both(task.question);
  byId("due").textContent = new Date(task.due_at).toLocaleString("zh-CN");
  byId("expires").textContent = new Date(task.expires_at).toLocaleString("zh-CN");
  for (const field of task.form) row(both(field.label), typeof field.value === "object" ? JSON.stringify(field.value) : String(field.value));
  show("question");
}
byId("answer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const opinion = event.submitter.value, explanation = byId("explanation").value;
  if (opinion === "disagree" && !explanation.trim()) { byId("explanation").focus(); byId("why").hidden = false; return; }
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try { await call("outside/report", { token, opinion, explanation }); show("done"); }
  catch (problem) { fail(problem); }
});
call("outside/task", { token }).then(ask, fail);
"""

STYLE = """
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 1rem auto; padding: 0 1rem; color: #111; background: #fff; }
p, td, th { white-space: pre-line; text-align: left; vertical-align: top; }
th { padding-right: 1rem; font-weight: 600; }
#text { font-size: 1.25rem; }
textarea { width: 100%; font: inherit; }
button { font: inherit; padding: .6rem 1.2rem; margin: .5rem 1rem .5rem 0; }
"""


def _digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(SCRIPT)}",
            f"style-src {_digest(STYLE)}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
}
"""This script and this style and no other; it speaks with us alone; nobody frames it."""


def page() -> str:
    """The page. It is made of our own texts only, each in both languages."""
    return f"""<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{_both("title", " · ")}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{_both("title")}</h1>
<p id="asking">{_both("loading")}</p>
<section id="question" hidden>
<table>
<tr><th>{_both("requester")}</th><td id="requester"></td></tr>
<tr><th>{_both("party")}</th><td id="party"></td></tr>
<tr><th>{_both("place")}</th><td id="place"></td></tr>
<tr><th>{_both("due")}</th><td id="due"></td></tr>
<tr><th>{_both("expires")}</th><td id="expires"></td></tr>
</table>
<p id="text"></p>
<table id="facts"></table>
<form id="answer">
<label for="explanation">{_both("explanation")}</label>
<textarea id="explanation" rows="5" maxlength="1000"></textarea>
<p id="why" hidden>{_both("why")}</p>
<p>{_both("once")}</p>
<button value="agree">{_both("agree", " ")}</button>
<button value="disagree">{_both("disagree", " ")}</button>
</form>
</section>
<p id="done" hidden>{_both("thanks")}</p>
<p id="problem" role="alert" data-text="{_both("failed", " ")}" hidden></p>
<noscript><p>{_both("script")}</p></noscript>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _both(name: str, between: str = "<br>") -> str:
    text = texts.text(f"outside.{name}")
    return f"{escape(text.zh)}{between}{escape(text.en)}"
