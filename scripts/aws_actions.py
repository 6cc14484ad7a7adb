#!/usr/bin/env python3
"""The names of all of AWS's actions, from botocore's models, for docs/operations.md to count ours against.

    target/venv/bin/python3 scripts/aws_actions.py ec2 sts

writes docs/aws-actions/SERVICE.txt for each. Done again with a newer botocore it shows what AWS has added.
"""

import pathlib
import sys

import botocore
import botocore.loaders


def main():
    folder = pathlib.Path(__file__).parent.parent / "docs" / "aws-actions"
    folder.mkdir(parents=True, exist_ok=True)
    for service in sys.argv[1:]:
        model = botocore.loaders.Loader().load_service_model(service, "service-2")
        version = model["metadata"]["apiVersion"]
        lines = [f"# AWS's {service}, {version}, as of botocore {botocore.__version__}", *sorted(model["operations"])]
        (folder / f"{service}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
