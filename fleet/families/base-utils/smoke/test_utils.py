"""base-utils: curl for health commands, dumb-init and gosu for entry points that want them, time zones."""

import http.server
import subprocess
import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


class Health(http.server.BaseHTTPRequestHandler):
    """Answers /health with 200 and everything else with 503."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def test_curl_tells_healthy_from_unhealthy() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    codes = [
        subprocess.run(["curl", "--silent", "--fail", "--max-time", "5", url + path]).returncode
        for path in ("/health", "/other")
    ]
    server.shutdown()
    assert codes == [0, 22], codes


def test_curl_speaks_tls_and_knows_authorities() -> None:
    said = subprocess.check_output(["curl", "--version"], text=True)
    assert "https" in said, said
    assert "SSL" in said or "TLS" in said, said
    # Nothing answers without a network; a bundle that is missing would be told first.
    done = subprocess.run(["curl", "--silent", "--show-error", "https://192.0.2.1/"], capture_output=True, text=True)
    assert done.returncode == 7, (done.returncode, done.stderr)


def test_dumb_init_passes_an_exit_code_on() -> None:
    code = subprocess.run(["dumb-init", "sh", "-c", "exit 7"]).returncode
    assert code == 7, code


def test_gosu_runs_a_program_as_the_user_that_one_is() -> None:
    said = subprocess.check_output(["gosu", "--version"], text=True)
    assert said[:1].isdigit(), said
    refused = subprocess.run(["gosu", "nobody", "true"], capture_output=True, text=True)
    assert refused.returncode, "appuser became another user"


def test_time_zones_are_there() -> None:
    manila, london = ZoneInfo("Asia/Manila"), ZoneInfo("Europe/London")
    assert datetime(2026, 1, 1, tzinfo=manila).utcoffset() == timedelta(hours=8)
    assert datetime(2026, 7, 1, tzinfo=london).utcoffset() == timedelta(hours=1)
