"""APScheduler with its SQLAlchemy store on SQLite, each write synced (journal WAL, synchronous FULL).

Create: one schedule at a time, as its interface has it. Fire: all are due; each runs once and is removed. Start: a new
process state reads the store with the same number of schedules in it.
"""

import os
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, event

count, work = int(sys.argv[1]), sys.argv[2]
path = os.path.join(work, "apscheduler.sqlite")
fired, all_fired = 0, threading.Event()
lock = threading.Lock()


def note(number):
    global fired
    with lock:
        fired += 1
        if fired == count:
            all_fired.set()


def scheduler():
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def durable(connection, _):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=engine)},
        executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": None, "max_instances": 1},
        timezone=timezone.utc,
    )


def create(due):
    for number in range(count):
        running.add_job(note, "date", run_date=due, args=[number], id=f"schedule-{number:08}")


def remove():
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)


remove()
running = scheduler()
running.start(paused=True)
begun = time.perf_counter()
create(datetime.now(timezone.utc) + timedelta(days=1))
created = count / (time.perf_counter() - begun)
running.shutdown()
size = os.path.getsize(path) / count

begun = time.perf_counter()
running = scheduler()
running.start(paused=True)
running.get_jobs()
start_ms = (time.perf_counter() - begun) * 1000
running.shutdown()

remove()
running = scheduler()
running.start(paused=True)
create(datetime.now(timezone.utc))
begun = time.perf_counter()
running.resume()
all_fired.wait()
while running.get_jobs():
    time.sleep(0.001)
rate = count / (time.perf_counter() - begun)
running.shutdown()
remove()
print(f"APScheduler|{version('apscheduler')}, SQLite|{created:.0f}|{rate:.0f}|{size:.0f}|{start_ms:.0f}")
