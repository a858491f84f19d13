"""Writes docs/scenarios.md from the scenarios: `python -m tests.scenarios.page`. A test holds the two in step."""

from pathlib import Path

from tests.scenarios.script import files

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"

HEAD = """# Collaborations that a city hall knows 协同场景

Each scenario is a file's entry in `tests/scenarios/cases/`: who does what on which working day, the way through the three levels,
the conclusion, and what the citizen sees. `tests/scenarios` plays all of them at once on one bus, from the citizen's application to
the decision: every function of `template.yaml` as Lambda loads it, the product's own producer, a real Kafka wire (the embedded broker,
or Apache Kafka with `KAFKA=apache`), batches built and answers read by the rules of the local runner, a clock that is set by hand.
DynamoDB and KMS are fakes, and so is HTTP between the systems.

They are played three times: as the wire should be; with small batches in any order across cases and every message delivered twice;
and with one batch in eight lost (marked slow), where acts come later and only this is asked: the three systems agree, each event has one
conclusion, and nothing is left open. The first two have to go exactly as written, the refusals too.

A file may say what its `city` decides otherwise - the limits of operators' acts, an item whose questions stand one after another; its
scenarios are played on a stage of their own, by the catalogue with exactly that changed.

To add one, write it down in the words of `acts.py` and run `python -m tests.scenarios.page`, which writes this page from the files.
"""


def page():
    """The page as it has to be."""
    parts = [HEAD]
    for file in files():
        parts.append(f"\n## {file.subject}\n")
        for one in file.scenarios:
            parts.append(f"\n**{one.title.zh} · {one.title.en}** (`{one.name}`)\n\n{one.story.zh}\n\n{one.story.en}\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
