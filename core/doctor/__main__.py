"""All findings, each as a line of JSON as soon as it is there: what `core.doctor.apart` reads."""

from __future__ import annotations

import json
from dataclasses import asdict

from core.doctor.examination import findings

if __name__ == "__main__":
    for finding in findings():
        print(json.dumps(asdict(finding)), flush=True)
