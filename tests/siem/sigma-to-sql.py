"""Converts every Sigma rule in a folder to SQLite SQL over the table `records`; prints {"<name of the file>": "<SQL>"}."""

import json
import sys
from pathlib import Path

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection


def sql_of(file: Path) -> str:
    backend = sqliteBackend(
        table="records",
        event_id_field="metadata.uid",
        timestamp_field="time",
        timestamp_seconds_expression="{field} / 1000.0",
    )
    # A file has one rule, or a correlation rule with the rule that it counts, which produces no separate query.
    [sql] = backend.convert(SigmaCollection.from_yaml(file.read_text(encoding="utf-8")))
    return sql


json.dump({file.stem: sql_of(file) for file in sorted(Path(sys.argv[1]).rglob("*.yml"))}, sys.stdout)
