"""Worker processes: how many, one OpenCV thread each, and none outlives its parent."""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait

import cv2

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_worker() -> None:
    """For the initializer of a pool of spawned processes."""
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def one_thread() -> None:
    """As many processes as cores need one thread each."""
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)
