"""What `python -m local status` tells beside the tables of processes and triggers."""

from local.status import reuse


def test_how_many_materials_nobody_had_to_send_again_is_counted_from_the_log_lines(tmp_path):
    lines = [
        '{"function":"intake","materials_uploaded":2,"materials_reused":1,"status":201}',
        "not a line of ours, though it says materials_reused",
        '{"function":"followup","materials_reused":1,"ms":3.0}',
        '{"function":"intake","status":200}',
    ]
    (tmp_path / "gateway.log").write_text("\n".join(lines[:2]) + "\n")
    (tmp_path / "runner.log").write_text("\n".join(lines[2:]) + "\n")
    assert reuse(tmp_path) == (2, 2)
