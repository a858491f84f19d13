"""Functions run as on Lambda: an init phase with their own variables, one invocation at a time."""

import os
import threading

import pytest

from local.functions import LocalFunction
from local.template import Function, TemplateError

CODE = """
import os
import threading

seen = dict(os.environ)
inside = 0
both = threading.Barrier(2, timeout=10)

def handler(event, context):
    global inside
    inside += 1
    try:
        assert inside == 1, "two invocations in one environment"
        if event == "together":
            both_barrier.wait()
        if event == "raise":
            raise KeyError("told to")
        return {"variables": seen, "module": __name__, "name": context.function_name, "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(), "memory": context.memory_limit_in_mb,
                "request": context.aws_request_id}
    finally:
        inside -= 1
"""


@pytest.fixture
def function(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "app.py").write_text(CODE)
    definition = Function(name="F", folder="f", handler="app.handler", environment={}, timeout=3, memory=256)
    return LocalFunction(definition, root=tmp_path, environment={"TABLE": "t-1"}, region="cn-north-1")


def test_module_code_sees_the_function_s_variables_and_nobody_else_s(function, monkeypatch):
    monkeypatch.setenv("NOT_DECLARED", "leaks")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    seen = function.invoke({})["variables"]
    assert (seen["TABLE"], seen["AWS_REGION"], seen["AWS_LAMBDA_FUNCTION_NAME"]) == ("t-1", "cn-north-1", "F")
    assert "NOT_DECLARED" not in seen
    assert os.environ["NOT_DECLARED"] == "leaks"
    assert "TABLE" not in os.environ


def test_the_context_is_lambda_s(function):
    got = function.invoke({})
    assert (got["name"], got["memory"]) == ("F", "256")
    assert got["arn"] == "arn:aws:lambda:cn-north-1:000000000000:function:F"
    assert 0 < got["left"] <= 3000
    assert got["request"] != function.invoke({})["request"]


def test_a_warm_environment_is_used_again(function):
    assert function.invoke({})["module"] == function.invoke({})["module"]
    assert function.environments == 1


def test_one_invocation_at_a_time_in_an_environment(function, tmp_path):
    """Two invocations that wait for each other can only end in two environments."""
    barrier = threading.Barrier(2, timeout=10)
    (tmp_path / "f" / "app.py").write_text("import builtins\nboth_barrier = builtins._test_barrier\n" + CODE)
    import builtins

    builtins._test_barrier = barrier
    modules = []
    threads = [threading.Thread(target=lambda: modules.append(function.invoke("together")["module"])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del builtins._test_barrier
    assert len(set(modules)) == 2
    assert function.environments == 2


def test_a_raise_passes_through_and_the_environment_lives_on(function):
    with pytest.raises(KeyError):
        function.invoke("raise")
    function.invoke({})
    assert function.environments == 1


def test_a_missing_file_or_handler_is_named(function, tmp_path):
    (tmp_path / "f" / "app.py").write_text("")
    with pytest.raises(TemplateError, match=r"handler\(event, context\)"):
        function.invoke({})
    (tmp_path / "f" / "app.py").unlink()
    with pytest.raises(TemplateError, match="F: no file"):
        function.invoke({})
