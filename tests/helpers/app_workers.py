"""Stand-ins for app.worker.work that need no network."""

import os
import time
from pathlib import Path

from covid3dgan.errors import InputError


def slow(connection, model):
    """Takes each job and works on it until it is killed; a job whose source is called 'dies' ends the process."""
    connection.send({"ready": {"file": "none"}})
    while True:
        job = connection.recv()
        connection.send({"job": job["job"], "found": "ct", "others": []})
        connection.send({"job": job["job"], "stage": "lungs", "voxels": 10**8})
        name = Path(job["source"]).name
        if name == "dies":
            os._exit(9)
        if name == "slow":
            time.sleep(600)
        connection.send({"job": job["job"], "done": {"infection_ml": 1.0}, "about": {"patient": "p", "date": ""}})


def fatal(connection, model):
    """Cannot load its network."""
    connection.send({"fatal": InputError(model, "a network", "none", "name another")})
