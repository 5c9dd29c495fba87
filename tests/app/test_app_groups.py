"""What the page makes of dropped files: a NIfTI or zip file is an upload of its own, the rest are one study."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import covid3dgan
from covid3dgan.viewer import build

ROOM = Path(covid3dgan.__file__).parent
FILES = ("app/page/upload.js", "app/page/api.js", "viewer/page/elements.js")


def test_dropped_files_become_uploads(tmp_path):
    try:
        node, _ = build._node()
    except build.BuildError as error:
        pytest.skip(str(error))
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOM / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "test.js").write_text("""
        import { groups } from './app/page/upload.js'
        const paths = (files) => files.map(({ path }) => path)
        const said = (...dropped) => groups(dropped.map((path) => ({ path })))
          .map(({ name, files }) => [name, ...paths(files)])
        const study = said('a.nii.gz', 'b.zip', 'study/1.dcm', 'study/2.dcm', '.hidden', 'study/.x/3.dcm')
        console.log(JSON.stringify([study, said('1.dcm', '2.dcm'), said('photo.png')]))""")
    done = subprocess.run([node, "test.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    study, loose, single = json.loads(done.stdout)
    assert study == [["a.nii.gz", "a.nii.gz"], ["b.zip", "b.zip"], ["study", "study/1.dcm", "study/2.dcm"]]
    assert loose == [["DICOM", "DICOM/1.dcm", "DICOM/2.dcm"]] and single == [["photo.png", "photo.png"]]
