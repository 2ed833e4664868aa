"""chimewheel itself, as its row beside the others: the figures of `chimewheel bench engine`, deliveries included."""

import json
import subprocess
import sys

count, program = int(sys.argv[1]), sys.argv[2]
command = [program, "bench", "engine", "--schedules", str(max(count, 1000)), "--seconds", "1", "--json"]
figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
created, fired, booted = figures["created"], figures["delivered"], figures["booted"]
start_ms = booted["seconds"] * 1000
print(
    f"chimewheel|{version}, redb|{created['per_second']:.0f}|{fired['per_second']:.0f}"
    f"|{created['schedule_bytes']:.0f}|{start_ms:.0f}"
)
