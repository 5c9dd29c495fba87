"""The list of cases in SQLite: every change is on the disk before the browser hears of it."""

__all__ = ["Store"]

import json
import sqlite3
import threading
import time
from pathlib import Path

_TABLES = """
create table if not exists cases (
    id text primary key, source text not null, owned integer not null, item text, name text not null,
    state text not null, error text, tries integer not null default 0, added real not null,
    patient text not null default '', date text not null default '', facts text,
    hand integer not null default 0, checked integer not null default 0, threshold integer,
    revision integer not null default 0);
create table if not exists settings (name text primary key, value text not null);
create table if not exists speeds (stage text primary key, seconds real not null);
"""
# What a case is: waiting, at work, done, failed (its sentence in error), or stopped by the user.
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"


class Store:
    """All cases, for any thread.

    Attributes of a case (a dict): ``id``; ``source``: the path of what it is read from, ``owned`` where that lies in
    the list's folder, which may be moved as a whole; ``item``: which CT of the source; ``name``; ``state``; ``error``;
    ``tries``; ``added``; ``patient``, ``date``; ``facts``: dict or None; ``hand``: changed by hand; ``checked``:
    approved by a person; ``threshold``: 1 to 255, None for the network's own; ``revision``: counts what was saved.
    """

    def __init__(self, path):
        self._lock, self._folder = threading.RLock(), Path(path).resolve().parent
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        with self._lock:
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = full")
            self._database.executescript(_TABLES)
        self.requeue()

    def requeue(self):
        """Cases that seem to be at work wait again: to be called where none is."""
        self._write("update cases set state = ? where state = ?", (QUEUED, RUNNING))

    def add(self, identity, source, owned, item, name):
        """A new case at the end of the queue."""
        self._write("insert into cases (id, source, owned, item, name, state, added) values (?, ?, ?, ?, ?, ?, ?)",
                    (identity, self._place(source, owned), int(owned), item, name, QUEUED, time.time()))

    def found(self, case, item, others):
        """Notes which CT of its source a case is, and adds the source's other CTs to the queue: all of it or nothing.

        Args:
            case: a dict of ``get``.
            others: {id of a new case: its CT}.
        """
        with self._lock, self._database:
            self._database.execute("begin immediate")
            self.change(case["id"], item=item)
            for identity, other in others.items():
                self.add(identity, case["source"], case["owned"], other, other)

    def change(self, identity, **values):
        """Sets columns of a case."""
        if "facts" in values:
            values["facts"] = json.dumps(values["facts"])
        names = ", ".join(f"{name} = ?" for name in values)
        self._write(f"update cases set {names} where id = ?", (*values.values(), identity))

    def remove(self, identity):
        """Takes a case off the list."""
        self._write("delete from cases where id = ?", (identity,))

    def get(self, identity):
        """A case, or None."""
        rows = self._read("select * from cases where id = ?", (identity,))
        return rows[0] if rows else None

    def all(self):
        """Every case, the newest first."""
        return self._read("select * from cases order by added desc, rowid desc")

    def next(self):
        """The case that waits longest, or None."""
        rows = self._read("select * from cases where state = ? order by added, rowid limit 1", (QUEUED,))
        return rows[0] if rows else None

    def uses(self, source):
        """How many cases are read from a source that lies in the list's folder."""
        return self._read("select count(*) as n from cases where source = ?", (self._place(source, True),))[0]["n"]

    def speeds(self):
        """{stage: seconds for a million voxels}, as measured on this machine, and "voxels": of a CT."""
        return {row["stage"]: row["seconds"] for row in self._read("select * from speeds")}

    def keep_speed(self, name, measured):
        """Remembers what was measured, half of it the latest time."""
        earlier = self.speeds().get(name, measured)
        self._write("insert or replace into speeds values (?, ?)", (name, (earlier + measured) / 2))

    def settings(self):
        """{name: text} of what the page remembers: the theme, and that the tour was seen."""
        return {row["name"]: row["value"] for row in self._read("select * from settings")}

    def set(self, name, value):
        """Remembers a setting."""
        self._write("insert or replace into settings values (?, ?)", (name, value))

    def close(self):
        """No call may follow."""
        with self._lock:
            self._database.close()

    def _place(self, source, owned):
        """How a source is written down."""
        source = Path(source).resolve()
        return source.relative_to(self._folder).as_posix() if owned else str(source)

    def _write(self, command, values):
        with self._lock:
            self._database.execute(command, values)

    def _read(self, command, values=()):
        with self._lock:
            rows = [dict(row) for row in self._database.execute(command, values).fetchall()]
        for row in rows:
            if row.get("owned"):
                row["source"] = str(self._folder / row["source"])
            if row.get("facts"):
                row["facts"] = json.loads(row["facts"])
        return rows
