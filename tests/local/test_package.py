"""What is deployed: zips that depend on their contents only, within their limits, and a layer that is built once."""

import os
import sys
import zipfile

import pytest

from local import package
from local.config import Config
from local.package import Package, PackageError
from tests.conftest import REPOSITORY

TEMPLATE = """
Resources:
  Libraries:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: libraries, CompatibleRuntimes: [python3.12]}
    Metadata: {BuildMethod: makefile}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: shared, CompatibleRuntimes: [python3.12]}
  First:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/door, Handler: app.handler}
  Second:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/door, Handler: app.handler}
"""

MAKEFILE = """
build-Libraries:
	mkdir -p "$(ARTIFACTS_DIR)/python"
	echo "$(PYTHON_VERSION) $(PLATFORMS)" > "$(ARTIFACTS_DIR)/python/built_for.txt"
	echo built >> "{log}"
"""


@pytest.fixture
def config(tmp_path):
    files = {
        "template.yaml": TEMPLATE,
        "libraries/Makefile": MAKEFILE.format(log=tmp_path / "built.log"),
        "shared/python/house.py": "RULE = 1\n",
        "functions/door/app.py": "def handler(event, context): return event\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Config(root=tmp_path, template=tmp_path / "template.yaml")


def built(config):
    """Packages by the first resource they are for."""
    return {one.resources[0]: one for one in package.build(config)}


def names(one):
    with zipfile.ZipFile(one.path) as archive:
        return archive.namelist()


def test_a_package_a_layer_and_one_a_function_folder(config):
    packages = built(config)
    assert [one.resources for one in packages.values()] == [("Libraries",), ("Shared",), ("First", "Second")]
    assert names(packages["Libraries"]) == ["python/built_for.txt"]
    assert names(packages["Shared"]) == ["python/house.py"]
    assert names(packages["First"]) == ["app.py"]


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(config, tmp_path):
    (tmp_path / "functions/door/words.txt").write_text("申请")
    before = built(config)["First"].path.read_bytes()
    for path in (tmp_path / "functions/door").iterdir():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    assert built(config)["First"].path.read_bytes() == before


def test_the_key_changes_with_the_content_and_only_with_it(config, tmp_path):
    before = built(config)["First"].key
    assert built(config)["First"].key == before
    (tmp_path / "functions/door/app.py").write_text("def handler(event, context): return None\n")
    assert built(config)["First"].key != before


def test_compiled_python_is_left_out(config, tmp_path):
    (tmp_path / "shared/python/__pycache__").mkdir()
    (tmp_path / "shared/python/__pycache__/house.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "shared/python/old.pyc").write_bytes(b"x")
    assert names(built(config)["Shared"]) == ["python/house.py"]


def test_a_file_that_can_be_run_stays_so(config, tmp_path):
    (tmp_path / "shared/python/house.py").chmod(0o700)
    with zipfile.ZipFile(built(config)["Shared"].path) as archive:
        assert archive.infolist()[0].external_attr >> 16 == 0o100755


def test_a_layer_is_built_once_and_anew_when_what_it_is_built_from_changes(config, tmp_path):
    built(config)
    built(config)
    assert (tmp_path / "built.log").read_text() == "built\n"
    (tmp_path / "libraries/requirements.txt").write_text("one\n")
    built(config)
    assert (tmp_path / "built.log").read_text() == "built\nbuilt\n"


def test_a_layer_is_built_for_this_python_here_and_for_lambda_s_elsewhere(config):
    def built_for(config):
        with zipfile.ZipFile(built(config)["Libraries"].path) as archive:
            return archive.read("python/built_for.txt").decode().split()

    (here,) = built_for(config)
    assert here == "{}.{}".format(*sys.version_info)
    elsewhere = Config(root=config.root, template=config.template, endpoint="http://127.0.0.1:1")
    assert built_for(elsewhere)[0] == "3.12"


def test_a_layer_that_cannot_be_built_says_why_in_one_line(config, tmp_path):
    (tmp_path / "libraries/Makefile").write_text("build-Libraries:\n\techo 'no network' >&2; false\n")
    with pytest.raises(PackageError, match=r"^Libraries was not built: no network$"):
        package.build(config)


def test_a_package_above_its_limit_is_named_with_its_size(config, tmp_path):
    (tmp_path / "functions/door/noise.bin").write_bytes(os.urandom(package.FUNCTION_LIMIT))
    with pytest.raises(
        PackageError, match=r"functions-door.zip \(First, Second\) has 100,\d+ bytes, 100,000 are allowed"
    ):
        package.build(config)


def test_our_own_functions_and_layers_are_far_below_their_limits(tmp_path):
    """The dependency layer, which needs PyPI, is measured where it is deployed: tests/e2e/test_deployed.py."""
    for folder in sorted(path.parent for path in (REPOSITORY / "functions").glob("*/app.py")):
        target = tmp_path / f"{folder.name}.zip"
        package.write_zip(folder, target)
        assert target.stat().st_size < 10_000
    package.write_zip(REPOSITORY / "layers" / "core", tmp_path / "core.zip")
    one = Package(resources=("CoreLayer",), path=tmp_path / "core.zip", limit=1_000_000)
    package.check(one)
