"""A worker that does what a request's label says: to try how the caller bears with it, without TensorFlow."""

import json
import os
import signal
import subprocess
import sys
import time


def say(event: str, message: str = "") -> None:
    sys.stdout.write(json.dumps({"event": event, "message": message}) + "\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        label = json.loads(line)["label"]
        say("progress", f"{label} begun")
        if label == "dies":
            sys.stderr.write("some text\nthe last words\n")
            sys.stderr.flush()
            os._exit(9)
        elif label == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif label == "out of memory":
            sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
            sys.stderr.flush()
            os.abort()
        elif label == "hangs":
            time.sleep(600)
        elif label == "hangs with a child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            say("progress", str(child.pid))
            time.sleep(600)
        elif label == "prints for long":
            for _ in range(12):
                sys.stderr.write("epoch\n")
                sys.stderr.flush()
                time.sleep(0.25)
        elif label == "nonsense":
            sys.stdout.write("<html>\n")
            sys.stdout.flush()
            time.sleep(600)
        elif label == "refuses":
            say("error", "refuses, with a reason")
            continue
        say("done", str(os.getpid()))


if __name__ == "__main__":
    main()
