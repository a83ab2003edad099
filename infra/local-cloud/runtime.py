"""Lambda's runtime API, for one `bootstrap` on this machine: it hands out an event and takes the answer."""

import http.server
import json
import os
import pathlib
import queue
import subprocess
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_) -> None:
        """A function that was ended while it waited for an event."""


class Bootstrap:
    """A function's process. `invoke` sends it one event after the other, as Lambda does."""

    def __init__(self, binary: pathlib.Path, variables: dict[str, str], timeout: float = 30) -> None:
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[tuple[bool, bytes, float]] = queue.Queue()
        self.asked = threading.Event()
        self.timeout = timeout
        self.handed_out = 0.0
        server = Server(("127.0.0.1", 0), self._handler())
        self.server = server
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = binary.parent.name
        self.environment = {
            "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": name,
            "AWS_LAMBDA_LOG_STREAM_NAME": "local", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", **variables,
        }
        self.binary = binary

    def __enter__(self) -> "Bootstrap":
        self.started = time.perf_counter()
        self.process = subprocess.Popen([self.binary], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.server.shutdown()
        self.server.server_close()

    def first_asked(self) -> float:
        """Seconds from exec until it first asks for an event."""
        if not self.asked.wait(self.timeout):
            raise TimeoutError(f"{self.binary} asks for nothing")
        return self.asked_at - self.started

    def invoke(self, event: bytes):
        self.events.put(event)
        failed, answer, self.seconds = self.answers.get(timeout=self.timeout)
        if failed:
            raise RuntimeError(answer.decode())
        return json.loads(answer)

    def resident(self) -> int:
        """Bytes of memory in use."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def _handler(owner):  # noqa: N805 - the handler's own `self` is inside
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet an answer: else each waits 40 ms for the other side's acknowledgement.
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                if not owner.asked.is_set():
                    owner.asked_at = time.perf_counter()
                    owner.asked.set()
                event = owner.events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 30) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:local")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                owner.handed_out = time.perf_counter()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) if "Content-Length" in self.headers else self.chunks()
                owner.answers.put((not self.path.endswith("/response"), body, time.perf_counter() - owner.handed_out))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_) -> None:
                pass

        return Handler
