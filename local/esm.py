"""`python -m local esm`: the Kafka event sources of any SAM template, on any cluster; docs/event-sources.md.

Functions run in this process, or at an endpoint that has the Lambda API.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from local import deploy, kafka_batch, processes, template
from local.config import ACCOUNT, Config
from local.deployed import DeployedFunction, lambda_client
from local.destinations import failure_sender
from local.functions import LocalFunction
from local.intrinsics import Resolver
from local.kafka_client import KafkaCluster, NoCluster
from local.kafka_source import KafkaSource
from local.mappings import LONGEST_KAFKA_TIMEOUT, KafkaMapping, TemplateError, known
from local.source import Invocable, stop_all, write_report

_REPORT_SECONDS = 1.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command was given. `parameters` stands for parameters and for what other references come to."""

    template: Path
    bootstrap: str
    endpoint: str | None = None
    in_process: bool = False
    region: str = "cn-north-1"
    reading: str = "resume"
    parameters: dict[str, str] = {}
    names: dict[str, str] = {}
    only: tuple[str, ...] = ()
    status_file: Path | None = None


class EventSources:
    """The running event sources of one template. Raises TemplateError for what cannot be served."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._document = template.read(options.template)
        self._resolver = resolver(self._document, options)
        found, self.passed_by = template.kafka_mappings(self._document, self._resolver.value)
        self.passed_by += [
            f"{mapping.name}: is switched off (Enabled: false)" for mapping in found if not mapping.enabled
        ]
        chosen = [
            mapping for mapping in found if mapping.enabled and (not options.only or mapping.name in options.only)
        ]
        unknown = set(options.only) - {mapping.name for mapping in found}
        if unknown or not chosen:
            names = ", ".join(mapping.name for mapping in found) or "none"
            wanted = ", ".join(sorted(unknown)) or "a Kafka event source that is switched on"
            raise TemplateError(f"{options.template} has not {wanted}; its Kafka event sources: {names}")
        self.cluster = KafkaCluster(options.bootstrap)
        functions = self._functions(sorted({mapping.function for mapping in chosen}))
        self.sources = [self._source(mapping, functions[mapping.function]) for mapping in chosen]
        self._stopped = threading.Event()
        self._reporter = threading.Thread(target=self._write_status, name="status", daemon=True)

    def start(self) -> None:
        """All at once. Raises NoCluster when nobody answers."""
        self.cluster.is_embedded()
        for source in self.sources:
            source.start()
        self._reporter.start()

    def stop(self) -> None:
        """Finish the batches in hand, commit, leave the groups."""
        stop_all(self.sources, patience=LONGEST_KAFKA_TIMEOUT)
        self._stopped.set()
        self.cluster.close()

    def report(self) -> list[str]:
        """A line for each source: how far its group is, and what came of its last batch."""
        lines = []
        lags = self.cluster.lags([source.mapping for source in self.sources])
        for source in self.sources:
            mapping, state = source.mapping, source.state
            lag = lags[mapping.name]
            behind = "unknown" if lag is None else lag
            counted = f"records {state['records']}  given up {state.get('given_up', 0)}  lag {behind}"
            lines.append(
                f"{mapping.name}  topic {mapping.topic}  group {mapping.group}  {counted}  last: {state['last']}"
            )
        return lines

    def _functions(self, names: list[str]) -> Mapping[str, Invocable]:
        if not self._options.in_process:
            client = lambda_client(deploy.session(_config(self._options)))
            return {name: DeployedFunction(self._physical(name), client=client) for name in names}
        functions = {name: in_process(self._document, name, self._resolver, self._options) for name in names}
        _share_modules(self._document, self._options.template.parent, functions)
        _share_environment(functions)
        for function in functions.values():
            function.warm()
        return functions

    def _physical(self, name: str) -> str:
        declared = template.setting(self._document, name, "FunctionName")
        given = self._options.names.get(name)
        return given or str(known(f"{name}.FunctionName", declared, self._resolver.value) or name)

    def _source(self, mapping: KafkaMapping, function: Invocable) -> KafkaSource:
        place = f"{mapping.function}.Events.{mapping.event}"
        target = known(f"{place}.DestinationConfig", mapping.destination, self._resolver.value)
        if target and not str(target).startswith("kafka://") and self._options.endpoint is None:
            raise TemplateError(f"{place}.DestinationConfig: {target} needs --endpoint, where that service answers")
        session = deploy.session(_config(self._options))
        return KafkaSource(
            mapping,
            function,
            kafka=self.cluster,
            cluster_arn=known(f"{place}.Stream", mapping.cluster_arn, self._resolver.value),
            sender=failure_sender(mapping, target, kafka=self.cluster, clients=session.client),
            reading=self._options.reading,
            region=self._options.region,
        )

    def _write_status(self) -> None:
        while self._options.status_file is not None and not self._stopped.is_set():
            write_report(self._options.status_file, {source.mapping.name: source for source in self.sources})
            self._stopped.wait(_REPORT_SECONDS)


def resolver(document: Mapping[str, Any], options: Options) -> Resolver:
    """References of a template that nobody deployed: parameters, and the ARNs names lead to."""
    references: dict[str, Any] = {"AWS::Region": options.region}
    parameters = template.resolver(document, {**references, **options.parameters})
    attributes: dict[str, dict[str, str]] = {}
    for name, resource in document.get("Resources", {}).items():
        kind = {"AWS::SQS::Queue": "sqs", "AWS::SNS::Topic": "sns", "AWS::S3::Bucket": "s3"}.get(resource["Type"])
        if kind is None:
            continue
        properties = resource.get("Properties", {})
        named = properties.get({"sqs": "QueueName", "sns": "TopicName", "s3": "BucketName"}[kind], name)
        try:
            named = parameters.value(named)
        except TemplateError:
            continue  # named after something that is not known here: whoever refers to it is told
        where = "arn:aws:s3::" if kind == "s3" else f"arn:aws:{kind}:{options.region}:{ACCOUNT}"
        arn = f"{where}:{options.parameters.get(name, named)}"
        references[name] = arn if kind == "sns" else named
        attributes[name] = {"Arn": arn, "TopicArn": arn}
    return template.resolver(document, {**references, **options.parameters}, attributes)


def in_process(document: Mapping[str, Any], name: str, references: Resolver, options: Options) -> LocalFunction:
    """A Python function of the template, in this process. Raises TemplateError for any other."""
    runtime = str(template.setting(document, name, "Runtime", ""))
    if not runtime.startswith("python") or template.setting(document, name, "PackageType", "Zip") != "Zip":
        raise TemplateError(f"{name}: a {runtime or 'container'} function cannot run in this process; use --endpoint")
    function = template.function(document, name, references.value)
    environment = {
        key: str(known(f"{name}.Environment.{key}", value, references.value))
        for key, value in function.environment.items()
    }
    return LocalFunction(function, root=options.template.parent, environment=environment, region=options.region)


def _share_modules(document: Mapping[str, Any], root: Path, functions: Mapping[str, LocalFunction]) -> None:
    """Put the functions' folders and their local layers on the path, as Lambda does for each by itself."""
    owners: dict[str, str] = {}
    folders: dict[Path, None] = {}
    for name, function in functions.items():
        folder = (root / function.definition.folder).resolve()
        if folder not in folders:
            handler = function.definition.handler.split(".")[0].split("/")[0]
            for module in _modules(folder) - {handler}:
                if module in owners:
                    both = f"{owners[module]} and {name} both have a module {module}"
                    raise TemplateError(f"{both}; run one of them with --only, or use --endpoint")
                owners[module] = name
        folders[folder] = None
        for layer in template.layers(document, name):
            declared = document["Resources"].get(layer.get("Ref") if isinstance(layer, Mapping) else None, {})
            content = declared.get("Properties", {}).get("ContentUri")
            if isinstance(content, str):
                place = (root / content).resolve()
                folders[place / "python" if (place / "python").is_dir() else place] = None
    sys.path[:0] = [str(folder) for folder in folders]


def _modules(folder: Path) -> set[str]:
    return {item.stem for item in folder.glob("*") if item.suffix == ".py" or (item / "__init__.py").is_file()}


def _share_environment(functions: Mapping[str, LocalFunction]) -> None:
    """The variables handlers read while they run; one process has one of each."""
    owners: dict[str, tuple[str, str]] = {}
    for name, function in functions.items():
        for key, value in function.environment.items():
            other, before = owners.setdefault(key, (name, value))
            if before != value:
                raise TemplateError(
                    f"{other} and {name} have another {key} each; run one of them with --only, or use --endpoint"
                )
            os.environ[key] = value


def _config(options: Options) -> Config:
    return Config(endpoint=options.endpoint, region=options.region)


def _pairs(_: Any, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value}: expected NAME=VALUE", param=option)
        pairs[name] = rest
    return pairs


@click.command("esm")
@click.option("--template", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--bootstrap", required=True, metavar="HOST:PORT,…", help="the Kafka cluster")
@click.option("--endpoint", metavar="URL", help="where Lambda, SQS, SNS and S3 answer")
@click.option("--in-process", is_flag=True, help="run the functions here; Python only")
@click.option("--region", default="cn-north-1", show_default=True)
@click.option("--reading", type=click.Choice(kafka_batch.READINGS), default="resume", help="of partial answers")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", callback=_pairs)
@click.option("--function-name", "names", multiple=True, metavar="LOGICAL=PHYSICAL", callback=_pairs)
@click.option("--only", multiple=True, metavar="FUNCTION.EVENT")
@click.option("--status-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def command(**given: Any) -> None:
    """Run the Kafka event sources of a SAM template until SIGTERM or Ctrl-C; SIGUSR1 reports."""
    options = Options(**given)
    if not options.in_process and options.endpoint is None:
        raise click.UsageError("say where the functions run: --in-process or --endpoint URL")
    if options.endpoint is not None:
        os.environ["AWS_ENDPOINT_URL"] = options.endpoint
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread exists: threads inherit the mask
    processes.write_log()
    try:
        running = EventSources(options)
        for line in running.passed_by:
            click.echo(f"passed by: {line}")
        running.start()
    except (TemplateError, NoCluster) as error:
        raise click.ClickException(str(error)) from None
    for source in running.sources:
        mapping = source.mapping
        click.echo(f"{mapping.name}: topic {mapping.topic}, group {mapping.group}, from {mapping.starting_position}")
    while signal.sigwait(signals) == signal.SIGUSR1:
        click.echo("\n".join(running.report()))
    click.echo("stopping: the batches in hand are finished first")
    running.stop()
    click.echo("\n".join(running.report()))
