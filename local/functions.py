"""Functions in this process, run as Lambda runs them: one invocation at a time in an execution environment.

An environment is one import of `app.py` under a module name of its own; module-level code is the init phase and
sees the function's variables only. When no environment is free another is started, so handlers never meet
concurrency. What differs from Lambda: packages from the layers are imported once for the whole process, and a
handler that passes its timeout is reported, not stopped, since a thread cannot be killed.
"""

from __future__ import annotations

import importlib.util
import itertools
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from local import deploy
from local.config import ACCOUNT, Config
from local.deployed import DeployedFunction, lambda_client
from local.intrinsics import Resolver
from local.template import Function, Template, TemplateError

log = logging.getLogger("local.functions")

Handler = Callable[[Any, Any], Any]

# os.environ belongs to the process: one init phase at a time may have it.
_environment_lock = threading.RLock()
_module_numbers = itertools.count(1)

# What a function sees besides its own variables: the machine's, and what reaches AWS.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONUNBUFFERED", "SSL_CERT_FILE")


class LambdaContext:
    """The context object handlers get: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def __init__(self, function: Function, *, region: str, stream_name: str) -> None:
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function.name}"
        self.memory_limit_in_mb = str(function.memory)
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function.name}"
        self.log_stream_name = stream_name
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + function.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never below zero."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class LocalFunction:
    """One function of the template with its pool of execution environments."""

    def __init__(self, function: Function, *, root: Path, environment: Mapping[str, str], region: str) -> None:
        self.definition = function
        self.name = function.name
        self.environment = dict(environment)
        self._environment = {
            **environment,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        self._region = region
        module, _, self._attribute = function.handler.rpartition(".")
        self._file = root / function.folder / (module.replace(".", "/") + ".py")
        # A stack: the environment used last is the warmest.
        self._free: list[Handler] = []
        self.environments = 0

    def warm(self) -> None:
        """Run one init phase now, so that the first invocation finds an environment."""
        self._free.append(self._start_environment())

    def invoke(self, event: Any) -> Any:
        """The handler's answer. Whatever the handler raises passes through."""
        try:
            handler = self._free.pop()
        except IndexError:
            handler = self._start_environment()
        context = LambdaContext(self.definition, region=self._region, stream_name=handler.__module__)
        try:
            return handler(event, context)
        finally:
            if not context.get_remaining_time_in_millis():
                log.error("%s ran past its timeout of %d s; on Lambda it is killed", self.name, self.definition.timeout)
            self._free.append(handler)

    def _start_environment(self) -> Handler:
        if not self._file.is_file():
            raise TemplateError(f"{self.name}: no file {self._file}")
        name = f"local_environment_{next(_module_numbers)}_{self._file.parent.name}"
        spec = importlib.util.spec_from_file_location(name, self._file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with _only_these_variables(self._environment):
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
            self.environments += 1
        return self._handler(module)

    def _handler(self, module: ModuleType) -> Handler:
        handler = getattr(module, self._attribute, None)
        if not callable(handler):
            raise TemplateError(f"{self.name}: {self._file} has no {self._attribute}(event, context)")
        found: Handler = handler
        return found


@contextmanager
def _only_these_variables(variables: Mapping[str, str]) -> Any:
    """os.environ holds exactly the machine's, AWS's and these variables, as in Lambda's init phase.

    A variable that template.yaml forgets is then missing here too, and not found by luck.
    """
    with _environment_lock:
        before = dict(os.environ)
        kept = {name: value for name, value in before.items() if name in _INHERITED or name.startswith("AWS_")}
        os.environ.clear()
        os.environ.update({**kept, **variables})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def variables(config: Config, function: Function, resolver: Resolver) -> dict[str, str]:
    """A function's environment on this machine: the template's, and where the local run has other places.

    Only variables the template declares are replaced; none is added.
    """
    local = deploy.places(config)
    declared: dict[str, Any] = resolver.value(function.environment)
    return {name: local.get(name, _text(value)) for name, value in declared.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def ready(
    config: Config, template: Template, resolver: Resolver, names: Iterable[str]
) -> Mapping[str, LocalFunction | DeployedFunction]:
    """The functions of these logical ids: deployed ones by name, else each with one warm environment here."""
    if config.deployed:
        client = lambda_client(deploy.session(config))
        return {name: DeployedFunction(resolver.value({"Ref": name}), client=client) for name in names}
    built = build(config, template, resolver)
    chosen = {name: built[name] for name in names}
    for name in sorted(chosen):
        chosen[name].warm()
    return chosen


def build(config: Config, template: Template, resolver: Resolver) -> dict[str, LocalFunction]:
    """All functions of a template by logical id; nothing is imported yet."""
    return {
        name: LocalFunction(
            function,
            root=config.template.parent,
            environment=variables(config, function, resolver),
            region=config.region,
        )
        for name, function in template.functions.items()
    }
