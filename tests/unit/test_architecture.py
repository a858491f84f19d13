"""The rules of the house, read off the source: what may import what, and where the environment is read."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PRODUCT = REPOSITORY / "layers" / "core" / "python" / "liangwang"
FUNCTIONS = sorted((REPOSITORY / "functions").glob("*/app.py"))
MODULES = sorted(path for path in PRODUCT.rglob("*.py") if "fakes" not in path.parts)
KAFKA = {"relay", "publisher"}

ENVIRONMENT = {
    "AWS_REGION": "cn-north-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "CATALOGUE_DIR": str(REPOSITORY / "layers" / "catalogue"),
    "TABLE": "table",
    "AUDIT_TABLE": "audit",
    "OUTSIDE_KEY": "alias/liangwang/outside",
    "AUDIT_KEY": "alias/liangwang/audit",
    "GOVERNANCE_TABLE": "governance",
    "DEPARTMENT_TABLE": "department",
    "STATISTICS_TABLE": "statistics",
    "TOKEN_KEY": "alias/liangwang/token",
    "GOVERNANCE_KEY": "alias/liangwang/governance",
    "DOCUMENT_KEYS": "alias/liangwang/document",
    "CERTIFICATE_KEY": "alias/liangwang/certificate",
    "TOKEN_ISSUER": "https://liangwang.example",
    "DEPARTMENT_KEY_PREFIX": "alias/liangwang/department/",
    "LIMITS_TABLE": "limits",
    "SOURCE_REQUESTS_PER_MINUTE": "3000",
    "ACCOUNT_REQUESTS_PER_MINUTE": "600",
    "SYSTEM_REQUESTS_PER_MINUTE": "60000",
    "PERSONAL_KEY": "alias/liangwang/personal",
    "BLIND_INDEX_SECRET": "blind-index",
    "FORGET_DECIDED_AFTER_DAYS": "365",
    "FORGET_WITHDRAWN_AFTER_DAYS": "90",
    "MATERIALS_BUCKET": "materials",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "EXCHANGE_URL": "http://127.0.0.1:1",
    "PYTHONPATH": str(REPOSITORY / "layers" / "core" / "python"),
}


def name_of(path):
    return path.relative_to(REPOSITORY).as_posix()


def imports(path):
    """The top-level packages a module imports, relative ones as ``.``, and the modules inside ours by their path."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", sorted((PRODUCT / "domain").glob("*.py")), ids=name_of)
def test_the_domain_imports_the_standard_library_and_structs_only(path):
    for name in imports(path):
        first = name.partition(".")[0]
        inside = name.startswith(".") and not name.startswith("..")
        assert inside or first in sys.stdlib_module_names or first == "msgspec", f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((PRODUCT / "domain").glob("*.py")), ids=name_of)
def test_the_domain_knows_neither_clock_nor_chance_nor_files(path):
    banned = {"time", "random", "os", "uuid", "secrets", "pathlib", "socket", "io"}
    assert not banned & {name.partition(".")[0] for name in imports(path)}
    source = path.read_text("utf-8")
    assert ".now(" not in source and ".today(" not in source and "open(" not in source.replace("_open(", "")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_wiring_reads_the_environment(path):
    source = path.read_text("utf-8")
    reads = any(word in source for word in ("os.environ", "os.getenv", "environb"))
    assert not reads or path.parent.name == "wiring" or path.name == "outside.py"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_product_never_depends_on_the_local_machine_its_tests_or_its_fakes(path):
    for name in imports(path):
        assert name.partition(".")[0] not in {"local", "tests", "bench", "pytest"}, name
        assert "fakes" not in name.split("."), name


@pytest.mark.parametrize("path", FUNCTIONS, ids=name_of)
def test_a_function_imports_the_product_and_no_other_function(path):
    for name in imports(path):
        first = name.partition(".")[0]
        assert first == "liangwang" or first in sys.stdlib_module_names, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", FUNCTIONS, ids=name_of)
def test_a_function_is_one_short_file_with_a_handler_and_no_branch_on_the_business(path):
    assert [one.name for one in path.parent.glob("*.py")] == ["app.py"]
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    (handler,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    assert handler.name == "handler"
    assert len(handler.body) <= 4


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "producer.py"], ids=name_of)
def test_kafka_is_imported_where_messages_are_produced_only(path):
    assert "confluent_kafka" not in {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_loads_kafka_only_if_it_produces_and_boto3_never(path):
    """A cold start pays for every import: each function is started alone and asked what it has loaded."""
    code = "import sys, app; print(*{name.partition('.')[0] for name in sys.modules}.intersection({'confluent_kafka', 'boto3', 'botocore', 'reportlab', 'PIL'}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=path.parent, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == ({"confluent_kafka"} if path.parent.name in KAFKA else set())


@pytest.mark.parametrize("path", [*MODULES, *FUNCTIONS], ids=name_of)
def test_a_module_says_what_it_is_for_and_stays_under_four_hundred_lines(path: Path):
    source = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(source))
    assert source.count("\n") < 400
