"""``covid3dgan app``: a local page that opens CTs, finds lesions, lets people correct them and keeps the result."""

__all__ = ["add_arguments", "run"]

from pathlib import Path

from covid3dgan import progress
from covid3dgan.errors import InputError


def add_arguments(parser):
    parser.add_argument("--data", metavar="FOLDER", help="CTs to pick from; others are dropped onto the page")
    parser.add_argument("--work", metavar="FOLDER", help="where cases and corrections are kept (left out: this "
                        "system's place for data of programs)")
    parser.add_argument("--model", help="a run or an exported network as for 'predict'; left out, the network that "
                        "comes along")
    parser.add_argument("--port", type=int, default=0, help="of the page on this machine; 0: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--export", metavar="FOLDER", help="start nothing: write the corrected and checked CTs with "
                        "their masks as a data set for 'evaluate' and 'train'")


def run(args):
    if args.export:
        return _export(args)
    from covid3dgan.app.launch import launch

    return launch(args.port, args.data, args.work, args.model, not args.no_browser)


def _export(args):
    from covid3dgan.app.data_set import write_data_set
    from covid3dgan.app.folder import WorkFolder, default_folder
    from covid3dgan.app.store import Store

    work = Path(args.work or default_folder())
    if not work.is_dir():
        raise InputError(work, "the work folder of an app", "no such folder", "name the folder that --work had there")
    folder = WorkFolder(work)
    store = Store(folder.list)
    try:
        path, count = write_data_set(store, folder, args.export)
    finally:
        store.close()
        folder.close()
    progress.say(f"{count} {'CT with its mask' if count == 1 else 'CTs with their masks'}: {path}")
    return 0
