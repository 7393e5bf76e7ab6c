"""Compares the records of trainings below WORK/old/runs and WORK/new/runs, number by number."""
import json
import sys

KEYS = ("step", "stage", "loss", "validation", "learningRate", "reconstruction", "divergence", "beta")


def records(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def main(work, names):
    failed = False
    for name in names:
        old, new = (records(f"{work}/{side}/runs/{name}/metrics.jsonl") for side in ("old", "new"))
        found = [
            f"record {index + 1}, {key}: {first[key]} and {second[key]}"
            for index, (first, second) in enumerate(zip(old, new))
            for key in KEYS
            if key in first and key in second and first[key] != second[key]
        ]
        if len(old) != len(new):
            found.insert(0, f"{len(old)} and {len(new)} records")
        failed |= bool(found)
        worst = max(
            (abs(a["loss"] - b["loss"]) / max(abs(a["loss"]), 1e-300) for a, b in zip(old, new)),
            default=0,
        )
        print(f"{name}: {len(old)} records", "differ: " + "; ".join(found[:3]) + f"; losses by up to {worst:.1e}" if found else "are the same")
    sys.exit(failed)


main(sys.argv[1], sys.argv[2:])
