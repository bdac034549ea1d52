"""
Generates the JSON Schemas (Draft 2020-12) that the records for SIEMs are checked against, from the published OCSF schema.

    "$(node tools/python-tools.mjs ocsf)" tools/ocsf-schemas.py

They are committed, so the tests do not need Python. Run it again for another version, class or profile; the same input gives the
same bytes. Captions are the names of the numbers in the schema: records contain both, and a test compares them.
"""

import json
from pathlib import Path

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"
PROFILES = ["security_control"]
CLASSES = [
    "account_change",
    "api_activity",
    "authentication",
    "detection_finding",
    "entity_management",
    "user_access",
]
ENUMS = ["activity_id", "severity_id", "status_id", "action_id", "disposition_id"]

folder = Path(__file__).resolve().parent.parent / "libs" / "contracts" / "samples" / "ocsf"
source = get_ocsf_schema(VERSION)
generator = OcsfJsonSchemaEmbedded(source)


def write(name: str, value: dict) -> None:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"{name}.json: {len(text) + 1} bytes")


def captions(name: str) -> dict:
    described = source["classes"][name]
    attributes = described["attributes"]
    category = source["categories"]["attributes"][described["category"]]
    return {
        "class_name": described["caption"],
        "category_uid": category["uid"],
        "category_name": category["caption"],
        **{enum: {key: one["caption"] for key, one in attributes[enum]["enum"].items()} for enum in ENUMS},
    }


folder.mkdir(parents=True, exist_ok=True)
for class_name in CLASSES:
    write(class_name, generator.get_class_schema(class_name, PROFILES))
write("captions", {str(source["classes"][name]["uid"]): captions(name) for name in CLASSES})
